"""A turn over ACP, played by hand: what it says, how it ends, and what is asked on the way."""

from typing import Any

import msgspec
import pytest

from taxiway.agents.acp_presets import CLAUDE, OPENCODE
from taxiway.agents.dialogue import Answer, Asked, AskWithdrawn, Said, Steer, TurnEnded, Used
from taxiway.agents.lines_events import PIECE_CHARS_MAX
from taxiway.core.agent import Access
from taxiway.core.event import EventType
from taxiway.core.task import Reason, Usage
from tests.unit.agents.acp_floor import Stage

OPTIONS = [
    {"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "once", "name": "Once", "kind": "allow_once"},
    {"optionId": "no", "name": "No", "kind": "reject_once"},
]


@pytest.fixture
def stage() -> Stage:
    """An agent with an open turn."""
    return Stage().meet().begin()


def ask(stage: Stage, rpc: Any = 7, options: Any = OPTIONS, **call: Any) -> None:
    """The agent asks for a permission."""
    params = {"sessionId": "s1", "options": options, "toolCall": {"toolCallId": "c1", "title": "rm x", **call}}
    stage.hear(id=rpc, method="session/request_permission", params=params)


def outcome(stage: Stage) -> Any:
    """What the agent was answered last."""
    return stage.lines[-1]["result"]["outcome"]


def test_pieces_of_a_message_go_on_until_something_else_is_done(stage: Stage) -> None:
    """With an id a message ends where another id begins; without one, where something else comes between."""
    for text in ("one", " two"):
        stage.text(text)
    stage.update("agent_thought_chunk", content={"type": "text", "text": "hm"})
    stage.text("three")
    stage.text("four", messageId="m1")
    stage.update("usage_update", used=5, size=10)
    stage.text(" five", messageId="m1")
    stage.update("tool_call", toolCallId="c1", title="ls", status="completed", rawInput={"a": 1})
    stage.text("six", messageId="m1")
    said = [(data["text"], data.get("delta", False)) for data in stage.said(EventType.MESSAGE)]
    assert said == [("one", False), (" two", True), ("three", False), ("four", False), (" five", True), ("six", False)]
    assert stage.said(EventType.THOUGHT) == [{"text": "hm"}]


def test_a_long_text_becomes_several_events(stage: Stage) -> None:
    """I18: each fits in an event, and nothing is lost."""
    text = "word " * PIECE_CHARS_MAX
    stage.text(text)
    pieces = [data["text"] for data in stage.said(EventType.MESSAGE)]
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= PIECE_CHARS_MAX


def test_what_is_no_text_is_named(stage: Stage) -> None:
    """Pictures and resources are not stored."""
    for content in (
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "resource_link", "name": "a.py", "uri": "file:///a.py"},
        {"type": "resource", "resource": {"uri": "file:///b", "text": "inside"}},
    ):
        stage.update("agent_message_chunk", content=content)
    texts = [data["text"] for data in stage.said(EventType.MESSAGE)]
    assert texts == ["[image: image/png]", "[a.py](file:///a.py)", "inside"]


def test_a_call_is_told_once_its_input_is_whole_and_its_result_once(stage: Stage) -> None:
    """As OpenCode tells it: the name first, the command later, the same again, and then the result."""
    stage.update("tool_call", toolCallId="c1", title="bash", kind="execute", status="pending", rawInput={"cwd": "/w"})
    assert stage.said(EventType.TOOL_CALL) == []
    running = {"toolCallId": "c1", "title": "ls", "kind": "execute", "rawInput": {"command": "ls"}}
    for _ in range(2):
        stage.update("tool_call_update", status="in_progress", **running)
    text = [{"type": "content", "content": {"type": "text", "text": "a b"}}]
    for _ in range(2):
        stage.update("tool_call_update", toolCallId="c1", status="completed", content=text)
    assert stage.said(EventType.TOOL_CALL) == [
        {"name": "ls", "id": "c1", "kind": "execute", "input": {"command": "ls"}}
    ]
    assert stage.said(EventType.TOOL_RESULT) == [{"id": "c1", "name": "ls", "output": "a b"}]


