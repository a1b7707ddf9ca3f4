"""Driving work that reads what earlier tasks changed: their diffs are looked up first, then it is driven."""

from __future__ import annotations

import msgspec

from taxiway.core.errors import Invalid, NotFound, WorkspaceRefused
from taxiway.core.limits import TEMPLATE_VALUE_BYTES_MAX
from taxiway.core.parent import Parent
from taxiway.core.placeholders import wanted_diffs
from taxiway.core.run import Failed, Outcome, StopCause
from taxiway.core.safe import safe_line
from taxiway.core.task import Reason, TaskState
from taxiway.core.workspace import RunDiff, TaskDiff
from taxiway.engine.executor import Drive, MakeDrive
from taxiway.engine.recorder import Recorder
from taxiway.engine.stopping import Remains, stopped
from taxiway.engine.workspace_drive import Workshop
from taxiway.store.protocol import Claimed


def waits_for_diffs(claim: Claimed) -> bool:
    """Whether its texts take diffs that nobody has looked up yet."""
    wanted = wanted_diffs(claim.spec)
    return any(one.name in wanted and one.diff is None for one in claim.parents)


class HandingDrive:
    """One run whose texts take the diffs of its parents. A diff that cannot be given whole fails it: who judges a part
    of a change, and takes it for all, is misled."""

    def __init__(self, claim: Claimed, workshop: Workshop, make_drive: MakeDrive, recorder: Recorder) -> None:
        self._claim = claim
        self._workshop = workshop
        self._make_drive = make_drive
        self._recorder = recorder
        self._drive: Drive | None = None
        self._stop: StopCause | None = None

    async def run(self) -> Outcome:
        """Look the diffs up, then drive."""
        wanted = wanted_diffs(self._claim.spec)
        try:
            parents = tuple([await self._given(one) if one.name in wanted else one for one in self._claim.parents])
        except (Invalid, WorkspaceRefused, NotFound) as error:
            return Failed(Reason.SPAWN_ERROR, self._recorder.sentence(error.message))
        if self._stop is not None:
            return stopped(self._stop, Remains())
        self._drive = self._make_drive(msgspec.structs.replace(self._claim, parents=parents))
        return await self._drive.run()

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """End what is being driven, or see to it that nothing is."""
        if self._drive is not None:
            self._drive.stop(cause, hard)
        elif self._stop is None:
            self._stop = cause

    async def ping(self) -> None:
        """Say that the runner lives."""
        if self._drive is not None:
            await self._drive.ping()

    async def _given(self, parent: Parent) -> Parent:
        found = None if parent.run is None else await self._workshop.diff_of(parent.run)
        if found is None and parent.state is TaskState.COMPLETED:
            raise Invalid(f"the diff of '{parent.name}' cannot be handed on: there is none of its last run")
        return msgspec.structs.replace(parent, diff="" if found is None else _text(parent.name, found))


def _text(name: str, found: TaskDiff) -> str:
    """The whole of it; raises ``Invalid``."""
    missing = _missing(found.diff)
    if missing:
        raise Invalid(f"the diff of '{name}' cannot be handed on: {missing}")
    return found.patch.decode("utf-8", "replace")


def _missing(diff: RunDiff) -> str:
    if diff.size > TEMPLATE_VALUE_BYTES_MAX:
        said = f"it is {diff.size} bytes long, and a placeholder takes {TEMPLATE_VALUE_BYTES_MAX} at most"
        return f"{said}; work on it in a workspace instead (base: ${{{{ name.diff }}}})"
    if diff.left_out:
        return f"{safe_line(diff.left_out[0])} was left out of it, as too large or a repository of its own"
    return ""
