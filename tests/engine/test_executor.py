"""The executor on its own: what it owes to those who wait for its end (I14)."""

import asyncio
import random

import pytest

from taxiway.core.redact import Scrubber
from taxiway.core.task import TaskSpec
from taxiway.engine.executor import Executor
from taxiway.store.protocol import Claimed
from tests.engine.conftest import DEADLINE_S


async def test_a_run_that_was_taken_while_everything_ends_is_not_waited_for() -> None:
    """I14: its task is cancelled before its first step, so nothing in it can say that it is over; the end comes all
    the same, and nobody waits in vain for it."""
    executor = Executor(None, lambda claim: None, random.Random(1), lambda *_, **__: None, lambda: None, Scrubber())
    claim = Claimed(run="run_a", task="task_a", spec=TaskSpec(), fence=1, attempt=1, project="/p")

    async def end_at_once() -> None:
        async with asyncio.TaskGroup() as group:
            executor.open(group)
            executor.take(claim)
            raise RuntimeError("the lease was lost in this very moment")

    with pytest.raises(ExceptionGroup):
        await end_at_once()
    await asyncio.wait_for(executor.idle(), DEADLINE_S)
    assert executor.working == 0
