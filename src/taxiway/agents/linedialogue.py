"""One process that is spoken with in lines: reads and writes them, and holds what every such protocol has to hold.

What the program writes is hostile: a line that cannot be read is told as an error or kept as output, and never ends the
reading; whatever it says, a turn ends once, and a steer is settled once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, assert_never

from taxiway.agents.conversation import ProcessConversation
from taxiway.agents.dialogue import (
    Answer,
    DialogueEvent,
    DialogueMessage,
    Interrupt,
    Opening,
    Ready,
    Said,
    Steer,
    SteerSettled,
    ThreadKnown,
    Turn,
    TurnEnded,
)
from taxiway.agents.linecutter import LINE_BYTES_MAX, LineCutter, TooLong, without_halves
from taxiway.agents.protocol import OPEN, OUTPUT_PIECE_BYTES_MAX, Ended, Go, How, Launch, Output, ProcessMark
from taxiway.agents.speech import Floor, OpenTurn, Speech
from taxiway.core.event import EventType

COMPLAINTS_MAX: Final = 20  #: lines of one turn that are told to be unreadable; what is more is only kept as output
SHOWN_CHARS_MAX: Final = 200  #: of an unreadable line
FORGOTTEN_MAX: Final = 1_000  #: steers that were settled before the agent answered, and may still be answered
NOT_READ: Final = "the agent takes no input: it has ended or closed it, or has not read for long"


def launch_of(opening: Opening, argv: tuple[str, ...], env: dict[str, str] | None = None) -> Launch:
    """What starts a program that is spoken with in lines: with an open input; ``env`` instead of the opening's own."""
    return Launch(
        argv=argv,
        cwd=opening.cwd,
        env=opening.env if env is None else env,
        tag=opening.tag,
        stdin=OPEN,
        lease_s=opening.lease_s,
    )


