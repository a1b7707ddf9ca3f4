"""How this machine, a store's place and its runners are: what ``doctor``, ``orphans`` and ``runner list`` look at."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import stat
import sys
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from taxiway.agents.certainty import certainty
from taxiway.agents.guardian.sweep import sweep
from taxiway.agents.protocol import Certainty
from taxiway.agents.protocol import CertaintyLevel as CertaintyLevel
from taxiway.agents.protocol import Orphan as Orphan
from taxiway.agents.settle import boot_id, orphans
from taxiway.core.errors import Conflict, NotFound
from taxiway.core.ids import short_id
from taxiway.core.limits import HEARTBEAT_S
from taxiway.store.protocol import LiveRun as LiveRun
from taxiway.store.protocol import Runner as Runner
from taxiway.store.protocol import Store
from taxiway.store.sqlite.connection import (
    NETWORK_FILE_SYSTEMS,
    SQLITE_OLDEST,
    check_place,
    file_system,
    open_reader,
    open_writer,
    pragma,
    sqlite_version,
)
from taxiway.store.sqlite.locks import is_dead
from taxiway.store.sqlite.opening import folder_beside

PYTHON_OLDEST: Final = (3, 11)
CLOCK_SLACK_MS: Final = 1_000
TAG_CHARS: Final = 10
SILENT_MS_MIN: Final = round(1_500 * HEARTBEAT_S)  #: half a heartbeat late is weather, more is worth a word


class Verdict(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    text: str


class Condition(StrEnum):
    """How a runner is, as far as one can tell from here."""

    LIVE = "live"
    DRAINING = "draining"
    SILENT = "silent"  #: its lock is held, or it is on another host, but its heartbeat is late
    DEAD = "dead"  #: its lock is free, its host was restarted, or its lease was taken: what it has is being settled


class LeftRun(msgspec.Struct, frozen=True):
    """A run that has not ended although its runner is dead, and the living processes that carry its tag."""

    run: LiveRun
    pids: tuple[int, ...]


class Remains(msgspec.Struct, frozen=True):
    """What is left of a store's work beside what runs, and how sure a look on this machine is."""

    orphans: list[Orphan]
    runs: list[LeftRun]
    certainty: Certainty


def tag_prefix(store: Path) -> str:
    """How the tags of a store's processes begin, so that nobody takes another store's processes for its own."""
    return sha256(os.fsencode(store.resolve())).hexdigest()[:TAG_CHARS] + "-"


def machine_findings() -> list[Finding]:
    """What this machine and its programs are like, whatever the store."""
    python, sqlite = sys.version_info[:2], sqlite_version()
    sure = certainty()
    oldest = ".".join(map(str, SQLITE_OLDEST))
    return [
        _judged("python", python >= PYTHON_OLDEST, platform.python_version(), "needs 3.11 or newer"),
        _judged(
            "sqlite",
            sqlite >= SQLITE_OLDEST,
            ".".join(map(str, sqlite)),
            f"older than {oldest}: two processes on one store can corrupt it",
        ),
        Finding(
            "processes",
            Verdict.OK if sure.level is CertaintyLevel.GUARDIAN else Verdict.BAD,
            f"certainty of their endings: {sure.level}; {sure.why}",
        ),
    ]


def place_findings(path: Path) -> list[Finding]:
    """What a store's file and its place are like; raises ``StoreUnusable`` when it cannot be opened."""
    folder = path.absolute().parent
    if not path.exists():
        check_place(path.absolute())
        return [Finding("store", Verdict.OK, f"{path} does not exist yet; the first command makes it")]
    kind = file_system(folder) or "unknown"
    found = path.stat()
    mode, mine = stat.S_IMODE(found.st_mode), found.st_uid == os.geteuid()
    closed = not mode & 0o077
    return [
        Finding("store", Verdict.OK, f"{path}, {found.st_size / 1e6:.1f} MB"),
        _judged("file system", kind not in NETWORK_FILE_SYSTEMS, kind, "a network file system, whose locks lie"),
        _judged(
            "owner",
            mine and closed,
            f"user {found.st_uid}, mode {mode:04o}",
            "should be yours, and closed to others (chmod 600)",
        ),
        _settings(path),
    ]


