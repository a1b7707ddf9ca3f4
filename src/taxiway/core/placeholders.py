"""Where the placeholders of a task stand, and what they take of the tasks that it waits for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from taxiway.core.fault import Path
from taxiway.core.task import TaskSpec
from taxiway.core.template import Field, Mistake, Ref, has_placeholder, parse, read
from taxiway.core.workspace import Workspace

#: Where a workspace says which commit it begins with.
BASE: Final[Path] = ("workspace", "base")
BASE_HINT: Final = "write a commit's number, a branch or a tag, or ${{ name.diff }} alone"

_TEMPLATED: Final = ("shell", "command", "prompt", "stdin", "env", "args")


def templated(fields: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The texts of a task that hold placeholders, each with the path to it."""
    for key in _TEMPLATED:
        if (value := fields.get(key)) is not None:
            yield from _texts((key,), value)
    workspace = fields.get("workspace")
    if isinstance(workspace, Workspace) and workspace.base is not None:
        yield from _texts(BASE, workspace.base)


def reads(spec: TaskSpec) -> frozenset[str]:
    """The tasks of ``after``, by the names that stand there, of which the spec's placeholders take something."""
    return frozenset(ref.task for _, ref in _refs(spec))


def wanted_diffs(spec: TaskSpec) -> frozenset[str]:
    """Those whose diffs stand in a text of the task."""
    return frozenset(ref.task for path, ref in _refs(spec) if ref.field is Field.DIFF and path != BASE)


def base_parent(spec: TaskSpec) -> str | None:
    """The one with whose work the workspace begins; ``None``: it begins with a commit that has a name."""
    return next((ref.task for path, ref in _refs(spec) if path == BASE), None)


def base_mistake(text: str, names: Collection[str]) -> Mistake | None:
    """What is wrong with a base that holds a placeholder: it is a diff's, and stands alone."""
    parts = read(text, names)
    if len(parts) == 1 and (isinstance(parts[0], Mistake) or _is_diff(parts[0])):
        return None  # a placeholder that means nothing is a mistake wherever it stands
    return Mistake(f"{text[:200]} names no commit", BASE_HINT)


def _is_diff(part: str | Ref | Mistake) -> bool:
    return isinstance(part, Ref) and part.field is Field.DIFF


def _refs(spec: TaskSpec) -> Iterator[tuple[Path, Ref]]:
    if not spec.template:
        return
    names = frozenset(edge.task for edge in spec.after)
    for path, text in templated(msgspec.structs.asdict(spec)):
        for part in parse(text, names):
            if isinstance(part, Ref):
                yield path, part


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if has_placeholder(value):
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts((*path, key), item)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _texts((*path, place), item)
