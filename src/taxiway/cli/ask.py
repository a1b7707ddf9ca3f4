"""``taxiway ask``: one prompt for an agent, now, its answer passed through as it comes."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from taxiway.cli.do import LANE, plan_of_one, run_once
from taxiway.cli.door import Door, pass_door
from taxiway.cli.given import PROMPT, folder_of, standard_input
from taxiway.cli.options import Duration, Json, workspace_option
from taxiway.cli.verb import Verb
from taxiway.core.errors import Invalid, Problem
from taxiway.core.nearest import suggestion
from taxiway.core.specs import checked_spec


@click.command(cls=Verb)
@click.argument("agent")
@click.argument("prompt")
@click.option("--session", help="The key of the conversation to go on with. [default: a new one]")
@click.option("--access", metavar="analysis|write|auto", help="What the agent may do. [default: auto]")
@click.option("--model", help="The agent's own name of a model.")
@click.option("--result-schema", type=Json(), help="The JSON Schema that its result shall follow.")
@click.option("--cwd", help="Where it works. [default: here]")
@workspace_option
@click.option("--timeout", type=Duration(), help="The total clock of the run.")
@click.option("--idle-timeout", type=Duration(), help="How long it may say nothing.")
@pass_door
def ask(door: Door, /, prompt: str, cwd: str | None, **given: Any) -> int:
    """Ask an agent something here and now; exit status 1 when it failed.

    PROMPT may be -, which reads standard input. In a session that is busy it waits for its turn. Ctrl-C cancels it.
    """
    asked = {"prompt": standard_input(prompt, PROMPT), **given}
    fields = {name: value for name, value in asked.items() if value is not None}
    _check_agent(door, fields["agent"])
    spec = checked_spec(fields | {"cwd": folder_of(cwd), "lane": LANE})
    return asyncio.run(run_once(door, plan_of_one(door, spec, "ask")))


def _check_agent(door: Door, agent: str) -> None:
    """It works here, so it must be known here."""
    agents = door.loaded.config.agents
    if agent not in agents:
        hint = suggestion(agent, agents) or f"write [agents.{agent}] in the configuration"
        raise Invalid(
            f"there is no agent '{agent}': {hint}", [Problem(f"there is no agent '{agent}'", "agent", hint=hint)]
        )
