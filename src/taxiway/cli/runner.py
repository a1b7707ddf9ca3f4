"""``taxiway runner``: processes that execute runs."""

from __future__ import annotations

import asyncio
import socket

import click

from taxiway import diagnosis
from taxiway.app import store_path
from taxiway.cli.door import Door, pass_door
from taxiway.cli.interrupts import Interrupts, stopping_words
from taxiway.cli.jobmodules import load_jobs
from taxiway.cli.output import answer, answer_json, answer_json_line, note, page_document, table
from taxiway.cli.remoterunner import Elsewhere, invite, revoke, serve_elsewhere
from taxiway.cli.verb import Noun
from taxiway.cli.words import ago, count, span
from taxiway.core.ids import short_id
from taxiway.core.readiness import Scope
from taxiway.wire.moments import rfc3339


@click.group(cls=Noun)
def runner() -> None:
    """Runners: processes that execute runs."""


runner.add_command(invite)
runner.add_command(revoke)


@runner.command()
@click.option("--slots", type=click.IntRange(1), help="Runs at once. [default: the configuration's]")
@click.option("--lane", "lanes", multiple=True, help="Take only work of this lane.")
@click.option("--jobs", multiple=True, metavar="MODULE", help="Import this module for its @taxiway.job functions.")
@click.option("--code", help="With --url: an invitation (taxiway runner invite), for the first time.")
@click.option("--token", help="With --url: a key. [default: the one that a code has made, then TAXIWAY_TOKEN]")
@click.option("--state", metavar="FOLDER", help="With --url: what is kept. [default: a folder for each server]")
@pass_door
def start(door: Door, slots: int | None, lanes: tuple[str, ...], jobs: tuple[str, ...], **given: str | None) -> None:
    """Run what is in the store, or with --url what a server has, until told to stop.

    Ctrl-C or SIGTERM once: what runs is asked to stop and goes back to its queue. Twice: it is killed at once.
    """
    load_jobs(jobs)
    slots, scope = slots or door.loaded.config.runner.slots, Scope(lanes=frozenset(lanes) or None)
    if door.url is not None:
        serve_elsewhere(door, slots, scope, Elsewhere(door.url, **given))
    elif any(given.values()):
        raise click.UsageError(
            "--code, --token and --state are for a runner that works for a server; give its address: --url"
        )
    else:
        asyncio.run(_serve(door, slots, scope))


async def _serve(door: Door, slots: int, scope: Scope) -> None:
    async with door.open_here(slots, scope) as tw:
        assert tw.crew is not None
        with Interrupts() as interrupts:
            if door.wants_json:
                answer_json_line({"runner": tw.runner, "slots": slots, "store": door.loaded.config.store.path})
            else:
                answer(
                    f"runner {short_id(tw.runner or '')} with {count(slots, 'slot')} on {door.loaded.config.store.path}"
                )
            await interrupts.first.wait()
            note(stopping_words(tw.crew.working))
            async with asyncio.TaskGroup() as group:
                draining = group.create_task(tw.crew.drain(), name="drain")
                second = group.create_task(interrupts.second.wait(), name="second")
                await asyncio.wait((draining, second), return_when=asyncio.FIRST_COMPLETED)
                if not draining.done():
                    tw.crew.kill()
                    await draining
                second.cancel()


@runner.command("list")
@pass_door
def list_runners(door: Door) -> None:
    """Who is there, and how: live, draining, silent (its heartbeat is late) or dead."""
    found = [(one, door.condition(one)) for one in door.use(lambda tw: tw.runners())]
    now = door.clock.now_ms()
    if door.wants_json:
        answer_json(
            page_document(
                {
                    "id": one.id,
                    "host": one.host,
                    "pid": one.pid,
                    "slots": one.slots,
                    "state": str(condition),
                    "started_at": rfc3339(one.started_at),
                    "seen_at": rfc3339(one.seen_at),
                }
                for one, condition in found
            )
        )
        return
    if not found:
        note("no runner is there; one starts with: taxiway runner start")
        return
    rows = [
        [
            short_id(one.id),
            _condition_word(one, condition, now),
            one.host,
            str(one.pid),
            str(one.slots),
            span((now - one.started_at) / 1_000),
            ago(one.seen_at, now),
        ]
        for one, condition in found
    ]
    answer(table(("ID", "STATE", "HOST", "PID", "SLOTS", "UP", "SEEN"), rows))


def _condition_word(runner: diagnosis.Runner, condition: diagnosis.Condition, now: int) -> str:
    silent = condition is diagnosis.Condition.SILENT
    return f"silent for {span((now - runner.seen_at) / 1_000)}" if silent else str(condition)


@runner.command()
@click.argument("ref", metavar="RUNNER")
@pass_door
def drain(door: Door, ref: str) -> None:
    """Ask a runner of this host to stop in good order: what it runs goes back to its queue."""
    path = store_path(door.loaded.config.store.path)
    found = door.use_here(lambda tw: diagnosis.drain_runner(tw.store, path, ref, socket.gethostname()))
    if door.wants_json:
        answer_json({"id": found.id, "pid": found.pid})
    else:
        answer(f"runner {short_id(found.id)} (pid {found.pid}) has been asked to stop")
