"""Puts a runner together that works for a server elsewhere: its key, its outbox, and what an earlier one left.

It dials, and is never dialled. Everything that it has lies in a folder of its own, which one runner uses at a time.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from taxiway.agents.settle import boot_id, settle_trees
from taxiway.client.connecting import connected
from taxiway.client.outbox import Outbox
from taxiway.client.remote_store import RemoteStore
from taxiway.client.remote_wakes import RemoteWakes
from taxiway.clock import Ids, SystemClock, new_secret, system_chance
from taxiway.config import surroundings
from taxiway.core.errors import Conflict, Forbidden, Invalid, NotFound, StoreUnusable, Unavailable
from taxiway.core.logging import LogFormat
from taxiway.core.redact import Scrubber
from taxiway.core.run import Lost, ProcessMark
from taxiway.core.token import read_token, secret_hash, token_text
from taxiway.diagnosis import TAG_CHARS
from taxiway.engine.engine import Crew
from taxiway.engine.reaper import Host
from taxiway.observe.lines import logged
from taxiway.observe.log import log_moment
from taxiway.observe.observer import Moment, Observer, each, guarded
from taxiway.observe.tracing import traces
from taxiway.passes import FilePasses
from taxiway.runner import Parts, with_runner
from taxiway.schemas.judge import SchemaJudge
from taxiway.sections import LogSection
from taxiway.settings import Settings
from taxiway.store.sqlite.locks import forget, is_dead, tokens_of
from taxiway.store.sqlite.opening import private_folder
from taxiway.workspaces.workshop import Workshop

QUIET_S: Final = 60.0  #: a server that does not answer is told of so often
KEY: Final = "key"


class Workplace(msgspec.Struct, frozen=True):
    """Where a runner works: the server's address, its key, and its folder."""

    url: str
    token: str
    folder: Path


@contextmanager
def state_folder(url: str, wanted: str | None) -> Iterator[Path]:
    """The folder of the runner for this server, its own for as long as the block lasts; made when it is new."""
    name = sha256(url.rstrip("/").encode()).hexdigest()[:TAG_CHARS]
    folder = Path(wanted) if wanted is not None else surroundings().user_state / "runners" / name
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_folder(folder)
    fd = os.open(folder / "folder.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another runner works with {folder}; give this one its own: --state FOLDER") from None
        yield folder
    finally:
        os.close(fd)


async def own_key(url: str, folder: Path, *, token: str | None, code: str | None, otherwise: str | None) -> str:
    """The key to work with: the one that is given, else one for an invitation, else the one that this folder keeps, and
    ``otherwise`` if it keeps none (what is in the environment may be meant for commands).

    The key is made here and written down before it is sent, so that an answer that gets lost loses nothing.
    """
    if token is not None:
        return token
    path = folder / KEY
    if code is None:
        try:
            return (await asyncio.to_thread(path.read_text, "ascii")).strip()
        except FileNotFoundError:
            if otherwise is not None:
                return otherwise
            raise Invalid(
                f"this runner has no key for {url}; ask its administrator for a code (taxiway runner invite NAME) and "
                "give it as --code"
            ) from None
    if read_token(code) is None:
        raise Invalid("this is no code; it begins with txw_")
    id, secret = Ids(SystemClock(), system_chance()).new("tok"), new_secret()
    fresh = folder / (KEY + ".new")
    await asyncio.to_thread(_write_private, fresh, token_text(id, secret))
    async with connected(url, code) as connection:
        await connection.change("POST", "/runners/keys", {"id": id, "hash": secret_hash(secret).hex()})
    fresh.replace(path)
    return token_text(id, secret)


@contextmanager
def telling(log: LogSection, traced: bool, secrets: Iterable[str], otherwise: Observer) -> Iterator[Observer]:
    """Who hears of what a runner does: its log on standard error where that is JSON, ``otherwise`` where people read
    it; and traces, where they are wanted. Declared secrets are masked here, before anything leaves this machine."""
    tracing = [traces()] if traced else []
    if log.format is not LogFormat.JSON:
        yield each(otherwise, *tracing)
        return
    with logged(log.format, log.level, sys.stderr, Scrubber(secrets)):
        yield each(log_moment, *tracing)


@asynccontextmanager
async def remote_runner(place: Workplace, settings: Settings, observer: Observer) -> AsyncIterator[tuple[str, Crew]]:
    """Run a runner for a server for as long as the block lasts; its id, and its crew.

    Raises ``LeaseLost`` when others have taken over its work, ``Unauthorized`` when its key opens nothing, and
    ``Unavailable`` when the server does not answer at the beginning.
    """
    clock, chance = SystemClock(), system_chance()
    ids, environment = Ids(clock, chance), surroundings().environ
    letters = private_folder(place.folder / "outbox")
    async with connected(place.url, place.token) as connection:
        store = RemoteStore(connection, Outbox(letters))
        await _settle_predecessors(store, place.folder)
        me = ids.new("runner")
        wakes = RemoteWakes(connection, me)
        scrubber = Scrubber(settings.secrets.values())
        workshop = Workshop(place.folder, environment, clock.now_ms, scrubber, secrets=settings.secrets)
        tags = sha256(os.fsencode(place.folder.resolve())).hexdigest()[:TAG_CHARS] + "-"
        host, told = Host(socket.gethostname(), boot_id()), guarded(_patient(observer, clock))
        around = (environment, Path.cwd(), workshop, SchemaJudge().broken)
        passes = FilePasses(tokens_of(place.folder, me), place.url)
        parts = Parts(store, wakes, place.folder, tags, settings, scrubber, told, ids, clock, me, host, *around, passes)
        async with with_runner(parts, [wakes, store]) as crew:
            yield me, crew


async def _settle_predecessors(store: RemoteStore, folder: Path) -> None:
    """What runners of this folder left that died: what they had to tell is told, then their runs are given back.

    Their locks are free, so nobody else works for them; their processes are ended and confirmed before anybody is told.
    """
    if not await store.delivered():
        raise Unavailable("the server does not answer, and an earlier runner has left something to tell it")
    for runner in await asyncio.to_thread(_dead, folder):
        with suppress(NotFound, Forbidden):
            runs, kept = await store.live_runs(runner), await store.warm_processes(runner)
            marks = [mark for mark in (*(one.process for one in runs), *(one.mark for one in kept)) if mark is not None]
            if not await asyncio.to_thread(_gone, marks):
                continue  # their leases decide
            for run in runs:
                await store.finish(run.run, run.fence, Lost("its runner died", unstarted=run.process is None), 0.5)
            for process in kept:
                await store.closed_process(process.id)
            with suppress(Unavailable):
                await store.retire(runner, "gone")
        forget(folder, runner)


def _dead(folder: Path) -> list[str]:
    return [path.stem for path in sorted(folder.glob("runner_*.lock")) if is_dead(folder, path.stem)]


def _gone(marks: Sequence[ProcessMark]) -> bool:
    return all(found.certain for found in settle_trees(marks).values())


def _patient(observer: Observer, clock: SystemClock) -> Observer:
    """An hour without a server is one story, not thousands."""
    told_s: dict[str, float] = {}

    def tell(moment: Moment, **facts: Any) -> None:
        if moment is Moment.SERVICE_FAILED and "Unavailable" in str(facts.get("error")):
            now_s = clock.elapsed_s()
            if now_s - told_s.get("server", float("-inf")) < QUIET_S:
                return
            told_s["server"] = now_s
        observer(moment, **facts)

    return tell


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be written: {error.strerror}", path=str(path)) from error
