"""Opening a store's file: the settings that durability rests on, and every way a file can be unusable.

No function here opens the database file except through SQLite: a plain ``open()`` and ``close()`` inside the process
would drop SQLite's locks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import apsw

from taxiway.core.errors import StoreUnusable, Unavailable

APPLICATION_ID: Final = 0x54_41_58_49  # "TAXI"
SQLITE_OLDEST: Final = (3, 51, 3)  # older ones have the WAL-reset race between two connections
JOURNAL_BYTES_MAX: Final = 64 << 20
STATEMENTS_KEPT: Final = 256  # the cache forgets what was not used for so many executions, and is searched one by one
NETWORK_FILE_SYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})

READ_ONLY: Final = apsw.SQLITE_OPEN_READONLY
READ_WRITE: Final = apsw.SQLITE_OPEN_READWRITE
CREATE: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


def sqlite_version() -> tuple[int, int, int]:
    """The version of the engine that apsw carries."""
    major, minor, patch = (int(part) for part in apsw.sqlite_lib_version().split(".")[:3])
    return major, minor, patch


def open_writer(path: Path) -> apsw.Connection:
    """Open (or make) the file for this process's only writing connection; raises ``StoreUnusable``."""
    _check_engine()
    check_place(path)
    fresh = not path.exists()
    if fresh:
        make_private(path)
    connection = _connect(path, READ_WRITE)
    try:
        _check_identity(connection, path)
        _configure_writer(connection, path)
    except apsw.Error as error:
        connection.close()
        raise explain(error, path) from error
    except StoreUnusable:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open the file for reading beside the writer; raises ``StoreUnusable``."""
    connection = _connect(path, READ_ONLY)
    try:
        connection.set_busy_timeout(5_000)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA mmap_size = 268435456")
        connection.execute("PRAGMA trusted_schema = OFF")
    except apsw.Error as error:
        connection.close()
        raise explain(error, path) from error
    return connection


def explain(error: apsw.Error, path: Path) -> Unavailable:
    """The one sentence for what the engine said, naming the file and what would help."""
    match error:
        case apsw.NotADBError():
            text = f"{path} is not a Taxiway store: it is no SQLite database; name another file with --store"
        case apsw.ReadOnlyError():
            text = f"{path} cannot be written: the file or its file system is read-only"
        case apsw.FullError():
            text = f"the disk that holds {path} is full; free some space and try again"
        case apsw.CorruptError():
            text = f"{path} is damaged ({error}); restore a backup, or look with 'taxiway db check'"
        case apsw.CantOpenError() | apsw.PermissionsError() | apsw.AuthError():
            text = f"{path} cannot be opened: check that the folder exists and that you may write there"
        case apsw.BusyError() | apsw.LockedError():
            return Unavailable(f"{path} is locked by another program for too long; try again", path=str(path))
        case apsw.IOError():
            text = f"the disk that holds {path} returned an error ({error}); nothing more was written"
        case _:
            text = f"{path} cannot be used: {error}"
    return StoreUnusable(text, path=str(path))


def _connect(path: Path, flags: int) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=STATEMENTS_KEPT)
        # Plans that do not hang on bound values: else the engine prepares a statement anew for every value.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        return connection
    except apsw.Error as error:
        raise explain(error, path) from error


def _check_engine() -> None:
    if sqlite_version() < SQLITE_OLDEST:
        raise StoreUnusable(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt a store that two processes use; install apsw with SQLite "
            f"{'.'.join(map(str, SQLITE_OLDEST))} or newer"
        )


def check_place(path: Path) -> None:
    """Refuse a path where no store can be, before anything is made there."""
    folder = path.parent
    if not folder.is_dir():
        raise StoreUnusable(
            f"the folder {folder} does not exist; make it, or name another file with --store", path=str(path)
        )
    if path.is_dir():
        raise StoreUnusable(f"{path} is a folder; a store is a file, for example {path / 'taxiway.db'}", path=str(path))
    kind = file_system(folder)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreUnusable(
            f"{path} lies on a network file system ({kind}), whose locks SQLite cannot trust; use a local disk",
            path=str(path),
        )
    if path.exists():
        owner = path.stat().st_uid
        if owner != os.geteuid():
            raise StoreUnusable(
                f"{path} belongs to user {owner}, and you are user {os.geteuid()}; a store is used by its owner only",
                path=str(path),
            )
    for place in (path, folder):
        if place.exists() and not os.access(place, os.W_OK):
            raise StoreUnusable(f"{path} cannot be written: {place} or its file system is read-only", path=str(path))


def make_private(path: Path) -> None:
    """Make the file with mode 0600; opening it here is safe, because nobody has it open yet."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be made: {error.strerror}", path=str(path)) from error


def _check_identity(connection: apsw.Connection, path: Path) -> None:
    connection.execute("BEGIN")  # one snapshot: another process may be making the store at this moment
    found = pragma(connection, "application_id")
    tables = connection.pragma("schema_version")
    connection.execute("COMMIT")
    if found == APPLICATION_ID:
        return
    if found != 0 or tables:
        raise StoreUnusable(
            f"{path} is not a Taxiway store: it is another program's database; name another file with --store",
            path=str(path),
        )


def _configure_writer(connection: apsw.Connection, path: Path) -> None:
    connection.set_busy_timeout(5_000)
    settings = {
        "journal_mode": ("WAL", "wal"),
        "synchronous": ("FULL", 2),
        "foreign_keys": ("ON", 1),
        "trusted_schema": ("OFF", 0),
        "wal_autocheckpoint": ("2000", 2000),
        "journal_size_limit": (str(JOURNAL_BYTES_MAX), JOURNAL_BYTES_MAX),
        "cache_size": ("-65536", -65536),
        "temp_store": ("MEMORY", 2),
    }
    for name, (wanted, expected) in settings.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        actual = pragma(connection, name)
        if actual != expected:
            raise StoreUnusable(
                f"{path} does not take {name} = {wanted} (it says {actual}), so nothing written there would be safe",
                path=str(path),
            )


def pragma(connection: apsw.Connection, name: str) -> object:
    """The value of a setting."""
    return connection.execute(f"PRAGMA {name}").get


def file_system(folder: Path) -> str:
    """The type of the file system that holds ``folder``, as the kernel names it; empty where it cannot be told."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    real = str(folder.resolve())
    best, kind = "", ""
    for line in mounts:
        fields = line.split(" ")
        point = fields[1].replace("\\040", " ")
        if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind
