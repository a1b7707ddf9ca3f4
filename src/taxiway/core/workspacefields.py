"""What a person may write as a task's ``workspace``: the readers of its fields, and which belong to which kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from taxiway.core import fieldtypes
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.limits import NAME_CHARS_MAX, WORKSPACE_PATHS_MAX
from taxiway.core.nearest import nearest
from taxiway.core.template import has_placeholder
from taxiway.core.workspace import Keep, Workspace, WorkspaceKind

PATH_CHARS_MAX: Final = 1_000

#: An address that git may be given. What looks like one and is a command (``ext::sh …``) or an option never matches.
REPO_PATTERN: Final = (
    r"(https://([A-Za-z0-9._~-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/[^\s\x00-\x1f\x7f]+"
    r"|ssh://([A-Za-z0-9._~-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/[^\s\x00-\x1f\x7f]+"
    r"|[A-Za-z0-9._~]([A-Za-z0-9._~-]*)@[A-Za-z0-9][A-Za-z0-9.-]*:(?!:)[^\s\x00-\x1f\x7f:-][^\s\x00-\x1f\x7f]*)"
)
TOKEN_PATTERN: Final = r"secret://[A-Za-z0-9._-]{1,200}"  # noqa: S105  (how one is referred to)
COMMIT_PATTERN: Final = r"([0-9a-f]{40}|[0-9a-f]{64})"

_REPO: Final = re.compile(REPO_PATTERN + r"\Z")
_COMMIT: Final = re.compile(COMMIT_PATTERN + r"\Z")
_TOKEN: Final = re.compile(TOKEN_PATTERN + r"\Z")
_NOT_IN_A_BRANCH: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

KINDS_OF: Final[Mapping[str, tuple[WorkspaceKind, ...]]] = {
    "branch": (WorkspaceKind.WORKTREE,),
    "base": (WorkspaceKind.WORKTREE,),
    "include": (WorkspaceKind.WORKTREE,),
    "setup": (WorkspaceKind.WORKTREE, WorkspaceKind.BUNDLE),
    "keep": (WorkspaceKind.WORKTREE, WorkspaceKind.BUNDLE),
    **dict.fromkeys(
        ("repo", "commit", "token", "subdir", "sparse", "submodules", "lfs", "prompts", "skills"),
        (WorkspaceKind.BUNDLE,),
    ),
}
NEEDED: Final = {"repo": "the address of the repository", "commit": "the whole number of the commit"}


def workspace(value: Any) -> Workspace | None:
    """A workspace, from its kind alone (``worktree``) or a table; ``None`` is ``dir``. Every fault of it at once."""
    given = {"kind": value} if isinstance(value, str) else fieldtypes.table(value)
    parts = Parts()
    kind = parts.read(("kind",), _kind, given.get("kind"))
    found: dict[str, Any] = {
        str(key): parts.read((key,), _field, key, item, kind)
        for key, item in given.items()
        if key != "kind" and item is not None
    }
    if kind is WorkspaceKind.BUNDLE:
        for key, what in NEEDED.items():
            if given.get(key) is None:
                parts.read((key,), _missing, what)
        if found.get("token") and not str(found.get("repo") or "https:").startswith("https:"):
            parts.read(("token",), _not_by_ssh)
    parts.close()
    if kind is None or kind is WorkspaceKind.DIR:
        return None
    return Workspace(kind=kind, **found)


def branch(value: Any) -> str:
    """A name for a branch, as git has it."""
    found = fieldtypes.work(value)
    parts = found.split("/")
    if (
        _NOT_IN_A_BRANCH.search(found)
        or len(found) > NAME_CHARS_MAX
        or found in ("@", "HEAD")
        or any(not part or part.startswith((".", "-")) or part.endswith((".lock", ".")) for part in parts)
    ):
        raise Bad(f"{_shown(found)} cannot be the name of a branch", "letters, digits and -_./ make one")
    return found


def revision(value: Any) -> str:
    """What names a commit: a number, a branch, a tag; or a placeholder, which is judged with the task's others."""
    found = fieldtypes.work(value)
    if has_placeholder(found) and len(found) <= PATH_CHARS_MAX:
        return found
    if found.startswith("-") or _CONTROL.search(found) or " " in found or len(found) > NAME_CHARS_MAX:
        raise Bad(f"{_shown(found)} names no commit", "write a commit's number, a branch or a tag")
    return found


