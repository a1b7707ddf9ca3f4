"""Named statements: one file each, named for what it does; a dialect may override one and says why."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

STORE: Final = Path(__file__).parent  #: importlib.resources would take longer to load than the statements


def load_statements(dialect: str) -> Mapping[str, str]:
    """All statements by name (the file's stem), with the overrides of ``dialect`` laid over the shared ones."""
    found = _read(STORE / "queries")
    own = STORE / dialect / "queries"
    if own.is_dir():
        found |= _read(own)
    return MappingProxyType(found)


def _read(folder: Path) -> dict[str, str]:
    return {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }


@cache
def load_checks() -> list[tuple[str, str, str, str]]:
    """The invariant queries as (invariant, name, what a row means, statement): each must return no row."""
    found = []
    for name, text in sorted(_read(STORE / "queries" / "check").items()):
        invariant, _, meaning = text.splitlines()[0].removeprefix("-- ").partition(": ")
        found.append((invariant, name, meaning, text))
    return found
