"""An agent: a named way to drive a program that holds conversations, and what it is able to do."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

import msgspec

#: An item of a command: an argument, or several that are left out together (``["--resume", "{thread}"]``).
Argument = str | tuple[str, ...]

PLACEHOLDERS: Final = ("thread", "model", "access")
_PLACEHOLDER: Final = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


class Adapter(StrEnum):
    """How an agent's program is spoken to."""

    LINES = "lines"
    CLAUDE = "claude"
    PTY = "pty"
    ACP = "acp"
    CODEX = "codex"


class Access(StrEnum):
    """What an agent may do to its workspace: nothing but read, write, or as the agent itself decides."""

    ANALYSIS = "analysis"
    WRITE = "write"
    AUTO = "auto"


class Resume(StrEnum):
    """How a prompt goes on with its session's conversation: by the agent's own means, by prior turns as text, not."""

    NATIVE = "native"
    REPLAY = "replay"
    FRESH = "fresh"


class Abilities(msgspec.Struct, frozen=True):
    """What an agent can do beyond taking a turn. ``degraded``: its answers are read off a screen."""

    resume: bool = False
    fork: bool = False
    steer: bool = False
    interrupt: bool = False
    approvals: bool = False
    usage: bool = False
    rate_limits: bool = False
    structured: bool = False
    mcp: bool = False
    degraded: bool = False


class Standing(StrEnum):
    """How an ability is known: ``claimed`` by the adapter, or ``tried`` on the real program, where it may have
    ``failed``."""

    TRIED = "tried"
    CLAIMED = "claimed"
    FAILED = "failed"


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    """A configured agent and what it can do. ``version`` is of the program that was tried, at ``tried_at``
    (milliseconds since 1970 UTC); ``degraded``: its answers are read off a screen."""

    name: str
    adapter: Adapter
    preset: str | None = None
    account: str
    degraded: bool = False
    abilities: dict[str, Standing] = {}
    version: str | None = None
    tried_at: int | None = None


class AgentKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[agents.NAME]`` of the configuration.

    ``preset`` names the known agent whose fields hold where nothing else is said. ``command`` is the program's argv
    (`argv_of`). ``env`` is laid over the allowed part of the runner's environment
    (values may be ``secret://NAME``). ``warm_s``: how long an idle process is kept for the session's next turn, 0 ends
    it with the turn. ``start_s``: how long it may take until it takes its first turn. ``context_window`` (tokens) is
    for agents that do not report theirs. ``account`` is whose allowance it uses: that of its own name, if none is said.
    ``stuck`` is what holds for it of `ladder.StuckRules` instead of what holds for all, by field.

    The rest is for ``pty``: ``ready`` is a regular expression that the last line of the screen matches when the
    program takes input (none: ``quiet_s`` seconds of silence), and ``columns`` by ``rows`` the size of the window.
    """

    preset: str | None = None
    adapter: Adapter = Adapter.LINES
    command: tuple[Argument, ...]
    env: dict[str, str] = {}
    model: str | None = None
    account: str | None = None
    warm_s: float = msgspec.field(name="warm", default=300.0)
    start_s: float = msgspec.field(name="start_timeout", default=30.0)
    context_window: int | None = None
    ready: str | None = None
    quiet_s: float = msgspec.field(name="quiet", default=2.0)
    columns: int = 120
    rows: int = 40
    stuck: dict[str, Any] = {}


def argv_of(kind: AgentKind, access: Access, thread: str | None = None, model: str | None = None) -> tuple[str, ...]:
    """The command with ``{thread}``, ``{model}`` (else the kind's own) and ``{access}`` put in.

    An argument that names one which is not known is left out; of several in a list all are. Other braces stay.
    """
    known = {"thread": thread, "model": model or kind.model, "access": access.value}
    found: list[str] = []
    for item in kind.command:
        arguments = (item,) if isinstance(item, str) else item
        named = {match[1] for argument in arguments for match in _PLACEHOLDER.finditer(argument)}
        if all(known[name] for name in named):
            found += [_PLACEHOLDER.sub(lambda match: known[match[1]] or "", argument) for argument in arguments]
    return tuple(found)
