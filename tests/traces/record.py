"""Records traces from the real agents against the stub model, in real time: ``python -m tests.traces [NAME …]``.

A trace holds what the engine would know of a turn, and nothing that anybody said.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from taxiway.agents.adapters import driver_of
from taxiway.agents.dialogue import Answer, Asked, Dialogue, Opening, Ready, Turn, TurnEnded
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, How, SpawnFailure
from taxiway.agents.pulse import take_pulse
from taxiway.core.agent import Access, Adapter, AgentKind
from taxiway.core.vitals import Evidence, Printed, Questioned, Replied, Started, TurnBegun
from taxiway.engine.evidence import evidence_of
from tests.agents import homes
from tests.stub_model.server import StubModel
from tests.traces.scenarios import Scenario
from tests.traces.trace import Head, Line, write

PULSE_S: Final = 15.0
CLOSE_S: Final = 20.0
LEASE_S: Final = 3600.0
#: What makes a program speak its protocol.
WORDS: Final = {"codex": ("app-server",), "gemini": ("--acp",), "opencode": ("acp",)}
#: How often a program tries again by itself, when it is left to it.
PATIENT: Final = {"CLAUDE_CODE_MAX_RETRIES": "10"}


class Recording:
    """One turn being recorded."""

    def __init__(self, dialogue: Dialogue, unanswered: bool) -> None:
        self._dialogue = dialogue
        self._began_s = time.monotonic()
        self._unanswered = unanswered
        self._bytes = 0
        self.lines: list[Line] = []

    def saw(self, evidence: Evidence) -> None:
        """Write down a piece of evidence, of now."""
        self.lines.append(Line(round(time.monotonic() - self._began_s, 2), evidence))

    async def turn(self, text: str) -> None:
        """The start and one turn, until it has ended."""
        self.saw(Started())
        await self._dialogue.send(Go())
        async with asyncio.TaskGroup() as group:
            feeler = group.create_task(self._feel())
            while True:
                event = await self._dialogue.next()
                if isinstance(event, TurnEnded | Ended):
                    break
                if isinstance(event, Asked):
                    await self._asked(event)
                else:
                    self.saw(evidence_of(event, time.time_ns() // 1_000_000))
                if isinstance(event, Ready):
                    self.saw(TurnBegun())
                    await self._dialogue.send(Turn(text))
            feeler.cancel()

    async def _asked(self, asked: Asked) -> None:
        """What it asks is allowed, unless that is what is recorded."""
        self.saw(Questioned())
        if not self._unanswered:
            await self._dialogue.send(Answer(asked.id, True))
            self.saw(Replied())

    async def _feel(self) -> None:
        while True:
            await asyncio.sleep(PULSE_S)
            if self._dialogue.bytes_heard != self._bytes:
                self._bytes = self._dialogue.bytes_heard
                self.saw(Printed())
            pulse = await take_pulse(self._dialogue.mark)
            if pulse is not None:
                self.saw(pulse)


async def record(scenario: Scenario, folder: Path, out: Path, stub: StubModel, process: ProcessAgent) -> None:
    """One scenario, in a home of its own."""
    home = _home(scenario, folder / scenario.name, stub.url).lay()
    command = ("sh", "-c", "sleep 1000") if scenario.mute else (*home.argv, *WORDS.get(scenario.cli, ()))
    kind = AgentKind(adapter=scenario.adapter, command=command)
    opening = Opening(
        cwd=str(home.work),
        env={**home.environ, **(PATIENT if scenario.patient else {})},
        tag=f"trace-{secrets.token_hex(6)}",
        access=Access.WRITE if scenario.adapter is Adapter.CODEX else Access.AUTO,
        lease_s=LEASE_S,
    )
    dialogue = await driver_of(kind, process).open(opening)
    assert not isinstance(dialogue, SpawnFailure), dialogue
    recording = Recording(dialogue, scenario.question)
    prompt = f"[[stub: {scenario.play} ;; say done]]" if "say" not in scenario.play else f"[[stub: {scenario.play}]]"
    try:
        async with asyncio.timeout(scenario.seconds):
            await recording.turn(prompt)
    except TimeoutError:
        pass
    await dialogue.close(How.KILL)
    async with asyncio.timeout(CLOSE_S):
        while not isinstance(await dialogue.next(), Ended):
            pass
    head = Head(scenario.name, "recorded", scenario.works)
    write(out / f"{scenario.name}.jsonl", head, recording.lines, scenario.marks)


def _home(scenario: Scenario, folder: Path, url: str) -> homes.Home:
    match scenario.cli:
        case "codex":
            return homes.codex(folder, url)
        case "claude":
            return homes.claude(folder, url, allow=() if scenario.question else ("Bash",))
        case "gemini":
            home = homes.gemini(folder, url)
            if scenario.patient:
                settings = msgspec.json.decode(home.files[".gemini/settings.json"])
                del settings["general"]["maxAttempts"]
                home.files[".gemini/settings.json"] = msgspec.json.encode(settings).decode()
            return home
        case _:
            return homes.opencode(folder, url)


async def record_all(scenarios: list[Scenario], folder: Path, out: Path, at_once: int) -> None:
    """Every scenario, so many at once."""
    room = asyncio.Semaphore(at_once)
    process = ProcessAgent()

    async def one(scenario: Scenario) -> None:
        async with room:
            try:
                await record(scenario, folder, out, stub, process)
            except Exception as error:
                print(f"{scenario.name}: {error!r}", file=sys.stderr)
            else:
                print(f"{scenario.name}: recorded", file=sys.stderr)

    try:
        async with StubModel() as stub, asyncio.TaskGroup() as group:
            for scenario in scenarios:
                group.create_task(one(scenario))
    finally:
        await process.aclose()
