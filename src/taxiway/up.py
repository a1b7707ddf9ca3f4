"""Puts a server together: an opened store, who may ask it, and where it listens."""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from taxiway.clock import Clock, Ids, SystemClock, system_chance
from taxiway.core.errors import Invalid, NotFound, StoreUnusable, Unavailable
from taxiway.core.token import TokenScope, read_token
from taxiway.doors import Speaking
from taxiway.observe.log import log_moment
from taxiway.observe.observer import Observer
from taxiway.sections import ServerSection
from taxiway.server.app import ASGIApp, Guard, make_app
from taxiway.server.bearers import Bearers
from taxiway.server.doorkeeper import Rates
from taxiway.server.listening import bind, listening
from taxiway.server.live import Live
from taxiway.server.replies import ReplyKeeper
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.server.serving import Server, VerbsOf
from taxiway.server.stream import Streams
from taxiway.server.tails import Tails
from taxiway.store.guard import Guard as StoreGuard
from taxiway.verbs import Taxiway

SYSTEM_CLOCK: Final = SystemClock()
OWNER: Final = "owner"  #: who has the token that lies beside the store
CALLERS_MAX: Final = 1_000
KEEP_AGAIN_S: Final = 10.0


class Standing(msgspec.Struct, frozen=True):
    """A server that answers: where, and the file with its owner's token."""

    url: str
    token_file: Path


@asynccontextmanager
async def standing(
    tw: Taxiway, store: Path, wanted: ServerSection, observer: Observer = log_moment
) -> AsyncIterator[Standing]:
    """Answer over HTTP until the block is left. Raises ``Invalid`` for an address that is not safe to listen on, and
    ``Unavailable`` for one that cannot be had."""
    _check_safe(wanted)
    listener = bind(wanted.host, wanted.port)
    port: int = listener.getsockname()[1]
    token_file = await _owners_token(tw, store.with_suffix(".token"))
    hosts = (wanted.host, *wanted.hosts)
    answering = application(tw, hosts, observer=observer, open_max=wanted.open_tasks)
    async with answering as app, listening(app, listener):
        yield Standing(f"http://{_shown(wanted.host)}:{port}", token_file)


@asynccontextmanager
async def application(
    tw: Taxiway,
    hosts: Collection[str] = (),
    rates: Rates | None = None,
    clock: Clock = SYSTEM_CLOCK,
    observer: Observer = log_moment,
    open_max: int | None = None,
) -> AsyncIterator[ASGIApp]:
    """What answers, without a socket: an ASGI application on an opened store. ``open_max`` tasks of a tenant may be
    open when it submits some."""
    bearers = Bearers(tw.store, clock)
    verbs_of = _verbs_of(tw)
    server = Server(verbs_of, tw.store, observer, RunnerDesk(tw.feed.wakes), open_max)
    guard = Guard(bearers=bearers, clock=clock, ids=Ids(clock, system_chance()), hosts=hosts, rates=rates or Rates())
    async with asyncio.TaskGroup() as group:
        keepers = [
            group.create_task(_keep(bearers.step, clock), name="bearers"),
            group.create_task(_keep(ReplyKeeper(tw.store, clock).step, clock), name="replies"),
        ]
        try:
            streams = Streams(verbs_of, bearers, Live(Tails(group, tw.feed.wakes)))
            yield make_app(server, streams, guard)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await bearers.step()


def _verbs_of(tw: Taxiway) -> VerbsOf:
    """The verbs in a caller's name, made once for each."""

    @lru_cache(CALLERS_MAX)
    def known(actor: str, tenant: str, guard: StoreGuard | None) -> Taxiway:
        return tw.on_behalf_of(Speaking(actor=actor, tenant=tenant, guard=guard))

    def verbs_of(who: Speaking) -> Taxiway:
        usual = who.project is None and (who.guard is None or who.guard.lasting)
        return known(who.actor, who.tenant, who.guard) if usual else tw.on_behalf_of(who)

    return verbs_of


def _check_safe(wanted: ServerSection) -> None:
    """Off loopback whoever listens on the way would read the tokens."""
    if not wanted.insecure and not _is_loopback(wanted.host):
        raise Invalid(
            f"{wanted.host} is no loopback address, and what is sent there can be read on the way: put a proxy with "
            "TLS before a server on 127.0.0.1, or set insecure = true in [server] for a network that you trust"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _keep(step: Callable[[], Awaitable[float]], clock: Clock) -> None:
    """Do its steps; one that the store cannot take now is done later."""
    while True:
        try:
            wait_s = await step()
        except Unavailable:
            wait_s = KEEP_AGAIN_S
        await clock.sleep(wait_s)


async def _owners_token(tw: Taxiway, path: Path) -> Path:
    """The file with the token of whoever owns the store; made when it is missing or opens nothing any more."""
    if await _opens(tw, path):
        return path
    _, text = await tw.make_token(OWNER, TokenScope.ADMIN)
    try:
        await asyncio.to_thread(_write_private, path, text)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be written: {error.strerror}", path=str(path)) from error
    return path


async def _opens(tw: Taxiway, path: Path) -> bool:
    try:
        claim = read_token((await asyncio.to_thread(path.read_text, "ascii")).strip())
        if claim is None:
            return False
        token, hash = await tw.store.token(claim[0])
    except (OSError, ValueError, NotFound):
        return False
    return hash == claim[1] and token.holds(SystemClock().now_ms())


def _write_private(path: Path, text: str) -> None:
    """For its owner's eyes only, whole or not at all."""
    fresh = path.with_suffix(".token.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text + "\n")
    fresh.replace(path)
