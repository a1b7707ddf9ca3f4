"""``taxiway run``: a plan run to its end here, with a live view; run again it goes on where it stopped."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Final

import click

from taxiway.app import REGISTRY, Taxiway
from taxiway.cli.door import Door, pass_door
from taxiway.cli.following import Following
from taxiway.cli.interrupts import Interrupts, stopping_words
from taxiway.cli.jobmodules import load_jobs
from taxiway.cli.output import answer, answer_json, note
from taxiway.cli.plain import PlainView
from taxiway.cli.planning import announced, plan_of
from taxiway.cli.summary import exit_status, summary
from taxiway.cli.verb import Verb
from taxiway.cli.view import LiveView, live_view
from taxiway.cli.words import listed
from taxiway.core.errors import Conflict
from taxiway.core.plan import Plan
from taxiway.core.queue import Queue
from taxiway.core.readiness import Scope
from taxiway.core.task import Task
from taxiway.wire.documents import queue_document, task_document

INTERRUPTED_STATUS: Final = 130


@click.command(cls=Verb)
@click.argument("plan", metavar="PLAN")
@click.option("--slots", type=click.IntRange(1), help="Runs at once. [default: the plan's, then the configuration's]")
@click.option(
    "--set", "overrides", multiple=True, metavar="K=V", help="Lay a value over the plan: tasks.lint.timeout=5m"
)
@click.option("--fresh", is_flag=True, help="Run everything anew, also what has completed.")
@click.option("--jobs", multiple=True, metavar="MODULE", help="Import this module for its @taxiway.job functions.")
@pass_door
def run(
    door: Door, plan: str, slots: int | None, overrides: tuple[str, ...], fresh: bool, jobs: tuple[str, ...]
) -> int:
    """Run a plan to its end here; run again, it goes on where it stopped.

    Ctrl-C once: what runs is asked to stop and goes back to its queue, to go on later. Twice: it is killed at once.
    """
    load_jobs(jobs)
    found = plan_of(door, plan, overrides)
    running = PlanRun(door, found, slots or found.slots or door.loaded.config.runner.slots)
    return asyncio.run(running.go(fresh))


class PlanRun:
    """One ``taxiway run``."""

    def __init__(self, door: Door, plan: Plan, slots: int) -> None:
        self._door = door
        self._plan = plan
        self._slots = slots
        self._began = door.clock.elapsed_s()
        self._say = note if door.wants_json else answer

    async def go(self, fresh: bool) -> int:
        """Admit, follow, sum up; the exit status."""
        plan = self._plan
        scope = Scope(queues=frozenset({(plan.project, plan.queue)}))
        async with self._door.open_here(self._slots, scope, plan.project, plan_first=True) as tw:
            with Interrupts() as interrupts:
                admitted = await tw.run_plan(plan, fresh)
                self._say(announced(plan, admitted))
                self._note_unknown_jobs()
                following = Following(tw, plan.queue, plan.project)
                ended = await self._follow(tw, following, interrupts)
                if ended is None:
                    return await self._stopped(following)
                return await self._summed_up(following, ended)

    def _note_unknown_jobs(self) -> None:
        """Say which jobs nobody here can do, or one would wait for them without knowing why."""
        unknown = sorted({spec.job for spec in self._plan.tasks if spec.job is not None} - REGISTRY.keys())
        if unknown:
            note(f"no job here is called {listed(unknown)}; name the module that registers it with --jobs MODULE")

    async def _follow(self, tw: Taxiway, following: Following, interrupts: Interrupts) -> Queue | None:
        """Show what happens until the queue has ended, or ``None`` when it was stopped before."""
        async with self._view(tw, following) as view, asyncio.TaskGroup() as group:
            watching = group.create_task(following.to_the_end(view), name="watch")
            stopping = group.create_task(self._stop_when_told(tw, interrupts, view.say), name="stop")
            await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                stopping.cancel()
                return watching.result()
            watching.cancel()
        return None

    def _view(self, tw: Taxiway, following: Following) -> AbstractAsyncContextManager[LiveView | PlainView]:
        if self._door.wants_json or not sys.stdout.isatty():
            return nullcontext(PlainView(self._say))
        return live_view(tw, following, self._door.clock, self._slots)

    async def _stop_when_told(self, tw: Taxiway, interrupts: Interrupts, say: Callable[[str], None]) -> None:
        """Ctrl-C once: start nothing, pause the queue for everybody, ask what runs to stop. Twice: kill it."""
        await interrupts.first.wait()
        crew = tw.crew
        assert crew is not None
        say(stopping_words(crew.working))
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(_drained(tw, self._plan), name="drain")
            second = group.create_task(interrupts.second.wait(), name="second")
            await asyncio.wait((draining, second), return_when=asyncio.FIRST_COMPLETED)
            if not draining.done():
                say("killing what is left")
                crew.kill()
                await draining
            second.cancel()

    async def _stopped(self, following: Following) -> int:
        queue = await following.queue()
        again = f"taxiway run {self._plan.source}"
        self._say(f"stopped; {queue.open} of {len(self._plan.tasks)} tasks are left. To go on: {again}")
        if self._door.wants_json:
            answer_json({"queue": queue_document(queue), "exit_status": INTERRUPTED_STATUS})
        return INTERRUPTED_STATUS

    async def _summed_up(self, following: Following, queue: Queue) -> int:
        tasks: list[Task] = [task async for task in following.tasks()]
        status = exit_status(queue)
        if self._door.wants_json:
            documents = [task_document(task) for task in tasks]
            answer_json({"queue": queue_document(queue), "exit_status": status, "items": documents})
        else:
            answer("\n" + await summary(following.tw, tasks, queue, self._door.clock.elapsed_s() - self._began))
        return status


async def _drained(tw: Taxiway, plan: Plan) -> None:
    """Pause the queue, so that nobody else starts anything of it either, and wait until nothing runs here."""
    assert tw.crew is not None
    with suppress(Conflict):  # it has ended, or is paused already
        await tw.move_queue(plan.queue, "pause")
    await tw.crew.drain()
