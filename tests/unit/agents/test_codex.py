"""Codex's app-server as a pure speech: what the real one wrote, replayed, and what it might write."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.codex import ACCESS, zone_of
from taxiway.agents.codex_events import OUTPUT_CHARS_MAX
from taxiway.agents.codex_questions import OPEN_MAX
from taxiway.agents.codex_speech import EARLY_STEERS_MAX, CodexSpeech
from taxiway.agents.codex_start import Thread
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    AskWithdrawn,
    DialogueEvent,
    Interrupt,
    Limited,
    Ready,
    Said,
    Steer,
    SteerSettled,
    ThreadKnown,
    Turn,
    TurnEnded,
    Used,
)
from taxiway.agents.protocol import Go
from taxiway.core.agent import Access
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Reason, Usage
from tests.unit.agents.spoken import Spoken

RECORDINGS = Path(__file__).parent / "recordings"
FOLDER = "/example"
T, U = "01a20000-aaaa", "01a20000-bbbb"


def spoken(thread: str | None = None, folder: str = FOLDER, access: Access = Access.WRITE) -> Spoken:
    """A dialogue with Codex, before its go."""
    return Spoken(lambda floor: CodexSpeech(floor, Thread({"cwd": folder, **ACCESS[access]}, thread), UTC))


def note(method: str, **params: Any) -> dict[str, Any]:
    """A notification of the open turn."""
    return {"method": method, "params": {"threadId": T, "turnId": U, **params}, "emittedAtMs": 1_795_300_000_000}


def ended(status: str = "completed", **turn: Any) -> dict[str, Any]:
    """``turn/completed``."""
    return note("turn/completed", turn={"id": U, "status": status, **turn})


def item(what: str, **fields: Any) -> dict[str, Any]:
    """``item/started`` or ``item/completed``."""
    return note(f"item/{what}", item={"id": "i1", **fields})


def ready() -> Spoken:
    """A dialogue that takes a turn."""
    talk = spoken()
    talk.send(Go())
    talk.hear({"id": 1, "result": {"userAgent": "taxiway/1.2.3 (x)"}}, {"id": 2, "result": {"thread": {"id": T}}})
    assert talk.hear({"id": 3, "result": {}}) == [Ready()]
    return talk


def begun(schema: dict[str, Any] | None = None) -> Spoken:
    """A dialogue whose turn has begun."""
    talk = ready()
    talk.send(Turn("go", schema))
    talk.hear({"id": 4, "result": {"turn": {"id": U}}}, note("turn/started", turn={"id": U}))
    talk.said()
    return talk


def last(events: list[DialogueEvent]) -> TurnEnded:
    """The end of the turn."""
    found = events[-1]
    assert isinstance(found, TurnEnded), events
    return found


def told(events: list[DialogueEvent], kind: EventType) -> list[dict[str, Any]]:
    """The data of the events of one type."""
    return [event.data for event in events if isinstance(event, Said) and event.type is kind]


def replay(name: str, thread: str | None = None) -> list[DialogueEvent]:
    """Play a recording of the real app-server; what is said to it must be what was said then."""
    steps = [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]
    talk = spoken(thread)
    events = talk.send(Go())
    said: list[dict[str, Any]] = []
    for step in steps:
        match step:
            case {"said": line}:
                said += talk.said()
                assert said.pop(0) == line
            case {"heard": line}:
                events += talk.hear(line)
            case {"turn": text}:
                events += talk.send(Turn(text))
            case {"steer": signal, "text": text}:
                events += talk.send(Steer(signal, text))
            case {"interrupt": True}:
                events += talk.send(Interrupt())
            case {"answer": id, "allow": allow}:
                events += talk.send(Answer(id, allow))
    assert not said + talk.said()
    return events


def test_recorded_turns_are_told_as_they_happened() -> None:
    """Surface 8, trap 8: thoughts, tools, diffs, messages, windows, and each turn's own tokens."""
    events = replay("codex-turns")
    assert [type(event) for event in events[:2]] == [Said, Ready]
    assert told(events, EventType.STATUS)[0]["sandbox"] == "workspaceWrite"
    assert [event.text for event in events if isinstance(event, TurnEnded)] == ["all done", "two"]
    assert [one["name"] for one in told(events, EventType.TOOL_CALL)] == ["shell", "apply_patch"]
    shell, patch = told(events, EventType.TOOL_RESULT)
    assert (shell["output"], shell["exit_code"], shell["failed"], patch["failed"]) == ("seen\n", 3, True, False)
    assert told(events, EventType.DIFF) == [{"path": f"{FOLDER}/new.txt", "text": "one\n"}]
    assert "".join(one["text"] for one in told(events, EventType.THOUGHT)) == "let me see"
    assert "".join(one["text"] for one in told(events, EventType.MESSAGE)) == "all donetwo"
    used = [event.usage for event in events if isinstance(event, Used)]
    assert used == [Usage(1000, 20, 600), Usage(2100, 25, 600), Usage(3300, 27, 600), Usage(50, 5, 0)]
    [limit] = [event.limit for event in events if isinstance(event, Limited)]
    assert (limit.kind, limit.used, limit.window) == (LimitKind.WARNING, 0.92, "5h")
    assert len([event for event in events if isinstance(event, ThreadKnown)]) == 1


