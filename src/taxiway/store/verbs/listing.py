"""Lists of tasks: in pages with complete cursors, and how many there are in all (I17)."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

import msgspec

from taxiway.core.errors import Invalid, NotFound
from taxiway.core.limits import LIST_PAGE_MAX
from taxiway.core.task import TASK_TERMINAL, TaskState
from taxiway.store.protocol import TaskFilter, TaskPage
from taxiway.store.tx import Row, Tx
from taxiway.store.verbs.reading import task_at

SCAN_ROWS: Final = 500
SEARCHED_ROWS_MAX: Final = 5_000  #: tasks that one page looks into for a text
OPEN: Final = frozenset(TaskState) - TASK_TERMINAL
ENDED_MARK: Final = "n"  #: so begin cursors in the half of an open-first list that goes from the newest back
FIRST: Final = (-(1 << 62), -(1 << 62), 0)
NEWEST: Final = 1 << 62

Place = tuple[int, int, int]
Source = tuple[str, dict[str, object]]


def tasks(tx: Tx, wanted: TaskFilter, limit: int, cursor: str | None) -> TaskPage:
    """A page of tasks in the order priority, position, submission; tasks that newer ones replaced are left out.

    With ``open_first`` those that have not ended come in that order, then the others, the newest first. What matched
    throughout and kept its place appears exactly once over all pages.
    """
    size = max(1, min(limit, LIST_PAGE_MAX))
    page: list[Row] = []
    for number, row in enumerate(_scanned(tx, wanted, cursor), 1):
        if _matches(tx, wanted, row):
            if len(page) == size:
                return _page(tx, page, _cursor(wanted, page[-1]))
            page.append(row)
        if wanted.text is not None and number == SEARCHED_ROWS_MAX:
            return _page(tx, page, _cursor(wanted, row))
    return _page(tx, page, None)


def _page(tx: Tx, rows: list[Row], cursor: str | None) -> TaskPage:
    return TaskPage([task_at(tx, row[2]) for row in rows], cursor)


def count_tasks(tx: Tx, wanted: TaskFilter, most: int) -> int:
    """How many tasks a list shows in all; counting ends at ``most``, and the search for a text after 5,000 tasks."""
    in_any_order = msgspec.structs.replace(wanted, open_first=False)  # the newest first would have to be sorted
    rows = islice(_scanned(tx, in_any_order, None), None if wanted.text is None else SEARCHED_ROWS_MAX)
    return sum(1 for _ in islice((row for row in rows if _matches(tx, wanted, row)), most))


def _scanned(tx: Tx, wanted: TaskFilter, cursor: str | None) -> Iterator[Row]:
    """What a list looks at, from behind a cursor on."""
    if not wanted.open_first:
        rows = _by_priority(tx, _sources(tx, wanted), _place(cursor))
    elif cursor is not None and cursor.startswith(ENDED_MARK):
        rows = _newest_ended(tx, wanted, _seq(cursor))
    else:
        waiting: list[Source] = [
            ("scan_queue", {"queue": queue, "open": 1}) for queue in _queues(tx, wanted, open_only=True)
        ]
        rows = chain(_by_priority(tx, waiting, _place(cursor)), _newest_ended(tx, wanted, NEWEST))
    return rows


def _sources(tx: Tx, wanted: TaskFilter) -> list[Source]:
    if wanted.queue is None:
        return [("scan_tasks", {"tenant": tx.tenant})]
    halves = [half for half, states in ((1, OPEN), (0, TASK_TERMINAL)) if not wanted.states or wanted.states & states]
    return [("scan_queue", {"queue": queue, "open": half}) for queue in _queues(tx, wanted) for half in halves]


def _queues(tx: Tx, wanted: TaskFilter, open_only: bool = False) -> list[int]:
    """The rows of the queues that a list looks at; raises ``NotFound`` for a name that no queue has."""
    if wanted.queue is None:
        rows = tx.all("all_queues", tenant=tx.tenant)
    else:
        rows = tx.all("queues_named", tenant=tx.tenant, name=wanted.queue)
        rows = [row for row in rows if wanted.project is None or row[3] in (wanted.project, "")]
        if not rows:
            raise NotFound(f"there is no queue '{wanted.queue}'", queue=wanted.queue)
    return [row[0] for row in rows if row[7] or not open_only]


def _by_priority(tx: Tx, sources: list[Source], after: Place) -> Iterator[Row]:
    streams = [_stream(tx, statement, after, where) for statement, where in sources]
    return heapq.merge(*streams, key=lambda row: (row[0], row[1], row[2]))


def _stream(tx: Tx, statement: str, after: Place, where: dict[str, object]) -> Iterator[Row]:
    urgency, position, seq = after
    while True:
        rows = tx.all(statement, urgency=urgency, position=position, seq=seq, limit=SCAN_ROWS, **where)
        yield from rows
        if len(rows) < SCAN_ROWS:
            return
        urgency, position, seq = rows[-1][:3]


def _newest_ended(tx: Tx, wanted: TaskFilter, before: int) -> Iterator[Row]:
    if wanted.states and not wanted.states & TASK_TERMINAL:
        return
    streams = [_backwards(tx, "scan_ended", before, {"tenant": tx.tenant})]
    if wanted.queue is not None:
        streams = [_backwards(tx, "scan_queue_ended", before, {"queue": queue}) for queue in _queues(tx, wanted)]
    yield from heapq.merge(*streams, key=lambda row: -row[2])


def _backwards(tx: Tx, statement: str, before: int, where: dict[str, object]) -> Iterator[Row]:
    while True:
        rows = tx.all(statement, before=before, limit=SCAN_ROWS, **where)
        yield from rows
        if len(rows) < SCAN_ROWS:
            return
        before = rows[-1][2]


def _matches(tx: Tx, wanted: TaskFilter, row: Row) -> bool:
    _, _, seq, state, lane, superseded = row
    if superseded and not wanted.superseded:
        return False
    if wanted.states and TaskState(state) not in wanted.states:
        return False
    if wanted.lane is not None and lane != wanted.lane:
        return False
    if (
        wanted.session is not None
        and tx.one("is_of_session", tenant=tx.tenant, task=seq, session=wanted.session) is None
    ):
        return False
    if not all(tx.one("has_label", key=key, value=value, task=seq) for key, value in wanted.labels):
        return False
    return wanted.text is None or tx.one("has_text", tenant=tx.tenant, task=seq, text=_pattern(wanted.text)) is not None


def _pattern(text: str) -> str:
    """A text for LIKE, in which nothing stands for anything else."""
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


def _cursor(wanted: TaskFilter, last: Row) -> str:
    """Where a page that ends with this row goes on."""
    if wanted.open_first and TaskState(last[3]) in TASK_TERMINAL:
        return f"{ENDED_MARK}.{last[2]}"
    return f"{last[0]}.{last[1]}.{last[2]}"


def _place(cursor: str | None) -> Place:
    if cursor is None:
        return FIRST
    try:
        urgency, position, seq = (int(part) for part in cursor.split("."))
    except ValueError:
        raise _no_cursor(cursor) from None
    return (urgency, position, seq)


def _seq(cursor: str) -> int:
    try:
        return int(cursor.removeprefix(f"{ENDED_MARK}."))
    except ValueError:
        raise _no_cursor(cursor) from None


def _no_cursor(cursor: str) -> Invalid:
    return Invalid(f"'{cursor}' is no cursor of a task list; leave it out to start at the beginning")
