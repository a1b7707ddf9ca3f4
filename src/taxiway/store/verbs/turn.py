"""Whose turn it is: the claim's own walk over the heads of gates, which counts what it would take and takes nothing."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence

import msgspec

from taxiway.core.limits import COUNTED_TASKS_MAX
from taxiway.core.readiness import Scope
from taxiway.store.tx import Rank, Tx
from taxiway.store.verbs import accounts
from taxiway.store.verbs.claim import Head, Shut, gate_facts, head_of, shut_off, takes
from taxiway.store.verbs.slots import slots_taken


class Turn:
    """The next claims of some runners, up to ``mine``: a ready task with room, as the head of its gate.

    ``runners`` are scopes with free slots; nothing of the queues and tenants in ``shut`` is taken.
    """

    def __init__(self, tx: Tx, mine: Head, runners: Sequence[tuple[Scope, int]], shut: Collection[Shut]) -> None:
        self._tx = tx
        self._mine = mine
        self._scopes = [scope for scope, _ in runners]
        self._free = [max(0, free) for _, free in runners]
        self._for_mine = [takes(scope, mine) for scope in self._scopes]
        urgency, position, seq = mine.rank
        rows = tx.all("gates_ahead", urgency=urgency, position=position, seq=seq)
        self._heads = [head for head in map(head_of, rows) if not shut_off(head, shut)]
        self._live: dict[tuple[str, int], int] = {}
        self._ledgers: dict[int, accounts.Ledger] = {}

    def ahead(self) -> int:
        """How many ready tasks take the room before ``mine`` does, up to a bound; 0 when it starts along with them."""
        waiting = [(head.rank, place) for place, head in enumerate(self._heads)]
        heapq.heapify(waiting)
        pages: dict[int, Iterator[Rank]] = {}
        while waiting:
            _, place = heapq.heappop(waiting)
            head = self._heads[place]
            if place not in pages:  # its head may be too late to start, so the first that counts is looked up
                pages[place] = self._page(head)
            elif not self._start(head):
                continue
            elif self._room(self._mine) == 0:
                return self._count([head for head in self._heads if self._shares(head)])
            elif self._runner(self._mine) is None:
                return self._count([head for head in self._heads if self._is_taken(head)])
            if (rank := next(pages[place], None)) is not None:
                heapq.heappush(waiting, (rank, place))
        return 0

    def _page(self, head: Head) -> Iterator[Rank]:
        """Ranks behind a gate, as many as could start by now."""
        room = self._room(head)
        most = sum(self._free) if room is None else min(room, sum(self._free))
        urgency, position, seq = self._mine.rank
        return iter(
            self._tx.all(
                "ready_ahead",
                gate=head.gate,
                urgency=urgency,
                position=position,
                seq=seq,
                now=self._tx.now,
                limit=most,
            )
        )

    def _start(self, head: Head) -> bool:
        """Take a slot of a lane, a queue and a runner; ``False`` when there is none."""
        runner = self._runner(head)
        if runner is None or self._room(head) == 0:
            return False
        self._free[runner] -= 1
        self._live["lane", head.lane] += 1
        self._live["queue", head.queue] += 1
        if head.account is not None:
            of_account = self._ledgers[head.account]
            live = msgspec.structs.replace(of_account.account, live=of_account.account.live + 1)
            self._ledgers[head.account] = of_account._replace(account=live, current=of_account.current + 1)
        return True

    def _runner(self, head: Head) -> int | None:
        """A runner with a free slot that takes work of this gate, first one that cannot take ``mine``."""
        fitting = [place for place, scope in enumerate(self._scopes) if self._free[place] > 0 and takes(scope, head)]
        return min(fitting, key=lambda place: self._for_mine[place], default=None)

    def _room(self, head: Head) -> int | None:
        for kind, row, statement in (
            ("lane", head.lane, "lane_slots_taken"),
            ("queue", head.queue, "queue_slots_taken"),
        ):
            if (kind, row) not in self._live:
                self._live[kind, row] = len(slots_taken(self._tx, statement, **{kind: row}))
        of_account = None
        if head.account is not None:
            if head.account not in self._ledgers:
                self._ledgers[head.account] = accounts.ledger(self._tx, head.account)
            of_account = self._ledgers[head.account]
        return gate_facts(head, self._live["lane", head.lane], self._live["queue", head.queue], of_account).room()

    def _shares(self, head: Head) -> bool:
        """Whether a gate draws on a limit of ``mine``."""
        mine = self._mine
        same_account = mine.account is not None and head.account == mine.account
        return self._is_taken(head) and (head.lane == mine.lane or head.queue == mine.queue or same_account)

    def _is_taken(self, head: Head) -> bool:
        return any(takes(scope, head) for scope in self._scopes)

    def _count(self, heads: Sequence[Head]) -> int:
        """How many of the tenant's own go first; there is one at least, be it another's (I10)."""
        found = 0
        urgency, position, seq = self._mine.rank
        for head in (head for head in heads if head.tenant == self._mine.tenant):
            left = COUNTED_TASKS_MAX - found
            if left <= 0:
                break
            row = self._tx.one("tasks_ahead", gate=head.gate, urgency=urgency, position=position, seq=seq, limit=left)
            found += row[0] if row else 0
        return max(found, 1)
