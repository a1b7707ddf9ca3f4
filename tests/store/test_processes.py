"""Several processes on one file, and processes that die: nothing is lost, nothing is taken twice (I1, I2, I9, I14)."""

import contextlib
import json
import random
import signal
import time
from pathlib import Path

import pytest

from taxiway.clock import Ids, seeded_chance
from taxiway.core.errors import QueueStopping
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.readiness import Scope
from taxiway.core.task import TaskState
from taxiway.engine.timekeeper import Timekeeper
from taxiway.store.protocol import TaskFilter, Topic
from taxiway.store.sqlite.opening import OpenStore
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance import Bench
from tests.store.conftest import open_by_hand, open_for_real
from tests.store.processes import end, lines_of, reply, said, start

DEADLINE_S = 30.0


async def every_task(opened: OpenStore) -> dict[str, TaskState]:
    """All tasks of a store with their states."""
    found: dict[str, TaskState] = {}
    cursor = None
    while True:
        page = await opened.store.tasks(TaskFilter(), 500, cursor)
        found |= {task.id: task.state for task in page.items}
        if (cursor := page.cursor) is None:
            return found


async def test_two_writers_and_two_workers_lose_nothing_and_take_nothing_twice(tmp_path: Path) -> None:
    """I1, I2: four real processes on one file."""
    path = tmp_path / "a.db"
    await (await open_by_hand(path, HandClock())).close()
    writers = [start("submit", path, f"writer{number}", 150) for number in range(2)]
    workers = [start("work", path, f"worker{number}", 5) for number in range(2)]
    acknowledged = [task for writer in writers for task in said(end(writer), "acknowledged")]
    answers = [end(worker) for worker in workers]
    claimed = [task for lines in answers for task in said(lines, "claimed")]
    assert len(claimed) == len(set(claimed)), "a task was taken twice"
    runs = [run for lines in answers for run in said(lines, "run")]
    assert len(runs) == len(set(runs))

    opened = await open_by_hand(path, HandClock())
    found = await every_task(opened)
    assert sorted(found) == sorted(acknowledged)
    finished = {task for lines in answers for task in said(lines, "finished")}
    assert {task for task, state in found.items() if state is TaskState.COMPLETED} == finished
    assert await opened.store.check() == []
    await opened.close()


async def test_who_waits_for_a_cancel_of_all_is_woken_at_its_end(tmp_path: Path) -> None:
    """I14: what came after it may start then, and no poll is needed for it."""
    opened = await open_by_hand(tmp_path / "a.db", HandClock())
    bench = Bench(opened.store, HandClock(), Ids(HandClock(), seeded_chance(3)))
    await bench.submit_all(*(bench.new() for _ in range(CASCADE_ROWS_MAX + 1)))
    await opened.store.cancel_all("test")
    await bench.submit()
    wake = opened.wakes.subscribe(Topic.WORK)
    await bench.settle()
    assert wake.rung
    await opened.close()


async def test_what_is_due_does_not_wait_for_a_long_cascade(tmp_path: Path) -> None:
    """I14: each page of a cascade is followed by what the clock says."""
    clock = HandClock()
    opened = await open_by_hand(tmp_path / "a.db", clock)
    bench = Bench(opened.store, clock, Ids(clock, seeded_chance(3)))
    await bench.submit_all(*(bench.new() for _ in range(3 * CASCADE_ROWS_MAX)))
    await opened.store.cancel_all("test")
    task = await bench.submit(delay_s=1)
    clock.advance(2)
    await Timekeeper(opened.store, clock).step()
    assert (await opened.store.next_due(), await bench.standing(task)) == (0, (TaskState.QUEUED, None))
    await opened.close()


async def test_processes_that_open_a_new_store_at_once_all_find_it_whole(tmp_path: Path) -> None:
    """I19: migrations are idempotent; nobody takes a store that is being made for another program's database."""
    path = tmp_path / "a.db"
    openers = [start("look", path, f"opener{number}") for number in range(4)]
    for opener in openers:
        assert said(end(opener), "findings") == [[]]
    opened = await open_by_hand(path, HandClock())
    assert [queue.name for queue in await opened.store.queues()] == ["default"]
    assert [lane.name for lane in await opened.store.lanes()] == ["main"]
    await opened.close()


async def test_what_another_process_changed_holds_from_its_commit_on(tmp_path: Path) -> None:
    """I2, I3, I14, I15: nothing that one process has in memory outlives what another one wrote."""
    path, clock = tmp_path / "a.db", HandClock()
    here, there = await open_by_hand(path, clock, "here"), await open_by_hand(path, clock, "there", seed=2)
    mine = Bench(here.store, clock, Ids(clock, seeded_chance(1)))
    theirs = Bench(there.store, clock, Ids(clock, seeded_chance(2)))
    await mine.register()
    await theirs.register()
    await mine.store.make_queue("q", None, "test")
    await mine.store.set_lane("x", 5, "test")
    for _ in range(3):
        await mine.submit(queue="q", lane="x")
    assert len(await mine.claim(1)) == 1

    await theirs.store.set_lane("x", 1, "test")
    assert await mine.claim() == []
    await theirs.store.set_lane("x", 2, "test")
    assert len(await mine.claim()) == 1
    await theirs.store.set_lane("x", None, "test")
    await theirs.store.move_queue("q", "pause", "test")
    assert await mine.claim() == []
    await theirs.store.move_queue("q", "resume", "test")
    await theirs.store.set_queue("q", 2, "test")
    assert await mine.claim() == []
    await theirs.store.set_queue("q", None, "test")
    later = await theirs.submit(queue="q", lane="x", priority=1)
    assert [run.task for run in await mine.claim(1)] == [later]

    await theirs.store.make_queue("new", None, "test")
    await theirs.store.set_lane("y", 1, "test")
    await mine.submit(queue="new", lane="y")
    await theirs.submit(queue="new", lane="y")
    assert len(await theirs.claim(scope=Scope(lanes=frozenset({"y"})))) == 1
    assert await mine.claim(scope=Scope(lanes=frozenset({"y"}))) == []
    await theirs.store.move_queue("q", "stop", "test")
    with pytest.raises(QueueStopping):
        await mine.submit(queue="q", lane="x")
    for bench in (mine, theirs, mine):
        await bench.submit()
    versions = [change.version for change in await mine.store.changes(0, 1_000)]
    assert versions == list(range(1, len(versions) + 1))
    assert await mine.store.check() == []
    await here.close()
    await there.close()


