"""The sessions of a plan: what its file says of them, and which agent works in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from taxiway.core import fieldtypes, promptfields
from taxiway.core.fault import Fault, Path
from taxiway.core.fieldtypes import Bad
from taxiway.core.mailbox import changed
from taxiway.core.nearest import suggestion
from taxiway.core.plan import PlanSession
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.specs import Draft

SECTION: Final = "sessions"
_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {"agent": fieldtypes.name, "mailbox": promptfields.mailbox}


def read_sessions(value: Any, usual: MailboxPolicy) -> tuple[dict[str, PlanSession], list[Fault]]:
    """The sessions of a plan by key, and every fault; ``usual`` is the policy of what they do not say."""
    if value is None:
        return {}, []
    if not isinstance(value, Mapping):
        return {}, [Fault((SECTION,), f"must be a table of sessions by their keys, not {fieldtypes.kind_of(value)}")]
    sessions: dict[str, PlanSession] = {}
    faults: list[Fault] = []
    for key, said in value.items():
        fields = _read(key, said, faults)
        policy = changed(usual, MailboxChange(**fields.get("mailbox", {})))
        sessions[str(key)] = PlanSession(str(key), fields.get("agent"), policy)
    return sessions, faults


def seat(drafts: Sequence[Draft], defaults: Mapping[str, Any], sessions: Mapping[str, PlanSession]) -> list[Fault]:
    """Give prompts that name no agent the one of their session, and find those that name another one.

    A session's agent is the one that the plan says it has, else the first that a task of it names. Sources: surface,
    "The plan file"; a session is one conversation with one agent.
    """
    faults = []
    agents = {key: found.agent for key, found in sessions.items() if found.agent is not None}
    seated = [(draft, key) for draft in drafts if (key := _session_of(draft, defaults)) is not None]
    for draft, key in seated:
        named = draft.fields.get("agent")
        if named is not None and agents.setdefault(key, named) != named:
            said = f"session '{key}' belongs to agent '{agents[key]}' in this plan, and the task names '{named}'"
            faults.append(Fault((*draft.path, "agent"), said, "use another session, or the same agent"))
    for draft, key in seated:
        if "agent" not in draft.fields and key in agents:
            draft.fields["agent"] = agents[key]
    return faults


def _session_of(draft: Draft, defaults: Mapping[str, Any]) -> str | None:
    if "prompt" not in draft.fields or "session" in draft.cleared:
        return None
    key: str | None = draft.fields.get("session", defaults.get("session"))
    return key


def _read(key: Any, said: Any, faults: list[Fault]) -> dict[str, Any]:
    path: Path = (SECTION, key if isinstance(key, str) else str(key))
    found: dict[str, Any] = {}
    _note(faults, path, fieldtypes.session_key, key)
    if said is not None and not isinstance(said, Mapping):
        faults.append(Fault(path, f"must be a table with agent and mailbox in it, not {fieldtypes.kind_of(said)}"))
        return found
    for field, value in (said or {}).items():
        reader = _FIELDS.get(field)
        if reader is None:
            faults.append(Fault((*path, str(field)), "is no field of a session", suggestion(str(field), _FIELDS)))
        elif value is not None and (read := _note(faults, (*path, field), reader, value)) is not None:
            found[field] = read
    return found


def _note(faults: list[Fault], path: Path, reader: Callable[..., Any], *values: Any) -> Any:
    try:
        return reader(*values)
    except Bad as bad:
        faults += [Fault((*path, *one.path), one.message, one.hint) for one in (bad, *bad.others)]
        return None
