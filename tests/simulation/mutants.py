"""Planted bugs: each changes one thing at run time, and the simulator must find it.

A bug is a function that gets a ``Garden`` and plants itself there; when the garden is cleared all is as before.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from taxiway.core import retry
from taxiway.core.queue import QueueState
from taxiway.core.readiness import Gate
from taxiway.core.run import Cancelled, Failed, Lost, StopCause
from taxiway.core.task import Reason
from taxiway.engine import canceller, dispatcher, process_drive, timekeeper
from taxiway.engine.heart import Heart
from taxiway.engine.reaper import Reaper
from taxiway.engine.recorder import Recorder
from taxiway.store.protocol import Topic
from taxiway.store.verbs import cancel, ending, finish, gates, queues, runners, submit
from tests.simulation.garden import Garden, Mutant
from tests.simulation.session_mutants import SESSION_MUTANTS

FINAL = ("task_terminal_is_final", "run_ended_is_final")


def finish_without_fence(garden: Garden) -> None:
    """A late finish of a run that was declared lost is applied, over what others have made of its task since."""
    garden.without(*FINAL)
    found = finish.run_row
    garden.put(finish, "run_row", lambda tx, run: found(tx, run)._replace(live=1))


def terminal_overwritten(garden: Garden) -> None:
    """A cancel also moves a task that has ended, and the database does not object."""
    garden.without(*FINAL)
    honest = cancel.cancel_row

    def cancel_row(tx: Any, row: Any, reason: Reason, stop: StopCause, actor: str) -> None:
        if not row.open and row.state == "failed":
            version = tx.change("task", row.id, "cancelled", reason, actor, "cancel")
            tx.run("end_task", seq=row.seq, state="cancelled", reason=reason, attempt=row.attempt, crashes=row.crashes,
                   exit_code=None, signal=None, error=None, usage=None, now=tx.now, version=version)  # fmt: skip
            return
        honest(tx, row, reason, stop, actor)

    garden.put(cancel, "cancel_row", cancel_row)


def lane_limit_ignored(garden: Garden) -> None:
    """The claim looks at the queue's slots alone."""
    room = Gate.room

    def without_lane(gate: Gate) -> int | None:
        return room(msgspec.structs.replace(gate, lane_size=None))

    garden.put(Gate, "room", without_lane)


def queue_slots_ignored(garden: Garden) -> None:
    """The claim looks at the lane's size alone."""
    room = Gate.room

    def without_slots(gate: Gate) -> int | None:
        return room(msgspec.structs.replace(gate, queue_slots=None))

    garden.put(Gate, "room", without_slots)


def pause_ignored(garden: Garden) -> None:
    """Pausing a queue leaves its gates open, and the claim does not look at the queue's state."""
    move = ending.move_queue_row

    def leave_open(tx: Any, queue: int, state: QueueState, actor: str, cause: str) -> None:
        move(tx, queue, state, actor, cause)
        if state is QueueState.PAUSED:
            gates.open_gates(tx, queue, True)

    room = Gate.room
    for module in (ending, queues):
        garden.put(module, "move_queue_row", leave_open)
    garden.put(Gate, "room", lambda gate: room(msgspec.structs.replace(gate, queue_state=QueueState.RUNNING)))


def rescue_by_stale_snapshot(garden: Garden) -> None:
    """The reaper settles what it saw a look ago, and that write does not ask whether the run still lives."""
    garden.without(*FINAL)
    honest, settle = finish.finish, Reaper._settle

    def careless(tx: Any, run: str, fence: int, outcome: Any, chance: float) -> Any:
        if isinstance(outcome, Lost) and "runner died" in outcome.why:
            row = finish.run_row(tx, run)
            if not row.live:
                tx.run("requeue_task", seq=row.task_seq, state="queued", reason=None, ready=1, attempt=row.attempt,
                       crashes=row.crashes, due_at=None, error=None,
                       version=tx.change("task", row.task, "queued", None, run, "run lost"))  # fmt: skip
        return honest(tx, run, fence, outcome, chance)

    async def twice(reaper: Reaper, runner: Any, why: str) -> None:
        runs = await reaper._store.live_runs(runner.id)
        await settle(reaper, runner, why)
        for run in runs:
            await reaper._store.finish(run.run, run.fence, Lost(why), 0.5)

    garden.put(finish, "finish", careless)
    garden.put(Reaper, "_settle", twice)


