"""One process tree as the engine sees it: the go, the output, the manners of ending, and how it ended."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Final

from taxiway.agents.forkserver import ForkServer
from taxiway.agents.guardian import wire
from taxiway.agents.guardian.sweep import sweep
from taxiway.agents.guardian.tree import look, send
from taxiway.agents.protocol import DRAIN_S_MAX, Cleared, Ended, Go, How, Message, Output, ProcessMark, SpawnFailure
from taxiway.agents.streams import Ends
from taxiway.agents.tty import Tty

#: A guardian that gave no word so long after KILL is itself stuck (stopped, starved) and is killed.
STUCK_S_MAX: Final = 7.0
#: A guardian that has not answered so long is stuck; it gives up clearing itself after 5 s.
ANSWER_S_MAX: Final = 7.0
#: Want of something that others may give back, or a file that is just being written: the same launch may succeed later.
PASSING_ERRNOS: Final = frozenset(
    {
        *(errno.EINTR, errno.EAGAIN, errno.ENOMEM, errno.ENFILE, errno.EMFILE, errno.ETXTBSY, errno.ETOOMANYREFS),
        errno.ENOSPC,  # no pseudo-terminal is left
    }
)


class ProcessConversation:
    """A conversation with a plain process through its guardian."""

    def __init__(
        self, control: socket.socket, ends: Ends, server: ForkServer, make_mark: Callable[[Any], ProcessMark]
    ) -> None:
        """``control`` leads to the guardian, ``ends`` to the program, ``make_mark`` turns the guardian's report of
        birth into a mark."""
        self._loop = asyncio.get_running_loop()
        self._control: socket.socket | None = control
        self._pump, self._input, self._tty = ends
        self._server = server
        self._make_mark = make_mark
        self._going = False
        self._mark: ProcessMark | None = None
        self._end: wire.End | None = None
        self._certain: bool | None = None
        self._ended: Ended | None = None
        self._helpers: int | None = None
        self._unmarked = False
        self._clears = 0
        self._cleared: tuple[int, Cleared] | None = None
        self._changed = asyncio.Event()
        self._dropped = False
        self._stuck: asyncio.TimerHandle | None = None
        self.unborn: SpawnFailure | None = None
        self.bytes_heard = 0
        self._loop.add_reader(control, self._hear, control)

    @property
    def mark(self) -> ProcessMark:
        """What to commit before the go."""
        assert self._mark is not None, "a conversation is handed out only after its guardian has reported"
        return self._mark

    async def born(self) -> bool:
        """Wait for the guardian's first word; False when its socket closed without one (nothing will be executed)."""
        while self._mark is None and self._control is not None and self.unborn is None:
            self._changed.clear()
            await self._changed.wait()
        return self._mark is not None

    async def send(self, message: Message) -> None:
        """Give the go."""
        assert isinstance(message, Go)
        self._going = True
        self._say(wire.GO)

    async def ping(self) -> None:
        """Renew the guardian's deadline."""
        self._say(wire.PING)

    async def close(self, how: How) -> None:
        """Ask for the end of the tree. A program on a terminal is asked as by a window that closes, with SIGHUP (shells
        ignore SIGTERM there); any other understands asking only as SIGTERM."""
        if how is How.ASK and self._tty is not None and self._going:
            for number in (signal.SIGHUP, signal.SIGCONT):
                self._signal(self.mark.child_pid, self.mark.child_start, number)
            return
        if how is not How.KILL:
            self._say(wire.TERM)
            return
        self._wake_guardian()
        self._say(wire.KILL)
        if self._stuck is None and self._control is not None:
            self._stuck = self._loop.call_later(STUCK_S_MAX, self._kill_guardian)

    @property
    def tty(self) -> Tty | None:
        """The program's terminal, when it was launched with a window."""
        return self._tty

    @property
    def pending(self) -> bool:
        """Whether there is output at hand that `next` would give at once."""
        return self._pump.pending

    @property
    def unread(self) -> int:
        """How many bytes were accepted for the program's input that its pipe has not taken yet."""
        return 0 if self._input is None else self._input.held

    async def write(self, data: bytes) -> bool:
        """Give the program input; whether its pipe has taken all of it (`InputPump.write`). One that does not read
        makes this wait at most `INPUT_S_MAX`, and what was accepted still goes in, whole, when it does."""
        return self._input is not None and await self._input.write(data)

    def offer(self, data: bytes) -> bool:
        """Give the program input without waiting for it; whether it was accepted (`InputPump.offer`)."""
        return self._input is not None and self._input.offer(data)

    def end_input(self) -> None:
        """Close the program's input after what was written."""
        if self._input is not None:
            self._input.end()

    async def mark_turn(self) -> bool:
        """Before a turn: have the guardian remember what runs now. Only the first call counts (what exists when the
        first turn begins are the program's own helpers). False when the guardian does not answer."""
        if self._helpers is None and not self._unmarked:
            self._say(wire.MARK)
            self._unmarked = not await self._answered(lambda: self._helpers is not None)
        return not self._unmarked

    async def clear(self) -> Cleared:
        """After a turn: end everything of the tree that is neither the program itself nor was there at the first
        `mark_turn` (without one: everything else), daemons and what is in a session of its own included.

        A program that has ended meanwhile took everything along; ``certain`` is then what its end says.
        """
        if not self._unmarked:
            self._clears += 1
            number = self._clears
            self._say(wire.CLEAR + b"%d" % number)
            await self._answered(lambda: self._cleared is not None and self._cleared[0] == number)
            if self._cleared is not None and self._cleared[0] == number:
                return self._cleared[1]
        return Cleared(0, certain=self._end is not None and self._end.certain)

    async def next(self) -> Output | Ended | None:
        """The next event; `Ended` again and again once it has ended, None once it was dropped. A wait that is cancelled
        loses nothing."""
        while self._ended is None:
            if (piece := await self._pump.next()) is not None:
                self.bytes_heard += len(piece.data)
                return piece
            await self._last_word()
            if self._dropped:
                return None
            if self._end is not None:
                self._ended = _ended(self._end, truncated=self._pump.truncated)
            elif self._certain is None:
                self._certain = await self._settle_loss()
                self._pump.end_within(DRAIN_S_MAX)
            else:
                self._ended = Ended(lost=True, certain=self._certain, output_truncated=self._pump.truncated)
        return self._ended

    async def events(self) -> AsyncIterator[Output | Ended]:
        """Output pieces in order of arrival, at last one `Ended`."""
        while (event := await self.next()) is not None:
            yield event
            if isinstance(event, Ended):
                return

    def drop(self) -> None:
        """Hang up: the guardian kills the tree by itself, and ``events`` ends without a last word."""
        self._dropped = True
        self._hang_up()
        self._pump.close()

    async def _answered(self, there: Callable[[], bool]) -> bool:
        """Wait for a word of the guardian, as long as there is one and it may be expected to speak."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S_MAX):
                while not there() and self._control is not None:
                    self._changed.clear()
                    await self._changed.wait()
        return there()

    async def _last_word(self) -> None:
        while self._end is None and self._control is not None:
            self._changed.clear()
            await self._changed.wait()

    async def _settle_loss(self) -> bool:
        """The guardian died. The fork server ends what it left; without a fork server the sweep by tag must do."""
        certain = await self._server.verdict(self.mark.guardian_pid)
        if certain is None:
            swept = await asyncio.to_thread(sweep, {self.mark.tag})
            return not swept.left
        return certain

    def _hear(self, control: socket.socket) -> None:
        try:
            message = wire.receive(control)
        except BlockingIOError:
            return
        if not message:
            self._hang_up()
            self._pump.interrupt()
            return
        kind, *rest = wire.unpack(message)
        if kind == wire.BORN:
            self._mark = self._make_mark(rest)
        elif kind == wire.UNBORN:
            number, text = rest
            self.unborn = SpawnFailure(text, number, passing=number in PASSING_ERRNOS)
        elif kind == wire.MARKED:
            (self._helpers,) = rest
        elif kind == wire.CLEARED:
            number, ended, certain = rest
            self._cleared = number, Cleared(ended, certain)
        elif kind == wire.ENDED:
            self._end = wire.End(*rest)
            self._hang_up()
            self._pump.end_within(DRAIN_S_MAX)
        self._changed.set()

    def _say(self, message: bytes) -> None:
        if self._control is not None:
            with suppress(OSError):  # gone, or stopped with a full buffer: its end or its deadline will tell
                self._control.send(message)

    def _hang_up(self) -> None:
        if self._control is not None:
            self._loop.remove_reader(self._control)
            self._control.close()
            self._control = None
        for end in (self._input, self._tty):
            if end is not None:
                end.close()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        self._changed.set()

    def _wake_guardian(self) -> None:
        """A program may have stopped its own guardian; a stopped one hears nothing."""
        self._signal_guardian(signal.SIGCONT)

    def _kill_guardian(self) -> None:
        """Its death closes the control socket, kills the child, and hands the rest to the fork server."""
        self._stuck = None
        self._signal_guardian(signal.SIGKILL)

    def _signal_guardian(self, number: int) -> None:
        self._signal(self.mark.guardian_pid, self.mark.guardian_start, number)

    def _signal(self, pid: int, start: int, number: int) -> None:
        process = look(pid)
        if self._control is not None and process is not None and process.start == start:
            send(process, number)


def _ended(end: wire.End, *, truncated: bool) -> Ended:
    failure = None
    exit_code = None
    number = None
    if end.spawn_text:
        failure = SpawnFailure(end.spawn_text, end.spawn_errno or None, passing=end.spawn_errno in PASSING_ERRNOS)
    elif end.started and end.status is not None:
        code = os.waitstatus_to_exitcode(end.status)
        exit_code, number = (code, None) if code >= 0 else (None, -code)
    return Ended(
        exit_code=exit_code,
        signal=number,
        spawn_failure=failure,
        certain=end.certain,
        leftovers=end.leftovers,
        output_truncated=truncated,
        started=end.started,
        lease_expired=end.lease_expired,
    )
