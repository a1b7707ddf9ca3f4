"""Laws of ACP over everything that an agent may write: reading goes on, turns end once, questions are answered once."""

import json
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from taxiway.agents.dialogue import Answer, Asked, Said, TurnEnded
from taxiway.core.limits import EVENT_BYTES_MAX
from tests.unit.agents.acp_floor import Stage

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KINDS = (
    "agent_message_chunk agent_thought_chunk user_message_chunk tool_call tool_call_update plan usage_update "
    "current_mode_update session_info_update available_commands_update plan_update nonsense"
).split()
FIELDS = (
    "content messageId toolCallId title status rawInput rawOutput entries used size cost currentModeId _meta".split()
)
FITTING = st.sampled_from(
    [
        {"content": {"type": "text", "text": "x"}},
        {"content": {"type": "text", "text": "429 rate limit"}, "messageId": "m"},
        {"toolCallId": "c", "title": "ls", "status": "completed", "rawInput": {"a": [1]}},
        {"toolCallId": "c", "title": "ls", "content": [{"type": "diff", "path": "p", "newText": "x"}]},
        {"toolCallId": "c", "title": "ls", "status": "failed", "rawInput": [1 << 70], "rawOutput": {"a": 1 << 90}},
        {"entries": [{"content": "x", "priority": "low", "status": "pending"}]},
        {"used": 1, "size": 2, "cost": {"amount": 1e308, "currency": "USD"}},
        {"_meta": {"codex": {"error": {"message": "x", "willRetry": False}}}},
    ]
)
UPDATES = st.builds(
    lambda kind, fields: {
        "method": "session/update",
        "params": {"sessionId": "s1", "update": {"sessionUpdate": kind, **fields}},
    },
    st.sampled_from(KINDS),
    FITTING | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4),
)
ASKS = st.builds(
    lambda id, options, call: {
        "id": id,
        "method": "session/request_permission",
        "params": {"sessionId": "s1", "toolCall": call, "options": options},
    },
    st.integers(0, 5) | st.text(max_size=3),
    st.just([{"optionId": "y", "name": "Y", "kind": "allow_once"}]) | VALUES,
    st.just({"toolCallId": "c"}) | VALUES,
)
ANSWERS = st.builds(
    lambda id, body: {"id": id, **body},
    st.integers(0, 6) | st.none(),
    st.builds(lambda stop: {"result": {"stopReason": stop}}, st.sampled_from(["end_turn", "cancelled", "refusal"]))
    | st.builds(lambda value: {"result": value}, VALUES)
    | st.builds(lambda value: {"error": value}, VALUES),
)
ANYTHING = st.dictionaries(st.sampled_from(["id", "method", "params", "result", "error"]), VALUES, max_size=4)
HAPPENINGS = st.lists(
    st.one_of(
        st.builds(lambda message: json.dumps(message).encode(), UPDATES | UPDATES | ASKS | ANSWERS | ANYTHING),
        st.binary(max_size=30).map(lambda data: b"{" + data),
        st.sampled_from(["begin", "begin", "interrupt", "answer"]),
    ),
    max_size=30,
)


def play(stage: Stage, happening: Any) -> None:
    """Let one thing happen."""
    match happening:
        case "begin" if stage.turn is None:
            told = list(stage.told)
            stage.begin()
            stage.told[:0] = told
        case "interrupt" if stage.turn is not None:
            stage.turn.interrupted = True
            stage.speech.interrupt()
        case "answer":
            stage.speech.answer(Answer("ask-1", allow=True))
        case bytes():
            stage.speech.heard(happening)


@given(HAPPENINGS)
def test_whatever_an_agent_writes_a_turn_ends_once_and_every_question_is_answered_once(happenings: list[Any]) -> None:
    """A43; and everything that is told can be stored."""
    stage = Stage().meet()
    for happening in happenings:
        play(stage, happening)
    ends = [event for event in stage.told if isinstance(event, TurnEnded)]
    assert len(ends) == stage.turns - (stage.turn is not None)
    if stage.turn is not None:
        stage.end()
    asked = [event.id for event in stage.told if isinstance(event, Asked)]
    assert len(asked) == len(set(asked))
    questions = Counter(str(found["id"]) for found in map(_read, happenings) if _is_question(found))
    answered = Counter(str(line["id"]) for line in stage.lines if "method" not in line)
    assert answered == questions
    for event in stage.told:
        if isinstance(event, Said):
            assert len(msgspec.json.encode(event.data)) < EVENT_BYTES_MAX


def _read(happening: Any) -> Any:
    try:
        return json.loads(happening) if isinstance(happening, bytes) else None
    except ValueError:
        return None


def _is_question(found: Any) -> bool:
    """Whether JSON-RPC demands an answer to it."""
    if not isinstance(found, dict) or not isinstance(found.get("method"), str):
        return False
    id = found.get("id")
    return isinstance(id, str) or (isinstance(id, int) and not isinstance(id, bool) and abs(id) < 1 << 63)
