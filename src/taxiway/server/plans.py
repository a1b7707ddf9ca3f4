"""Plans: tasks with dependencies, admitted whole or not at all."""

from __future__ import annotations

import asyncio
from http import HTTPMethod
from pathlib import Path
from typing import Any, Final

import msgspec

from taxiway.core.plan import Plan
from taxiway.core.token import TokenScope
from taxiway.planfile.drafting import House
from taxiway.planfile.reading import plan_of
from taxiway.server.endpoint import Call, Endpoint, Reply, object_in, object_of, ref

_WHOLE: Final = {"type": "integer"}
ADMITTED: Final = object_of(
    queue={"type": "string"},
    project={"type": "string"},
    ids={"type": "object", "additionalProperties": {"type": "string"}},
    new=_WHOLE,
    kept=_WHOLE,
    going_on=_WHOLE,
    replaced=_WHOLE,
)


class PlanQuery(msgspec.Struct, frozen=True):
    """``queue`` names the plan where it does not do so itself; its relative folders are meant from ``folder``, on the
    server's machine, and ``source`` is where it was read; ``fresh``: also what has completed is run again."""

    queue: str = "plan"
    folder: str | None = None
    source: str | None = None
    fresh: bool = False


async def submit(call: Call) -> Reply:
    """Run a plan, or run it again; what of it has completed is kept. The body is the plan file, as JSON."""
    asked: PlanQuery = call.query
    plan = await _read(call, asked)
    admitted: dict[str, Any] = msgspec.to_builtins(await call.tw.run_plan(plan, asked.fresh))
    return Reply(admitted, 201 if admitted["new"] or admitted["replaced"] else 200)


async def _read(call: Call, asked: PlanQuery) -> Plan:
    """The plan, checked whole against the lanes that there are."""
    lanes = frozenset(lane.name for lane in await call.tw.lanes() if lane.queue is None)
    prompting = call.tw.intake.prompting
    house = House(lanes, prompting.agent, prompting.mailbox)
    folder = await asyncio.to_thread(Path(asked.folder or "").absolute)
    plan = await asyncio.to_thread(plan_of, object_in(call.body, "a plan"), asked.queue, folder, house)
    return plan if asked.source is None else msgspec.structs.replace(plan, source=asked.source)


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.POST,
        path="/plans",
        scope=TokenScope.OPERATOR,
        handler=submit,
        summary="Run a plan",
        query=PlanQuery,
        body=ref("Plan"),
        answer=ADMITTED,
        status=201,
        also=(200,),
        large=True,
    ),
)
