"""``taxiway up``: a server with a runner in one process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import click
import msgspec

from taxiway.app import Taxiway
from taxiway.cli.door import Door, pass_door
from taxiway.cli.interrupts import Interrupts, stopping_words
from taxiway.cli.jobmodules import load_jobs
from taxiway.cli.output import answer, answer_json_line, note
from taxiway.cli.verb import Verb
from taxiway.cli.words import count
from taxiway.core.logging import LogFormat
from taxiway.up import LogSection, ServerSection, Standing, running, spare_collector

LOGGER: Final = logging.getLogger("taxiway")


@click.command(cls=Verb)
@click.option("--host", help="The address to listen on. [default: the configuration's, 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="The port, 0 for any. [default: the configuration's, 8787]"
)
@click.option("--slots", type=click.IntRange(0), help="Runs at once, 0 for none. [default: the configuration's]")
@click.option("--jobs", multiple=True, metavar="MODULE", help="Import this module for its @taxiway.job functions.")
@click.option(
    "--log",
    type=click.Choice(["text", "json"]),
    help="How lines of the log on stderr look. [default: the configuration's, text]",
)
@pass_door
def up(
    door: Door, host: str | None, port: int | None, slots: int | None, jobs: tuple[str, ...], log: str | None
) -> None:
    """Answer over HTTP, and run what is in the store, until told to stop.

    Ctrl-C or SIGTERM once: what runs is asked to stop and goes back to its queue. Twice: it is killed at once.
    """
    load_jobs(jobs)
    config = door.loaded.config
    said: dict[str, Any] = {"host": host, "port": port}
    known = {name: value for name, value in said.items() if value is not None}
    server = msgspec.structs.replace(config.server, **known)
    lines = config.log if log is None else msgspec.structs.replace(config.log, format=LogFormat(log))
    asyncio.run(_serve(door, config.runner.slots if slots is None else slots, server, lines))


async def _serve(door: Door, slots: int, wanted: ServerSection, log: LogSection) -> None:
    async with running(door.loaded, door.wanted(slots), wanted, log) as (tw, server):
        with Interrupts() as interrupts:
            _tell(door, server, slots)
            spare_collector()
            await interrupts.first.wait()
            await _leave(tw, interrupts, LOGGER.info if log.format is LogFormat.JSON else note)


async def _leave(tw: Taxiway, interrupts: Interrupts, say: Callable[[str], None]) -> None:
    """What runs is asked to stop; at the second call it is killed."""
    if tw.crew is None:
        return
    say(stopping_words(tw.crew.working))
    async with asyncio.TaskGroup() as group:
        draining = group.create_task(tw.crew.drain(), name="drain")
        second = group.create_task(interrupts.second.wait(), name="second")
        await asyncio.wait((draining, second), return_when=asyncio.FIRST_COMPLETED)
        if not draining.done():
            tw.crew.kill()
            await draining
        second.cancel()


def _tell(door: Door, server: Standing, slots: int) -> None:
    store = door.loaded.config.store.path
    if door.wants_json:
        token_file, link = str(server.token_file), server.link
        answer_json_line({"url": server.url, "token_file": token_file, "link": link, "slots": slots, "store": store})
        return
    answer(f"{server.url} with {count(slots, 'slot')} on {store}")
    answer(f"your token lies in {server.token_file}")
    answer(f"a browser is signed in, once and within a minute, by {server.link}")
