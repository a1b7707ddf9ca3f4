"""The agents that are known by name: how each is started and asked for its version, and what it needs from a person.

A preset gives the fields that an ``[agents.NAME]`` does not say. Source: the programs' own manuals, tried with the
versions in ``tried``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec


class AgentPreset(msgspec.Struct, frozen=True, kw_only=True):
    """One known agent. ``fields`` are those of ``[agents.NAME]``; ``version`` are the arguments that make its program
    print its version; ``install`` and ``login`` are sentences for people."""

    fields: Mapping[str, Any]
    version: tuple[str, ...] = ("--version",)
    tried: str
    install: str
    login: str


PRESETS: Final[Mapping[str, AgentPreset]] = {
    "codex": AgentPreset(
        fields={"adapter": "codex", "command": ("codex", "app-server")},
        tried="0.163.0",
        install="npm install -g @openai/codex",
        login="run 'codex login' once, or give it OPENAI_API_KEY as a secret",
    ),
    "claude": AgentPreset(
        fields={"adapter": "claude", "command": ("claude",)},
        tried="2.1.330",
        install="npm install -g @anthropic-ai/claude-code",
        login="run 'claude' once and log in, or give it ANTHROPIC_API_KEY as a secret",
    ),
    "gemini": AgentPreset(
        fields={"adapter": "acp", "command": ("gemini", "--acp", ("-m", "{model}"))},
        tried="0.61.0",
        install="npm install -g @google/gemini-cli",
        login="run 'gemini' once and log in, or give it GEMINI_API_KEY as a secret",
    ),
    "opencode": AgentPreset(
        fields={"adapter": "acp", "command": ("opencode", "acp")},
        tried="1.18.33",
        install="npm install -g opencode-ai",
        login="run 'opencode auth login' once",
    ),
}


def with_preset(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a person wrote for the agent ``name``, laid over its preset: the one it names, else that of its own name."""
    preset = PRESETS.get(fields.get("preset", name))
    return {**(preset.fields if preset is not None else {}), **fields}
