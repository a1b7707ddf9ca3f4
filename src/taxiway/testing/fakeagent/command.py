"""The command of an agent that is a fake agent, for ``AgentKind.command`` and ``[agents.NAME]``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from taxiway.core.agent import Argument
from taxiway.testing.fakeagent.program import NAMES_ITSELF

PROGRAM: Final = Path(__file__).parent


def fake_agent_command(
    script: Path | None = None,
    *,
    memory: Path | None = None,
    journal: Path | None = None,
    protocol: str | None = None,
) -> tuple[Argument, ...]:
    """Starts the program itself, which is several times quicker than ``taxiway fake-agent``.

    ``script`` None echoes; ``memory`` is a folder in which conversations are kept, so that they can be gone on with;
    ``journal`` a file to which every turn, steer and interrupt that reaches it is added; ``protocol`` is what it
    speaks, ``lines`` unless said: ``acp``, ``codex``, ``claude`` or ``terminal``.
    """
    given = {"--script": script, "--memory": memory, "--journal": journal, "--protocol": protocol}
    options = [f"{name}={value}" for name, value in given.items() if value is not None]
    named: tuple[Argument, ...] = () if protocol in NAMES_ITSELF else ("--thread={thread}",)
    return (sys.executable, "-I", str(PROGRAM), *options, *named, "--model={model}")