def test_a_call_that_was_never_run_is_told_at_the_end(stage: Stage) -> None:
    """Nothing that an agent meant to do is lost."""
    stage.update("tool_call", toolCallId="c1", title="bash", status="pending")
    stage.text("done")
    stage.end()
    assert stage.said(EventType.TOOL_CALL) == [{"name": "bash", "id": "c1"}]


def test_a_change_is_told_when_it_was_made(stage: Stage) -> None:
    """Not when it is only proposed, and not when it failed; with the text that was told before."""
    diff = {"type": "diff", "path": "/w/a", "oldText": "one\ntwo\nthree\n", "newText": "one\n2\nthree\n"}
    ask(stage, kind="edit", content=[diff])
    assert stage.said(EventType.DIFF) == []
    stage.update("tool_call_update", toolCallId="c1", status="completed", content=[])
    told = "--- /w/a\n+++ /w/a\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    assert stage.said(EventType.DIFF) == [{"text": told, "path": "/w/a"}]
    stage.update("tool_call", toolCallId="c2", title="edit", status="failed", content=[diff])
    assert len(stage.said(EventType.DIFF)) == 1
    assert [data.get("failed") for data in stage.said(EventType.TOOL_RESULT)] == [None, True]


def test_a_plan_becomes_a_todo_and_a_mode_a_status(stage: Stage) -> None:
    """The closed set of events."""
    entry = {"content": "look", "priority": "high", "status": "completed"}
    stage.update("plan", entries=[entry, {**entry, "content": "mend", "status": "pending"}])
    stage.update("current_mode_update", currentModeId="plan")
    assert stage.said(EventType.TODO) == [{"items": [{"text": "look", "done": True}, {"text": "mend", "done": False}]}]
    assert stage.said(EventType.STATUS) == [{"phase": "agent", "mode": "plan"}]


def test_what_is_of_another_session_or_of_no_turn_is_told_to_nobody(stage: Stage) -> None:
    """Echoes, other kinds of updates, an agent's own notifications, and what comes too late."""
    stage.update("agent_message_chunk", session="other", content={"type": "text", "text": "x"})
    stage.update("user_message_chunk", content={"type": "text", "text": "go"})
    stage.update("available_commands_update", availableCommands=[])
    stage.update("of_a_later_version", anything=1)
    stage.hear(method="_auth/status_update", params={})
    stage.text("mine")
    stage.end()
    stage.text("late")
    assert [event.data for event in stage.told if isinstance(event, Said)] == [{"text": "mine"}]
    assert stage.complaints == []


@pytest.mark.parametrize(
    ("stop", "reason", "words"),
    [
        ("max_tokens", Reason.AGENT_ERROR, "limit of tokens"),
        ("max_turn_requests", Reason.GAVE_UP, "as often as it may"),
        ("refusal", Reason.GAVE_UP, "refused"),
        ("cancelled", Reason.AGENT_ERROR, "nobody did"),
        ("weird", Reason.AGENT_ERROR, "unreadably"),
        (None, Reason.AGENT_ERROR, "unreadably"),
    ],
)
def test_every_other_stop_is_a_failure(stage: Stage, stop: Any, reason: Reason, words: str) -> None:
    """A43: only `end_turn` may be a success."""
    stage.text("x")
    end = stage.end(stop)
    assert end.reason is reason
    assert words in (end.error or "")


def test_an_interrupt_is_a_cancel_and_ends_as_one(stage: Stage) -> None:
    """By the protocol, open questions are answered as cancelled, and later ones too."""
    assert stage.turn is not None
    stage.turn.interrupted = True
    ask(stage, rpc=1)
    assert outcome(stage) == {"outcome": "cancelled"}
    stage.turn.interrupted = False
    ask(stage, rpc=2)
    stage.turn.interrupted = True
    stage.speech.interrupt()
    assert stage.lines[-2] == {"jsonrpc": "2.0", "id": 2, "result": {"outcome": {"outcome": "cancelled"}}}
    assert stage.lines[-1] == {"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": "s1"}}
    assert stage.end("cancelled") == TurnEnded(interrupted=True)


