"""Reading sessions: one, or pages in the order that a reader wants them: active, unread, then by last activity."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from taxiway.core.errors import Invalid, NotFound
from taxiway.core.event import Event
from taxiway.core.limits import EVENTS_PAGE_MAX
from taxiway.core.policy import Drop, MailboxPolicy, Mode
from taxiway.core.session import Attention, Session, SessionState
from taxiway.core.task import OnLimit, Task, Usage
from taxiway.store.protocol import SessionFilter, SessionPage, WarmProcess
from taxiway.store.tx import Row, Tx
from taxiway.store.verbs.reading import decode_mark, event_record, run_row_of, task_at

SESSIONS_PAGE_MAX = 100
SCAN_ROWS = 200
FORKS_MAX = 100  #: of forks of forks, those that are followed back to what they began as
ENDLESS = 1 << 62
STATES = ("default", "all", "running", "unread", "terminal", "idle")

_decode_usage = msgspec.json.Decoder(Usage).decode

Key = tuple[int, int, int, str]  #: the group (active, unread, read), then activity and change (newest first), then id


def session(tx: Tx, name: str, reader: str | None) -> Session:
    """One session as a reader sees it; raises ``NotFound``."""
    row = tx.one("read_session", tenant=tx.tenant, name=name, reader=reader)
    if row is None:
        raise NotFound(f"there is no session {name}", id=name)
    return session_record(row, reader)


def keyed(tx: Tx, key: str, project: str) -> Session | None:
    """The session that work of a project means by a key: its own, else the one of no project."""
    row = tx.one("session_named", tenant=tx.tenant, project=project, key=key)
    return None if row is None else session(tx, row[1], None)


def sessions(tx: Tx, wanted: SessionFilter, limit: int, cursor: str | None) -> SessionPage:
    """A page in the order of C34; what kept its place appears exactly once over all pages (C36)."""
    if wanted.state not in STATES:
        raise Invalid(f"'{wanted.state}' is no filter of sessions; one of {', '.join(STATES)}")
    size = max(1, min(limit, SESSIONS_PAGE_MAX))
    after = _parse_cursor(cursor)
    page: list[tuple[Key, Session]] = []
    for key, found in _in_order(tx, wanted, after):
        page.append((key, found))
        if len(page) > size:
            break
    last = page[size - 1][0] if len(page) > size else None
    return SessionPage(
        [found for _, found in page[:size]], None if last is None else ".".join(str(part) for part in last)
    )


def _in_order(tx: Tx, wanted: SessionFilter, after: Key) -> Iterator[tuple[Key, Session]]:
    for group, running, attention in ((0, 1, None), (1, 0, Attention.UNREAD), (2, 0, Attention.READ)):
        if group < after[0] or not _may_hold(wanted, group):
            continue
        begin = after[1:] if group == after[0] else (-(1 << 62), -(1 << 62), "")
        for row in _scan(tx, wanted, running, begin):
            found = session_record(row, wanted.reader)
            if (attention is None or found.attention is attention) and _matches(wanted, found):
                yield (group, -found.active_at, -found.updated_at, found.id), found


def _may_hold(wanted: SessionFilter, group: int) -> bool:
    match wanted.state:
        case "running":
            return group == 0
        case "default":
            return group < 2
        case "unread":
            return group == 1
        case "terminal" | "idle":
            return group > 0
        case _:
            return True


def _scan(tx: Tx, wanted: SessionFilter, running: int, begin: tuple[int, int, str]) -> Iterator[Row]:
    active, updated, name = begin
    while True:
        rows = tx.all(
            "scan_sessions",
            tenant=tx.tenant,
            archived=int(wanted.archived),
            running=running,
            reader=wanted.reader,
            active=active,
            updated=updated,
            name=name,
            limit=SCAN_ROWS,
        )
        for row in rows:
            yield row
            active, updated, name = -row[26], -row[27], row[1]
        if len(rows) < SCAN_ROWS:
            return


def _matches(wanted: SessionFilter, found: Session) -> bool:
    if wanted.agent is not None and found.agent != wanted.agent:
        return False
    return wanted.state not in ("terminal", "idle") or found.state == wanted.state


def session_record(row: Row, reader: str | None) -> Session:
    """A row of one of the session statements as a record."""
    (_, name, key, tenant, project, agent, mode, cap, overflow, debounce_ms, wait_ms, max_concurrent) = row[:12]
    (generation, waiting, held, live, quiet_at, thread, tokens, window, usage, title, summary, state) = row[12:24]
    (archived, created_at, active_at, updated_at, version, seen, last_run, last_task, on_limit, forked_from) = row[24:]
    return Session(
        id=name,
        key=key,
        tenant=tenant,
        project=project,
        agent=agent,
        policy=MailboxPolicy(
            mode=Mode(mode),
            cap=cap,
            drop=Drop(overflow),
            debounce_s=debounce_ms / 1000,
            max_debounce_wait_s=None if wait_ms is None else wait_ms / 1000,
            max_concurrent=max_concurrent,
        ),
        generation=generation,
        waiting=waiting,
        held=held,
        live=live,
        quiet_at=quiet_at,
        thread=thread,
        context_tokens=tokens,
        context_window=window,
        usage=Usage() if usage is None else _decode_usage(usage),
        title=title,
        summary=summary,
        state=SessionState(state),
        attention=_attention(state, seen, version, reader),
        archived=bool(archived),
        on_limit=None if on_limit is None else OnLimit(on_limit),
        forked_from=forked_from,
        last_task=last_task,
        last_run=last_run,
        created_at=created_at,
        active_at=active_at,
        updated_at=updated_at,
        version=version,
    )


def session_tasks(tx: Tx, session: int, limit: int, after: int) -> list[Task]:
    """A session's open tasks in order of submission, behind a submission number."""
    rows = tx.all("open_tasks_of_session", session=session, after=after, until=ENDLESS, limit=max(1, min(limit, 500)))
    return [task_at(tx, seq) for (seq,) in rows]


