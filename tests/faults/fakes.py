"""The fake agent as Codex and as Claude Code, driven by the adapters of the real ones."""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from taxiway.agents.claude import ClaudeAgent
from taxiway.agents.codex import CodexAgent
from taxiway.agents.dialogue import DialogueEvent, Opening, Ready, TurnEnded
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go
from taxiway.core.agent import Access, Adapter, AgentKind
from taxiway.testing.fakeagent.command import fake_agent_command
from tests.dialogues import WITHIN_S

Talk = Callable[..., Awaitable[LineDialogue]]
DRIVERS = {Adapter.CODEX: CodexAgent, Adapter.CLAUDE: ClaudeAgent}


@asynccontextmanager
async def fakes(agent: ProcessAgent, folder: Path) -> AsyncIterator[Talk]:
    """`await talk(adapter, steps, …)` opens a fake agent that is ready; ``opened`` takes what it said before that."""
    dialogues: list[LineDialogue] = []

    async def talk(
        adapter: Adapter,
        steps: Any = None,
        *,
        opened: list[DialogueEvent] | None = None,
        opening: dict[str, Any] | None = None,
        **script: Any,
    ) -> LineDialogue:
        path = folder / f"{secrets.token_hex(4)}.json"
        path.write_text(json.dumps(script | ({} if steps is None else {"default": steps})))
        command = fake_agent_command(path, memory=folder / "memory", journal=folder / "journal", protocol=adapter.value)
        fields = {"tag": f"test-{secrets.token_hex(6)}", "access": Access.WRITE, **(opening or {})}
        wanted = Opening(cwd=str(folder), env={"PATH": os.environ["PATH"]}, **fields)
        dialogue = await DRIVERS[adapter](AgentKind(adapter=adapter, command=command), agent).open(wanted)
        assert isinstance(dialogue, LineDialogue), dialogue
        dialogues.append(dialogue)
        await dialogue.send(Go())
        events = await heard(dialogue, Ready, TurnEnded, Ended)
        if opened is None:
            assert isinstance(events[-1], Ready), events
        else:
            opened += events
        return dialogue

    yield talk
    for dialogue in dialogues:
        dialogue.drop()


async def heard(dialogue: LineDialogue, *kinds: type, **fields: Any) -> list[DialogueEvent]:
    """The events up to and with the first of one of these kinds, with these fields; or to the end of the process."""

    def is_it(event: DialogueEvent) -> bool:
        return isinstance(event, kinds) and all(getattr(event, name) == value for name, value in fields.items())

    events: list[DialogueEvent] = []
    async with asyncio.timeout(WITHIN_S):
        while not events or not (is_it(events[-1]) or isinstance(events[-1], Ended)):
            events.append(await dialogue.next())
    return events


def journal(folder: Path, what: str) -> list[dict[str, Any]]:
    """What really reached the agents."""
    lines = [json.loads(line) for line in (folder / "journal").read_text().splitlines()]
    return [line for line in lines if line["what"] == what]


def of(kind: type, events: list[DialogueEvent]) -> list[Any]:
    """Those of one kind."""
    return [event for event in events if isinstance(event, kind)]


def end(events: list[DialogueEvent]) -> TurnEnded:
    """How a turn ended, which it did once."""
    (found,) = of(TurnEnded, events)
    return found
