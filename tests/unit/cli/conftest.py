"""Tasks and changes as the store would tell of them."""

from collections.abc import Callable
from typing import Any

import pytest

from taxiway.core.change import Change, ChangeKind
from taxiway.core.task import Task, TaskSpec, TaskState

MakeTask = Callable[..., Task]
MakeChange = Callable[..., Change]


@pytest.fixture
def make_task() -> MakeTask:
    """Tasks by name; further words are fields of the record, ``lane`` and ``retries`` of the spec."""

    def make(name: str, state: str = "queued", **fields: Any) -> Task:
        spec = {key: fields.pop(key) for key in ("lane", "retries", "labels", "after") if key in fields}
        return Task(
            id=f"task_{name:0>26}",
            seq=1,
            tenant="default",
            project="/p",
            spec=TaskSpec(name=name, command=("true",), **spec),
            state=TaskState(state),
            **fields,
        )

    return make


@pytest.fixture
def make_change() -> MakeChange:
    """Changes of a task by its name."""

    def make(name: str, state: str, at: int = 0, reason: str | None = None) -> Change:
        return Change(1, ChangeKind.TASK, f"task_{name:0>26}", state, reason, "runner", "test", at)

    return make