def test_a_recorded_resume_does_not_count_again_what_was_counted() -> None:
    """Trap 8: the total of before is told again on a resume."""
    [first] = [event.thread for event in replay("codex-turns") if isinstance(event, ThreadKnown)]
    events = replay("codex-resumed", first)
    assert [event for event in events if isinstance(event, ThreadKnown)] == [ThreadKnown(first)]
    assert events.index(ThreadKnown(first)) < events.index(Ready())
    assert [event.usage for event in events if isinstance(event, Used)] == [Usage(30, 3, 0)]
    assert last(events) == TurnEnded(text="again")


def test_a_recorded_question_is_asked_and_answered() -> None:
    """The sentence says what, and why."""
    events = replay("codex-refused")
    [asked] = [event for event in events if isinstance(event, Asked)]
    assert asked.text == "it wants to run /bin/bash -lc 'echo hi > asked.txt': I need it"
    assert (asked.id, asked.tool, asked.input["cwd"]) == ("ask-1", "shell", FOLDER)
    [result] = told(events, EventType.TOOL_RESULT)
    assert (result["declined"], result["failed"]) == (True, True)
    assert last(events) == TurnEnded(text="over")


def test_recorded_steers_are_settled_when_the_model_gets_them() -> None:
    """OC-01: one sent before the turn had begun waits for that, and none is lost."""
    events = replay("codex-steered")
    assert [event for event in events if isinstance(event, SteerSettled)] == [
        SteerSettled("s1", applied=True),
        SteerSettled("s2", applied=True),
    ]
    assert last(events).interrupted


def test_recorded_limits_end_their_turns_with_the_time_of_the_reset() -> None:
    """rate_limit and quota, each with its limit."""
    rate, quota = (event for event in replay("codex-limited") if isinstance(event, TurnEnded))
    assert (rate.reason, rate.passing) == (Reason.RATE_LIMIT, True)
    assert rate.limit is not None
    assert rate.limit.kind is LimitKind.RATE
    assert quota.reason is Reason.QUOTA
    assert quota.limit is not None
    assert quota.limit.resets_at == 1_795_344_044_000


@pytest.mark.parametrize(
    ("access", "settings"),
    [
        (Access.ANALYSIS, {"sandbox": "read-only", "approvalPolicy": "never"}),
        (Access.WRITE, {"sandbox": "workspace-write", "approvalPolicy": "on-request"}),
        (Access.AUTO, {}),
    ],
)
def test_access_is_said_in_codex_s_words(access: Access, settings: dict[str, str]) -> None:
    """`auto` leaves it to the agent's own configuration."""
    talk = spoken(access=access)
    talk.send(Go())
    talk.hear({"id": 1, "result": {}})
    assert talk.said()[-1] == {"id": 2, "method": "thread/start", "params": {"cwd": FOLDER, **settings}}


