"""Opening a SQLite store: connections, schema, writer, reader, and the folder beside the file.

The folder (``NAME.d``, mode 0700) holds what lives only while processes do: wake-up sockets and runners' lock files.
"""

from __future__ import annotations

import asyncio
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import apsw
import msgspec

from taxiway.core.errors import StoreUnusable, Unavailable
from taxiway.store.seams import Seams as Seams
from taxiway.store.sqlite.connection import check_place, open_writer
from taxiway.store.sqlite.migrate import migrate
from taxiway.store.sqlite.reader import SqliteReader
from taxiway.store.sqlite.store import SqliteStore
from taxiway.store.sqlite.transactor import SqliteTransactor
from taxiway.store.sqlite.wake import SqliteWakes
from taxiway.store.statements import load_statements
from taxiway.store.verbs.founding import found_store
from taxiway.store.writer import ThreadedWriter, Urgency

READER_THREADS: Final = 2
OPEN_TRIES: Final = 200
OPEN_RETRY_S: Final = 0.02


class OpenStore(msgspec.Struct, frozen=True):
    """An opened store, its wake-ups, and the folder beside it."""

    store: SqliteStore
    wakes: SqliteWakes
    folder: Path
    transactor: SqliteTransactor

    async def close(self) -> None:
        """Write what waits and let go of everything; the last one to go folds the log into the file."""
        await self.store.close()
        self.transactor.close()
        self.wakes.close()


async def open_sqlite(path: Path, seams: Seams, name: str, main_size: int) -> OpenStore:
    """Open or make the store at ``path``; ``name`` is this process's own among those that use the file.

    Raises ``StoreUnusable`` with one sentence when the file or its place will not do; then nothing was changed.
    """
    path = path.absolute()  # noqa: ASYNC240  it asks for the working folder, nothing else
    loop = asyncio.get_running_loop()
    statements = load_statements("sqlite")
    check_place(path)
    folder = folder_beside(path)
    check_private(folder)  # before anything is made
    connection = await _open_patiently(path, seams)
    try:
        private_folder(folder)
        wakes = SqliteWakes(folder, name, loop)
    except BaseException:
        connection.close()
        raise
    transactor = SqliteTransactor(
        connection,
        path,
        statements,
        seams,
        committed=lambda topics: wakes.committed(topics, seams.elapsed_s()),
    )
    writer = ThreadedWriter(transactor)
    executor = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="taxiway-reader")
    reader = SqliteReader(path, statements, seams.now_ms, executor)
    opened = OpenStore(SqliteStore(path, writer, reader, seams.new_id, main_size), wakes, folder, transactor)
    try:
        await writer.write(lambda tx: found_store(tx, main_size), Urgency.FIRST)
    except BaseException:
        await opened.close()
        raise
    return opened


async def _open_patiently(path: Path, seams: Seams) -> apsw.Connection:
    """Open the file with its schema. While another process makes the same store the engine says busy at once, whatever
    its time-out, so it is asked again."""
    for left in range(OPEN_TRIES - 1, -1, -1):
        try:
            return _open_whole(path)
        except Unavailable as error:
            if not isinstance(error.__cause__, apsw.BusyError) or not left:
                raise
        await asyncio.sleep(OPEN_RETRY_S * (0.5 + seams.random()))
    raise AssertionError("the last try returns or raises")


def _open_whole(path: Path) -> apsw.Connection:
    connection = open_writer(path)
    try:
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def folder_beside(path: Path) -> Path:
    """The folder of the store at ``path``: beside the file itself, so that whoever came by a link finds the same one.

    A runner whose lock is not found there counts as dead (I7).
    """
    real = path.resolve()
    return real.with_name(real.name + ".d")


def private_folder(folder: Path) -> Path:
    """``folder``, made with mode 0700, or refused when somebody else could reach into it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"{folder} cannot be made: {error.strerror}", path=str(folder)) from error
    check_private(folder)
    return folder


def check_private(folder: Path) -> None:
    """Refuse a folder, where there is one, that is not its owner's alone."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise StoreUnusable(
            f"{folder} must be a folder of your own that nobody else can reach (mode 0700): move it, or set its mode",
            path=str(folder),
        )
