"""Which adapter speaks with which kind of agent, and whether its program is there."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import assert_never

from taxiway.agents.acp import AcpAgent
from taxiway.agents.claude import ClaudeAgent
from taxiway.agents.codex import CodexAgent
from taxiway.agents.dialogue import DialogueAgent
from taxiway.agents.lines import LinesAgent
from taxiway.agents.process import ProcessAgent
from taxiway.agents.pty import PtyAgent
from taxiway.core.agent import Access, Adapter, AgentKind, argv_of


def driver_of(kind: AgentKind, process: ProcessAgent) -> DialogueAgent:
    """What drives agents of this kind; ``process`` starts their programs."""
    match kind.adapter:
        case Adapter.LINES:
            return LinesAgent(kind, process)
        case Adapter.CLAUDE:
            return ClaudeAgent(kind, process)
        case Adapter.PTY:
            return PtyAgent(kind, process)
        case Adapter.CODEX:
            return CodexAgent(kind, process)
        case Adapter.ACP:
            return AcpAgent(kind, process)
        case _:
            assert_never(kind.adapter)


def program_of(kind: AgentKind, environment: Mapping[str, str]) -> str | None:
    """Where its program is, or ``None`` when it cannot be found from here; ``environment`` is that of the runner."""
    argv = argv_of(kind, Access.AUTO)
    return shutil.which(argv[0], path=kind.env.get("PATH", environment.get("PATH"))) if argv else None
