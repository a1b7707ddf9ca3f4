"""The `lines` adapter: agents in any language that read and write one JSON object a line.

What the agent writes is hostile: a line that cannot be read is told as an error or kept as output, and never ends the
reading; whatever it says, a turn ends once, and a steer is settled once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, assert_never

import msgspec

from taxiway.agents import lines_wire as wire
from taxiway.agents.conversation import ProcessConversation
from taxiway.agents.dialogue import (
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
    Used,
)
from taxiway.agents.lines_events import said_of
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import OPEN, OUTPUT_PIECE_BYTES_MAX, Ended, Go, How, Launch, Output, ProcessMark
from taxiway.agents.protocol import SpawnFailure as SpawnFailure
from taxiway.core.agent import Abilities, AgentKind, argv_of
from taxiway.core.event import EventType
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.task import Reason, Usage

COMPLAINTS_MAX: Final = 20  #: lines of one turn that are told to be unreadable; what is more is only kept as output
SHOWN_CHARS_MAX: Final = 200  #: of an unreadable line
FORGOTTEN_MAX: Final = 1_000  #: steers that were settled before the agent answered, and may still be answered

#: Why an agent may say that a turn failed; the other reasons are Taxiway's to give.
AGENT_REASONS: Final = {
    reason.value: reason
    for reason in (
        *(Reason.AGENT_ERROR, Reason.AUTH, Reason.QUOTA, Reason.RATE_LIMIT),
        *(Reason.PROVIDER, Reason.BUDGET, Reason.GAVE_UP),
    )
}
NOT_READ: Final = "the agent takes no input: it has ended or closed it, or has not read for long"


class LinesAgent:
    """A kind of agent that speaks `lines`; its processes are guarded like any other."""

    def __init__(self, kind: AgentKind, process: ProcessAgent) -> None:
        """``process`` starts the programs."""
        self._kind = kind
        self._process = process

    @property
    def abilities(self) -> Abilities:
        """What any agent that speaks it is offered; one that cannot take a steer declines it."""
        resume = any("{thread}" in argument for item in self._kind.command for argument in _words(item))
        return Abilities(resume=resume, steer=True, interrupt=True, usage=True)

    async def open(self, opening: Opening) -> LinesDialogue | SpawnFailure:
        """Step one of a start."""
        launch = Launch(
            argv=argv_of(self._kind, opening.access, opening.thread, opening.model),
            cwd=opening.cwd,
            env=opening.env,
            tag=opening.tag,
            stdin=OPEN,
            lease_s=opening.lease_s,
        )
        opened = await self._process.open(launch)
        return opened if isinstance(opened, SpawnFailure) else LinesDialogue(opened)


class _Open(msgspec.Struct):
    """The open turn; ``steers`` are those that wait for an answer."""

    number: int
    interrupted: bool = False
    steers: dict[str, None] = msgspec.field(default_factory=dict)


class LinesDialogue:
    """One process that speaks `lines`."""

    def __init__(self, process: ProcessConversation) -> None:
        """``process`` was opened with an open input."""
        self._process = process
        self._lines = wire.LineCutter()
        self._events: deque[DialogueEvent] = deque()
        self._plain = bytearray()  # lines that are no messages, on their way to one piece of output
        self._turn: _Open | None = None
        self._turns = 0
        self._forgotten: deque[str] = deque(maxlen=FORGOTTEN_MAX)
        self._complaints = 0
        self._started = False
        self._ready = False
        self._thread: str | None = None
        self._ended: Ended | None = None
        self._waiting: asyncio.Timeout | None = None

    @property
    def mark(self) -> ProcessMark:
        """What to commit before the go."""
        return self._process.mark

    async def send(self, message: DialogueMessage) -> None:
        """Deliver a message without waiting until the agent reads it."""
        if self._ended is not None:
            return
        match message:
            case Go():
                self._started = True
                await self._process.send(message)
            case Turn():
                await self._process.mark_turn()
                await self._begin(message.text)
            case Steer():
                self._steer(message)
            case Interrupt():
                if self._turn is not None:
                    self._turn.interrupted = True
                    self._process.offer(wire.interrupt_line(self._turn.number))
            case _:
                assert_never(message)

    async def next(self) -> DialogueEvent:
        """The next event; a wait that is cancelled loses nothing."""
        while not self._events:
            if self._ended is not None:
                return self._ended
            try:
                async with asyncio.timeout(None) as self._waiting:
                    self._take(await self._process.next())
            except TimeoutError:
                pass  # `_wake`: something arose on our own side
            finally:
                self._waiting = None
        return self._events.popleft()

    async def clear(self) -> bool:
        """End what the last turn left running; whether that is certain."""
        return (await self._process.clear()).certain

    async def resize(self, columns: int, rows: int) -> None:
        """There is no window."""

    async def close(self, how: How) -> None:
        """Asked politely, the agent hears ``bye`` and then the end of its input."""
        if how is How.ASK and self._started:
            self._process.offer(wire.BYE)
            self._process.end_input()
        else:
            await self._process.close(how)

    async def ping(self) -> None:
        """Renew the guardian's deadline."""
        await self._process.ping()

    def drop(self) -> None:
        """Let go."""
        self._process.drop()

    async def _begin(self, text: str) -> None:
        assert self._turn is None, "one turn at a time"
        self._turns += 1
        self._turn = _Open(self._turns)
        self._complaints = 0
        if not self._process.offer(wire.turn_line(self._turns, text)):
            self._tell(Said(EventType.ERROR, {"text": NOT_READ}))
            self._wake()
            await self._process.close(How.KILL)  # it is of no use to anybody; its end tells, and ends the turn

    def _steer(self, steer: Steer) -> None:
        turn = self._turn
        if turn is None:
            self._tell(SteerSettled(steer.signal, applied=False, why="no turn is open"))
            self._wake()
        elif self._process.offer(wire.steer_line(turn.number, steer.signal, steer.text)):
            turn.steers[steer.signal] = None
        else:
            self._tell(SteerSettled(steer.signal, applied=False, why=NOT_READ))
            self._wake()

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
                self._tell(event)
            case Ended() | None:
                for line in self._lines.flush():
                    self._line(line)
                self._flush_plain()
                self._settle_steers("its process ended before it was applied")
                self._turn = None
                self._ended = event or Ended(certain=False, lost=True)  # nobody reads on after a drop

    def _line(self, line: bytes | wire.TooLong) -> None:
        if isinstance(line, wire.TooLong):
            why = f"a line of {line.size} bytes was skipped; a line has at most {wire.LINE_BYTES_MAX}"
            if not self._complain(why):
                self._plain += why.encode() + b"\n"
        elif line.lstrip().startswith(b"{"):
            self._heard(wire.read_line(line), line)
        elif line.strip():  # what a library of the agent printed
            self._keep(line)

    def _heard(self, message: wire.Incoming | wire.Unreadable, line: bytes) -> None:
        match message:
            case wire.Unreadable(why, ends_turn):
                self._unreadable(why, line)
                if ends_turn and self._turn is not None:
                    self._end_turn(TurnEnded(Reason.AGENT_ERROR, f"the agent ended its turn unreadably: {why}"))
            case wire.Ready():
                if not self._ready:
                    self._ready = True
                    self._tell(Ready())
            case wire.ThreadNamed(thread):
                if thread != self._thread:
                    self._thread = thread
                    self._tell(ThreadKnown(thread))
            case wire.UsageTold():
                self._tell(self._used(message))
            case wire.Steered():
                self._steered(message, line)
            case wire.Done():
                self._done(message, line)
            case _:
                for said in said_of(message):
                    self._tell(said)

    def _used(self, told: wire.UsageTold) -> Used:
        usage = Usage()
        if self._turn is not None:
            usage = Usage(told.input_tokens, told.output_tokens, told.cached_tokens, told.usd)
        return Used(usage, told.context_tokens, told.context_window)

    def _steered(self, answer: wire.Steered, line: bytes) -> None:
        if self._turn is not None and answer.signal in self._turn.steers:
            del self._turn.steers[answer.signal]
            why = None if answer.applied else (answer.why or "the agent declined it")[:ERROR_CHARS_MAX]
            self._tell(SteerSettled(answer.signal, answer.applied, why))
        elif answer.signal not in self._forgotten:
            self._unreadable("it answers a steer that nobody sent", line)

    def _done(self, done: wire.Done, line: bytes) -> None:
        if self._turn is None or done.turn not in (None, self._turn.number):
            self._unreadable("it ends a turn that is not open", line)
        else:
            self._end_turn(_end_of(done, self._turn))

    def _end_turn(self, end: TurnEnded) -> None:
        self._settle_steers("the turn ended before it was applied")
        self._turn = None
        self._tell(end)

    def _settle_steers(self, why: str) -> None:
        for signal in self._turn.steers if self._turn is not None else ():
            self._forgotten.append(signal)
            self._tell(SteerSettled(signal, applied=False, why=why))

    def _unreadable(self, why: str, line: bytes) -> None:
        shown = line[: SHOWN_CHARS_MAX * 4].decode("utf-8", "replace")[:SHOWN_CHARS_MAX]
        if not self._complain(f"a line that is no message: {why[:SHOWN_CHARS_MAX]}", line=shown):
            self._keep(line)

    def _complain(self, text: str, **data: Any) -> bool:
        if self._complaints >= COMPLAINTS_MAX:
            return False
        self._complaints += 1
        self._tell(Said(EventType.ERROR, {"text": text, **data}))
        return True

    def _keep(self, line: bytes) -> None:
        self._plain += line + b"\n"

    def _flush_plain(self) -> None:
        plain, self._plain = bytes(self._plain), bytearray()
        for start in range(0, len(plain), OUTPUT_PIECE_BYTES_MAX):
            self._events.append(Output("stdout", plain[start : start + OUTPUT_PIECE_BYTES_MAX]))

    def _tell(self, event: DialogueEvent) -> None:
        self._flush_plain()
        self._events.append(event)


def _end_of(done: wire.Done, turn: _Open) -> TurnEnded:
    """How a turn ended, judged: an agent may not claim everything."""
    if done.interrupted:
        if turn.interrupted:
            return TurnEnded(text=done.text, interrupted=True)
        return TurnEnded(Reason.AGENT_ERROR, "the agent says it was interrupted, and nobody did")
    if done.failed is None:
        return TurnEnded(text=done.text, result=done.result)
    reason = AGENT_REASONS.get(done.failed, Reason.AGENT_ERROR)
    error = (done.error or f"the agent reports {reason} and says no more")[-ERROR_CHARS_MAX:]
    unknown = "" if done.failed in AGENT_REASONS else f" (its reason '{done.failed[:SHOWN_CHARS_MAX]}' is not known)"
    return TurnEnded(reason, error + unknown, done.text)


def _words(item: str | tuple[str, ...]) -> tuple[str, ...]:
    return (item,) if isinstance(item, str) else item