def test_a_conversation_that_cannot_be_gone_on_with_is_no_new_one() -> None:
    """A45: the process is of no use, and says why."""
    talk = spoken("01a2-gone")
    talk.send(Go())
    talk.hear({"id": 1, "result": {}})
    assert talk.said()[-1]["params"]["threadId"] == "01a2-gone"
    events = talk.hear({"id": 2, "error": {"code": -32600, "message": "no rollout found"}})
    assert events == [TurnEnded(Reason.AGENT_ERROR, "it cannot go on with conversation 01a2-gone: no rollout found")]


def test_a_fork_is_named_when_it_has_begun() -> None:
    """It is another conversation, which its first turn writes down."""
    talk = Spoken(lambda floor: CodexSpeech(floor, Thread({}, "01a2-old", fork=True), UTC))
    talk.send(Go())
    talk.hear({"id": 1, "result": {}})
    assert talk.said()[-1]["method"] == "thread/fork"
    assert talk.hear({"id": 2, "result": {"thread": {"id": T}}}, {"id": 3, "result": {}})[-1] == Ready()
    talk.send(Turn("go"))
    assert talk.hear(note("turn/started", turn={"id": U})) == [ThreadKnown(T)]


@pytest.mark.parametrize(
    "response",
    [{"error": {"message": "no"}}, {"error": "no"}, {"error": None, "result": {"thread": {"id": "-x"}}}, {"result": 5}],
)
def test_a_start_that_is_refused_or_unreadable_says_so(response: dict[str, Any]) -> None:
    """A23: a clear error before the first turn, whatever the answer looks like."""
    talk = spoken()
    talk.send(Go())
    talk.hear({"id": 1, "result": {}})
    assert last(talk.hear({"id": 2, **response})).reason is Reason.AGENT_ERROR


def test_it_waits_for_the_agent_s_tool_servers() -> None:
    """Semantics, "Processes": what runs when the first turn begins stays; a server that fails is told of."""
    talk = spoken()
    talk.send(Go())
    talk.hear({"id": 1, "result": {}}, {"id": 2, "result": {"thread": {"id": T}}})
    server = "mcpServer/startupStatus/updated"
    talk.hear(note(server, name="a", status="starting"), note(server, name="b", status="starting"))
    assert talk.hear({"id": 3, "result": {}}) == []
    [failed] = talk.hear(note(server, name="a", status="failed", error="no such file"))
    assert failed == Said(EventType.ERROR, {"text": "its tool server a did not start: no such file"})
    assert talk.hear(note(server, name="b", status="ready")) == [Ready()]
    assert talk.hear(note(server, name="c", status="starting"), note(server, name="c", status="ready")) == []


def test_an_interrupt_waits_until_the_turn_has_begun() -> None:
    """Codex refuses one that comes earlier, and goes on."""
    talk = ready()
    talk.send(Turn("go"))
    talk.send(Interrupt())
    talk.hear({"id": 4, "result": {"turn": {"id": U}}})
    assert [line["method"] for line in talk.said()][-1] == "turn/start"
    talk.hear(note("turn/started", turn={"id": U}))
    assert talk.said() == [{"id": 5, "method": "turn/interrupt", "params": {"threadId": T, "turnId": U}}]
    assert talk.hear({"id": 5, "result": {}}, ended("interrupted")) == [TurnEnded(interrupted=True)]


def test_a_turn_that_began_before_its_response_is_the_same_turn() -> None:
    """Neither order of the two loses it; a late word of the turn before is none of it."""
    talk = begun()
    talk.hear(ended())
    talk.send(Turn("again"))
    late = {"threadId": T, "turnId": U}
    assert talk.hear(note("turn/started", turn={"id": U}), {"method": "item/agentMessage/delta", "params": late}) != []
    other = {"threadId": T, "turn": {"id": "01a2-second", "status": "completed"}}
    talk.hear({"method": "turn/started", "params": other})
    assert talk.hear({"method": "turn/completed", "params": other}) == [TurnEnded()]
    assert talk.hear({"id": 5, "result": {"turn": {"id": "01a2-second"}}}) == []


