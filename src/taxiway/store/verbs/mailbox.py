"""The mailbox of a session: what waits, what is admitted, and when. Nothing here ends a task.

A session is *held* for a message from the moment that it is admitted (ready, backing off or running) until it ends.
One message at a time is admitted and not yet running, so that messages start in their order even where several may run
at once (SQ-03, SQ-91). A claim sees admitted messages only, as ready tasks like any others.
"""

from __future__ import annotations

from taxiway.core.mailbox import Mailbox, longest_wait_ms, quiet_at
from taxiway.core.policy import Box
from taxiway.store.tx import Row, Topic, Tx
from taxiway.store.verbs import gates


def load(tx: Tx, session: int) -> Mailbox:
    """A mailbox as it is now. Remembered: who writes its row otherwise must ``forget`` it."""
    known = tx.known.mailboxes.get(session)
    if known is None:
        row = tx.one("mailbox", session=session)
        assert row is not None
        known = tx.known.mailboxes[session] = Mailbox(*row)
    return known


def forget(tx: Tx, session: int) -> None:
    """The session's row has been written elsewhere."""
    tx.known.mailboxes.pop(session, None)


def count(tx: Tx, session: int, *, waiting: int = 0, capped: int = 0, held: int = 0, live: int = 0) -> None:
    """Messages came, moved on, or left."""
    tx.run("count_box", session=session, waiting=waiting, capped=capped, held=held, live=live)
    box = tx.known.mailboxes.get(session)
    if box is not None:
        tx.known.mailboxes[session] = box._replace(
            waiting=box.waiting + waiting, capped=box.capped + capped, held=box.held + held, live=box.live + live
        )


def pump(tx: Tx, session: int) -> None:
    """Admit the first waiting message if there is room and it has been quiet for long enough.

    What a sweep is about to take is not admitted; the sweep's own steps come by here again (OC-09).
    """
    box = load(tx, session)
    if not box.room or not box.waiting:
        return
    head = tx.one("mailbox_head", session=session)
    if head is None or head[0] <= box.purge:
        return
    at = _quiet_until(tx, box, head[4])
    if at is not None:
        be_quiet_until(tx, session, at)
    else:
        _admit(tx, box, head)


def admit_head(tx: Tx, session: int) -> bool:
    """Admit the first waiting message whatever the quiet time says, if there is room (SQ-26)."""
    box = load(tx, session)
    head = tx.one("mailbox_head", session=session) if box.room else None
    if head is None or head[0] <= box.purge:
        return False
    _admit(tx, box, head)
    return True


def be_quiet_until(tx: Tx, session: int, at: int | None) -> None:
    """Store when the first waiting message may be admitted."""
    tx.run("set_quiet", session=session, at=at)
    forget(tx, session)
    if at is not None:
        tx.note(Topic.TIME)


def wake(tx: Tx, session: int) -> None:
    """The quiet time is over: the first waiting message goes, now or as soon as there is room."""
    be_quiet_until(tx, session, None)
    admit_head(tx, session)


def left(tx: Tx, session: int, seq: int, box: int, capped: int) -> None:
    """A message has left the mailbox for good, from where it stood: what comes after it moves up."""
    match box:
        case Box.WAITING:
            count(tx, session, waiting=-1, capped=-capped)
            _hand_over(tx, session, seq)
        case Box.MERGED:
            count(tx, session, waiting=-1, capped=-capped)
        case Box.ADMITTED:
            count(tx, session, held=-1)
            _hand_over(tx, session, seq)
        case _:
            return
    pump(tx, session)


def put_back(tx: Tx, session: int, seq: int, capped: bool) -> None:
    """A message that was offered to a turn waits after all, in its old place (OC-02)."""
    tx.run("put_in_box", seq=seq, box=Box.WAITING, ready=0, capped=int(capped), carrier=None, kin=None, now=tx.now)
    count(tx, session, waiting=1, capped=int(capped))
    pump(tx, session)


def take_along(tx: Tx, session: int, seq: int) -> None:
    """A turn begins: what was merged into its message rides with it from now on (OC-09)."""
    if not load(tx, session).waiting:
        return
    merged = tx.one("merged_with", seq=seq)
    assert merged is not None
    if merged[0]:
        tx.run("ride", seq=seq)
        count(tx, session, waiting=-merged[0], capped=-merged[1])


def _quiet_until(tx: Tx, box: Mailbox, joined_at: int) -> int | None:
    """Until when it must stay quiet; ``None``: the first message may start now (SQ-24, decision 8)."""
    if box.quiet_at is not None:
        return box.quiet_at if box.quiet_at > tx.now else None
    if tx.now - joined_at >= box.debounce_ms:
        return None
    last = tx.one("mailbox_tail", session=box.id)
    assert last is not None
    at = quiet_at(last[3], joined_at, box.debounce_ms, longest_wait_ms(box.policy))
    return at if at is not None and at > tx.now else None


def _admit(tx: Tx, box: Mailbox, head: Row) -> None:
    seq, gate, urgency, position, _, capped = head
    tx.run("admit_message", seq=seq)
    count(tx, box.id, waiting=-1, capped=-capped, held=1)
    if box.quiet_at is not None:
        be_quiet_until(tx, box.id, None)
    gates.note_ready(tx, gate, urgency, position, seq)


def _hand_over(tx: Tx, session: int, seq: int) -> None:
    """The message that others were merged into is gone: the next of them takes its place, unless a sweep takes them."""
    box = load(tx, session)
    heir = tx.one("first_merged", seq=seq) if box.waiting and seq > box.purge else None
    if heir is not None:
        tx.run("succeed", seq=seq, heir=heir[0])
