"""The verbs on approvals: see what agents ask, and answer."""

from __future__ import annotations

from typing import Final

from taxiway.core.approval import TEXT_CHARS_MAX, Approval, ApprovalState
from taxiway.core.errors import Invalid, TooLarge
from taxiway.core.nearest import suggestion
from taxiway.core.redact import Scrubber
from taxiway.engine.intake import Intake
from taxiway.store.protocol import ApprovalFilter, ApprovalPage, Store

ALL: Final = "all"


class ApprovalIntake:
    """The verbs, for one actor. An approval is called by its id, or by four or more characters of its start or end."""

    def __init__(self, store: Store, intake: Intake, actor: str, scrubber: Scrubber) -> None:
        self._store = store
        self._intake = intake
        self._actor = actor
        self._scrubber = scrubber

    async def get(self, approval: str) -> Approval:
        """One approval."""
        return await self._store.approval(await self._store.find_approval(approval))

    async def page(self, state: str, task: str | None, limit: int, cursor: str | None) -> ApprovalPage:
        """A page of those in a state (``all``: in any), of one task or of all, in the order of asking."""
        of_task = None if task is None else await self._intake.find(task)
        return await self._store.approvals(ApprovalFilter(_states(state), of_task), limit, cursor)

    async def decide(self, approval: str, allow: bool, reason: str | None) -> Approval:
        """Store an answer, with a reason that the agent is told. The first answer stands."""
        if reason is not None and len(reason) > TEXT_CHARS_MAX:
            raise TooLarge(f"the reason has {len(reason):,} characters; {TEXT_CHARS_MAX:,} are the most")
        why = None if not reason else self._scrubber.text(reason).encode("utf-8", "replace").decode()
        return await self._store.decide(await self._store.find_approval(approval), allow, why, self._actor)


def _states(state: str) -> frozenset[ApprovalState]:
    if state == ALL:
        return frozenset()
    legal = [str(one) for one in ApprovalState]
    if state not in legal:
        hint = suggestion(state, legal) or f"there are {', '.join(legal)} and {ALL}"
        raise Invalid(f"'{state}' is no state of an approval: {hint}")
    return frozenset({ApprovalState(state)})
