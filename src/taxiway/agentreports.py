"""What is told of the agents of a configuration, without starting any: what they can do, claimed or tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from taxiway.agents.adapters import driver_of
from taxiway.agents.process import ProcessAgent
from taxiway.core.agent import Abilities, AgentKind, AgentReport, Standing
from taxiway.core.agentpresets import PRESETS
from taxiway.trials import Trial, Trials

TRIALS_FILE: Final = "agents.json"  #: beside the store
NO_ABILITY: Final = "degraded"  #: a word about how its answers are read


def reports(kinds: Mapping[str, AgentKind], trials: Trials) -> list[AgentReport]:
    """Every agent, by name."""
    known, process = trials.read(), ProcessAgent()
    return [
        _report(name, kinds[name], driver_of(kinds[name], process).abilities, known.get(name)) for name in sorted(kinds)
    ]


def _report(name: str, kind: AgentKind, abilities: Abilities, trial: Trial | None) -> AgentReport:
    tried = {} if trial is None else trial.tried
    return AgentReport(
        name=name,
        adapter=kind.adapter,
        preset=kind.preset or (name if name in PRESETS else None),
        account=kind.account or name,
        degraded=abilities.degraded,
        abilities={ability: standing(tried.get(ability)) for ability in ability_names(abilities)},
        version=None if trial is None else trial.version,
        tried_at=None if trial is None else trial.at,
    )


def ability_names(abilities: Abilities) -> list[str]:
    """What an agent can do."""
    return [name for name, can in msgspec.structs.asdict(abilities).items() if can and name != NO_ABILITY]


def standing(worked: bool | None) -> Standing:
    """How an ability is known, by whether it worked when it was tried."""
    return Standing.CLAIMED if worked is None else Standing.TRIED if worked else Standing.FAILED
