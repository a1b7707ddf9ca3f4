"""Why a turn over ACP failed: real agents' own words, each with the evidence that it gives."""

from typing import Any

import pytest

from taxiway.agents.acp_verdict import verdict_of
from taxiway.agents.acp_wire import Fault
from taxiway.agents.dialogue import TurnEnded
from taxiway.agents.onehunk import one_hunk
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind
from taxiway.core.task import Reason
from tests.unit.agents.acp_floor import Stage

RATE, QUOTA, OVERLOAD = LimitKind.RATE, LimitKind.QUOTA, LimitKind.OVERLOAD


def judged(code: int, message: str, data: Any = None) -> TurnEnded:
    """The verdict of an error."""
    return verdict_of(Fault(code, message, data))


@pytest.mark.parametrize(
    ("code", "message", "data", "kind", "after_s"),
    [
        (429, "the stub fails with 429\nSuggested retry after 1s.", None, RATE, 1),
        (429, "Rate limit exceeded. Try again later.", None, RATE, None),
        (-32603, "Internal error: failure 429. Please try again in 1.5s.", {"errorName": "APIError"}, RATE, 1.5),
        (-32603, "Internal error: Rate limit reached for x. Please try again in 250ms.", None, RATE, 0.25),
        (-32603, "Internal error", {"httpStatusCode": 429, "retryAfter": 20}, RATE, 20),
        (-32603, "Internal error", {"error": {"code": 429, "details": [{"retryDelay": "34.5s"}]}}, RATE, 34.5),
        (-32603, "Too Many Requests, wait 2 minutes", None, RATE, 120),
        (429, "You have exhausted your daily quota on this model.", None, QUOTA, None),
        (-32603, "You've hit your usage limit. Try again in 3 hours.", None, QUOTA, 3 * 3600),
        (-32603, "Internal error: You exceeded your current quota, please check your plan", None, QUOTA, None),
        (-32603, "Internal error: 402 Payment Required", None, QUOTA, None),
        (529, "Overloaded", None, OVERLOAD, None),
        (-32603, "We're currently experiencing high demand", None, OVERLOAD, None),
    ],
)
def test_a_limit_is_told_with_its_reset(
    code: int, message: str, data: Any, kind: LimitKind, after_s: float | None
) -> None:
    """A quota is used up until it resets; anything else passes."""
    end = judged(code, message, data)
    assert end.reason is {QUOTA: Reason.QUOTA, RATE: Reason.RATE_LIMIT, OVERLOAD: Reason.PROVIDER}[kind]
    assert end.passing is (kind is not QUOTA)
    assert end.limit is not None
    assert end.limit.kind is kind
    assert (end.limit.resets_in_s, end.limit.resets_at) == (after_s, None)


@pytest.mark.parametrize(
    ("code", "message", "data", "reason", "passing"),
    [
        (-32000, "Authentication required", None, Reason.AUTH, False),
        (401, "no", None, Reason.AUTH, False),
        (-32603, "Internal error: the stub fails with 401.", {"errorName": "APIError"}, Reason.AUTH, False),
        (-32603, "Incorrect API key provided: sk-test", None, Reason.AUTH, False),
        (500, "terminated", None, Reason.PROVIDER, True),
        (-32603, "Internal error: failure 503", None, Reason.PROVIDER, True),
        (-32603, "Internal error: boom", {"service": "session", "errorName": "APIError"}, Reason.PROVIDER, True),
        (-32603, "stream disconnected before completion", None, Reason.PROVIDER, True),
        (-32603, "Internal error: prompt is too long, 400", {"errorName": "APIError"}, Reason.AGENT_ERROR, False),
        (-32602, "Session not found: x", None, Reason.AGENT_ERROR, False),
        (-32603, "line 500: unexpected token", None, Reason.PROVIDER, True),
        (-32603, "it took 500 ms and 429 tokens", None, Reason.AGENT_ERROR, False),
        (-32601, "Method not found", {"method": "x"}, Reason.AGENT_ERROR, False),
    ],
)
def test_every_other_failure_has_its_reason(code: int, message: str, data: Any, reason: Reason, passing: bool) -> None:
    """The code before the data, the data before the words; a number that is no status does not count."""
    end = judged(code, message, data)
    assert (end.reason, end.passing, end.limit) == (reason, passing, None)


