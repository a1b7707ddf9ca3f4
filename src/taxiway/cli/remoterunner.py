"""A runner that works for a server elsewhere, as the command line starts it; and the keys of such runners."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import click
import msgspec

from taxiway.app import Settings, configured
from taxiway.cli.door import Door, pass_door
from taxiway.cli.interrupts import Interrupts, stopping_words
from taxiway.cli.moments import tell
from taxiway.cli.output import answer, answer_json, answer_json_line, note
from taxiway.cli.words import count
from taxiway.core.errors import LeaseLost, Unavailable
from taxiway.core.ids import short_id
from taxiway.core.logging import LogFormat
from taxiway.core.readiness import Scope
from taxiway.core.token import TokenScope
from taxiway.remoterunner import Workplace, own_key, remote_runner, state_folder, telling
from taxiway.wire.documents import token_document

LOGGER: Final = logging.getLogger("taxiway")
INVITE_S: Final = 600.0
AGAIN_S: Final = 1.0


class Elsewhere(msgspec.Struct, frozen=True):
    """What was typed about the server: its address, and a key, a code or a folder."""

    url: str
    token: str | None = None
    code: str | None = None
    state: str | None = None


class Work(NamedTuple):
    """What a runner works with: where, by which settings, who hears of it, and how it speaks to whoever started it."""

    place: Workplace
    settings: Settings
    observer: Callable[..., None]
    say: Callable[[str], None]


def serve_elsewhere(door: Door, slots: int, scope: Scope, where: Elsewhere) -> None:
    """Run what a server has until told to stop; one whose work was taken over in an outage begins anew."""
    with state_folder(where.url, where.state) as folder, asyncio.Runner() as loop:
        token = where.token or door.named_token
        key = loop.run(own_key(where.url, folder, token=token, code=where.code, otherwise=door.token_around))
        place = Workplace(where.url, key, folder)
        settings = configured(door.loaded, Settings(slots=slots, scope=scope, project="", actor="runner"))
        log, traced = door.loaded.config.log, door.loaded.config.server.traces
        say = LOGGER.info if log.format is LogFormat.JSON else note
        with telling(log, traced, settings.secrets.values(), tell) as observer:
            loop.run(_serve(door, Work(place, settings, observer, say)))


async def _serve(door: Door, work: Work) -> None:
    with Interrupts() as interrupts:
        told = False
        while not interrupts.first.is_set():
            try:
                await _one_life(door, work, interrupts)
            except LeaseLost as error:
                work.say(f"others have taken over what ran here, and it begins anew: {error.message}")
            except Unavailable as error:
                if not told:
                    work.say(f"{error.message}; it tries until told to stop")
                told = True
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await interrupts.first.wait()


async def _one_life(door: Door, work: Work, interrupts: Interrupts) -> None:
    slots, url = work.settings.slots, work.place.url
    async with remote_runner(work.place, work.settings, work.observer) as (runner, crew):
        if door.wants_json:
            answer_json_line({"runner": runner, "slots": slots, "url": url})
        else:
            answer(f"runner {short_id(runner)} with {count(slots, 'slot')} for {url}")
        await interrupts.first.wait()
        work.say(stopping_words(crew.working))
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(crew.drain(), name="drain")
            second = group.create_task(interrupts.second.wait(), name="second")
            await asyncio.wait((draining, second), return_when=asyncio.FIRST_COMPLETED)
            if not draining.done():
                crew.kill()
                await draining
            second.cancel()


@click.command()
@click.argument("name")
@pass_door
def invite(door: Door, name: str) -> None:
    """Make a code with which one runner elsewhere gets a key of its own: once, within ten minutes."""
    made, text = door.use(lambda tw: tw.make_token(name, TokenScope.INVITE, INVITE_S))
    if door.wants_json:
        answer_json({"token": token_document(made), "text": text})
        return
    answer(text)
    note(f"on the other machine, within ten minutes: taxiway runner start --url URL --code {text}")


@click.command()
@click.argument("ref", metavar="RUNNER")
@pass_door
def revoke(door: Door, ref: str) -> None:
    """Take a remote runner's key: it opens nothing any more, and what it runs is given to others at once."""
    found = door.use(lambda tw: tw.revoke_runner(ref))
    if door.wants_json:
        answer_json(token_document(found))
        return
    answer(f"the key of {found.name} ({short_id(found.id)}) opens nothing any more")
