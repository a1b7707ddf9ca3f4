"""Where `scripts/agents` put the real agent CLIs, and what a test does without one."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".agents"
MUST_HAVE = "MUST_HAVE_AGENTS"  #: names of the CLIs that must be there; scripts/test sets it


def program(name: str) -> Path:
    """The program of a CLI. Skips the test that asks for one that is not installed; fails it where it must be there."""
    path = FOLDER / "bin" / name
    if not path.exists():
        reason = f"{name} is not installed here: `scripts/agents {name}` does it"
        if must_have(name, os.environ):
            pytest.fail(f"{reason}, and ${MUST_HAVE} says that it must be there")
        pytest.skip(reason)
    return path


def must_have(name: str, environ: Mapping[str, str]) -> bool:
    """Whether a test without this CLI is an error."""
    return name in environ.get(MUST_HAVE, "").split()