def earlier_turns(tx: Tx, session: int, generation: int, limit: int) -> list[Task]:
    """The last messages that turns of a generation took and that have ended, in order of submission; before them those
    of the conversation that a fork began as, as far as they had ended when the two parted."""
    size, until = max(1, min(limit, 500)), ENDLESS
    found: list[int] = []
    for _ in range(FORKS_MAX):
        rows = tx.all(
            "ended_turns_of_session", session=session, generation=generation, until=until, limit=size - len(found)
        )
        found += [seq for (seq,) in rows]
        origin = tx.one("fork_of_session", session=session) if generation == 0 else None
        if origin is None or len(found) == size:
            break
        session, generation, parted_at = origin
        until = until if parted_at is None else min(until, parted_at)
    return [task_at(tx, seq) for seq in reversed(found)]


def output(tx: Tx, run: str, after: int, limit: int) -> tuple[list[Event], int]:
    """Output events of a run, and the number to go on behind: it passes over everything else (C38, C39)."""
    row, last = run_row_of(tx, run)
    size = max(1, min(limit, EVENTS_PAGE_MAX))
    found = [event_record(run, read) for read in tx.all("read_output_events", run=row, after=max(0, after), limit=size)]
    if len(found) == size:
        return found, found[-1].seq
    return found, max(last, after)


def warm_processes(tx: Tx, runner: str | None) -> list[WarmProcess]:
    """Processes of sessions that are not known to be gone."""
    rows = tx.all("warm_processes") if runner is None else tx.all("warm_processes_of_runner", runner=runner)
    return [
        WarmProcess(id=name, session=owner, runner=holder, mark=decode_mark(mark), opened_at=opened_at)
        for name, owner, holder, mark, opened_at in rows
    ]


def _attention(state: str, seen: int | None, version: int, reader: str | None) -> Attention:
    if state == SessionState.RUNNING:
        return Attention.ACTIVE
    return Attention.READ if reader is not None and seen is not None and seen >= version else Attention.UNREAD


def _parse_cursor(cursor: str | None) -> Key:
    if not cursor:
        return (0, -(1 << 62), -(1 << 62), "")
    parts = cursor.split(".")
    try:
        group, active, updated = (int(part) for part in parts[:3])
        return (group, active, updated, parts[3])
    except (ValueError, IndexError):
        raise Invalid(f"'{cursor}' is no cursor of this list; use the one that the page before gave") from None
