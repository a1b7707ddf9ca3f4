"""Laws of Claude Code's protocol over everything that a program may write in its place."""

import asyncio
import json
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taxiway.agents.claude import ClaudeSpeech
from taxiway.agents.claude_launch import derived_uuid
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    DialogueEvent,
    Interrupt,
    Said,
    Steer,
    SteerSettled,
    ThreadKnown,
    Turn,
    TurnEnded,
    Used,
)
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.protocol import Ended, Go
from tests.property.test_lines import VALUES, Pipes, Silence

RECORDINGS = Path(__file__).parents[1] / "unit" / "agents" / "claude"
RECORDED = [json.loads(line) for path in sorted(RECORDINGS.glob("*.jsonl")) for line in path.read_text().splitlines()]
TURNS = [derived_uuid("tag", f"turn {number}") for number in range(1, 6)]
STEERS = [derived_uuid("tag", f"steer s{number}") for number in range(1, 4)]


@st.composite
def mangled(draw: st.DrawFn) -> dict[str, Any]:
    """A real line, in which fields anywhere may be missing or be something else."""
    line = json.loads(json.dumps(draw(st.sampled_from(RECORDED))))
    for _ in range(draw(st.integers(0, 3))):
        place: Any = line
        while isinstance(place, dict | list) and place:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and draw(st.booleans()):
                place = inner
                continue
            if draw(st.booleans()) and isinstance(place, dict):
                del place[key]
            else:
                place[key] = draw(VALUES)
            break
    return line


GOOD = st.one_of(
    st.builds(
        lambda uuid, failed: {"type": "result", "subtype": "success", "is_error": failed, "user_message_uuids": uuid},
        st.lists(st.sampled_from(TURNS + STEERS), max_size=3),
        st.booleans(),
    ),
    st.builds(
        lambda uuid, state: {"type": "command_lifecycle", "command_uuid": uuid, "state": state},
        st.sampled_from(TURNS + STEERS),
        st.sampled_from(["queued", "started", "completed", "cancelled", "discarded", "refused"]),
    ),
    st.builds(
        lambda ids: {
            "type": "system",
            "subtype": "background_tasks_changed",
            "tasks": [{"task_id": one} for one in ids],
        },
        st.lists(st.text(max_size=3), max_size=2),
    ),
    st.builds(
        lambda id: {"type": "control_response", "response": {"subtype": "success", "request_id": id}},
        st.sampled_from(["initialize", "taxiway-1", "taxiway-2"]),
    ),
)
LINES = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda message: json.dumps(message).encode() + b"\n", mangled()),
    st.builds(lambda message: json.dumps(message).encode() + b"\n", GOOD),
    st.builds(lambda message: json.dumps(message).encode() + b"\n", st.sampled_from(RECORDED)),
)
HAPPENINGS = st.lists(LINES | LINES | st.sampled_from(["turn", "turn", "interrupt", "steer", "answer"]), max_size=30)


async def converse(happenings: list[Any], width: int) -> tuple[list[DialogueEvent], list[Any], int]:
    """Let it all happen, and then the process end: what was told, what was said, and how many turns were begun."""
    pipes = Pipes(width)
    dialogue = LineDialogue(pipes, partial(ClaudeSpeech, tag="tag"))  # type: ignore[arg-type]
    told: list[DialogueEvent] = []
    begun, numbers = 0, count(1)

    async def listen() -> None:
        with suppress(Silence):
            while not told or not isinstance(told[-1], Ended):
                told.append(await dialogue.next())

    def ends() -> int:
        return sum(isinstance(event, TurnEnded) for event in told)

    pipes.feed(b'{"type":"control_response","response":{"subtype":"success","request_id":"initialize"}}\n')
    await dialogue.send(Go())
    await listen()
    for happening in happenings:
        match happening:
            case bytes():
                pipes.feed(happening)
            case "interrupt":
                await dialogue.send(Interrupt())
            case "steer":
                await dialogue.send(Steer(f"s{next(numbers)}", "text"))
            case "answer":
                await dialogue.send(Answer(next((event.id for event in told if isinstance(event, Asked)), "x"), True))
            case _ if begun == ends():
                begun += 1
                await dialogue.send(Turn("go"))
        await listen()
        assert ends() <= begun, "a turn ended that nobody had begun"
    pipes.closed = True
    await listen()
    return told, pipes.sent, begun


@given(happenings=HAPPENINGS, width=st.integers(1, 5_000))
def test_whatever_claude_writes_turns_end_once_and_steers_settle_once(happenings: list[Any], width: int) -> None:
    """I14: at most one end for each turn, one receipt for each steer; counts are never negative."""
    told, sent, begun = asyncio.run(converse(happenings, width))
    assert begun - 1 <= sum(isinstance(event, TurnEnded) for event in told) <= begun
    steers = happenings.count("steer")
    assert sorted(event.signal for event in told if isinstance(event, SteerSettled)) == sorted(
        f"s{number}" for number in range(1, steers + 1)
    )
    assert [isinstance(event, Ended) for event in told].count(True) == 1
    assert all(isinstance(event.data, dict) for event in told if isinstance(event, Said))
    assert all(event.thread[:2] != "--" for event in told if isinstance(event, ThreadKnown))
    for event in told:
        if isinstance(event, Used):
            counts = (event.usage.input_tokens, event.usage.output_tokens, event.context_tokens, event.usage.usd)
            assert all(one is None or one >= 0 for one in counts)
    assert all(message["type"] in ("user", "control_request", "control_response") for message in sent)


@given(happenings=HAPPENINGS, widths=st.tuples(st.integers(1, 50), st.integers(1, 5_000)))
def test_how_the_pipe_cuts_claudes_lines_makes_no_difference(happenings: list[Any], widths: tuple[int, int]) -> None:
    """The same bytes give the same events, wherever a read ends."""
    one, other = (asyncio.run(converse(happenings, width)) for width in widths)
    assert [event for event in one[0] if isinstance(event, Said | TurnEnded | SteerSettled)] == [
        event for event in other[0] if isinstance(event, Said | TurnEnded | SteerSettled)
    ]
