"""Agents that are not what every agent must be; a test runs this file and looks which cases find them out."""

from pathlib import Path
from typing import Any, ClassVar

from taxiway.testing.agent_conformance import (
    Case,
    Consume,
    Meet,
    Say,
    Scene,
    Script,
    Staged,
    Surroundings,
)
from taxiway.testing.agent_conformance.acting import Acting
from taxiway.testing.agent_conformance.failing import Failing
from taxiway.testing.agent_conformance.speaking import Speaking
from tests.agents.faked import FakeLines


class Modest(FakeLines):
    """Says that it cannot what it can."""

    cannot: ClassVar = {Case.SAY: "it is too modest"}


class Bad(FakeLines):
    """Does something else than it is to do."""

    async def stage(self, scene: Scene, around: Surroundings) -> Staged:
        """The scene, spoilt."""
        return await super().stage(Scene(turns=tuple(map(self.spoilt, scene.turns)), missing=scene.missing), around)

    def spoilt(self, script: Script) -> Script:
        """Its turn."""
        raise NotImplementedError


class Babbler(Bad):
    """Says everything twice."""

    def spoilt(self, script: Script) -> Script:
        """The turn, with everything twice."""
        return tuple(step for step in script for _ in range(2 if isinstance(step, Say) else 1))


class Optimist(Bad):
    """Calls every failure a success."""

    def spoilt(self, script: Script) -> Script:
        """The turn, with nothing that fails."""
        return tuple(Say("all is well") if isinstance(step, Meet) else step for step in script)


class Spendthrift(Bad):
    """Counts more than it consumed."""

    def spoilt(self, script: Script) -> Script:
        """The turn, with a call more."""
        return (Consume(1, 1), *script) if isinstance(script[0], Consume) else script


class Wilful(FakeLines):
    """Asks, and does it whatever the answer is."""

    async def stage(self, scene: Scene, around: Surroundings) -> Staged:
        """The script, changed in its file."""
        staged = await super().stage(scene, around)
        path = Path(around.folder / "script.json")
        path.write_text(path.read_text().replace("{answer}.txt", "allowed.txt"))
        return staged


BAD: tuple[tuple[type, Any], ...] = (
    (Modest, Speaking),
    (Babbler, Speaking),
    (Spendthrift, Speaking),
    (Optimist, Failing),
    (Wilful, Acting),
)
for bad, suite in BAD:
    globals()[f"Test{bad.__name__}"] = type(f"Test{bad.__name__}", (bad, suite), {"__module__": __name__})
