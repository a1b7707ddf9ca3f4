"""Puts a server together: an opened store, who may ask it, and where it listens."""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import lru_cache
from pathlib import Path
from socket import socket
from typing import Final, NamedTuple

import msgspec

from taxiway.client.address import login_link, shown_host
from taxiway.clock import Clock, Ids, SystemClock, new_secret, system_chance
from taxiway.core.errors import Invalid, NotFound, StoreUnusable, Unavailable
from taxiway.core.token import OWNER, TokenScope, read_token
from taxiway.doors import Speaking
from taxiway.observe.log import log_moment
from taxiway.observe.observer import Observer
from taxiway.sections import ServerSection
from taxiway.server.app import ASGIApp, Guard, make_app
from taxiway.server.bearers import Bearers
from taxiway.server.doorkeeper import Rates
from taxiway.server.listening import bind, listening
from taxiway.server.live import Live
from taxiway.server.login import Login
from taxiway.server.mint import Mint
from taxiway.server.replies import ReplyKeeper
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.server.serving import Server, VerbsOf
from taxiway.server.stream import Streams
from taxiway.server.tails import Tails
from taxiway.verbs import Taxiway

SYSTEM_CLOCK: Final = SystemClock()
CALLERS_MAX: Final = 1_000
KEEP_AGAIN_S: Final = 10.0


class Standing(msgspec.Struct, frozen=True):
    """A server that answers: where, the file with its owner's token, and a link that signs his browser in, once and
    within a minute."""

    url: str
    token_file: Path
    link: str


class Place(NamedTuple):
    """A socket that listens, and the address that it has."""

    listener: socket
    url: str


@contextmanager
def taken(wanted: ServerSection) -> Iterator[Place]:
    """The place where to answer: runs are told of it, so it is taken before the first of them starts. Raises
    ``Invalid`` for an address that is not safe to listen on, and ``Unavailable`` for one that cannot be had."""
    _check_safe(wanted)
    with closing(bind(wanted.host, wanted.port)) as listener:
        yield Place(listener, f"http://{shown_host(wanted.host)}:{listener.getsockname()[1]}")


@asynccontextmanager
async def standing(
    tw: Taxiway, store: Path, wanted: ServerSection, place: Place, observer: Observer = log_moment
) -> AsyncIterator[Standing]:
    """Answer over HTTP until the block is left."""
    token, token_file = await _owners_token(tw, store.with_suffix(".token"))
    hosts = (wanted.host, *wanted.hosts)
    async with application(tw, hosts, observer=observer) as app, listening(app, place.listener):
        _, code = await tw.make_link(token)
        yield Standing(place.url, token_file, login_link(place.url, code))


@asynccontextmanager
async def application(
    tw: Taxiway,
    hosts: Collection[str] = (),
    rates: Rates | None = None,
    clock: Clock = SYSTEM_CLOCK,
    observer: Observer = log_moment,
) -> AsyncIterator[ASGIApp]:
    """What answers, without a socket: an ASGI application on an opened store."""
    mint = Mint(tw.store, new_secret)
    bearers = Bearers(tw.store, clock, mint)
    verbs_of = _verbs_of(tw)
    server = Server(verbs_of, tw.store, observer, RunnerDesk(tw.feed.wakes, mint))
    ids = Ids(clock, system_chance())
    guard = Guard(bearers=bearers, clock=clock, ids=ids, hosts=hosts, rates=rates or Rates())
    login = Login(tw.store, clock, ids, new_secret)
    async with asyncio.TaskGroup() as group:
        keepers = [
            group.create_task(_keep(bearers.step, clock), name="bearers"),
            group.create_task(_keep(ReplyKeeper(tw.store, clock).step, clock), name="replies"),
        ]
        try:
            streams = Streams(verbs_of, bearers, Live(Tails(group, tw.feed.wakes)))
            yield make_app(server, streams, login, guard)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await bearers.step()


def _verbs_of(tw: Taxiway) -> VerbsOf:
    """The verbs in a caller's name, made once for each."""

    @lru_cache(CALLERS_MAX)
    def known(actor: str, tenant: str) -> Taxiway:
        return tw.on_behalf_of(Speaking(actor=actor, tenant=tenant))

    def verbs_of(who: Speaking) -> Taxiway:
        usual = who.project is None and who.guard is None and who.bounds is None
        return known(who.actor, who.tenant) if usual else tw.on_behalf_of(who)

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


async def _keep(step: Callable[[], Awaitable[float]], clock: Clock) -> None:
    """Do its steps; one that the store cannot take now is done later."""
    while True:
        try:
            wait_s = await step()
        except Unavailable:
            wait_s = KEEP_AGAIN_S
        await clock.sleep(wait_s)


async def _owners_token(tw: Taxiway, path: Path) -> tuple[str, Path]:
    """The token of whoever owns the store, by its id, and the file with it; made when it is missing or opens nothing
    any more."""
    known = await _opens(tw, path)
    if known is not None:
        return known, path
    token, text = await tw.make_token(OWNER, TokenScope.ADMIN)
    try:
        await asyncio.to_thread(_write_private, path, text)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be written: {error.strerror}", path=str(path)) from error
    return token.id, path


async def _opens(tw: Taxiway, path: Path) -> str | None:
    try:
        claim = read_token((await asyncio.to_thread(path.read_text, "ascii")).strip())
        if claim is None:
            return None
        token, hash = await tw.store.token(claim[0])
    except (OSError, ValueError, NotFound):
        return None
    return token.id if hash == claim[1] and token.holds(SystemClock().now_ms()) else None


def _write_private(path: Path, text: str) -> None:
    """For its owner's eyes only, whole or not at all."""
    fresh = path.with_suffix(".token.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text + "\n")
    fresh.replace(path)
