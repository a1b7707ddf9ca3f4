"""``taxiway queue``: ordered sets of tasks that can be started, paused, resumed, stopped and reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.lane import size_word
from taxiway.cli.options import Amount
from taxiway.cli.output import answer, answer_json, coloured, page_document, table
from taxiway.cli.taskwords import ONE_COMMAND_QUEUES
from taxiway.cli.verb import Noun
from taxiway.cli.words import count
from taxiway.client.verbs import Verbs
from taxiway.core.errors import Conflict, NotFound
from taxiway.core.queue import QUEUE_ENDED, Queue, QueueStats
from taxiway.wire.documents import queue_document, stats_document

MOVES: Final = {
    "start": "Start a queue that is idle.",
    "pause": "Start nothing new in a queue; what runs goes on to its end.",
    "resume": "Go on with a paused queue.",
    "stop": "Cancel what waits, let what runs go on to its end, and take nothing new.",
    "reset": "Make a queue that has ended idle again; its tasks are cleared away.",
}


@click.group(cls=Noun)
def queue() -> None:
    """Queues: ordered sets of tasks."""


@queue.command("list")
@click.option("--all", "every", is_flag=True, help="Also the ended queues that `taxiway do` made.")
@pass_door
def list_queues(door: Door, every: bool) -> None:
    """Every queue, its state and how much of it is open."""
    found = [one for one in door.use(lambda tw: tw.queues()) if every or not _is_spent(one)]
    if door.wants_json:
        answer_json(page_document(queue_document(one) for one in found))
        return
    rows = [[one.name, one.state, str(one.open), size_word(one.slots), one.project or "(any)"] for one in found]
    answer(table(("QUEUE", "STATE", "OPEN", "SLOTS", "PROJECT"), rows))


@queue.command()
@click.argument("name")
@pass_door
def show(door: Door, name: str) -> None:
    """One queue."""
    _show(door, door.use(lambda tw: tw.queue(name)))


@queue.command()
@click.argument("name")
@pass_door
def stats(door: Door, name: str) -> None:
    """How many tasks of a queue are in which state and lane."""

    async def count_tasks(tw: Verbs) -> QueueStats:
        await tw.queue(name)  # a slip of the pen is told, and not counted as nothing
        return await tw.queue_stats(name)

    found = door.use(count_tasks)
    if door.wants_json:
        answer_json(stats_document(found))
        return
    answer(f"queue {found.queue}: {coloured(str(found.state))}, {count(found.total, 'task')}, {found.live} running")
    for heading, counts in (("STATE", found.by_state), ("REASON", found.by_reason), ("LANE", found.by_lane)):
        if counts:
            answer("\n" + table((heading, "TASKS"), [[name, str(number)] for name, number in sorted(counts.items())]))


@queue.command("set")
@click.argument("name")
@click.option("--slots", type=Amount(), metavar="N|unlimited", help="How many of its runs go at once.")
@click.option("--on-limit", type=click.Choice(["wait", "fail"]), help="When a provider's limit ends a turn.")
@pass_door
def set_queue(door: Door, name: str, slots: int | None, on_limit: str | None) -> None:
    """Resize a queue, or make a standing one: raising starts more at once, lowering ends nothing."""
    if slots is None and on_limit is None:
        raise click.UsageError("say what to set: --slots or --on-limit")

    async def work(tw: Verbs) -> Queue:
        if slots is not None:
            try:
                await tw.set_queue(name, slots or None)
            except NotFound:
                await tw.make_queue(name, slots or None)
        if on_limit is not None:
            await tw.set_on_limit(on_limit, queue=name)
        return await tw.queue(name)

    _show(door, door.use(work))


def _moving(verb: str, text: str) -> click.Command:
    @click.argument("name")
    @pass_door
    def move(door: Door, name: str) -> None:
        _show(door, door.use(lambda tw: _moved(tw, name, verb)))

    named: Callable[..., None] = move
    return queue.command(verb, help=text)(named)


async def _moved(tw: Verbs, name: str, verb: str) -> Queue:
    """Move a queue; starting one that there is not makes a standing queue, which runs from the beginning."""
    try:
        return await tw.move_queue(name, verb)
    except NotFound:
        if verb == "start" and not await _is_near_a_known_one(tw, name):
            return await tw.make_queue(name)
        raise


async def _is_near_a_known_one(tw: Verbs, name: str) -> bool:
    """Whether the name looks like a slip: a queue of nearly that name is there."""
    try:
        await tw.queue(name)
    except NotFound as error:
        return error.details.get("nearest") is not None
    except Conflict:
        return True
    return True


for _verb, _text in MOVES.items():
    _moving(_verb, _text)


def _show(door: Door, found: Queue) -> None:
    if door.wants_json:
        answer_json(queue_document(found))
        return
    limits = "" if found.on_limit is None else f", on limit {found.on_limit}"
    answer(f"queue {found.name}: {coloured(found.state)}, {found.open} open, slots {size_word(found.slots)}{limits}")
    if found.plan:
        answer(f"plan {found.plan}")


def _is_spent(found: Queue) -> bool:
    return found.name.startswith(ONE_COMMAND_QUEUES) and found.state in QUEUE_ENDED
