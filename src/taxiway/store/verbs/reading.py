"""Reading: tasks, runs, events and changes as records, in pages with complete cursors (I17)."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from taxiway.core.change import Change, ChangeKind
from taxiway.core.errors import Invalid, NotFound
from taxiway.core.event import Event, EventType
from taxiway.core.limits import CHANGES_PAGE_MAX, EVENTS_PAGE_MAX, LIST_PAGE_MAX
from taxiway.core.run import ProcessMark, Run, RunState, StopCause
from taxiway.core.task import Reason, Task, TaskSpec, TaskState, Usage
from taxiway.store.protocol import TaskFilter, TaskPage
from taxiway.store.tx import Row, Tx

SCAN_ROWS: Final = 500

_decode_spec = msgspec.json.Decoder(TaskSpec).decode
_decode_mark = msgspec.json.Decoder(ProcessMark).decode
_decode_usage = msgspec.json.Decoder(Usage).decode
_decode = msgspec.json.decode


def task(tx: Tx, task_id: str) -> Task:
    """One task; raises ``NotFound``."""
    row = tx.one("read_task", id=task_id)
    if row is None:
        raise NotFound(f"there is no task {task_id}", id=task_id)
    return task_record(row)


def tasks(tx: Tx, wanted: TaskFilter, limit: int, cursor: str | None) -> TaskPage:
    """A page of tasks in the order priority, position, submission; tasks that newer ones replaced are left out.

    What matched throughout and kept its place appears exactly once over all pages.
    """
    size = max(1, min(limit, LIST_PAGE_MAX))
    after = _parse_cursor(cursor)
    streams = [_stream(tx, statement, after, where) for statement, where in _sources(tx, wanted)]
    merged = heapq.merge(*streams, key=lambda row: (row[0], row[1], row[2]))
    matching = (row for row in merged if _matches(tx, wanted, row))
    page = list(islice(matching, size + 1))
    items = [task_record(read) for row in page[:size] if (read := tx.one("read_task_by_seq", seq=row[2])) is not None]
    last = page[size - 1] if len(page) > size else None
    return TaskPage(items, None if last is None else f"{last[0]}.{last[1]}.{last[2]}")


def _sources(tx: Tx, wanted: TaskFilter) -> list[tuple[str, dict[str, object]]]:
    if wanted.queue is None:
        return [("scan_tasks", {"tenant": tx.tenant})]
    rows = tx.all("queues_named", tenant=tx.tenant, name=wanted.queue)
    queues = [row[0] for row in rows if wanted.project is None or row[3] in (wanted.project, "")]
    if not queues:
        raise NotFound(f"there is no queue '{wanted.queue}'", queue=wanted.queue)
    terminal = {TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED}
    halves = [
        half
        for half, states in ((1, set(TaskState) - terminal), (0, terminal))
        if not wanted.states or wanted.states & states
    ]
    return [("scan_queue", {"queue": queue, "open": half}) for queue in queues for half in halves]


def _stream(tx: Tx, statement: str, after: tuple[int, int, int], where: dict[str, object]) -> Iterator[Row]:
    urgency, position, seq = after
    while True:
        rows = tx.all(statement, urgency=urgency, position=position, seq=seq, limit=SCAN_ROWS, **where)
        yield from rows
        if len(rows) < SCAN_ROWS:
            return
        urgency, position, seq = rows[-1][:3]


def _matches(tx: Tx, wanted: TaskFilter, row: Row) -> bool:
    _, _, seq, state, lane, superseded = row
    if superseded and not wanted.superseded:
        return False
    if wanted.states and TaskState(state) not in wanted.states:
        return False
    if wanted.lane is not None and lane != wanted.lane:
        return False
    return all(tx.one("has_label", key=key, value=value, task=seq) for key, value in wanted.labels)


def _parse_cursor(cursor: str | None) -> tuple[int, int, int]:
    if cursor is None:
        return (-(1 << 62), -(1 << 62), 0)
    try:
        urgency, position, seq = (int(part) for part in cursor.split("."))
    except ValueError:
        raise Invalid(f"'{cursor}' is no cursor of a task list; leave it out to start at the beginning") from None
    return (urgency, position, seq)


def runs(tx: Tx, task_id: str) -> list[Run]:
    """Every run of a task, oldest first."""
    task(tx, task_id)
    return [_run_record(row) for row in tx.all("read_runs", task=task_id)]


def run(tx: Tx, run_id: str) -> Run:
    """One run; raises ``NotFound``."""
    row = tx.one("read_run", name=run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}", id=run_id)
    return _run_record(row)


def events(tx: Tx, run_id: str, after: int, limit: int) -> list[Event]:
    """Events of a run with numbers above ``after``, ascending; 1 to 500 of them."""
    found = tx.one("run_rowid", name=run_id)
    if found is None:
        raise NotFound(f"there is no run {run_id}", id=run_id)
    size = max(1, min(limit, EVENTS_PAGE_MAX))
    return [_event_record(run_id, row) for row in tx.all("read_events", run=found[0], after=max(0, after), limit=size)]


def changes(tx: Tx, after: int, limit: int) -> list[Change]:
    """Changes with versions above ``after``, in version order."""
    size = max(1, min(limit, CHANGES_PAGE_MAX))
    return [
        Change(version, ChangeKind(kind), ref, state, reason, actor, cause, at)
        for version, kind, ref, state, reason, actor, cause, at in tx.all(
            "read_changes", tenant=tx.tenant, after=after, limit=size
        )
    ]


def last_version(tx: Tx) -> int:
    """The number of the newest change; 0 in an empty store."""
    row = tx.one("last_version")
    return row[0] if row and row[0] is not None else 0


def task_record(row: Row) -> Task:
    """A row of ``read_task`` as its record."""
    (seq, task_id, tenant, project, state, reason, attempt, fence, crashes, unmet) = row[:10]
    (created_at, due_at, expires_at, started_at, finished_at) = row[10:15]
    (exit_code, signal, error, usage, retry_of, superseded, version, spec, output, value, live) = row[15:]
    return Task(
        id=task_id,
        seq=seq,
        tenant=tenant,
        project=project,
        spec=_decode_spec(spec),
        state=TaskState(state),
        reason=Reason(reason) if reason else None,
        attempt=attempt,
        fence=fence,
        crashes=crashes,
        unmet=unmet,
        error=error,
        output=output,
        result=None if value is None else _decode(value),
        exit_code=exit_code,
        signal=signal,
        usage=Usage() if usage is None else _decode_usage(usage),
        created_at=created_at,
        due_at=due_at,
        expires_at=expires_at,
        started_at=started_at,
        finished_at=finished_at,
        run=live,
        retry_of=retry_of,
        superseded=bool(superseded),
        version=version,
    )


def _run_record(row: Row) -> Run:
    (name, task_id, runner, fence, attempt, state, stop, outcome, reason, error) = row[:10]
    (exit_code, signal, usage, event_count, process, claimed_at, started_at, ended_at) = row[10:]
    return Run(
        id=name,
        task=task_id,
        runner=runner,
        fence=fence,
        attempt=attempt,
        state=RunState(state),
        stop=StopCause(stop) if stop else None,
        outcome=outcome,
        reason=reason,
        error=error,
        exit_code=exit_code,
        signal=signal,
        usage=Usage() if usage is None else _decode_usage(usage),
        events=event_count,
        process=None if process is None else _decode_mark(process),
        claimed_at=claimed_at,
        started_at=started_at,
        ended_at=ended_at,
    )


def _event_record(run_id: str, row: Row) -> Event:
    seq, kind, at, data, body = row
    decoded = {} if data is None else _decode(data)
    raw = b"" if body is None else bytes(body)
    if kind == EventType.OUTPUT:
        decoded["text"] = raw.decode("utf-8", "replace")
    return Event(run_id, seq, EventType(kind), at, decoded, raw)
