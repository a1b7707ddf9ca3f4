"""What a door does with sessions besides sending: makes them, changes their policy, stops, resets, puts away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from taxiway.engine.session_intake import SessionIntake
from taxiway.testing.simulator.workload import SESSIONS

if TYPE_CHECKING:
    from taxiway.testing.simulator.process import Process
    from taxiway.testing.simulator.world import World


class Sender:
    """One door's verbs on sessions."""

    def __init__(self, world: World, process: Process, sessions: SessionIntake) -> None:
        self._world = world
        self._process = process
        self._dice = process.dice
        self._sessions = sessions

    def next_action(self) -> Callable[[], Awaitable[None]]:
        """The next thing to ask for."""
        return self._dice.pick(
            (self._set, self._set, self._set, self._stop, self._stop, self._stop_all, self._reset, self._archive)
        )

    async def _set(self) -> None:
        key = self._dice.pick(SESSIONS)
        found = await self._sessions.make(key, mailbox=self._world.workload.policy())
        self._note(f"session {key} is {found.policy}")

    async def _stop(self) -> None:
        key = self._dice.pick(SESSIONS)
        stopped = await self._sessions.stop(key)
        self._note(f"stop of {key}: {stopped and stopped.id}")

    async def _stop_all(self) -> None:
        key = self._dice.pick(SESSIONS)
        self._note(f"stop all of {key}: {await self._sessions.stop_all(key)}")

    async def _reset(self) -> None:
        key, discard = self._dice.pick(SESSIONS), self._dice.hit(0.4)
        self._note(f"reset of {key}, discard {discard}: {await self._sessions.reset(key, discard)}")

    async def _archive(self) -> None:
        key = self._dice.pick(SESSIONS)
        await self._sessions.archive(key, self._dice.hit(0.5))
        self._note(f"archive {key}")

    def _note(self, what: str) -> None:
        self._world.note(self._process.name, what)
