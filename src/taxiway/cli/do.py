"""``taxiway do``: one command, now, its output passed through as it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import click

from taxiway.app import Taxiway
from taxiway.cli.asking import Asking, asking
from taxiway.cli.door import Door, pass_door
from taxiway.cli.given import folder_of, standard_input
from taxiway.cli.interrupts import Interrupts
from taxiway.cli.options import Duration, pairs
from taxiway.cli.output import answer_json, note, unwritable
from taxiway.cli.speech import Speech
from taxiway.cli.streams import Streams
from taxiway.cli.task import status_of
from taxiway.cli.taskwords import ONE_COMMAND_QUEUES, end_word
from taxiway.cli.verb import ArgvVerb
from taxiway.clock import Ids, system_chance
from taxiway.core.errors import Invalid, Problem
from taxiway.core.event import EventType
from taxiway.core.ids import short_id
from taxiway.core.plan import Plan
from taxiway.core.policy import Box
from taxiway.core.readiness import Scope
from taxiway.core.specs import checked_spec
from taxiway.core.task import Task, TaskSpec, TaskState
from taxiway.planfile.project import project_of
from taxiway.wire.documents import task_document

INTERRUPTED_STATUS: Final = 130
LANE: Final = "now"
PTY: Final = "pty"  #: raw bytes of a screen; what is said there comes as messages
QUEUE_CHARS: Final = 12  #: of chance in its queue's name


@click.command(cls=ArgvVerb)
@click.option("--cwd", help="Where to run. [default: here]")
@click.option("--env", multiple=True, metavar="K=V", help="A variable.")
@click.option("--stdin", help="Text (UTF-8) for standard input, which is empty otherwise; - reads ours.")
@click.option("--timeout", type=Duration(), help="The total clock of the run.")
@click.option("--idle-timeout", type=Duration(), help="How long it may say nothing.")
@pass_door
def do(
    door: Door,
    argv: tuple[str, ...],
    cwd: str | None,
    env: tuple[str, ...],
    stdin: str | None,
    timeout: float | None,
    idle_timeout: float | None,
) -> int:
    """Run one command here and now; exit status 1 when it failed. Ctrl-C cancels it."""
    if not argv:
        raise click.UsageError("write the command behind --: taxiway do -- ls -l")
    asked = {
        "command": list(argv),
        "env": pairs(env, "--env"),
        "stdin": standard_input(stdin),
        "timeout": timeout,
        "idle_timeout": idle_timeout,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    spec = checked_spec(given | {"cwd": folder_of(cwd), "lane": LANE})
    return asyncio.run(run_once(door, plan_of_one(door, spec, "do")))


def plan_of_one(door: Door, spec: TaskSpec, name: str) -> Plan:
    """A queue of its own, with a lane of its own: nobody else takes the task, and it waits for nobody."""
    folder = Path(spec.cwd or ".")
    queue = ONE_COMMAND_QUEUES + Ids(door.clock, system_chance()).new("do")[-QUEUE_CHARS:]
    fields = {**{name: getattr(spec, name) for name in spec.__struct_fields__}, "name": name, "queue": queue}
    return Plan(queue=queue, project=project_of(folder), source=name, tasks=(TaskSpec(**fields),), lanes={LANE: 1})


async def run_once(door: Door, plan: Plan) -> int:
    """Run the plan's one task to its end here, and pass on what it writes and says; the exit status."""
    async with door.open_here(1, Scope(queues=frozenset({(plan.project, plan.queue)})), plan.project) as tw:
        await _check_able(tw, plan.tasks[0])
        with Interrupts() as interrupts:
            admitted = await tw.run_plan(plan)
            [task] = admitted.ids.values()
            await _say_what_it_waits_for(tw, task)
            async with asyncio.TaskGroup() as group:
                cancelling = group.create_task(_cancel_when_told(tw, task, interrupts), name="cancel")
                with asking(tw, door.wants_json, group) as asked:
                    unwritten = await _pass_through(tw, task, asked, door.wants_json)
                ended: Task = await tw.wait(task)
                cancelling.cancel()
    if unwritten is not None:
        raise unwritten
    return _told(door, ended, interrupts.first.is_set())


async def _pass_through(tw: Taxiway, task: str, asked: Asking, wants_json: bool) -> Exception | None:
    """Write what it writes. Where that cannot be read any more it is cancelled, as SIGPIPE would end it in a shell,
    and why is the answer: whatever is raised here would send it back to its queue, where nobody waits for it."""
    streams = Streams()
    speech = Speech(streams)
    try:
        async for event in tw.events(task):
            if wants_json:
                continue
            if event.type is EventType.MESSAGE:
                speech.show(event)
            elif event.type in (EventType.APPROVAL_REQUESTED, EventType.APPROVAL_DECIDED):
                speech.end()
                streams.flush()
                asked.hear(event)
            elif event.type is EventType.OUTPUT and event.data.get("stream") != PTY:
                streams.write(str(event.data.get("stream")), event.body)
        speech.end()
        streams.flush()
    except OSError as error:
        await tw.cancel(task)
        return unwritable(error)
    return None


async def _check_able(tw: Taxiway, spec: TaskSpec) -> None:
    """Nobody else takes it, so what it needs must be here."""
    needs = {need for one in await tw.store.runners() if one.id == tw.runner for need in one.scope.needs or ()}
    if spec.agent is not None and spec.needs not in needs:
        raise Invalid(f"the program of agent '{spec.agent}' is not here", [Problem("is not here", "agent")])


async def _say_what_it_waits_for(tw: Taxiway, task: str) -> None:
    """A session may be busy with work of somebody else's."""
    found = await tw.task(task)
    if found.spec.session is not None and found.box in (Box.WAITING, Box.MERGED):
        note(f"session {found.spec.session} is busy: it waits for its turn")


async def _cancel_when_told(tw: Taxiway, task: str, interrupts: Interrupts) -> None:
    """Ctrl-C once: ask it to end. Twice: kill it."""
    await interrupts.first.wait()
    await tw.cancel(task)
    await interrupts.second.wait()
    if tw.crew is not None:
        tw.crew.kill()


def _told(door: Door, ended: Task, interrupted: bool) -> int:
    if door.wants_json:
        answer_json(task_document(ended))
    elif ended.state is not TaskState.COMPLETED:
        note(f"taxiway: {end_word(ended)}; more: taxiway task show {short_id(ended.id)}")
    return INTERRUPTED_STATUS if interrupted and ended.state is TaskState.CANCELLED else status_of([ended])
