"""Everything at once: tasks of every kind while queues pause, lanes shrink and people cancel; then all is sound."""

import asyncio
import random

import pytest

import taxiway
from taxiway.agents.protocol import Ended
from tests.engine.conftest import DEADLINE_S, ended, everything, said

KINDS = [
    {"command": ["true"]},
    {"command": ["false"], "retries": 1, "backoff": {"first": 0.02}},
    {"shell": "kill -9 $$"},
    {"command": ["sleep", "30"], "timeout": 0.2},
    {"shell": "setsid sleep 30 & seq 1 2000"},
    {"command": ["no-such-program"]},
    {"job": "noop"},
    {"job": "fail"},
    {"job": "nap"},
    {"command": ["true"], "delay": 0.1},
    {"command": ["true"], "expires": 0.05, "lane": "one"},
]


async def weather(tw, chance: random.Random, handles: list) -> None:
    """One change of the weather."""
    match chance.randrange(9):
        case 0:
            await tw.move_queue("side", "pause")
            await asyncio.sleep(0.05)
            await tw.move_queue("side", "resume")
        case 1:
            await tw.set_lane("one", chance.choice([1, 2, None]))
        case 2:
            await tw.set_queue("side", chance.choice([1, 3, None]))
        case 3 | 4 | 5:
            await chance.choice(handles).cancel()
        case 6:
            await chance.choice(handles).explain()
        case 7:
            handle = chance.choice(handles)
            if (await handle.get()).state == "failed":
                handles += await handle.retry()
        case 8:
            await tw.cancel_all("side")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_in_any_weather_every_task_ends_and_the_store_stays_sound(bench, seed) -> None:
    """I3, I12, I14, I15: invariants asked while it storms, and after; the bench looks for what is left."""
    chance = random.Random(seed)

    def fail() -> None:
        raise ValueError("weather")

    async def nap() -> None:
        await asyncio.sleep(0.05)

    async with bench.open(slots=6, jobs={"noop": lambda: None, "fail": fail, "nap": nap}) as tw:
        await tw.make_queue("side", slots=3)
        await tw.set_lane("one", 1)
        handles: list = []
        for _ in range(60):
            spec = dict(chance.choice(KINDS)) | {"priority": chance.randrange(3)}
            if chance.random() < 0.4:
                spec["queue"] = "side"
            if chance.random() < 0.3:
                spec.setdefault("lane", "one")
            if handles and chance.random() < 0.4:
                on = chance.choice(["completed", "failed", "finished"])
                spec["after"] = {chance.choice(handles): on}
            handles.append(await tw.submit(**spec))
            if chance.random() < 0.4:
                await weather(tw, chance, handles)
            if chance.random() < 0.1:
                assert await tw.store.check() == []
        async with asyncio.timeout(3 * DEADLINE_S):
            for handle in handles:
                await handle.wait()
        for task in await everything(tw):
            assert task.ended
            assert task.attempt <= task.max_attempts
            for run in await tw.runs(task.id):
                events = await tw.store.events(run.id, 0, 500)
                assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_a_run_that_cannot_be_prepared_fails_alone(bench, monkeypatch) -> None:
    """I13: an error of our own between claim and start ends that run as 'internal', and no other."""
    async with bench.open() as tw:
        made = taxiway.runner.Recorder
        failures = iter([RuntimeError("no recorder")])

        def fragile(*args):
            error = next(failures, None)
            if error is not None:
                raise error
            return made(*args)

        monkeypatch.setattr(taxiway.runner, "Recorder", fragile)
        handles = await tw.submit_many([{"command": ["true"]} for _ in range(3)])
        tasks = [await ended(handle) for handle in handles]
    assert sorted(str(task.state) for task in tasks) == ["completed", "completed", "failed"]
    [failed] = [task for task in tasks if task.state == "failed"]
    assert (failed.reason, "no recorder" in failed.error) == ("internal", True)


async def test_a_tree_whose_end_is_not_certain_keeps_its_slots_until_it_is(bench, monkeypatch) -> None:
    """I6, I7: the run is not ended, and nothing starts in its place, before somebody could confirm its end."""
    answers = iter([False, False, True])
    looked: list[bool] = []
    settle = taxiway.runner.settle_trees

    def doubtful(marks):
        certain = next(answers)
        looked.append(certain)
        return {tag: replace(found, certain) for tag, found in settle(marks).items()}

    def replace(found, certain):
        return type(found)(certain=certain, level=found.level, why=found.why)

    monkeypatch.setattr(taxiway.runner, "settle_trees", doubtful)
    monkeypatch.setattr("taxiway.engine.process_drive.CONFIRM_EVERY_S", 0.2)
    async with bench.open() as tw:
        await tw.set_lane("one", 1)
        drive = taxiway.engine.process_drive.ProcessDrive
        listen = drive._listen

        async def unsure(self, conversation):
            found = await listen(self, conversation)
            return Ended(exit_code=found.exit_code, certain=bool(looked))

        monkeypatch.setattr(drive, "_listen", unsure)
        first = await tw.submit(shell="echo up", lane="one")
        second = await tw.submit(shell="echo next", lane="one")
        await said(first, "up")
        assert (await ended(first)).state == "completed"
        assert looked == [False, False, True]
        assert (await ended(second)).output == "next\n"
        runs = [*(await first.runs()), *(await second.runs())]
        assert runs[1].claimed_at >= runs[0].ended_at