class LineDialogue:
    """One process, and the speech that is spoken with it."""

    def __init__(
        self,
        process: ProcessConversation,
        make_speech: Callable[[Floor], Speech],
        line_bytes_max: int = LINE_BYTES_MAX,
    ) -> None:
        """``process`` was opened with an open input; a line of more than ``line_bytes_max`` bytes is skipped."""
        self._process = process
        self._speech = make_speech(self)
        self._line_bytes_max = line_bytes_max
        self._lines = LineCutter(line_bytes_max)
        self._events: deque[DialogueEvent] = deque()
        self._plain = bytearray()  # lines that are no messages, on their way to one piece of output
        self._turn: OpenTurn | None = None
        self._turns = 0
        self._forgotten: deque[str] = deque(maxlen=FORGOTTEN_MAX)
        self._complaints = 0
        self._started = False
        self._ready = False
        self._thread: str | None = None
        self._ended: Ended | None = None
        self._waiting: asyncio.Timeout | None = None

    # -- what the engine does ---------------------------------------------------------------------------------------
    @property
    def mark(self) -> ProcessMark:
        """What to commit before the go."""
        return self._process.mark

    @property
    def bytes_heard(self) -> int:
        """How much it has written so far."""
        return self._process.bytes_heard

    async def send(self, message: DialogueMessage) -> None:
        """Deliver a message without waiting until the agent reads it."""
        if self._ended is not None:
            return
        match message:
            case Go():
                self._started = True
                await self._process.send(message)
                self._speech.greet()
            case Turn():
                await self._process.mark_turn()
                await self._begin(message)
            case Steer():
                self._steer(message)
            case Interrupt():
                if self._turn is not None:
                    self._turn.interrupted = True
                    self._speech.interrupt()
            case Answer():
                self._speech.answer(message)
            case _:
                assert_never(message)

    async def next(self) -> DialogueEvent:
        """The next event; a wait that is cancelled loses nothing."""
        while not self._events:
            if self._ended is not None:
                return self._ended
            try:
                async with asyncio.timeout(None) as self._waiting:
                    heard = await self._process.next()
            except TimeoutError:
                continue  # `_wake`: something arose on our own side
            finally:
                self._waiting = None
            self._take(heard)  # outside of the wait: what it tells has nobody to wake
        return self._events.popleft()

    async def clear(self) -> bool:
        """End what the last turn left running; whether that is certain."""
        return (await self._process.clear()).certain

    async def resize(self, columns: int, rows: int) -> None:
        """There is no window."""

    async def close(self, how: How) -> None:
        """Asked politely, the agent hears goodbye and then the end of its input."""
        if how is How.ASK and self._started:
            self._speech.bye()
            self._process.end_input()
        else:
            await self._process.close(how)

    async def ping(self) -> None:
        """Renew the guardian's deadline."""
        await self._process.ping()

    def drop(self) -> None:
        """Let go."""
        self._process.drop()

    # -- what the speech does: the floor ----------------------------------------------------------------------------
    @property
    def turn(self) -> OpenTurn | None:
        """The open turn."""
        return self._turn

    def say(self, line: bytes) -> bool:
        """Write a line."""
        return self._process.offer(line)

    def tell(self, event: DialogueEvent) -> None:
        """Tell the engine something, behind what was printed before."""
        self._flush_plain()
        self._events.append(event)
        self._wake()

    def ready(self) -> None:
        """Turns are taken from now on."""
        if not self._ready:
            self._ready = True
            self.tell(Ready())

    def named(self, thread: str) -> None:
        """The conversation's id."""
        if thread != self._thread:
            self._thread = thread
            self.tell(ThreadKnown(thread))

    def settle(self, signal: str, applied: bool, why: str | None = None) -> bool:
        """A steer has been answered."""
        if self._turn is not None and signal in self._turn.steers:
            del self._turn.steers[signal]
            self.tell(SteerSettled(signal, applied, why))
            return True
        return signal in self._forgotten

    def end_turn(self, end: TurnEnded) -> None:
        """The open turn has ended, or none can begin."""
        self._settle_steers("the turn ended before it was applied")
        self._turn = None
        self.tell(end)

    def complain(self, why: str, line: bytes) -> None:
        """A line could not be read."""
        shown = line[: SHOWN_CHARS_MAX * 4].decode("utf-8", "replace")[:SHOWN_CHARS_MAX]
        if not self._complain(f"a line that is no message: {why[:SHOWN_CHARS_MAX]}", line=shown):
            self._keep(line)

    # -- inside -------------------------------------------------------------------------------------------------------
    async def _begin(self, turn: Turn) -> None:
        assert self._turn is None, "one turn at a time"
        self._turns += 1
        self._turn = OpenTurn(self._turns)
        self._complaints = 0
        if not self._speech.begin(turn):
            self.tell(Said(EventType.ERROR, {"text": NOT_READ}))
            await self._process.close(How.KILL)  # it is of no use to anybody; its end tells, and ends the turn

    def _steer(self, steer: Steer) -> None:
        if self._turn is None:
            self.tell(SteerSettled(steer.signal, applied=False, why="no turn is open"))
            return
        self._turn.steers[steer.signal] = None
        if not self._speech.steer(steer):
            self.settle(steer.signal, applied=False, why=NOT_READ)

    def _wake(self) -> None:
        """Have a reader that waits for the process look at what arose here."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    def _take(self, event: Output | Ended | None) -> None:
        match event:
            case Output("stdout", data):
                for line in self._lines.feed(data):
                    self._line(line)
                self._flush_plain()
            case Output():
                self.tell(event)
            case Ended() | None:
                for line in self._lines.flush():
                    self._line(line)
                self._flush_plain()
                self._settle_steers("its process ended before it was applied")
                self._turn = None
                self._ended = event or Ended(certain=False, lost=True)  # nobody reads on after a drop

    def _line(self, line: bytes | TooLong) -> None:
        if isinstance(line, TooLong):
            why = f"a line of {line.size} bytes was skipped; a line has at most {self._line_bytes_max}"
            if not self._complain(why):
                self._keep(why.encode())
        elif line.lstrip().startswith(b"{"):
            self._speech.heard(without_halves(line))
        elif line.strip():  # what a library of the agent printed
            self._keep(line)

    def _settle_steers(self, why: str) -> None:
        for signal in tuple(self._turn.steers) if self._turn is not None else ():
            self._forgotten.append(signal)
            self.settle(signal, applied=False, why=why)

    def _complain(self, text: str, **data: Any) -> bool:
        if self._complaints >= COMPLAINTS_MAX:
            return False
        self._complaints += 1
        self.tell(Said(EventType.ERROR, {"text": text, **data}))
        return True

    def _keep(self, line: bytes) -> None:
        self._plain += line + b"\n"

    def _flush_plain(self) -> None:
        if not self._plain:
            return
        plain, self._plain = bytes(self._plain), bytearray()
        for start in range(0, len(plain), OUTPUT_PIECE_BYTES_MAX):
            self._events.append(Output("stdout", plain[start : start + OUTPUT_PIECE_BYTES_MAX]))
