"""What must hold before a task counts as completed: commands that pass, and how often an agent may mend its work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.limits import ARGV_ITEMS_MAX
from taxiway.core.nearest import suggestion
from taxiway.core.shellscan import SHELL

CHECKS_MAX: Final = 32
ROUNDS_MAX: Final = 100
ROUNDS: Final = 2
FEEDBACK_CHARS_MAX: Final = 16_000  #: of a check's output that goes back to the agent: its end

Argv = tuple[str, ...]


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A task's ``accept``. Each of the ``commands`` (an argv; a text is a line for sh) must end with status 0.

    What an agent is told of one that does not is its next turn, at most ``rounds`` times; any other work fails at
    once. ``timeout_s`` is the clock of one command; the task's own clock runs on.
    """

    commands: tuple[Argv, ...]
    rounds: int = ROUNDS
    timeout_s: float | None = None


def acceptance(value: Any) -> Acceptance:
    """A reader: a list of commands, or a table with them. Raises ``Bad`` with every fault."""
    given: Mapping[str, Any] = value if isinstance(value, Mapping) else {"commands": value}
    parts = Parts()
    found = {key: parts.read((key,), _field, key, item) for key, item in given.items()}
    if "commands" not in given:
        parts.read(("commands",), _missing)
    parts.close()
    fields: dict[str, Any] = {"timeout_s" if key == "timeout" else key: item for key, item in found.items()}
    return Acceptance(**fields)


def shown(command: Argv) -> str:
    """A command as its writer wrote it, for people: a line for sh is that line."""
    return command[2] if len(command) == 3 and command[:2] == (SHELL, "-c") else " ".join(command)


def feedback(command: Argv, why: str, output: str | None) -> str:
    """What an agent is told when its work was not accepted."""
    end = (output or "").strip()[-FEEDBACK_CHARS_MAX:]
    said = f" It printed, at its end:\n\n{end}\n\n" if end else " It printed nothing.\n\n"
    return f"Your work is not accepted yet: `{shown(command)}` {why}.{said}Mend it."


def _field(key: str, value: Any) -> Any:
    if key not in _FIELDS:
        raise Bad("is no field of accept", suggestion(key, _FIELDS) or f"there are {', '.join(_FIELDS)}")
    return _FIELDS[key](value)


def _missing() -> None:
    raise Bad("is missing; it lists the commands that must pass")


def _commands(value: Any) -> tuple[Argv, ...]:
    given = [value] if isinstance(value, str) else fieldtypes.items(value, "commands")
    if not given:
        raise Bad("is empty; it lists the commands that must pass")
    if len(given) > CHECKS_MAX:
        raise Bad(f"has {len(given)} commands; there may be {CHECKS_MAX}")
    parts = Parts()
    found = [parts.read((place,), _command, item) for place, item in enumerate(given)]
    parts.close()
    return tuple(command or () for command in found)


def _command(value: Any) -> Argv:
    return (SHELL, "-c", fieldtypes.work(value)) if isinstance(value, str) else fieldtypes.argv(value)


_FIELDS: Final = {
    "commands": _commands,
    "rounds": fieldtypes.whole(0, ROUNDS_MAX),
    "timeout": fieldtypes.clock,
    "timeout_s": fieldtypes.clock,
}


def acceptance_schema() -> dict[str, Any]:
    """The part of a plan's JSON Schema that says what ``accept`` is."""
    argv = {"type": "array", "minItems": 1, "maxItems": ARGV_ITEMS_MAX, "items": {"$ref": "#/$defs/argument"}}
    command = {"oneOf": [{"type": "string", "minLength": 1}, argv]}
    commands = {"type": "array", "minItems": 1, "maxItems": CHECKS_MAX, "items": command}
    table = {
        "type": "object",
        "required": ["commands"],
        "additionalProperties": False,
        "properties": {
            "commands": commands,
            "rounds": {"type": "integer", "minimum": 0, "maximum": ROUNDS_MAX, "default": ROUNDS},
            "timeout": {"type": ["string", "number"], "description": "The clock of one command."},
        },
    }
    return {"oneOf": [{"type": "string", "minLength": 1}, commands, table], "examples": [["pytest -q"]]}
