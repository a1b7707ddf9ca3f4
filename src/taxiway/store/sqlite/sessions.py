"""Sessions, their mailboxes and processes, in SQLite."""

from __future__ import annotations

from taxiway.core.event import Event
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.session import Session, Stopped
from taxiway.core.task import Task
from taxiway.store.protocol import PendingSignal, SessionFilter, SessionPage, TurnFacts, WarmProcess
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.tx import Tx
from taxiway.store.verbs import finish as finishing
from taxiway.store.verbs import reading, session_control, session_reading, sessions
from taxiway.store.verbs import signals as signalling


class SqliteSessions(SqliteVerbs):
    """The verbs of ``SessionStore``."""

    async def make_session(
        self, key: str, project: str, agent: str | None, policy: MailboxPolicy, actor: str, title: str | None = None
    ) -> Session:
        """The session of a key, made when it is new."""

        def operation(tx: Tx) -> Session:
            name = sessions.make_or_find(tx, key, project, agent, policy, actor, title)
            return session_reading.session(tx, name, None)

        return await self._bulk(operation)

    async def set_session(self, session: str, change: MailboxChange, actor: str) -> Session:
        """Change its policy."""

        def operation(tx: Tx) -> Session:
            sessions.set_policy(tx, session, change, actor)
            return session_reading.session(tx, session, None)

        return await self._first(operation)

    async def find_session(self, ref: str, project: str | None) -> str:
        """The whole id of a session."""
        return await self._reader.read(lambda tx: sessions.find_session(tx, ref, project))

    async def keyed_session(self, key: str, project: str) -> Session | None:
        """The session that work of a project means by a key."""
        return await self._reader.read(lambda tx: session_reading.keyed(tx, key, project))

    async def session(self, session: str, reader: str | None = None) -> Session:
        """One session."""
        return await self._reader.read(lambda tx: session_reading.session(tx, session, reader))

    async def sessions(self, filter: SessionFilter, limit: int, cursor: str | None) -> SessionPage:
        """A page of sessions."""
        return await self._reader.read(lambda tx: session_reading.sessions(tx, filter, limit, cursor))

    async def session_tasks(self, session: str, limit: int, after: int) -> list[Task]:
        """Its open tasks."""
        return await self._reader.read(
            lambda tx: session_reading.session_tasks(tx, sessions.row_of(tx, session), limit, after)
        )

    async def earlier_turns(self, session: str, generation: int, limit: int) -> list[Task]:
        """What its turns took."""
        return await self._reader.read(
            lambda tx: session_reading.earlier_turns(tx, sessions.row_of(tx, session), generation, limit)
        )

    async def stop_session(self, session: str, actor: str) -> Task | None:
        """Stop its oldest started run."""

        def operation(tx: Tx) -> Task | None:
            stopped = session_control.stop_one(tx, sessions.row_of(tx, session), actor)
            return None if stopped is None else reading.task(tx, stopped)

        return await self._first(operation)

    async def stop_all_of_session(self, session: str, actor: str) -> Stopped:
        """Stop everything of it."""
        return await self._first(lambda tx: session_control.stop_all(tx, sessions.row_of(tx, session), actor))

    async def reset_session(self, session: str, discard: bool, actor: str) -> Stopped:
        """A new generation."""
        return await self._first(lambda tx: session_control.reset(tx, sessions.row_of(tx, session), discard, actor))

    async def archive_session(self, session: str, archived: bool, actor: str) -> Session:
        """Put it away, or take it back."""

        def operation(tx: Tx) -> Session:
            sessions.archive(tx, session, archived, actor)
            return session_reading.session(tx, session, None)

        return await self._first(operation)

    async def read_session(self, session: str, reader: str) -> Session:
        """Store what a reader has seen."""

        def operation(tx: Tx) -> Session:
            sessions.mark_read(tx, session, reader)
            return session_reading.session(tx, session, reader)

        return await self._first(operation)

    async def session_output(self, run: str, after: int, limit: int) -> tuple[list[Event], int]:
        """Output events of a run."""
        return await self._reader.read(lambda tx: session_reading.output(tx, run, after, limit))

    async def signals(self, runner: str) -> list[PendingSignal]:
        """Unsettled signals of a runner's live runs."""
        return await self._reader.read(lambda tx: signalling.pending(tx, runner))

    async def deliver_signal(self, run: str, fence: int, signal: str) -> None:
        """It has reached its turn."""
        await self._serve(lambda tx: signalling.deliver(tx, finishing.owned(tx, run, fence).id, signal))

    async def settle_signal(self, run: str, fence: int, signal: str, applied: bool, why: str | None) -> None:
        """A signal's receipt."""

        def operation(tx: Tx) -> None:
            row = finishing.owned(tx, run, fence)
            signalling.settle(tx, row.id, row.task_seq, signal, applied, why)

        await self._serve(operation)

    async def tell_session(self, run: str, fence: int, facts: TurnFacts) -> None:
        """What a live turn tells of its session."""
        await self._serve(lambda tx: sessions.tell(tx, finishing.owned(tx, run, fence).id, facts))

    async def opened_process(self, process: WarmProcess) -> None:
        """Write down a session's process."""
        await self._serve(lambda tx: sessions.opened_process(tx, process))

    async def closed_process(self, process: str) -> None:
        """It is gone."""
        await self._serve(lambda tx: sessions.closed_process(tx, process))

    async def outdated_processes(self, runner: str) -> list[str]:
        """Processes that hold no conversation any more."""
        return await self._reader.read(lambda tx: sessions.outdated_processes(tx, runner))

    async def warm_processes(self, runner: str | None = None) -> list[WarmProcess]:
        """Processes of sessions."""
        return await self._reader.read(lambda tx: session_reading.warm_processes(tx, runner))
