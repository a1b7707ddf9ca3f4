"""What an event of a turn is evidence of."""

from __future__ import annotations

from typing import Any

from taxiway.agents.dialogue import DialogueEvent, Limited, Said
from taxiway.agents.protocol import Output
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.vitals import Evidence, Printed, Refused, Spoke, Told, ToolBegan, ToolEnded, ToolSaid


def evidence_of(event: DialogueEvent, now_ms: int) -> Evidence:
    """The evidence that lies in an event which was heard at ``now_ms`` (UTC). Questions to a person are none: who
    is asked, and for how long, is known elsewhere."""
    match event:
        case Output():
            return Printed()
        case Said(EventType.TOOL_CALL, data):
            return ToolBegan(_id(data))
        case Said(EventType.TOOL_RESULT, data):
            return ToolEnded(_id(data))
        case Said(EventType.STATUS, data) if data.get("phase") == "tool":
            return ToolSaid(_id(data))
        case Said(EventType.MESSAGE | EventType.THOUGHT):
            return Spoke()
        case Limited(limit):
            for_s = _refused_s(limit, now_ms)
            return Told() if for_s <= 0 else Refused(for_s)
        case _:
            return Told()


def _id(data: dict[str, Any]) -> str:
    return str(data.get("id") or "")


def _refused_s(limit: ProviderLimit, now_ms: int) -> float:
    """For how long the provider gives nothing; a limit that is only near refuses nothing."""
    reset = None if limit.kind is LimitKind.WARNING else limit.reset(now_ms)
    return 0.0 if reset is None else (reset - now_ms) / 1000
