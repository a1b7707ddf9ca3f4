"""A real browser at the server's own page, where there is one (4.6)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import CommandLine

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")


def shown(address: str, profile: Path) -> str:
    """What the browser shows once the page has stopped loading; one that is root's has no sandbox."""
    assert BROWSER is not None
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []
    argv = [BROWSER, "--headless=new", *rights, f"--user-data-dir={profile}", "--virtual-time-budget=5000"]
    done = subprocess.run([*argv, "--dump-dom", address], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_a_link_signs_a_browser_in_once_and_then_says_so(taxiway: CommandLine, tmp_path: Path) -> None:
    """The page's policy lets its script run, the form carries the code, and the cookie opens the server."""
    program = taxiway.start("--json", "up", "--port", "0", "--slots", "0")
    assert program.stdout is not None
    stands = json.loads(program.stdout.readline())
    mine, other = tmp_path / "mine", tmp_path / "other"
    assert "You are signed in as owner" in shown(stands["link"], mine)
    assert '"count":0' in shown(f"{stands['url']}/v1/tasks-count", mine)
    assert "this link has been used" in shown(stands["link"], other)
    assert '"status":401' in shown(f"{stands['url']}/v1/tasks-count", other)
    taxiway.interrupt(program)
    program.communicate(timeout=30)