def inner_path(value: Any) -> str:
    """A path below the workspace's top."""
    found = fieldtypes.work(value)
    if len(found) > PATH_CHARS_MAX:
        raise Bad(f"is {len(found)} characters long; a path here has at most {PATH_CHARS_MAX}")
    if _CONTROL.search(found):
        raise Bad("holds a control character")
    if found.startswith(("/", "-", ":", "~")) or ".." in found.split("/") or "\\" in found:
        raise Bad(f"{_shown(found)} does not lie below the workspace", "write a path like src/app, without ..")
    return found


def repo(value: Any) -> str:
    """The address of a repository, over https or ssh, without a password (CWE-88)."""
    found = fieldtypes.work(value)
    if not _REPO.match(found) or len(found) > PATH_CHARS_MAX:
        hint = "write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH; no password, no other protocol"
        raise Bad(f"{_shown(found)} is no address that a bundle may come from", hint)
    return found


def commit(value: Any) -> str:
    """A commit's whole number: what a name means may change, and then the run could not be understood."""
    found = fieldtypes.argument(value)  # one of digits alone may have been read as a number
    if not _COMMIT.match(found):
        raise Bad(f"{_shown(found)} is no whole number of a commit", "40 (or 64) digits of 0-9 and a-f")
    return found


def token(value: Any) -> str:
    """The reference to a secret. What it is written as is never shown: it may be the secret itself."""
    if not isinstance(value, str) or not _TOKEN.match(value):
        raise Bad("must refer to a secret, and hold none", "write secret://NAME, and declare NAME under [secrets]")
    return value


def _kind(value: Any) -> WorkspaceKind:
    if value is None:
        raise Bad("is missing", f"one of {', '.join(WorkspaceKind)}")
    return fieldtypes.member(WorkspaceKind, "kind of workspace")(value)


def _field(key: str, value: Any, kind: WorkspaceKind | None) -> Any:
    if key not in _FIELDS:
        meant = nearest(key, list(_FIELDS))
        raise Bad("is no field of a workspace", f"did you mean '{meant}'?" if meant else f"one of {', '.join(_FIELDS)}")
    if kind is not None and kind not in KINDS_OF[key]:
        raise Bad(f"belongs to a {' or a '.join(KINDS_OF[key])}, and this is a {kind}")
    return _FIELDS[key](value)


def _missing(what: str) -> None:
    raise Bad("is missing", f"a bundle needs {what}")


def _not_by_ssh() -> None:
    raise Bad("belongs to an address over https", "ssh takes your keys, from the agent that holds them")


def _paths(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else fieldtypes.items(value, "paths")
    if len(listed) > WORKSPACE_PATHS_MAX:
        raise Bad(f"has {len(listed)} items; there are at most {WORKSPACE_PATHS_MAX}")
    parts = Parts()
    found = [parts.read((place,), inner_path, item) for place, item in enumerate(listed)]
    parts.close()
    return tuple(item or "" for item in found)


def _shown(text: str) -> str:
    text = text if len(text) <= NAME_CHARS_MAX else text[:NAME_CHARS_MAX] + "…"
    return f"'{text}'" if text.isprintable() else ascii(text)


_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "branch": branch,
    "base": revision,
    "include": _paths,
    "setup": fieldtypes.argv,
    "keep": fieldtypes.member(Keep, "way to keep a workspace"),
    "repo": repo,
    "commit": commit,
    "token": token,
    "subdir": inner_path,
    "sparse": _paths,
    "submodules": fieldtypes.truth,
    "lfs": fieldtypes.truth,
    "prompts": _paths,
    "skills": _paths,
}