def test_an_error_within_an_error_is_unpacked() -> None:
    """As Gemini passes on what its provider wrote."""
    message = '{"error":{"code":500,"message":"it failed","details":[{"retryDelay":"1s"}]}}'
    assert judged(500, message) == TurnEnded(Reason.PROVIDER, "it failed", passing=True)
    assert judged(500, '{"half": ').error == '{"half": '


@pytest.mark.parametrize("data", [[[[]]] * 1_000, {"a": {"b": [1, None, True, 1e300]}}, "x" * 10_000, -1])
def test_any_data_is_judged_in_little_time(data: Any) -> None:
    """An error is a stranger's, too."""
    assert judged(-32603, "what", data).reason is Reason.AGENT_ERROR


def test_words_of_any_kind_are_judged_in_little_time() -> None:
    """No pattern takes longer than its text is long."""
    for text in (
        "retry " * 100_000,
        "1" * 1_000_000,
        "api key" * 100_000,
        "invalid " * 100_000,
        "retry" + " " * 500_000,
    ):
        assert judged(-32603, text).error


# -- end_turn is not success ------------------------------------------------------------------------------------------
CODEX_ERROR = {
    "message": "Reconnecting... 2/2",
    "codexErrorInfo": {"responseStreamDisconnected": {"httpStatusCode": 429}},
    "additionalDetails": "exceeded retry limit, last status: 429 Too Many Requests, request id: req_stub",
    "willRetry": True,
}


def test_codex_acp_hides_a_rate_limit_in_an_end_turn() -> None:
    """Seen in it: the error stands in the metadata, then as the agent's text; the turn ends as if well."""
    stage = Stage().meet().begin()
    stage.update("session_info_update", _meta={"codex": {"error": CODEX_ERROR}})
    stage.update("session_info_update", _meta={"codex": {"threadStatus": {"type": "systemError"}}})
    stage.text("exceeded retry limit, last status: 429 Too Many Requests\n\n")
    end = stage.end(usage=None, _meta={"quota": {"token_count": None, "model_usage": []}})
    assert end.reason is Reason.RATE_LIMIT
    assert end.limit is not None
    assert "429 Too Many Requests" in stage.said(EventType.ERROR)[0]["text"]


def test_an_error_that_was_got_over_is_no_failure() -> None:
    """It tried again, and the turn ended well."""
    stage = Stage().meet().begin()
    stage.update("session_info_update", _meta={"codex": {"error": CODEX_ERROR}})
    stage.text("done")
    assert stage.end(usage={"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}) == TurnEnded()


@pytest.mark.parametrize(
    ("words", "fields", "reason"),
    [
        ("API Error: 429 Too Many Requests", {"usage": None}, Reason.RATE_LIMIT),
        ("401 Unauthorized", {"usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}}, Reason.AUTH),
        ("Rate limit exceeded", {}, None),  # it never says anything of usage: that is no evidence
        ("I mended the rate limit", {"usage": {"inputTokens": 5, "outputTokens": 9, "totalTokens": 14}}, None),
        ("Here is my help text", {"usage": None}, None),
        ("", {}, Reason.AGENT_ERROR),
        ("fine", {"_meta": {"error": {"statusCode": 503}}}, Reason.PROVIDER),
    ],
)
def test_words_that_no_model_said_are_evidence(words: str, fields: Any, reason: Reason | None) -> None:
    """An error told as text, in a turn that consumed nothing by the agent's own word; or no word at all."""
    stage = Stage().meet().begin()
    stage.text(words)
    assert stage.end(**fields).reason is reason


# -- changes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "diff"),
    [
        (None, "a\nb\n", "--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n"),
        ("a\n", "a\n", ""),
        ("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\nE\nf\n", "--- f\n+++ f\n@@ -2,5 +2,5 @@\n b\n c\n d\n-e\n+E\n f\n"),
        ("a\na\n", "a\n", "--- f\n+++ f\n@@ -1,2 +1,1 @@\n a\n-a\n"),
        ("a\n", "", "--- f\n+++ f\n@@ -1,1 +0,0 @@\n-a\n"),
    ],
)
def test_a_change_is_one_hunk(old: str | None, new: str, diff: str) -> None:
    """What is the same at both ends is left out."""
    assert one_hunk("f", old, new) == diff


def test_a_path_cannot_forge_lines_of_a_diff() -> None:
    """A path is a stranger's, too."""
    assert one_hunk("f\n+++ /etc/passwd", None, "x").splitlines()[1] == "+++ f +++ /etc/passwd"
