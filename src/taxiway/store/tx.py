"""One transaction as the verbs see it: named statements, the time, and the change log's next number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntFlag
from typing import Any, Final, Protocol

from taxiway.core.change import REQUEST_MARK, ChangeKind
from taxiway.core.mailbox import Mailbox
from taxiway.core.queue import Queue
from taxiway.core.tenant import DEFAULT_TENANT

Row = tuple[Any, ...]
Rank = tuple[int, int, int]  #: urgency, position, submission number: what is smaller goes first


class Topic(IntFlag):
    """What a commit may be of interest for; a hint carries it, so that nobody looks in vain."""

    NOTHING = 0
    WORK = 1  #: something may be able to start
    STOP = 2  #: a live run is wanted ended
    TIME = 4  #: the next due time may be nearer
    CHANGE = 8  #: the change log grew
    EVENTS = 16  #: a run log grew
    SIGNAL = 32  #: a live run has been told something
    ANY = 63


class Rows(Protocol):
    """The rows of a statement that has been run."""

    def fetchall(self) -> list[Row]:
        """All of them."""
        ...


NOBODY: Final = ""  #: no tenant: nothing is looked up in it, and nothing is written for it

Execute = Callable[[str, Mapping[str, Any]], Rows]  #: what a transaction needs of a database


class Lookups:
    """What is known of queues, lanes, gates and sessions without asking again; any change of a queue or a lane forgets
    it all."""

    __slots__ = ("gates", "heads", "lanes_with_room", "lasting_queues", "mailboxes", "queues", "sessions")

    def __init__(self) -> None:
        self.queues: dict[tuple[str, str, str], tuple[int, Queue]] = {}  #: by tenant, project and name
        self.gates: dict[tuple[int, str, str], int] = {}  #: by queue, lane and need
        self.heads: dict[int, Rank] = {}  #: by gate: what became ready there last; its head goes no later
        self.lanes_with_room: set[int] = set()  #: not marked as full
        self.lasting_queues: set[int] = set()  #: they end by no task's end
        self.sessions: dict[tuple[str, str, str], Row] = {}  #: by tenant, project and key: row, id and agent
        self.mailboxes: dict[int, Mailbox] = {}  #: by session

    def clear(self) -> None:
        """Forget it all."""
        for name in self.__slots__:
            getattr(self, name).clear()

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in self.__slots__)


class Memory:
    """What transactions know of the store from the ones before: the last numbers given, and lookups.

    It holds as long as nobody else writes; whoever keeps one between transactions must see to that.
    """

    __slots__ = ("looked_up", "run", "seq", "version")

    def __init__(self) -> None:
        self.looked_up = Lookups()
        self.forget()

    def forget(self) -> None:
        """Somebody else has written, or what was written here did not last."""
        self.version: int | None = None
        self.seq: int | None = None
        self.run: int | None = None
        self.looked_up.clear()


class Tx:
    """A transaction in progress. Every verb takes one, and everything it does is committed whole or not at all.

    ``now`` is the wall time of the transaction in milliseconds UTC. Versions of the change log and submission numbers
    are counted here: the single writer makes them commit order.

    ``tenant`` is whose rows are looked up and written. Somebody's verb has that one's throughout; a verb of the engine,
    which is for the whole store, begins with ``NOBODY`` and says at each row that it takes in hand whose that is (I10).
    ``request`` is the one that brought it, for the change log.
    """

    def __init__(
        self,
        execute: Execute,
        statements: Mapping[str, str],
        now: int,
        memory: Memory | None = None,
        new_id: Callable[[str], str] | None = None,
    ) -> None:
        self._execute = execute
        self._new_id = new_id
        self._statements = statements
        self._memory = memory or Memory()
        self._topics: set[Topic] = set()
        self.now = now
        self.known = self._memory.looked_up
        self.tenant = DEFAULT_TENANT
        self.request: str | None = None
        self.admitted = 0  #: tasks that this transaction has made

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """Every row of the statement called ``name``."""
        return self._execute(self._statements[name], parameters).fetchall()

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row, or ``None``."""
        rows = self._execute(self._statements[name], parameters).fetchall()
        return rows[0] if rows else None

    def run(self, name: str, /, **parameters: Any) -> None:
        """A statement without rows."""
        self._execute(self._statements[name], parameters)

    def query(self, statement: str) -> list[Row]:
        """Every row of a statement given as text (the invariant queries have no name in code)."""
        return self._execute(statement, {}).fetchall()

    def new_id(self, prefix: str) -> str:
        """An id for what the transaction itself makes."""
        assert self._new_id is not None, "reading makes nothing"
        return self._new_id(prefix)

    def next_seq(self) -> int:
        """The next submission number."""
        memory = self._memory
        self.admitted += 1
        memory.seq = (self._last("last_seq") if memory.seq is None else memory.seq) + 1
        return memory.seq

    def next_run(self) -> int:
        """The next run's row."""
        memory = self._memory
        memory.run = (self._last("last_run") if memory.run is None else memory.run) + 1
        return memory.run

    def change(self, kind: ChangeKind, ref: str, state: str, reason: str | None, actor: str, cause: str) -> int:
        """Write one row of the change log and give its version (I21)."""
        assert self.tenant != NOBODY, "who writes a change has said whose it is"
        memory = self._memory
        version = memory.version = (self._last("last_version") if memory.version is None else memory.version) + 1
        self._topics.add(Topic.CHANGE)
        if kind is ChangeKind.QUEUE or kind is ChangeKind.LANE:
            self.known.clear()
        self._execute(
            self._statements["insert_change"],
            {
                "version": version,
                "tenant": self.tenant,
                "kind": kind,
                "ref": ref,
                "state": state,
                "reason": reason,
                "actor": actor,
                "cause": cause if self.request is None else cause + REQUEST_MARK + self.request,
                "at": self.now,
            },
        )
        return version

    @contextmanager
    def of(self, tenant: str) -> Iterator[None]:
        """What is written inside is this tenant's."""
        before, self.tenant = self.tenant, tenant
        try:
            yield
        finally:
            self.tenant = before

    def note(self, topic: Topic) -> None:
        """What is written here may be of interest for ``topic``."""
        self._topics.add(topic)

    @property
    def topics(self) -> Topic:
        """Everything that was noted."""
        return Topic(sum(self._topics))

    def forget(self) -> None:
        """After a savepoint was rolled back, counters and lookups are read again."""
        self._memory.forget()

    def _last(self, statement: str) -> int:
        row = self.one(statement)
        return row[0] if row and row[0] is not None else 0
