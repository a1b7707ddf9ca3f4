"""``taxiway plan``: a plan file checked, described and drawn, without running anything."""

from __future__ import annotations

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.output import answer, answer_json
from taxiway.cli.planning import plan_of
from taxiway.cli.verb import Noun
from taxiway.cli.words import count
from taxiway.core.plangraph import plan_graph
from taxiway.core.planschema import plan_schema
from taxiway.wire.documents import spec_document


@click.group(cls=Noun)
def plan() -> None:
    """Plan files: tasks with dependencies."""


@plan.command()
@click.argument("file")
@click.option("--set", "overrides", multiple=True, metavar="K=V", help="Lay a value over the plan.")
@pass_door
def check(door: Door, file: str, overrides: tuple[str, ...]) -> None:
    """Say whether a plan could run, with every problem in it; nothing is stored."""
    found = plan_of(door, file, overrides)
    if door.wants_json:
        tasks = [spec_document(spec) for spec in found.tasks]
        answer_json(
            {"queue": found.queue, "project": found.project, "slots": found.slots, "lanes": found.lanes, "tasks": tasks}
        )
        return
    edges = sum(len(spec.after) for spec in found.tasks)
    answer(
        f"{file} can run: {count(len(found.tasks), 'task')}, {count(edges, 'dependency', 'dependencies')}, "
        f"queue {found.queue}"
    )


@plan.command()
def schema() -> None:
    """The JSON Schema of plan files, for editors."""
    answer_json(plan_schema())


@plan.command()
@click.argument("file")
@pass_door
def graph(door: Door, file: str) -> None:
    """A plan as a Mermaid flowchart."""
    drawn = plan_graph(plan_of(door, file))
    if door.wants_json:
        answer_json({"mermaid": drawn})
    else:
        answer(drawn.rstrip("\n"))
