"""What other processes of these tests do: ``python -m tests.store.programs VERB PATH …``; they answer in JSON lines."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from taxiway.clock import Ids, SystemClock, seeded_chance
from taxiway.core.errors import Error
from taxiway.core.readiness import Scope
from taxiway.core.run import Completed
from taxiway.core.task import TaskSpec
from taxiway.store.protocol import NewTask, Runner
from taxiway.store.sqlite.opening import OpenStore
from taxiway.store.tx import Topic
from tests.store.conftest import open_for_real


def say(**facts: Any) -> None:
    """One line that whoever started this program can read at once."""
    print(json.dumps(facts), flush=True)


def new_task(ids: Ids, text: str = "") -> NewTask:
    """A task with as much text as is asked for."""
    return NewTask(ids.new("task"), TaskSpec(job="noop", metadata={"text": text} if text else {}), b"hash")


async def submit(opened: OpenStore, ids: Ids, count: int) -> None:
    """Submit so many tasks, eight at a time, and say each one that was acknowledged."""
    gate = asyncio.Semaphore(8)

    async def one() -> None:
        async with gate:
            [answer] = await opened.store.submit([new_task(ids)], "test")
            say(acknowledged=answer.id)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


async def work(opened: OpenStore, ids: Ids, count: int) -> None:
    """Claim and finish until ``count`` rounds in a row found nothing; say every claim and every finish."""
    runner = ids.new("runner")
    await opened.store.register(Runner(id=runner, host="h", boot_id="b", pid=1, slots=8))
    wake = opened.wakes.subscribe(Topic.WORK | Topic.CHANGE)
    idle = 0
    while idle < count:
        claimed = await opened.store.claim(runner, Scope(), 8)
        idle = 0 if claimed else idle + 1
        for run in claimed:
            say(claimed=run.task, run=run.run)
            await opened.store.finish(run.run, run.fence, Completed(), 0.5)
            say(finished=run.task)
        if not claimed:
            await wake.wait(0.2)


async def fill(opened: OpenStore, ids: Ids, _count: int) -> None:
    """Submit until the disk is full, then read, free some space, and submit again."""
    say(ready=True)
    acknowledged = []
    ballast = opened.store.path.with_name("ballast")
    while True:
        try:
            [answer] = await opened.store.submit([new_task(ids, "x" * 20_000)], "test")
        except Error as error:
            say(refused=error.code, text=str(error))
            break
        acknowledged.append(answer.id)
    for task in acknowledged:
        await opened.store.task(task)
    say(read=len(acknowledged))
    ballast.unlink()
    [answer] = await opened.store.submit([new_task(ids)], "test")
    say(acknowledged=answer.id, findings=[finding.text for finding in await opened.store.check()])


async def wait(opened: OpenStore, _ids: Ids, _count: int) -> None:
    """Say when somebody else has committed."""
    wake = opened.wakes.subscribe(Topic.CHANGE)
    say(ready=True)
    say(woken=await wake.wait(30.0))


async def look(opened: OpenStore, _ids: Ids, _count: int) -> None:
    """Say that the store is open and sound."""
    say(findings=[finding.text for finding in await opened.store.check()])


VERBS = {"submit": submit, "work": work, "fill": fill, "wait": wait, "look": look}


async def main(verb: str, path: Path, name: str, count: int) -> int:
    """Open the store, do one thing, close it; 5 when the store could not be opened."""
    clock = SystemClock()
    seed = int.from_bytes(name.encode()[-4:])
    ids = Ids(clock, seeded_chance(seed))
    try:
        opened = await open_for_real(path, name, seed + 1)
    except Error as error:
        say(refused=error.code, text=str(error))
        return error.exit_status
    await VERBS[verb](opened, ids, count)
    await opened.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
