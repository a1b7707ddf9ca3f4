"""``taxiway task``: look at tasks, wait for them, cancel, retry and forget them."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from taxiway.app import TaskFilter, TaskPage
from taxiway.cli.causes import causes
from taxiway.cli.door import Door, pass_door
from taxiway.cli.logs import logs
from taxiway.cli.options import Duration, keep_queue, named_here, page_options, pairs, task_argument, task_arguments
from taxiway.cli.output import answer, answer_json, coloured, note, page_document, table
from taxiway.cli.safe import safe_line
from taxiway.cli.taskdiff import apply, diff
from taxiway.cli.taskturn import interrupt, steer
from taxiway.cli.taskwords import (
    attempt_now,
    end_word,
    label_with_id,
    run_span,
    state_word,
    task_label,
    took,
    tries_word,
    work_word,
)
from taxiway.cli.verb import Noun
from taxiway.cli.words import ago, count, day_and_time, span
from taxiway.client.verbs import Verbs
from taxiway.core.errors import Conflict
from taxiway.core.ids import short_id
from taxiway.core.limits import LIST_COUNT_MAX
from taxiway.core.readiness import Obstacle
from taxiway.core.run import Run
from taxiway.core.safe import safe
from taxiway.core.task import Task, TaskState
from taxiway.wire.documents import obstacle_document, run_document, task_document

FAILED_STATUS = 1
QUESTIONS_COUNTED = 100
TIMED_OUT_STATUS = 124  # as timeout(1) has it: neither done nor failed


@click.group(cls=Noun)
def task() -> None:
    """Tasks: pieces of work that somebody asked for."""


task.add_command(logs)
task.add_command(diff)
task.add_command(apply)
task.add_command(steer)
task.add_command(interrupt)


@task.command("list")
@click.option("--queue", help="Only of this queue.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([str(state) for state in TaskState]),
    help="Only in this state.",
)
@click.option("--lane", help="Only in this lane.")
@click.option("--session", help="Only of this session: its key, or an id.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="Only with this label.")
@click.option("--all", "superseded", is_flag=True, help="Also what newer tasks replaced.")
@page_options
@pass_door
def list_tasks(
    door: Door,
    /,
    states: tuple[str, ...],
    labels: tuple[str, ...],
    session: str | None,
    limit: int,
    cursor: str | None,
    **given: Any,
) -> None:
    """What has not ended, in the order of its priority, then what has, the newest first."""
    asked = TaskFilter(
        states=frozenset(TaskState(state) for state in states),
        labels=tuple(pairs(labels, "--label").items()),
        open_first=True,
        **given,
    )

    async def work(tw: Verbs) -> tuple[TaskPage, int, int]:
        found = None if session is None else (await tw.session_verbs.get(session)).id
        wanted = msgspec.structs.replace(asked, session=found)
        page = await tw.tasks(wanted, limit, cursor)
        open_questions = len((await tw.approvals(limit=QUESTIONS_COUNTED)).items)
        return page, 0 if page.cursor is None else await tw.count_tasks(wanted), open_questions

    page, total, needed = door.use(work)
    if door.wants_json:
        answer_json(page_document([task_document(one) for one in page.items], page.cursor))
        return
    if needed:
        more = " or more" if needed == QUESTIONS_COUNTED else ""
        note(f"somebody is needed: {count(needed, 'open question')}{more}; taxiway approval list")
    if not page.items:
        note("no task is like that" if cursor is None else "there are no more")
        return
    now = door.clock.now_ms()
    rows = [
        [
            short_id(one.id),
            state_word(one),
            one.spec.queue,
            one.spec.lane,
            tries_word(one),
            span((now - one.created_at) / 1_000),
            task_label(one),
        ]
        for one in page.items
    ]
    answer(table(("ID", "STATE", "QUEUE", "LANE", "TRY", "AGE", "TASK"), rows))
    if page.cursor is not None:
        known = str(total) if total < LIST_COUNT_MAX else f"{LIST_COUNT_MAX} or more"
        note(f"{len(page.items)} of {known} tasks; more with --limit N, or go on with --cursor {page.cursor}")


@task.command()
@task_argument
@pass_door
def show(door: Door, ref: str) -> None:
    """One task with all its attempts."""

    async def work(tw: Verbs) -> tuple[Task, list[Run]]:
        found = await tw.task(ref)
        return found, await tw.runs(found.id)

    found, runs = door.use(work)
    if door.wants_json:
        answer_json(task_document(found) | {"runs": [run_document(run) for run in runs]})
        return
    _show_task(found, runs, door.clock.now_ms())
    if runs:
        rows = [
            [
                short_id(run.id),
                str(run.attempt),
                run.outcome or run.state,
                run.reason or "",
                run_span(run),
                run.error or "",
            ]
            for run in runs
        ]
        answer("\n" + table(("RUN", "TRY", "OUTCOME", "REASON", "TOOK", "ERROR"), rows))


@task.command()
@task_arguments
@click.option("--timeout", type=Duration(), help="Give up after this long (exit status 124).")
@pass_door
def wait(door: Door, refs: tuple[str, ...], timeout: float | None) -> int:
    """Wait until tasks have ended; exit status 1 when one of them did not complete."""

    async def work(tw: Verbs) -> list[Task]:
        return [await tw.wait(ref, timeout) for ref in refs]

    try:
        ended = door.use(work)
    except TimeoutError:
        note(f"not ended after {span(timeout or 0)}")
        return TIMED_OUT_STATUS
    show_ended(door, ended)
    return status_of(ended)


@task.command()
@click.argument("refs", metavar="[TASK...]", nargs=-1, callback=named_here)
@click.option("--all", "everything", is_flag=True, help="Everything that has not ended.")
@click.option(
    "--queue",
    is_eager=True,
    callback=keep_queue,
    help="Everything of this queue that has not ended; beside TASK, the queue in which it is a name.",
)
@pass_door
def cancel(door: Door, refs: tuple[str, ...], everything: bool, queue: str | None) -> int:
    """Ask that tasks end; says what really became of them."""
    if sum((bool(refs), everything, queue is not None and not refs)) != 1:
        raise click.UsageError("name tasks, or give --all, or --queue NAME")
    if not refs:
        cancelled: int = door.use(lambda tw: tw.cancel_all(queue))
        if door.wants_json:
            answer_json({"cancelled": cancelled})
        else:
            answer(f"{count(cancelled, 'task')} asked to end")
        return 0

    async def work(tw: Verbs) -> list[tuple[Task, Task]]:
        return [(await tw.task(ref), await tw.cancel(ref)) for ref in refs]

    pairs_found = door.use(work)
    if door.wants_json:
        answer_json(page_document(task_document(after) for _, after in pairs_found))
    for before, after in pairs_found:
        if not door.wants_json:
            answer(f"{short_id(after.id)} {_cancelled_word(before, after)}")
    too_late = [before for before, after in pairs_found if before.ended and after.state is not TaskState.CANCELLED]
    if too_late:
        raise Conflict(
            f"{short_id(too_late[0].id)} had ended before ({end_word(too_late[0])}); what has ended is final"
        )
    return 0


@task.command()
@task_argument
@pass_door
def retry(door: Door, ref: str) -> None:
    """Try a failed or cancelled task again, with everything that fell with it."""

    async def work(tw: Verbs) -> list[Task]:
        return [await handle.get() for handle in await tw.retry(ref)]

    made = door.use(work)
    if door.wants_json:
        answer_json(page_document(task_document(one) for one in made))
        return
    for one in made:
        answer(
            f"{short_id(one.id)} {coloured(state_word(one))} {task_label(one)}"
            f" (in place of {short_id(one.retry_of or '')})"
        )


@task.command()
@task_arguments
@pass_door
def remove(door: Door, refs: tuple[str, ...]) -> None:
    """Forget tasks that do not run, with their logs."""

    async def work(tw: Verbs) -> list[str]:
        gone = []
        for ref in refs:
            found = await tw.task(ref)
            if not await tw.remove(found.id):
                raise Conflict(f"task {short_id(found.id)} is running; cancel it first", id=found.id)
            gone.append(found.id)
        return gone

    gone = door.use(work)
    if door.wants_json:
        answer_json({"removed": gone})
    else:
        answer("\n".join(f"{short_id(one)} removed" for one in gone))


@task.command()
@task_argument
@pass_door
def explain(door: Door, ref: str) -> None:
    """Every condition that keeps a task from running, who holds it and since when."""

    async def work(tw: Verbs) -> tuple[Task, list[Obstacle], dict[str, Task], list[Task]]:
        found = await tw.task(ref)
        obstacles = await tw.explain(found.id)
        names = {one for obstacle in obstacles for one in obstacle.holders if one.startswith("task_")}
        return found, obstacles, {one: await tw.task(one) for one in sorted(names)}, await causes(tw, found)

    found, obstacles, holders, roots = door.use(work)
    if door.wants_json:
        answer_json(
            {"id": found.id, "state": found.state, "reason": found.reason, "error": found.error}
            | {"obstacles": [obstacle_document(one) for one in obstacles], "causes": [one.id for one in roots]}
        )
        return
    answer(f"{short_id(found.id)} {task_label(found)} is {coloured(state_word(found))}")
    if found.error and not roots:
        answer(f"  {safe_line(found.error)}")
    for root in roots:
        answer(f"  because {label_with_id(root)} is {coloured(state_word(root))}{_error_words(root)}")
    if not obstacles:
        answer("  nothing keeps it from running: the next claim takes it")
    now = door.clock.now_ms()
    for obstacle in obstacles:
        _show_obstacle(obstacle, holders, now)


def _show_obstacle(obstacle: Obstacle, holders: dict[str, Task], now: int) -> None:
    when = f", since {day_and_time(obstacle.since)} ({ago(obstacle.since, now)})" if obstacle.since else ""
    if obstacle.until:
        when += f", until {day_and_time(obstacle.until)} (in {span((obstacle.until - now) / 1_000)})"
    answer(f"  - {obstacle.kind}: {safe_line(obstacle.text)}{when}")
    for name in obstacle.holders:
        holder = holders.get(name)
        if holder is None:
            answer(f"      held by {safe_line(name)}")
            continue
        since = f", since {day_and_time(holder.started_at)}" if holder.started_at else ""
        answer(f"      held by {short_id(name)} {task_label(holder)}, {state_word(holder)}{since}")


def show_ended(door: Door, ended: list[Task]) -> None:
    """What became of tasks that were waited for: one document, a list of them, or a line each."""
    if door.wants_json:
        documents = [task_document(one) for one in ended]
        answer_json(documents[0] if len(documents) == 1 else page_document(documents))
        return
    for one in ended:
        answer(f"{short_id(one.id)} {task_label(one)} {coloured(state_word(one))}{_error_words(one)}")


def status_of(ended: list[Task]) -> int:
    """0 when all completed, else 1."""
    return 0 if all(one.state is TaskState.COMPLETED for one in ended) else FAILED_STATUS


def _error_words(found: Task) -> str:
    return f": {safe_line(found.error)}" if found.error else ""


def _cancelled_word(before: Task, after: Task) -> str:
    if before.ended:
        return f"had ended before: {end_word(before)}"
    if after.ended:
        return f"is {coloured(state_word(after))}"
    return "is being stopped"


def _show_task(found: Task, runs: list[Run], now: int) -> None:
    spec = found.spec
    lines = [
        ("task", found.id),
        ("name", spec.name),
        ("state", coloured(state_word(found)) + _error_words(found)),
        (spec.kind, work_word(spec)),
        ("queue", f"{spec.queue}, lane {spec.lane}, priority {spec.priority}"),
        ("session", spec.session),
        ("carrier", found.carrier),
        ("project", found.project),
        ("cwd", spec.cwd),
        ("workspace", spec.workspace and str(spec.workspace.kind)),
        ("after", ", ".join(f"{edge.task} ({edge.on})" for edge in spec.after)),
        (
            "attempts",
            f"{attempt_now(found.attempt, found.state)} of {found.max_attempts}"
            + (f", {found.crashes} crashes" if found.crashes else ""),
        ),
        ("labels", ", ".join(f"{key}={value}" for key, value in spec.labels.items())),
        ("created", f"{day_and_time(found.created_at)} ({ago(found.created_at, now)})"),
        ("starts", day_and_time(found.due_at) if found.due_at and not found.ended else None),
        ("expires", day_and_time(found.expires_at) if found.expires_at and not found.ended else None),
        ("started", day_and_time(found.started_at) if found.started_at else None),
        ("ended", day_and_time(found.finished_at) if found.finished_at else None),
        ("took", f"{span(took(runs))} in {count(len(runs), 'run')}" if runs and found.ended else None),
        ("retry of", found.retry_of),
        ("asked by", found.submitted_by),
    ]
    for name, value in lines:
        if value:
            answer(f"{name:<9} {value if name == 'state' else safe_line(value)}")
    if found.output:
        answer("\n" + safe(found.output).rstrip("\n"))
