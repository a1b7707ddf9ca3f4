"""``taxiway workspace``: the places that runs have worked in, and are still on the disk."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from taxiway.app import Taxiway
from taxiway.cli.door import Door, pass_door
from taxiway.cli.output import answer, answer_json, note, page_document, table
from taxiway.cli.safe import safe_line
from taxiway.cli.verb import Noun
from taxiway.cli.words import span
from taxiway.core.errors import Ambiguous, NotFound, WorkspaceRefused
from taxiway.core.workspace import Found, Left, Stand
from taxiway.wire.moments import rfc3339

REF_CHARS_MIN = 4


@click.group(cls=Noun)
def workspace() -> None:
    """Workspaces: worktrees and bundles that runs have worked in."""


@workspace.command("list")
@pass_door
def list_workspaces(door: Door) -> None:
    """Every workspace beside the store, whose it is, and folders of which nobody knows that."""
    found = door.use_here(lambda tw: tw.workspaces())
    if door.wants_json:
        answer_json(page_document(workspace_document(one) for one in found))
        return
    if not found:
        note("there is no workspace")
        return
    now = door.clock.now_ms()
    rows = [
        [
            one.record.id,
            "in use" if one.in_use else str(one.record.stand),
            str(one.record.wanted.kind) if one.record.stand is not Stand.UNKNOWN else "",
            one.record.branch or one.record.base[:12],
            span((now - one.record.made_at) / 1_000) if one.record.made_at else "",
            one.path if one.record.stand is not Stand.REMOVED else ", ".join(one.record.snapshots),
        ]
        for one in found
    ]
    answer(table(("WORKSPACE", "STAND", "KIND", "BRANCH", "AGE", "WHERE"), rows, clip=False))


@workspace.command()
@click.argument("refs", metavar="WORKSPACE...", nargs=-1, required=True)
@click.option("--forget", is_flag=True, help="Also forget what is kept of it: snapshots are deleted for ever.")
@pass_door
def remove(door: Door, refs: tuple[str, ...], forget: bool) -> None:
    """Remove workspaces; what is in one and nowhere else is saved to a git bundle first.

    One that is in use, or holds what cannot be saved, stays (exit status 4). One whose files somebody else took away
    can only be forgotten. WORKSPACE is an id, or four or more
    characters of its end.
    """

    async def work(tw: Taxiway) -> list[tuple[str, Left]]:
        known = await tw.workspaces()
        done = []
        for ref in refs:
            id = _meant(known, ref)
            try:
                left = await tw.remove_workspace(id)
            except WorkspaceRefused:
                if not forget or not tw.workshop.is_gone(id):
                    raise
            if forget and any(one.record.id == id for one in await tw.workspaces()):
                await tw.workshop.forget(id)
                left = Left(False, "removed and forgotten")
            done.append((id, left))
        return done

    done = door.use_here(work)
    if door.wants_json:
        answer_json(page_document({"id": id, "text": left.text, "snapshot": left.snapshot} for id, left in done))
        return
    for id, left in done:
        answer(f"{id} {safe_line(left.text)}" + (f": {left.snapshot}" if left.snapshot else ""))


def workspace_document(found: Found) -> dict[str, Any]:
    """A workspace as JSON."""
    document: dict[str, Any] = msgspec.to_builtins(found.record)
    document["made_at"] = rfc3339(found.record.made_at) if found.record.made_at else None
    return document | {"path": found.path, "in_use": found.in_use}


def _meant(known: list[Found], ref: str) -> str:
    """The whole id; raises ``NotFound`` and ``Ambiguous``."""
    ids = [one.record.id for one in known]
    if ref in ids:
        return ref
    fitting = [id for id in ids if len(ref) >= REF_CHARS_MIN and id.endswith(ref)]
    if len(fitting) > 1:
        raise Ambiguous(f"'{safe_line(ref)}' fits {len(fitting)} workspaces", candidates=fitting)
    if not fitting:
        raise NotFound(f"there is no workspace {safe_line(ref)}", id=ref)
    return fitting[0]
