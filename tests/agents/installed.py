"""Where `scripts/agents` put the real agent CLIs, and what a test does without one."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".agents"
PINS = Path(__file__).parent / "pins"
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


def pinned(name: str) -> str:
    """What `scripts/agents` installs: a package and its version."""
    requirement = PINS / f"{name}.txt"
    if requirement.exists():
        return requirement.read_text("utf-8").split()[0].replace("==", " ")
    [(package, version)] = json.loads((PINS / name / "package.json").read_text("utf-8"))["dependencies"].items()
    return f"{package} {version}"


def version(name: str) -> str:
    """The version that a CLI says it has."""
    said = subprocess.run([program(name), "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return re.findall(r"\d+\.\d+\.\d+", said)[0]


def must_have(name: str, environ: Mapping[str, str]) -> bool:
    """Whether a test without this CLI is an error."""
    return name in environ.get(MUST_HAVE, "").split()
