"""Errors in each provider's own words; answers that never come; clients that leave."""

import asyncio
import time

import pytest

from tests.stub_model.clients import CLIENTS, Client, connect, post, read_head
from tests.stub_model.conftest import Talk
from tests.stub_model.fault import Faults, Scope
from tests.stub_model.record import Outcome
from tests.stub_model.script import ScriptError, parse
from tests.stub_model.server import StubModel

ANTHROPIC, RESPONSES, CHAT, GEMINI = CLIENTS


async def test_a_turn_fails_as_often_as_the_script_says_and_then_is_played(
    stub: StubModel, client: Client, stream: bool
) -> None:
    """Failures before the turn, in the order of the script."""
    talk = Talk(stub, client, stream, "[[stub: err 429 times=2 retry=3 ;; err 500 ;; say done]]")
    answers = [await talk.send() for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 500]
    assert answers[0].headers["retry-after"] == "3"
    assert "retry-after" not in answers[2].headers
    assert all("error" in answer.json for answer in answers)
    assert (await talk.turn()).text == "done"
    assert [exchange.outcome for exchange in stub.requests[:3]] == [Outcome.FAILED] * 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate_limit_error"), (529, "overloaded_error"), (500, "api_error"), (401, "authentication_error")],
)
async def test_anthropic_names_the_kind_of_an_error(stub: StubModel, status: int, kind: str) -> None:
    """For ever, with ``times=all``."""
    talk = Talk(stub, ANTHROPIC, True, f'[[stub: err {status} times=all msg="too bad"]]')
    for _ in range(3):
        answer = await talk.send()
        assert (answer.status, answer.json["error"]) == (status, {"type": kind, "message": "too bad"})


async def test_an_error_may_come_in_the_middle_of_a_stream(stub: StubModel, client: Client) -> None:
    """After some of the answer, as the last event; the request after it is played."""
    talk = Talk(stub, client, True, "[[stub: err 529 where=stream ;; say done]]")
    answer = await talk.send()
    assert (answer.status, answer.complete, stub.requests[0].outcome) == (200, True, Outcome.FAILED)
    events = list(answer.events)
    assert len(events) > 2
    last = events[-1]
    assert last.get("response", last)["error"]["message"] == "the stub fails with 529"
    assert (await talk.turn()).text == "done"


async def test_when_a_limit_is_reset_stands_where_each_provider_puts_it(stub: StubModel) -> None:
    """A point in time, a duration, or a detail of the error."""
    script = "[[stub: err 429 reset=60]]"
    headers = (await Talk(stub, ANTHROPIC, True, script).send()).headers
    assert headers["anthropic-ratelimit-requests-reset"].startswith("20")
    for client in (CHAT, RESPONSES):
        assert (await Talk(stub, client, True, script).send()).headers["x-ratelimit-reset-requests"] == "60s"
    details = (await Talk(stub, GEMINI, True, script).send()).json["error"]["details"]
    assert [detail["retryDelay"] for detail in details] == ["60s"]


async def test_a_plan_that_is_used_up_is_told_as_each_provider_tells_it(stub: StubModel) -> None:
    """With the time at which it is there again, where the provider says it."""
    script, then = "[[stub: limit reset=600]]", time.time() + 600
    headers = (await Talk(stub, ANTHROPIC, True, script).send()).headers
    assert headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert abs(int(headers["anthropic-ratelimit-unified-reset"]) - then) < 30
    error = (await Talk(stub, RESPONSES, True, script).send()).json["error"]
    assert error["type"] == "usage_limit_reached"
    assert abs(error["resets_at"] - then) < 30
    assert (await Talk(stub, CHAT, True, script).send()).json["error"]["code"] == "insufficient_quota"
    details = (await Talk(stub, GEMINI, True, script).send()).json["error"]["details"]
    assert "PerDay" in details[0]["violations"][0]["quotaId"]


async def test_an_answer_tells_how_full_the_window_is(stub: StubModel) -> None:
    """In the headers that Claude Code and Codex read; other headers as the script says."""
    script = "[[stub: window used=92 reset=600 ;; header X-More a b ;; say done]]"
    headers = (await Talk(stub, ANTHROPIC, True, script).send()).headers
    assert (headers["anthropic-ratelimit-unified-status"], headers["x-more"]) == ("allowed_warning", "a b")
    assert headers["anthropic-ratelimit-unified-5h-utilization"] == "0.92"
    headers = (await Talk(stub, RESPONSES, False, script).send()).headers
    assert headers["x-codex-primary-used-percent"] == "92"


