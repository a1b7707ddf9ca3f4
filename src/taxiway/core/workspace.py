"""A workspace: where a run works, and what became of the files there."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

SESSION_DIGEST_CHARS: Final = 8


class WorkspaceKind(StrEnum):
    """``dir``: the folder itself; ``worktree``: a git worktree of it; ``bundle``: a commit fetched from elsewhere."""

    DIR = "dir"
    WORKTREE = "worktree"
    BUNDLE = "bundle"


class Keep(StrEnum):
    """When a task's workspace outlives its run: never, when the run did not complete, always."""

    NEVER = "never"
    FAILED = "failed"
    ALWAYS = "always"


class Workspace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was asked for a workspace that is more than a folder.

    ``include`` are globs of files that git does not track and that are copied along, ``setup`` is a command that runs
    inside before the work. ``prompts`` and ``skills`` are files of a bundle whose text goes before a prompt, and
    ``token`` is the reference to a secret (``secret://NAME``) with which it is fetched.
    """

    kind: WorkspaceKind
    branch: str | None = None
    base: str | None = None
    include: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    keep: Keep = Keep.FAILED
    repo: str | None = None
    commit: str | None = None
    token: str | None = None
    subdir: str | None = None
    sparse: tuple[str, ...] = ()
    submodules: bool = False
    lfs: bool = False
    prompts: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who needs a workspace: a run of a task, or a turn of a session. ``folder`` is the one that the task names,
    ``begins`` the run with whose work a worktree begins, instead of a base with a name."""

    task: str
    run: str
    folder: str
    wanted: Workspace
    session: str | None = None
    begins: str | None = None


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace that can be worked in.

    ``path`` is its top, ``cwd`` where the work starts, ``base`` the commit that it was made from. ``changed`` is how
    many files of the folder were not committed, and so are not in it; ``copied`` how many came by ``include``.
    ``reused``: an earlier run of the same task or session has worked there.
    """

    id: str
    kind: WorkspaceKind
    path: str
    cwd: str
    base: str
    branch: str | None = None
    changed: int = 0
    copied: int = 0
    reused: bool = False
    set_up: bool = True
    preface: str = ""


class FileChange(msgspec.Struct, frozen=True):
    """One changed file; ``None`` lines: it is no text."""

    path: str
    added: int | None = None
    removed: int | None = None


class RunDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What a run changed in its workspace, as it was kept: a patch for git beside the store.

    ``size`` and ``digest`` (SHA-256) are those of the patch that is kept. ``truncated``: the patch was longer than its
    bound, so only its beginning is there; ``scrubbed``: declared secrets stood in it. Neither can be applied.
    ``left_out`` are files too large for it, and folders that are repositories of their own. ``files`` are the first.
    """

    run: str
    task: str
    workspace: str
    base: str
    size: int
    digest: str
    files: tuple[FileChange, ...] = ()
    changed: int = 0
    added: int = 0
    removed: int = 0
    truncated: bool = False
    scrubbed: bool = False
    left_out: tuple[str, ...] = ()
    taken_at: int = 0


class TaskDiff(msgspec.Struct, frozen=True):
    """What a task changed: the diff of the last of its runs that has one, and its patch."""

    diff: RunDiff
    patch: bytes


class Applied(msgspec.Struct, frozen=True):
    """What became of the tree below ``top``: the paths that changed (or would, if ``checked_only``), relative to it."""

    top: str
    paths: tuple[str, ...]
    checked_only: bool = False


class Found(msgspec.Struct, frozen=True):
    """A workspace on the disk: its record, its path, and whether a run works in it now."""

    record: Record
    path: str
    in_use: bool


class Left(msgspec.Struct, frozen=True):
    """What became of a workspace after its run: whether it is still there, and why, in a sentence."""

    kept: bool
    text: str
    snapshot: str | None = None


class Stand(StrEnum):
    """What a workspace on disk is at. ``unknown``: no record says whose it is, so nobody touches it."""

    MAKING = "making"
    READY = "ready"
    REMOVING = "removing"
    REMOVED = "removed"
    UNKNOWN = "unknown"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a workspace: whose it is and what it was made of. Times are milliseconds since 1970 UTC.

    ``source`` is the top of the checkout that a worktree was made of and ``common`` where its repository keeps its
    things, or ``source`` is the address of a bundle's repository. ``tip`` is where its branch stood at its removal,
    ``snapshots`` are the git bundles that hold what was in it.
    """

    id: str
    stand: Stand
    task: str
    session: str | None
    wanted: Workspace
    source: str
    within: str
    base: str
    common: str = ""
    branch: str | None = None
    set_up: bool = False
    made_at: int = 0
    run: str = ""
    tip: str | None = None
    snapshots: tuple[str, ...] = ()
