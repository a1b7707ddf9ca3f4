"""The `pty` adapter: programs made for people at a terminal. Their screen is read, and keys are typed into it.

A turn is ready when the program shows its prompt, or has been silent for long enough: there is no protocol that would
say so. Its text is what the screen has gained. The raw bytes are kept as output of the stream ``pty``.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from enum import Enum
from typing import Final, assert_never

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
    Turn,
    TurnEnded,
)
from taxiway.agents.lines_events import pieces_of
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, How, Launch, Output, ProcessMark, SpawnFailure, Window
from taxiway.agents.terminal.emulator import Emulator
from taxiway.agents.terminal.gained import gained
from taxiway.agents.terminal.keyboard import ENTER, pasted, typed
from taxiway.agents.terminal.prompt import prompts_of, shows_prompt, without_prompt
from taxiway.agents.terminal.screen import lines_of
from taxiway.agents.tty import LINE_BYTES_MAX, Tty
from taxiway.core.agent import Abilities, AgentKind, argv_of
from taxiway.core.event import EventType
from taxiway.core.limits import TASK_OUTPUT_BYTES_MAX
from taxiway.core.safe import safe
from taxiway.core.task import Reason

TERM: Final = "xterm-256color"  #: the kind of terminal that `Emulator` is
SLICE_BYTES: Final = 4 << 10  #: carried out on the screen in one go, before others have their turn
SETTLE_S: Final = 0.25  #: a prompt counts when nothing came after it for so long; busy programs redraw faster
FIRST_WORD_S: Final = 5.0  #: the silence of a program that has not said anything yet means less
ECHO_S: Final = 0.1  #: typed text has been shown when nothing came for so long; then it is submitted
ECHO_S_MAX: Final = 1.0  #: or when this time is over
UNREAD_BYTES_MAX: Final = 64 << 10  #: of its input; a program that has so much before it is answered no more
CTRL_C: Final = b"\x03"
ESC: Final = b"\x1b"
NO_STEER: Final = "a program on a terminal takes nothing in between: it could not be told from an answer to a question"
NOT_READ: Final = "the program has not read what was typed for long"


class PtyAgent:
    """A kind of agent that is driven on a terminal; its processes are guarded like any other."""

    def __init__(self, kind: AgentKind, process: ProcessAgent) -> None:
        """``process`` starts the programs."""
        self._kind = kind
        self._process = process

    @property
    def abilities(self) -> Abilities:
        """Turns and their interruption; everything is read off the screen."""
        return Abilities(interrupt=True, degraded=True)

    async def open(self, opening: Opening) -> PtyDialogue | SpawnFailure:
        """Step one of a start."""
        kind = self._kind
        env = {name: value for name, value in opening.env.items() if name not in ("COLUMNS", "LINES")}
        launch = Launch(
            argv=argv_of(kind, opening.access, opening.thread, opening.model),
            cwd=opening.cwd,
            env={**env, "TERM": kind.env.get("TERM", TERM)},
            tag=opening.tag,
            lease_s=opening.lease_s,
            window=Window(kind.columns, kind.rows),
        )
        opened = await self._process.open(launch)
        return opened if isinstance(opened, SpawnFailure) else PtyDialogue(opened, kind)


class _Phase(Enum):
    """What the program is at, as far as anybody can see."""

    NEW = "new"
    STARTING = "starting"
    IDLE = "idle"
    TYPING = "typing"  # the text of a turn is going in
    BUSY = "busy"  # it was submitted


class PtyDialogue:
    """One program on its terminal."""

    def __init__(self, process: ProcessConversation, kind: AgentKind) -> None:
        """``kind`` says how readiness is seen, and how large the window is."""
        assert process.tty is not None, "it was launched with a window"
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._tty: Tty = process.tty
        self._ready = None if kind.ready is None else re.compile(kind.ready)
        self._quiet_s = kind.quiet_s
        self._terminal = Emulator(kind.columns, kind.rows)
        self._events: deque[DialogueEvent] = deque()
        self._unseen = b""  # output that is not on the screen yet
        self._phase = _Phase.NEW
        self._since = 0.0
        self._moved = 0.0  # when the last output came, or the last key was pressed
        self._heard = False
        self._looked = True  # at what the last output left on the screen
        self._before: list[str] = []
        self._prompt = ""
        self._inputs: list[str] = []
        self._as_typed = False  # the program takes line by line, so what it says begins with the first
        self._interrupted = False
        self._soiled = False  # something typed may still stand in its input
        self._ended: Ended | None = None
        self._waiting: asyncio.Timeout | None = None

    @property
    def mark(self) -> ProcessMark:
        """What to commit before the go."""
        return self._process.mark

    @property
    def bytes_heard(self) -> int:
        """How much it has written so far."""
        return self._process.bytes_heard

    async def send(self, message: DialogueMessage) -> None:
        """Deliver a message without waiting until the program reads it."""
        if self._ended is not None:
            return
        match message:
            case Go():
                self._enter(_Phase.STARTING)
                await self._process.send(message)
            case Turn(text):
                assert self._phase is _Phase.IDLE, "a turn is sent when the agent is ready and none is open"
                await self._process.mark_turn()
                await self._type(text)
            case Steer(signal):
                self._events.append(SteerSettled(signal, applied=False, why=NO_STEER))
            case Interrupt():
                self._interrupt()
            case Answer():
                pass  # a program on a screen asks there
            case _:
                assert_never(message)
        self._wake()

    async def next(self) -> DialogueEvent:
        """The next event; a wait that is cancelled loses nothing."""
        while self._unseen or not self._events:
            if self._unseen:
                self._show()
                await asyncio.sleep(0)
                continue
            if self._ended is not None:
                return self._ended
            try:
                async with asyncio.timeout_at(self._due()) as self._waiting:
                    self._take(await self._process.next())
            except TimeoutError:
                self._judge()
            finally:
                self._waiting = None
        return self._events.popleft()

    async def clear(self) -> bool:
        """End what the last turn left running; False as well when the program's input may not be empty."""
        return (await self._process.clear()).certain and not self._soiled

    async def resize(self, columns: int, rows: int) -> None:
        """Set the window's size; the program is told by SIGWINCH."""
        self._terminal.resize(columns, rows)
        self._tty.resize(Window(columns, rows))

    async def close(self, how: How) -> None:
        """Asked politely, the program sees its window close (SIGHUP)."""
        await self._process.close(how)

    async def ping(self) -> None:
        """Renew the guardian's deadline."""
        await self._process.ping()

    def drop(self) -> None:
        """Let go."""
        self._process.drop()

    def _enter(self, phase: _Phase) -> None:
        self._phase = phase
        self._since = self._moved = self._loop.time()
        self._looked = True

    def _wake(self) -> None:
        """Have a reader that waits for the process look at what has changed here."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(self._loop.time() if self._events else self._due())

    def _take(self, event: Output | Ended | None) -> None:
        match event:
            case Output(_, data):
                self._unseen = data
                self._moved = self._loop.time()
                self._looked = False
                self._heard = True
                self._events.append(event)
            case Ended() | None:
                if self._phase is _Phase.BUSY:
                    self._say()
                self._ended = event or Ended(certain=False, lost=True)  # nobody reads on after a drop
            case _:
                assert_never(event)

    def _show(self) -> None:
        """Carry out a slice of the output on the screen, and answer what it asks."""
        data, self._unseen = self._unseen[:SLICE_BYTES], self._unseen[SLICE_BYTES:]
        answers = self._terminal.feed(data)
        if answers and self._process.unread < UNREAD_BYTES_MAX:
            self._process.offer(answers)

    def _due(self) -> float | None:
        """When to look whether the program has come to rest, unless it says something before."""
        match self._phase:
            case _Phase.NEW | _Phase.IDLE:
                return None
            case _Phase.TYPING:
                return min(self._moved + ECHO_S, self._since + ECHO_S_MAX)
            case _Phase.STARTING | _Phase.BUSY:
                if self._ready is None:
                    dumb = self._phase is _Phase.STARTING and not self._heard
                    return self._moved + (max(self._quiet_s, FIRST_WORD_S) if dumb else self._quiet_s)
                return None if self._looked else self._moved + SETTLE_S
            case _:
                assert_never(self._phase)

    def _judge(self) -> None:
        """The program has come to rest, or the wait was broken off because something has changed here."""
        due = self._due()
        if due is None or self._loop.time() < due or self._process.pending:
            return
        self._looked = True
        if self._phase is _Phase.TYPING:
            self._submit()
        elif self._ready is None or shows_prompt(self._terminal.screen, self._ready):
            if self._phase is _Phase.STARTING:
                self._events.append(Ready())
            else:
                self._events.append(TurnEnded(text=self._say(), interrupted=self._interrupted))
            self._enter(_Phase.IDLE)

    async def _type(self, text: str) -> None:
        """Put the text into the program's input; it is submitted when it has been shown."""
        paste = self._terminal.bracketed_paste
        keys = pasted(text) if paste else typed(text)
        longest = max(map(len, keys.split(b"\n")))
        if self._tty.gathers_lines and longest > LINE_BYTES_MAX:
            error = f"a line of {longest} bytes: this program reads whole lines, of at most {LINE_BYTES_MAX} bytes each"
            self._events.append(TurnEnded(Reason.AGENT_ERROR, error))
            return
        self._interrupted = False
        self._as_typed = not paste and b"\n" in keys
        self._prompt = self._terminal.screen.before_cursor()
        self._inputs = []
        self._look_before()
        self._enter(_Phase.TYPING)
        if not self._process.offer(keys):
            self._events.append(Said(EventType.ERROR, {"text": NOT_READ}))
            await self._process.close(How.KILL)  # it is of no use to anybody; its end tells, and ends the turn

    def _submit(self) -> None:
        if self._process.unread:
            self._since = self._moved = self._loop.time()  # it is still being read
            return
        if not self._as_typed:
            empty = self._before
            self._look_before()
            self._inputs = gained(self._before, empty)  # how what the typing has changed looks when nothing is typed
        self._process.offer(ENTER)
        self._enter(_Phase.BUSY)

    def _interrupt(self) -> None:
        """End the open turn. A terminal that makes signals gets Ctrl-C, which is the interrupt of whatever runs in
        front; a program that reads keys itself gets ESC, at which agents stop their turn, while Ctrl-C may end them."""
        match self._phase:
            case _Phase.BUSY:
                self._interrupted = True
                self._process.offer(CTRL_C if self._tty.makes_signals else ESC)
                self._moved, self._looked = self._loop.time(), False
            case _Phase.TYPING:
                self._soiled = True
                self._events.append(TurnEnded(interrupted=True))
                self._enter(_Phase.IDLE)
            case _:
                pass  # nothing to interrupt

    def _look_before(self) -> None:
        """What is there by now is no part of the answer."""
        self._terminal.screen.forget_scrolled()
        self._before = lines_of(self._terminal.screen)

    def _say(self) -> str:
        """Tell, and give, what the screen has gained since, without the prompt that is there again."""
        screen = self._terminal.screen
        matched = () if self._ready is None else filter(self._ready.search, prompts_of(screen))
        new = [line for line in gained(self._before, lines_of(screen)) if not line or line not in self._inputs]
        lines = without_prompt(new, self._prompt, matched)
        tail = safe("\n".join(lines)).rstrip().encode("utf-8", "replace")[-TASK_OUTPUT_BYTES_MAX:]
        text = tail.decode("utf-8", "ignore")
        for number, piece in enumerate(pieces_of(text) if text else ()):
            self._events.append(Said(EventType.MESSAGE, {"text": piece} | ({"delta": True} if number else {})))
        return text
