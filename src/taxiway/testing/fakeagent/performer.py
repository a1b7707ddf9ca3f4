"""Performs a script: hears a turn, does its steps, takes steers between them, and ends the turn."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import deque
from typing import Any, Final

from . import mischief
from .memory import Journal, Memory
from .script import Script, Step, Turn
from .voice import Heard, Voice

MEGABYTE: Final = 1 << 20
LOOK_S: Final = 0.02  # between looks for a file that is awaited
FDS: Final = {"stdin": 0, "stdout": 1, "stderr": 2}
_PLACEHOLDER: Final = re.compile(r"\{(\w+|env\.\w+)\}")


class Interrupted(Exception):
    """The open turn is to end."""


class Farewell(Exception):
    """The agent is told to leave."""


class Leave(Exception):
    """The script leaves, with this exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Performer:
    """One agent's life."""

    def __init__(self, script: Script, voice: Voice, memory: Memory, journal: Journal, model: str) -> None:
        self._script = script
        self._voice = voice
        self._memory = memory
        self._journal = journal
        self._model = model
        self._policy = script.steers
        self._why = "the script says so"
        self._turn: Turn | None = None  # what is being performed
        self._open: int | None = None  # the number of the open turn, as the other side counts
        self._is_open = False
        self._deaf = False  # the input has ended: what is open is finished
        self._steers: deque[Heard] = deque()
        self._applied: list[str] = []
        self._words: dict[str, str] = {}
        self._answers: dict[str, Heard] = {}  # by the id of the question
        self._said = ""

    def live(self) -> int:
        """From start to end; the exit status."""
        try:
            self._perform(self._script.start)
            self._voice.tell("thread", id=self._memory.thread)
            self._voice.tell("ready")
            try:
                while True:
                    self._take(self._voice.hear(None))
            except Farewell:
                self._perform(self._script.end)
        except Leave as leave:
            return leave.status
        return 0

    def _take(self, heard: Heard | None) -> None:
        """What came while no turn was open."""
        if heard is None:
            return
        if heard.what == "turn":
            self._answer(heard)
            return
        self._note(heard)
        if heard.what == "steer":
            self._settle(heard, applied=False, why="no turn is open")
        elif heard.what == "unreadable":
            self._voice.tell("error", text="a line that cannot be read came in")

    def _take_within(self, heard: Heard | None) -> None:
        """What came while a turn was open."""
        if heard is None:
            return
        if heard.what == "end":
            self._deaf = True
            return
        self._note(heard)
        if heard.what == "steer" and heard.turn not in (None, self._open):
            self._settle(heard, applied=False, why="that turn has ended")
        elif heard.what == "steer" or (heard.what == "turn" and self._voice.types_ahead):
            self._steers.append(heard)
        elif heard.what == "turn":
            self._voice.tell("error", text="a turn came while one was open")
        elif heard.what == "answer":
            self._answers[heard.id or ""] = heard
        elif heard.what == "interrupt" and heard.turn in (None, self._open) and self._script.interrupts:
            raise Interrupted

    def _answer(self, heard: Heard) -> None:
        self._note(heard)
        self._memory.hear(heard.text)
        self._voice.began()
        self._open, self._is_open = heard.turn, True
        self._applied, self._said = [], ""
        self._answers.clear()
        self._turn, groups = self._script.turn(self._memory.turns, heard.text)
        self._words = {"text": heard.text, **groups}
        try:
            self._perform(self._turn.steps)
            self._boundary()
            self._end(text=self._said or None)
        except Interrupted:
            self._end(interrupted=True)
        finally:
            self._turn = None
            self._steers.clear()

    def _end(self, **fields: Any) -> None:
        if self._is_open:
            self._is_open = False
            self._voice.tell("done", turn=self._open, **fields)
            self._journal.note("done", self._memory.thread, **fields)

    def _perform(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self._boundary()
            fields = {name: self._filled(value) for name, value in step.fields.items()}
            getattr(self, f"_do_{step.kind}")(**fields)

    def _boundary(self) -> None:
        """The safe point between two steps: what came is taken, and steers go into the turn."""
        if not self._is_open:
            return
        while not self._deaf and (heard := self._voice.hear(0)) is not None:
            self._take_within(heard)
        while self._steers:
            steer = self._steers.popleft()
            if self._policy == "accept":
                self._applied.append(steer.text)
                self._memory.learn(steer.text)
                self._words["steer"] = steer.text
                self._settle(steer, applied=True)
                self._perform(self._turn.on_steer if self._turn is not None else ())
            elif self._policy == "decline":
                self._settle(steer, applied=False, why=self._why)

    def _settle(self, steer: Heard, applied: bool, why: str | None = None) -> None:
        self._voice.tell("steered", signal=steer.signal, applied=applied, why=why)
        self._journal.note("steered", self._memory.thread, signal=steer.signal, applied=applied)

    def _note(self, heard: Heard) -> None:
        """Write down what came; a bye, or the end of the input, ends all."""
        known = {name: value for name, value in heard._asdict().items() if value is not None and name != "what"}
        self._journal.note(heard.what, self._memory.thread, **known)
        if heard.what in ("bye", "end"):
            raise Farewell

    def _pause(self, seconds: float) -> None:
        """Let time pass with open ears."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._is_open and not self._deaf:
                self._take_within(self._voice.hear(left))
            else:
                time.sleep(left)

    def _filled(self, value: Any) -> Any:
        """A value with its placeholders replaced; those that mean nothing stay."""
        if isinstance(value, str):
            return _PLACEHOLDER.sub(lambda match: self._word(match[1], match[0]), value)
        if isinstance(value, dict):
            return {name: self._filled(item) for name, item in value.items()}
        return [self._filled(item) for item in value] if isinstance(value, list) else value

    def _word(self, name: str, otherwise: str) -> str:
        if name.startswith("env."):
            return os.environ.get(name.removeprefix("env."), "")
        memory = self._memory
        known = {"turn": str(memory.turns), "thread": memory.thread, "told": " / ".join(memory.told)}
        known |= {"steers": " / ".join(self._applied), "pid": str(os.getpid()), "now": repr(time.time())}
        known |= {"model": self._model, **self._words}
        return known.get(name, otherwise)

    def _do_say(self, text: str, delta: bool) -> None:
        self._said = text
        self._voice.tell("message", text=text, delta=delta or None)

    def _do_think(self, text: str) -> None:
        self._voice.tell("thought", text=text)

    def _do_tool(self, name: str, input: Any, output: Any, takes: float, failed: bool) -> None:
        call = f"call-{os.urandom(4).hex()}"
        self._voice.tell("tool.call", id=call, name=name, input=input)
        self._pause(takes)
        self._voice.tell("tool.result", id=call, name=name, output=output, failed=failed or None)

    def _do_stream(self, text: str, chunks: int, every: float) -> None:
        self._said = ""
        for number in range(1, chunks + 1):
            self._pause(every)
            piece = text.replace("{chunk}", str(number))
            self._said += piece
            self._voice.tell("message", text=piece, delta=True)

    def _do_sleep(self, seconds: float) -> None:
        self._pause(seconds)

    def _do_await(self, file: str) -> None:
        while not os.path.exists(file):
            self._pause(LOOK_S)

    def _do_hang(self, seconds: float | None) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            time.sleep(60 if until is None else max(0.0, until - time.monotonic()))

    def _do_flood(self, mb: float, to: str, line_bytes: int, messages: bool) -> None:
        line = b"x" * (line_bytes - 1) + b"\n" if line_bytes else b""
        if messages:
            line = self._voice.piece("x" * line_bytes).encode()
        mischief.flood(FDS[to], int(mb * MEGABYTE), line)

    def _do_exit(self, status: int) -> None:
        raise Leave(status)

    def _do_crash(self, signal: tuple[int, ...]) -> None:
        mischief.die_of(signal[0])

    def _do_ignore(self, signals: tuple[int, ...]) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)

    def _do_daemon(self, seconds: float, deaf: bool, holds: bool) -> None:
        pid = mischief.leave_daemon(seconds, holds, deaf)
        self._journal.note("left", self._memory.thread, left=pid)

    def _do_child(self, seconds: float, deaf: bool) -> None:
        self._journal.note("left", self._memory.thread, left=mischief.leave_child(seconds, deaf))

    def _do_write(self, file: str, text: str, append: bool) -> None:
        if self._voice.writes:
            with open(file, "a" if append else "w", encoding="utf-8") as stream:
                stream.write(text)

    def _do_usage(self, **fields: Any) -> None:
        self._voice.tell("usage", **fields)

    def _do_rate_limit(self, resets_in: float | None, text: str, fail: bool, kind: str) -> None:
        self._voice.tell("rate_limit", kind=kind, text=text, resets_in_s=resets_in)
        if fail:
            reasons = {"quota": "quota", "overload": "provider"}
            self._end(failed=reasons.get(kind, "rate_limit"), error=text, passing=kind == "overload")

    def _do_ask(self, text: str, id: str, tool: str | None, input: Any, waits: bool, words: bool) -> None:
        self._voice.tell("approval.requested", id=id, text=text, tool=tool, input=input, words=words or None)
        if not waits or self._voice.types_ahead:  # at a terminal nobody answers in messages
            return
        while id not in self._answers and self._is_open and not self._deaf:
            self._take_within(self._voice.hear(None))
        heard = self._answers.pop(id, None)
        self._words["answer"] = "allowed" if heard is not None and heard.allow else "denied"
        self._words["why"] = "" if heard is None else heard.text

    def _do_withdraw(self, id: str) -> None:
        self._voice.tell("approval.withdrawn", id=id)

    def _do_fail(self, reason: str, error: str, passing: bool) -> None:
        self._end(failed=reason, error=error, passing=passing)

    def _do_done(self, text: str | None, result: Any) -> None:
        self._end(text=text or self._said or None, result=result)

    def _do_steers(self, policy: str, why: str) -> None:
        self._policy, self._why = policy, why

    def _do_thread(self, id: str) -> None:
        if self._voice.renames:
            self._memory.rename(id)
            self._voice.tell("thread", id=id)

    def _do_send(self, message: dict[str, Any]) -> None:
        kind = message.pop("type", "message")
        self._voice.tell(kind, **message)

    def _do_raw(self, text: str) -> None:
        self._voice.raw(text)

    def _do_close(self, stream: str) -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, FDS[stream])
        os.close(nowhere)

    def _do_query(self, text: str, seconds: float) -> None:
        self._voice.answers.clear()
        self._voice.raw(text)
        until = time.monotonic() + seconds
        while not self._voice.answers and time.monotonic() < until:
            self._pause(0.01)
        answer = self._voice.answers[0] if self._voice.answers else ""
        self._words["answer"] = answer
        self._journal.note("answer", self._memory.thread, text=answer)

    def _do_repeat(self, times: int, steps: tuple[Step, ...]) -> None:
        for number in range(1, times + 1):
            self._words["time"] = str(number)
            self._perform(steps)
