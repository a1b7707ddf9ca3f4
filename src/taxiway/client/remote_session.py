"""The verbs on sessions of a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from taxiway.client.connection import Connection
from taxiway.core.event import EventPage
from taxiway.core.limits import LIST_PAGE_DEFAULT
from taxiway.core.session import Session, Stopped
from taxiway.core.task import Task
from taxiway.store.protocol import SessionPage, Submitted
from taxiway.wire.records import event_of, record, session_of, stopped_of, task_of


class RemoteSessions:
    """What ``SessionHandle`` needs, asked of a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def make(
        self, key: str, agent: str | None = None, mailbox: Mapping[str, Any] | None = None, title: str | None = None
    ) -> Session:
        """The session of a key, made when there is none."""
        body = {"key": key, "agent": agent, "mailbox": dict(mailbox or {}), "title": title}
        return session_of(await self._connection.change("POST", "/sessions", body))

    async def send(self, ref: str, fields: Mapping[str, Any]) -> Submitted:
        """Admit one message."""
        key = fields.get("idempotency_key")
        document = await self._connection.change("POST", f"{_at(ref)}/messages", dict(fields), key)
        return record(Submitted, document, created=document["created"] or key is None)

    async def set(self, ref: str, mailbox: Mapping[str, Any], agent: str | None = None) -> Session:
        """Change its policy."""
        return session_of(await self._connection.change("PATCH", _at(ref), {"mailbox": dict(mailbox), "agent": agent}))

    async def fork(self, ref: str, key: str, title: str | None = None) -> Session:
        """A new session that begins as this one."""
        return session_of(await self._connection.change("POST", f"{_at(ref)}/fork", {"key": key, "title": title}))

    async def stop(self, ref: str) -> Task | None:
        """Stop its oldest run."""
        found = (await self._connection.change("POST", f"{_at(ref)}/stop"))["task"]
        return None if found is None else task_of(found)

    async def stop_all(self, ref: str) -> Stopped:
        """Stop what runs, cancel what waits."""
        return stopped_of(await self._connection.change("POST", f"{_at(ref)}/stop-all"))

    async def reset(self, ref: str, discard: bool = False) -> Stopped:
        """Begin a new conversation."""
        return stopped_of(await self._connection.change("POST", f"{_at(ref)}/reset", {"discard": discard}))

    async def archive(self, ref: str, archived: bool = True) -> Session:
        """Put it away, or take it back."""
        return session_of(await self._connection.change("POST", f"{_at(ref)}/archive", {"archived": archived}))

    async def get(self, ref: str, reader: str | None = None) -> Session:
        """The session as it is."""
        return session_of(await self._connection.get(_at(ref), reader=reader))

    async def read(self, ref: str, reader: str) -> Session:
        """Mark it as seen."""
        return session_of(await self._connection.change("POST", f"{_at(ref)}/read", {"reader": reader}))

    async def tasks(self, ref: str, limit: float = LIST_PAGE_DEFAULT, after: int = 0) -> list[Task]:
        """Its open tasks."""
        page = await self._connection.get(f"{_at(ref)}/tasks", limit=limit, after=after)
        return [task_of(document) for document in page["items"]]

    async def page(
        self, state: str, reader: str | None, agent: str | None, archived: bool, limit: float, cursor: str | None
    ) -> SessionPage:
        """A page of sessions."""
        page = await self._connection.get(
            "/sessions", state=state, reader=reader, agent=agent, archived=archived, limit=limit, cursor=cursor
        )
        return SessionPage([session_of(document) for document in page["items"]], page["cursor"])

    async def trace(
        self, ref: str, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT
    ) -> EventPage:
        """Events of a run."""
        return _page(await self._connection.get(f"{_at(ref)}/trace", run=run, after=after, limit=limit))

    async def output(
        self, ref: str, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT
    ) -> EventPage:
        """Output of a run."""
        return _page(await self._connection.get(f"{_at(ref)}/output", run=run, after=after, limit=limit))


def _at(ref: str) -> str:
    return f"/sessions/{quote(ref, safe='')}"


def _page(document: Mapping[str, Any]) -> EventPage:
    return EventPage(document["run"], [event_of(event) for event in document["items"]], document["cursor"])
