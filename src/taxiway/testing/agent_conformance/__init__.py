"""What every agent must do, as tests: subclass each suite with your agent's ``stage``.

>>> class MyAgent:
...     name = "mine"
...     async def stage(self, scene, around): ...
>>> class TestSpeaking(MyAgent, Speaking): ...

``SUITES`` lists them all, so that one loop can make every subclass and none is forgotten. Cases judge by what the
dialogue says (`taxiway.agents.dialogue`) and by the processes that live, never by how an adapter is built.
"""

from __future__ import annotations

from typing import Final

from taxiway.core.agent import Access, Adapter, AgentKind
from taxiway.testing.agent_conformance.acting import Acting
from taxiway.testing.agent_conformance.bench import Bench, Suite
from taxiway.testing.agent_conformance.cases import Case
from taxiway.testing.agent_conformance.ending import Ending
from taxiway.testing.agent_conformance.failing import Failing
from taxiway.testing.agent_conformance.scene import (
    AnswerWith,
    AskToWrite,
    AwaitFile,
    CannotPlay,
    Consume,
    Hang,
    Linger,
    Meet,
    Say,
    SayMuch,
    SaySlowly,
    Scene,
    Script,
    Staged,
    Step,
    Surroundings,
    Trouble,
    WriteFile,
)
from taxiway.testing.agent_conformance.speaking import Speaking

SUITES: Final = (Speaking, Acting, Ending, Failing)

__all__ = [
    "SUITES",
    "Access",
    "Adapter",
    "AgentKind",
    "AnswerWith",
    "AskToWrite",
    "AwaitFile",
    "Bench",
    "CannotPlay",
    "Case",
    "Consume",
    "Hang",
    "Linger",
    "Meet",
    "Say",
    "SayMuch",
    "SaySlowly",
    "Scene",
    "Script",
    "Staged",
    "Step",
    "Suite",
    "Surroundings",
    "Trouble",
    "WriteFile",
    *(suite.__name__ for suite in SUITES),
]
