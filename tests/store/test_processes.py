"""Several processes on one file, and processes that die: nothing is lost, nothing is taken twice (I1, I2, I9, I14)."""

import contextlib
import json
import random
import signal
import time
from pathlib import Path

import pytest

from taxiway.core.task import TaskState
from taxiway.store.protocol import TaskFilter
from taxiway.store.sqlite.opening import OpenStore
from taxiway.testing.clock import HandClock
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
    """I1: the ledger is what the dead processes had said."""
    await kill_in_the_middle(tmp_path / "a.db", seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 140))
async def test_what_was_acknowledged_survives_forty_kills(tmp_path: Path, seed: int) -> None:
    """I1: the same, at more moments, three times in a row on one file."""
    for turn in range(3):
        await kill_in_the_middle(tmp_path / "a.db", seed * 10 + turn)
