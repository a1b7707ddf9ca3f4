"""The `codex` adapter: Codex CLI's app-server, one process for one conversation."""

from __future__ import annotations

import asyncio
from datetime import tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from taxiway.agents.codex_owner import owner_of
from taxiway.agents.codex_speech import CodexSpeech
from taxiway.agents.codex_start import Thread
from taxiway.agents.dialogue import Opening
from taxiway.agents.linedialogue import LineDialogue, launch_of
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import SpawnFailure
from taxiway.core.agent import Abilities, Access, AgentKind, argv_of

#: What each access is in Codex's words. What is left out holds as the agent's own configuration says.
ACCESS: Final[dict[Access, dict[str, Any]]] = {
    Access.ANALYSIS: {"sandbox": "read-only", "approvalPolicy": "never"},
    Access.WRITE: {"sandbox": "workspace-write", "approvalPolicy": "on-request"},
    Access.AUTO: {},
}
#: An item carries up to 1 MiB that a command printed, and JSON may need six bytes for one.
LINE_BYTES_MAX: Final = 8 << 20


class CodexAgent:
    """A kind of agent whose command starts Codex's app-server on its standard input and output."""

    def __init__(self, kind: AgentKind, process: ProcessAgent) -> None:
        """``process`` starts the programs."""
        self._kind = kind
        self._process = process

    @property
    def abilities(self) -> Abilities:
        """What the app-server offers."""
        return Abilities(
            resume=True,
            fork=True,
            steer=True,
            interrupt=True,
            approvals=True,
            usage=True,
            rate_limits=True,
            structured=True,
        )

    async def open(self, opening: Opening) -> LineDialogue | SpawnFailure:
        """Step one of a start."""
        if opening.thread is not None and not opening.fork:
            owner = await asyncio.to_thread(owner_of, opening.thread, opening.env)
            if owner is not None:
                return SpawnFailure(f"conversation {opening.thread} is open in process {owner} already", passing=True)
        argv = argv_of(self._kind, opening.access, opening.thread, opening.model)
        opened = await self._process.open(launch_of(opening, argv))
        if isinstance(opened, SpawnFailure):
            return opened
        thread, zone = self._thread(opening), zone_of(opening.env)
        return LineDialogue(opened, lambda floor: CodexSpeech(floor, thread, zone), LINE_BYTES_MAX)

    def _thread(self, opening: Opening) -> Thread:
        settings: dict[str, Any] = {"cwd": opening.cwd, **ACCESS[opening.access]}
        if model := opening.model or self._kind.model:
            settings["model"] = model
        return Thread(settings, opening.thread, opening.fork)


def zone_of(env: dict[str, str]) -> tzinfo | None:
    """The zone in which a program with this environment tells the time; ``None``: that of this machine."""
    try:
        return ZoneInfo(env.get("TZ", "").removeprefix(":"))
    except (ValueError, OSError):  # not named, or no zone that is known here
        return None
