"""Reading: tasks, runs, events and changes as records, in pages with complete cursors (I17)."""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.core.change import Change, ChangeKind, read_cause
from taxiway.core.errors import Gap, NotFound
from taxiway.core.event import Event, EventType
from taxiway.core.limits import CHANGES_PAGE_MAX, EVENTS_PAGE_MAX
from taxiway.core.policy import Box
from taxiway.core.run import ProcessMark, Run, RunState, StopCause
from taxiway.core.task import Reason, Task, TaskSpec, TaskState, Usage
from taxiway.store.tx import Row, Tx

SCAN_ROWS: Final = 500

_decode_spec = msgspec.json.Decoder(TaskSpec).decode
decode_mark = msgspec.json.Decoder(ProcessMark).decode
_decode_usage = msgspec.json.Decoder(Usage).decode
_decode = msgspec.json.decode


def task(tx: Tx, task_id: str) -> Task:
    """One task; raises ``NotFound``."""
    found = tx.one("task_state_by_id", tenant=tx.tenant, id=task_id)
    if found is None:
        raise NotFound(f"there is no task {task_id}", id=task_id)
    return task_at(tx, found[0])


def task_at(tx: Tx, seq: int) -> Task:
    """The task with this submission number, which is there."""
    row = tx.one("read_task", seq=seq)
    assert row is not None
    return _task_record(row)


def runs(tx: Tx, task_id: str) -> list[Run]:
    """Every run of a task, oldest first."""
    task(tx, task_id)
    return [_run_record(row) for row in tx.all("read_runs", tenant=tx.tenant, task=task_id)]


def run(tx: Tx, run_id: str) -> Run:
    """One run; raises ``NotFound``."""
    row = tx.one("read_run", tenant=tx.tenant, name=run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}", id=run_id)
    return _run_record(row)


def events(tx: Tx, run_id: str, after: int, limit: int) -> list[Event]:
    """Events of a run with numbers above ``after``, ascending; 1 to 500 of them."""
    found, _ = run_row_of(tx, run_id)
    size = max(1, min(limit, EVENTS_PAGE_MAX))
    return [event_record(run_id, row) for row in tx.all("read_events", run=found, after=max(0, after), limit=size)]


def run_row_of(tx: Tx, run_id: str) -> tuple[int, int]:
    """A run's row, and the number of its last event; raises ``NotFound``."""
    found = tx.one("run_rowid", tenant=tx.tenant, name=run_id)
    if found is None:
        raise NotFound(f"there is no run {run_id}", id=run_id)
    return found[0], found[1]


def changes(tx: Tx, after: int, limit: int) -> list[Change]:
    """Changes with versions above ``after``, in version order; 0 is no place in the log and asks for all that is kept.

    Raises ``Gap`` when one of them has been forgotten.
    """
    size = max(1, min(limit, CHANGES_PAGE_MAX))
    page = [
        Change(version, ChangeKind(kind), ref, state, reason, actor, *_caused(cause, at))
        for version, kind, ref, state, reason, actor, cause, at in tx.all(
            "read_changes", tenant=tx.tenant, after=after, limit=size
        )
    ]
    if after > 0 and page and page[0].version > after + 1:
        _check_gap(tx, after)
    return page


def _caused(stored: str, at: int) -> tuple[str, int, str | None]:
    """Cause, time and request, in the order of a change."""
    cause, request = read_cause(stored)
    return cause, at, request


def _check_gap(tx: Tx, after: int) -> None:
    """Say so when a change of the tenant behind a cursor has been forgotten; numbers between its own are others'
    (I21)."""
    row = tx.one("forgotten", tenant=tx.tenant)
    forgotten: int = row[0] if row is not None else 0
    if forgotten > after:
        oldest, newest = forgotten + 1, last_version(tx)
        raise Gap(
            f"changes {after + 1} to {forgotten} have been forgotten (by a prune); read what is there now, "
            f"then go on behind version {newest}",
            after=after,
            oldest=oldest,
            newest=newest,
        )


def last_version(tx: Tx) -> int:
    """The number of the tenant's newest change; 0 when it has none."""
    row = tx.one("newest_change", tenant=tx.tenant)
    return row[0] if row and row[0] is not None else 0


def _task_record(row: Row) -> Task:
    """A row of ``read_task`` as its record."""
    (seq, task_id, tenant, project, state, reason, attempt, fence, crashes, unmet) = row[:10]
    (created_at, due_at, expires_at, started_at, finished_at) = row[10:15]
    (exit_code, signal, error, usage, retry_of, superseded, version, spec, output, value, live) = row[15:26]
    (session, box, carrier, submitter) = row[26:]
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
        session=session,
        box=Box(box),
        carrier=carrier,
        retry_of=retry_of,
        submitted_by=submitter,
        superseded=bool(superseded),
        version=version,
    )


def _run_record(row: Row) -> Run:
    (name, task_id, runner, fence, attempt, state, stop, outcome, reason, error) = row[:10]
    (exit_code, signal, usage, event_count, process, claimed_at, started_at, ended_at, account) = row[10:]
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
        process=None if process is None else decode_mark(process),
        account=account,
        claimed_at=claimed_at,
        started_at=started_at,
        ended_at=ended_at,
    )


def event_record(run_id: str, row: Row) -> Event:
    """A row of one of the event statements as a record."""
    seq, kind, at, data, body = row
    decoded = {} if data is None else _decode(data)
    raw = b"" if body is None else bytes(body)
    if kind == EventType.OUTPUT:
        decoded["text"] = raw.decode("utf-8", "replace")
    return Event(run_id, seq, EventType(kind), at, decoded, raw)
