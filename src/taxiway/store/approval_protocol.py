"""The part of a store's contract that is about approvals: what agents ask, and what people answer."""

from __future__ import annotations

from typing import Protocol

import msgspec

from taxiway.core.approval import Approval, ApprovalState


class ApprovalFilter(msgspec.Struct, frozen=True):
    """Which approvals a list shows: all conditions must hold; ``task`` is an id."""

    states: frozenset[ApprovalState] = frozenset()
    task: str | None = None


class ApprovalPage(msgspec.Struct, frozen=True):
    """One page in the order in which they were asked; ``cursor`` goes on behind it, ``None`` at the end."""

    items: list[Approval]
    cursor: str | None


class ApprovalStore(Protocol):
    """What the engine and the doors need of a store for questions."""

    async def decide(self, approval: str, allow: bool, why: str | None, actor: str) -> Approval:
        """Store an answer; when nothing else is open its run takes its slots again as soon as there is room.

        Raises ``NotFound``, and ``NotPending`` when somebody was first, it has expired, or it is void.
        """
        ...

    async def approval(self, approval: str) -> Approval:
        """One approval; raises ``NotFound``."""
        ...

    async def find_approval(self, ref: str) -> str:
        """The whole id for a whole id, or a unique part of four or more characters of its start or end."""
        ...

    async def approvals(self, filter: ApprovalFilter, limit: int, cursor: str | None) -> ApprovalPage:
        """A page of approvals."""
        ...