def requeued_but_not_ready(garden: Garden) -> None:
    """A task that goes back to its queue is not put into its gate's order."""
    garden.edit("requeue_task", "ready = :ready", "ready = 0")


def no_safety_poll(garden: Garden) -> None:
    """The dispatcher trusts its hints."""
    garden.put(dispatcher, "SAFETY_POLL_S", 1e6)


def cancel_by_hint_alone(garden: Garden) -> None:
    """The canceller trusts its hints."""
    garden.put(canceller, "SAFETY_POLL_S", 1e6)


def page_forgotten(garden: Garden) -> None:
    """When a page of dependents is full, the rest is not written down."""
    honest = ending.settle_dependents

    def first_page(tx: Any, seq: int, *args: Any) -> None:
        honest(tx, seq, *args)
        tx._execute("DELETE FROM cascade WHERE kind = 'dependents'")

    garden.put(ending, "settle_dependents", first_page)


def cancel_frees_the_slot_at_once(garden: Garden) -> None:
    """A running task is cancelled in the store while its process still lives."""
    honest = cancel.cancel_row

    def cancel_row(tx: Any, row: Any, reason: Reason, stop: StopCause, actor: str) -> None:
        live = tx.one("live_run_of", task=row.seq)
        honest(tx, row, reason, stop, actor)
        if row.open and live is not None:
            name = tx._execute("SELECT name, fence FROM run WHERE id = ?", (live[0],)).fetchall()[0]
            finish.finish(tx, name[0], name[1], Cancelled(reason), 0.5)

    garden.put(cancel, "cancel_row", cancel_row)


def attempt_not_counted(garden: Garden) -> None:
    """A failed attempt that is tried again is free."""
    honest = retry.settle

    def settle(spec: Any, standing: Any, outcome: Any, chance: float) -> Any:
        after = honest(spec, standing, outcome, chance)
        if isinstance(outcome, Failed) and after.state == "scheduled":
            return retry.Next(after.state, after.reason, standing.attempt, after.crashes, after.delay_s, after.error)
        return after

    garden.put(finish, "settle", settle)


def crash_not_counted(garden: Garden) -> None:
    """A lost run is queued again for ever."""
    garden.put(retry, "CRASHES_MAX", 1_000)


def beat_never_fails(garden: Garden) -> None:
    """A runner that was declared dead never hears of it, and is given work as before."""
    honest = runners.beat
    garden.put(runners, "beat", lambda tx, runner: honest(tx, runner) or True)
    garden.edit("runner_row", "SELECT id, state", "SELECT id, 'live'")


def started_is_not_fenced(garden: Garden) -> None:
    """A run that is somebody else's by now starts its program all the same."""
    honest = finish.started

    def started(tx: Any, run: str, fence: int, mark: Any) -> Any:
        return honest(tx, run, fence, mark) if finish.run_row(tx, run).live else None

    garden.put(finish, "started", started)


def go_before_the_commit(garden: Garden) -> None:
    """The program starts first and is recorded then."""
    honest = process_drive.ProcessDrive._converse

    async def hasty(drive: Any, conversation: Any) -> Any:
        await conversation.send(process_drive.Go())
        return await honest(drive, conversation)

    garden.put(process_drive.ProcessDrive, "_converse", hasty)


