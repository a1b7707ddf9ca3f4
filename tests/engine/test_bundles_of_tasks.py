"""Bundles through the whole way of a task, from a private git server with TLS on the loopback."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from taxiway.app import Taxiway
from taxiway.client.handle import TaskHandle
from taxiway.core.errors import Invalid
from taxiway.core.event import EventType
from taxiway.core.task import Reason, Task, TaskState
from taxiway.core.workspace import Stand
from tests.engine.conftest import Bench, ended
from tests.engine.httpd import CERTIFICATE, Serving, keep_large, serving
from tests.engine.repositories import commit, git, make_repo
from tests.engine.test_secrets import grep

TOKEN = "ghp_canary0123456789abcdef"
FILES = {"README.md": "top\n", "app/main.txt": "main\n", "app/more.txt": "more\n", "docs/long.md": "long\n"}
LARGE = b"a large file\n" * 10_000


class Host:
    """A private repository and its server."""

    def __init__(self, folder: Path, address: str, server: type[Serving]) -> None:
        self.folder = folder
        self.repo = make_repo(folder / "one", FILES)
        self.address = f"{address}/one/.git"
        self.server = server

    def bundle(self, **fields: Any) -> dict[str, Any]:
        """A workspace with its newest commit."""
        head = git(self.repo, "rev-parse", "HEAD")
        return {"kind": "bundle", "repo": self.address, "commit": head, "token": "secret://git-token", **fields}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """It wants a token; git is told to trust its certificate."""
    monkeypatch.setenv("GIT_SSL_CAINFO", str(CERTIFICATE))
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(tmp_path / "served", tls=True, token=TOKEN) as (address, server):
        yield Host(tmp_path / "served", address, server)


async def lived(tw: Taxiway, workspace: dict[str, Any], shell: str = "ls", **fields: Any) -> tuple[TaskHandle, Task]:
    """A command in a bundle, to its end."""
    handle = await tw.submit(shell=shell, cwd="/", workspace=workspace, **fields)
    return handle, await ended(handle)


def everywhere(trees: Path) -> bytes:
    """Every byte of every file below the folder of workspaces, git's own among them."""
    return b"".join(path.read_bytes() for path in trees.rglob("*") if path.is_file() and not path.is_symlink())


async def test_a_private_repository_is_fetched_with_a_token_that_nobody_else_sees(bench: Bench, host: Host) -> None:
    """CWE-214, CWE-522, I11: by reference; neither in the store, nor in the repository, nor in the arguments or
    variables of any process while git fetches, nor in what the work is given."""
    seen: list[str] = []

    def look(path: str) -> None:
        for process in psutil.Process().children(recursive=True):
            told = Path(f"/proc/{process.pid}")
            seen.append(process.name())
            assert TOKEN.encode() not in (told / "cmdline").read_bytes() + (told / "environ").read_bytes()

    host.server.looks = staticmethod(look)
    wanted = host.bundle(subdir="app", sparse=["app", "README.md"], keep="always")
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        handle, task = await lived(tw, wanted, "pwd; ls ..; env; cat ../.git/config; git log --format=%s; touch new")
        assert task.state is TaskState.COMPLETED, task.error
        assert "docs" not in (task.output or "").split()
        assert {"main.txt", "first"} & set((task.output or "").split()) == {"first"}
        assert (await tw.diff(handle.id)).diff.changed == 1
        [found] = await tw.workspaces()
        assert found.record.wanted.token == "secret://git-token"
        assert TOKEN.encode() not in everywhere(Path(found.path).parent)
        assert grep(bench.folder, TOKEN) == []
        assert host.server.told == [(host.address.split("/")[2], "x-access-token")] * len(host.server.told)
        assert any("git" in name for name in seen)


async def test_a_token_that_is_wrong_or_missing_is_a_typed_failure(bench: Bench, host: Host) -> None:
    """Which secret is meant is said, and never what it holds; nothing is left, and the next task runs."""
    secrets = {"git-token": TOKEN, "wrong": "ghp_another0123456789", "lines": "one-line\nhost=evil.example"}
    async with bench.open(secrets=secrets) as tw:
        for name, why in (
            ("wrong", "Authentication failed"),
            ("nobody", "there is no secret 'nobody'"),
            ("lines", "secret://lines holds what cannot be a token"),
        ):
            _, task = await lived(tw, host.bundle(token=f"secret://{name}"))
            assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
            assert why in (task.error or ""), task.error
            assert not [value for value in secrets.values() if value in (task.error or "")]
        _, task = await lived(tw, host.bundle(token=None))
        assert task.reason is Reason.SPAWN_ERROR
        assert await tw.workspaces() == []
        for token in (TOKEN, "", "secret://", "secret://a b", 5):
            with pytest.raises(Invalid, match="refer to a secret") as refused:
                await tw.submit(shell="ls", workspace=host.bundle(token=token))
            assert TOKEN not in str(refused.value)
        with pytest.raises(Invalid, match="belongs to an address over https"):
            await tw.submit(shell="ls", workspace=host.bundle(repo="git@127.0.0.1:one.git"))
        assert (await lived(tw, host.bundle()))[1].state is TaskState.COMPLETED


