"""What writes answer, as text and back: a repeated call is told what the first one was."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from taxiway.core.account import Account
from taxiway.core.approval import Approval
from taxiway.core.lane import Lane
from taxiway.core.queue import Queue
from taxiway.core.session import Receipt, RunSignal, Session, Stopped
from taxiway.core.task import Task
from taxiway.core.token import Token
from taxiway.store.protocol import PlanAdmitted, Submitted

_RECORDS: Final[dict[str, Any]] = {
    kind.__name__: kind
    for kind in (
        Account, Approval, Lane, PlanAdmitted, Queue, Receipt, RunSignal, Session, Stopped, Submitted, Task, Token,
    )
}  # fmt: skip


def written_result(result: Any) -> Any:
    """What a write answered, as JSON has it: records with their kind."""
    if isinstance(result, list):
        return [written_result(one) for one in result]
    if isinstance(result, msgspec.Struct):
        kind = type(result).__name__
        assert kind in _RECORDS, f"nobody could read a {kind} again"
        return {"kind": kind, "record": msgspec.to_builtins(result)}
    assert result is None or isinstance(result, bool | int | str)
    return result


def read_result(written: Any) -> Any:
    """The same again."""
    if isinstance(written, list):
        return [read_result(one) for one in written]
    if isinstance(written, dict):
        return msgspec.convert(written["record"], _RECORDS[written["kind"]])
    return written
