"""``taxiway orphans``: processes that nobody claims, and runs whose end could not be confirmed."""

from __future__ import annotations

import socket
from typing import Any, Final

import click

from taxiway import diagnosis
from taxiway.app import Taxiway, store_path
from taxiway.cli.door import Door, pass_door
from taxiway.cli.output import answer, answer_json, note, table
from taxiway.cli.verb import Verb
from taxiway.cli.words import count
from taxiway.core.ids import short_id

LEFT_STATUS: Final = 1
GUARDED: Final = (
    "A process is found by the tag in its environment. One that cleared its environment is ended by its guardian,\n"
    "and is missed only if that guardian and the fork server above it were both killed."
)


@click.command(cls=Verb)
@click.option("--kill", is_flag=True, help="End orphans, with everything below them, after a question.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_door
def orphans(door: Door, kill: bool, yes: bool) -> int:
    """Processes that no run claims, and runs of dead runners that nobody has settled."""
    found = _look(door)
    if door.wants_json:
        answer_json(_document(found))
    else:
        answer("\n\n".join(told(found)))
    if not kill or not found.orphans:
        return 0
    number = count(len(found.orphans), "process", "processes")
    if not yes and not click.confirm(f"Kill {number}?", err=True):
        return 0
    return _kill(door)


def told(found: diagnosis.Remains) -> list[str]:
    """What was found, and how certain that is on this machine."""
    parts = []
    if found.orphans:
        rows = [[str(one.pid), one.command] for one in found.orphans]
        parts.append(f"orphans, processes of this store that no run claims:\n{table(('PID', 'COMMAND'), rows)}")
    else:
        parts.append("no orphans: no process that carries this store's tag is without a run")
    if found.runs:
        head = "runs whose runner is dead; the next Taxiway process that stays on this host ends and settles them:"
        rows = [
            [short_id(left.run.run), short_id(left.run.task), short_id(left.run.runner), _alive_word(left)]
            for left in found.runs
        ]
        parts.append(f"{head}\n{table(('RUN', 'TASK', 'RUNNER', 'PROCESSES'), rows)}")
    sure = found.certainty.level is diagnosis.CertaintyLevel.GUARDIAN
    parts.append(GUARDED if sure else f"Nothing is certain on this machine: {found.certainty.why}.")
    return parts


def _alive_word(left: diagnosis.LeftRun) -> str:
    return " ".join(map(str, left.pids)) or "none alive"


def _look(door: Door) -> diagnosis.Remains:
    path = store_path(door.loaded.config.store.path)
    return door.use_here(lambda tw: diagnosis.remains(tw.store, path, socket.gethostname()))


def _kill(door: Door) -> int:
    """Look once more (time has passed while somebody read), then end what is found."""
    path = store_path(door.loaded.config.store.path)

    async def work(tw: Taxiway) -> tuple[int, frozenset[str]]:
        found = (await diagnosis.remains(tw.store, path, socket.gethostname())).orphans
        return len(found), await diagnosis.end_orphans(found)

    ended, left = door.use_here(work)
    note(f"{count(ended, 'process', 'processes')} killed" + (f"; {len(left)} would not die" if left else ""))
    return LEFT_STATUS if left else 0


def _document(found: diagnosis.Remains) -> dict[str, Any]:
    return {
        "orphans": [{"pid": one.pid, "tag": one.tag, "command": one.command} for one in found.orphans],
        "unconfirmed": [
            {"run": left.run.run, "task": left.run.task, "runner": left.run.runner, "pids": list(left.pids)}
            for left in found.runs
        ],
        "certainty": {"level": str(found.certainty.level), "why": found.certainty.why},
    }
