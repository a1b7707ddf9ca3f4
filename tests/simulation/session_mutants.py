"""Planted bugs of sessions: what is forgotten, let through, counted wrongly or put into the wrong place."""

from typing import Any

from taxiway.core.errors import MailboxFull
from taxiway.core.mailbox import Mailbox
from taxiway.core.policy import Box
from taxiway.core.run import Cancelled, StopCause
from taxiway.core.session import SignalState
from taxiway.core.task import Reason
from taxiway.store.verbs import arriving, cancel, ending, finish, mailbox, session_control, sessions, signals
from taxiway.store.verbs.ending import cancel_waiting
from tests.simulation.garden import Garden, Mutant


def nobody_moves_up_after_an_end(garden: Garden) -> None:
    """When a turn has ended, the next message is not admitted."""
    honest = mailbox.left

    def left(tx: Any, session: int, seq: int, box: int, capped: int) -> None:
        if box == Box.ADMITTED:
            mailbox.count(tx, session, held=-1)
        else:
            honest(tx, session, seq, box, capped)

    garden.put(mailbox, "left", left)


def nobody_moves_up_after_a_cancel(garden: Garden) -> None:
    """When an admitted message is cancelled before it starts, the next one is not admitted."""
    pump = mailbox.pump

    def without_pump(*args: Any) -> None:
        mailbox.pump = lambda tx, session: None  # type: ignore[assignment]
        try:
            cancel_waiting(*args)
        finally:
            mailbox.pump = pump  # type: ignore[assignment]

    garden.put(cancel, "cancel_waiting", without_pump)


def a_higher_limit_starts_nothing(garden: Garden) -> None:
    """What fits by a new policy waits for the next event."""
    garden.put(sessions, "fit", lambda tx, session: None)


def a_lower_limit_is_for_those_who_come(garden: Garden) -> None:
    """Who was admitted before the limit fell, or the window filled, starts all the same."""
    garden.put(sessions, "fit", mailbox.pump)


def interrupt_frees_the_slot_at_once(garden: Garden) -> None:
    """What is interrupted has ended for the store while its process still unwinds."""
    honest = session_control.cancel_row

    def cancel_row(tx: Any, row: Any, reason: Reason, stop: StopCause, actor: str) -> None:
        live = tx.one("live_run_of", task=row.seq)
        honest(tx, row, reason, stop, actor)
        if row.open and live is not None and stop is StopCause.INTERRUPT:
            [(run, fence)] = tx._execute("SELECT name, fence FROM run WHERE id = ?", (live[0],)).fetchall()
            finish.finish(tx, run, fence, Cancelled(reason), 0.5)

    garden.put(session_control, "cancel_row", cancel_row)


def cutoff_not_compared(garden: Garden) -> None:
    """What was submitted before a stop of all, and joins after it, runs."""
    garden.edit("set_cutoff", "max(cutoff, :cutoff)", "0 * :cutoff")


def stop_of_all_forgets_what_was_offered(garden: Garden) -> None:
    """A message that was offered to the turn outlives a stop of all, and runs when the turn has ended."""
    garden.edit("messages_of_session", "box = 4", "box = 4 AND 0")


def an_older_generation_names_the_conversation(garden: Garden) -> None:
    """A turn that began before a reset goes on telling of the conversation."""
    garden.edit("tell_thread", "AND generation = :generation", "AND :generation IS NOT NULL")


def steer_lost_when_the_turn_ends(garden: Garden) -> None:
    """What the turn did not take is not put back."""

    def turn_ended(tx: Any, run: int, cancelled: bool) -> bool:
        found = tx.all("open_signals_of_run", run=run)
        for row, name, kind, _ in found:
            signals._settle(tx, run, row, name, kind, SignalState.REFUSED, "the turn ended first")
        return bool(found)

    garden.put(signals, "turn_ended", turn_ended)


def declined_steer_goes_to_the_end(garden: Garden) -> None:
    """A message that the turn did not take waits behind all others."""

    def put_back(tx: Any, session: int, seq: int, capped: bool) -> None:
        last = b"~"
        tx.run("put_in_box", seq=seq, box=Box.WAITING, ready=0, capped=int(capped), carrier=None, kin=last, now=tx.now)
        mailbox.count(tx, session, waiting=1, capped=int(capped))
        mailbox.pump(tx, session)

    garden.edit("mailbox_head", "ORDER BY seq", "ORDER BY kin IS x'7e', seq")
    garden.put(mailbox, "put_back", put_back)


def carried_forgotten_at_the_end(garden: Garden) -> None:
    """What rode with a turn does not end when that does."""
    garden.put(ending, "carry_over", lambda tx, seq, end, actor: None)


def cancelled_message_takes_the_others_along(garden: Garden) -> None:
    """When the message is cancelled that others were merged into, they go as well."""

    def hand_over(tx: Any, session: int, seq: int) -> None:
        merged = tx._execute("SELECT seq FROM task WHERE carrier = ? AND box = 3", (seq,)).fetchall()
        for (follower,) in merged:
            cancel_waiting(tx, follower, Reason.CARRIED, None, "mutant", "carried")

    garden.put(mailbox, "_hand_over", hand_over)


def cap_counts_what_was_admitted(garden: Garden) -> None:
    """A running message counts as waiting."""
    garden.put(arriving, "_counted", lambda tx, box: box.capped + box.held)


def refused_arrival_begins_the_quiet_time(garden: Garden) -> None:
    """A message for which there is no room holds back those that wait."""
    honest = arriving._make_room

    def make_room(tx: Any, box: Any, policy: Any, actor: str) -> Any:
        try:
            return honest(tx, box, policy, actor)
        except MailboxFull:
            mailbox.be_quiet_until(tx, box.id, tx.now + box.debounce_ms)
            raise

    garden.put(arriving, "_make_room", make_room)


def two_admitted_at_once(garden: Garden) -> None:
    """The next message is admitted before the one ahead of it has started."""
    garden.put(Mailbox, "room", property(lambda box: box.held < box.capacity))


def conversation_takes_two_turns(garden: Garden) -> None:
    """The limit of a session with an agent is taken at its word."""
    garden.put(Mailbox, "capacity", property(lambda box: box.max_concurrent))


def carried_message_expires_in_its_turn(garden: Garden) -> None:
    """What rides with a turn that has begun is too late to start."""
    garden.edit("expired_tasks", "AND box <> 5", "")
    garden.edit("next_due", "AND box <> 5", "")


def nobody_waits_for_the_quiet_time(garden: Garden) -> None:
    """The end of a quiet time is no time at which anything falls due."""
    garden.edit("next_due", "(SELECT min(quiet_at) FROM session WHERE quiet_at IS NOT NULL)", "NULL")


SESSION_MUTANTS: tuple[Mutant, ...] = (
    nobody_moves_up_after_an_end,
    nobody_moves_up_after_a_cancel,
    a_higher_limit_starts_nothing,
    a_lower_limit_is_for_those_who_come,
    interrupt_frees_the_slot_at_once,
    cutoff_not_compared,
    stop_of_all_forgets_what_was_offered,
    an_older_generation_names_the_conversation,
    steer_lost_when_the_turn_ends,
    declined_steer_goes_to_the_end,
    carried_forgotten_at_the_end,
    cancelled_message_takes_the_others_along,
    cap_counts_what_was_admitted,
    refused_arrival_begins_the_quiet_time,
    two_admitted_at_once,
    conversation_takes_two_turns,
    carried_message_expires_in_its_turn,
    nobody_waits_for_the_quiet_time,
)