@pytest.mark.parametrize(
    ("line", "reason", "error"),
    [
        (ended("interrupted"), Reason.AGENT_ERROR, "nobody did"),
        (ended("inProgress"), Reason.AGENT_ERROR, "'inProgress'"),
        (ended("failed"), Reason.AGENT_ERROR, "does not say why"),
        (ended("failed", error={"message": "bad", "codexErrorInfo": "unauthorized"}), Reason.AUTH, "bad"),
        (ended("interrupted", error={"message": "x", "codexErrorInfo": "usageLimitExceeded"}), Reason.QUOTA, "x"),
        (note("turn/completed", turn={"id": 5}), Reason.AGENT_ERROR, "unreadably"),
        ({"id": 4, "error": {"message": "too long"}}, Reason.AGENT_ERROR, "too long"),
    ],
)
def test_only_completed_is_a_success(line: dict[str, Any], reason: Reason, error: str) -> None:
    """A43: any other end is a failure, with its reason."""
    talk = ready()
    talk.send(Turn("go"))
    if "id" not in line:
        talk.hear({"id": 4, "result": {"turn": {"id": U}}}, note("turn/started", turn={"id": U}))
    found = last(talk.hear(line))
    assert found.reason is reason
    assert error in (found.error or "")


def test_the_end_of_another_turn_or_conversation_ends_nothing() -> None:
    """I12: agents that Codex starts itself have turns, too."""
    talk = begun()
    [complaint] = talk.hear(note("turn/completed", turn={"id": "01a2-other", "status": "completed"}))
    assert "not open" in complaint.data["text"]  # type: ignore[union-attr]
    sub = {"threadId": "01a2-sub", "turn": {"id": "01a2-x", "status": "completed"}}
    assert talk.hear({"method": "turn/completed", "params": sub}) == []
    assert talk.hear(ended()) == [TurnEnded()]
    assert len(talk.hear(ended())) == 1


def test_a_message_is_told_once_whether_it_came_in_pieces_or_whole() -> None:
    """Nothing of it is lost, and nothing is said twice."""
    talk = begun()
    delta = "item/agentMessage/delta"
    events = talk.hear(note(delta, itemId="i1", delta="one "), note(delta, itemId="i1", delta="two"))
    events += talk.hear(item("completed", type="agentMessage", text="one two three"))
    assert told(events, EventType.MESSAGE) == [
        {"text": "one "},
        {"text": "two", "delta": True},
        {"text": " three", "delta": True},
    ]
    whole = talk.hear(item("completed", type="agentMessage", text="four"))
    assert told(whole, EventType.MESSAGE) == [{"text": "four"}]
    assert talk.hear(ended()) == [TurnEnded(text="four")]


def test_thoughts_are_told_by_their_parts() -> None:
    """A summary that came in pieces is not repeated; one that did not is told."""
    talk = begun()
    grew = "item/reasoning/summaryTextDelta"
    events = talk.hear(
        note(grew, itemId="r", delta="a", summaryIndex=0),
        note(grew, itemId="r", delta="b", summaryIndex=0),
        note(grew, itemId="r", delta="c", summaryIndex=1),
        note("item/completed", item={"type": "reasoning", "id": "r", "summary": ["ab", "c"]}),
        note("item/completed", item={"type": "reasoning", "id": "s", "summary": ["d"]}),
    )
    assert told(events, EventType.THOUGHT) == [
        {"text": "a"},
        {"text": "b", "delta": True},
        {"text": "c"},
        {"text": "d"},
    ]


