"""Laws of Codex's app-server over all that it may write: turns end once, steers settle once, requests are answered."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taxiway.agents.codex_speech import CodexSpeech
from taxiway.agents.codex_start import Thread
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    AskWithdrawn,
    DialogueEvent,
    Interrupt,
    Steer,
    SteerSettled,
    Turn,
    TurnEnded,
    Used,
)
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.protocol import Ended, Go, Output
from tests.unit.agents.spoken import Pipes, Silence

T, U = "01a2-thread", "01a2-turn"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
METHODS = (
    "turn/started turn/completed item/started item/completed item/agentMessage/delta item/reasoning/textDelta "
    "item/commandExecution/outputDelta turn/plan/updated thread/tokenUsage/updated account/rateLimits/updated error "
    "serverRequest/resolved mcpServer/startupStatus/updated model/rerouted warning nonsense "
    "item/commandExecution/requestApproval item/fileChange/requestApproval item/permissions/requestApproval "
    "mcpServer/elicitation/request item/tool/call"
).split()
ITEMS = "agentMessage userMessage reasoning commandExecution fileChange mcpToolCall dynamicToolCall plan odd".split()
ITEM = st.builds(
    lambda type, id, fields: {"type": type, "id": id, **fields},
    st.sampled_from(ITEMS),
    st.sampled_from(["i1", "i2"]),
    st.dictionaries(st.sampled_from("text clientId summary command status exitCode changes arguments".split()), VALUES)
    | st.builds(lambda signal: {"clientId": signal}, st.sampled_from(["s1", "s2"])),
)
TURNS = st.builds(
    lambda id, status, error: {"id": id, "status": status, "error": error},
    st.sampled_from([U, U, U, "01a2-other"]),
    st.sampled_from(["completed", "interrupted", "failed", "inProgress", "odd"]),
    st.none() | st.builds(lambda info: {"message": "x", "codexErrorInfo": info}, VALUES),
)
COUNTS = st.builds(lambda a, b: {"inputTokens": a, "outputTokens": b}, st.integers(0, 99), st.integers(0, 99))
PARAMS = st.builds(
    lambda known, odd: {"threadId": T, "turnId": U, "itemId": "i1", **known, **odd},
    st.fixed_dictionaries(
        {},
        optional={
            "item": ITEM,
            "turn": TURNS,
            "delta": st.text(max_size=10),
            "error": st.builds(lambda info: {"message": "m", "codexErrorInfo": info}, VALUES),
            "willRetry": st.booleans(),
            "tokenUsage": st.builds(lambda total, last: {"total": total, "last": last}, COUNTS, COUNTS),
            "requestId": st.integers(0, 5),
            "name": st.just("server"),
            "status": st.sampled_from(["starting", "ready", "failed"]),
            "permissions": st.dictionaries(st.text(max_size=5), VALUES, max_size=2),
        },
    ),
    st.dictionaries(st.sampled_from("threadId turnId item turn delta error plan command cwd reason".split()), VALUES)
    | st.just({}),
)
BODIES = (
    {"result": {}},
    {"result": {"turn": {"id": U}}},
    {"result": {"thread": {"id": T}}},
    {"error": {"message": ""}},
)
MESSAGES = st.one_of(
    st.builds(lambda method, params: {"method": method, "params": params}, st.sampled_from(METHODS), PARAMS),
    st.builds(lambda method, turn: {"method": method, "params": {"threadId": T, "turn": turn}},
              st.sampled_from(["turn/started", "turn/completed"]), TURNS),
    st.builds(lambda id, method, params: {"id": id, "method": method, "params": params},
              st.integers(0, 5) | st.text(max_size=3), st.sampled_from(METHODS[-5:]), PARAMS),
    st.builds(lambda id, body: {"id": id, **body}, st.integers(0, 12), st.sampled_from(BODIES)),
    st.dictionaries(st.sampled_from("id method params result error".split()), VALUES),
)  # fmt: skip
LINES = st.binary(max_size=40) | st.builds(lambda message: json.dumps(message).encode() + b"\n", MESSAGES)
START = [{"id": 1, "result": {}}, {"id": 2, "result": {"thread": {"id": T}}}, {"id": 3, "result": {}}]


def numbered(happenings: list[Any]) -> list[Any]:
    """Every steer is another one."""
    numbers = count(1)
    return [f"steer s{next(numbers)}" if happening == "steer" else happening for happening in happenings]


#: What happens, in order: the app-server writes, or something is sent to it.
HAPPENINGS = st.lists(LINES | LINES | st.sampled_from(["turn", "interrupt", "steer", "answer"]), max_size=40).map(
    numbered
)


async def converse(happenings: list[Any], width: int) -> tuple[list[DialogueEvent], Pipes]:
    """Let it all happen, and then the process end; what the dialogue told."""
    pipes = Pipes(width)
    dialogue = LineDialogue(pipes, lambda floor: CodexSpeech(floor, Thread({}), UTC))  # type: ignore[arg-type]
    told: list[DialogueEvent] = []
    opened = 0

    def is_open() -> bool:
        return opened > sum(isinstance(event, TurnEnded) for event in told)

    async def listen() -> None:
        with suppress(Silence):
            while not told or not isinstance(told[-1], Ended):
                event = await dialogue.next()
                assert is_open() or not isinstance(event, TurnEnded), "a turn ended that nobody had opened"
                told.append(event)

    await dialogue.send(Go())
    for line in START:
        pipes.feed(json.dumps(line).encode() + b"\n")
    await listen()
    for happening in happenings:
        if isinstance(happening, bytes):
            pipes.feed(happening)
        elif happening == "interrupt":
            await dialogue.send(Interrupt())
        elif happening == "answer":
            await dialogue.send(Answer("ask-1", allow=True))
        elif happening != "turn":
            await dialogue.send(Steer(happening.split()[1], "text"))
        elif not is_open():
            opened += 1
            await dialogue.send(Turn("go"))
        await listen()
    pipes.closed = True
    await listen()
    return told, pipes


@given(happenings=HAPPENINGS, width=st.integers(1, 200))
def test_whatever_it_writes_turns_end_once_and_steers_settle_once(happenings: list[Any], width: int) -> None:
    """I14: at most one end for each turn (the last may end with the process), exactly one receipt for each steer."""
    told, pipes = asyncio.run(converse(happenings, width))
    turns = [message for message in pipes.sent if message.get("method") == "turn/start"]
    ends = [event for event in told if isinstance(event, TurnEnded)]
    assert len(turns) - 1 <= len(ends) <= len(turns)
    asked = [happening.split()[1] for happening in happenings if str(happening).startswith("steer")]
    settled = [event.signal for event in told if isinstance(event, SteerSettled)]
    assert sorted(settled) == sorted(asked)
    assert [isinstance(event, Ended) for event in told].count(True) == 1


@given(happenings=HAPPENINGS, widths=st.tuples(st.integers(1, 50), st.integers(1, 50)))
def test_how_the_pipe_cuts_it_makes_no_difference(happenings: list[Any], widths: tuple[int, int]) -> None:
    """The same bytes give the same events, wherever a read ends (plain output may come in other pieces)."""

    def told(width: int) -> list[Any]:
        events, _ = asyncio.run(converse(happenings, width))
        return [event for event in events if not isinstance(event, Output)]

    assert told(widths[0]) == told(widths[1])


@given(happenings=HAPPENINGS)
def test_every_request_is_asked_or_answered_and_no_question_outlives_its_turn(happenings: list[Any]) -> None:
    """Nobody waits for us for ever; figures are never negative."""
    told, pipes = asyncio.run(converse(happenings, 1 << 16))
    asked = [event.id for event in told if isinstance(event, Asked)]
    assert len(set(asked)) == len(asked)
    answers = sum("method" not in message for message in pipes.sent)
    withdrawn = sum(isinstance(event, AskWithdrawn) for event in told)
    requests = sum(_is_request(line) for line in b"".join(filter(_bytes, happenings)).split(b"\n"))
    assert answers + len(asked) >= requests
    assert withdrawn <= len(asked)
    for event in told:
        if isinstance(event, Used):
            assert all(count is None or count >= 0 for count in (event.usage.input_tokens, event.usage.output_tokens))


def _bytes(happening: Any) -> bool:
    return isinstance(happening, bytes)


def _is_request(line: bytes) -> bool:
    try:
        found = json.loads(line) if line.lstrip().startswith(b"{") else None
    except ValueError:
        return False
    if not isinstance(found, dict) or not isinstance(found.get("method"), str):
        return False
    return isinstance(found.get("id"), int | str) and not isinstance(found["id"], bool)
