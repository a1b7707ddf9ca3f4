"""What holds for the writes of one call: it is made to what its caller has seen, and under its key it is made once.

Both are looked at inside the transaction that writes, so no other writer comes in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Full, IdempotencyMismatch, NotFound
from taxiway.core.expected import Expected
from taxiway.store.guard import Guard
from taxiway.store.tx import Tx
from taxiway.store.verbs import accounts, lanes, queues, reading, session_reading
from taxiway.store.verbs.results import read_result, written_result

T = TypeVar("T")


def around(guard: Guard, operation: Callable[[Tx], T]) -> Callable[[Tx], T]:
    """A write, as it holds for one call."""
    number = guard.next_write()

    def guarded(tx: Tx) -> T:
        done = [] if guard.key is None else _done(tx, guard.key, guard.hash)
        if number < len(done):
            guard.replayed = True
            again: T = read_result(done[number])
            return again
        if number == 0 and guard.expected is not None:
            guard.expected.check(version_of(tx, guard.expected))
        admitted = tx.admitted
        result = operation(tx)
        if guard.open_max is not None and tx.admitted > admitted:
            _check_room(tx, guard.open_max)
        if guard.key is not None:
            kept = msgspec.json.encode([*done, written_result(result)]).decode()
            tx.run("keep_done", tenant=tx.tenant, key=guard.key, hash=guard.hash, done=kept, now=tx.now)
        return result

    return guarded


def _check_room(tx: Tx, most: int) -> None:
    """Raise ``Full`` where the tenant would have more open tasks than it may (4.10)."""
    row = tx.one("count_open_tasks", tenant=tx.tenant, queue=0)
    if row is not None and row[0] > most:
        raise Full(f"this would be {row[0]:,} open tasks, and {most:,} are the most: let some end, or cancel some")


def version_of(tx: Tx, wanted: Expected) -> int | None:
    """The version that a thing has now; ``None`` where there is none."""
    try:
        match wanted.kind:
            case ChangeKind.TASK:
                return reading.task(tx, wanted.ref).version
            case ChangeKind.SESSION:
                return session_reading.session(tx, wanted.ref, None).version
            case ChangeKind.QUEUE:
                return queues.queue_of(tx, wanted.ref, wanted.project)[1].version
            case ChangeKind.LANE:
                return lanes.lane(tx, wanted.ref, wanted.queue, wanted.project).version
            case ChangeKind.ACCOUNT:
                return accounts.account(tx, wanted.ref).version
            case _:
                raise AssertionError(f"nobody asks for a {wanted.kind} as it was")
    except NotFound:
        return None


def _done(tx: Tx, key: str, hash: bytes) -> list[Any]:
    """What has been done under a key."""
    row = tx.one("find_reply", tenant=tx.tenant, key=key)
    if row is None:
        return []
    check_same(key, row[0], hash)
    found: list[Any] = [] if row[3] is None else msgspec.json.decode(row[3])
    return found


def check_same(key: str, known: bytes, hash: bytes) -> None:
    """Raise ``IdempotencyMismatch`` where a key stands for something else (I9)."""
    if known != hash:
        raise IdempotencyMismatch(
            f"the idempotency key '{key}' was used for something else; a key stands for one request", key=key
        )
