"""Laws of `lines` over everything that an agent may write: turns end once, steers settle once, reading goes on."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taxiway.agents.dialogue import DialogueEvent, Interrupt, Said, Steer, SteerSettled, Turn, TurnEnded, Used
from taxiway.agents.linecutter import LineCutter, TooLong
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.lines import LinesSpeech
from taxiway.agents.lines_events import PIECE_CHARS_MAX, pieces_of
from taxiway.agents.protocol import Ended, Output

KINDS = "ready thread message thought tool.call tool.result diff todo usage rate_limit approval.requested error".split()
#: Values that fit a field, and values that do not.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "id text delta name input output failed path items input_tokens usd resets_in_s turn signal applied why".split()
)
MESSAGES = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    st.sampled_from([*KINDS, "steered", "done", "nonsense"]),
    st.dictionaries(st.sampled_from([*FIELDS, "result", "error", "interrupted"]), VALUES, max_size=4),
)
GOOD = st.one_of(
    st.builds(lambda turn: {"type": "done", "turn": turn}, st.integers(1, 6)),
    st.builds(
        lambda signal, applied: {"type": "steered", "signal": signal, "applied": applied},
        st.sampled_from(["s1", "s2", "s3"]),
        st.booleans(),
    ),
    st.builds(lambda text: {"type": "message", "text": text}, st.text(max_size=30)),
)
LINES = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda message: json.dumps(message).encode() + b"\n", GOOD | MESSAGES),
    st.builds(lambda message: json.dumps(message).encode() + b"\n", GOOD),
)


def numbered(happenings: list[Any]) -> list[Any]:
    """Every steer is another one."""
    numbers = count(1)
    return [f"steer s{next(numbers)}" if happening == "steer" else happening for happening in happenings]


#: What happens, in order: the agent writes, or something is sent to it.
HAPPENINGS = st.lists(LINES | LINES | st.sampled_from(["turn", "turn", "interrupt", "steer"]), max_size=30).map(
    numbered
)


class Silence(Exception):
    """The agent has written nothing more so far."""


class Pipes:
    """A process of which only the pipes are there: what it is fed comes out in pieces of ``width`` bytes."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.pieces: deque[Output] = deque()
        self.closed = False
        self.sent: list[dict[str, Any]] = []

    def feed(self, data: bytes) -> None:
        """Have it write."""
        for start in range(0, len(data), self.width):
            self.pieces.append(Output("stdout", data[start : start + self.width]))

    async def next(self) -> Output | Ended:
        """What it wrote, at last its end."""
        if not self.pieces and not self.closed:
            raise Silence
        return self.pieces.popleft() if self.pieces else Ended(exit_code=0)

    def offer(self, data: bytes) -> bool:
        """Take input."""
        self.sent.append(json.loads(data))
        return True

    async def send(self, message: Any) -> None:
        """Nothing is executed."""

    async def mark_turn(self) -> bool:
        """As the guardian does."""
        return True


async def converse(happenings: list[Any], width: int) -> tuple[list[DialogueEvent], Pipes]:
    """Let it all happen, and then the process end; what the dialogue told."""
    pipes = Pipes(width)
    dialogue = LineDialogue(pipes, LinesSpeech)  # type: ignore[arg-type]
    told: list[DialogueEvent] = []

    def is_open() -> bool:
        ended = sum(isinstance(event, TurnEnded) for event in told)
        return sum(message["type"] == "turn" for message in pipes.sent) > ended

    async def listen() -> None:
        with suppress(Silence):
            while not told or not isinstance(told[-1], Ended):
                event = await dialogue.next()
                assert is_open() or not isinstance(event, TurnEnded), "a turn ended that nobody had opened"
                told.append(event)

    for happening in happenings:
        if isinstance(happening, bytes):
            pipes.feed(happening)
        elif happening == "interrupt":
            await dialogue.send(Interrupt())
        elif happening != "turn":
            await dialogue.send(Steer(happening.split()[1], "text"))
        elif not is_open():
            await dialogue.send(Turn("go"))
        await listen()
    pipes.closed = True
    await listen()
    return told, pipes


@given(happenings=HAPPENINGS, width=st.integers(1, 200))
def test_whatever_an_agent_writes_turns_end_once_and_steers_settle_once(happenings: list[Any], width: int) -> None:
    """I14: at most one end for each turn (the last may end with the process), exactly one receipt for each steer."""
    told, pipes = asyncio.run(converse(happenings, width))
    turns = [message for message in pipes.sent if message["type"] == "turn"]
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


@given(data=st.binary(max_size=300), width=st.integers(1, 50))
def test_a_line_that_is_no_object_is_kept_byte_by_byte(data: bytes, width: int) -> None:
    """I4: nothing that a library prints is lost or changed, except that blank lines go and the last one is ended."""
    lines = [line for line in data.replace(b"{", b"(").split(b"\n") if line.strip()]
    told, _ = asyncio.run(converse([b"\n".join(lines)], width))
    kept = b"".join(event.data for event in told if isinstance(event, Output))
    assert kept == b"".join(line + b"\n" for line in lines)


@given(message=MESSAGES | GOOD)
def test_every_object_is_understood_or_told_why_not(message: dict[str, Any]) -> None:
    """I18: a line is read to a record, or refused with a reason; counts are never negative."""
    told, _ = asyncio.run(converse(["turn", json.dumps(message).encode() + b"\n"], 1_000))
    assert all(isinstance(event.data, dict) for event in told if isinstance(event, Said))
    for event in told:
        if isinstance(event, Used):
            counts = (event.usage.input_tokens, event.usage.output_tokens, event.context_tokens)
            assert all(count is None or 0 <= count < 1 << 53 for count in counts)


@given(
    text=st.text(alphabet="ab \n", max_size=5) | st.just("x" * 25_000) | st.just("word " * 9_000),
    times=st.integers(0, 3),
)
def test_pieces_of_a_text_are_the_text(text: str, times: int) -> None:
    """None too long, none empty but of an empty text."""
    whole = text * times
    pieces = list(pieces_of(whole))
    assert "".join(pieces) == whole
    assert all(0 < len(piece) <= PIECE_CHARS_MAX for piece in pieces) or pieces == [""]


@given(
    data=st.lists(st.sampled_from([b"x", b"yyyyyyyyy", b"\n"]), max_size=40).map(b"".join),
    widths=st.lists(st.integers(1, 40), min_size=1),
)
def test_lines_are_cut_where_they_end_and_never_grow_beyond_the_bound(data: bytes, widths: list[int]) -> None:
    """I18: a bound of 16 bytes here; what is longer is counted."""
    cutter = LineCutter(16)
    found: list[Any] = []
    start = turn = 0
    while start < len(data):
        found += cutter.feed(data[start : start + widths[turn % len(widths)]])
        assert len(cutter._begun) <= 16
        start, turn = start + widths[turn % len(widths)], turn + 1
    found += cutter.flush()
    lines = data.split(b"\n")
    wanted = [TooLong(len(line)) if len(line) > 16 else line for line in lines]
    assert found == (wanted if lines[-1] else wanted[:-1])
