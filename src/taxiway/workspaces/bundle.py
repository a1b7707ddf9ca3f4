"""Making a bundle: one commit fetched from elsewhere into a repository of its own.

The address was judged when the task was submitted, and git is told again which protocols it may speak; it always
stands behind ``--``. Submodules and large files are fetched when they are asked for, and by the same rules.
"""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.workspace import Claim, Record, Stand
from taxiway.workspaces.checkout import Checkout, open_checkout, same_place
from taxiway.workspaces.credential import Credential
from taxiway.workspaces.git import REMOTE_S_MAX, Git, failure
from taxiway.workspaces.records import Records, gone

_FETCH: Final = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
_MODULES: Final = ("submodule", "update", "--init", "--recursive", "--depth=1", "--quiet", "--")
_LARGE: Final = {
    "filter.lfs.clean": "git-lfs clean -- %f",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.required": "true",
    "lfs.transfer.maxretries": "2",
    "lfs.transfer.maxretrydelay": "2",
}


def plan_bundle(claim: Claim, id: str, now: int) -> Record:
    """What shall be made."""
    wanted = claim.wanted
    return Record(
        id=id,
        stand=Stand.MAKING,
        task=claim.task,
        session=claim.session,
        wanted=wanted,
        source=wanted.repo or "",
        within=wanted.subdir or "",
        base=wanted.commit or "",
        made_at=now,
        run=claim.run,
    )


async def make_bundle(git: Git, records: Records, record: Record, credential: Credential | None = None) -> Record:
    """Fetch the commit and check it out, with the credential for its host; raises ``WorkspaceRefused``."""
    tree, wanted = records.tree(record.id), record.wanted
    tree.mkdir(mode=0o700)
    top = str(tree)
    await git.must(top, "init", "--quiet", "--template=", "--", top)
    git = git.lending(credential)
    # As `git fetch` fails with the address in its words, which may be a secret's neighbour, its words are kept short.
    found = await git.ask(top, *_FETCH, "--", record.source, record.base, seconds=REMOTE_S_MAX)
    if found.status:
        raise WorkspaceRefused(failure(_FETCH, found))
    if wanted.sparse:
        await git.must(top, "sparse-checkout", "set", "--no-cone", "--", *(f"/{path}" for path in wanted.sparse))
    if wanted.lfs:
        git = git.overruling({**_LARGE, "lfs.url": _lfs_of(record.source)})
    await git.must(top, "checkout", "--quiet", "--detach", record.base, "--", seconds=REMOTE_S_MAX)
    checkout = await belongs(git, records, record)
    if await checkout.commit("HEAD") != record.base:
        raise WorkspaceRefused("what was fetched is another commit than the one that was asked for")
    if wanted.submodules:
        await git.must(top, "config", "remote.origin.url", record.source)  # theirs may be said relative to it
        await git.must(top, *_MODULES, seconds=REMOTE_S_MAX)
    return records.write(msgspec.structs.replace(record, stand=Stand.READY))


async def belongs(git: Git, records: Records, record: Record) -> Checkout:
    """The checkout of a bundle, once it is proven to be the record's own; raises ``WorkspaceRefused``."""
    tree = records.tree(record.id)
    if not tree.is_dir() or tree.is_symlink():
        raise WorkspaceRefused(gone(record, tree), id=record.id)
    checkout = await open_checkout(git, str(tree))
    if not same_place(checkout.top, tree) or not same_place(checkout.private, tree / ".git"):
        raise WorkspaceRefused(f"{tree} is not the bundle that its record speaks of; it is left alone", id=record.id)
    return checkout


def _lfs_of(repo: str) -> str:
    return repo.removesuffix(".git") + ".git/info/lfs"
