"""``taxiway task diff`` and ``taxiway task apply``: what a task changed in its workspace."""

from __future__ import annotations

from pathlib import Path

import click

from taxiway.app import Taxiway
from taxiway.cli.door import Door, pass_door
from taxiway.cli.options import task_argument
from taxiway.cli.output import answer, answer_json, note
from taxiway.cli.safe import safe_line
from taxiway.cli.verb import Verb
from taxiway.cli.words import count
from taxiway.client.verbs import Verbs
from taxiway.core.errors import Error
from taxiway.core.ids import short_id
from taxiway.core.safe import safe
from taxiway.core.workspace import Applied, RunDiff, TaskDiff
from taxiway.wire.documents import diff_document


@click.command("diff", cls=Verb)
@task_argument
@click.option("--stat", is_flag=True, help="Only which files changed, and by how many lines.")
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the patch to a file, as it is.")
@pass_door
def diff(door: Door, ref: str, stat: bool, output: str | None) -> None:
    """What a task changed in its workspace, as a patch that is safe to be shown."""

    async def work(tw: Verbs) -> TaskDiff:
        return await tw.diff(ref)

    found = door.use(work)
    if output is not None:
        _write(Path(output), found.patch)
    if door.wants_json:
        answer_json(diff_document(found, with_patch=not stat and output is None))
        return
    if output is None and not stat:
        answer(safe(found.patch.decode("utf-8", "replace")).rstrip("\n"))
    elif stat:
        answer("\n".join(_lines(found.diff)))
    _note_what_is_missing(found.diff)


@click.command("apply", cls=Verb)
@task_argument
@click.option("--check", is_flag=True, help="Only look whether it fits.")
@click.option("--to", "folder", metavar="DIR", help="The checkout to change. [default: here]")
@pass_door
def apply(door: Door, ref: str, check: bool, folder: str | None) -> None:
    """Lay what a task changed into a checkout: the whole of it, or nothing with the reason (exit status 4)."""

    async def work(tw: Taxiway) -> Applied:
        return await tw.apply_diff(ref, folder or ".", check=check)

    applied = door.use_here(work)
    if door.wants_json:
        answer_json({"top": applied.top, "paths": list(applied.paths), "applied": not applied.checked_only})
        return
    for path in applied.paths:
        answer(safe_line(path))
    what = f"{count(len(applied.paths), 'file')} of {safe_line(applied.top)}"
    note(f"it fits, and would change {what}" if check else f"changed {what}; nothing is staged or committed")


def _lines(diff: RunDiff) -> list[str]:
    lines = [
        f"{'-' if one.added is None else f'+{one.added}':>6} {'-' if one.removed is None else f'-{one.removed}':>6}"
        f"  {safe_line(one.path)}"
        for one in diff.files
    ]
    more = [f"and {diff.changed - len(diff.files)} more"] if diff.changed > len(diff.files) else []
    return [*lines, *more, f"{count(diff.changed, 'file')}, +{diff.added} -{diff.removed}"]


def _note_what_is_missing(diff: RunDiff) -> None:
    for path in diff.left_out:
        note(f"not in it: {safe_line(path)} (too large, or a repository of its own)")
    if diff.truncated:
        note("it was longer than what is kept of one: this is its beginning")
    if diff.scrubbed:
        note("declared secrets stood in it and were taken out")
    if not diff.changed and not diff.left_out:
        note(f"run {short_id(diff.run)} changed nothing")


def _write(path: Path, patch: bytes) -> None:
    try:
        path.write_bytes(patch)
    except OSError as error:
        raise Error(f"{safe_line(str(path))} cannot be written: {error.strerror}") from None
