"""``taxiway lane``: named limits on how many runs go at once."""

from __future__ import annotations

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.options import Amount
from taxiway.cli.output import answer, answer_json, note, page_document, table
from taxiway.cli.taskwords import ONE_COMMAND_QUEUES
from taxiway.cli.verb import Noun
from taxiway.core.lane import Lane
from taxiway.core.limits import COUNTED_TASKS_MAX
from taxiway.wire.documents import lane_document


@click.group(cls=Noun)
def lane() -> None:
    """Lanes: how many runs go at once."""


@lane.command("list")
@pass_door
def list_lanes(door: Door) -> None:
    """Every lane, its size, and what runs and waits in it."""
    found = [one for one in door.use(lambda tw: tw.lanes()) if not (one.queue or "").startswith(ONE_COMMAND_QUEUES)]
    if door.wants_json:
        answer_json(page_document(lane_document(one) for one in found))
    else:
        rows = [
            [
                one.name,
                one.queue or "(store)",
                "stopped" if one.stopped else size_word(one.size),
                str(one.live),
                ready_word(one.ready),
            ]
            for one in found
        ]
        answer(table(("LANE", "OF", "SIZE", "RUNNING", "READY"), rows))


@lane.command("set")
@click.argument("name")
@click.argument("size", type=Amount(), metavar="N|unlimited")
@click.option("--queue", help="The plan's queue that owns the lane. [default: the whole store]")
@pass_door
def set_lane(door: Door, name: str, size: int, queue: str | None) -> None:
    """Make a lane, or change its size: raising starts more at once, lowering ends nothing."""
    made: Lane = door.use(lambda tw: tw.set_lane(name, size or None, queue))
    configured = door.loaded.config.lanes
    if door.url is None and queue is None and name in configured and configured[name] != made.size:
        origin = door.loaded.origins[f"lanes.{name}"]
        note(f"note: {origin} makes lane '{name}' {size_word(configured[name])} again whenever the store is opened")
    if door.wants_json:
        answer_json(lane_document(made))
    else:
        answer(f"lane {made.name}: {size_word(made.size)}")


@lane.command("stop")
@click.argument("name")
@click.option("--queue", help="The plan's queue that owns the lane. [default: the whole store]")
@pass_door
def stop_lane(door: Door, name: str, queue: str | None) -> None:
    """Refuse new work in a lane and cancel what waits in it; what runs goes on to its end."""
    _move(door, name, "stop", queue)


@lane.command("start")
@click.argument("name")
@click.option("--queue", help="The plan's queue that owns the lane. [default: the whole store]")
@pass_door
def start_lane(door: Door, name: str, queue: str | None) -> None:
    """Take work in a stopped lane again."""
    _move(door, name, "start", queue)


def _move(door: Door, name: str, verb: str, queue: str | None) -> None:
    moved: Lane = door.use(lambda tw: tw.move_lane(name, verb, queue))
    if door.wants_json:
        answer_json(lane_document(moved))
    else:
        answer(f"lane {moved.name}: {room_word(moved)}")


def ready_word(ready: int) -> str:
    """How many tasks are ready; they are counted up to a bound."""
    return f"{ready:,}+" if ready >= COUNTED_TASKS_MAX else str(ready)


def room_word(lane: Lane) -> str:
    """How many may run in a lane."""
    return "stopped" if lane.stopped else size_word(lane.size)


def size_word(size: int | None) -> str:
    """A size, or that there is none."""
    return "unlimited" if size is None else str(size)
