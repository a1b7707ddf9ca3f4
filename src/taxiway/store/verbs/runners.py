"""Runners: who is there, who is alive, and what they hold."""

from __future__ import annotations

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Exists, NotFound
from taxiway.core.readiness import Scope
from taxiway.core.run import ProcessMark, StopCause
from taxiway.core.tenant import DEFAULT_TENANT
from taxiway.store.protocol import LiveRun, Runner, StopRequest
from taxiway.store.tx import Row, Topic, Tx

_encode = msgspec.json.Encoder().encode
_decode_scope = msgspec.json.Decoder(Scope).decode
_decode_mark = msgspec.json.Decoder(ProcessMark).decode


def register(tx: Tx, runner: Runner) -> None:
    """Write down a new runner; one that is known to the same key is there already."""
    tx.tenant = DEFAULT_TENANT  # it executes for all of them, and is nobody's of theirs
    known = tx.one("runner_by_name", runner=runner.id)
    if known is not None:
        if runner.token is None or _runner(known).token != runner.token:
            raise Exists(f"there is a runner {runner.id} already", id=runner.id)
        return
    version = tx.change(ChangeKind.RUNNER, runner.id, "live", None, runner.id, "start")
    tx.run(
        "insert_runner",
        name=runner.id,
        tenant=tx.tenant,
        host=runner.host,
        boot_id=runner.boot_id,
        pid=runner.pid,
        slots=runner.slots,
        scope=_encode(runner.scope).decode(),
        now=tx.now,
        version=version,
        token=runner.token,
    )


def beat(tx: Tx, runner: str) -> bool:
    """Renew a runner's lease; ``False`` when it was declared dead meanwhile."""
    return tx.one("beat_runner", name=runner, now=tx.now) is not None


def declare_lost(tx: Tx, runner: str, beat: int) -> bool:
    """Take a runner's lease, if it has not beaten since beat number ``beat``; whether it is lost now.

    Who judges a silence may stand still between looking and writing: what it writes holds for what it saw (I2, I20).
    """
    row = tx.one("runner_row", name=runner)
    if row is None or row[1] == "gone":
        return False
    if row[1] != "lost":
        if row[2] != beat:
            return False
        _move(tx, runner, "lost", "silence", "reaper")
    return True


def lose_all_of(tx: Tx, token: str, actor: str) -> None:
    """The runners of a key that is revoked lose their leases; whoever looks after runners settles what they have."""
    for (runner,) in tx.all("live_runners_of_token", token=token):
        _move(tx, runner, "lost", "revoked", actor)
        tx.note(Topic.STOP)  # it may hear of it at once


def named(tx: Tx, runner: str) -> Runner:
    """One runner."""
    row = tx.one("runner_by_name", runner=runner)
    if row is None:
        raise NotFound(f"there is no runner {runner}", id=runner)
    return _runner(row)


def runner_of(tx: Tx, run: str) -> str:
    """Whose run it is."""
    row = tx.one("runner_of_run", run=run)
    if row is None:
        raise NotFound(f"there is no run {run}", id=run)
    name: str = row[0]
    return name


def may_take(row: Row | None) -> bool:
    """Whether a runner, by its row, may claim runs and open processes: it is known, and has its lease."""
    return row is not None and row[1] in ("live", "draining")


def retire(tx: Tx, runner: str, state: str, actor: str) -> bool:
    """A runner drains, or is gone; whether it is so. Who is gone stays gone, and none is while a run of it is live or a
    process of it is kept.

    A runner that is about to be declared dead may claim at the last moment, and nobody looks after those who are gone.
    """
    row = tx.one("runner_row", name=runner)
    known = "gone" if row is None else row[1]
    if known in ("gone", state):
        return bool(known == state)
    if known == "lost" and state == "draining":
        return False
    if state == "gone" and (
        tx.all("live_runs_of_runner", runner=runner) or tx.all("warm_processes_of_runner", runner=runner)
    ):
        return False
    _move(tx, runner, state, "retire", actor)
    return True


def _move(tx: Tx, runner: str, state: str, cause: str, actor: str) -> None:
    tx.tenant = DEFAULT_TENANT
    version = tx.change(ChangeKind.RUNNER, runner, state, None, actor, cause)
    tx.run("set_runner_state", name=runner, state=state, version=version)


def runners(tx: Tx) -> list[Runner]:
    """Every runner that is not gone."""
    return [_runner(row) for row in tx.all("all_runners")]


def live_runs(tx: Tx, runner: str | None) -> list[LiveRun]:
    """Runs that have not ended, of one runner or of all."""
    rows = tx.all("live_runs") if runner is None else tx.all("live_runs_of_runner", runner=runner)
    return [_live_run(row) for row in rows]


def stop_requests(tx: Tx, runner: str) -> list[StopRequest]:
    """Live runs of a runner that somebody wants ended."""
    return [StopRequest(run, fence, StopCause(stop)) for run, fence, stop in tx.all("stop_requests", runner=runner)]


def _live_run(row: Row) -> LiveRun:
    run, task, runner, fence, process = row
    return LiveRun(run, task, runner, fence, None if process is None else _decode_mark(process))


def _runner(row: Row) -> Runner:
    name, host, boot_id, pid, slots, scope, state, beats, started_at, seen_at, _, token = row
    return Runner(
        id=name,
        host=host,
        boot_id=boot_id,
        pid=pid,
        slots=slots,
        scope=_decode_scope(scope),
        state=state,
        beat=beats,
        started_at=started_at,
        seen_at=seen_at,
        token=token,
    )
