"""The `acp` adapter: any agent that speaks the Agent Client Protocol."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from taxiway import __version__
from taxiway.agents.acp_presets import environment_for, preset_of
from taxiway.agents.dialogue import Opening
from taxiway.agents.linedialogue import LineDialogue, launch_of
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import SpawnFailure
from taxiway.core.agent import Abilities, AgentKind, argv_of

if TYPE_CHECKING:
    from types import ModuleType

LINE_BYTES_MAX: Final = 16 << 20  #: a question may carry a whole file twice, and must not be missed
SDK_MISSING: Final = (
    "agents that speak ACP need the official SDK of the Agent Client Protocol, which is not installed: "
    "install 'taxiway[acp]'"
)


class AcpAgent:
    """A kind of agent that speaks ACP; its processes are guarded like any other."""

    def __init__(self, kind: AgentKind, process: ProcessAgent) -> None:
        """``process`` starts the programs."""
        self._kind = kind
        self._process = process
        self._preset = preset_of(kind)

    @property
    def abilities(self) -> Abilities:
        """What is known before it is started; for an agent that is not known, what the protocol offers."""
        return Abilities(
            resume=self._preset.resume, interrupt=True, approvals=True, usage=True, rate_limits=True, steer=False
        )

    async def open(self, opening: Opening) -> LineDialogue | SpawnFailure:
        """Step one of a start. The SDK is loaded with the first one, in a thread: it takes more than a second."""
        try:
            handshake, speech = await asyncio.to_thread(_load)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("acp", "pydantic"):
                raise
            return SpawnFailure(SDK_MISSING)
        model, preset = opening.model or self._kind.model, self._preset
        thread = opening.thread if preset.resume else None  # else what was said is told it again
        argv = argv_of(self._kind, opening.access, thread, opening.model)
        env = environment_for(preset, opening.access, model, opening.env)
        wish = handshake.Wish(
            preset=preset,
            version=__version__,
            cwd=opening.cwd,
            access=opening.access,
            thread=thread,
            model=None if preset.model_variable or self._names_model() else model,
        )
        opened = await self._process.open(launch_of(opening, argv, env))
        if isinstance(opened, SpawnFailure):
            return opened
        return LineDialogue(opened, partial(speech.AcpSpeech, wish=wish), LINE_BYTES_MAX)

    def _names_model(self) -> bool:
        """Whether the model is put into its command."""
        items = ((item,) if isinstance(item, str) else item for item in self._kind.command)
        return any("{model}" in word for item in items for word in item)


def _load() -> tuple[ModuleType, ModuleType]:
    """The parts that stand on the SDK."""
    return import_module("taxiway.agents.acp_handshake"), import_module("taxiway.agents.acp_speech")
