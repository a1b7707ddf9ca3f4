"""Conditional changes: made only to what the caller has read (RFC 9110, 13.1.1)."""

from __future__ import annotations

import re
from typing import Final, assert_never

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Invalid, Malformed
from taxiway.core.expected import Expected
from taxiway.server.endpoint import Call, Endpoint

VERSIONS_MAX: Final = 20
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


def seen_versions(if_match: str | None, endpoint: Endpoint) -> frozenset[int] | None:
    """The versions that an ``If-Match`` names; ``None`` where any will do. What is no version of ours matches none."""
    if if_match is None or (if_match.strip() == "*" and endpoint.conditional):
        return None
    if not endpoint.conditional:
        raise Invalid("this takes no If-Match: it changes nothing that has a version")
    tags = [_TAG.fullmatch(part.strip()) for part in if_match.split(",")]
    if len(tags) > VERSIONS_MAX or None in tags:
        raise Malformed(f'an If-Match is * or up to {VERSIONS_MAX} entity tags, as in: If-Match: "123"')
    found = [tag[2] for tag in tags if tag is not None and not tag[1]]
    return frozenset(int(text) for text in found if text.isdecimal() and text.isascii() and len(text) <= 18)


async def demanded(call: Call, kind: ChangeKind, versions: frozenset[int]) -> tuple[Call, Expected]:
    """What the change of this call may meet, and the call with the whole id of what it means: a name may be another
    thing's by the time of the change."""
    match kind:
        case ChangeKind.TASK:
            task = await call.tw.task(call.path["task"])
            return _of(call, "task", task.id), Expected(kind=kind, ref=task.id, versions=versions)
        case ChangeKind.SESSION:
            session = await call.tw.session_verbs.get(call.path["session"])
            return _of(call, "session", session.id), Expected(kind=kind, ref=session.id, versions=versions)
        case ChangeKind.QUEUE:
            queue = await call.tw.queue(call.path["queue"])
            return call, Expected(kind=kind, ref=queue.name, versions=versions, project=queue.project)
        case ChangeKind.LANE:
            owner = getattr(call.body, "queue", None) or getattr(call.query, "queue", None)
            project = None if owner is None else (await call.tw.queue(owner)).project
            ref = call.path["lane"]
            return call, Expected(kind=kind, ref=ref, versions=versions, queue=owner, project=project)
        case ChangeKind.ACCOUNT:
            return call, Expected(kind=kind, ref=call.path["account"], versions=versions)
        case ChangeKind.APPROVAL | ChangeKind.RUNNER | ChangeKind.TOKEN:
            raise AssertionError(f"nothing is demanded of a {kind}")
        case _:
            assert_never(kind)


def _of(call: Call, name: str, id: str) -> Call:
    return msgspec.structs.replace(call, path={**call.path, name: id})
