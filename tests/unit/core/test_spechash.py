"""One number for what was asked."""

import msgspec
import pytest

from taxiway.core.spechash import spec_hash
from taxiway.core.task import Backoff, Condition, Dependency, Reason, TaskSpec

BASE = TaskSpec(
    name="a",
    command=("x", "y"),
    after=(Dependency("b"), Dependency("c", Condition.FAILED)),
    env={"A": "1", "B": "2"},
    timeout_s=30.0,
    retry_on=(Reason.TIMEOUT, Reason.EXIT_CODE),
    metadata={"m": 1, "n": {"o": 2, "p": 3}},
)


def changed(**fields: object) -> TaskSpec:
    return msgspec.structs.replace(BASE, **fields)


@pytest.mark.parametrize(
    "same",
    [
        changed(env={"B": "2", "A": "1"}),
        changed(metadata={"n": {"p": 3, "o": 2}, "m": 1}),
        changed(timeout_s=30),
        changed(after=BASE.after[::-1]),
        changed(retry_on=BASE.retry_on[::-1] if BASE.retry_on else None),
        changed(idempotency_key="k"),
        changed(backoff=Backoff()),
        changed(lane="".join(["ma", "in"]), queue="".join(["def", "ault"])),
        msgspec.json.decode(msgspec.json.encode(BASE), type=TaskSpec),
    ],
)
def test_the_same_work_has_the_same_hash_however_it_was_written(same: TaskSpec) -> None:
    """I9: a hash of canonical JSON; the key is no part of the payload."""
    assert spec_hash(same) == spec_hash(BASE)


@pytest.mark.parametrize(
    "other",
    [
        changed(name="b"),
        changed(command=("x y",)),
        changed(command=("y", "x")),
        changed(command=None, shell="x y"),
        changed(after=BASE.after[:1]),
        changed(after=(Dependency("b"), Dependency("c"))),
        changed(env={"A": "1"}),
        changed(timeout_s=30.001),
        changed(priority=1),
        changed(lane="tests"),
        changed(cwd="/x"),
        changed(metadata={}),
        changed(template=True),
    ],
)
def test_whatever_else_was_asked_has_another_hash(other: TaskSpec) -> None:
    """Running a plan again: changed, and everything after it, runs anew."""
    assert spec_hash(other) != spec_hash(BASE)


def test_the_hash_stays_what_it_is_from_version_to_version() -> None:
    """It is stored: a new field with a default must not change the hash of an old spec."""
    assert spec_hash(TaskSpec(shell="true")).hex() == "e9fdbaec2c92f71a8838ef5863a32a8adaed6154b57e4f2a39c36af30dc17a35"