async def test_two_processes_in_turn_do_what_one_would_do(tmp_path: Path) -> None:
    """I2, I4, I8: numbers of tasks, runs and changes go on where the other left off, in any turn."""
    path, clock, chance = tmp_path / "a.db", HandClock(), random.Random(5)
    opened = [await open_by_hand(path, clock, name, seed=seed) for seed, name in enumerate(("here", "there"))]
    benches = [Bench(one.store, clock, Ids(clock, seeded_chance(3 + seed))) for seed, one in enumerate(opened)]
    for bench in benches:
        await bench.register()
    parents: list[str] = []
    done = 0
    for _ in range(150):
        bench = chance.choice(benches)
        match chance.randrange(4):
            case 0 | 1:
                parents.append(await bench.submit(after=parents[-1:] if chance.random() < 0.3 else []))
            case 2:
                for run in await bench.claim(chance.randrange(1, 4)):
                    done += (await chance.choice(benches).finish(run)).applied
            case _:
                await bench.store.set_lane("main", chance.randrange(1, 9), "test")
        assert await chance.choice(benches).store.check() == []
    for bench in benches:
        done += len(await bench.drain())
    assert done == len(parents)
    for one in opened:
        await one.close()


async def test_a_commit_wakes_who_waits_in_another_process(tmp_path: Path) -> None:
    """I14: by a datagram, long before the safety poll of the one who waits."""
    path = tmp_path / "a.db"
    opened = await open_for_real(path, "here", 1)
    waiter = start("wait", path, "there")
    answers = lines_of(waiter)
    assert next(answers) == {"ready": True}
    began = time.monotonic()
    await opened.store.set_lane("x", 1, "test")
    woken = False
    while not woken and time.monotonic() - began < DEADLINE_S:  # the first hint may go out before it was listed
        await opened.store.set_lane("x", int(time.monotonic() * 1000) % 1_000 + 2, "test")
        waiter.poll()
        woken = waiter.returncode is not None
    assert next(answers) == {"woken": True}
    waiter.communicate(timeout=30)
    await opened.close()


async def test_a_dead_process_leaves_nothing_that_stands_in_the_way(tmp_path: Path) -> None:
    """I14: its socket is swept by whoever sends next, and its wakes are nobody's."""
    path = tmp_path / "a.db"
    opened = await open_for_real(path, "here", 1)
    waiter = start("wait", path, "there")
    assert next(lines_of(waiter)) == {"ready": True}
    waiter.kill()
    waiter.communicate(timeout=30)
    assert (opened.folder / "there.wake").exists()
    began = time.monotonic()
    size = 1
    while (opened.folder / "there.wake").exists() and time.monotonic() - began < DEADLINE_S:
        await opened.store.set_lane("x", size := size + 1, "test")
    assert not (opened.folder / "there.wake").exists()
    await opened.close()


async def kill_in_the_middle(path: Path, seed: int) -> None:
    """Kill a writer and a worker at a random moment; what they had acknowledged is there, and the store is sound."""
    chance = random.Random(seed)
    writer, worker = start("submit", path, f"writer{seed}", 100_000), start("work", path, f"worker{seed}", 1_000)
    stop_at = chance.randrange(5, 200)
    heard = []
    for line in lines_of(writer):
        heard.append(line)
        if len(heard) == stop_at:
            break
    worker.send_signal(signal.SIGKILL)
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate(timeout=30)
    done, _ = worker.communicate(timeout=30)
    with contextlib.suppress(json.JSONDecodeError):  # what was buffered may begin in the middle of a line
        heard += reply(rest)
    opened = await open_by_hand(path, HandClock())
    found = await every_task(opened)
    lost = set(said(heard, "acknowledged")) - set(found)
    assert not lost, f"seed {seed}: acknowledged and lost: {lost}"
    finished = set(said(reply(done), "finished"))
    undone = {task for task in finished if found[task] is not TaskState.COMPLETED}
    assert not undone, f"seed {seed}: finished and undone: {undone}"
    assert await opened.store.check() == [], f"seed {seed}"
    await opened.close()


@pytest.mark.parametrize("seed", range(2))
async def test_what_was_acknowledged_survives_kill_9_at_any_moment(tmp_path: Path, seed: int) -> None:
    """I1, B5: the ledger is what the dead processes had said."""
    await kill_in_the_middle(tmp_path / "a.db", seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 140))
async def test_what_was_acknowledged_survives_forty_kills(tmp_path: Path, seed: int) -> None:
    """I1: the same, at more moments, three times in a row on one file."""
    for turn in range(3):
        await kill_in_the_middle(tmp_path / "a.db", seed * 10 + turn)
