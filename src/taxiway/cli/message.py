"""Flags of messages: who works on a prompt and how, and the words of a mailbox's policy, the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from taxiway.cli.options import Duration, Json

F = TypeVar("F", bound=Callable[..., Any])

POLICY: Final = ("mode", "cap", "drop", "debounce", "max_debounce_wait", "max_concurrent")
_PROMPT_FLAGS: Final = (
    click.option("--agent", help="Who works on it. [default: its session's agent, else the configured one]"),
    click.option("--model", help="The agent's own name of a model."),
    click.option("--access", metavar="analysis|write|auto", help="What the agent may do. [default: auto]"),
    click.option("--resume", metavar="native|replay|fresh", help="How it goes on with its session's conversation."),
    click.option("--result-schema", type=Json(), help="The JSON Schema that the turn's result shall follow."),
)
_POLICY_FLAGS: Final = (
    click.option("--mode", metavar="MODE", help="While it is busy: queue, followup, collect, steer or interrupt."),
    click.option("--cap", type=int, help="How many may wait."),
    click.option("--drop", metavar="HOW", help="When it is full: new (refuse the arrival), old or summarize."),
    click.option("--debounce", type=Duration(), help="How long it must be quiet before a start."),
    click.option("--max-debounce-wait", type=Duration(), help="How long that may hold the first one back."),
    click.option("--max-concurrent", type=int, help="How many go at once."),
)


def prompt_options(command: F) -> F:
    """``--agent``, ``--model``, ``--access``, ``--resume``, ``--result-schema``."""
    return _with(command, _PROMPT_FLAGS)


def policy_options(command: F) -> F:
    """The words of a policy; ``policy_of`` makes one field of them."""
    return _with(command, _POLICY_FLAGS)


def policy_of(given: dict[str, Any]) -> dict[str, Any]:
    """Take the words of a policy out of what was given; those that were."""
    found = {name: given.pop(name, None) for name in POLICY}
    return {name: value for name, value in found.items() if value is not None}


def _with(command: F, flags: tuple[Callable[[F], F], ...]) -> F:
    for flag in reversed(flags):
        command = flag(command)
    return command
