"""An agent: a named way to drive a program that holds conversations, and what it is able to do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Adapter(StrEnum):
    """How an agent's program is spoken to."""

    LINES = "lines"
    PTY = "pty"


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
    degraded: bool = False


class AgentKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[agents.NAME]`` of the configuration.

    ``command`` is the argv of the program; ``{thread}`` and ``{model}`` in an argument are replaced, and an argument
    that names one which is not known is left out. ``env`` is laid over the allowed part of the runner's environment
    (values may be ``secret://NAME``). ``warm_s``: how long an idle process is kept for the session's next turn, 0 ends
    it with the turn. ``context_window`` (tokens) is for agents that do not report theirs.

    The rest is for ``pty``: ``ready`` is a regular expression that the last line of the screen matches when the
    program takes input (none: ``quiet_s`` seconds of silence), and ``columns`` by ``rows`` the size of the window.
    """

    adapter: Adapter = Adapter.LINES
    command: tuple[str, ...]
    env: dict[str, str] = {}
    model: str | None = None
    warm_s: float = 300.0
    start_s: float = 30.0
    context_window: int | None = None
    ready: str | None = None
    quiet_s: float = 2.0
    columns: int = 120
    rows: int = 40