async def test_a_token_goes_to_its_own_host_alone(bench: Bench, host: Host) -> None:
    """CWE-522: a server that sends elsewhere, or a submodule that lies elsewhere, does not get it."""
    host.server.elsewhere = host.address.replace("127.0.0.1", "localhost").removesuffix("/one/.git")
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        _, task = await lived(tw, host.bundle())
        assert (task.reason, host.server.told) == (Reason.SPAWN_ERROR, [])
        host.server.elsewhere = None
        (host.repo / ".gitmodules").write_text(
            f'[submodule "sub"]\n\tpath = sub\n\turl = {host.address.replace("127.0.0.1", "localhost")}\n'
        )
        git(host.repo, "update-index", "--add", "--cacheinfo", f"160000,{git(host.repo, 'rev-parse', 'HEAD')},sub")
        git(host.repo, "add", ".gitmodules")
        git(host.repo, "commit", "--quiet", "-m", "sub")
        _, task = await lived(tw, host.bundle(submodules=True))
        assert task.reason is Reason.SPAWN_ERROR
        assert not [where for where, _ in host.server.told if where.startswith("localhost")]


async def test_submodules_of_the_same_host_are_fetched_with_it(bench: Bench, host: Host) -> None:
    """When they are asked for; by address or beside the repository."""
    make_repo(host.folder / "inner", {"i.txt": "inner\n"})
    head = git(host.folder / "inner", "rev-parse", "HEAD")
    (host.repo / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ../../inner/.git\n')
    git(host.repo, "update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    git(host.repo, "add", ".gitmodules")
    git(host.repo, "commit", "--quiet", "-m", "sub")
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        _, plain = await lived(tw, host.bundle(), "ls sub")
        _, whole = await lived(tw, host.bundle(submodules=True, keep="always"), "ls sub")
        assert (plain.output, whole.output) == (None, "i.txt\n"), whole.error
        [kept] = [one for one in await tw.workspaces() if one.record.stand is Stand.READY]
        assert TOKEN.encode() not in everywhere(Path(kept.path))


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch {canary}'", "file://{repo}", "{repo}", "--upload-pack=touch {canary}"]
)
async def test_a_submodule_by_another_protocol_fails_the_task(
    bench: Bench, host: Host, tmp_path: Path, url: str
) -> None:
    """CVE-2022-39253, CVE-2018-17456: typed, nothing is run, nothing is left."""
    canary = tmp_path / "canary"
    address = url.format(canary=canary, repo=host.repo)
    (host.repo / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = "{address}"\n')
    git(host.repo, "update-index", "--add", "--cacheinfo", f"160000,{git(host.repo, 'rev-parse', 'HEAD')},sub")
    git(host.repo, "add", ".gitmodules")
    git(host.repo, "commit", "--quiet", "-m", "sub")
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        _, task = await lived(tw, host.bundle(submodules=True))
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR), task
        assert await tw.workspaces() == []
    assert not canary.exists()


async def test_a_repository_full_of_traps_is_fetched_and_springs_none(bench: Bench, host: Host, tmp_path: Path) -> None:
    """CWE-59, CWE-88: filters by attributes, links that lead out, names like .git and options, thousands of refs."""
    canary = tmp_path / "canary"
    (host.repo / ".gitattributes").write_text("* filter=evil diff=evil merge=evil ident\n*.bin filter=lfs\n")
    (host.repo / ".lfsconfig").write_text(f"[lfs]\n\turl = ext::touch {canary}\n")
    (host.repo / "out").symlink_to("/etc")
    (host.repo / "--upload-pack=touch canary").write_text("x")
    (host.repo / ".gitconfig").write_text(f"[core]\n\tfsmonitor = touch {canary}\n")
    commit(host.repo, "traps")
    head = git(host.repo, "rev-parse", "HEAD")
    (host.repo / ".git" / "packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted \n"
        + "".join(f"{head} refs/tags/t{number:06}\n" for number in range(20_000))
    )
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        handle, task = await lived(tw, host.bundle(), "readlink out; git tag | wc -l; echo x > new")
        assert task.state is TaskState.COMPLETED, task.error
        assert (task.output or "").split() == ["/etc", "0"]
        assert [one.path for one in (await tw.diff(handle.id)).diff.files] == ["new"]
        _, outside = await lived(tw, host.bundle(subdir="out"))
        assert (outside.reason, "leads out" in (outside.error or "")) == (Reason.SPAWN_ERROR, True)
    assert not canary.exists()


@pytest.fixture(params=["stand-in", "git-lfs"])
def large_files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """git-lfs, or a small program that speaks with git as it does."""
    if request.param == "git-lfs":
        if shutil.which("git-lfs") is None:
            pytest.skip("git-lfs is not installed")
        return "git-lfs"
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "git-lfs").symlink_to(Path(__file__).with_name("git_lfs.py"))
    monkeypatch.setenv("PATH", str(bin_folder), prepend=os.pathsep)
    return "stand-in"


