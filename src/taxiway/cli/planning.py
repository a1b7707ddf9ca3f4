"""A plan on its way in: read, with the lanes that the store has, and announced when it has been admitted."""

from __future__ import annotations

from pathlib import Path

from taxiway.app import PlanAdmitted
from taxiway.cli.door import Door
from taxiway.cli.words import count
from taxiway.core.errors import Invalid
from taxiway.core.plan import Plan
from taxiway.planfile.reading import read_plan


def plan_of(door: Door, path: str, overrides: tuple[str, ...] = ()) -> Plan:
    """Read and check a plan. The store is asked for its lanes only when the plan names one that nobody else knows."""
    config = door.loaded.config
    lanes = frozenset(config.lanes) if door.url is None else frozenset()
    agent, mailbox = config.defaults.agent, config.mailbox.policy
    try:
        return read_plan(path, overrides=overrides, lanes=lanes, agent=agent, mailbox=mailbox)
    except Invalid:
        if not Path(path).is_file() or not door.has_store:
            raise
    known = {lane.name for lane in door.use(lambda tw: tw.lanes()) if lane.queue is None}
    return read_plan(path, overrides=overrides, lanes=lanes | known, agent=agent, mailbox=mailbox)


def announced(plan: Plan, admitted: PlanAdmitted) -> str:
    """What there is to do, and what goes on from before."""
    parts = [
        f"{number} {word}"
        for number, word in (
            (admitted.new, "new"),
            (admitted.kept, "done before"),
            (admitted.going_on, "going on"),
            (admitted.replaced, "tried again"),
        )
        if number
    ]
    return f"{plan.queue}: {count(len(plan.tasks), 'task')} ({', '.join(parts)})"