def settled_without_confirming(garden: Garden) -> None:
    """The reaper gives a dead runner's work to others without looking whether its processes are gone."""

    async def all_of_them(reaper: Reaper, runner: Any, runs: Sequence[Any]) -> list[Any]:
        return list(runs)

    garden.put(Reaper, "_confirmed", all_of_them)


def batch_appended_twice(garden: Garden) -> None:
    """A repeated batch of events is taken for a new one."""
    honest = finish.owned
    garden.put(finish, "owned", lambda tx, run, fence: _forgetful(honest(tx, run, fence)))


def _forgetful(row: Any) -> Any:
    class Batch(int):
        """A number that no other comes after or before."""

        def __ge__(self, other: int) -> bool:
            return False

        def __ne__(self, other: object) -> bool:
            return False

        def __add__(self, other: int) -> "Batch":
            return self

    return row._replace(batch=Batch(row.batch))


def sleeps_past_what_is_due(garden: Garden) -> None:
    """The timekeeper does not hear of nearer times while it sleeps."""
    garden.put(timekeeper, "SLEEP_S_MAX", 1e6)
    garden.put(timekeeper.Timekeeper, "topics", Topic.NOTHING)


def queue_ends_too_early(garden: Garden) -> None:
    """A plan's queue ends with its last task but one."""

    def count_ended(tx: Any, queue: int, ended: int, actor: str) -> None:
        tx.run("count_open", queue=queue, more=-ended)
        row = tx.one("queue_open", queue=queue)
        if row[0] <= 1 and (row[2] == QueueState.STOPPING or (row[2] == QueueState.RUNNING and not row[1])):
            ending.end_queue(tx, queue, actor)

    garden.put(ending, "count_ended", count_ended)


def idempotency_key_ignored(garden: Garden) -> None:
    """A repeated submit makes a new task."""
    garden.put(submit, "_known_key", lambda tx, new: None)


def started_by_its_first_parent(garden: Garden) -> None:
    """A task with several parents does not wait for the last one."""
    garden.edit("count_down", "SET unmet = unmet - 1", "SET unmet = 0")


def sweep_ends_after_its_second_page(garden: Garden) -> None:
    """What a stop, a cancel of all or a fan-out has left is done for one more page only."""
    garden.edit("move_cascade", "SET after = :after", "SET after = 1000000 + 0 * :after")


def batch_lost_with_its_writer(garden: Garden) -> None:
    """A write of events that is cancelled on its way leaves its batch behind nowhere."""

    async def flush(recorder: Any) -> None:
        async with recorder._writing:
            while recorder._events:
                events, recorder._events, recorder._bytes = recorder._events, [], 0
                recorder._batch += 1
                await recorder._store.record(recorder._run, recorder._fence, recorder._batch, events)

    garden.put(Recorder, "flush", flush)


def guardians_hear_nothing(garden: Garden) -> None:
    """The heart renews the lease in the store and forgets the guardians, who then end what they keep."""

    async def step(heart: Any) -> float:
        await heart._store.beat(heart._runner)
        return float(heart._every_s)

    garden.put(Heart, "step", step)


MUTANTS: tuple[Mutant, ...] = (
    finish_without_fence,
    terminal_overwritten,
    lane_limit_ignored,
    queue_slots_ignored,
    pause_ignored,
    rescue_by_stale_snapshot,
    requeued_but_not_ready,
    no_safety_poll,
    cancel_by_hint_alone,
    page_forgotten,
    cancel_frees_the_slot_at_once,
    attempt_not_counted,
    crash_not_counted,
    beat_never_fails,
    started_is_not_fenced,
    go_before_the_commit,
    settled_without_confirming,
    batch_appended_twice,
    sleeps_past_what_is_due,
    queue_ends_too_early,
    idempotency_key_ignored,
    started_by_its_first_parent,
    sweep_ends_after_its_second_page,
    batch_lost_with_its_writer,
    guardians_hear_nothing,
    *SESSION_MUTANTS,
)