async def test_a_client_that_leaves_is_noticed_at_once(stub: StubModel, client: Client, stream: bool) -> None:
    """While the stub hangs before its answer: the entry is open, then it says that the client is gone."""
    body = client.ask("[[stub: hang]]", stream)
    _, writer = await connect(stub.url, client.path(stream), body)
    assert (await stub.seen(lambda one: one.why == "turn 0")).outcome is Outcome.OPEN
    writer.close()
    gone = await stub.seen(lambda one: one.outcome is Outcome.CLIENT_GONE)
    assert gone.seconds is not None


async def test_an_answer_can_hang_after_it_began(stub: StubModel, client: Client) -> None:
    """The head and the first events come, and nothing after them."""
    reader, writer = await connect(stub.url, client.path(True), client.ask("[[stub: drip 1 ;; hang body]]", True))
    assert (await read_head(reader))[0] == 200
    assert await reader.readuntil(b"\n\n")
    assert stub.requests[0].outcome is Outcome.OPEN
    writer.close()
    await stub.seen(lambda one: one.outcome is Outcome.CLIENT_GONE)


async def test_the_stub_ends_while_it_hangs(client: Client) -> None:
    """Nothing is left of a stub after its block."""
    async with StubModel() as stub:
        reader, writer = await connect(stub.url, client.path(True), client.ask("[[stub: hang]]", True))
        await stub.seen(lambda one: one.why == "turn 0")
    assert stub.requests[0].outcome is Outcome.STOPPED
    assert await reader.read() == b""
    writer.close()


async def test_a_fault_can_be_imposed_from_outside(stub: StubModel) -> None:
    """On one dialect, for a number of requests, until it is lifted."""
    talk, other = Talk(stub, ANTHROPIC, True, "[[stub: say a ;; say b]]"), Talk(stub, CHAT, True, "[[stub: say c]]")
    stub.impose("err 529", requests=1, dialect="anthropic")
    assert (await other.turn()).text == "c"
    assert (await talk.send()).status == 529
    assert (await talk.turn()).text == "a"
    stub.impose("err 500")
    assert [(await talk.send()).status for _ in range(2)] == [500, 500]
    stub.lift()
    assert (await talk.turn()).text == "b"


async def test_a_fault_can_be_one_accounts_own(stub: StubModel, client: Client) -> None:
    """Two accounts of one provider: the one is limited, the other is not."""
    stub.impose("limit", account="a", seconds=60)
    talk = Talk(stub, client, True, "[[stub: say hi]]")
    path = client.path(True)
    answers = [await post(stub.url, path, talk.body, {"x-api-key": account}) for account in ("a", "b", "a")]
    assert [answer.status for answer in answers] == [429, 200, 429]


async def test_too_many_requests_at_once_can_be_refused(stub: StubModel) -> None:
    """An account that is overloaded above two at once answers two; whoever is slower to ask is let in again."""
    stub.impose("err 529", above=2)
    talks = [Talk(stub, ANTHROPIC, True, "[[stub: wait 0.5 ;; say hi]]") for _ in range(5)]
    statuses = [answer.status for answer in await asyncio.gather(*(talk.send() for talk in talks))]
    assert sorted(statuses) == [200, 200, 529, 529, 529]
    assert (await talks[0].send()).status == 200


def test_a_fault_ends_when_its_time_is_over_and_says_when_that_is() -> None:
    """Time is handed in; a limit that says nothing itself is reset when the fault ends."""
    now = [0.0]
    faults = Faults(lambda: now[0])
    faults.impose("limit ;; say x", Scope(seconds=30))
    faults.impose("err 500", Scope())
    now[0] = 10.0
    assert (turn := faults.meeting("chat", "a", 0)) is not None
    assert (turn.failures[0].plan, turn.failures[0].reset_s) == (True, 20.0)
    now[0] = 31.0
    assert (turn := faults.meeting("chat", "a", 0)) is not None
    assert (turn.failures[0].status, turn.failures[0].reset_s) == (500, None)


async def test_a_script_that_does_not_parse_is_told(stub: StubModel, client: Client, stream: bool) -> None:
    """As an error that no client tries again."""
    answer = await Talk(stub, client, stream, "[[stub: dance]]").send()
    assert (answer.status, stub.requests[0].outcome) == (400, Outcome.BAD_SCRIPT)
    assert "dance" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "step", ["dance", "sh", "err x", "and sh a", "tool a {", "wait x", "hang up", "window used=1", "write"]
)
def test_a_step_that_the_language_does_not_have_is_quoted(step: str) -> None:
    """Whoever wrote it finds it."""
    with pytest.raises(ScriptError, match=step.split()[0]):
        parse(step)


def test_remarks_and_empty_steps_are_no_turns() -> None:
    """A remark makes a script another one, so that its failures are counted anew."""
    assert len(parse("# run 7 ;; ;; say a\n\nsay b")) == 2
