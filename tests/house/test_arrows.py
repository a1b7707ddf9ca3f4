"""The arrows between rooms: who may import whom. No exceptions; app.py and runner.py stand outside all rooms."""

import sys
from collections.abc import Iterator

import pytest

from tests.house.source import PACKAGE, ROOMS, Breach, Module, breach, breaches, imported, modules, planted

PROTOCOLS = ("store.protocol", "agents.protocol", "agents.dialogue")
DRIVING = ("agents.adapters", "agents.process", "agents.guardian.sweep")  # what drives an agent, and what is left of it

# A room may import itself and what stands here (a room, or one module of a room).
ARROWS: dict[str, tuple[str, ...]] = {
    "core": (),
    "store": ("core",),
    "agents": ("core",),
    "workspaces": ("core",),
    "observe": ("core",),
    "engine": ("core", *PROTOCOLS, "observe", "clock"),
    "wire": ("core", "store.protocol"),
    "server": ("core", "wire", "verbs", "planfile", "store.protocol", "observe", "clock"),
    "client": ("core", "wire", "clock", "store.protocol"),
    "mcp": ("core", "client"),
    "cli": (
        *("core", "client", "wire", "config", "app", "up", "remoterunner", "clock", "planfile", "diagnosis"),
        *("probing", "trials", "agentreports"),
    ),
    "testing": ("core", *PROTOCOLS, *DRIVING, "engine", "observe", "clock"),
    "clock": ("core",),
    "config": ("core", "planfile", "sections", "settingtable", "settingtypes"),
    "settingtable": ("core", "settingtypes"),
    "sections": ("core",),
    "settingtypes": ("core",),
    "secretsources": ("core", "config"),
    "settings": ("core",),
    "diagnosis": ("core", "store", "agents"),
    "agentreports": ("core", "agents", "trials"),
    "probing": ("core", "agents", "agentreports", "clock", "config", "diagnosis", "secretsources", "store", "trials"),
    "trials": ("core",),
    "passes": ("core", "store.protocol"),
    "planfile": ("core", "schemas"),
    "schemas": ("core",),
    "jobs": ("core",),
    "__main__": ("cli",),
}
COMPOSERS = {  # they know everyone
    "app": "opens a store and hands its verbs out",
    "doors": "the verbs of one actor, put together",
    "verbs": "the verbs of an open store, each handed to the room that does it",
    "control": "verbs.py's other half: what settles how work goes",
    "up": "puts a server together: an opened store, who may ask it, and where it listens",
    "remoterunner": "puts a runner together that works for a server elsewhere",
    "runner": "puts what executes together: app.py's other half, for processes that have a runner",
    "__init__": "the public names",
}

CORE_MAY_USE = frozenset(
    "__future__ bisect collections dataclasses datetime decimal difflib enum functools graphlib hashlib heapq "
    "hmac itertools json math msgspec operator re shlex string struct textwrap types typing "
    "unicodedata base64 binascii urllib".split()
)
ONE_ROOM_ONLY = {  # an outside library, and the only places that may know it
    "apsw": ("store.sqlite",),
    "sqlite3": (),
    "psycopg": ("store.postgres",),
    "click": ("cli",),
    "rich": ("cli",),
    "starlette": ("server",),
    "uvicorn": ("server",),
    "httpx": ("client",),
    "opentelemetry": ("observe.traces",),
    "platformdirs": ("config",),
    "acp": ("agents",),
    "pydantic": ("agents",),
    "jsonschema": ("schemas.__main__",),
    "referencing": ("schemas.__main__",),
    "pytest": ("testing",),
    "hypothesis": ("testing",),
}