@pytest.mark.parametrize(
    ("fields", "name", "input", "output"),
    [
        ({"type": "mcpToolCall", "server": "s", "tool": "t", "arguments": {"x": 1}, "result": {"ok": 1}}, "s.t",
         {"x": 1}, {"ok": 1}),
        ({"type": "dynamicToolCall", "tool": "t", "arguments": "a", "contentItems": ["c"]}, "t", "a", ["c"]),
        ({"type": "webSearch", "query": "q"}, "webSearch", None, None),
    ],
)  # fmt: skip
def test_other_tools_are_told_too(fields: dict[str, Any], name: str, input: Any, output: Any) -> None:
    """Surface 8: also those that are not known yet, by their type."""
    talk = begun()
    [call] = told(talk.hear(item("started", **fields)), EventType.TOOL_CALL)
    assert call == {"name": name, "id": "i1", "input": input}
    [result] = told(talk.hear(item("completed", **fields, status="failed")), EventType.TOOL_RESULT)
    assert (result["name"], result.get("output")) == (name, output)


def test_what_tools_are_given_and_give_is_bounded() -> None:
    """I18: the beginning and the end are kept."""
    talk = begun()
    huge = "a" * 500_000 + "z"
    [call] = told(talk.hear(item("started", type="mcpToolCall", arguments={"x": huge})), EventType.TOOL_CALL)
    command = item("completed", type="commandExecution", aggregatedOutput=huge, exitCode=0, status="completed")
    [result] = told(talk.hear(command), EventType.TOOL_RESULT)
    for text in (call["input"], result["output"]):
        assert len(text) < OUTPUT_CHARS_MAX + 100
        assert text.rstrip('"}').endswith("z")
    assert "characters left out" in result["output"]


def test_a_command_that_prints_gives_a_sign_of_life_once_a_second() -> None:
    """I18: what it prints comes with its result."""
    talk = begun()
    printed = note("item/commandExecution/outputDelta", itemId="i1", delta="x")
    times = (0, 10, 999, 1_000, 2_500)
    events = talk.hear(*({**printed, "emittedAtMs": 1_795_300_000_000 + time} for time in times))
    assert told(events, EventType.STATUS) == [{"phase": "tool", "id": "i1"}] * 3


def test_plans_warnings_and_other_models_are_told() -> None:
    """Surface 8: todo and status."""
    talk = begun()
    plan = [{"step": "look", "status": "completed"}, {"step": "mend", "status": "inProgress"}]
    assert talk.hear(note("turn/plan/updated", plan=plan)) == [
        Said(EventType.TODO, {"items": [{"text": "look", "done": True}, {"text": "mend", "done": False}]})
    ]
    assert told(talk.hear(note("configWarning", summary="beware")), EventType.STATUS) == [
        {"phase": "agent", "warning": "beware"}
    ]
    rerouted = talk.hear(note("model/rerouted", fromModel="large", toModel="small"))
    assert "small in place of large" in told(rerouted, EventType.STATUS)[0]["text"]
    assert told(talk.hear(item("completed", type="contextCompaction")), EventType.STATUS)


@pytest.mark.parametrize(
    ("method", "params", "text", "tool", "allowed", "denied"),
    [
        ("item/commandExecution/requestApproval",
         {"command": "rm x", "cwd": "/w", "networkApprovalContext": {"host": "a.example", "protocol": "https"}},
         "it wants to connect to a.example (https)", "shell", {"decision": "accept"}, {"decision": "decline"}),
        ("item/fileChange/requestApproval", {"itemId": "i1", "reason": "must"},
         "it wants to change a.py, b.py: must", "apply_patch", {"decision": "accept"}, {"decision": "decline"}),
        ("item/permissions/requestApproval", {"permissions": {"network": {"enabled": True}, "fileSystem": None}},
         "it wants to have more permissions until its turn ends: {'network': {'enabled': True}}", "permissions",
         {"permissions": {"network": {"enabled": True}}, "scope": "turn"}, {"permissions": {}, "scope": "turn"}),
        ("mcpServer/elicitation/request",
         {"serverName": "s", "mode": "form", "message": "may I?", "requestedSchema": {"properties": {}}},
         "s asks: may I?", "s", {"action": "accept", "content": {}}, {"action": "decline", "content": None}),
    ],
)  # fmt: skip
def test_questions_are_asked_and_answered_in_their_own_words(
    method: str, params: dict[str, Any], text: str, tool: str, allowed: dict[str, Any], denied: dict[str, Any]
) -> None:
    """Each kind, allowed and refused; an answer counts once."""
    talk = begun()
    talk.hear(item("started", type="fileChange", changes=[{"path": "a.py"}, {"path": "b.py"}]))
    for number, (allow, answer) in enumerate([(True, allowed), (False, denied)], 1):
        [asked] = talk.hear({**note(method, **params), "id": f"r{number}"})
        assert isinstance(asked, Asked)
        assert (asked.id, asked.text, asked.tool) == (f"ask-{number}", text, tool)
        assert talk.said() == []
        talk.send(Answer(asked.id, allow))
        talk.send(Answer(asked.id, not allow))
        assert talk.said() == [{"id": f"r{number}", "result": answer}]


