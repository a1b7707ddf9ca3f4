"""A subject on a bench: its agent is opened for a case, and when the case is over nothing of it may live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
import pytest

from taxiway.agents.adapters import driver_of
from taxiway.agents.dialogue import DialogueAgent, Opening
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import SpawnFailure
from taxiway.clock import Ids, SystemClock, system_chance
from taxiway.core.agent import AgentKind
from taxiway.testing.agent_conformance.cases import Case, lacking
from taxiway.testing.agent_conformance.scene import CannotPlay, Scene, Script, Staged, Step, Surroundings
from taxiway.testing.agent_conformance.talk import Talk

LEASE_S: Final = 600.0  #: nobody pings here
NOWHERE: Final = "/nonexistent/program"
PROPERTY: Final = "agent conformance"  #: under which name a test's report tells what it was about
Excuse = Callable[[str], None]


class Suite:
    """Cases for one subject. Subclass it as ``class TestX(YourAgent, X)``; ``YourAgent`` has ``stage``.

    ``cannot`` says for a case why your agent cannot pass it. The case is run all the same, and has to fail: one that
    passes is an error. Only where trying makes no sense (it would take minutes), put it into ``untried`` instead.
    Cases that need an ability which the agent does not claim cannot be passed either, without a word of yours.
    """

    name: ClassVar[str] = "agent"
    cannot: ClassVar[Mapping[Case, str]] = {}
    untried: ClassVar[Mapping[Case, str]] = {}

    async def stage(self, scene: Scene, around: Surroundings) -> Staged:
        """Have your agent ready to play a scene."""
        raise NotImplementedError("say how your agent gets its script")

    @pytest.fixture
    async def bench(
        self, request: pytest.FixtureRequest, tmp_path: Path, record_property: Callable[[str, object], None]
    ) -> AsyncIterator[Bench]:
        """Opens the subject's agent; afterwards nothing of it is left (I6)."""
        case: Case = request.function.case
        record_property(PROPERTY, f"{self.name}\n{case.name}")
        if case in self.untried:
            pytest.skip(self.untried[case])

        def excuse(why: str) -> None:
            request.node.add_marker(pytest.mark.xfail(reason=why, raises=AssertionError, strict=True))

        if case in self.cannot:
            excuse(self.cannot[case])
        work = tmp_path / "work"
        work.mkdir()
        process = ProcessAgent()
        bench = Bench(self, case, Surroundings(tmp_path, work, process), excuse)
        try:
            yield bench
        finally:
            await bench.put_away()
            await process.aclose()


class Bench:
    """One agent, and the talks with it."""

    def __init__(self, suite: Suite, case: Case, around: Surroundings, excuse: Excuse) -> None:
        self.work = around.work
        self.clock = SystemClock()
        self.degraded = False  #: whether what the agent says is read off a screen
        self._suite = suite
        self._case = case
        self._around = around
        self._excuse = excuse
        self._ids = Ids(self.clock, system_chance())
        self._talks: list[Talk] = []

    async def talk(self, *turns: Script | Step, schema: dict[str, Any] | None = None) -> Talk:
        """The agent, ready to take these turns."""
        scripts = tuple(turn if isinstance(turn, tuple) else (turn,) for turn in turns)
        return await self.ready(await self.stage(Scene(turns=scripts)), schema=schema)

    async def stage(self, scene: Scene) -> Staged:
        """The agent with its script, not opened yet."""
        try:
            staged = await self._suite.stage(scene, self._around)
        except CannotPlay as unplayable:
            pytest.skip(str(unplayable))
        if scene.missing and isinstance(staged.agent, AgentKind):
            kind = msgspec.structs.replace(staged.agent, command=(NOWHERE, *staged.agent.command[1:]))
            staged = msgspec.structs.replace(staged, agent=kind)
        abilities = self._driver(staged).abilities
        self.degraded = abilities.degraded
        why = lacking(self._case, abilities)
        if why is not None and self._case not in self._suite.cannot:
            self._excuse(why)
        return staged

    async def ready(self, staged: Staged, **opening: Any) -> Talk:
        """The agent, ready for its first turn."""
        talk = await self.open(staged, **opening)
        assert isinstance(talk, Talk), f"it could not be started: {talk.text}"
        assert talk.is_ready, f"it is not ready: {talk.events}"
        return talk

    async def open(self, staged: Staged, turns: int = 0, **opening: Any) -> Talk | SpawnFailure:
        """The agent, started; ``turns`` of its scene were taken by another process. ``opening`` are fields of the
        `Opening`."""
        tag = self._ids.new("conformance")
        fields = {
            "cwd": str(self.work),
            "env": dict(staged.env),
            "access": staged.access,
            "lease_s": LEASE_S,
            **opening,
        }
        dialogue = await self._driver(staged).open(Opening(tag=tag, **fields))
        if isinstance(dialogue, SpawnFailure):
            return dialogue
        talk = Talk(dialogue, tag, staged.prompts[turns:])
        self._talks.append(talk)
        await talk.start()
        return talk

    async def put_away(self) -> None:
        """End what is still there; nothing of it may be left."""
        for talk in self._talks:
            talk.dialogue.drop()
        for talk in self._talks:
            await talk.vanished()

    def _driver(self, staged: Staged) -> DialogueAgent:
        agent = staged.agent
        return driver_of(agent, self._around.process) if isinstance(agent, AgentKind) else agent