@pytest.mark.parametrize("answer", [{"stop": "end_turn"}, {"error": {"code": -32800, "message": "cancelled"}}])
def test_an_interrupt_that_came_too_late_or_ends_as_an_error(stage: Stage, answer: Any) -> None:
    """What was done before the interrupt is a success; some agents answer a cancel with an error."""
    assert stage.turn is not None
    stage.text("all done")
    stage.turn.interrupted = True
    if "stop" in answer:
        assert stage.end("end_turn") == TurnEnded()
    else:
        assert stage.failed(answer["error"]) == TurnEnded(interrupted=True)


def test_an_agent_that_ends_a_cancelled_turn_as_if_it_were_done_was_interrupted(stage: Stage) -> None:
    """It should have said `cancelled`; that it said nothing else is no failure of its own."""
    assert stage.turn is not None
    stage.turn.interrupted = True
    stage.speech.interrupt()
    assert stage.end("end_turn") == TurnEnded(interrupted=True)


@pytest.mark.parametrize(
    ("allow", "options", "chosen"),
    [
        (True, OPTIONS, "once"),
        (False, OPTIONS, "no"),
        (True, OPTIONS[:1], "always"),
        (True, OPTIONS[2:], None),
        (False, OPTIONS[:2], None),
        (False, [{"optionId": "never", "name": "x", "kind": "reject_always"}], "never"),
    ],
)
def test_an_answer_takes_the_narrowest_option(stage: Stage, allow: bool, options: Any, chosen: str | None) -> None:
    """Once, where the agent offers that; for ever only where it offers nothing else, and then it is said."""
    ask(stage, options=options, kind="execute", rawInput={"command": "rm x"})
    (asked,) = [event for event in stage.told if isinstance(event, Asked)]
    assert asked == Asked("ask-1", "the agent wants to use a tool: rm x", "execute", {"command": "rm x"})
    assert stage.said(EventType.TOOL_CALL)
    stage.speech.answer(Answer("ask-1", allow))
    expected = {"outcome": "cancelled"} if chosen is None else {"optionId": chosen, "outcome": "selected"}
    assert outcome(stage) == expected
    assert bool(stage.said(EventType.STATUS)) is (chosen in (None, "always"))
    sent = len(stage.lines)
    stage.speech.answer(Answer("ask-1", allow))
    assert len(stage.lines) == sent


def test_questions_are_bounded_withdrawn_and_void_at_the_end(stage: Stage) -> None:
    """No question outlives its turn, and nobody is asked without end."""
    for rpc in range(101):
        ask(stage, rpc=rpc)
    assert outcome(stage) == {"outcome": "cancelled"}
    assert len([event for event in stage.told if isinstance(event, Asked)]) == 100
    stage.hear(method="$/cancel_request", params={"requestId": 0})
    assert AskWithdrawn("ask-1") in stage.told
    stage.text("x")
    before = len(stage.lines)
    stage.end()
    assert len(stage.lines) - before == 99
    ask(stage, rpc=500)
    assert outcome(stage) == {"outcome": "cancelled"}


def test_analysis_does_not_let_itself_be_left() -> None:
    """Whoever allowed to leave the reading mode would have allowed everything: nobody is asked."""
    stage = Stage(access=Access.ANALYSIS).meet().begin()
    ask(stage, kind="switch_mode")
    assert not [event for event in stage.told if isinstance(event, Asked)]
    assert outcome(stage) == {"optionId": "no", "outcome": "selected"}
    assert "analysis keeps it there" in stage.said(EventType.STATUS)[0]["text"]


@pytest.mark.parametrize("method", ["fs/read_text_file", "fs/write_text_file", "terminal/create", "elicitation/create"])
def test_an_agent_is_lent_neither_files_nor_terminals(stage: Stage, method: str) -> None:
    """They are not offered; who asks all the same is refused, and the turn goes on."""
    stage.hear(id="x", method=method, params={"sessionId": "s1", "path": "/etc/passwd"})
    assert stage.lines[-1]["error"]["code"] == -32601
    assert stage.turn is not None


