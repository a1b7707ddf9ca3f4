"""Making a worktree: pinned to a commit, on a branch of its own, beside the checkout that it belongs to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.safe import safe_line
from taxiway.core.workspace import Claim, Record, Stand
from taxiway.workspaces.checkout import Checkout, open_checkout, same_place
from taxiway.workspaces.git import Answered, Git, failure
from taxiway.workspaces.include import copy_files, included
from taxiway.workspaces.records import Records, gone

OWN_BRANCHES = "taxiway/"


class Fresh(msgspec.Struct, frozen=True):
    """A worktree that was just made: its record, uncommitted files of its source, files copied."""

    record: Record
    changed: int
    copied: int


async def plan_worktree(source: Checkout, claim: Claim, id: str, base: str, now: int) -> Record:
    """What shall be made: on the commit ``base``, and the branch, pinned now. Raises ``WorkspaceRefused`` for
    a branch that is there already."""
    wanted = claim.wanted
    branch = wanted.branch or OWN_BRANCHES + id.replace("_", "-")
    if await source.has_branch(branch) is not None:
        raise WorkspaceRefused(_taken(source, branch))
    return Record(
        id=id,
        stand=Stand.MAKING,
        task=claim.task,
        session=claim.session,
        wanted=wanted,
        source=source.top,
        common=source.common,
        within=source.within,
        base=base,
        branch=branch,
        made_at=now,
        run=claim.run,
    )


async def make_worktree(source: Checkout, records: Records, record: Record) -> Fresh:
    """Make what was planned and written down; a branch that is not the record's own is left alone."""
    tree, branch = str(records.tree(record.id)), record.branch or ""
    await _own_branch(source, record)
    words = ("worktree", "add", "--", tree, branch)
    found = await source.git.ask(source.top, *words)
    if found.status:
        raise WorkspaceRefused(failure(words, found))
    changed = await _uncommitted(source)
    paths = await included(source, record.wanted.include)
    copied = await asyncio.to_thread(copy_files, source.top, tree, paths)
    await belongs(source.git, records, record)
    return Fresh(records.write(msgspec.structs.replace(record, stand=Stand.READY)), changed, copied)


async def _own_branch(source: Checkout, record: Record) -> None:
    """Make the branch and, in one step with it, the mark that proves whose it is. One that is marked already is gone on
    with where it began, or where it was when an earlier worktree of the same record was removed."""
    branch, mark = f"refs/heads/{record.branch}", mark_of(record)
    stands = await source.has_branch(record.branch or "")
    owned = not (await source.git.ask(source.top, "show-ref", "--verify", "--quiet", mark)).status
    if stands is None:
        orders = [f"create {branch} {record.tip or record.base}"] + ([] if owned else [f"create {mark} {record.base}"])
        await source.git.must(source.top, "update-ref", "--stdin", given="\n".join(orders).encode() + b"\n")
    elif not owned:
        raise WorkspaceRefused(_taken(source, record.branch or ""))
    elif stands not in (record.base, record.tip):
        raise WorkspaceRefused(f"the branch {safe_line(branch)} has moved since its worktree was removed")


async def drop_branch(git: Git, record: Record) -> None:
    """Its branch goes if nothing happened on it, and the mark with it. git refuses when it has moved meanwhile, and
    where no mark proves that it is the record's own nothing is done."""
    mark = mark_of(record)
    orders = f"delete refs/heads/{record.branch} {record.base}\ndelete {mark} {record.base}\n"
    await of_repository(git, record, "update-ref", "--no-deref", "--stdin", given=orders.encode())


async def unmark(git: Git, record: Record) -> None:
    """The branch is its user's from now on."""
    await of_repository(git, record, "update-ref", "--no-deref", "-d", mark_of(record))


async def of_repository(git: Git, record: Record, *words: str, given: bytes | None = None) -> Answered:
    """Ask the repository of a worktree something; the checkout that the worktree was made of may be gone by now."""
    return await git.ask("/", f"--git-dir={record.common}", *words, given=given)


def mark_of(record: Record) -> str:
    """A ref that stands beside a branch which Taxiway made; it also keeps the base commit from being forgotten."""
    return f"refs/taxiway/{record.id}"


def _taken(source: Checkout, branch: str) -> str:
    said = f"the branch {safe_line(branch)} exists in {safe_line(source.top)}, and it is not this task's own"
    return f"{said}; name another, or delete it"


async def unmake(git: Git, records: Records, record: Record) -> None:
    """Take away what a crash left half made: nobody has worked in it. Its branch stays."""
    tree = records.tree(record.id)
    await asyncio.to_thread(take_away, tree)
    await unregister(git, record, tree)


async def unregister(git: Git, record: Record, tree: Path) -> None:
    """git forgets a worktree whose files are gone, if it has not done so already; raises ``WorkspaceRefused``."""
    listed = await of_repository(git, record, "worktree", "list", "--porcelain", "-z")
    if listed.status:
        raise WorkspaceRefused(failure(("worktree list",), listed))
    if any(word.startswith("worktree ") and same_place(word[9:], tree) for word in listed.words):
        found = await of_repository(git, record, "worktree", "remove", "--force", "--force", "--", str(tree))
        if found.status:
            raise WorkspaceRefused(failure(("worktree remove",), found))


def take_away(tree: Path) -> None:
    """Remove a folder with all that is in it, also what was made read-only; links are not followed. Blocks."""
    if tree.is_symlink() or not tree.is_dir():
        return

    def permit(remove: Callable[[str], object], path: str, _: object) -> None:
        Path(path).parent.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(0o700)
            shutil.rmtree(path)
        else:
            remove(path)

    shutil.rmtree(tree, onerror=permit)


async def belongs(git: Git, records: Records, record: Record) -> Checkout:
    """The checkout of a worktree, once it is proven to be the record's own; raises ``WorkspaceRefused``."""
    tree = records.tree(record.id)
    if not tree.is_dir() or tree.is_symlink():
        raise WorkspaceRefused(gone(record, tree), id=record.id)
    checkout = await open_checkout(git, str(tree))
    places = ((checkout.top, tree), (_owner(checkout.private), tree / ".git"), (checkout.common, record.common))
    if not all(same_place(one, other) for one, other in places):
        raise WorkspaceRefused(f"{tree} is not the worktree that its record speaks of; it is left alone", id=record.id)
    return checkout


def _owner(private: str) -> str:
    """The file that a worktree's own part of the repository says it belongs to."""
    with suppress(OSError):
        return Path(private, "gitdir").read_text("utf-8", "surrogateescape").strip()
    return ""


async def _uncommitted(source: Checkout) -> int:
    found = await source.git.must(source.top, "status", "--porcelain=v1", "-z", "--no-renames")
    return len(found.words)
