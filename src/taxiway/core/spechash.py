"""One number for what was asked, to tell a repeated submit from another, and a changed task from an unchanged one."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from taxiway.core.task import TaskSpec

_DEFAULTS: Final = {name: getattr(TaskSpec(), name) for name in TaskSpec.__struct_fields__}


def spec_hash(spec: TaskSpec) -> bytes:
    """SHA-256 (32 bytes) of the spec as canonical JSON: keys sorted, defaults left out, numbers in one form (I9).

    Everything that was asked counts, ``name`` and ``queue`` too, so a plan's task that only moved to another lane has
    changed. ``idempotency_key`` does not: it says under which key the payload is known, and is no part of it. Neither
    does the order in which ``after`` and ``retry_on`` were written. As defaults are left out, a field that a later
    version adds leaves the hashes of older specs as they are.
    """
    # Through the record's own types and back, so that a timeout of 30 and one of 30.0 are the same.
    typed = msgspec.structs.asdict(msgspec.json.decode(msgspec.json.encode(spec), type=TaskSpec))
    # By equality: the encoder leaves out only what is the very same object as the default.
    asked = {name: value for name, value in typed.items() if value != _DEFAULTS[name]}
    asked.pop("idempotency_key", None)
    if "after" in asked:
        asked["after"] = sorted(asked["after"], key=lambda edge: edge.task)
    if "retry_on" in asked:
        asked["retry_on"] = sorted(set(asked["retry_on"]))
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).digest()
