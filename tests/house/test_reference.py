"""Whatever a user can name is documented: the lists come from the code itself, so nothing new stays unsaid."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_args

import msgspec
import pytest

from tests.house.source import ROOT

REFERENCE = (*sorted((ROOT / "docs" / "reference").rglob("*.md")), ROOT / "docs" / "lifecycle.md")


def documented(pages: str) -> set[str]:
    """What pages of Markdown document: what stands in backticks, in headings, and in lines of code blocks."""
    spans = re.findall(r"`+([^`\n]+)`+", pages)
    headings = re.findall(r"^#+\s+(.*)$", pages, re.MULTILINE)
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", pages, re.MULTILINE | re.DOTALL)
    code = [line for block in blocks for line in block.splitlines()]
    return {text.strip().strip("`") for text in (*spans, *headings, *code)}


def is_documented(name: str, said: set[str]) -> bool:
    """Whether a name stands alone, or begins what stands there: ``taxiway run`` in ``taxiway run PLAN [--slots N]``."""
    return any(text == name or re.match(rf"{re.escape(name)}(?![\w.-])", text) for text in said)


def module(name: str) -> Any:
    """A module of the package, or None while it does not exist."""
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return importlib.import_module(name) if found else None


def verbs(command: Any, path: str) -> Iterator[str]:
    """Every command below a click group, as one types it; hidden ones are nobody's to type."""
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            if not getattr(child, "commands", {}):
                yield f"{path} {name}"
            yield from verbs(child, f"{path} {name}")


def command_group(cli: Any) -> Any:
    """The root group of the command line: ``main`` itself, or the one group that its module calls."""
    if hasattr(cli.main, "commands"):
        return cli.main
    groups = [value for value in vars(cli).values() if hasattr(value, "commands")]
    assert len(groups) == 1, "taxiway.cli.main has one root group"
    return groups[0]


def cli_verbs() -> list[str]:
    """Every verb of the command line."""
    cli = module("taxiway.cli.main")
    return sorted(verbs(command_group(cli), "taxiway")) if cli else []


def members(name: str, enumeration: str) -> list[str]:
    """The values of one closed set."""
    found = module(name)
    return [member.value for member in getattr(found, enumeration)] if found else []


def settings() -> list[str]:
    """Every setting, as ``section.name``."""
    config = module("taxiway.config")
    return sorted(set(fields(config.Config, ""))) if config else []


def fields(record: Any, prefix: str) -> Iterator[str]:
    """The fields of a record, with those of the records inside it; a mapping of records has ``NAME`` for its key."""
    for field in msgspec.structs.fields(record):
        name = f"{prefix}{field.encode_name}"
        kinds = [one for one in (field.type, *get_args(field.type)) if isinstance(one, type)]
        inner = [one for one in kinds if issubclass(one, msgspec.Struct)]
        if not inner or isinstance(field.default, tuple):
            yield name
            continue
        for one in inner:
            yield from fields(one, f"{name}." if one is field.type else f"{name}.NAME.")


def limits() -> list[str]:
    """Every bound."""
    found = module("taxiway.core.limits")
    return [name for name in vars(found) if name.isupper()] if found else []


def error_codes() -> list[str]:
    """Every code of the error tree."""
    found = module("taxiway.core.errors")
    kinds = [value for value in vars(found).values() if isinstance(value, type)] if found else []
    return sorted({kind.code for kind in kinds if issubclass(kind, found.Error)})


KINDS = {
    "verb of the command line": cli_verbs,
    "event type": lambda: members("taxiway.core.event", "EventType"),
    "task state": lambda: members("taxiway.core.task", "TaskState"),
    "reason": lambda: members("taxiway.core.task", "Reason"),
    "setting": settings,
    "limit": limits,
    "error code": error_codes,
}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_a_user_can_name_is_documented(kind: str) -> None:
    """Verbs, event types, settings, limits, errors stand in docs/reference; states and reasons in the lifecycle."""
    said = documented("\n".join(path.read_text("utf-8") for path in REFERENCE))
    assert [name for name in KINDS[kind]() if not is_documented(name, said)] == [], f"docs/reference lacks a {kind}"


def test_a_name_counts_as_documented_only_where_it_is_marked_as_one() -> None:
    """In backticks, a heading or a block of code; as itself, not as a part of another name."""
    said = documented("# taxiway run\nThe `run.started` event.\n```\ntaxiway task list [--state S]\n```\nplain words\n")
    assert is_documented("taxiway run", said)
    assert is_documented("run.started", said)
    assert is_documented("taxiway task list", said)
    assert not is_documented("plain", said)
    assert not is_documented("run", said)
    assert not is_documented("taxiway task", documented("`taxiway tasks`"))


def test_settings_are_found_in_records_inside_records() -> None:
    """A section is a record; a mapping of records has NAME for its key."""

    class Agent(msgspec.Struct):
        account: str

    class Store(msgspec.Struct):
        path: str

    class Config(msgspec.Struct):
        store: Store
        agents: dict[str, Agent]
        lane: str

    assert list(fields(Config, "")) == ["store.path", "agents.NAME.account", "lane"]


def test_the_lists_come_from_the_code_and_are_not_empty() -> None:
    """A list that finds nothing would let everything through."""
    assert "run.started" in KINDS["event type"]()
    assert "EVENT_BYTES_MAX" in limits()
    assert "not_found" in error_codes()
    assert all(issubclass(type(value), str) and not isinstance(value, StrEnum) for value in KINDS["event type"]())
