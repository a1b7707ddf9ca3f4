"""A server may die at any moment: whoever follows something through it loses nothing, and sees nothing twice."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import CommandLine, Program, until

LINES = 400


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Server:
    """``taxiway up`` on one port, killed and started again."""

    def __init__(self, line: CommandLine) -> None:
        self._line = line
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.asked = {"TAXIWAY_URL": self.url}
        self._program = self._start()

    def _start(self) -> Program:
        program = self._line.start("up", "--slots", "0", "--port", str(self._port))
        assert program.stdout is not None
        assert self.url in program.stdout.readline()
        return program

    def restart(self) -> None:
        """kill -9, and again."""
        self._program.kill()
        self._program.communicate()
        self._program = self._start()

    def close(self) -> None:
        """End it."""
        self._program.kill()
        self._program.communicate()


@pytest.fixture
def server(taxiway: CommandLine) -> Iterator[Server]:
    """A server without a runner; one runs beside it."""
    runner = taxiway.start("runner", "start", "--slots", "2")
    made = Server(taxiway)
    yield made
    made.close()
    taxiway.interrupt(runner)
    runner.communicate()


def counting(marker: Path) -> str:
    """A shell's text that writes numbered lines, half of them only when a file is there."""
    half = LINES // 2
    first = f"i=1; while [ $i -le {half} ]; do echo $i; i=$((i+1)); done"
    wait = f"while [ ! -e {marker} ]; do sleep 0.05; done"
    return f"{first}; {wait}; while [ $i -le {LINES} ]; do echo $i; i=$((i+1)); sleep 0.005; done"


def test_a_log_that_is_followed_through_a_restart_loses_no_line_and_doubles_none(
    taxiway: CommandLine, server: Server, tmp_path: Path
) -> None:
    """I4, 4.20: the server is killed twice while `task logs -f` and `submit --wait` follow through it."""
    marker = tmp_path / "go"
    waiting = taxiway.start("submit", "--name", "count", "--wait", "--shell", counting(marker), environ=server.asked)
    until(lambda: taxiway("task", "logs", "count", environ=server.asked).stdout.count("\n") >= LINES // 2, "half of it")
    following = taxiway.start("--json", "task", "logs", "-f", "count", environ=server.asked)
    written = tmp_path / "written"
    with written.open("wb") as file:
        plain = taxiway.start("task", "logs", "-f", "count", environ=server.asked, stdout=file)
    until(lambda: written.read_text().count("\n") >= LINES // 2, "what is there is written")
    server.restart()
    marker.touch()
    until(lambda: taxiway("task", "logs", "count", environ=server.asked).stdout.count("\n") > LINES // 2, "some more")
    server.restart()
    _, err = plain.communicate(timeout=60)
    assert written.read_text().splitlines() == [str(number) for number in range(1, LINES + 1)], err
    assert plain.returncode == 0
    events, err = following.communicate(timeout=60)
    seqs = [int(line.split('"seq":')[1].split(",")[0]) for line in events.splitlines()]
    assert seqs == list(range(1, len(seqs) + 1)), err
    assert '"run.finished"' in events.splitlines()[-1]
    said, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, "completed" in said) == (0, True), err


def test_a_plan_that_is_waited_for_through_a_restart_is_summed_up(
    taxiway: CommandLine, server: Server, tmp_path: Path
) -> None:
    """I4: `submit PLAN --wait`."""
    marker = tmp_path / "go"
    wait = f"while [ ! -e {marker} ]; do sleep 0.05; done"
    plan = taxiway.plan("plan", {"one": {"shell": wait}, "two": {"shell": "true", "after": ["one"]}})
    program = taxiway.start("submit", str(plan), "--wait", environ=server.asked)
    until(lambda: "running" in taxiway("task", "show", "plan/one").stdout, "the first runs")
    server.restart()
    marker.touch()
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    assert "plan completed: 2 completed" in out
    assert err.count("one  completed") == 1
