"""What is known of agents that speak ACP, and that they do not say themselves before they are started.

An agent is told by the words of its command. One that is not known here is believed what it says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Final

import msgspec

from taxiway.core.agent import Access, AgentKind

#: Below every other setting of Gemini's: few tries, so that waiting for a provider is Taxiway's to do.
GEMINI_DEFAULTS: Final = str(PurePath(__file__).with_name("gemini_defaults.json"))


class AcpPreset(msgspec.Struct, frozen=True, kw_only=True):
    """One agent.

    ``program`` is the end of a word of its command. ``env`` is set where the user has not set it, ``bound_env`` is set
    by access and cannot be undone by the user's own. ``modes`` are the session's modes by access. ``bound`` tells for
    which access it was seen that these keep the real program to it; elsewhere nobody has tried.

    ``resume``: it can go on with a conversation in another process; else it is not asked to.
    ``tokens_of_last_call``: the tokens that it reports for a turn are those of the last call of the model only.
    ``cost_of_process``: the cost that it reports counts from the start of its process, not of the conversation.
    ``model_variable`` chooses the model at the start.
    """

    name: str
    program: str
    env: Mapping[str, str] = {}
    bound_env: Mapping[Access, Mapping[str, str]] = {}
    modes: Mapping[Access, str] = {}
    bound: frozenset[Access] = frozenset({Access.AUTO})
    resume: bool = True
    tokens_of_last_call: bool = False
    cost_of_process: bool = False
    model_variable: str | None = None


GEMINI: Final = AcpPreset(
    name="gemini",
    program="gemini",
    env={"GEMINI_CLI_NO_RELAUNCH": "true", "GEMINI_CLI_SYSTEM_DEFAULTS_PATH": GEMINI_DEFAULTS},
    modes={Access.ANALYSIS: "plan", Access.WRITE: "autoEdit"},
    bound=frozenset(Access),
    resume=False,  # what it wrote down of a conversation over ACP it cannot load, and trying to spoils the file
    model_variable="GEMINI_MODEL",
)
OPENCODE: Final = AcpPreset(
    name="opencode",
    program="opencode",
    env={"OPENCODE_DISABLE_AUTOUPDATE": "1"},
    bound_env={
        Access.ANALYSIS: {"OPENCODE_PERMISSION": '{"edit":"deny","bash":"deny","task":"deny"}'},
        Access.WRITE: {"OPENCODE_PERMISSION": '{"edit":"allow","bash":"ask","external_directory":"ask"}'},
    },
    modes={Access.ANALYSIS: "plan"},
    bound=frozenset(Access),
    tokens_of_last_call=True,
)
CLAUDE: Final = AcpPreset(
    name="claude-agent-acp",
    program="claude-agent-acp",
    env={"CLAUDE_CODE_MAX_RETRIES": "2", "DISABLE_AUTOUPDATER": "1"},
    modes={Access.ANALYSIS: "plan", Access.WRITE: "acceptEdits"},
    cost_of_process=True,
)
CODEX: Final = AcpPreset(
    name="codex-acp",
    program="codex-acp",
    modes={Access.ANALYSIS: "read-only", Access.WRITE: "workspace-write"},
)
UNKNOWN: Final = AcpPreset(name="", program="")

#: Modes that read only, by the names that agents give them: for agents that are not known.
READING_MODES: Final = ("read-only", "readonly", "plan")


def preset_of(kind: AgentKind) -> AcpPreset:
    """What is known of this agent, by its command."""
    words = [word for item in kind.command for word in ((item,) if isinstance(item, str) else item)]
    for preset in (CLAUDE, CODEX, GEMINI, OPENCODE):
        if any(_names(word, preset.program) for word in words):
            return preset
    return UNKNOWN


def environment_for(preset: AcpPreset, access: Access, model: str | None, given: Mapping[str, str]) -> dict[str, str]:
    """The complete environment of its process, of what the user has ``given``."""
    chosen = {preset.model_variable: model} if preset.model_variable and model else {}
    return {**preset.env, **chosen, **given, **preset.bound_env.get(access, {})}


def mode_for(preset: AcpPreset, access: Access, offered: Iterator[str]) -> str | None:
    """The mode of a session that gives this access; ``None``: it is left as it is."""
    if preset is not UNKNOWN:
        return preset.modes.get(access)
    names = set(offered)
    reading = (name for name in READING_MODES if access is Access.ANALYSIS and name in names)
    return next(reading, None)


def _names(word: str, program: str) -> bool:
    """Whether a word of a command is this program: its name, its file, or something in its npm package."""
    parts = PurePath(word).parts
    start = len(parts) - parts[::-1].index("node_modules") if "node_modules" in parts else len(parts) - 1
    parts = parts[start:]
    return any(part.partition("@")[0].removesuffix("-cli").removesuffix(".js") == program for part in parts)
