"""What a person may write about prompts and sessions: the readers of these fields, and what they need of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from taxiway.core import fieldtypes
from taxiway.core.agent import Access, Resume
from taxiway.core.budget import budget
from taxiway.core.errors import TooLarge
from taxiway.core.fieldtypes import Bad, Parts
from taxiway.core.limits import MAILBOX_COUNT_MAX, NAME_CHARS_MAX, PROMPT_BYTES_MAX
from taxiway.core.mailbox import mistakes
from taxiway.core.nearest import nearest
from taxiway.core.policy import Drop, MailboxChange, Mode
from taxiway.core.task import OnLimit

#: Fields that say how a prompt is worked on, with the value that stands for nothing having been said.
OF_PROMPTS: Final[Mapping[str, object]] = {
    "agent": None, "model": None, "access": Access.AUTO, "resume": Resume.NATIVE,
    "result_schema": None, "safe_to_retry": False, "on_limit": None, "budget": None,
}  # fmt: skip
SCHEMA_BYTES_MAX: Final = 64 << 10
NEEDS_AGENT: Final = "is missing: a prompt needs the agent that works on it"
AGENT_HINT: Final = "write agent: NAME, or set defaults.agent in the configuration"


def prompt(value: Any) -> str:
    """The words for an agent: not empty, and 1 MiB at most."""
    found = fieldtypes.work(value)
    size = len(found.encode())
    if size > PROMPT_BYTES_MAX:
        said = f"is {size} bytes long; a prompt has at most {PROMPT_BYTES_MAX}"
        raise Bad(said, "put the bulk in a file, and name the file", code=TooLarge.code)
    return found


def model(value: Any) -> str:
    """The agent's own name of a model."""
    found = fieldtypes.work(value)
    if len(found) > NAME_CHARS_MAX:
        raise Bad(f"is {len(found)} characters long; a model's name has at most {NAME_CHARS_MAX}")
    return found


def result_schema(value: Any) -> dict[str, Any]:
    """The JSON Schema that the result of the turn shall follow."""
    found: dict[str, Any] = fieldtypes.plain(fieldtypes.table(value))
    size = len(msgspec.json.encode(found))
    if size > SCHEMA_BYTES_MAX:
        raise Bad(f"is {size} bytes long; a schema has at most {SCHEMA_BYTES_MAX}", code=TooLarge.code)
    return found


def mailbox(value: Any) -> dict[str, Any]:
    """Fields of a mailbox policy, under the record's names; every fault of them at once (SQ-08, SQ-12)."""
    parts = Parts()
    found: dict[str, Any] = {}
    for key, item in fieldtypes.table(value).items():
        if item is not None and (field := parts.read((key,), _field, key, item, found)) is not None:
            found[field[0]] = field[1]
    parts.close()
    return found


def missing_agent(fields: Mapping[str, Any], agent: str | None) -> bool:
    """Whether nobody says, or can still say, which agent works on it: not the task, not its session, nor ``agent``,
    which is who works on what names nobody."""
    return "prompt" in fields and not fields.get("agent") and not fields.get("session") and agent is None


def _field(key: str, value: Any, found: Mapping[str, Any]) -> tuple[str, Any]:
    if key not in _MAILBOX:
        meant = nearest(key, [name for name in _MAILBOX if not name.endswith("_s")])
        raise Bad("is no field of a mailbox", f"did you mean '{meant}'?" if meant else f"one of {_MAILBOX_FIELDS}")
    attribute, reader = _MAILBOX[key]
    if attribute in found:
        raise Bad(f"is given twice, as {attribute.removesuffix('_s')} and {attribute}")
    read = reader(value)
    for _, message in mistakes(MailboxChange(**{attribute: read})):
        raise Bad(message)
    return attribute, read


_count: Final = fieldtypes.whole(-MAILBOX_COUNT_MAX, MAILBOX_COUNT_MAX)
_MAILBOX: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "mode": ("mode", fieldtypes.member(Mode, "mode")),
    "cap": ("cap", _count),
    "drop": ("drop", fieldtypes.member(Drop, "way to drop")),
    "debounce": ("debounce_s", fieldtypes.duration),
    "debounce_s": ("debounce_s", fieldtypes.duration),
    "max_debounce_wait": ("max_debounce_wait_s", fieldtypes.duration),
    "max_debounce_wait_s": ("max_debounce_wait_s", fieldtypes.duration),
    "max_concurrent": ("max_concurrent", _count),
}
_MAILBOX_FIELDS: Final = ", ".join(name for name in _MAILBOX if not name.endswith("_s"))

#: What a person may write: the record's name for it, and its reader.
PROMPT_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "prompt": ("prompt", prompt),
    "agent": ("agent", fieldtypes.name),
    "model": ("model", model),
    "access": ("access", fieldtypes.member(Access, "access")),
    "session": ("session", fieldtypes.session_key),
    "resume": ("resume", fieldtypes.member(Resume, "way to resume")),
    "result_schema": ("result_schema", result_schema),
    "mailbox": ("mailbox", mailbox),
    "safe_to_retry": ("safe_to_retry", fieldtypes.truth),
    "on_limit": ("on_limit", fieldtypes.member(OnLimit, "answer to a limit")),
    "budget": ("budget", budget),
}
