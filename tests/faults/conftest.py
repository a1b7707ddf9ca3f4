"""Real programs that misbehave, and the proof after each test that nothing of them is left."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from taxiway.agents.conversation import ProcessConversation
from taxiway.agents.guardian.sweep import tagged
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, Launch, Output, ProcessMark

ZOO = Path(__file__).parent / "zoo"
PATH = os.environ["PATH"]


class Finished(msgspec.Struct):
    """Everything that one run said, and how it ended."""

    mark: ProcessMark
    stdout: bytes
    stderr: bytes
    ended: Ended
    pieces: int
    longest: int


class Zoo:
    """Starts programs under an agent and remembers their tags."""

    def __init__(self, agent: ProcessAgent) -> None:
        self.agent = agent
        self.tags: set[str] = set()

    def launch(self, *argv: str, **fields: Any) -> Launch:
        """A launch with a tag of its own; a first word that ends in .py is a program of the zoo."""
        if argv and argv[0].endswith(".py") and "/" not in argv[0]:
            argv = (sys.executable, "-I", "-S", str(ZOO / argv[0]), *argv[1:])
        fields = {"cwd": "/", "env": {"PATH": PATH}, "tag": f"test-{secrets.token_hex(6)}"} | fields
        self.tags.add(fields["tag"])
        return Launch(argv=argv, **fields)

    async def open(self, *argv: str, **fields: Any) -> ProcessConversation:
        """Step one only."""
        conversation = await self.agent.open(self.launch(*argv, **fields))
        assert isinstance(conversation, ProcessConversation), conversation
        return conversation

    async def start(self, *argv: str, **fields: Any) -> ProcessConversation:
        """Both steps."""
        conversation = await self.open(*argv, **fields)
        await conversation.send(Go())
        return conversation

    async def ready(self, *argv: str, **fields: Any) -> ProcessConversation:
        """Both steps, and the program has said its first word (which is taken away)."""
        conversation = await self.start(*argv, **fields)
        first = await asyncio.wait_for(anext(conversation.events()), 10)
        assert isinstance(first, Output), first
        return conversation

    async def finish(self, conversation: ProcessConversation, within: float = 30) -> Finished:
        """Read to the end; fails when that takes longer than ``within`` seconds."""
        streams = {"stdout": bytearray(), "stderr": bytearray()}
        ends: list[Ended] = []
        sizes = [0]
        async with asyncio.timeout(within):
            async for event in conversation.events():
                assert not ends, "something came after the end"
                if isinstance(event, Ended):
                    ends.append(event)
                else:
                    streams[event.stream] += event.data
                    sizes.append(len(event.data))
        mark = conversation.mark
        stdout, stderr = map(bytes, streams.values())
        return Finished(mark, stdout, stderr, ends[0], len(sizes) - 1, max(sizes))

    async def run(self, *argv: str, within: float = 30, **fields: Any) -> Finished:
        """From launch to end."""
        return await self.finish(await self.start(*argv, **fields), within)

    def left(self) -> list[str]:
        """What lives with one of our tags."""
        return [f"{process} {tag}" for process, tag in tagged() if tag in self.tags]


def eventually(what: Callable[[], bool], within: float = 2.0) -> bool:
    """Whether it becomes true in time."""
    until = time.monotonic() + within
    while not (now := what()) and time.monotonic() < until:
        time.sleep(0.01)
    return now


def gone(pid: int) -> bool:
    """Whether no living process has this pid (a zombie that nobody collects is dead)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., bool]:
    """`eventually(what, within)` polls with a deadline."""
    return eventually


@pytest.fixture(name="gone")
def gone_fixture() -> Callable[[int], bool]:
    """`gone(pid)`: nothing alive has this pid."""
    return gone


@pytest.fixture
async def agent() -> AsyncIterator[ProcessAgent]:
    """A process agent whose fork server is gone when the test is over."""
    agent = ProcessAgent()
    yield agent
    await agent.aclose()


@pytest.fixture
async def zoo(agent: ProcessAgent) -> AsyncIterator[Zoo]:
    """Starts programs; afterwards nothing that carries their tags may live (I6, I7)."""
    zoo = Zoo(agent)
    yield zoo
    assert eventually(lambda: not zoo.left(), within=2.0), zoo.left()


@pytest.fixture
def runner(zoo: Zoo) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], ProcessMark]]]:
    """Starts a runner in a process of its own, so that it can be killed; gives the process and its program's mark."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str, lease_s: float = 60, die_at: str = "never") -> tuple[subprocess.Popen[bytes], ProcessMark]:
        launch = zoo.launch(*argv)
        command = [sys.executable, str(ZOO / "runner.py"), launch.tag, str(lease_s), die_at, *launch.argv]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        return process, msgspec.json.decode(process.stdout.readline(), type=ProcessMark)

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
