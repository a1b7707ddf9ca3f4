"""Talks with a real agent CLI through the adapter that users get, with processes that are guarded as in a runner."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from taxiway.agents.acp import AcpAgent
from taxiway.agents.dialogue import Answer, Asked, DialogueEvent, Opening, Ready, Said, Turn, TurnEnded, Used
from taxiway.agents.guardian.sweep import tagged
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, How
from taxiway.core.agent import Access, Adapter, AgentKind
from taxiway.core.event import EventType
from taxiway.core.task import Usage
from tests.agents.homes import Home

TURN_S_MAX = 150.0
LEASE_S = 600.0  #: nobody pings here


@dataclass
class Talk:
    """One process and what it has said; `close` it."""

    dialogue: LineDialogue
    tag: str
    allow: bool = True
    events: list[DialogueEvent] = field(default_factory=list)

    async def until(self, *kinds: type) -> list[DialogueEvent]:
        """The events up to and with the first of these kinds; every question is answered on the way."""
        found: list[DialogueEvent] = []
        async with asyncio.timeout(TURN_S_MAX):
            while not found or not isinstance(found[-1], kinds):
                event = await self.dialogue.next()
                found.append(event)
                if isinstance(event, Asked):
                    await self.dialogue.send(Answer(event.id, self.allow))
        self.events += found
        return found

    async def turn(self, text: str) -> list[DialogueEvent]:
        """One turn, to its end."""
        await self.dialogue.send(Turn(text))
        return await self.until(TurnEnded, Ended)

    async def close(self) -> Ended:
        """Its end when it is asked; nothing of it is left."""
        await self.dialogue.close(How.ASK)
        ended = (await self.until(Ended))[-1]
        assert isinstance(ended, Ended)
        assert [found for found in tagged() if found[1] == self.tag] == []
        return ended


async def talk(
    home: Home, words: Sequence[str], process: ProcessAgent, access: Access = Access.AUTO, thread: str | None = None
) -> Talk:
    """A process that has said that it is ready, or why it is not: the last of its ``events`` tells."""
    kind = AgentKind(adapter=Adapter.ACP, command=(*home.argv, *words))
    agent = AcpAgent(kind, process)
    tag = f"test-{secrets.token_hex(6)}"
    opening = Opening(
        cwd=str(home.work), env=dict(home.environ), tag=tag, access=access, thread=thread, lease_s=LEASE_S
    )
    dialogue = await agent.open(opening)
    assert isinstance(dialogue, LineDialogue), dialogue
    found = Talk(dialogue, tag)
    await dialogue.send(Go())
    await found.until(Ready, TurnEnded, Ended)
    return found


def texts(events: Sequence[DialogueEvent], type: EventType = EventType.MESSAGE) -> str:
    """What was said, as one text."""
    return "".join(said["text"] for said in of(events, type))


def of(events: Sequence[DialogueEvent], type: EventType) -> list[dict[str, Any]]:
    """The data of the events of one type."""
    return [event.data for event in events if isinstance(event, Said) and event.type is type]


def used(events: Sequence[DialogueEvent]) -> Usage:
    """What the turn consumed, as it was said last."""
    return next((event.usage for event in reversed(events) if isinstance(event, Used)), Usage())


def end(events: Sequence[DialogueEvent]) -> TurnEnded:
    """How the turn ended."""
    last = events[-1]
    assert isinstance(last, TurnEnded), last
    return last
