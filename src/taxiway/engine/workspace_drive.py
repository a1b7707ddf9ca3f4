"""Driving in a workspace: made before the work, looked at after it, and removed or kept as its policy says.

Whatever drives the work is handed a claim whose ``cwd`` lies in the workspace, so a warm process is used again only
where the workspace is the same.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, assert_never

import msgspec

from taxiway.core.agent import Resume
from taxiway.core.errors import WorkspaceRefused
from taxiway.core.event import EventType
from taxiway.core.placeholders import base_parent
from taxiway.core.run import Cancelled, Completed, Deferred, Failed, Limited, Lost, Outcome, Released, StopCause
from taxiway.core.task import Reason, TaskSpec
from taxiway.core.workspace import Claim, Keep, Left, Made, RunDiff, TaskDiff, Workspace
from taxiway.engine.executor import Drive, MakeDrive
from taxiway.engine.prepared_drive import rewritten
from taxiway.engine.recorder import Recorder
from taxiway.engine.stopping import Remains, stopped
from taxiway.store.protocol import Claimed

FILES_SHOWN_MAX: Final = 50  #: changed files that the event names
PATH_CHARS_SHOWN: Final = 300
_SHOWN: Final = ("base", "changed", "added", "removed", "size", "digest", "truncated", "scrubbed")
_OF_THE_WORK: Final = frozenset({Reason.EXIT_CODE, Reason.SIGNAL, Reason.SPAWN_ERROR})


class Workshop(Protocol):
    """Where workspaces come from. What it refuses it says with ``WorkspaceRefused``."""

    def work_in(self, claim: Claim) -> AbstractAsyncContextManager[Made]:
        """A workspace, made or found again; nobody removes it while the block lasts."""
        ...

    async def set_up(self, id: str) -> None:
        """Its set-up command has done its work."""
        ...

    async def diff_of(self, run: str) -> TaskDiff | None:
        """What a run changed, where that was kept."""
        ...

    async def take_diff(self, made: Made, run: str, task: str) -> RunDiff:
        """Keep what differs from its base."""
        ...

    async def leave(self, claim: Claim) -> Left:
        """Remove it, if nothing is lost by that."""
        ...


class WorkspaceDrive:
    """One run in a workspace. ``make_drive`` gives what drives a claim, recording with the same recorder."""

    def __init__(
        self,
        claim: Claimed,
        wanted: Workspace,
        workshop: Workshop,
        make_drive: MakeDrive,
        recorder: Recorder,
        folder: str,
    ) -> None:
        self._claim = claim
        self._wanted = wanted
        self._workshop = workshop
        self._make_drive = make_drive
        self._recorder = recorder
        session = None if claim.seat is None else claim.seat.session
        place = claim.spec.cwd or folder
        self._asked = Claim(
            task=claim.task, run=claim.run, folder=place, wanted=wanted, session=session, begins=_begins_with(claim)
        )
        self._drive: Drive | None = None
        self._stop: StopCause | None = None
        self._hard = False
        self._making: asyncio.Future[Outcome] | None = None
        self._entered = False
        self._worked: Outcome | None = None

    async def run(self) -> Outcome:
        """Make the workspace, set it up, work, take the diff; then keep it or not."""
        try:
            outcome = await self._interruptible()
        except WorkspaceRefused as error:
            return Failed(Reason.SPAWN_ERROR, self._recorder.sentence(f"no workspace: {error.message}"))
        if not self._entered or (self._asked.session is None and not _stays(self._wanted.keep, outcome)):
            left = await self._workshop.leave(self._asked)
            self._recorder.note(
                EventType.STATUS, phase="workspace_left", kept=left.kept, text=left.text, snapshot=left.snapshot
            )
            await self._recorder.flush()
        return outcome

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """End what is being driven, or see to it that nothing is."""
        if self._stop is None:
            self._stop = cause
        self._hard = self._hard or hard
        if self._drive is not None:
            self._drive.stop(cause, hard)
        elif self._making is not None:
            self._making.cancel()

    async def ping(self) -> None:
        """Say that the runner lives."""
        if self._drive is not None:
            await self._drive.ping()

    async def _interruptible(self) -> Outcome:
        """Everything that happens in the workspace. While nothing is driven a stop ends it at once."""
        if self._stop is not None:
            return stopped(self._stop, Remains())
        try:
            async with asyncio.TaskGroup() as group:
                self._making = group.create_task(self._inside())
        except BaseExceptionGroup as raised:
            raise raised.exceptions[0] from None
        finally:
            self._drive = None
        if not self._making.cancelled():
            return self._making.result()
        return self._interrupted()

    def _interrupted(self) -> Outcome:
        """What it is when a stop ended what was not the work itself: the work may be done already."""
        if self._worked is not None:
            return self._worked
        assert self._stop is not None, "nobody else cancels it alone"
        return stopped(self._stop, Remains())

    async def _inside(self) -> Outcome:
        async with self._workshop.work_in(self._asked) as made:
            self._entered = True
            self._note(made)
            if not made.set_up:
                failed = await self._set_up(made)
                if failed is not None:
                    return failed
            if self._stop is not None:
                return stopped(self._stop, Remains())
            self._worked = await self._driven(_placed(self._claim, made))
            self._drive = None
            if not self._hard and isinstance(self._worked, Completed | Failed | Cancelled):
                await self._take_diff(made)
            return self._worked

    async def _driven(self, claim: Claimed) -> Outcome:
        self._drive = self._make_drive(claim)
        return await self._drive.run()

    async def _set_up(self, made: Made) -> Outcome | None:
        """Run the set-up command, as a process of this run; how it failed, or ``None``."""
        spec = self._claim.spec
        setup = TaskSpec(
            command=self._wanted.setup, cwd=made.cwd, env=spec.env, timeout_s=spec.timeout_s, idle_timeout_s=None
        )
        self._recorder.note(EventType.STATUS, phase="setup", command=list(self._wanted.setup))
        outcome = await self._driven(msgspec.structs.replace(self._claim, spec=setup, seat=None))
        self._drive = None
        self._recorder.start_over()
        match outcome:
            case Completed():
                await self._workshop.set_up(made.id)
                return None
            case Failed(reason=reason, error=error):
                why = Reason.SPAWN_ERROR if reason in _OF_THE_WORK else reason
                return msgspec.structs.replace(outcome, reason=why, error=f"no workspace: its set-up failed: {error}")
            case Cancelled() | Released() | Lost() | Deferred() | Limited():
                return outcome
            case _:
                assert_never(outcome)

    async def _take_diff(self, made: Made) -> None:
        """A diff that cannot be taken is said, and fails nothing: the work is done."""
        try:
            diff = await self._workshop.take_diff(made, self._claim.run, self._claim.task)
        except WorkspaceRefused as error:
            self._recorder.note(EventType.STATUS, phase="diff", error=self._recorder.sentence(error.message))
            await self._recorder.flush()
            return
        files = [
            {"path": one.path[:PATH_CHARS_SHOWN], "added": one.added, "removed": one.removed}
            for one in diff.files[:FILES_SHOWN_MAX]
        ]
        left_out = [path[:PATH_CHARS_SHOWN] for path in diff.left_out[:FILES_SHOWN_MAX]]
        data = {name: getattr(diff, name) for name in _SHOWN}
        self._recorder.note(EventType.DIFF, source="workspace", files=files, left_out=left_out, **data)
        await self._recorder.flush()

    def _note(self, made: Made) -> None:
        self._recorder.note(
            EventType.STATUS,
            phase="workspace",
            **{name: value for name, value in msgspec.to_builtins(made).items() if name not in ("preface", "set_up")},
        )


def _placed(claim: Claimed, made: Made) -> Claimed:
    """The claim in its workspace, with what goes before the first words of a conversation."""
    spec = msgspec.structs.replace(claim.spec, cwd=made.cwd, workspace=None)
    if made.preface and spec.prompt is not None and _begins(claim):
        spec = msgspec.structs.replace(spec, prompt=f"{made.preface}\n\n{spec.prompt}")
    return rewritten(claim, spec)


def _begins_with(claim: Claimed) -> str | None:
    """The run with whose work it begins; the empty text where that has none."""
    name = base_parent(claim.spec)
    return None if name is None else next((one.run for one in claim.parents if one.name == name), None) or ""


def _begins(claim: Claimed) -> bool:
    """Whether these are the first words of a conversation, as far as can be known here: nothing holds it yet."""
    seat = claim.seat
    return seat is None or claim.spec.resume is not Resume.NATIVE or (seat.thread is None and seat.process is None)


def _stays(keep: Keep, outcome: Outcome) -> bool:
    """Whether a workspace outlives a run that ended so. What will be tried again goes on in it."""
    match outcome:
        case Released() | Lost() | Deferred() | Limited():
            return True
        case Completed():
            return keep is Keep.ALWAYS
        case Failed() | Cancelled():
            return keep is not Keep.NEVER
        case _:
            assert_never(outcome)
