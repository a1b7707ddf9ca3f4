"""Kinds of values that flags take: durations, amounts, ``NAME=VALUE`` pairs, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import click

from taxiway.core.duration import parse_duration
from taxiway.core.errors import Invalid

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """Seconds, written as ``30s`` or ``1h30m``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, or say what would be right."""
        try:
            return parse_duration(value)
        except Invalid as error:
            self.fail(error.message, param, ctx)


class Amount(click.ParamType[int]):
    """A whole number from 1 up, or ``unlimited``, which arrives as 0 (click takes ``None`` for a value not given)."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it, or say what would be right."""
        if value == "unlimited":
            return 0
        if not isinstance(value, str) or not value.isdecimal() or int(value) < 1:
            self.fail(f"'{value}' is neither a whole number from 1 up nor 'unlimited'", param, ctx)
        return int(value)


class Json(click.ParamType[dict[str, Any]]):
    """A JSON object."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Read it, or say where it stops being JSON."""
        if isinstance(value, dict):
            return value
        try:
            found = json.loads(value)
        except ValueError as error:
            self.fail(f"this is no JSON: {error}", param, ctx)
        if not isinstance(found, dict):
            self.fail("must be a JSON object, {…}", param, ctx)
        return found


class KindOrJson(click.ParamType[Any]):
    """A word, or a JSON object."""

    name = "kind or json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; what the word or the object may be is for the task's reader to say."""
        return Json().convert(value, param, ctx) if str(value).lstrip().startswith("{") else value


def pairs(values: Iterable[str], flag: str) -> dict[str, str]:
    """``NAME=VALUE`` words as a table; raises ``click.UsageError`` for one without ``=``."""
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{flag} {value}: write {flag} NAME=VALUE")
        found[name] = text
    return found


def page_options(command: F) -> F:
    """``--limit`` and ``--cursor``."""
    command = click.option("--cursor", help="Go on behind an earlier page.")(command)
    return click.option(
        "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most."
    )(command)


def workspace_option(command: F) -> F:
    """``--workspace``."""
    words = "Where it works: dir (the folder itself), worktree, or {kind, …} as JSON. [default: dir]"
    return click.option("--workspace", metavar="KIND|JSON", type=KindOrJson(), help=words)(command)


QUEUE_KEY: Final = "taxiway.queue"


def keep_queue(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Note in which queue names are meant, for ``named_here``; the flag must be eager, to come before them."""
    context.meta[QUEUE_KEY] = value
    return value


def named_here(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    """TASK, or each of them, with the queue of ``--queue`` before it."""
    queue = context.meta.get(QUEUE_KEY)
    if queue is None:
        return value
    return f"{queue}/{value}" if isinstance(value, str) else tuple(f"{queue}/{one}" for one in value)


def task_argument(command: F) -> F:
    """One TASK, and ``--queue``."""
    return _queue_of_names(click.argument("ref", metavar="TASK", callback=named_here)(command))


def task_arguments(command: F) -> F:
    """One TASK or more, and ``--queue``."""
    several = click.argument("refs", metavar="TASK...", nargs=-1, required=True, callback=named_here)
    return _queue_of_names(several(command))


def _queue_of_names(command: F) -> F:
    flag = click.option(
        "--queue", is_eager=True, expose_value=False, callback=keep_queue, help="The queue in which TASK is a name."
    )
    return flag(command)
