"""``taxiway agent``: which agents are installed here, and what they can do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import click
import msgspec

from taxiway.agentreports import ability_names, standing
from taxiway.app import store_path
from taxiway.cli.door import Door, pass_door
from taxiway.cli.output import answer, answer_json, note, page_document, table
from taxiway.cli.verb import Noun
from taxiway.cli.words import ago, span
from taxiway.core.agentpresets import PRESETS
from taxiway.core.errors import NotFound
from taxiway.core.nearest import suggestion
from taxiway.core.safe import safe_line
from taxiway.probing import KnownAgent, Prober, open_prober, secrets_of, trials_beside
from taxiway.trials import Trial, Trials
from taxiway.wire.moments import rfc3339

T = TypeVar("T")

FAILED_STATUS: Final = 1


@click.group(cls=Noun)
def agent() -> None:
    """Agents: programs that hold conversations."""


@agent.command("list")
@pass_door
def list_agents(door: Door) -> None:
    """Which agents are here, their versions, and what they can do: claimed, or tried by a probe."""
    kinds, trials = door.loaded.config.agents, _trials(door).read()

    async def look(prober: Prober) -> list[KnownAgent]:
        return [await prober.look(name, kinds[name], trials.get(name)) for name in sorted(kinds)]

    found = _with_prober(door, dict.fromkeys(door.loaded.config.secrets, ""), look)
    if door.wants_json:
        answer_json(page_document(_document(one) for one in found))
        return
    now = door.clock.now_ms()
    rows = [
        [
            one.name,
            str(one.kind.adapter),
            _place_word(one),
            one.version or "-",
            _abilities_word(one),
            _tried_word(one, now),
        ]
        for one in found
    ]
    answer(table(("NAME", "ADAPTER", "PROGRAM", "VERSION", "ABILITIES", "TRIED"), rows))
    note("an ability with * was tried on this version; the others are claimed. Try one with: taxiway agent probe NAME")


@agent.command()
@click.argument("name")
@click.option("--no-turn", is_flag=True, help="Only start it: no turn, so nothing is asked of a model.")
@pass_door
def probe(door: Door, name: str, no_turn: bool) -> int:
    """Try an agent: start it, have it answer a few words (which costs as much), resume, interrupt; exit status 1 when
    something failed."""
    kinds, trials = door.loaded.config.agents, _trials(door)
    if name not in kinds:
        hint = suggestion(name, kinds) or f"there are {', '.join(sorted(kinds))}"
        raise NotFound(f"there is no agent '{name}': {hint}", name=name)

    async def attempt(prober: Prober) -> tuple[KnownAgent, Trial | None]:
        known = await prober.look(name, kinds[name], None)
        return known, None if known.path is None else await prober.probe(known, turns=not no_turn)

    known, trial = _with_prober(door, secrets_of(door.loaded), attempt)
    if trial is None:
        raise NotFound(f"agent {name} is not installed here: {_missing_word(known)}", name=name)
    trials.keep(name, trial)
    if door.wants_json:
        answer_json(_document(msgspec.structs.replace(known, trial=trial)))
    else:
        _tell(known, trial)
    return 0 if trial.error is None and all(trial.tried.values()) else FAILED_STATUS


def _tell(known: KnownAgent, trial: Trial) -> None:
    answer(f"{known.name} {known.version or ''}".rstrip() + f" at {known.path}")
    if trial.ready_s is not None:
        answer(f"  took turns after {span(trial.ready_s)}")
    for ability, worked in trial.tried.items():
        answer(f"  {ability:10} {'works' if worked else 'does not work'}")
    if trial.error is not None:
        answer(f"  {safe_line(trial.error)}")


def _with_prober(door: Door, secrets: Mapping[str, str], work: Callable[[Prober], Awaitable[T]]) -> T:
    async def within() -> T:
        async with open_prober(store_path(door.loaded.config.store.path), secrets) as prober:
            return await work(prober)

    return asyncio.run(within())


def _trials(door: Door) -> Trials:
    return trials_beside(store_path(door.loaded.config.store.path))


def _place_word(one: KnownAgent) -> str:
    return one.path if one.path is not None else "not installed"


def _missing_word(one: KnownAgent) -> str:
    preset = PRESETS.get(one.kind.preset or one.name)
    found = f"its program '{one.kind.command[0]}' is not on the PATH"
    return found if preset is None else f"{found}; install it with: {preset.install}; then {preset.login}"


def _abilities_word(one: KnownAgent) -> str:
    if one.path is None:
        return "-"
    tried = one.trial.tried if one.trial is not None else {}
    words = [name.replace("_", "-") + ("*" if tried.get(name) else "") for name in ability_names(one.abilities)]
    return " ".join(["degraded", *words] if one.abilities.degraded else words) or "-"


def _tried_word(one: KnownAgent, now: int) -> str:
    if one.trial is None:
        return "-"
    return ago(one.trial.at, now) + (" (failed)" if one.trial.error or not all(one.trial.tried.values()) else "")


def _document(one: KnownAgent) -> dict[str, Any]:
    trial = one.trial
    tried = trial.tried if trial is not None else {}
    return {
        "name": one.name,
        "adapter": str(one.kind.adapter),
        "preset": one.kind.preset or (one.name if one.name in PRESETS else None),
        "path": one.path,
        "version": one.version,
        "degraded": one.abilities.degraded,
        "abilities": {name: str(standing(tried.get(name))) for name in ability_names(one.abilities)},
        "tried": tried,
        "tried_at": rfc3339(trial.at) if trial is not None else None,
        "ready_s": trial.ready_s if trial is not None else None,
        "error": trial.error if trial is not None else None,
    }
