"""One session, several writers, and what happens to every message: run it with ``python examples/inbox.py``.

There is a session for each mode of a mailbox, and three writers send it a burst of messages while its agent is busy.
The agent is a real program that follows a script; no model is needed. Afterwards the fate of every message is printed,
and the sum is checked: whatever was accepted has exactly one outcome.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import taxiway
from taxiway.core.agent import AgentKind
from taxiway.testing.fakeagent.command import fake_agent_command

WRITERS = ("ann", "bob", "cid")
MESSAGES_EACH = 3
SCRIPT = {
    "turns": [{"match": "the first", "steps": [{"say": "reading"}, {"sleep": "1500ms"}, {"say": "done"}]}],
    "default": [{"sleep": "100ms"}, {"say": "done"}],
}

#: What each session does with a message that comes while it is busy.
MODES: dict[str, dict[str, Any]] = {
    "queue": {"mode": "queue", "cap": 5},
    "followup": {"mode": "followup", "cap": 4, "drop": "summarize"},
    "collect": {"mode": "collect", "debounce": "100ms"},
    "steer": {"mode": "steer"},
    "interrupt": {"mode": "interrupt"},
}


class Inbox:
    """One session that is written to, and what came of it."""

    def __init__(self, tw: taxiway.Taxiway, box: taxiway.SessionHandle) -> None:
        self._tw = tw
        self._box = box
        self._sent: dict[str, taxiway.Sent] = {}
        self._refused: list[str] = []

    async def burst(self) -> None:
        """Something for the agent to do, and all writers at once while it does it."""
        await self._send("the first")
        await self._until_it_reads()
        async with asyncio.TaskGroup() as writers:
            for writer in WRITERS:
                writers.create_task(self._write(writer), name=writer)

    async def report(self) -> None:
        """Print what happened to every message."""
        fates = {name: await sent.task.wait(60) for name, sent in self._sent.items()}
        names = {task.id: name for name, task in fates.items()}
        for name, task in fates.items():
            carried = f", in the turn of '{names[task.carrier]}'" if task.carrier else ""
            reason = f" ({task.reason})" if task.reason else ""
            print(f"  {name:<10} {self._sent[name].disposition:<9} {task.state}{reason}{carried}")
        for name in self._refused:
            print(f"  {name:<10} refused   the mailbox was full")
        outcomes = Counter(str(task.state) for task in fates.values())
        print(f"  {len(fates)} accepted: {', '.join(f'{many} {state}' for state, many in sorted(outcomes.items()))}")
        assert sum(outcomes.values()) == len(self._sent), "a message was lost"

    async def _write(self, writer: str) -> None:
        for number in range(1, MESSAGES_EACH + 1):
            await self._send(f"{writer} {number}")

    async def _send(self, words: str) -> None:
        try:
            self._sent[words] = await self._box.send(words, metadata={"from": words.split()[0]})
        except taxiway.Full:
            self._refused.append(words)

    async def _until_it_reads(self) -> None:
        async for event in self._sent["the first"].task.events():
            if event.type is taxiway.EventType.MESSAGE:
                return


async def main(folder: Path) -> None:
    """Every mode after the other, in one store."""
    script = folder / "script.json"
    script.write_text(json.dumps(SCRIPT))
    agents = {"scribe": AgentKind(command=fake_agent_command(script))}
    async with taxiway.open(folder / "inbox.db", slots=2, agents=agents, project="") as tw:
        for name, mailbox in MODES.items():
            print(f"{name}: {', '.join(f'{field} {value}' for field, value in mailbox.items())}")
            inbox = Inbox(tw, await tw.session(f"inbox:{name}", agent="scribe", mailbox=mailbox))
            await inbox.burst()
            await inbox.report()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        chosen = Path(sys.argv[1] if len(sys.argv) > 1 else made)
        chosen.mkdir(parents=True, exist_ok=True)
        asyncio.run(main(chosen))
