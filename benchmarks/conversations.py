"""Sessions in motion: how soon a message starts, how soon a steer is settled, how soon many live sessions are gone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import taxiway
from benchmarks.child import stamp
from benchmarks.figure import Figure, at_most, percentile
from benchmarks.place import Place
from benchmarks.stores import FILE
from taxiway import Taxiway
from taxiway.agents.settle import orphans
from taxiway.core.agent import AgentKind
from taxiway.core.event import EventType
from taxiway.diagnosis import tag_prefix
from taxiway.testing.fakeagent.command import fake_agent_command

SAMPLES = 40
BURST = 5
QUIET_S = 0.2
STEERS = 60
SESSIONS = 200
GRACE_S = 5.0
SCRIPT = """\
turns:
  - match: stay
    steps: [{repeat: {times: 100000, steps: [{sleep: 0.01}]}}]
"""


async def starts(place: Place) -> list[Figure]:
    """After a burst, from the end of the quiet time; and of a message that is older than it, from the end before it."""
    folder = place.fresh("starts")
    async with taxiway.open(folder / FILE, slots=2, project="", jobs={"stamp": stamp}) as tw:
        after_burst = [await _after_burst(tw, number) for number in range(SAMPLES)]
        after_room = [await _after_room(tw, number) for number in range(SAMPLES)]
    return [
        _figure("session-start", "first start after a burst, from the end of its quiet time", after_burst, 20),
        _figure("session-start", "start of a message past its quiet time, from the end before it", after_room, 20),
    ]


async def _after_burst(tw: Taxiway, number: int) -> float:
    """Milliseconds; the store keeps whole ones, so one of them may be rounding."""
    box = await tw.session(f"burst{number}", mailbox={"debounce": QUIET_S})
    sent = [await box.send(job="stamp") for _ in range(BURST)]
    quiet_s = ((await box.get()).quiet_at or 0) / 1000 + time.monotonic() - time.time()
    first = await tw.wait(sent[0].task.id, 30)
    await tw.wait(sent[-1].task.id, 30)
    return (float(first.result) - quiet_s) * 1000


async def _after_room(tw: Taxiway, number: int) -> float:
    box = await tw.session(f"room{number}", mailbox={"debounce": QUIET_S})
    await box.send(shell=f"sleep {2 * QUIET_S}")
    await asyncio.sleep(QUIET_S * 1.2)
    waiting = await box.send(job="stamp")
    before = (await box.tasks())[0]
    ended = await tw.wait(before.id, 30)
    task = await tw.wait(waiting.task.id, 30)
    return (float(task.result) - ((ended.finished_at or 0) / 1000 + time.monotonic() - time.time())) * 1000


async def steers(place: Place) -> list[Figure]:
    """From the send to the stored receipt, with an agent whose safe points are 10 ms apart."""
    folder = place.fresh("steers")
    async with taxiway.open(folder / FILE, slots=2, project="", agents={"fake": _agent(folder)}) as tw:
        box = await tw.session("box", agent="fake")
        running = await box.send("stay")
        async for event in running.task.events():
            if event.type is EventType.STATUS:
                break
        await asyncio.sleep(0.5)
        samples = [await _steer(box) for _ in range(STEERS)]
        await box.stop_all()
    return [_figure("steer", "steer to receipt, an agent with safe points every 10 ms", samples[5:], 50)]


async def _steer(box: taxiway.SessionHandle) -> float:
    began = time.monotonic()
    sent = await box.steer("more")
    while not (await sent.task.get()).carrier:
        await asyncio.sleep(0.001)
    return (time.monotonic() - began) * 1000


async def stopping(place: Place) -> list[Figure]:
    """200 live sessions, each with a process that works: from the first stop to the last tree confirmed gone."""
    folder = place.fresh("stopping")
    async with taxiway.open(
        folder / FILE,
        slots=SESSIONS,
        project="",
        main_size=SESSIONS,
        agents={"fake": _agent(folder)},
        ask_grace_s=GRACE_S,
        term_grace_s=GRACE_S,
    ) as tw:
        boxes = [await tw.session(f"s{number}", agent="fake") for number in range(SESSIONS)]
        sent = [await box.send("stay") for box in boxes]
        await _all_work(tw)
        began = time.monotonic()
        await asyncio.gather(*(box.reset(discard=True) for box in boxes))
        for one in sent:
            await tw.wait(one.task.id, 120)
        while await tw.store.warm_processes():
            await asyncio.sleep(0.01)
        took = time.monotonic() - began
        left = await asyncio.to_thread(orphans, frozenset(), tag_prefix(folder / FILE))
    return [
        Figure(
            scenario="session-stop",
            name=f"reset of {SESSIONS} live sessions until every tree is confirmed gone ({len(left)} left over)",
            unit="s",
            measured=took if not left else None,
            goals=(at_most(GRACE_S + 5),),
        )
    ]


async def _all_work(tw: Taxiway) -> None:
    """Wait until every process runs its turn."""
    async with asyncio.timeout(300):
        while len(await tw.store.warm_processes()) < SESSIONS:
            await asyncio.sleep(0.1)
        await asyncio.sleep(3)


def _agent(folder: Path) -> AgentKind:
    script = folder / "script.yaml"
    script.write_text(SCRIPT, encoding="utf-8")
    return AgentKind(command=fake_agent_command(script), start_s=120.0)


def _figure(scenario: str, name: str, samples: list[float], goal: float) -> Figure:
    """The 95th of a hundred: single samples are the machine's."""
    return Figure(
        scenario=scenario,
        name=f"{name}, p95",
        unit="ms",
        measured=percentile(samples, 0.95),
        goals=(at_most(goal),),
        note=f"p50 {percentile(samples, 0.5):.1f}, max {max(samples):.1f}, {len(samples)} samples",
    )