def within(name: str, places: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of these places or lies below one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def crossings(module: Module) -> Iterator[Breach]:
    """Imports of rooms that this room may not know."""
    if module.room in COMPOSERS:
        return
    allowed = (module.room, *ARROWS.get(module.room, ()), "__version__")
    for node, name in imported(module):
        if name == "taxiway" or (name.startswith("taxiway.") and not within(name.removeprefix("taxiway."), allowed)):
            yield breach(
                module,
                node,
                f"{module.room} may not import {name}; it may import {', '.join(allowed[1:-1]) or 'nothing'}",
            )


def outsiders(module: Module) -> Iterator[Breach]:
    """Outside libraries where they do not belong."""
    for node, name in imported(module):
        library = name.partition(".")[0]
        if module.room == "core" and library != "taxiway" and library not in CORE_MAY_USE:
            yield breach(module, node, f"core is pure: no {library} (no I/O, clock, random, asyncio, logging)")
        if library in ONE_ROOM_ONLY and not within(module.name, ONE_ROOM_ONLY[library]):
            places = " and ".join(ONE_ROOM_ONLY[library]) or "nobody"
            yield breach(module, node, f"{library} is for {places} only")


def test_no_room_imports_a_room_that_it_may_not_know() -> None:
    """The arrows of the house."""
    assert breaches(crossings) == []


def test_core_stays_pure_and_each_outside_library_keeps_to_its_room() -> None:
    """Time, randomness, I/O and databases reach the rules only as arguments."""
    assert breaches(outsiders) == []


def test_every_module_stands_in_a_room_or_is_a_named_top_level_module() -> None:
    """A new top-level module or folder needs a line in the table, with its arrows."""
    assert {module.room for module in modules()} <= {*ROOMS, *ARROWS, *COMPOSERS}
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} <= set(ROOMS)


def test_the_standard_library_names_that_core_may_use_exist() -> None:
    """A misspelt entry would allow nothing and hide it."""
    assert CORE_MAY_USE - {"msgspec"} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/planted.py", "from taxiway.store import protocol"),
        ("core/planted.py", "import taxiway"),
        ("store/planted.py", "from taxiway.engine.intake import Intake"),
        ("store/sqlite/planted.py", "from ...agents import protocol"),
        ("engine/planted.py", "from taxiway.store import writer"),
        ("engine/planted.py", "from taxiway.store import sqlite, protocol"),
        ("engine/planted.py", "from ..agents.process import ProcessAgent"),
        ("engine/planted.py", "import taxiway.cli.main"),
        ("server/planted.py", "from taxiway.engine.dispatcher import Dispatcher"),
        ("cli/planted.py", "from taxiway.store.protocol import Store"),
        ("clock.py", "from taxiway import config"),
        (
            "agents/planted.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from taxiway.engine import feed",
        ),
    ],
)
def test_a_forbidden_arrow_is_found(path: str, text: str) -> None:
    """Absolute, relative and type-only imports all count."""
    assert breaches(crossings, [planted(text, f"src/taxiway/{path}")])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("engine/planted.py", "from taxiway.store.protocol import Store\nfrom taxiway.store import protocol"),
        ("engine/planted.py", "from ..core import task\nfrom . import intake\nfrom taxiway.clock import Clock"),
        ("engine/__init__.py", "from .intake import Intake\nfrom taxiway.core.task import Task"),
        ("app.py", "from taxiway.store.sqlite import store\nfrom taxiway.engine import intake"),
        ("cli/planted.py", "from taxiway import app, config, planfile"),
    ],
)
def test_an_allowed_arrow_is_let_through(path: str, text: str) -> None:
    """The rule is about direction, not about the way an import is written."""
    assert breaches(crossings, [planted(text, f"src/taxiway/{path}")]) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/planted.py", "import asyncio"),
        ("core/planted.py", "from time import monotonic"),
        ("core/planted.py", "import logging.handlers"),
        ("engine/planted.py", "import apsw"),
        ("store/sqlite/planted.py", "import sqlite3"),
        ("engine/planted.py", "from rich.console import Console"),
    ],
)
def test_a_library_in_the_wrong_room_is_found(path: str, text: str) -> None:
    """core has a list of what it may use; some libraries have one room."""
    assert breaches(outsiders, [planted(text, f"src/taxiway/{path}")])
