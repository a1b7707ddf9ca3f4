"""A message arrives at its session: admitted, waiting, merged, offered to the running turn, or refused.

Room for it is made before it is placed, so nothing that is refused has changed anything (SQ-01 to SQ-33).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import MailboxFull
from taxiway.core.event import EventType, NewEvent
from taxiway.core.limits import CASCADE_ROWS_MAX
from taxiway.core.mailbox import Mailbox, changed, kinship, longest_wait_ms, one_line, quiet_at
from taxiway.core.policy import Box, Drop, MailboxPolicy, Mode
from taxiway.core.session import Disposition, Signal
from taxiway.core.task import Reason, TaskSpec
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import mailbox
from taxiway.store.verbs.ending import TaskRow, cancel_waiting, make_ready, task_row
from taxiway.store.verbs.events import tell
from taxiway.store.verbs.session_control import interrupt

STALE_ERROR: Final = "it was submitted before its session was stopped"
DROPPED_ERROR: Final = "the mailbox of its session was full"

_decode_spec = msgspec.json.Decoder(TaskSpec).decode


class Arrival(NamedTuple):
    """A message that joins its session now. ``exempt``: the cap neither counts nor evicts it (a plan's task)."""

    seq: int
    id: str
    spec: TaskSpec
    exempt: bool


class Place(NamedTuple):
    """Where a message was put, and what is known of it now. ``free``: the first of those that wait may go."""

    box: Box
    disposition: Disposition
    capped: bool = False
    free: bool = False
    carrier: int | None = None
    carrier_id: str | None = None
    kin: bytes | None = None
    position: int | None = None
    offered: str | None = None
    dropped: tuple[str, ...] = ()


def arrive(tx: Tx, session: int, arrival: Arrival, actor: str) -> Place:
    """Make room for a message and find its place; the caller writes it into the task. Raises ``MailboxFull``."""
    box = mailbox.load(tx, session)
    policy = changed(box.policy, arrival.spec.mailbox)
    dropped: tuple[str, ...] = ()
    if policy.mode is Mode.INTERRUPT:
        dropped = interrupt(tx, session, arrival.seq, actor)
        box = mailbox.load(tx, session)
    elif policy.mode is Mode.STEER and arrival.spec.prompt and (run := _steerable_run(tx, session)) is not None:
        _offer(tx, run, arrival, actor)
        return Place(Box.STEERING, Disposition.STEERING, offered=run[1], capped=False)
    elif not arrival.exempt and _counted(tx, box) >= policy.cap:
        dropped = _make_room(tx, box, policy, actor)
        box = mailbox.load(tx, session)
    return _place(tx, box, policy, arrival)._replace(dropped=dropped)


def arrive_late(tx: Tx, row: TaskRow, actor: str) -> bool:
    """A task whose delay is over, or whose dependencies are met, joins its session. ``False`` while a sweep passes: it
    would be taken for one that was there before."""
    stored = tx.one("spec_of", task=row.seq)
    assert stored is not None
    assert row.session is not None
    box = mailbox.load(tx, row.session)
    if row.seq <= box.cutoff:
        cancel_waiting(tx, row.seq, Reason.STALE, STALE_ERROR, actor, "stale")
        return True
    if row.seq <= box.purge:
        return False
    exempt = bool(tx.one("queue_is_planned", queue=row.queue))
    try:
        place = arrive(tx, row.session, Arrival(row.seq, row.id, _decode_spec(stored[0]), exempt), actor)
    except MailboxFull:
        cancel_waiting(tx, row.seq, Reason.DROPPED, DROPPED_ERROR, actor, "dropped")
        return True
    version = tx.change(ChangeKind.TASK, row.id, "queued", None, actor, f"{row.reason} is over")
    tx.run("join_box", seq=row.seq, version=version)
    tx.run(
        "put_in_box",
        seq=row.seq,
        box=place.box,
        ready=int(place.box is Box.ADMITTED),
        capped=int(place.capped),
        carrier=place.carrier,
        kin=place.kin,
        now=tx.now,
    )
    if place.box is Box.ADMITTED:
        make_ready(tx, row)
    elif place.free:
        mailbox.pump(tx, row.session)
    return True


def _place(tx: Tx, box: Mailbox, policy: MailboxPolicy, arrival: Arrival) -> Place:
    capped = not arrival.exempt
    kin = kinship(arrival.spec) if policy.mode is Mode.COLLECT else None
    free = box.room and box.purge == 0
    if free:
        first = tx.one("mailbox_head", session=box.id) if box.waiting else None
        debounce_ms = int(policy.debounce_s * 1000)
        at = quiet_at(tx.now, tx.now if first is None else first[4], debounce_ms, longest_wait_ms(policy))
        if at is None and not box.waiting:
            mailbox.count(tx, box.id, held=1)
            return Place(Box.ADMITTED, Disposition.READY, kin=kin)
        mailbox.be_quiet_until(tx, box.id, tx.now if at is None else at)
    mailbox.count(tx, box.id, waiting=1, capped=int(capped))
    position = box.waiting + 1
    tail = tx.one("mailbox_tail", session=box.id) if kin is not None and box.waiting else None
    if tail is not None and tail[2] == kin and box.purge < tail[0] < arrival.seq:
        return Place(Box.MERGED, Disposition.MERGED, capped, free, tail[0], tail[1], kin, position)
    return Place(Box.WAITING, Disposition.WAITING, capped, free, kin=kin, position=position)


def _make_room(tx: Tx, box: Mailbox, policy: MailboxPolicy, actor: str) -> tuple[str, ...]:
    """A full mailbox: while a slot is free nothing is dropped (SQ-26); else the policy decides (SQ-09, SQ-10)."""
    if mailbox.admit_head(tx, box.id):
        box = mailbox.load(tx, box.id)
    counted = _counted(tx, box)
    if counted < policy.cap:
        return ()
    excess = counted - policy.cap + 1
    if policy.drop is Drop.NEW or excess > CASCADE_ROWS_MAX:
        raise MailboxFull(
            f"session '{box.key}' holds {counted} of {policy.cap} waiting messages (drop: {policy.drop}); "
            "send it later, stop what is not needed, or raise the cap with 'taxiway session set'",
            session=box.name,
        )
    dropped = []
    for (seq,) in tx.all("mailbox_victims", session=box.id, after=box.purge, limit=excess):
        victim = task_row(tx, seq)
        if policy.drop is Drop.SUMMARIZE:
            _leave_a_line(tx, box, policy, seq)
        cancel_waiting(tx, seq, Reason.DROPPED, DROPPED_ERROR, actor, "dropped")
        dropped.append(victim.id)
    return tuple(dropped)


def _counted(tx: Tx, box: Mailbox) -> int:
    """What the cap counts; what a sweep is about to take is in nobody's way (OC-06)."""
    if not box.purge:
        return box.capped
    row = tx.one("count_capped", session=box.id, after=box.purge)
    return row[0] if row else 0


def _leave_a_line(tx: Tx, box: Mailbox, policy: MailboxPolicy, seq: int) -> None:
    stored = tx.one("spec_of", task=seq)
    assert stored is not None
    prompt = _decode_spec(stored[0]).prompt
    if prompt is not None:  # who gets no words in the end, reads none
        tx.run("insert_dropped", session=box.id, seq=seq, line=one_line(prompt))
        tx.run("trim_dropped", session=box.id, cap=policy.cap)


def _steerable_run(tx: Tx, session: int) -> tuple[int, str] | None:
    for _, run, steerable, stop, name, _ in tx.all("live_runs_of_session", session=session):
        if steerable and stop is None:
            return run, name
    return None


def _offer(tx: Tx, run: tuple[int, str], arrival: Arrival, actor: str) -> None:
    """Offer a message to a live turn: the answer comes as an event, and it waits in its place until then (OC-01)."""
    signal = tx.new_id("sig")
    brings = {"task": arrival.seq, "text": None}
    tx.run("insert_signal", name=signal, run=run[0], kind=Signal.STEER, actor=actor, now=tx.now, **brings)
    facts = {"signal": signal, "kind": "steer", "task": arrival.id, "actor": actor}
    tell(tx, run[0], NewEvent(EventType.SIGNAL_RECEIVED, tx.now, facts))
    tx.note(Topic.SIGNAL)
