"""What a turn says, and what process it needs to be said to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Final

from taxiway.agents.dialogue import Opening
from taxiway.core.agent import AgentKind, Resume
from taxiway.core.errors import Invalid
from taxiway.core.mailbox import replayed, turn_text
from taxiway.core.parent import values
from taxiway.core.template import Rendered, render
from taxiway.engine.executor import Means
from taxiway.engine.live import Equipped, Wanted
from taxiway.store.protocol import Claimed, Seat, Store

REPLAY_TURNS_MAX: Final = 100

MakeAgentEnvironment = Callable[[AgentKind, Rendered, Claimed], dict[str, str]]


def compose(claim: Claimed, agent: Equipped, means: Means, environment: MakeAgentEnvironment) -> tuple[Wanted, str]:
    """The process that a claimed prompt needs, and the text of its turn. Raises ``Invalid``."""
    spec, seat, kind = claim.spec, claim.seat, agent.kind
    if spec.result_schema is not None and not agent.driver.abilities.structured:
        raise Invalid(f"agent {agent.name} gives no structured results, and result_schema asks for one")
    rendered = render(spec, values(claim.parents))
    fresh = spec.resume is Resume.FRESH
    begins_as = _begins_as(claim, agent)
    goes_on_with = None if seat is None or spec.resume is not Resume.NATIVE else seat.thread
    opening = Opening(
        cwd=spec.cwd or means.folder,
        env=environment(kind, rendered, claim),
        tag="",
        access=spec.access,
        model=spec.model or kind.model,
        thread=goes_on_with or begins_as,
        fork=begins_as is not None,
        schema=spec.result_schema,
        lease_s=means.lease_s,
    )
    if seat is None:
        return Wanted(agent=agent, opening=opening), rendered.prompt or ""
    wanted = Wanted(
        agent=agent,
        opening=opening,
        session=seat.session,
        generation=seat.generation,
        holder=seat.process,
        fresh=fresh,
    )
    return wanted, _text(claim.task, rendered.prompt or "", seat)


async def with_memory(claim: Claimed, agent: Equipped, store: Store, text: str) -> str:
    """The text of a turn for a process that was just opened: with the turns before it, where the agent cannot go on
    with the conversation by its own means, or shall not."""
    seat = claim.seat
    if seat is None or _remembers(claim, agent, seat) or claim.spec.resume is Resume.FRESH:
        return text
    tasks = await store.earlier_turns(seat.session, seat.generation, REPLAY_TURNS_MAX)
    prompts = [task for task in tasks if task.spec.prompt is not None]
    turns = [list(taken) for _, taken in groupby(prompts, key=lambda task: task.carrier or task.id)]
    return replayed(
        [(turn_text([one.spec.prompt or "" for one in taken], []), taken[-1].output) for taken in turns], text
    )


def _remembers(claim: Claimed, agent: Equipped, seat: Seat) -> bool:
    """Whether the agent brings the conversation along itself. One that began as another's, and has no id of its own
    yet, it knows only if it can fork."""
    if claim.spec.resume is not Resume.NATIVE or not agent.driver.abilities.resume:
        return False
    return not seat.forked or seat.thread is not None or _begins_as(claim, agent) is not None


def _begins_as(claim: Claimed, agent: Equipped) -> str | None:
    """The agent's id of the conversation that this one begins as a copy of, where it can do that by itself."""
    seat = claim.seat
    if seat is None or seat.thread is not None or claim.spec.resume is not Resume.NATIVE:
        return None
    return seat.fork_thread if agent.driver.abilities.fork else None


def _text(task: str, own: str, seat: Seat) -> str:
    """The task's own words, with what has been put in, among those of the messages that it carries."""
    prompts = [own if message.task == task else message.prompt for message in seat.messages]
    return turn_text(prompts or [own], list(seat.dropped))
