"""The SQLite store's verbs on approvals."""

from __future__ import annotations

from taxiway.core.approval import Approval, Question
from taxiway.store.protocol import ApprovalFilter, ApprovalPage, Resumed
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.tx import Tx
from taxiway.store.verbs import approvals, finding, parking


class SqliteApprovals(SqliteVerbs):
    """What a store does with questions, by its writer and its reader."""

    async def ask(self, run: str, fence: int, question: Question) -> Approval:
        """Store a question of a live run."""
        return await self._serve(lambda tx: approvals.ask(tx, run, fence, question))

    async def decide(self, approval: str, allow: bool, why: str | None, actor: str) -> Approval:
        """Store an answer."""

        def operation(tx: Tx) -> Approval:
            approvals.answer(tx, approval, allow, why, actor)
            return approvals.approval(tx, approval)

        return await self._first(operation)

    async def withdraw(self, run: str, fence: int, approval: str) -> None:
        """A run does not want to know any more."""
        await self._serve(lambda tx: approvals.withdraw(tx, run, fence, approval))

    async def resume(self, runner: str, room: int) -> list[Resumed]:
        """Let runs go on that have been answered."""
        return await self._serve(lambda tx: parking.resume(tx, runner, room))

    async def approval(self, approval: str) -> Approval:
        """One approval."""
        return await self._reader.read(lambda tx: approvals.approval(tx, approval))

    async def find_approval(self, ref: str) -> str:
        """The whole id of an approval."""
        return await self._reader.read(lambda tx: finding.find(tx, ref, "appr"))

    async def approvals(self, filter: ApprovalFilter, limit: int, cursor: str | None) -> ApprovalPage:
        """A page of approvals."""
        return await self._reader.read(lambda tx: approvals.approvals(tx, filter, limit, cursor))
