"""The verbs on sessions: talk to one, stop it, reset it, read what it did. Everything here is asked of the store."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from taxiway.core import fieldtypes, promptfields
from taxiway.core.errors import Invalid, NotFound, Problem
from taxiway.core.event import EventPage
from taxiway.core.fault import Fault
from taxiway.core.fieldtypes import Bad
from taxiway.core.ids import short_id
from taxiway.core.limits import LIST_PAGE_DEFAULT, SESSIONS_PAGE_MAX
from taxiway.core.mailbox import changed
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.session import Session, Stopped
from taxiway.core.task import Task, TaskState
from taxiway.engine.intake import Intake, checked_reader
from taxiway.store.protocol import SessionFilter, SessionPage, Store, Submitted

TITLE_CHARS_MAX: Final = 200  #: of a title that is given (C30); one that is made of a prompt is shorter


ADDRESSES_MAX: Final = 10_000  #: sessions that a door remembers how to write to


class _Address(NamedTuple):
    """By which key and project a message reaches a session, and its agent; without one, that is asked for each time."""

    key: str
    project: str
    agent: str | None


class SessionIntake:
    """The verbs, for one actor in one project. A session is called by its key, its id, or a unique part of that;
    ``usual`` is the policy of a new mailbox."""

    def __init__(self, store: Store, intake: Intake, actor: str, project: str, usual: MailboxPolicy) -> None:
        self._store = store
        self._intake = intake
        self._actor = actor
        self._project = project
        self._usual = usual
        self._addresses: dict[str, _Address] = {}

    async def make(
        self,
        key: str,
        agent: str | None = None,
        mailbox: Mapping[str, Any] | None = None,
        title: str | None = None,
    ) -> Session:
        """The session of a key, made when there is none; what ``mailbox`` says holds from now on (SQ-15, SQ-16).

        Raises ``Invalid`` with every fault, and ``Conflict`` when the session belongs to another agent.
        """
        problems: list[Problem] = []
        _read(problems, "key", fieldtypes.session_key, key)
        if agent is not None:
            _read(problems, "agent", fieldtypes.name, agent)
        fields = _read(problems, "mailbox", promptfields.mailbox, mailbox or {})
        _refuse(problems)
        change = MailboxChange(**fields)
        known = await self._store.keyed_session(key, self._project)
        project = "" if known is None else known.project
        policy = changed(self._usual, change)
        found = await self._store.make_session(key, project, agent, policy, self._actor, _headline(title))
        if changed(found.policy, change) != found.policy:
            found = await self._store.set_session(found.id, change, self._actor)
        return found

    async def fork(self, ref: str, key: str, title: str | None = None) -> Session:
        """A new session that begins as this one's conversation is at its first turn. Raises ``NoConversation``,
        ``Exists``, ``Archived``, and ``Invalid`` for a key that is none."""
        problems: list[Problem] = []
        _read(problems, "key", fieldtypes.session_key, key)
        _refuse(problems)
        return await self._store.fork_session(await self._find(ref), key, self._actor, _headline(title))

    async def set(self, ref: str, mailbox: Mapping[str, Any], agent: str | None = None) -> Session:
        """Change fields of its policy; one that belongs to no agent yet may be given one."""
        problems: list[Problem] = []
        fields = _read(problems, "mailbox", promptfields.mailbox, mailbox)
        if agent is not None:
            _read(problems, "agent", fieldtypes.name, agent)
        _refuse(problems)
        found = await self.get(ref)
        if agent is not None:
            found = await self._store.make_session(found.key, found.project, agent, found.policy, self._actor)
        return await self._store.set_session(found.id, MailboxChange(**fields), self._actor) if fields else found

    async def send(self, ref: str, fields: Mapping[str, Any]) -> Submitted:
        """Admit one message (fields as those of a task) and say what is known of it now. Raises ``MailboxFull``."""
        to = self._addresses.get(ref) or await self._address(ref)
        message = {**fields, "session": to.key}
        if message.get("prompt") is not None and message.get("agent") is None:
            message["agent"] = to.agent
        return (await self._intake.submit_many([message], to.project))[0]

    async def stop(self, ref: str) -> Task | None:
        """Ask that its oldest started run ends; the task as it then is, ``None`` when nothing runs (SQ-40)."""
        return await self._store.stop_session(await self._find(ref), self._actor)

    async def stop_all(self, ref: str) -> Stopped:
        """Cancel what waits, stop what runs, and say how many of each (SQ-43, SQ-44)."""
        return await self._store.stop_all_of_session(await self._find(ref), self._actor)

    async def reset(self, ref: str, discard: bool = False) -> Stopped:
        """Begin a new conversation; what waits is kept unless ``discard`` (SQ-49 to SQ-52)."""
        return await self._store.reset_session(await self._find(ref), discard, self._actor)

    async def archive(self, ref: str, archived: bool = True) -> Session:
        """Put it away, or take it back. Raises ``Conflict`` while something of it runs or waits."""
        return await self._store.archive_session(await self._find(ref), archived, self._actor)

    async def get(self, ref: str, reader: str | None = None) -> Session:
        """One session, as ``reader`` sees it."""
        return await self._store.session(await self._find(ref), _checked_reader(reader))

    async def read(self, ref: str, reader: str) -> Session:
        """Mark it as seen by a reader, as it is now (C32)."""
        return await self._store.read_session(await self._find(ref), checked_reader(reader))

    async def tasks(self, ref: str, limit: float = LIST_PAGE_DEFAULT, after: int = 0) -> list[Task]:
        """Its open tasks in order of submission, behind the submission number ``after``."""
        return await self._store.session_tasks(await self._find(ref), page_size(limit), after)

    async def page(
        self, wanted: SessionFilter, limit: float = LIST_PAGE_DEFAULT, cursor: str | None = None
    ) -> SessionPage:
        """A page of sessions: active first, then unread, then by last activity (C33 to C36)."""
        _checked_reader(wanted.reader)
        return await self._store.sessions(wanted, page_size(limit), cursor)

    async def trace(
        self, ref: str, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT
    ) -> EventPage:
        """A page of all events of one run: the requested, else the live, else the last (C37)."""
        found = await self._run_of(await self.get(ref), run)
        if found is None:
            return EventPage(None, [], None)
        items = await self._store.events(found, after, page_size(limit))
        return EventPage(found, items, items[-1].seq if items else None)

    async def output(
        self, ref: str, run: str | None = None, after: int = 0, limit: float = LIST_PAGE_DEFAULT
    ) -> EventPage:
        """The same of what it wrote; the cursor passes over everything else (C38, C39)."""
        found = await self._run_of(await self.get(ref), run)
        if found is None:
            return EventPage(None, [], None)
        items, reached = await self._store.session_output(found, after, page_size(limit))
        return EventPage(found, items, reached if reached > after else None)

    async def _address(self, ref: str) -> _Address:
        """Where a message to a session goes: none of it ever changes, so it is looked up once."""
        found = await self.get(ref)
        meant = await self._store.keyed_session(found.key, self._project)
        project = self._project if meant is not None and meant.id == found.id else found.project
        to = _Address(found.key, project, found.agent)
        if ref == found.id:
            if len(self._addresses) >= ADDRESSES_MAX:
                self._addresses.clear()
            self._addresses[ref] = to
        return to

    async def _find(self, ref: str) -> str:
        return await self._store.find_session(ref, self._project)

    async def _run_of(self, found: Session, wanted: str | None) -> str | None:
        if wanted is not None:
            run = await self._store.run(await self._store.find_run(wanted))
            if (await self._store.task(run.task)).session != found.id:
                raise NotFound(f"run {short_id(run.id)} is none of session '{found.key}'", run=run.id, session=found.id)
            return run.id
        if found.live:
            tasks = await self._store.session_tasks(found.id, SESSIONS_PAGE_MAX, 0)
            live = [task.run for task in tasks if task.state is TaskState.RUNNING and task.run is not None]
            if live and found.last_run not in live:
                return live[0]
        return found.last_run


def page_size(limit: float) -> int:
    """A page's length: what is no number of things becomes 50, and it is 1 to 100 (C35)."""
    return max(1, min(int(limit), SESSIONS_PAGE_MAX)) if math.isfinite(limit) else LIST_PAGE_DEFAULT


def _headline(title: str | None) -> str | None:
    return None if title is None else title.strip()[:TITLE_CHARS_MAX] or None


def _checked_reader(reader: str | None) -> str | None:
    return None if reader is None else checked_reader(reader)


def _read(problems: list[Problem], field: str, reader: Callable[[Any], Any], value: Any) -> Any:
    try:
        return reader(value)
    except Bad as bad:
        problems += [Fault((field, *one.path), one.message, one.hint).problem() for one in (bad, *bad.others)]
        return {}


def _refuse(problems: list[Problem]) -> None:
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise Invalid(f"this is no session: {problems[0]}{more}", problems)
