"""A small runner that can die: opens a launch, prints its mark, gives the go, and pumps what comes.

``runner.py TAG LEASE DIE_AT ARGV...`` where DIE_AT is ``opened``, ``sent`` or ``never``; ``copied`` leaves a copy
of the runner behind.
"""

import asyncio
import os
import signal
import sys
import time

import msgspec

from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, Launch, SpawnFailure


async def main(tag: str, lease: str, die_at: str, *argv: str) -> None:
    """Run one launch and pass its output through; the last line is the end as JSON."""
    agent = ProcessAgent()
    launch = Launch(argv=argv, cwd="/", env={"PATH": os.environ["PATH"]}, tag=tag, lease_s=float(lease))
    conversation = await agent.open(launch)
    assert not isinstance(conversation, SpawnFailure), conversation
    os.write(1, msgspec.json.encode(conversation.mark) + b"\n")
    if die_at == "opened":
        os.kill(os.getpid(), signal.SIGKILL)
    await conversation.send(Go())
    if die_at == "sent":
        os.kill(os.getpid(), signal.SIGKILL)
    if die_at == "copied" and os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    async for event in conversation.events():
        os.write(1, msgspec.json.encode(event) + b"\n" if isinstance(event, Ended) else event.data)
    await agent.aclose()


asyncio.run(main(*sys.argv[1:]))
