"""The verbs of the SQLite store that branch conversations and speak to live turns."""

from __future__ import annotations

from taxiway.core.session import Receipt, Session, Signal
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.tx import Tx
from taxiway.store.verbs import forking, session_reading, signals, telling


class SqliteConversations(SqliteVerbs):
    """One file's conversations; see ``SessionStore``."""

    async def fork_session(self, session: str, key: str, actor: str, title: str | None = None) -> Session:
        """A new session that begins as this one."""

        def operation(tx: Tx) -> Session:
            return session_reading.session(tx, forking.fork(tx, session, key, actor, title), None)

        return await self._first(operation)

    async def tell_task(self, task: str, kind: Signal, text: str | None, actor: str) -> Receipt:
        """A signal for a task's live turn."""
        return await self._first(lambda tx: signals.receipt(tx, telling.tell_task(tx, task, kind, text, actor)))

    async def receipt(self, ref: str) -> Receipt:
        """How far a signal got."""
        return await self._reader.read(lambda tx: signals.receipt(tx, ref))