async def test_large_files_are_fetched_when_they_are_asked_for_and_are_no_change(
    bench: Bench, host: Host, large_files: str
) -> None:
    """With the token of their host; what is fetched is not in the diff, and one that was changed is. The repository's
    own word on where they are is not followed."""
    (host.repo / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (host.repo / ".lfsconfig").write_text("[lfs]\n\turl = https://127.0.0.1:9/evil\n")
    for name in ("one.bin", "two.bin"):
        (host.repo / name).write_text(keep_large(host.folder, name.encode() + LARGE))
    commit(host.repo, "large")
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        _, pointers = await lived(tw, host.bundle(), "cat one.bin")
        assert (pointers.output or "").startswith("version https://git-lfs"), pointers.error
        handle, task = await lived(tw, host.bundle(lfs=True), "wc -c < one.bin; touch one.bin; echo x > new")
        assert (task.state, task.output) == (TaskState.COMPLETED, f"{len(LARGE) + 7}\n"), task.error
        assert [one.path for one in (await tw.diff(handle.id)).diff.files] == ["new"]
        handle, _ = await lived(tw, host.bundle(lfs=True), "echo more >> two.bin")
        assert [one.path for one in (await tw.diff(handle.id)).diff.files] == ["two.bin"]
        clean, _ = await lived(tw, host.bundle(lfs=True), "touch one.bin two.bin")
        [left] = [
            event.data
            async for event in clean.events()
            if event.type is EventType.STATUS and event.data.get("phase") == "workspace_left"
        ]
        assert (left["kept"], left["snapshot"]) == (False, None)
        (host.folder / "large").rename(host.folder / "gone")
        _, missing = await lived(tw, host.bundle(lfs=True))
        assert (missing.state, missing.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        assert {one.record.stand for one in await tw.workspaces()} == {Stand.REMOVED}


async def test_large_files_without_git_lfs_are_a_typed_failure(
    bench: Bench, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetched or refused, never half."""
    only = tmp_path / "only"
    only.mkdir()
    (only / "git").symlink_to(shutil.which("git") or "")
    for name in ("sh", "cat"):
        (only / name).symlink_to(shutil.which(name) or "")
    (host.repo / ".gitattributes").write_text("*.bin filter=lfs\n")
    (host.repo / "one.bin").write_text(keep_large(host.folder, LARGE))
    commit(host.repo, "large")
    monkeypatch.setenv("PATH", str(only))
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        _, task = await lived(tw, host.bundle(lfs=True))
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR), task
        assert "git-lfs" in (task.error or "")
        assert await tw.workspaces() == []


async def test_no_room_on_the_disk_is_a_typed_failure_that_leaves_nothing(
    bench: Bench, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot grow, in the middle of a fetch; when there is room again the next task runs."""
    (host.repo / "big").write_bytes(os.urandom(4 << 20))
    commit(host.repo, "big")
    tight = tmp_path / "tight"
    tight.mkdir()
    (tight / "git").write_text(f'#!/bin/sh\ntrap "" XFSZ\nulimit -f 1000\nexec {shutil.which("git")} "$@"\n')
    (tight / "git").chmod(0o755)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{tight}{os.pathsep}{path}")
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        _, task = await lived(tw, host.bundle())
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        assert "File too large" in (task.error or ""), task.error
        assert await tw.workspaces() == []
    monkeypatch.setenv("PATH", path)
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        assert (await lived(tw, host.bundle()))[1].state is TaskState.COMPLETED


async def test_a_stop_in_the_middle_of_a_fetch_ends_it(bench: Bench, host: Host) -> None:
    """Cancelled at once, while the server says nothing; no git goes on, nothing of it is left."""
    host.server.stalls.set()
    async with bench.open(secrets={"git-token": TOKEN}) as tw:
        handle = await tw.submit(shell="ls", cwd="/", workspace=host.bundle())
        while not host.server.stalled.wait(0):
            await asyncio.sleep(0.02)
        await handle.cancel()
        assert (await ended(handle)).state is TaskState.CANCELLED
        assert await tw.workspaces() == []
        assert not [one for one in psutil.Process().children(recursive=True) if "git" in one.name()]
    host.server.stalls.clear()
