"""Accounts: which one an agent uses, what its provider and its people said of it, and the slots that its runs take.

An account is one more thing that gates ready work. Parking, filling and releasing it is one row: a claim looks at
nothing of an account that lets no run through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import NamedTuple

import msgspec

from taxiway.core.account import (
    Account,
    Moment,
    Phase,
    answered,
    due,
    limited,
    overloaded,
    parked_by_hand,
    released,
    with_limit,
)
from taxiway.core.change import ChangeKind
from taxiway.core.errors import Forbidden, NotFound
from taxiway.core.failureclass import FailureClass
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.run import Completed, Failed, Limited, Outcome
from taxiway.core.task import Reason
from taxiway.core.tenant import DEFAULT_TENANT
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import gates

AGENT: str = "agent:"  #: how a gate's need names an agent
PROVIDER: str = "provider"  #: who moved an account where a run was told

_OVERLOAD = ProviderLimit(kind=LimitKind.OVERLOAD)


class Ledger(NamedTuple):
    """An account as its row says, and what of it is taken now: ``current`` runs are of its present round."""

    row: int
    account: Account
    full: bool
    current: int
    tenant: str

    @property
    def taken(self) -> int:
        """How many runs count against its size: one that began before a refusal is no probe."""
        return self.current if self.account.phase is Phase.PROBING else self.account.live


def ledger(tx: Tx, row: int) -> Ledger:
    """An account and what is taken of it."""
    found = tx.one("account_row", account=row)
    assert found is not None
    name, size, width, threshold, credit, phase, turn, strikes, kind, why, by_hand, since, until, version = found[:14]
    full, tenant, shared, live, current = found[14:]
    account = Account(
        name=name,
        limit=size,
        width=width,
        threshold=threshold,
        credit=credit,
        phase=Phase(phase),
        round=turn,
        strikes=strikes,
        kind=LimitKind(kind) if kind else None,
        why=why,
        by_hand=bool(by_hand),
        since=since,
        until=until,
        live=live,
        shared=bool(shared),
        version=version,
    )
    return Ledger(row, account, bool(full), current, tenant)


def seen(tx: Tx, row: int) -> Ledger:
    """The same for whoever asks: the words in it are of the tenant that it belongs to, and for no other (I10)."""
    found = ledger(tx, row)
    if found.tenant == tx.tenant:
        return found
    return found._replace(account=msgspec.structs.replace(found.account, why=None))


class Allotment:
    """What an account still lets through. Its slots are numbered also where it has no limit."""

    def __init__(self, tx: Tx, account: int) -> None:
        self.ledger = ledger(tx, account)
        self._taken = {row[0] for row in tx.all("account_slots_taken", account=account)}
        self._took = 0

    @property
    def room(self) -> int | None:
        """How many more runs may start; ``None`` is unlimited."""
        size = self.ledger.account.size
        return None if size is None else max(0, size - self.ledger.taken - self._took)

    def take(self) -> int:
        """The lowest free slot number, which this takes."""
        slot = next(number for number in count(1) if number not in self._taken)
        self._taken.add(slot)
        self._took += 1
        return slot


# -- which account an agent uses --------------------------------------------------------------------------------------
def account_for(tx: Tx, needs: str) -> int | None:
    """The account behind which work with this need waits: what was said of its agent, else the one of its name, which
    the tenants share or each has for itself."""
    if not needs.startswith(AGENT):
        return None
    agent = needs.removeprefix(AGENT)
    row = tx.one("account_of_agent", agent=agent)
    return put_account(tx, agent) if row is None else row[0]


def _account_now(tx: Tx, agent: str) -> int | None:
    """The account of an agent, if there is one yet."""
    row = tx.one("account_of_agent", agent=agent)
    row = tx.one("account_named", tenant=tx.tenant, name=agent) if row is None else row
    return None if row is None else row[0]


def put_account(tx: Tx, name: str) -> int:
    """The account of a name, made when it is new."""
    row = tx.one("account_named", tenant=tx.tenant, name=name)
    if row is None:
        row = tx.one("insert_account", tenant=tx.tenant, name=name, size=None, version=0)
        assert row is not None
    found: int = row[0]
    return found


def use_accounts(tx: Tx, limits: Mapping[str, int | None], agents: Mapping[str, str], actor: str) -> None:
    """What a configuration says: limits by account, accounts by agent; every tenant shares them. An agent that changes
    its account takes along what waits for it: its gates move, and what waited for the old account's reset may start by
    the new one."""
    tx.tenant = DEFAULT_TENANT
    for name, limit in limits.items():
        account = _share(tx, name)
        change(tx, name, lambda known, limit=limit: with_limit(known, limit), actor, "configured")  # type: ignore[misc]
        if tx.one("account_of_agent", agent=name) is None:
            _move_gates(tx, name, account)
    for agent, name in agents.items():
        _use_account(tx, agent, _share(tx, name))


def _share(tx: Tx, name: str) -> int:
    """The account of a name, which is one allowance from now on, whoever uses it."""
    account = put_account(tx, name)
    tx.run("share_account", account=account)
    return account


def _use_account(tx: Tx, agent: str, account: int) -> None:
    if _account_now(tx, agent) != account:
        tx.run("put_agent_account", tenant=tx.tenant, agent=agent, account=account)
    _move_gates(tx, agent, account)


def _move_gates(tx: Tx, agent: str, account: int) -> None:
    moved = tx.all("gates_of_agent", needs=AGENT + agent, account=account)
    if not moved:
        return
    until = ledger(tx, account).account.until
    for gate, lane, path in moved:
        other = gates.path_of(tx, account, lane)
        tx.run("move_gate", gate=gate, account=account, path=other)
        gates.settle_path(tx, path)
        gates.settle_path(tx, other)
        tx.run("move_limited_of_gate", gate=gate, due_at=tx.now if until is None else until)
    tx.note(Topic.WORK)
    tx.note(Topic.TIME)


# -- what is taken of it ----------------------------------------------------------------------------------------------
def fill(tx: Tx, account: int) -> None:
    """A claim saw every slot taken: nobody looks at its work until one is free."""
    tx.run("fill_account", account=account)


def free(tx: Tx, account: int) -> None:
    """A run gave its slot back: what was full is looked at again."""
    tx.note(Topic.WORK)
    tx.run("unfill_account", account=account)


# -- what is said of it -----------------------------------------------------------------------------------------------
def told(tx: Tx, run: int, limit: ProviderLimit | None, chance: float, actor: str) -> None:
    """A live run heard of its provider: a limit, or (``None``) an answer."""
    row = tx.one("account_of_run", run=run)
    if row is None or row[0] is None or (limit is None and row[2]):
        return
    found = ledger(tx, row[0])
    moment = Moment(tx.now, chance, row[1] == found.account.round)
    if limit is None:
        tx.run("account_answered", run=run)
    if limit is not None and limit.kind is LimitKind.RATE and limit.reset(tx.now) is None:
        limit = msgspec.structs.replace(limit, kind=LimitKind.OVERLOAD)  # its agent asks again by itself
    after = answered(found.account, moment) if limit is None else limited(found.account, _bounded(limit), moment)
    _save(tx, found, after, actor, "answer" if limit is None else f"limit {limit.kind}")


class Part(NamedTuple):
    """A run's part in an account: the round in which it began, and whether its provider's answer has been counted."""

    account: int
    round: int | None
    answered: bool


def run_ended(tx: Tx, part: Part, outcome: Outcome, chance: float) -> float:
    """What the end of a run tells of its account; how long (seconds) it is parked from now on."""
    found = ledger(tx, part.account)
    moment = Moment(tx.now, chance, part.round == found.account.round)
    counted = part.answered and isinstance(outcome, Completed)
    after = found.account if counted else _learnt(found.account, outcome, moment)
    _save(tx, found, after, PROVIDER, "run ended")
    return max(0, (after.until or tx.now) - tx.now) / 1000


def _learnt(account: Account, outcome: Outcome, moment: Moment) -> Account:
    match outcome:
        case Completed():
            return answered(account, moment)
        case Limited(limit=limit) | Failed(reason=Reason.QUOTA, limit=ProviderLimit() as limit):
            return limited(account, _bounded(limit), moment)
        case Failed(failure=FailureClass.OVERLOADED, limit=limit):
            return overloaded(account, _bounded(limit or _OVERLOAD), moment)
        case Failed(failure=FailureClass.STUMBLED | FailureClass.CUT) if account.phase is Phase.PROBING:
            return overloaded(account, _OVERLOAD, moment)  # nobody else is sent after a probe that was not answered
        case _:
            return account


def _bounded(limit: ProviderLimit) -> ProviderLimit:
    """What an agent says is kept up to a size."""
    return limit if limit.text is None else msgspec.structs.replace(limit, text=limit.text[:ERROR_CHARS_MAX])


def wake(tx: Tx, limit: int, actor: str) -> int:
    """Open those whose reset has come, for one run to go first; how many."""
    rows = tx.all("due_accounts", now=tx.now, limit=limit)
    for (row,) in rows:
        found = ledger(tx, row)
        tx.tenant = found.tenant
        _save(tx, found, due(found.account, tx.now), actor, "reset")
    return len(rows)


def change(tx: Tx, name: str, rule: Callable[[Account], Account], actor: str, cause: str) -> Account:
    """Apply a rule to an account by its name; raises ``NotFound``."""
    row = tx.one("account_named", tenant=tx.tenant, name=name)
    if row is None:
        raise NotFound(f"there is no account '{name}'; 'taxiway account list' shows those that are known", account=name)
    found = ledger(tx, row[0])
    if found.tenant != tx.tenant:
        raise Forbidden(f"account '{name}' is shared by all tenants; those of '{found.tenant}' move it", account=name)
    _save(tx, found, rule(found.account), actor, cause)
    return read(tx, row[0])


def park(tx: Tx, name: str, until: int | None, why: str, actor: str) -> Account:
    """Somebody parks an account; also one that nobody has used yet."""
    put_account(tx, name)
    return change(tx, name, lambda account: parked_by_hand(account, tx.now, until, why), actor, "park")


def release(tx: Tx, name: str, actor: str) -> Account:
    """Somebody releases an account: what waits for its reset goes on, one run first where a provider had refused."""
    return change(tx, name, released, actor, "release")


def set_limit(tx: Tx, name: str, limit: int | None, actor: str) -> Account:
    """How many runs of an account may go at once at most."""
    put_account(tx, name)
    return change(tx, name, lambda account: with_limit(account, limit), actor, f"limit {limit}")


def read(tx: Tx, row: int) -> Account:
    """One account with the agents that use it, and those of its live runs that whoever asks has."""
    agents = tuple(found[0] for found in tx.all("agents_of_account", account=row))
    live = tx.one("own_live_of_account", tenant=tx.tenant, account=row)
    return msgspec.structs.replace(seen(tx, row).account, agents=agents, live=live[0] if live else 0)


def accounts(tx: Tx) -> list[Account]:
    """Every account."""
    return [read(tx, row) for (row,) in tx.all("account_ids", tenant=tx.tenant)]


def account(tx: Tx, name: str) -> Account:
    """One account; raises ``NotFound``."""
    row = tx.one("account_named", tenant=tx.tenant, name=name)
    if row is None:
        raise NotFound(f"there is no account '{name}'; 'taxiway account list' shows those that are known", account=name)
    return read(tx, row[0])


def _save(tx: Tx, before: Ledger, after: Account, actor: str, cause: str) -> None:
    """Write what changed. Only what lets more or less through is a change that somebody may wait for."""
    old = before.account
    if after == old:
        return
    if before.tenant != tx.tenant:  # what one tenant's run was told is for no other (I10)
        after, actor = msgspec.structs.replace(after, why=None), PROVIDER
    moved = msgspec.structs.replace(after, credit=old.credit, strikes=old.strikes) != old
    if moved:
        reason = None if after.kind is None else str(after.kind)
        with tx.of(before.tenant):
            version = tx.change(ChangeKind.ACCOUNT, after.name, after.phase, reason, actor, cause)
    else:
        version = old.version
    fields = msgspec.structs.asdict(after)
    for name in ("name", "limit", "live", "agents", "shared", "version"):
        del fields[name]
    tx.run("save_account", account=before.row, size=after.limit, **{**fields, "version": version})
    if before.full or after.phase is not old.phase:
        tx.note(Topic.WORK)
    if after.until != old.until or after.phase is not old.phase:
        due_at = after.until if after.until is not None else tx.now
        if not (after.phase is Phase.PARKED and after.until is None):
            tx.run("move_limited", account=before.row, due_at=due_at)
        tx.note(Topic.TIME)
