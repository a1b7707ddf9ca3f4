"""Talking with an agent's process in a test: one turn and what came of it, each wait with an end."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from taxiway.agents.dialogue import DialogueEvent, Said, Turn, TurnEnded
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.protocol import Ended
from taxiway.core.event import EventType

WITHIN_S = 60
LOOK_S = 0.02


async def until(dialogue: LineDialogue, *kinds: type) -> list[DialogueEvent]:
    """The events up to and with the first of one of these kinds."""
    events: list[DialogueEvent] = []
    async with asyncio.timeout(WITHIN_S):
        while not events or not isinstance(events[-1], kinds):
            events.append(await dialogue.next())
    return events


async def turn(dialogue: LineDialogue, text: str = "go", schema: dict[str, Any] | None = None) -> list[DialogueEvent]:
    """Take one turn; what came until it, or the process, ended."""
    await dialogue.send(Turn(text, schema))
    return await until(dialogue, TurnEnded, Ended)


def said(events: Sequence[DialogueEvent], type: EventType) -> list[dict[str, Any]]:
    """The data of the events of one type."""
    return [event.data for event in events if isinstance(event, Said) and event.type is type]


def texts(events: Sequence[DialogueEvent], type: EventType = EventType.MESSAGE) -> list[str]:
    """The texts of the events of one type."""
    return [data["text"] for data in said(events, type)]


async def eventually(holds: Callable[[], Any], what: str) -> None:
    """Look at a real process or file until something holds; fails with ``what`` when it never does."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise AssertionError(f"after {WITHIN_S} s still not so: {what}") from None
