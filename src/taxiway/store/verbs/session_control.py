"""Control of a session: stop one, stop all, interrupt, reset. It never waits behind the queue or the quiet time.

What is stopped keeps the session's slot until it has really ended, so nothing ever runs beside it (SQ-27, SQ-33,
GD-06).
"""

from __future__ import annotations

from taxiway.core.change import ChangeKind
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.run import StopCause
from taxiway.core.session import Stopped
from taxiway.core.task import Reason
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import mailbox, sweeps
from taxiway.store.verbs.cancel import cancel_row
from taxiway.store.verbs.ending import task_row


def stop_one(tx: Tx, session: int, actor: str) -> str | None:
    """Ask that the oldest started run ends that nobody has asked yet; its task (SQ-40 to SQ-42)."""
    for task, _, _, stop, _, _ in tx.all("live_runs_of_session", session=session):
        if stop is None:
            row = task_row(tx, task)
            cancel_row(tx, row, Reason.REQUESTED, StopCause.CANCEL, actor)
            return row.id
    return None


def stop_all(tx: Tx, session: int, actor: str) -> Stopped:
    """Cancel what waits and stop what runs. What was submitted before and joins later is stale, by its number and not
    by a clock (SQ-43 to SQ-46, GD-17)."""
    until = _last_seq(tx)
    _reach(tx, session, until, until)
    return _stop(tx, session, until, "session_stop", StopCause.CANCEL, actor)


def interrupt(tx: Tx, session: int, seq: int, actor: str) -> tuple[str, ...]:
    """Make way for a message: cancel what waits, stop what runs (SQ-30 to SQ-33); the tasks that had to go, as far as
    the first page knows. One that joins late has messages behind it as well, and is in the midst of them: all of them
    go before it is placed, so that no page takes it along."""
    until = _last_seq(tx)
    _reach(tx, session, 0, until)
    found = tx.all("messages_of_session", session=session, after=0, until=until, limit=CASCADE_ROWS_MAX)
    gone = [task_row(tx, seq) for (seq,) in found]
    _stop(tx, session, until, "session_interrupt", StopCause.INTERRUPT, actor, whole=seq <= until)
    return tuple(row.id for row in gone if row.box)


def reset(tx: Tx, session: int, discard: bool, actor: str) -> Stopped:
    """A new generation: what runs is stopped, the conversation begins anew; what waits is kept unless ``discard``."""
    box = mailbox.load(tx, session)
    version = tx.change(ChangeKind.SESSION, box.name, "reset", None, actor, "reset")
    tx.run("new_generation", session=session, now=tx.now, version=version)
    mailbox.forget(tx, session)
    tx.note(Topic.SIGNAL)
    if discard:
        until = _last_seq(tx)
        _reach(tx, session, 0, until)
        return _stop(tx, session, until, "session_reset", StopCause.RESET, actor)
    running = _stop_running(tx, session, Reason.RESET, StopCause.RESET, actor)
    mailbox.pump(tx, session)  # a conversation without tokens is not throttled any more
    return Stopped(running, 0)


def _reach(tx: Tx, session: int, cutoff: int, purge: int) -> None:
    """From now on what joins up to ``cutoff`` is stale, and what waits up to ``purge`` is not admitted."""
    tx.run("set_cutoff", session=session, cutoff=cutoff, purge=purge)
    mailbox.forget(tx, session)


def _stop(tx: Tx, session: int, until: int, sweep: str, cause: StopCause, actor: str, whole: bool = False) -> Stopped:
    """What waits first, then what runs: nothing is admitted into a half-stopped session (OC-09)."""
    box = mailbox.load(tx, session)
    offered = tx.one("count_offered", session=session)
    waiting = box.waiting + (box.held - box.live) + (offered[0] if offered else 0)
    running = sum(run[3] is None for run in tx.all("live_runs_of_session", session=session))
    sweeps.begin(tx, sweep, session, actor, until, whole)
    _stop_running(tx, session, sweeps.SESSION_REASONS[sweep], cause, actor)
    return Stopped(running, waiting)


def _stop_running(tx: Tx, session: int, reason: Reason, cause: StopCause, actor: str) -> int:
    stopped = 0
    for task, _, _, stop, _, _ in tx.all("live_runs_of_session", session=session):
        if stop is None:
            cancel_row(tx, task_row(tx, task), reason, cause, actor)
            stopped += 1
    return stopped


def _last_seq(tx: Tx) -> int:
    row = tx.one("last_seq")
    return row[0] if row and row[0] is not None else 0
