"""Bugs that the simulator found in the system itself, each as small as it can be told."""

import asyncio
from collections.abc import Sequence
from typing import Any

from taxiway.clock import seeded_chance
from taxiway.core.errors import NotFound
from taxiway.core.event import NewEvent
from taxiway.core.redact import Scrubber
from taxiway.core.run import Completed, Outcome, StopCause
from taxiway.core.task import TaskSpec
from taxiway.engine.executor import Executor
from taxiway.engine.reaper import Host, Reaper
from taxiway.engine.recorder import Recorder
from taxiway.observe.observer import nobody
from taxiway.store.protocol import Claimed, Finished, LiveRun, Runner
from taxiway.testing.clock import HandClock


class SlowStore:
    """Remembers batches of events, and is slow when it is told to be."""

    def __init__(self) -> None:
        self.batches: dict[int, list[NewEvent]] = {}
        self.slow = asyncio.Event()

    async def record(self, run: str, fence: int, batch: int, events: Sequence[NewEvent]) -> int:
        await self.slow.wait()
        assert batch == len(self.batches) + 1 or batch in self.batches, "a batch is missing"
        self.batches.setdefault(batch, list(events))
        return batch


async def test_a_write_of_events_that_is_cancelled_is_written_by_the_next_one() -> None:
    """I4, I14: the regular flush was cancelled when the program ended; its batch was lost, the next one came with a
    gap, and the run stayed live for ever."""
    store = SlowStore()
    recorder = Recorder(store, HandClock(), Scrubber(), "run", 1)  # type: ignore[arg-type]
    recorder.output("stdout", b"first")
    async with asyncio.TaskGroup() as group:
        flushing = group.create_task(recorder.flush())
        await asyncio.sleep(0)
        flushing.cancel()
    assert recorder.pending
    store.slow.set()
    recorder.output("stdout", b"second")
    await recorder.flush()
    assert [event.body for batch in store.batches.values() for event in batch] == [b"first", b"second"]


class StoppedReader:
    """A store whose answer arrives long after it was true: the one who asked stood still meanwhile."""

    def __init__(self, clock: HandClock, others: list[Runner]) -> None:
        self.clock = clock
        self.others = others
        self.stopped_s = 0.0
        self.settled: list[str] = []

    async def runners(self) -> list[Runner]:
        answer = list(self.others)
        self.clock.advance(self.stopped_s)
        return answer

    async def live_runs(self, runner: str) -> list[Any]:
        return []

    async def warm_processes(self, runner: str) -> list[Any]:
        return []

    async def wake_due(self, limit: int) -> int:
        return limit

    async def declare_lost(self, runner: str, beat: int) -> bool:
        return True

    async def retire(self, runner: str, state: str) -> bool:
        self.settled.append(runner)
        return True


async def test_a_reaper_that_stood_still_declares_nobody_dead() -> None:
    """I20, I2: a reaper that was stopped between its question and its answer took its own silence for the others'."""
    clock = HandClock()
    other = Runner(id="runner_a", host="elsewhere", boot_id="b", pid=1, slots=1, beat=7)
    store = StoppedReader(clock, [other])
    reaper = Reaper(store, clock, Host("here", "b"), None, object(), nobody, 4.0)  # type: ignore[arg-type]
    await reaper.step()
    clock.advance(0.5)
    store.stopped_s = 60.0
    await reaper.step()
    assert store.settled == []
    store.stopped_s = 0.0
    for _ in range(20):
        clock.advance(0.5)
        await reaper.step()
    assert store.settled[:1] == ["runner_a"]


class Evidence:
    """What a host knows: nothing."""

    def forget(self, runner: str) -> None: ...


class Forgetful:
    """A store in which the run is not there any more."""

    def __init__(self) -> None:
        self.retired = False

    async def runners(self) -> list[Runner]:
        return [Runner(id="runner_a", host="here", boot_id="an older one", pid=1, slots=1)]

    async def live_runs(self, runner: str) -> list[LiveRun]:
        return [LiveRun("run_a", "task_a", runner, 1, None)]

    async def warm_processes(self, runner: str) -> list[Any]:
        return []

    async def finish(self, *_: Any) -> Finished:
        raise NotFound("there is no run run_a")

    async def declare_lost(self, runner: str, beat: int) -> bool:
        return True

    async def retire(self, runner: str, state: str) -> bool:
        self.retired = True
        return True


async def test_a_reaper_does_not_stumble_over_a_run_that_was_removed_meanwhile() -> None:
    """I14: another one settled it first, and then its task was removed."""
    store = Forgetful()
    reaper = Reaper(store, HandClock(), Host("here", "b"), None, Evidence(), nobody, 4.0)  # type: ignore[arg-type]
    await reaper.step()
    assert store.retired


class Done:
    """Work that is done at once."""

    async def run(self) -> Outcome:
        return Completed()

    def stop(self, cause: StopCause, hard: bool = False) -> None: ...

    async def ping(self) -> None: ...


async def test_a_late_word_for_a_run_that_was_removed_does_not_end_the_runner() -> None:
    """I2, I12: a runner that stood still finished a run that others had settled and whose task was removed since; that
    ended the whole runner with NotFound."""
    executor = Executor(Forgetful(), lambda claim: Done(), seeded_chance(1), nobody, lambda: None, Scrubber())  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        executor.open(group)
        executor.take(Claimed("run_a", "task_a", TaskSpec(job="x"), 1, 1, ""))
        await executor.idle()
