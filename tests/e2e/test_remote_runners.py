"""A server and a runner that has no access to its store: two processes, each killed in the middle; nothing is lost, and
nothing is done twice (I1, I2)."""

import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import CommandLine, Program, until


class Site:
    """A server on a store, and runners elsewhere: each with a folder of its own, and nothing else of the store."""

    def __init__(self, cli: CommandLine) -> None:
        self.cli = cli
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = self.serve()

    def serve(self) -> Program:
        """Start the server, on the same port each time; it is up on return."""
        program = self.cli.start("--json", "up", "--slots", "0", "--port", self.port)
        assert program.stdout is not None
        assert self.url in program.stdout.readline()
        return program

    def runner(self, *arguments: str, state: str = "far", **environ: str) -> Program:
        """Start a runner; with its first invitation, it has a key from then on."""
        if not (self.cli.folder / state / "key").exists():
            arguments = (*arguments, "--code", self.cli("runner", "invite", state).stdout.strip())
        elsewhere = {"TAXIWAY_STORE": str(self.cli.folder / "nowhere" / "no.db"), **environ}
        where = ("--url", self.url, "--state", str(self.cli.folder / state))
        return self.cli.start("runner", "start", "--slots", "2", *where, *arguments, environ=elsewhere)

    def working(self, *arguments: str, state: str = "far", **environ: str) -> Program:
        """A runner that has said that it is there."""
        program = self.runner(*arguments, state=state, **environ)
        assert program.stdout is not None
        assert "runner" in program.stdout.readline()
        return program

    def shell(self, line: str) -> str:
        """Submit a shell line; its id."""
        found: str = self.cli.json("submit", "--shell", line)["id"]
        return found

    def task(self, id: str) -> dict[str, Any]:
        """A task as it is now."""
        found: dict[str, Any] = self.cli.json("task", "show", id)
        return found

    def until(self, id: str, state: str, seconds: float = 30.0) -> dict[str, Any]:
        """A task once it is in a state."""
        is_so: Callable[[], bool] = lambda: self.task(id)["state"] == state  # noqa: E731
        until(is_so, f"{id} is {state}", seconds)
        return self.task(id)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def kill(program: Program) -> None:
    """As the kernel does when there is no memory left."""
    os.kill(program.pid, signal.SIGKILL)
    program.communicate()


def ended(program: Program) -> int:
    """How it ended."""
    program.communicate(timeout=20)
    return program.returncode


@pytest.fixture
def site(taxiway: CommandLine) -> Site:
    """A server that runs, without a runner of its own."""
    return Site(taxiway)


def lines(path: Path) -> list[str]:
    """What was written to a file so far."""
    return path.read_text().split() if path.exists() else []


def test_a_runner_elsewhere_runs_what_is_asked_for_and_stops_when_it_is_told(site: Site) -> None:
    """I2, 4.14: it has a key of its own in a file of its own, and a stop reaches it at once."""
    runner = site.working()
    key = site.cli.folder / "far" / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    done = site.until(site.shell("echo hello"), "completed")
    assert done["output"] == "hello\n"
    sleeping = site.shell("sleep 60")
    site.until(sleeping, "running")
    site.cli("task", "cancel", sleeping)
    site.until(sleeping, "cancelled", 5)
    runner.send_signal(signal.SIGTERM)
    assert ended(runner) == 0
    assert site.cli.json("runner", "list")["items"] == []
    assert not list((site.cli.folder / "far").glob("runner_*.lock"))
    site.working()  # with the key that it has
    site.until(site.shell("true"), "completed")


def test_a_server_that_is_killed_in_the_middle_loses_nothing(site: Site, tmp_path: Path) -> None:
    """I1, I2: what runs goes on, and is told when the server is back; it was done once."""
    site.working()
    begun, log = tmp_path / "begun", tmp_path / "log"
    task = site.shell(
        f"echo begun >> {begun}; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo x >> {log}; echo end"
    )
    until(lambda: lines(begun), "it runs")
    kill(site.server)
    (tmp_path / "go").touch()
    until(lambda: lines(log), "it has ended while there was no server")
    letters = site.cli.folder / "far" / "outbox"
    until(lambda: any("finish" in path.read_text() for path in letters.iterdir()), "its end is on disk")
    waiting = site.shell("echo second")
    site.server = site.serve()
    found = site.until(task, "completed")
    assert (found["output"], lines(log), lines(begun)) == ("end\n", ["x"], ["begun"])
    assert [run["fence"] for run in site.task(task)["runs"]] == [1]
    assert site.until(waiting, "completed")["output"] == "second\n"
    until(lambda: not list(letters.iterdir()), "everything has been told")


