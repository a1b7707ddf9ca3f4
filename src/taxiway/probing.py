"""Which agents this machine has, and what they can do: claimed by their adapter, or tried on the real program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import msgspec

from taxiway.agentreports import TRIALS_FILE
from taxiway.agents.adapters import driver_of, program_of
from taxiway.agents.dialogue import Dialogue, Interrupt, Opening, Ready, ThreadKnown, Turn, TurnEnded, Used
from taxiway.agents.environment import child_environment
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, How, Launch, Output, SpawnFailure
from taxiway.clock import Clock, Ids, SystemClock, system_chance
from taxiway.config import Loaded, surroundings
from taxiway.core.agent import Abilities, Access, AgentKind
from taxiway.core.agentpresets import PRESETS
from taxiway.core.safe import safe_line
from taxiway.core.secretrefs import secret_in
from taxiway.core.task import Usage
from taxiway.diagnosis import tag_prefix
from taxiway.secretsources import resolve_secrets
from taxiway.store.sqlite.opening import folder_beside
from taxiway.trials import Trial, Trials

Event = TypeVar("Event")
MakeEnvironment = Callable[[AgentKind, str], dict[str, str]]

VERSION_S_MAX: Final = 10.0
VERSION_CHARS_MAX: Final = 60
TURN_S_MAX: Final = 120.0
INTERRUPT_AFTER_S: Final = 1.0
END_S_MAX: Final = 5.0
GREETING: Final = "Answer with the one word ready. Use no tool."
ERRAND: Final = "Count slowly from 1 to 500, each number on a line of its own. Use no tool."


class KnownAgent(msgspec.Struct, frozen=True, kw_only=True):
    """One agent as this machine sees it: where its program is (``None``: it is not here), and what it says it is."""

    name: str
    kind: AgentKind
    path: str | None
    version: str | None
    abilities: Abilities
    trial: Trial | None = None


class Prober:
    """Looks at agents and tries them. ``make_environment`` gives the whole environment of an agent's process by its
    tag, and ``new_tag`` such a tag."""

    def __init__(
        self, process: ProcessAgent, clock: Clock, make_environment: MakeEnvironment, new_tag: Callable[[], str]
    ) -> None:
        self._process = process
        self._clock = clock
        self._make_environment = make_environment
        self._new_tag = new_tag

    async def look(self, name: str, kind: AgentKind, trial: Trial | None) -> KnownAgent:
        """One agent; its program is run for its version only, and only where that is known to be harmless."""
        path = self._path(kind)
        version = None if path is None else await self._version(name, kind, path)
        if trial is not None and trial.version != version:
            trial = None  # it was another program
        abilities = driver_of(kind, self._process).abilities
        return KnownAgent(name=name, kind=kind, path=path, version=version, abilities=abilities, trial=trial)

    async def probe(self, agent: KnownAgent, turns: bool) -> Trial:
        """Start it, and with ``turns`` have it answer, go on in a new process, and be interrupted. It works in an empty
        folder, and may only read."""
        found = _Findings()
        with TemporaryDirectory(prefix="taxiway-probe-") as folder:
            try:
                await self._converse(agent, folder, turns, found)
            except _Disappointed as error:
                found.error = str(error)
        at = self._clock.now_ms()
        return Trial(version=agent.version, at=at, ready_s=found.ready_s, tried=found.tried, error=found.error)

    async def _converse(self, agent: KnownAgent, folder: str, turns: bool, found: _Findings) -> None:
        began = self._clock.elapsed_s()
        async with self._opened(agent.kind, folder, None, found) as dialogue:
            found.tried["start"] = True
            found.ready_s = round(self._clock.elapsed_s() - began, 3)
            if not turns:
                return
            await _take_turn(dialogue, GREETING, found)
            found.tried["turn"] = True
            if agent.abilities.usage:
                found.tried["usage"] = found.used
            if agent.abilities.interrupt:
                found.tried["interrupt"] = await _is_interrupted(dialogue, found)
        if agent.abilities.resume:
            found.tried["resume"] = False
            async with self._opened(agent.kind, folder, found.thread, found) as dialogue:
                await _take_turn(dialogue, GREETING, found)
                found.tried["resume"] = found.thread is not None

    @asynccontextmanager
    async def _opened(
        self, kind: AgentKind, folder: str, thread: str | None, found: _Findings
    ) -> AsyncIterator[Dialogue]:
        tag = self._new_tag()
        opening = Opening(
            cwd=folder,
            env=self._make_environment(kind, tag),
            tag=tag,
            access=Access.ANALYSIS,
            model=kind.model,
            thread=thread,
        )
        opened = await driver_of(kind, self._process).open(opening)
        if isinstance(opened, SpawnFailure):
            raise _Disappointed(f"it cannot be started: {opened.text}")
        try:
            await opened.send(Go())
            await _until(opened, Ready, kind.start_s, found, "it takes no turn")
            yield opened
        finally:
            await _end(opened)

    def _path(self, kind: AgentKind) -> str | None:
        return program_of(kind, self._make_environment(kind, ""))

    async def _version(self, name: str, kind: AgentKind, path: str) -> str | None:
        preset = PRESETS.get(kind.preset or name)
        program = preset.fields["command"][0] if preset is not None else None
        if preset is None or Path(path).name != program:
            return None
        tag = self._new_tag()
        launch = Launch(argv=(path, *preset.version), cwd="/", env=self._make_environment(kind, tag), tag=tag)
        opened = await self._process.open(launch)
        if isinstance(opened, SpawnFailure):
            return None
        said = bytearray()
        await opened.send(Go())
        try:
            async with asyncio.timeout(VERSION_S_MAX):
                while isinstance(event := await opened.next(), Output):
                    if event.stream == "stdout" and len(said) < VERSION_CHARS_MAX * 4:
                        said += event.data
        except TimeoutError:
            await opened.close(How.KILL)
        return safe_line(said.decode("utf-8", "replace").strip().split("\n")[0])[:VERSION_CHARS_MAX] or None


@asynccontextmanager
async def open_prober(store: Path, secrets: Mapping[str, str]) -> AsyncIterator[Prober]:
    """A prober for agents of this machine; their processes carry the tag of ``store``. ``secrets`` by name."""
    clock, environ = SystemClock(), surroundings().environ
    ids = Ids(clock, system_chance())
    process = ProcessAgent()

    def environment(kind: AgentKind, tag: str) -> dict[str, str]:
        return child_environment(environ, {name: secret_in(text, secrets) for name, text in kind.env.items()}, tag)

    try:
        yield Prober(process, clock, environment, lambda: tag_prefix(store) + ids.new("proc"))
    finally:
        await process.aclose()


def trials_beside(store: Path) -> Trials:
    """What was tried before, beside a store."""
    return Trials(folder_beside(store) / TRIALS_FILE)


def secrets_of(loaded: Loaded) -> dict[str, str]:
    """The values of all secrets of a configuration. Raises ``Invalid`` for those that cannot be had."""
    return resolve_secrets(loaded.config.secrets, surroundings().environ)


class _Disappointed(Exception):
    """The agent did not do what was tried; in a sentence."""


class _Findings:
    def __init__(self) -> None:
        self.tried: dict[str, bool] = {}
        self.ready_s: float | None = None
        self.thread: str | None = None
        self.used = False
        self.error: str | None = None


async def _until(dialogue: Dialogue, wanted: type[Event], seconds: float, found: _Findings, otherwise: str) -> Event:
    try:
        async with asyncio.timeout(seconds):
            while True:
                event = await dialogue.next()
                if isinstance(event, ThreadKnown):
                    found.thread = event.thread
                if isinstance(event, Used) and event.usage != Usage():
                    found.used = True
                if isinstance(event, wanted):
                    return event
                if isinstance(event, TurnEnded):
                    raise _Disappointed(f"{otherwise}: {event.error or event.reason}")
                if isinstance(event, Ended):
                    raise _Disappointed(f"{otherwise}: its program ended with status {event.exit_code}")
    except TimeoutError:
        raise _Disappointed(f"{otherwise}: nothing came within {seconds:g} s") from None


async def _take_turn(dialogue: Dialogue, text: str, found: _Findings) -> None:
    await dialogue.send(Turn(text))
    end = await _until(dialogue, TurnEnded, TURN_S_MAX, found, "its turn did not end")
    if end.reason is not None:
        raise _Disappointed(f"its turn failed ({end.reason}): {end.error}")


async def _is_interrupted(dialogue: Dialogue, found: _Findings) -> bool:
    await dialogue.send(Turn(ERRAND))
    await asyncio.sleep(INTERRUPT_AFTER_S)
    await dialogue.send(Interrupt())
    end = await _until(dialogue, TurnEnded, TURN_S_MAX, found, "its interrupted turn did not end")
    return end.interrupted


async def _end(dialogue: Dialogue) -> None:
    for how in (How.ASK, How.TERM, How.KILL):
        await dialogue.close(how)
        try:
            async with asyncio.timeout(END_S_MAX):
                while not isinstance(await dialogue.next(), Ended):
                    pass
                return
        except TimeoutError:
            continue
    dialogue.drop()
