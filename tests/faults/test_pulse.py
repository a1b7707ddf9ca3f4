"""Looking at real processes from outside: what they use, write and wait for."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from taxiway.agents.connections import connections
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Conversation, Ended, Go, How, Launch, SpawnFailure
from taxiway.agents.pulse import take_pulse
from taxiway.core.vitals import Pulse

DEADLINE_S = 30.0
PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}

Start = Callable[[str], Awaitable[Conversation]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts Python programs under a guardian; they are gone afterwards."""
    agent, opened = ProcessAgent(), []

    async def started(text: str) -> Conversation:
        found = await agent.open(Launch((sys.executable, "-c", text), str(tmp_path), PATH, f"pulse-{len(opened)}"))
        assert not isinstance(found, SpawnFailure)
        opened.append(found)
        await found.send(Go())
        return found

    yield started
    for one in opened:
        await one.close(How.KILL)
        async for event in one.events():
            assert event is not None
    await agent.aclose()


async def felt(conversation: Conversation, holds: Callable[[Pulse], bool]) -> Pulse:
    """Look until something is seen."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            pulse = await take_pulse(conversation.mark)
            if pulse is not None and holds(pulse):
                return pulse
            await asyncio.sleep(0.05)


async def test_what_a_program_uses_itself_and_what_its_children_use_are_told_apart(start: Start) -> None:
    """A child in a session of its own counts, and what it used stays counted when it has ended."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    run = f"subprocess.run([sys.executable, '-c', {burn!r}], start_new_session=True)"
    shell = f"import subprocess, sys, time\n{run}\ntime.sleep(60)"
    pulse = await felt(await start(shell), lambda seen: seen.cpu_s >= 0.29)
    assert pulse.own_cpu_s < 5
    alone = await felt(await start(burn + "\ntime.sleep(60)"), lambda seen: seen.own_cpu_s >= 0.29)
    assert (alone.processes, alone.cpu_s) == (1, 0.0)


async def test_what_a_child_writes_is_seen_where_nobody_reads_it(start: Start) -> None:
    """Tests that print into their agent's pipe work, also when the agent says nothing."""
    child = "import time\nfor _ in range(600): print('ok', flush=True); time.sleep(0.02)"
    talks = await start(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}], stdout=subprocess.DEVNULL)"
    )
    first = await felt(talks, lambda seen: seen.written > 0)
    await felt(talks, lambda seen: seen.written > first.written + 60)


async def test_a_line_on_which_an_answer_is_due_is_told_from_one_that_was_answered(start: Start) -> None:
    """Wish 6, trap 9: an unanswered request is a dead line; an answered one, or none, is a wait by the agent itself."""
    server = socket.create_server(("127.0.0.1", 0))
    asks = (
        "import socket, time\nline = socket.create_connection(('127.0.0.1', {}))\n"
        "line.sendall(b'ask' * 100)\ntime.sleep(60)"
    )
    program = await start(asks.format(server.getsockname()[1]))
    line, _ = await asyncio.to_thread(server.accept)
    due = await felt(program, lambda seen: (seen.line_bytes or 0) > 300)  # acknowledged, and the opening with it
    assert (due.lines, due.owed) == (1, 1)
    await asyncio.sleep(0.05)  # the kernel tells in ticks which came last
    line.sendall(b"answer")
    answered = await felt(program, lambda seen: seen.owed == 0)
    assert (answered.lines, answered.line_bytes) == (1, (due.line_bytes or 0) + len(b"answer"))
    line.close()
    assert (await felt(program, lambda seen: seen.lines == 0)).owed == 0
    server.close()


async def test_a_line_within_the_tree_leads_nowhere(start: Start) -> None:
    """An agent that talks to a server of its own waits for nobody outside."""
    inside = (
        "import socket, time\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "a = socket.create_connection(server.getsockname()); b, _ = server.accept(); a.sendall(b'x' * 10)\n"
        "print('there', flush=True); time.sleep(60)"
    )
    program = await start(inside)
    async for event in program.events():
        assert not isinstance(event, Ended)
        break
    pulse = await take_pulse(program.mark)
    assert pulse is not None
    assert (pulse.lines, pulse.owed, pulse.line_bytes) == (0, 0, 0)


async def test_what_is_gone_has_no_pulse(start: Start) -> None:
    """A recycled pid is nobody of ours."""
    program = await start("pass")
    mark = program.mark
    async for event in program.events():
        assert event is not None
    assert await take_pulse(mark) is None


def test_the_kernel_tells_which_connections_there_are() -> None:
    """Both ends of one are seen, and what went over it."""
    server = socket.create_server(("127.0.0.1", 0))
    here = socket.create_connection(server.getsockname())
    there, _ = server.accept()
    here.sendall(b"x" * 1_000)
    there.recv(1_000)
    [found] = [
        one for one in connections() if one.inode == int(Path(f"/proc/self/fd/{here.fileno()}").readlink().name[8:-1])
    ]
    [other] = [one for one in connections() if one.here == found.there]
    assert (found.owed, other.there) == (True, found.here)
    for one in (here, there, server):
        one.close()
