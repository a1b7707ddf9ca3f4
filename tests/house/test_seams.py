"""Clock, randomness and environment enter at their seams only, so the whole engine runs under a seeded simulator."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import PACKAGE, Breach, Module, breach, breaches, dotted, imported, planted

CLOCKS_AND_DICE = {"time", "random", "secrets", "uuid"}  # modules
CLOCKS_AND_DICE_CALLS = {"os.urandom", "os.getrandom", "os.times"}
NOW = {"now", "utcnow", "today"}  # of datetime and date
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}  # of os

# The seams, each with its reason. A path that ends in / is a folder.
CLOCK_SEAMS = {
    "clock.py": "the clock itself, and the system's source of randomness beside it",
    "agents/guardian/": "a process of its own that runs alone: nobody is there to hand anything in",
    "testing/fakeagent/": "a program of its own that runs alone, and stands for programs that are not ours",
}
ENVIRONMENT_SEAMS = {
    "config.py": "merges defaults < files < environment < flags, once",
    "app.py": "composes: hands the environment to what needs it",
    "testing/fakeagent/": "a program of its own: what it was given can be shown by its script",
}


def at_seam(module: Module, seams: dict[str, str]) -> bool:
    """Whether a module is one of the seams or lies in a folder that is one."""
    path = module.path.removeprefix("src/taxiway/")
    return any(path == seam or (seam.endswith("/") and path.startswith(seam)) for seam in seams)


def clocks_and_dice(module: Module) -> Iterator[Breach]:
    """Reading a clock or drawing a random value outside the clock seam."""
    if at_seam(module, CLOCK_SEAMS):
        return
    for node, name in imported(module):
        if name.partition(".")[0] in CLOCKS_AND_DICE or name in CLOCKS_AND_DICE_CALLS:
            yield breach(module, node, f"{name} is for clock.py; take a Clock, `now` or the value as an argument")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            owner, _, last = name.rpartition(".")
            if name in CLOCKS_AND_DICE_CALLS or (last in NOW and owner.rpartition(".")[2] in {"datetime", "date"}):
                yield breach(module, node, f"{name} is for clock.py; take a Clock, `now` or the value as an argument")


def environment_reads(module: Module) -> Iterator[Breach]:
    """Reading or writing the process's environment outside its seams."""
    if at_seam(module, ENVIRONMENT_SEAMS):
        return
    for node, name in imported(module):
        if name in {f"os.{word}" for word in ENVIRONMENT}:
            yield breach(module, node, "the environment is read in config.py; take the value as an argument")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in {f"os.{word}" for word in ENVIRONMENT}:
            yield breach(module, node, "the environment is read in config.py; take the value as an argument")


def test_no_clock_and_no_dice_outside_their_seam() -> None:
    """Time and randomness are handed in (I20)."""
    assert breaches(clocks_and_dice) == []


def test_no_environment_outside_its_seams() -> None:
    """One frozen configuration, read once."""
    assert breaches(environment_reads) == []


def test_every_seam_in_the_list_is_needed() -> None:
    """A seam that is there, but reads nothing, leaves the list; so the list stays honest."""
    for seams, rule in ((CLOCK_SEAMS, clocks_and_dice), (ENVIRONMENT_SEAMS, environment_reads)):
        for seam in seams:
            path = PACKAGE / seam
            files = sorted(path.rglob("*.py")) if seam.endswith("/") else [path] if path.exists() else []
            texts = [Module("src/taxiway/elsewhere/planted.py", file.read_text("utf-8")) for file in files]
            assert not texts or breaches(rule, texts), f"{seam} needs no entry"


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from time import monotonic",
        "import random as dice",
        "from uuid import uuid4",
        "import secrets",
        "import os\nx = os.urandom(8)",
        "from os import urandom",
        "import datetime\nx = datetime.datetime.now(datetime.UTC)",
        "from datetime import datetime\nf = datetime.utcnow",
        "from datetime import date\nx = date.today()",
    ],
)
def test_a_hidden_clock_or_die_is_found(text: str) -> None:
    """By import, by call and by reference; in the seam itself it is let through."""
    assert breaches(clocks_and_dice, [planted(text)])
    assert breaches(clocks_and_dice, [planted(text, "src/taxiway/clock.py")]) == []


@pytest.mark.parametrize(
    "text", ["import os\nx = os.environ['HOME']", "from os import getenv", "import os\nos.putenv('A', 'b')"]
)
def test_a_hidden_read_of_the_environment_is_found(text: str) -> None:
    """In the seam itself it is let through."""
    assert breaches(environment_reads, [planted(text)])
    assert breaches(environment_reads, [planted(text, "src/taxiway/config.py")]) == []


def test_working_with_times_that_were_handed_in_is_let_through() -> None:
    """Arithmetic and formatting need no clock."""
    text = "from datetime import UTC, datetime, timedelta\nx = datetime.fromtimestamp(0, UTC) + timedelta(seconds=1)"
    assert breaches(clocks_and_dice, [planted(text)]) == []
