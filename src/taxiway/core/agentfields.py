"""What a person may write in an ``[agents.NAME]``: the readers of its fields, and what they need of each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes, promptfields
from taxiway.core.agent import PLACEHOLDERS, Adapter, AgentKind, Argument
from taxiway.core.agentpresets import PRESETS
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.ladder import stuck_fields, words_of
from taxiway.core.limits import ARGV_ITEMS_MAX
from taxiway.core.nearest import suggestion

CONTEXT_WINDOW_MAX: Final = (1 << 53) - 1
CELLS_MAX: Final = 1_000  #: columns or rows of a window
_PLACEHOLDER: Final = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


def _command(value: Any) -> tuple[Argument, ...]:
    if isinstance(value, str):
        raise Bad("must be a list of texts, not one text", "write [program, argument, …]")
    items = fieldtypes.items(value, "texts")
    if not items:
        raise Bad("is empty; its first item names the program")
    if len(items) > ARGV_ITEMS_MAX:
        raise Bad(f"has {len(items)} items; a command has at most {ARGV_ITEMS_MAX}")
    parts = Parts()
    found = [parts.read((place,), _argument, item) for place, item in enumerate(items)]
    parts.close()
    program = found[0]
    if not program or not isinstance(program, str) or _PLACEHOLDER.search(program):
        raise Bad("must name the program with its first item, which is always there", "", 0)
    return tuple(item or "" for item in found)


def _argument(value: Any) -> Argument:
    if not isinstance(value, list | tuple):
        return fieldtypes.argument(value)
    group = tuple(fieldtypes.argument(item) for item in value)
    if not any(_PLACEHOLDER.search(item) for item in group):
        named = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise Bad("is a list for arguments that are left out together, and none of them can be", f"it names no {named}")
    return group


def env(value: Any) -> dict[str, str]:
    """Variables by name."""
    parts = Parts()
    found = {
        parts.read((name,), fieldtypes.variable, name) or "": parts.read((name,), fieldtypes.argument, text) or ""
        for name, text in fieldtypes.table(value).items()
    }
    parts.close()
    return found


def _pattern(value: Any) -> str:
    found = fieldtypes.work(value)
    try:
        re.compile(found)
    except re.error as error:
        raise Bad(f"is no regular expression: {error}") from None
    return found


def _preset(value: Any) -> str:
    name = fieldtypes.work(value)
    if name not in PRESETS:
        raise Bad(f"'{name}' is no preset", suggestion(name, PRESETS) or f"there are {', '.join(PRESETS)}")
    return name


#: What may be written, by its name there, with its reader.
AGENT_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "preset": _preset,
    "adapter": fieldtypes.member(Adapter, "adapter"),
    "command": _command,
    "env": env,
    "model": promptfields.model,
    "account": fieldtypes.name,
    "warm": fieldtypes.duration,
    "start_timeout": fieldtypes.clock,
    "context_window": fieldtypes.whole(1, CONTEXT_WINDOW_MAX),
    "ready": _pattern,
    "quiet": fieldtypes.clock,
    "columns": fieldtypes.whole(1, CELLS_MAX),
    "rows": fieldtypes.whole(1, CELLS_MAX),
    "stuck": stuck_fields,
}
PTY_FIELDS: Final = frozenset({"ready", "quiet", "columns", "rows"})
SECRET: Final = "secret://"  # noqa: S105  (how a secret is referred to, not one)


def agent_mistakes(fields: Mapping[str, Any], secrets: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with fields together, by field (the empty name: with the agent), in a sentence."""
    if "command" not in fields:
        yield "", "has no command; write command = [program, argument, …], or preset = NAME of a known agent"
    if fields.get("adapter", Adapter.LINES) is not Adapter.PTY:
        for name in sorted(PTY_FIELDS & fields.keys()):
            yield name, 'is for agents on a terminal: adapter = "pty"'
    for message in unknown_secrets(fields.get("env", {}), secrets):
        yield "env", message


def unknown_secrets(variables: Mapping[str, str], secrets: Collection[str]) -> Iterator[str]:
    """A sentence about each variable that names a secret which was not declared."""
    for variable, value in variables.items():
        name = value.removeprefix(SECRET)
        if name != value and name not in secrets:
            yield f"{variable} names a secret that does not exist; declare {name} under [secrets]"


def agent_kind(fields: Mapping[str, Any]) -> AgentKind:
    """The record of fields that have been read, and have a command."""
    return msgspec.convert(dict(fields), AgentKind)


def fields_of(kind: AgentKind) -> dict[str, Any]:
    """Every field that means something for this agent, by the name under which it is written."""
    found: dict[str, Any] = msgspec.to_builtins(kind)
    found["stuck"] = {name: words_of(said) if isinstance(said, tuple) else said for name, said in kind.stuck.items()}
    return {name: value for name, value in found.items() if kind.adapter is Adapter.PTY or name not in PTY_FIELDS}