def test_words_of_an_answer_go_to_the_agent() -> None:
    """Codex takes a yes or a no; why comes as a steer."""
    talk = begun()
    talk.hear({**note("item/commandExecution/requestApproval", command="x"), "id": 0})
    talk.send(Answer("ask-1", allow=False, text="not there"))
    answer, steer = talk.said()
    assert answer == {"id": 0, "result": {"decision": "decline"}}
    assert (steer["method"], steer["params"]["input"][0]["text"]) == ("turn/steer", "not there")
    assert talk.hear({"id": steer["id"], "error": {"message": "no active turn"}}) == []


def test_what_it_asks_a_person_is_answered_in_words() -> None:
    """Surface 3: one text answers all that is asked at once; it is no steer, and secrets are not asked for."""
    options = [{"label": "red", "description": "r"}, {"label": "blue", "description": "b"}]
    questions = [
        {"id": "q1", "header": "h", "question": "Which?", "options": options},
        {"id": "q2", "question": "Why?"},
    ]
    method = "item/tool/requestUserInput"
    talk = begun()
    for number, allow in enumerate((True, False)):
        [asked] = talk.hear({**note(method, questions=questions), "id": number})
        assert isinstance(asked, Asked)
        assert (asked.text, asked.tool, asked.words) == ("Which? (red, blue)\nWhy?", "request_user_input", True)
        talk.send(Answer(asked.id, allow, "blue"))
    answers = {"q1": {"answers": ["blue"]}, "q2": {"answers": ["blue"]}}
    assert [line.get("result") for line in talk.said()] == [{"answers": answers}, {"answers": {}}]
    secret = [{"id": "q", "question": "Your key?", "isSecret": True}]
    assert not [event for event in talk.hear({**note(method, questions=secret), "id": 9}) if isinstance(event, Asked)]
    assert talk.said()[-1]["result"] == {"answers": {}}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (note("item/tool/call", tool="x"), None),
        (note("account/chatgptAuthTokens/refresh"), None),
        (note("item/permissions/requestApproval", permissions=5), None),
        (note("mcpServer/elicitation/request", serverName="s", mode="url"), {"action": "decline", "content": None}),
        (note("mcpServer/elicitation/request", serverName="s", mode="form", requestedSchema={"properties": {"a": {}}}),
         {"action": "decline", "content": None}),
    ],
)  # fmt: skip
def test_what_nobody_here_can_answer_is_answered_at_once(
    request_: dict[str, Any], answer: dict[str, Any] | None
) -> None:
    """Nobody waits for us."""
    talk = begun()
    assert not [event for event in talk.hear({**request_, "id": 7}) if isinstance(event, Asked)]
    [line] = talk.said()
    assert line["id"] == 7
    assert line.get("result") == answer
    assert answer is not None or line["error"]["code"] == -32601


def test_questions_end_with_their_turn_and_are_bounded() -> None:
    """Withdrawn by the agent or by the end of its turn; without a turn, and beyond the bound, the answer is no."""
    talk = begun()
    ask = note("item/commandExecution/requestApproval", command="x")
    for number in range(OPEN_MAX):
        assert talk.hear({**ask, "id": number})
    assert talk.hear({**ask, "id": "more"}) == []
    assert talk.said() == [{"id": "more", "result": {"decision": "decline"}}]
    assert talk.hear(note("serverRequest/resolved", requestId=3)) == [AskWithdrawn("ask-4")]
    events = talk.hear(ended())
    assert [type(event) for event in events] == [AskWithdrawn] * (OPEN_MAX - 1) + [TurnEnded]
    talk.send(Answer("ask-1", allow=True))
    assert talk.hear({**ask, "id": "late"}) == []
    assert talk.said() == [{"id": "late", "result": {"decision": "decline"}}]


