"""What every tenant has from the start."""

from __future__ import annotations

from typing import Final

from taxiway.core.queue import QueueState
from taxiway.store.tx import Tx
from taxiway.store.verbs.lanes import put_lane
from taxiway.store.verbs.queues import insert_queue

DEFAULT_QUEUE: Final = "default"
MAIN_LANE: Final = "main"


def found_store(tx: Tx, main_size: int) -> None:
    """What every tenant has: the standing queue ``default``, and the lane ``main``."""
    tx.run("insert_tenant", tenant=tx.tenant, now=tx.now)
    if tx.one("lane_exact", tenant=tx.tenant, queue=0, name=MAIN_LANE) is None:
        put_lane(tx, 0, MAIN_LANE, main_size, "taxiway")
    if tx.one("queue_exact", tenant=tx.tenant, project="", name=DEFAULT_QUEUE) is None:
        insert_queue(tx, DEFAULT_QUEUE, "", QueueState.RUNNING, standing=True, slots=None, plan=None, actor="taxiway")


def tenants(tx: Tx) -> list[str]:
    """Every tenant, by name."""
    return [name for (name,) in tx.all("tenants")]
