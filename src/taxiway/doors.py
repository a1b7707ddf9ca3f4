"""The verbs of one actor, put together: who speaks, and what each part of the verbs stands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from taxiway.core.bounds import Bounds
from taxiway.engine.account_intake import AccountIntake
from taxiway.engine.approval_intake import ApprovalIntake
from taxiway.engine.feed import Feed
from taxiway.engine.intake import Intake
from taxiway.engine.session_intake import SessionIntake
from taxiway.engine.signal_intake import SignalIntake
from taxiway.engine.statistics import StoreStatistics, TenantStatistics
from taxiway.engine.token_intake import TokenIntake
from taxiway.engine.turn_intake import TurnIntake
from taxiway.store.protocol import Guard, Store


class Doors(NamedTuple):
    """The verbs of one actor on a store, by what they are about."""

    store: Store
    intake: Intake
    sessions: SessionIntake
    approvals: ApprovalIntake
    accounts: AccountIntake
    turns: TurnIntake
    signals: SignalIntake
    tokens: TokenIntake
    feed: Feed
    statistics: TenantStatistics
    store_statistics: StoreStatistics


class Speaking(msgspec.Struct, frozen=True, kw_only=True):
    """Whose verbs are wanted: of an ``actor`` in a ``tenant``, in another ``project`` than usual, for one call that is
    held to a ``guard``; within ``bounds`` where it is a run that asks."""

    actor: str
    tenant: str = "default"
    project: str | None = None
    guard: Guard | None = None
    bounds: Bounds | None = None


MakeDoors = Callable[[Speaking], Doors]