def test_a_steer_is_settled_by_the_conversation_or_by_the_end() -> None:
    """OC-02: refused, taken, accepted and the turn completed, accepted and the turn interrupted."""
    talk = begun()
    for signal in ("refused", "taken", "accepted"):
        talk.send(Steer(signal, signal))
    refused, taken, accepted = talk.said()
    assert accepted["params"]["clientUserMessageId"] == "accepted"
    assert talk.hear({"id": refused["id"], "error": {"message": "this turn takes none"}}) == [
        SteerSettled("refused", False, "this turn takes none")
    ]
    assert talk.hear({"id": taken["id"], "result": {}}, {"id": accepted["id"], "result": {}}) == []
    assert talk.hear(item("started", type="userMessage", clientId="taken")) == [SteerSettled("taken", True)]
    assert talk.hear(ended()) == [SteerSettled("accepted", True), TurnEnded()]

    talk = begun()
    talk.send(Steer("s1", "x"))
    talk.hear({"id": talk.said()[0]["id"], "result": {}})
    talk.send(Interrupt())
    assert talk.hear(ended("interrupted"))[0] == SteerSettled("s1", False, "the turn ended before it was applied")


def test_steers_before_the_turn_has_begun_are_bounded() -> None:
    """I18: what is more is refused, and says so."""
    talk = ready()
    talk.send(Turn("go"))
    for number in range(EARLY_STEERS_MAX):
        assert talk.send(Steer(f"s{number}", "x")) == []
    [refused] = talk.send(Steer("more", "x"))
    assert isinstance(refused, SteerSettled)
    assert not refused.applied


def test_what_was_used_before_a_resume_is_told_at_any_time_before_the_turn_begins() -> None:
    """Trap 8: also between the turn's request and its response, under the number of an old turn."""
    talk = spoken(T)
    talk.send(Go())
    talk.hear({"id": 1, "result": {}}, {"id": 2, "result": {"thread": {"id": T}}}, {"id": 3, "result": {}})
    talk.send(Turn("go"))
    usage = "thread/tokenUsage/updated"
    before, after = ({"total": {"inputTokens": count}, "last": {"inputTokens": 40}} for count in (900, 940))
    old = {"threadId": T, "turnId": "old", "tokenUsage": before}
    assert talk.hear({"method": usage, "params": old}) == []
    talk.hear({"id": 4, "result": {"turn": {"id": U}}}, note("turn/started", turn={"id": U}))
    [used] = talk.hear(note(usage, tokenUsage=after))
    assert isinstance(used, Used)
    assert used.usage.input_tokens == 40


def test_usage_without_a_word_of_before_counts_the_last_call() -> None:
    """Trap 8: a resume without a replay, and a total that fell, are no reason to count everything again."""
    talk = spoken(T)
    talk.send(Go())
    talk.hear({"id": 1, "result": {}}, {"id": 2, "result": {"thread": {"id": T}}}, {"id": 3, "result": {}})
    talk.send(Turn("go"))
    talk.hear({"id": 4, "result": {"turn": {"id": U}}})

    def counted(total: int, last: int) -> Usage:
        tokens = {name: {"inputTokens": count, "outputTokens": 1} for name, count in (("total", total), ("last", last))}
        [used] = talk.hear(note("thread/tokenUsage/updated", tokenUsage=tokens))
        assert isinstance(used, Used)
        return used.usage

    assert counted(1_000, 30).input_tokens == 30
    assert counted(1_050, 50).input_tokens == 80
    assert counted(40, 40).input_tokens == 40