async def store_findings(store: Store, path: Path, host: str, now_ms: int) -> list[Finding]:
    """Who works on a store, what was left behind, and whether its times can be right."""
    runners = await store.runners()
    alive = [runner for runner in runners if _lives(runner, path, host)]
    dead = [runner for runner in runners if runner not in alive]
    left = await remains(store, path, host)
    ahead = max((runner.seen_at for runner in runners), default=0) - now_ms
    return [
        Finding("runners", Verdict.OK, f"{len(alive)} alive" + (f": {_named(alive)}" if alive else "")),
        _judged("dead runners", not dead, _named(dead) or "none", "any Taxiway process that stays settles them"),
        _judged("left-over runs", not left.runs, str(len(left.runs) or "none"), "they keep their slots until settled"),
        _judged("orphans", not left.orphans, str(len(left.orphans) or "none"), "see 'taxiway orphans'"),
        _judged(
            "clock", ahead <= CLOCK_SLACK_MS, "runs with the store's", f"is {ahead} ms behind what the store has seen"
        ),
    ]


async def remains(store: Store, path: Path, host: str) -> Remains:
    """Living processes of this store that no run claims, and runs of dead runners that nobody has settled yet.

    The processes are looked at first, so that a run which starts meanwhile is not taken for one without a claim.
    """
    found = await asyncio.to_thread(orphans, frozenset(), tag_prefix(path))
    runs = await store.live_runs()
    alive = {runner.id for runner in await store.runners() if _lives(runner, path, host)}
    claimed = {run.process.tag for run in runs if run.process is not None}
    claimed |= {kept.mark.tag for kept in await store.warm_processes()}
    left = [LeftRun(run, _pids(found, run)) for run in runs if run.runner not in alive]
    return Remains([one for one in found if one.tag not in claimed], left, certainty())


async def end_orphans(found: Sequence[Orphan]) -> frozenset[str]:
    """Kill orphans with everything below them; the tags that something alive still carries afterwards."""
    return (await asyncio.to_thread(sweep, {one.tag for one in found})).left


async def drain_runner(store: Store, path: Path, ref: str, host: str) -> Runner:
    """Ask a runner of this host to stop in good order (what runs goes back to its queue).

    ``ref`` is its id, or the start or end of it. Its lock proves that the process with its number is really it.
    """
    fitting = [one for one in await store.runners() if ref in (one.id, short_id(one.id)) or one.id.endswith(ref)]
    if not fitting:
        raise NotFound(f"there is no runner '{ref}'", ref=ref)
    if len(fitting) > 1:
        raise Conflict(f"'{ref}' fits {len(fitting)} runners: {_named(fitting)}")
    runner = fitting[0]
    if runner.host != host or runner.boot_id != boot_id():
        raise Conflict(f"runner {short_id(runner.id)} is on {runner.host}; drain it there", id=runner.id)
    if not _lives(runner, path, host):
        raise Conflict(f"runner {short_id(runner.id)} is dead already", id=runner.id)
    os.kill(runner.pid, signal.SIGTERM)
    return runner


def condition(runner: Runner, path: Path | None, host: str, now_ms: int) -> Condition:
    """How a runner is: on this host its lock decides, then how long ago it was heard, then what the store says.
    Without the store's ``path`` there are no locks to look at."""
    if not _lives(runner, path, host):
        return Condition.DEAD
    if now_ms - runner.seen_at >= SILENT_MS_MIN:
        return Condition.SILENT
    return Condition(runner.state)


def _pids(found: Sequence[Orphan], run: LiveRun) -> tuple[int, ...]:
    return tuple(one.pid for one in found if run.process is not None and one.tag == run.process.tag)


def _lives(runner: Runner, path: Path | None, host: str) -> bool:
    """Whether a runner lives, as far as one can tell from here; on another host its lease decides, not we."""
    if runner.state == "lost":
        return False
    if path is None or runner.host != host:
        return True
    return runner.boot_id == boot_id() and not is_dead(folder_beside(path), runner.id)


def _settings(path: Path) -> Finding:
    """What durability rests on, read back from the engine."""
    writer, reader = open_writer(path), open_reader(path)
    try:
        journal, flush = pragma(reader, "journal_mode"), pragma(writer, "synchronous")
    finally:
        writer.close()
        reader.close()
    good = (journal, flush) == ("wal", 2)
    return _judged("durability", good, "WAL, every commit flushed (FULL)", f"journal {journal}, synchronous {flush}")


def _judged(subject: str, good: bool, text: str, otherwise: str) -> Finding:
    return Finding(subject, Verdict.OK, text) if good else Finding(subject, Verdict.BAD, f"{text} ({otherwise})")


def _named(runners: Sequence[Runner]) -> str:
    return ", ".join(f"{short_id(runner.id)} (pid {runner.pid} on {runner.host})" for runner in runners)
