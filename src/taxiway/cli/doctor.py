"""``taxiway doctor``: how this machine, the store and the configuration are."""

from __future__ import annotations

import asyncio
import json
import socket
from textwrap import wrap
from typing import Any, Final

import click
import msgspec

from taxiway import diagnosis
from taxiway.app import store_path
from taxiway.cli.door import Door, pass_door
from taxiway.cli.output import answer, answer_json, table
from taxiway.cli.safe import safe_line
from taxiway.cli.verb import Verb
from taxiway.config import Loaded, SecretSource, table_setting
from taxiway.core.agentfields import fields_of
from taxiway.core.duration import format_duration
from taxiway.core.errors import Unavailable
from taxiway.core.ladder import words_of
from taxiway.core.vitals import Situation

BROKEN_STATUS: Final = 1
LINE_CHARS_MAX: Final = 100
COLOURS: Final = {diagnosis.Verdict.OK: "green", diagnosis.Verdict.WARN: "yellow", diagnosis.Verdict.BAD: "red"}
DURATIONS: Final = frozenset(  # the last words of settings that are seconds
    "ask_grace term_grace timeout idle_timeout agent_idle_timeout debounce max_debounce_wait"
    " warm start_timeout quiet".split()
)
LADDERS: Final = frozenset(f"stuck.{situation}" for situation in Situation)


@click.command(cls=Verb)
@click.option("--config", "wants_config", is_flag=True, help="Every value of the configuration and where it came from.")
@click.option("--check", "wants_check", is_flag=True, help="Also check every invariant of the store.")
@pass_door
def doctor(door: Door, wants_config: bool, wants_check: bool) -> int:
    """Say how things are here; exit status 1 when something is bad, 5 without a store."""
    if wants_config:
        _show_config(door)
        return 0
    findings = diagnosis.machine_findings()
    status = 0
    try:
        findings += asyncio.run(_of_store(door, wants_check))
    except Unavailable as error:
        findings.append(diagnosis.Finding("store", diagnosis.Verdict.BAD, error.message))
        status = error.exit_status
    _show(door, findings)
    return status or (BROKEN_STATUS if any(one.verdict is diagnosis.Verdict.BAD for one in findings) else 0)


async def _of_store(door: Door, wants_check: bool) -> list[diagnosis.Finding]:
    path = store_path(door.loaded.config.store.path)
    findings = diagnosis.place_findings(path)
    if not path.exists():
        return findings
    async with door.open_here() as tw:
        findings += await diagnosis.store_findings(tw.store, path, socket.gethostname(), door.clock.now_ms())
        if wants_check:
            broken = [f"{one.invariant} {one.check}: {one.text}" for one in await tw.store.check()]
            findings += [diagnosis.Finding("invariant", diagnosis.Verdict.BAD, text) for text in broken]
            findings += [] if broken else [diagnosis.Finding("invariants", diagnosis.Verdict.OK, "every one holds")]
    return findings


def _show(door: Door, findings: list[diagnosis.Finding]) -> None:
    if door.wants_json:
        answer_json({"findings": [msgspec.to_builtins(one) for one in findings]})
        return
    width = max(len(one.subject) for one in findings)
    indent = len(f"warn  {'':{width}}  ")
    for one in findings:
        verdict = click.style(one.verdict.ljust(4), fg=COLOURS[one.verdict])
        lines = wrap(safe_line(one.text), LINE_CHARS_MAX - indent, break_long_words=False, break_on_hyphens=False)
        answer(f"{verdict}  {one.subject.ljust(width)}  " + f"\n{'':{indent}}".join(lines))


def _show_config(door: Door) -> None:
    values = _values(door.loaded)
    if door.wants_json:
        origins = door.loaded.origins
        answer_json({"values": {name: {"value": value, "origin": origins[name]} for name, value in values.items()}})
        return
    rows = [[name, _word(name, value), door.loaded.origins[name]] for name, value in values.items()]
    answer(table(("SETTING", "VALUE", "FROM"), rows, clip=False))


def _values(loaded: Loaded) -> dict[str, Any]:
    """Every value by its dotted name; of a secret where it comes from, never what it is."""
    found: dict[str, Any] = {}
    for name in sorted(loaded.origins):
        section, _, key = name.partition(".")
        if section in ("agents", "accounts", "prices"):
            of, field = table_setting(name)
            record = getattr(loaded.config, section)[of]
            found[name] = fields_of(record)[field] if section == "agents" else getattr(record, field)
            continue
        part = getattr(loaded.config, section)
        value = part[key] if isinstance(part, dict) else getattr(part, key)
        value = words_of(value) if name in LADDERS else value
        found[name] = _source(value) if isinstance(value, SecretSource) else value
    return found


def _source(source: SecretSource) -> str:
    if source.env is not None:
        return f"the variable {source.env}"
    return f"the file {source.file}" if source.file is not None else f"the command {(source.command or ('',))[0]}"


def _word(name: str, value: Any) -> str:
    if value is None:
        return "unlimited" if name.startswith("lanes.") else "none"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return format_duration(value) if name.rpartition(".")[2] in DURATIONS else str(value)
