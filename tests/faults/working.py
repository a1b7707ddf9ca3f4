"""A runner with the fake agent, until it is killed: ``working.py STORE FOLDER``."""

import asyncio
import sys
from pathlib import Path

import taxiway
from taxiway.core.agent import AgentKind
from taxiway.testing.fakeagent.command import fake_agent_command

SCRIPT = """\
turns:
  - match: long
    steps: [{repeat: {times: 30, steps: [{sleep: 0.01}]}}, {say: done}]
"""


async def main(path: str, folder: Path) -> None:
    """Never ends by itself."""
    script = folder / "script.yaml"
    script.write_text(SCRIPT, encoding="utf-8")
    command = fake_agent_command(script, memory=folder / "memory", journal=folder / "journal")
    async with taxiway.open(
        path, slots=5, project="", agents={"fake": AgentKind(command=command, start_s=60.0)}, ask_grace_s=1.0
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
