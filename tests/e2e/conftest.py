"""The command line as its users have it: real processes, a store of their own, nobody else's settings."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
END_S_MAX = 60.0  #: a command that has not ended by then never will
LOOK_S = 0.05

Done = subprocess.CompletedProcess[str]
Program = subprocess.Popen[str]


def until(holds: Callable[[], Any], what: str, seconds: float = END_S_MAX) -> Any:
    """Look until something holds, and give it; fails with ``what`` when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(LOOK_S)
    raise AssertionError(f"after {seconds:g} s still not so: {what}")


class CommandLine:
    """``taxiway …`` on one store, in one folder."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.store = folder / "store.db"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("TAXIWAY_", "XDG_", "NO_COLOR"))
        }
        self.environ = kept | {
            "TAXIWAY_STORE": str(self.store),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONPATH": str(ROOT / "src"),
            # Compiled once for all tests: starting up is most of what these commands do.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(cache),
            "TERM": "xterm-256color",
        }
        self._started: list[Program] = []

    def start(self, *arguments: str | Path, **fields: Any) -> Program:
        """Start a command and go on."""
        argv = [sys.executable, "-m", "taxiway", *map(str, arguments)]
        piped = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environ = self.environ | fields.pop("environ", {})
        program = subprocess.Popen(argv, cwd=self.folder, env=environ, **(piped | fields))
        self._started.append(program)
        return program

    def __call__(self, *arguments: str | Path, **fields: Any) -> Done:
        """Run a command to its end."""
        text = fields.pop("input", None)
        program = self.start(*arguments, **({"stdin": subprocess.PIPE} if text is not None else {}), **fields)
        out, err = program.communicate(text, timeout=END_S_MAX)
        return Done(program.args, program.returncode, out, err)

    def json(self, *arguments: str | Path, status: int = 0) -> Any:
        """What a command answers with ``--json``."""
        done = self("--json", *arguments)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)

    def tasks(self, queue: str) -> dict[str, dict[str, Any]]:
        """The tasks of a queue by their names."""
        found: dict[str, dict[str, Any]] = {}
        cursor: list[str] = []
        while True:
            page = self.json("task", "list", "--queue", queue, "--limit", "500", *cursor)
            found |= {task["name"]: task for task in page["items"]}
            if page["cursor"] is None:
                return found
            cursor = ["--cursor", page["cursor"]]

    def plan(self, name: str, tasks: dict[str, Any], **top: Any) -> Path:
        """A plan file."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({"tasks": tasks, **top}, indent=1))
        return path

    def interrupt(self, program: Program, number: int = signal.SIGINT) -> None:
        """Ctrl-C, for this program alone."""
        program.send_signal(number)

    def close(self) -> None:
        """End what a failed test left."""
        for program in self._started:
            if program.poll() is None:
                program.kill()
                program.communicate()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled modules are kept for the whole session."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def taxiway(tmp_path: Path, cache: Path) -> Iterator[CommandLine]:
    """The command line in a new folder."""
    line = CommandLine(tmp_path, cache)
    yield line
    line.close()


def alive(command: Sequence[str]) -> list[int]:
    """Pids of living processes with exactly this command line."""
    wanted = "\0".join(command) + "\0"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            if line == wanted:
                found.append(int(entry.name))
    return found
