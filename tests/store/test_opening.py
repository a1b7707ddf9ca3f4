"""What cannot be a store is refused in one sentence, and nothing is changed; what can is made private (I1, I19)."""

import os
import subprocess
from pathlib import Path

import apsw
import pytest

from taxiway.core.errors import StoreUnusable
from taxiway.store.sqlite import connection, migrate
from taxiway.store.sqlite.migrate import newest
from taxiway.testing.clock import HandClock
from tests.store.conftest import open_by_hand
from tests.store.processes import RUN, private_mounts, reply


def listing(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tables(path: Path) -> tuple[object, set[object]]:
    """A store's schema: its number, and every table, index and trigger."""
    reader = apsw.Connection(str(path))
    try:
        number = reader.execute("PRAGMA user_version").fetchall()
        return number, set(reader.execute("SELECT type, name, sql FROM sqlite_schema").fetchall())
    finally:
        reader.close()


async def refused(path: Path) -> str:
    """The sentence with which a store at ``path`` is refused; its folder is as it was."""
    before = listing(path.parent) if path.parent.is_dir() else {}
    with pytest.raises(StoreUnusable) as caught:
        await open_by_hand(path, HandClock())
    assert caught.value.exit_status == 5
    assert str(path) in str(caught.value) or str(path.parent) in str(caught.value)
    assert (listing(path.parent) if path.parent.is_dir() else {}) == before
    return str(caught.value)


async def test_a_new_store_is_private_and_whole(tmp_path: Path) -> None:
    """Security: the file 0600, its folder 0700; opened again, it is the same store."""
    path = tmp_path / "a.db"
    opened = await open_by_hand(path, HandClock())
    assert path.stat().st_mode & 0o777 == 0o600
    assert opened.folder.stat().st_mode & 0o777 == 0o700
    version = await opened.store.last_version()
    await opened.close()
    again = await open_by_hand(path, HandClock())
    assert await again.store.last_version() == version
    await again.close()


async def test_a_store_that_was_closed_is_one_file(tmp_path: Path) -> None:
    """I1: the last one to go folds the log into the file and leaves no socket behind."""
    opened = await open_by_hand(tmp_path / "a.db", HandClock())
    await opened.close()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.db"]
    assert list(opened.folder.iterdir()) == []


async def test_a_store_that_is_opened_by_a_link_has_one_folder(tmp_path: Path) -> None:
    """I2, I7: else each side would find no locks of the other's runners, and take the living for dead."""
    opened = await open_by_hand(tmp_path / "a.db", HandClock())
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "a.db")
    linked = await open_by_hand(link, HandClock(), "other", 2)
    assert linked.folder == opened.folder
    await linked.close()
    await opened.close()


async def test_a_text_file_is_no_store(tmp_path: Path) -> None:
    """Bad input: it says that it is no database."""
    path = tmp_path / "notes.txt"
    path.write_text("these are notes\n" * 100)
    assert "not a Taxiway store" in await refused(path)


async def test_another_programs_database_is_no_store(tmp_path: Path) -> None:
    """Bad input: not even a table is added to it."""
    path = tmp_path / "other.db"
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")
    other.close()
    assert "another program's database" in await refused(path)


async def test_another_programs_mark_is_no_store(tmp_path: Path) -> None:
    """Bad input: an application id of somebody else, even without tables."""
    path = tmp_path / "other.db"
    other = apsw.Connection(str(path))
    other.execute("PRAGMA application_id = 77")
    other.close()
    assert "another program's database" in await refused(path)


def write_as_before(path: Path) -> None:
    """A store of the schema that migrations lead to, with a queue in it, as the program of that time wrote it."""
    connection.make_private(path)
    database = apsw.Connection(str(path))
    migrate.migrate(database, path)
    database.execute(
        "INSERT INTO change VALUES (7, 'default', 'queue', 'kept', 'running', NULL, 'test', 'made', 5);"
        "INSERT INTO queue (tenant, project, name, state, standing, slots, created_at, version) "
        "VALUES ('default', '', 'kept', 'running', 1, 3, 5, 7)"
    )
    database.close()