def test_a_stumble_is_told_and_the_turn_goes_on() -> None:
    """`willRetry`: an error, and the limit that it shows; the last one is told by the end of the turn."""
    talk = begun()
    error = {
        "message": "Reconnecting... 1/2",
        "additionalDetails": "the line broke",
        "codexErrorInfo": {"responseStreamDisconnected": {"httpStatusCode": 429}},
    }
    said, limited = talk.hear(note("error", error=error, willRetry=True))
    assert said == Said(EventType.ERROR, {"text": "Reconnecting... 1/2: the line broke"})
    assert limited == Limited(ProviderLimit(kind=LimitKind.RATE, text="the line broke"))
    final = {"message": "the line broke", "codexErrorInfo": "other"}
    assert talk.hear(note("error", error=final, willRetry=False)) == []
    assert last(talk.hear(ended("failed", error=final))).reason is Reason.RATE_LIMIT


def test_a_provider_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    """Trap 9: Codex waits for a network without an end; whatever it says in between begins the time anew."""
    error = {"message": "waiting for network", "additionalDetails": "no route", "codexErrorInfo": "other"}
    waits = note("error", error=error | {"codexErrorInfo": {"responseStreamDisconnected": {}}}, willRetry=True)
    begin = waits["emittedAtMs"]

    def at(seconds: int) -> dict[str, Any]:
        return {**waits, "emittedAtMs": begin + seconds * 1_000}

    talk = begun()
    talk.hear(at(0), at(59), item("started", type="reasoning"), at(61), at(120))
    assert talk.said() == []
    talk.hear(at(121), at(200))
    assert [line["method"] for line in talk.said()] == ["turn/interrupt"]
    found = last(talk.hear(ended("interrupted")))
    assert (found.reason, found.error, found.passing, found.interrupted) == (Reason.PROVIDER, "no route", True, False)


def test_a_structured_result_is_the_answer_as_json() -> None:
    """The schema goes along; what cannot be read is a failure, and its text is kept."""
    talk = ready()
    talk.send(Turn("go", {"type": "object"}))
    assert talk.said()[-1]["params"]["outputSchema"] == {"type": "object"}
    for text, result in (('{"a": 1}', {"a": 1}), ("no", None), ("", None)):
        talk = begun({"type": "object"})
        found = last(talk.hear(item("completed", type="agentMessage", text=text), ended()))
        assert (found.text, found.result) == (text, result)
        assert (found.reason is None) is (result is not None)


@pytest.mark.parametrize(
    "line",
    [
        b"{\n",
        b'{"id": 99, "result": {}}\n',
        b'{"id": null, "error": {"message": "x"}}\n',
        b'{"method": 5}\n',
        b'{"method": "turn/completed", "id": {}}\n',
        b'{"method": "item/started", "params": []}\n',
        b'{"method": "item/started", "params": {"threadId": "01a20000-aaaa", "turnId": "01a20000-bbbb", "item": 5}}\n',
        b'{"method": "error", "params": {"error": 5}}\n',
        b'{"method": "x\xff"}\n',
        b'{"method": "error", "params": ' + b"[" * 100_000 + b"}\n",
    ],
)
def test_no_line_ends_the_reading(line: bytes) -> None:
    """I18: it is told as an error, and the next one is read as ever."""
    talk = begun()
    assert told(talk.hear(line), EventType.ERROR)
    assert talk.hear(ended()) == [TurnEnded()]


def test_what_is_not_known_is_passed_over() -> None:
    """A newer Codex may say more."""
    talk = begun()
    assert talk.hear(note("thread/mood/changed", mood="good"), item("started", type="userMessage")) == []
    assert talk.said() == []


@pytest.mark.parametrize(
    ("env", "name"),
    [({"TZ": "Europe/Berlin"}, "Europe/Berlin"), ({"TZ": ":UTC"}, "UTC"), ({}, None), ({"TZ": "/"}, None)],
)
def test_the_zone_is_that_of_the_agent(env: dict[str, str], name: str | None) -> None:
    """Its words name times of the day."""
    zone = zone_of(env)
    assert (None if zone is None else str(zone)) == name
