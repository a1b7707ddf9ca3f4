"""What a turn left running under a warm process is gone when the turn ends; the process and its helpers stay."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

import pytest

from taxiway.agents.conversation import ProcessConversation
from taxiway.agents.guardian.tree import descendants, runs
from taxiway.agents.protocol import OPEN, Cleared, Ended, How, Output
from tests.faults.conftest import ZOO

PYTHON = f"{sys.executable} -I -S"


@pytest.fixture
async def shell(zoo) -> AsyncIterator[ProcessConversation]:
    """A shell that takes commands while it lives: each turn is a line."""
    conversation = await zoo.start("bash", "--norc", "--noprofile", stdin=OPEN)
    yield conversation
    await conversation.close(How.KILL)
    assert (await zoo.finish(conversation, within=10)).ended.certain


async def _turn(conversation: ProcessConversation, command: str) -> bytes:
    """Have the shell do something, and hear its last word."""
    assert await conversation.write(f"{command}\necho done\n".encode())
    said = b""
    while not said.endswith(b"done\n"):
        event = await asyncio.wait_for(conversation.next(), 10)
        assert isinstance(event, Output), event
        said += event.data
    return said.removesuffix(b"done\n")


def _running(conversation: ProcessConversation) -> set[int]:
    """What lives below the shell's guardian beside the shell itself."""
    mark = conversation.mark
    return {one.pid for one in descendants(mark.guardian_pid) if runs(one) and one.pid != mark.child_pid}


async def test_what_a_turn_left_is_gone_and_what_was_there_before_stays(shell, tmp_path, eventually, gone) -> None:
    """Semantics, "Processes": children, daemons, sessions of their own, without our environment or first thread."""
    helper = int(await _turn(shell, "sleep 70 & echo $!"))
    assert await shell.mark_turn()
    named = tmp_path / "daemon"
    left = [
        "sleep 71 &",
        "setsid sleep 72 &",
        f"trap '' TERM; {PYTHON} {ZOO}/sigterm_ignore.py > {tmp_path}/ignorer & trap - TERM",
        f"{PYTHON} {ZOO}/env_clean_daemon.py {named}",
        f"{PYTHON} {ZOO}/threads.py > {tmp_path}/threads &",
        "(sleep 73 & kill -STOP $!; sleep 74) &",
    ]
    await _turn(shell, "\n".join(left))
    assert eventually(lambda: named.exists() and len(_running(shell)) == 10, 10)
    cleared = await shell.clear()
    assert cleared == Cleared(9, certain=True)
    assert _running(shell) == {helper}
    assert gone(int(named.read_text()))
    assert b"still here\n" in await _turn(shell, "echo still here")  # beside what it says of the killed


async def test_only_the_first_turn_says_who_belongs_to_the_program(shell) -> None:
    """Semantics, "Processes": what came in the second turn is nobody's helper, and neither is a helper's new child."""
    await _turn(shell, "coproc bash --norc --noprofile")
    assert await shell.mark_turn()
    [helper] = _running(shell)
    assert await shell.clear() == Cleared(0, certain=True)
    assert await shell.mark_turn()
    await _turn(shell, "echo 'sleep 71 & echo up' >&${COPROC[1]}; read <&${COPROC[0]}; sleep 72 &")
    assert len(_running(shell)) == 3
    assert await shell.mark_turn()
    assert await shell.clear() == Cleared(2, certain=True)
    assert _running(shell) == {helper}


async def test_clearing_after_a_turn_that_left_nothing_is_quick(shell) -> None:
    """Semantics, "Processes": the usual case costs a moment."""
    assert await shell.mark_turn()
    took = []
    for _ in range(20):
        await _turn(shell, "true | true")
        began = time.monotonic()
        assert await shell.clear() == Cleared(0, certain=True)
        took.append(time.monotonic() - began)
    assert sorted(took)[10] < 0.1


@pytest.mark.parametrize("width", [1, 8])
async def test_a_storm_of_forks_is_over_or_its_turn_is_not_called_clean(shell, tmp_path, eventually, width) -> None:
    """Fault 28: each hop in a session of its own; the answer is never wrong, and comes within its 5 s."""
    assert await shell.mark_turn()
    ready = tmp_path / "ready"
    await _turn(shell, f"{PYTHON} {ZOO}/fork_storm.py {width} > {ready} &")
    assert eventually(lambda: ready.exists() and ready.stat().st_size > 0)
    began = time.monotonic()
    cleared = await shell.clear()
    assert time.monotonic() - began < 6.5
    assert cleared.ended >= 1
    if cleared.certain:
        assert _running(shell) == set()


async def test_the_dead_whom_the_program_does_not_collect_do_not_count(zoo, eventually) -> None:
    """I6: a zombie runs no more; only its parent can collect it, and that is the program."""
    program = "import os,sys,time\nfor _ in range(5): os.fork() or os._exit(0)\nprint(flush=True); time.sleep(60)"
    conversation = await zoo.start(sys.executable, "-I", "-c", program)
    assert isinstance(await conversation.next(), Output)
    assert eventually(lambda: not _running(conversation))
    assert await conversation.clear() == Cleared(0, certain=True)
    await conversation.close(How.KILL)
    assert (await zoo.finish(conversation)).ended == Ended(signal=signal.SIGKILL)


async def test_a_guardian_that_does_not_answer_leaves_nothing_called_clean(zoo, shell, monkeypatch) -> None:
    """I14: bounded; and whoever could not be remembered is not killed as a stranger later, the process is ended."""
    monkeypatch.setattr("taxiway.agents.conversation.ANSWER_S_MAX", 0.2)
    await _turn(shell, "sleep 71 &")
    os.kill(shell.mark.guardian_pid, signal.SIGSTOP)
    assert not await shell.mark_turn()
    assert await shell.clear() == Cleared(0, certain=False)
    os.kill(shell.mark.guardian_pid, signal.SIGCONT)
    assert not await shell.mark_turn()
    assert await shell.clear() == Cleared(0, certain=False)
    assert len(_running(shell)) == 1
    await shell.close(How.KILL)
    ended = (await zoo.finish(shell)).ended
    assert (ended.certain, ended.leftovers) == (True, 1)
    assert await shell.clear() == Cleared(0, certain=True)


async def test_an_answer_belongs_to_its_question(shell) -> None:
    """I14: who gave up waiting for one clearing does not mislead who asks for the next."""
    assert await shell.mark_turn()
    os.kill(shell.mark.guardian_pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shell.clear(), 0.05)
    await _turn(shell, "sleep 71 &")
    asyncio.get_running_loop().call_later(0.2, os.kill, shell.mark.guardian_pid, signal.SIGCONT)
    await shell.clear()
    assert _running(shell) == set()


async def test_a_program_that_ends_while_it_is_cleared_up_after_took_everything_along(zoo, shell) -> None:
    """I6: its end says whether that is certain."""
    assert await shell.mark_turn()
    await _turn(shell, "setsid sleep 71 &")
    await shell.write(b"exit 7\n")
    cleared = await shell.clear()
    assert cleared.certain
    finished = await zoo.finish(shell)
    assert finished.ended.exit_code == 7
    assert await shell.clear() == Cleared(0, certain=True)
    assert isinstance(await shell.next(), Ended)
