"""Where workspaces are made, looked after and taken away: one folder beside the store, whoever has opened it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, assert_never

import msgspec

from taxiway.core.errors import Invalid, NotFound, WorkspaceRefused
from taxiway.core.redact import Scrubber
from taxiway.core.secretrefs import secret_in
from taxiway.core.workspace import (
    Applied,
    Claim,
    Found,
    Left,
    Made,
    Record,
    RunDiff,
    Stand,
    TaskDiff,
    Workspace,
    WorkspaceKind,
)
from taxiway.workspaces.apply import apply, committed
from taxiway.workspaces.bundle import belongs as bundle_belongs
from taxiway.workspaces.bundle import make_bundle, plan_bundle
from taxiway.workspaces.checkout import Checkout, is_folder, open_checkout
from taxiway.workspaces.credential import Credential, credential_for
from taxiway.workspaces.diff import take_diff
from taxiway.workspaces.git import Git
from taxiway.workspaces.patches import Patches
from taxiway.workspaces.preface import preface, start_of
from taxiway.workspaces.records import Records, id_of
from taxiway.workspaces.removal import REMOVAL_WAIT_S, remove
from taxiway.workspaces.trouble import told_as_refusal
from taxiway.workspaces.worktree import (
    belongs,
    drop_branch,
    make_worktree,
    plan_worktree,
    take_away,
    unmake,
    unmark,
    unregister,
)

MAKE_WAIT_S: Final = 60.0  #: how long a workspace that somebody else makes is waited for
TRIES: Final = 3


class Workshop:
    """Workspaces of one store. ``folder`` is the one beside the store, ``protocols`` what git may fetch by, and
    ``secrets`` are the values that a bundle's ``token`` may refer to."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        now_ms: Callable[[], int],
        scrubber: Scrubber,
        protocols: str = "https:ssh",
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._git = Git(environment, protocols)
        self._now_ms = now_ms
        self._scrubber = scrubber
        self._secrets = secrets or {}
        self._records = Records(folder / "workspaces")
        self.patches = Patches(folder / "diffs")

    @asynccontextmanager
    async def work_in(self, claim: Claim) -> AsyncIterator[Made]:
        """The workspace of a claim, made or found again; while the block lasts nobody removes it.

        Raises ``WorkspaceRefused`` with the reason why there is none.
        """
        with told_as_refusal("there is no place for workspaces"):
            self._records.make_folder()
        id = id_of(claim)
        noted: tuple[int, int] = (0, 0)
        fresh = False
        for _ in range(TRIES):
            async with self._records.locked(id, MAKE_WAIT_S, shared=True) as fd:
                record = self._records.find(id)
                if record is not None and record.stand is Stand.READY:
                    with told_as_refusal("the workspace cannot be looked at"):
                        made = await self._found(self._git.holding(fd), record)
                    changed, copied = noted
                    yield msgspec.structs.replace(made, changed=changed, copied=copied, reused=not fresh)
                    return
            async with self._records.locked(id, MAKE_WAIT_S) as fd:
                with told_as_refusal("the workspace cannot be made"):
                    self._records.clear(id)
                    noted, fresh = await self._make(self._git.holding(fd), claim, id), True
        raise WorkspaceRefused(f"workspace {id} is removed as often as it is made", id=id)

    async def set_up(self, id: str) -> None:
        """Its set-up command has done its work; it is not run again."""
        record = self._records.find(id)
        if record is not None:
            with told_as_refusal("its set-up cannot be noted"):
                self._records.write(msgspec.structs.replace(record, set_up=True))

    async def take_diff(self, made: Made, run: str, task: str) -> RunDiff:
        """Keep what differs in a workspace from its base, as the diff of a run; raises ``WorkspaceRefused``."""
        record = self._records.find(made.id)
        if record is None:
            raise WorkspaceRefused(f"workspace {made.id} is gone")
        with told_as_refusal("the diff cannot be kept"):
            checkout = await self._belongs(self._git, record)
            taken = await take_diff(checkout, made, (run, task), self._records.scratch(made.id), self._scrubber)
            taken = msgspec.structs.replace(taken, diff=msgspec.structs.replace(taken.diff, taken_at=self._now_ms()))
            await asyncio.to_thread(self.patches.put, taken)
        return taken.diff

    async def diff_of(self, run: str) -> TaskDiff | None:
        """What a run changed; ``None`` where nothing was kept. Raises ``NotFound`` when its patch is gone,
        ``WorkspaceRefused`` when that is not what was kept."""
        diff = await asyncio.to_thread(self.patches.find, run)
        return None if diff is None else TaskDiff(diff, await asyncio.to_thread(self.patches.read, diff))

    async def leave(self, claim: Claim) -> Left:
        """Remove what a run worked in, if nothing is lost by it; else it stays, and the answer says why."""
        try:
            return await self.remove(id_of(claim))
        except (WorkspaceRefused, NotFound) as error:
            return Left(True, error.message)

    async def remove(self, id: str) -> Left:
        """Remove a workspace. Raises ``WorkspaceRefused`` with the reason why it stays, ``NotFound``."""
        record = self._records.find(id)
        if record is None:
            raise NotFound(f"there is no workspace {id} of which a record tells whose it is", id=id)
        async with self._records.locked(id, REMOVAL_WAIT_S) as fd:
            with told_as_refusal("it cannot be removed"):
                record = self._records.find(id) or record
                if record.stand is Stand.MAKING:
                    await self._unmake(self._git.holding(fd), record)
                    return Left(False, "removed; nobody had worked in it")
                return await remove(self._git.holding(fd), self._records, id)

    def is_gone(self, id: str) -> bool:
        """Whether nothing is in its place."""
        return not self._records.is_there(id)

    async def forget(self, id: str) -> None:
        """Forget a workspace that was removed, by us or by somebody else, with its snapshots; its commits stay on their
        branch. Raises ``WorkspaceRefused`` while it is there."""
        record = self._records.find(id)
        if record is None:
            raise NotFound(f"there is no workspace {id} of which a record tells whose it is", id=id)
        if record.stand is not Stand.REMOVED and not self.is_gone(id):
            raise WorkspaceRefused(f"workspace {id} is still there; remove it first", id=id)
        async with self._records.locked(id, REMOVAL_WAIT_S):
            for name in record.snapshots:
                (self._records.folder / Path(name).name).unlink(missing_ok=True)
            if record.branch is not None and is_folder(record.common):
                if record.stand is not Stand.REMOVED:
                    await unregister(self._git, record, self._records.tree(id))
                if record.stand is not Stand.REMOVED or record.tip == record.base:
                    await drop_branch(self._git, record)
                await unmark(self._git, record)
            self._records.clear(id)
            self._records.forget(id)

    async def all(self) -> list[Found]:
        """Every workspace on the disk, also folders that no record speaks of."""
        with told_as_refusal("the workspaces cannot be listed"):
            found = await asyncio.to_thread(lambda: list(self._records.all()))
        return [Found(one, str(self._records.tree(one.id)), self._records.in_use(one.id)) for one in found]

    async def apply(self, found: TaskDiff, folder: str, check: bool = False) -> Applied:
        """Apply a diff to the checkout that holds ``folder``; see ``apply.apply``."""
        with told_as_refusal("the diff cannot be applied"):
            return await apply(self._git, found, folder, check)

    async def _found(self, git: Git, record: Record) -> Made:
        checkout = await self._belongs(git, record)
        tree = self._records.tree(record.id)
        return Made(
            id=record.id,
            kind=record.wanted.kind,
            path=str(tree),
            cwd=await asyncio.to_thread(start_of, tree, record.within),
            base=record.base,
            branch=record.branch,
            set_up=record.set_up or not record.wanted.setup,
            preface=await preface(checkout, record.wanted, record.base),
        )

    async def _belongs(self, git: Git, record: Record) -> Checkout:
        if record.wanted.kind is WorkspaceKind.BUNDLE:
            return await bundle_belongs(git, self._records, record)
        return await belongs(git, self._records, record)

    async def _make(self, git: Git, claim: Claim, id: str) -> tuple[int, int]:
        """Make what is not there, or finish what a crash left half made or half removed; alone with it."""
        record = self._records.find(id)
        if record is not None and record.stand is Stand.REMOVING:
            await remove(git, self._records, id)
            record = self._records.find(id)
        if record is None:
            if self._records.is_there(id):
                raise WorkspaceRefused(f"{self._records.tree(id)} is there, and no record says whose it is")
            record = await self._planned(git, claim, id)
        elif record.stand is Stand.READY:
            return 0, 0
        elif record.stand is Stand.MAKING:
            await self._clear(git, record)
        record = self._records.write(msgspec.structs.replace(record, stand=Stand.MAKING, set_up=False, run=claim.run))
        try:
            return await self._made(git, record)
        except WorkspaceRefused:
            await self._unmake(git, record)
            raise

    async def _planned(self, git: Git, claim: Claim, id: str) -> Record:
        now = self._now_ms()
        match claim.wanted.kind:
            case WorkspaceKind.WORKTREE:
                source = await open_checkout(git, claim.folder)
                return await plan_worktree(source, claim, id, await self._base(source, claim), now)
            case WorkspaceKind.BUNDLE:
                return plan_bundle(claim, id, now)
            case WorkspaceKind.DIR:
                raise WorkspaceRefused("a folder needs no workspace")
            case _:
                assert_never(claim.wanted.kind)

    async def _base(self, source: Checkout, claim: Claim) -> str:
        """The commit that a worktree begins with: one with a name, or one with what another task changed."""
        if claim.begins is None:
            return await source.commit(claim.wanted.base or "HEAD")
        begun = await self.diff_of(claim.begins) if claim.begins else None
        if begun is None:
            raise WorkspaceRefused("there is no diff to begin with: the last run of the task it is taken of has none")
        with told_as_refusal("what it begins with cannot be made"):
            return await committed(source, begun)

    async def _made(self, git: Git, record: Record) -> tuple[int, int]:
        if record.wanted.kind is WorkspaceKind.BUNDLE:
            await make_bundle(git, self._records, record, self._credential(record.wanted))
            return 0, 0
        fresh = await make_worktree(await open_checkout(git, record.source), self._records, record)
        return fresh.changed, fresh.copied

    def _credential(self, wanted: Workspace) -> Credential | None:
        if wanted.token is None:
            return None
        try:
            value = secret_in(wanted.token, self._secrets)
        except Invalid as error:
            raise WorkspaceRefused(error.message) from None
        return credential_for(wanted.repo or "", value, wanted.token)

    async def _clear(self, git: Git, record: Record) -> None:
        """Take away what is half made; what it was made of stays written down."""
        if record.wanted.kind is WorkspaceKind.WORKTREE and is_folder(record.common):
            await unmake(git, self._records, record)
        else:
            await asyncio.to_thread(take_away, self._records.tree(record.id))

    async def _unmake(self, git: Git, record: Record) -> None:
        """Nobody has worked in it: it goes, with the branch that was made for it if that stands where it began."""
        await self._clear(git, record)
        if record.snapshots or record.tip is not None:
            self._records.write(msgspec.structs.replace(record, stand=Stand.REMOVED))
            return
        if record.branch is not None and is_folder(record.common):
            await drop_branch(git, record)
        self._records.forget(record.id)
