"""What a task may take of those that it waited for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from taxiway.core.task import TaskState
from taxiway.core.template import Value


class Parent(msgspec.Struct, frozen=True):
    """What a template may take of a task named in ``after``. ``run`` is its last one; the ``diff`` of that is kept
    beside the store, and looked up only where a placeholder asks for it."""

    name: str
    state: TaskState
    output: str | None
    result: Any
    exit_code: int | None
    run: str | None = None
    diff: str | None = None


def values(parents: Iterable[Parent]) -> dict[str, Value]:
    """What placeholders stand for, by the names in ``after``."""
    return {one.name: Value(one.output, one.exit_code, one.result, one.diff) for one in parents}
