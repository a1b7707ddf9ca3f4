"""Starting other processes on a store, and reading what they say."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, "-m", "tests.store.programs"]


def start(verb: str, path: Path, name: str, count: int = 0) -> subprocess.Popen[str]:
    """Start a program on the store at ``path``; ``name`` is its own among those on the store."""
    return subprocess.Popen(
        [*RUN, verb, str(path), name, str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def end(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Wait for a program that must end well; everything that it said."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out[-2000:] + err
    return reply(out)


def reply(text: str) -> list[dict[str, Any]]:
    """The whole lines of what a program said (the last may be cut off, if it was killed)."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def said(lines: list[dict[str, Any]], key: str) -> list[Any]:
    """The values that were said under a key."""
    return [line[key] for line in lines if key in line]


def lines_of(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What a program says, as it says it."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):
            yield json.loads(line)


def _may_mount() -> bool:
    done = subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, check=False)
    return done.returncode == 0


try:
    MOUNTS = _may_mount()
except FileNotFoundError:
    MOUNTS = False
private_mounts = pytest.mark.skipif(not MOUNTS, reason="needs a mount namespace of its own (root and unshare)")
