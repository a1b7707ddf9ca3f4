"""The part of a store's contract that is about approvals: what agents ask, and what people answer."""

from __future__ import annotations

from typing import Protocol

import msgspec

from taxiway.core.approval import Answered, Approval, ApprovalState, Question


class ApprovalFilter(msgspec.Struct, frozen=True):
    """Which approvals a list shows: all conditions must hold; ``task`` is an id."""

    states: frozenset[ApprovalState] = frozenset()
    task: str | None = None


class ApprovalPage(msgspec.Struct, frozen=True):
    """One page in the order in which they were asked; ``cursor`` goes on behind it, ``None`` at the end."""

    items: list[Approval]
    cursor: str | None


class Resumed(msgspec.Struct, frozen=True):
    """A run that waited for a person and has its slots again, with the answers that it waited for (none, where it has
    withdrawn its questions)."""

    run: str
    fence: int
    answers: tuple[Answered, ...]


class ApprovalStore(Protocol):
    """What the engine and the doors need of a store for questions."""

    async def ask(self, run: str, fence: int, question: Question) -> Approval:
        """Store a question of a live run. Pending: the run waits from now on, and its slots are free. Else what its
        rule says has been decided (``void``: the run is being stopped), and the run goes on. Raises ``LeaseLost``, and
        ``IllegalTransition`` while its process has not been recorded."""
        ...

    async def decide(self, approval: str, allow: bool, why: str | None, actor: str) -> Approval:
        """Store an answer; when nothing else is open its run takes its slots again as soon as there is room.

        Raises ``NotFound``, and ``NotPending`` when somebody was first, it has expired, or it is void.
        """
        ...

    async def withdraw(self, run: str, fence: int, approval: str) -> None:
        """The run does not want to know any more. Raises ``LeaseLost``."""
        ...

    async def resume(self, runner: str, room: int) -> list[Resumed]:
        """Let up to ``room`` runs of a runner go on, first answered first: those with nothing open any more, for which
        their lanes and queues have room."""
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
