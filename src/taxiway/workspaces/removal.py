"""Removing a workspace: only on positive evidence, and only what is kept elsewhere or was saved first.

Each step can be repeated: a crash leaves the record at ``removing``, and the next look goes on from there.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from taxiway.core.errors import NotFound, WorkspaceRefused
from taxiway.core.safe import safe_line
from taxiway.core.workspace import Left, Record, Stand, WorkspaceKind
from taxiway.workspaces.bundle import belongs as bundle_belongs
from taxiway.workspaces.checkout import Checkout, is_file, is_folder
from taxiway.workspaces.git import Git
from taxiway.workspaces.records import Records
from taxiway.workspaces.snapshot import save
from taxiway.workspaces.worktree import belongs, drop_branch, take_away, unregister

REMOVAL_WAIT_S: Final = 2.0


async def remove(git: Git, records: Records, id: str) -> Left:
    """Remove a workspace whose lock the caller holds.

    Raises ``WorkspaceRefused`` with the reason why it stays, ``NotFound`` when no record speaks of it.
    """
    record = records.find(id)
    if record is None:
        raise NotFound(f"no record says whose workspace {id} is, so it is left alone", id=id)
    if record.stand is Stand.REMOVED:
        return Left(False, "it was removed before", _last(record))
    tree = records.tree(id)
    used = await asyncio.to_thread(_used_by, tree)
    if used:
        raise WorkspaceRefused(f"process {used} works in it", id=id)
    if record.stand is Stand.READY:
        record = await _save(git, records, record)
    return await _take_away(git, records, record)


async def _save(git: Git, records: Records, record: Record) -> Record:
    """Save what would be lost, then say that it goes."""
    checkout = await _belongs(git, records, record)
    if is_file(f"{checkout.private}/locked"):
        raise WorkspaceRefused("somebody has locked it (git worktree lock)", id=record.id)
    target = records.snapshot(record)
    saved = await save(checkout, record, records.scratch(record.id), target)
    tip = None if record.branch is None else await checkout.has_branch(record.branch)
    snapshots = (*record.snapshots, target.name) if saved else record.snapshots
    going = msgspec.structs.replace(record, stand=Stand.REMOVING, tip=tip, snapshots=snapshots)
    return records.write(going)


async def _belongs(git: Git, records: Records, record: Record) -> Checkout:
    if record.wanted.kind is WorkspaceKind.BUNDLE:
        return await bundle_belongs(git, records, record)
    return await belongs(git, records, record)


async def _take_away(git: Git, records: Records, record: Record) -> Left:
    tree = records.tree(record.id)
    await asyncio.to_thread(take_away, tree)
    await asyncio.to_thread(records.clear, record.id)
    if record.wanted.kind is WorkspaceKind.WORKTREE and is_folder(record.common):
        await unregister(git, record, tree)
        if record.tip == record.base:
            await drop_branch(git, record)
    if record.snapshots or record.tip not in (None, record.base):
        records.write(msgspec.structs.replace(record, stand=Stand.REMOVED))
    else:
        records.forget(record.id)
    return Left(False, _told(record), _last(record))


def _told(record: Record) -> str:
    if record.snapshots:
        return "removed; what was not committed, or on no branch, is kept in a bundle"
    if record.branch is not None and record.tip not in (None, record.base):
        return f"removed; its commits stay on branch {safe_line(record.branch)}"
    return "removed; nothing in it had changed"


def _last(record: Record) -> str | None:
    return record.snapshots[-1] if record.snapshots else None


def _used_by(tree: Path) -> int | None:
    """A process of this host that works in a folder below ``tree``, as far as that can be seen."""
    top = str(tree.resolve())
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                where = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
            except OSError:
                continue
            if where == top or where.startswith(top + "/"):
                return int(entry.name)
    return None
