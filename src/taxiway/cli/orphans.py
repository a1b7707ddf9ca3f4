"""``taxiway orphans``: processes that nobody claims, and runs whose end could not be confirmed."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

import click

from taxiway.app import Taxiway, diagnosis, store_path
from taxiway.cli.door import Door, pass_door
from taxiway.cli.output import answer, answer_json, note, table
from taxiway.cli.verb import Verb
from taxiway.cli.words import count
from taxiway.core.ids import short_id

LEFT_STATUS: Final = 1


@click.command(cls=Verb)
@click.option("--kill", is_flag=True, help="End them, with everything below them, after a question.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_door
def orphans(door: Door, kill: bool, yes: bool) -> int:
    """Processes of this store that no live run claims, and runs of dead runners that nobody has settled yet."""
    path = store_path(door.loaded.config.store.path)

    async def look(tw: Taxiway) -> tuple[Sequence[diagnosis.Orphan], Sequence[diagnosis.LiveRun]]:
        return await diagnosis.orphans_of(tw.store, path), await diagnosis.unconfirmed(
            tw.store, path, socket.gethostname()
        )

    strays, leftovers = door.use(look)
    _show(door, strays, leftovers)
    if not kill or not strays:
        return 0
    if not yes and not click.confirm(f"Kill {count(len(strays), 'process', 'processes')}?", err=True):
        return 0
    return _kill(door)


def _kill(door: Door) -> int:
    """Look once more (time has passed while somebody read), then end what is found."""
    path = store_path(door.loaded.config.store.path)

    async def work(tw: Taxiway) -> tuple[int, frozenset[str]]:
        found = await diagnosis.orphans_of(tw.store, path)
        return len(found), await diagnosis.end_orphans(found)

    ended, left = door.use(work)
    note(f"{count(ended, 'process', 'processes')} killed" + (f"; {len(left)} would not die" if left else ""))
    return LEFT_STATUS if left else 0


def _show(door: Door, strays: Sequence[diagnosis.Orphan], leftovers: Sequence[diagnosis.LiveRun]) -> None:
    if door.wants_json:
        answer_json(
            {
                "orphans": [{"pid": one.pid, "tag": one.tag, "command": one.command} for one in strays],
                "unconfirmed": [{"run": one.run, "task": one.task, "runner": one.runner} for one in leftovers],
            }
        )
        return
    if not strays:
        answer("no orphans: every process of this store belongs to a live run")
    else:
        answer(table(("PID", "COMMAND"), [[str(one.pid), one.command] for one in strays]))
    if leftovers:
        rows = [
            [
                short_id(one.run),
                short_id(one.task),
                short_id(one.runner),
                str(one.process.child_pid if one.process else ""),
            ]
            for one in leftovers
        ]
        answer("\nruns of dead runners, to be settled by the next runner that starts:")
        answer(table(("RUN", "TASK", "RUNNER", "PID"), rows))
