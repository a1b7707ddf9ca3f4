"""The verbs of the SQLite store that branch conversations and speak to live turns."""

from __future__ import annotations

from taxiway.core.session import Session
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.tx import Tx
from taxiway.store.verbs import forking, session_reading


class SqliteConversations(SqliteVerbs):
    """One file's conversations; see ``SessionStore``."""

    async def fork_session(self, session: str, key: str, actor: str, title: str | None = None) -> Session:
        """A new session that begins as this one."""

        def operation(tx: Tx) -> Session:
            return session_reading.session(tx, forking.fork(tx, session, key, actor, title), None)

        return await self._first(operation)
