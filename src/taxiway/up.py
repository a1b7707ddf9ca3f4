"""Puts a server together: an opened store, who may ask it, and where it listens."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import lru_cache
from pathlib import Path
from socket import socket
from typing import Final, NamedTuple

import msgspec

from taxiway.app import configured, open_with, store_path
from taxiway.client.address import login_link, shown_host
from taxiway.clock import Clock, Ids, SystemClock, new_secret, system_chance
from taxiway.config import Loaded, make_state_folder
from taxiway.core.errors import Invalid, NotFound, StoreUnusable, Unavailable
from taxiway.core.redact import Scrubber
from taxiway.core.token import OWNER, TokenScope, read_token
from taxiway.doors import Speaking
from taxiway.observe.catalogue import LOG_DROPPED
from taxiway.observe.lines import logged
from taxiway.observe.log import log_moment
from taxiway.observe.metrics import Metrics
from taxiway.observe.observer import Observer, each
from taxiway.observe.tracing import traces
from taxiway.sections import LogSection as LogSection
from taxiway.sections import ServerSection as ServerSection
from taxiway.server.app import ASGIApp, Guard, make_app
from taxiway.server.bearers import Bearers
from taxiway.server.doorkeeper import OPEN_PATHS, Rates
from taxiway.server.listening import bind, listening
from taxiway.server.live import Live
from taxiway.server.login import Login
from taxiway.server.metrics import METRICS_PATH, Scrape
from taxiway.server.mint import Mint
from taxiway.server.replies import ReplyKeeper
from taxiway.server.runnerdesk import RunnerDesk
from taxiway.server.serving import Server, VerbsOf
from taxiway.server.stream import Streams
from taxiway.server.tails import Tails
from taxiway.settings import Settings
from taxiway.store.guard import Guard as StoreGuard
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
async def running(
    loaded: Loaded, wanted: Settings, server: ServerSection, log: LogSection
) -> AsyncIterator[tuple[Taxiway, Standing]]:
    """A configured store with its runner, answering over HTTP, with its log on standard error. Raises what opening and
    ``standing`` raise."""
    make_state_folder(loaded)
    store = loaded.config.store.path
    settings = configured(loaded, wanted)
    with (
        taken(server) as place,
        logged(log.format, log.level, sys.stderr, Scrubber(settings.secrets.values())) as lines,
    ):
        metrics = Metrics({LOG_DROPPED: lambda: lines.dropped})
        observer = each(log_moment, metrics, *([traces()] if server.traces else []))
        opening = open_with(store, msgspec.structs.replace(settings, server_url=place.url), observer)
        async with opening as tw, standing(tw, store_path(store), server, place, metrics=metrics) as stands:
            yield tw, stands


@asynccontextmanager
async def standing(
    tw: Taxiway,
    store: Path,
    wanted: ServerSection,
    place: Place,
    observer: Observer = log_moment,
    metrics: Metrics | None = None,
) -> AsyncIterator[Standing]:
    """Answer over HTTP until the block is left."""
    token, token_file = await _owners_token(tw, store.with_suffix(".token"))
    hosts, opens = (wanted.host, *wanted.hosts), wanted.metrics_open and _is_loopback(wanted.host)
    serving = application(tw, hosts, observer=observer, metrics=metrics, metrics_open=opens, open_max=wanted.open_tasks)
    async with serving as app, listening(app, place.listener):
        _, code = await tw.make_link(token)
        yield Standing(place.url, token_file, login_link(place.url, code))


@asynccontextmanager
async def application(
    tw: Taxiway,
    hosts: Collection[str] = (),
    rates: Rates | None = None,
    clock: Clock = SYSTEM_CLOCK,
    observer: Observer = log_moment,
    metrics: Metrics | None = None,
    metrics_open: bool = False,
    open_max: int | None = None,
) -> AsyncIterator[ASGIApp]:
    """What answers, without a socket: an ASGI application on an opened store. ``metrics`` are those that the engine
    counts into as well; ``metrics_open``: they are told to everybody. ``open_max`` tasks of a tenant may be open
    when it submits some."""
    metrics = metrics or Metrics()
    observer = each(observer, metrics)
    scrape = Scrape(tw, metrics)
    await scrape.begin()
    mint, ids = Mint(tw.store, new_secret), Ids(clock, system_chance())
    bearers = Bearers(tw.store, clock, mint)
    verbs_of = _verbs_of(tw)
    server = Server(verbs_of, tw.store, observer, RunnerDesk(tw.feed.wakes, mint), open_max)
    login = Login(tw.store, clock, ids, new_secret)
    guard = Guard(
        bearers=bearers,
        clock=clock,
        ids=ids,
        hosts=hosts,
        rates=rates or Rates(),
        open_paths=OPEN_PATHS | {METRICS_PATH} if metrics_open else OPEN_PATHS,
        observer=observer,
    )
    async with asyncio.TaskGroup() as group:
        keepers = [
            group.create_task(_keep(bearers.step, clock), name="bearers"),
            group.create_task(_keep(ReplyKeeper(tw.store, clock).step, clock), name="replies"),
        ]
        try:
            streams = Streams(verbs_of, bearers, Live(Tails(group, tw.feed.wakes)))
            yield make_app(server, streams, login, guard, [scrape.route()])
        finally:
            for keeper in keepers:
                keeper.cancel()
            await bearers.step()


def spare_collector() -> None:
    """For a process that is there to serve: what it has made by now stays, and the garbage collector walks through it
    no more. A full walk stops every answer for 20 ms (gc.freeze)."""
    gc.collect()
    gc.freeze()


def _verbs_of(tw: Taxiway) -> VerbsOf:
    """The verbs in a caller's name, made once for each."""

    @lru_cache(CALLERS_MAX)
    def known(actor: str, tenant: str, guard: StoreGuard | None) -> Taxiway:
        return tw.on_behalf_of(Speaking(actor=actor, tenant=tenant, guard=guard))

    def verbs_of(who: Speaking) -> Taxiway:
        usual = who.project is None and who.bounds is None and (who.guard is None or who.guard.lasting)
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