@pytest.mark.parametrize("schema", [number for number, _ in migrate.scripts()][:-1])
async def test_a_store_of_an_older_program_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: int
) -> None:
    """I19: opening it is enough; it is then as a new one is, and what stood in it is there."""
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    known = [script for script in migrate.scripts() if script[0] <= schema]
    with monkeypatch.context() as older:
        older.setattr(migrate, "scripts", lambda: known)
        write_as_before(old)
    assert migrate.newest() > schema
    for path in (old, new):
        opened = await open_by_hand(path, HandClock())
        assert [queue.name for queue in await opened.store.queues()] == ["default", "kept"][: 2 - (path == new)]
        await opened.close()
    assert tables(old) == tables(new)


async def test_a_store_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    """I19: with both numbers, and what to do."""
    path = tmp_path / "a.db"
    await (await open_by_hand(path, HandClock())).close()
    newer = apsw.Connection(str(path))
    newer.execute(f"PRAGMA user_version = {newest() + 1}")
    newer.close()
    sentence = await refused(path)
    assert f"schema {newest() + 1}" in sentence
    assert "upgrade" in sentence


async def test_a_store_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Bad input: the folder is not made behind anybody's back."""
    assert "does not exist" in await refused(tmp_path / "nowhere" / "a.db")


async def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """Bad input: the sentence shows what a store's path looks like."""
    (tmp_path / "a.db").mkdir()
    assert "is a folder" in await refused(tmp_path / "a.db")


async def test_a_store_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Security: a store is used by its owner only."""
    path = tmp_path / "a.db"
    await (await open_by_hand(path, HandClock())).close()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert f"belongs to user {me}" in await refused(path)


async def test_a_folder_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    """Security: beside it stand the sockets; nothing is made when it is wide open."""
    (tmp_path / "a.db.d").mkdir()
    (tmp_path / "a.db.d").chmod(0o755)
    assert "0700" in await refused(tmp_path / "a.db")


async def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Security: nobody leads us elsewhere."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "a.db.d").symlink_to(tmp_path / "elsewhere")
    assert "0700" in await refused(tmp_path / "a.db")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p"])
async def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """I1: its locks cannot be trusted."""
    monkeypatch.setattr(connection, "file_system", lambda _folder: kind)
    assert kind in await refused(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ("/dev/a / ext4 rw 0 0\nhost:/x {tmp} nfs4 rw 0 0\n", "nfs4"),
        ("/dev/a / ext4 rw 0 0\nhost:/x {tmp}/deeper nfs4 rw 0 0\n", "ext4"),
        ("host:/x / nfs rw 0 0\n/dev/a {tmp} ext4 rw 0 0\n", "ext4"),
        ("/dev/a / ext4 rw 0 0\nhost:/x {tmp} nfs rw 0 0\n/dev/b {tmp} xfs rw 0 0\n", "xfs"),
    ],
)
def test_the_file_system_is_that_of_the_innermost_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: str, expected: str
) -> None:
    """I1: the longest mount point that holds the folder, and the last one mounted there."""
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: mounts.format(tmp=tmp_path))
    assert connection.file_system(tmp_path) == expected


def test_the_file_system_of_a_real_folder_is_known(tmp_path: Path) -> None:
    """I1: what the kernel says of this machine is understood."""
    assert connection.file_system(tmp_path) not in {"", *connection.NETWORK_FILE_SYSTEMS}


async def test_an_older_engine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I1: one with the WAL-reset race never writes a store."""
    monkeypatch.setattr(connection, "sqlite_version", lambda: (3, 51, 2))
    with pytest.raises(StoreUnusable, match=r"3\.51\.3"):
        await open_by_hand(tmp_path / "a.db", HandClock())
    assert list(tmp_path.iterdir()) == []


@private_mounts
@pytest.mark.parametrize("there", [True, False])
async def test_a_read_only_file_system_is_refused_in_one_sentence(tmp_path: Path, there: bool) -> None:
    """Fault 18: with and without a store on it; nothing is changed."""
    place = tmp_path / "place"
    place.mkdir()
    if there:
        await (await open_by_hand(place / "a.db", HandClock())).close()
    before = listing(place)
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && shift 0 && exec "$@"'
    look = [*RUN, "look", str(place / "a.db"), "one", "0"]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, str(place), *look], capture_output=True, text=True, check=False
    )
    assert done.returncode == 5, done.stderr
    answer = reply(done.stdout)[-1]
    assert answer["refused"] == "store_unusable"
    assert "read-only" in answer["text"].lower()
    assert listing(place) == before
