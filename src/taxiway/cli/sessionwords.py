"""How sessions, their policy and their messages are called on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from taxiway.cli.output import answer, note, table
from taxiway.cli.safe import safe_line
from taxiway.cli.speech import Speech
from taxiway.cli.streams import Streams
from taxiway.cli.words import ago, clock_time, count, day_and_time
from taxiway.core.duration import format_duration
from taxiway.core.event import Event, EventType
from taxiway.core.ids import short_id
from taxiway.core.policy import MailboxPolicy
from taxiway.core.session import Answer, Disposition, Session, Stopped

PTY: Final = "pty"


def policy_word(policy: MailboxPolicy) -> str:
    """``queue, cap 20, drop old, debounce 500ms, 1 at once``."""
    words = [str(policy.mode), f"cap {policy.cap}", f"drop {policy.drop}"]
    if policy.debounce_s:
        words.append(f"debounce {format_duration(policy.debounce_s)}")
    if policy.max_debounce_wait_s is not None:
        words.append(f"max debounce wait {format_duration(policy.max_debounce_wait_s)}")
    return ", ".join([*words, f"{policy.max_concurrent} at once"])


def sent_words(sent: Answer) -> str:
    """What is known of a message, and which others had to go for it."""
    match sent.disposition:
        case Disposition.READY:
            said = "it starts when a runner has room"
        case Disposition.WAITING:
            said = "it waits" + (f" in place {sent.position}" if sent.position is not None else "")
        case Disposition.STEERING:
            said = f"it is offered to run {short_id(sent.offered or '')}"
        case Disposition.MERGED:
            said = f"it joins the turn of {short_id(sent.carrier or '')}"
        case _:
            assert_never(sent.disposition)
    if sent.dropped:
        said += f"; dropped for it: {', '.join(short_id(one) for one in sent.dropped)}"
    return said


def stopped_words(stopped: Stopped) -> str:
    """``1 run asked to end, 2 messages cancelled``."""
    return f"{count(stopped.running, 'run')} asked to end, {count(stopped.waiting, 'message')} cancelled"


def lines_of(found: Session, now: int) -> Iterator[tuple[str, str]]:
    """What there is to say of a session, name by name."""
    tokens = found.context_tokens
    window = f" of {found.context_window}" if found.context_window is not None else ""
    lines = [
        ("session", f"{found.key} ({found.id})"),
        ("state", str(found.state) + (", archived" if found.archived else "")),
        ("attention", str(found.attention)),
        ("agent", found.agent),
        ("title", found.title),
        ("summary", found.summary),
        ("mailbox", policy_word(found.policy)),
        ("on limit", found.on_limit and str(found.on_limit)),
        ("messages", f"{found.live} running, {found.waiting + found.held - found.live} waiting"),
        ("quiet", f"until {clock_time(found.quiet_at)}" if found.quiet_at is not None else None),
        ("thread", found.thread),
        ("context", None if tokens is None else f"{tokens}{window} tokens"),
        ("generation", str(found.generation) if found.generation else None),
        ("forked", f"from {short_id(found.forked_from)}" if found.forked_from else None),
        ("project", found.project),
        ("last task", found.last_task),
        ("last run", found.last_run),
        ("created", day_and_time(found.created_at)),
        ("active", f"{day_and_time(found.active_at)} ({ago(found.active_at, now)})"),
    ]
    yield from ((name, value) for name, value in lines if value)


class EventLines:
    """Writes events of a run: as what the agent said and wrote, or one line each."""

    def __init__(self) -> None:
        self._streams = Streams()
        self._speech = Speech(self._streams)

    def show(self, events: Sequence[Event], as_text: bool) -> None:
        """All of a page."""
        if as_text:
            for event in events:
                self._text(event)
            self._speech.end()
            self._streams.flush()
        elif events:
            rows = [[str(event.seq), clock_time(event.at), event.type, data_line(event)] for event in events]
            answer(table(("SEQ", "AT", "TYPE", "DATA"), rows))

    def _text(self, event: Event) -> None:
        match event.type:
            case EventType.MESSAGE:
                self._speech.show(event)
            case EventType.OUTPUT:
                self._speech.end()
                self._streams.write(str(event.data.get("stream")), event.body)
            case _:
                self._speech.end()
                self._streams.flush()
                note(f"-- {event.type} {data_line(event)} --")


def data_line(event: Event) -> str:
    """An event's data on one line, safe to show."""
    if set(event.data) <= {"text", "stream", "delta"}:
        return safe_line(str(event.data.get("text", "")))
    return safe_line(json.dumps(event.data, ensure_ascii=False))