def test_a_steer_is_declined() -> None:
    """ACP has none; the mailbox makes a turn of it."""
    stage = Stage().meet().begin()
    assert stage.speech.steer(Steer("s", "left"))
    assert len(stage.sent("session/prompt")) == 1


def test_usage_is_the_turns_own_and_what_nobody_measured_is_unknown() -> None:
    """The cost is a running total; OpenCode's tokens of a turn with tools are those of its last call."""
    stage = Stage(preset=OPENCODE).meet().begin()
    stage.update("usage_update", used=7771, size=100_000, cost={"amount": 0.02, "currency": "USD"})
    stage.text("x")
    stage.end(usage={"inputTokens": 7771, "outputTokens": 4, "totalTokens": 7775})
    assert Used(Usage(usd=0.02), 7771, 100_000) in stage.told
    assert Used(Usage(7771, 4, None, 0.02), 7771, 100_000) in stage.told
    stage.begin()
    stage.update("tool_call", toolCallId="c", title="ls", status="completed")
    stage.update("usage_update", used=7900, size=100_000, cost={"amount": 0.07, "currency": "USD"})
    stage.end(usage={"inputTokens": 7900, "outputTokens": 1, "totalTokens": 7901})
    assert [event for event in stage.told if isinstance(event, Used)] == [Used(Usage(usd=0.05), 7900, 100_000)]


@pytest.mark.parametrize(("preset", "usd"), [(OPENCODE, None), (CLAUDE, 0.5)])
def test_the_cost_of_the_first_turn_after_a_resume(preset: Any, usd: float | None) -> None:
    """Known only where the agent's total begins with its process; the next turn's is the difference again."""
    stage = Stage(preset=preset, thread="s1").meet(sessionCapabilities={"resume": {}}).begin()
    cost = {"currency": "USD"}
    stage.update("usage_update", used=1, size=2, cost={**cost, "amount": 0.5})
    assert stage.told == [Used(Usage(usd=usd), 1, 2)]
    stage.text("x")
    stage.end()
    stage.begin()
    stage.update("usage_update", used=1, size=2, cost={**cost, "amount": 0.75})
    assert stage.told == [Used(Usage(usd=0.25), 1, 2)]


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        (
            {"usage": {"inputTokens": 1000, "outputTokens": 7, "cachedReadTokens": 300, "totalTokens": 1007}},
            (1000, 7, 300),
        ),
        (
            {"usage": {"inputTokens": 700, "outputTokens": 7, "cachedReadTokens": 300, "totalTokens": 1007}},
            (1000, 7, 300),
        ),
        ({"_meta": {"quota": {"token_count": {"input_tokens": 5, "output_tokens": 6}}}}, (5, 6, None)),
        ({"usage": {"inputTokens": -1, "outputTokens": 7, "totalTokens": 8}}, None),
        ({"usage": {"inputTokens": 1 << 60, "outputTokens": 7, "totalTokens": 1 << 60}}, (None, 7, None)),
        ({}, None),
    ],
)
def test_tokens_are_read_in_every_way_that_agents_report_them(stage: Stage, fields: Any, usage: Any) -> None:
    """What was read from a cache is a part of the input, however the agent counts; nonsense is no figure."""
    stage.text("x")
    assert stage.end(**fields) == TurnEnded()
    found = [event.usage for event in stage.told if isinstance(event, Used)]
    assert found == ([] if usage is None else [Usage(*usage)])


def test_what_tools_are_given_and_give_is_bounded(stage: Stage) -> None:
    """I18: large values are cut; whatever is left can be written down."""
    stage.update("tool_call", toolCallId="c" * 900, title="t" * 900, status="completed", rawInput={"x": "y" * 10**6})
    (call,) = stage.said(EventType.TOOL_CALL)
    assert (len(call["id"]), len(call["name"]), len(call["input"])) == (500, 500, 60_000)
    stage.update("tool_call", toolCallId="d", title="t", status="completed", rawOutput=[1 << 100])
    assert msgspec.json.encode(stage.said(EventType.TOOL_RESULT)[-1])
