"""``taxiway db``: the store's file checked, brought up to date, copied, and relieved of what is old."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Final

import click

from taxiway.app import Taxiway
from taxiway.cli.door import Door, pass_door
from taxiway.cli.options import Duration
from taxiway.cli.output import answer, answer_json, answer_json_line, note
from taxiway.cli.safe import safe_line
from taxiway.cli.verb import Noun
from taxiway.cli.words import count
from taxiway.client.verbs import Verbs
from taxiway.core.change import Change
from taxiway.wire.documents import change_document

PAGE_ROWS: Final = 1_000
BROKEN_STATUS: Final = 1


@click.group(cls=Noun)
def db() -> None:
    """The store's file."""


@db.command()
@pass_door
def check(door: Door) -> int:
    """Look whether every invariant of the store holds; exit status 1 when one does not."""
    findings = door.use_here(lambda tw: tw.store.check())
    if door.wants_json:
        items = [{"invariant": one.invariant, "check": one.check, "text": one.text} for one in findings]
        answer_json({"path": door.loaded.config.store.path, "findings": items})
    elif findings:
        answer("\n".join(f"{one.invariant} {one.check}: {safe_line(one.text)}" for one in findings))
    else:
        answer(f"{door.loaded.config.store.path}: every invariant holds")
    return BROKEN_STATUS if findings else 0


@db.command()
@pass_door
def migrate(door: Door) -> None:
    """Bring the store up to this program's schema (opening it does the same)."""
    door.use_here(_nothing)
    if door.wants_json:
        answer_json({"path": door.loaded.config.store.path, "migrated": True})
    else:
        answer(f"{door.loaded.config.store.path} has this program's schema")


@db.command()
@click.argument("target")
@pass_door
def backup(door: Door, target: str) -> None:
    """Copy the store, as it is at one moment, into a new file; work may go on meanwhile."""
    door.use_here(lambda tw: tw.store.backup(target))
    if door.wants_json:
        answer_json({"path": target})
    else:
        answer(f"copied to {target}")


@db.command()
@click.option("--after", type=click.IntRange(0), default=0, help="Only what came behind this version.")
@click.option("--by", help="Only what this actor did.")
@pass_door
def audit(door: Door, after: int, by: str | None) -> None:
    """Export the change log: who changed what, when, why, and by which request; as JSON one object a line."""

    async def work(tw: Verbs) -> None:
        newest = await tw.newest_version()
        if newest <= after:
            return
        async with aclosing(tw.change_pages(after)) as pages:
            async for page in pages:
                for change in page:
                    if change.version <= newest and by in (None, change.actor):
                        _tell(door, change)
                if page[-1].version >= newest:
                    return

    door.use(work)


def _tell(door: Door, change: Change) -> None:
    document = change_document(change)
    if door.wants_json:
        answer_json_line(document)
    else:
        request = "" if change.request is None else f" in request {change.request}"
        reason = "" if change.reason is None else f"/{change.reason}"
        what = f"{change.kind} {change.id} {change.state}{reason}: {change.cause} by {change.actor}{request}"
        answer(safe_line(f"{change.version}  {document['at']}  {what}"))


@db.command()
@click.option("--older-than", type=Duration(), required=True, help="What ended longer ago than this is forgotten.")
@pass_door
def prune(door: Door, older_than: float) -> None:
    """Forget tasks that ended long ago, with their logs and diffs, and old lines of the change log."""
    before = door.clock.now_ms() - round(older_than * 1_000)

    async def work(tw: Taxiway) -> tuple[int, int]:
        tasks = changes = 0
        while page := await tw.intake.prune(before, PAGE_ROWS):
            tasks, changes = tasks + page.tasks, changes + page.changes
            await asyncio.sleep(0)
        await tw.forget_diffs()
        return tasks, changes

    tasks, changes = door.use_here(work)
    if door.wants_json:
        answer_json({"tasks": tasks, "changes": changes})
    else:
        answer(f"{count(tasks, 'task')} and {count(changes, 'line')} of the change log forgotten")
        note("the file keeps its size; the room in it is used again")


async def _nothing(tw: Taxiway) -> None:
    """Opening was all."""