def test_an_end_that_nobody_could_be_told_survives_the_runner(site: Site, tmp_path: Path) -> None:
    """I1: both are killed; what is on the runner's disk is told by the next one, before anything is given back."""
    runner = site.working()
    begun, go = tmp_path / "begun", tmp_path / "go"
    task = site.shell(f"echo x >> {begun}; while [ ! -e {go} ]; do sleep 0.05; done; echo done")
    until(lambda: lines(begun), "it runs")
    kill(site.server)
    go.touch()
    letters = site.cli.folder / "far" / "outbox"
    until(lambda: any("finish" in path.read_text() for path in letters.iterdir()), "its end is on disk")
    kill(runner)
    site.server = site.serve()
    site.working()
    found = site.until(task, "completed")
    assert (found["output"], lines(begun)) == ("done\n", ["x"])


def test_a_runner_that_is_killed_is_settled_by_the_next_one_of_its_folder(site: Site, tmp_path: Path) -> None:
    """I2, I7: nobody has to wait for its lease, since its lock is free; what it ran is dead, and is done anew."""
    runner = site.working()
    begun = tmp_path / "begun"
    task = site.shell(f"echo $$ >> {begun}; [ $(wc -l < {begun}) -gt 1 ] || sleep 60")
    until(lambda: lines(begun), "it runs")
    kill(runner)
    site.working()
    site.until(task, "completed", 20)
    first, _ = lines(begun)
    assert not Path(f"/proc/{first}").exists()
    assert len(site.cli.json("runner", "list")["items"]) == 1


def test_a_revoked_runner_is_fenced_at_once_and_ends(site: Site, tmp_path: Path) -> None:
    """I2, 4.14: within 5 s its key opens nothing, its runs are others', and its processes are gone."""
    runner = site.working()
    begun = tmp_path / "begun"
    task = site.shell(f"echo $$ >> {begun}; sleep 60")
    until(lambda: lines(begun), "it runs")
    [found] = site.cli.json("runner", "list")["items"]
    site.cli("runner", "revoke", found["id"])
    site.until(task, "queued", 5)
    assert ended(runner) == 4
    [pid] = lines(begun)
    until(lambda: not Path(f"/proc/{pid}").exists(), "its process is gone", 5)
    assert ended(site.runner()) == 4


def test_a_runner_elsewhere_masks_what_its_own_machine_keeps_secret(site: Site, tmp_path: Path) -> None:
    """I11: neither the server, nor what waits to be told, nor the runner's log has the value; its log is as wanted."""
    value, config = "c4n4ry-of-the-runner-0123456789", tmp_path / "far-config" / "taxiway"
    config.mkdir(parents=True)
    (tmp_path / "value").write_text(value)
    (config / "taxiway.toml").write_text(
        f'[secrets]\nTOKEN = {{file = "{tmp_path}/value"}}\n[log]\nformat = "json"\nlevel = "debug"\n'
    )
    runner = site.working(XDG_CONFIG_HOME=str(config.parent))
    words = ("--env", "T=secret://TOKEN", "--shell", 'printf %s "$T" | base64; echo "$T"')
    done = site.until(site.cli.json("submit", *words)["id"], "completed")
    assert done["output"].count("[redacted]") == 2
    runner.send_signal(signal.SIGTERM)
    _, log = runner.communicate(timeout=20)
    assert {"run.claimed", "run.finished"} <= {json.loads(line)["event"] for line in log.splitlines()}
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "value"]
    assert [path.name for path in files if value.encode() in path.read_bytes()] == []
    assert value not in log


def test_two_runners_do_not_share_a_folder(site: Site) -> None:
    """I2: each tells what lies in its folder, so there is one of them."""
    site.working()
    second = site.runner()
    _, said = second.communicate(timeout=20)
    assert (second.returncode, "--state" in said) == (4, True)
