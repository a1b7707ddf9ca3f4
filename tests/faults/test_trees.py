"""Whole process trees end, however their members hide (killing the pid or the group is not enough)."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from taxiway.agents.protocol import Ended, How


async def test_an_obedient_program_ends_at_sigterm_with_its_last_words(zoo) -> None:
    """B14, B22: SIGTERM lets it clean up; its output and its own exit code are kept."""
    conversation = await zoo.ready("sigterm_obey.py")
    await conversation.close(How.ASK)
    finished = await zoo.finish(conversation, within=5)
    assert (finished.stdout, finished.ended) == (b"goodbye\n", Ended(exit_code=0))


async def test_what_ignores_sigterm_ends_at_sigkill_with_its_tree(zoo) -> None:
    """B15, B23, DB4, fault 24: a child in a session of its own included."""
    conversation = await zoo.ready("sigterm_ignore.py")
    await conversation.close(How.TERM)
    with pytest.raises(TimeoutError):
        await zoo.finish(conversation, within=0.3)
    began = time.monotonic()
    await conversation.close(How.KILL)
    ended = (await zoo.finish(conversation, within=5)).ended
    assert ended == Ended(signal=signal.SIGKILL, leftovers=1)
    assert time.monotonic() - began < 2
    assert zoo.left() == []


async def test_a_program_that_stopped_itself_hears_sigterm(zoo) -> None:
    """Fault 25: SIGTERM is followed by SIGCONT, so it can end in its own way."""
    conversation = await zoo.ready("selfstop.py")
    await conversation.close(How.TERM)
    finished = await zoo.finish(conversation, within=5)
    assert (finished.stdout, finished.ended) == (b"goodbye\n", Ended(exit_code=0))


async def test_a_daemon_that_holds_the_pipe_never_hangs_a_run(zoo) -> None:
    """Fault 26, DB8, trap 10: the exit is seen at once, the daemon is killed after its grace, no output is cut off."""
    finished = await zoo.run("doublefork_hold_stdout.py", within=5)
    # Nothing was cut off: the end came with the daemon's, not when the patience with a held pipe (2 s) was over.
    assert (finished.stdout, finished.ended.exit_code) == (b"leader gone\n", 0)
    assert finished.ended.leftovers >= 1  # the daemon's own parent may be on its way out still
    assert (finished.ended.certain, finished.ended.output_truncated) == (True, False)
    assert zoo.left() == []


async def test_a_daemon_without_our_environment_and_descriptors_is_found(zoo, tmp_path: Path, eventually, gone) -> None:
    """Fault 27: the sub-reaper knows it although no tag, no pipe and no group does."""
    named = tmp_path / "pid"
    conversation = await zoo.ready("env_clean_daemon.py", str(named), "stay")
    assert eventually(named.exists)
    assert not gone(int(named.read_text()))
    await conversation.close(How.KILL)
    ended = (await zoo.finish(conversation, within=5)).ended
    assert (ended.signal, ended.leftovers, ended.certain) == (signal.SIGKILL, 1, True)
    assert gone(int(named.read_text()))


async def test_a_clean_daemon_does_not_outlive_the_program_that_left_it(zoo, tmp_path: Path, gone) -> None:
    """I6, DB8: a run-owned tree is dead before its run ends, also when the program ended by itself."""
    named = tmp_path / "pid"
    ended = (await zoo.run("env_clean_daemon.py", str(named), within=5)).ended
    assert (ended.exit_code, ended.certain) == (0, True)
    assert not named.exists() or gone(int(named.read_text()))


async def test_a_background_child_gets_a_moment_to_end_politely(zoo, tmp_path: Path) -> None:
    """DB13: what it wrote before, and its goodbye, are kept."""
    helper = "trap 'echo bye; exit' TERM; echo up; touch is-up; while :; do sleep 0.01; done"
    script = f'sh -c "{helper}" & until [ -e is-up ]; do sleep 0.01; done; exit 7'
    finished = await zoo.run("sh", "-c", script, cwd=str(tmp_path), within=10)
    assert (finished.stdout, finished.ended.exit_code) == (b"up\nbye\n", 7)


@pytest.mark.parametrize("width", [1, 8])
async def test_processes_that_fork_faster_than_they_die_are_ended(zoo, width: int) -> None:
    """Fault 28: each hop in a session of its own; bound 5 s."""
    conversation = await zoo.ready("fork_storm.py", str(width))
    began = time.monotonic()
    await conversation.close(How.KILL)
    ended = (await zoo.finish(conversation, within=10)).ended
    assert (ended.certain, ended.signal) == (True, signal.SIGKILL)
    assert time.monotonic() - began < 5
    assert zoo.left() == []


async def test_zombies_that_nobody_collects_do_not_keep_a_run(zoo) -> None:
    """I6: the dead below the program fall to the guardian, who collects them; none of them counts as ended by us."""
    finished = await zoo.run("zombie_maker.py", within=5)
    assert (finished.stdout, finished.ended) == (b"made\n", Ended(exit_code=0))


async def test_a_program_whose_first_thread_is_gone_still_ends_whole(zoo) -> None:
    """I6: such a process looks like a zombie in /proc but lives; its thread's child is found too."""
    conversation = await zoo.ready("threads.py")
    await conversation.close(How.KILL)
    ended = (await zoo.finish(conversation, within=5)).ended
    assert (ended.signal, ended.leftovers, ended.certain) == (signal.SIGKILL, 1, True)


async def test_a_kill_from_outside_is_told_as_a_signal_and_the_rest_is_ended(zoo) -> None:
    """B16, DB7, fault 23: the kernel's or a person's SIGKILL of the main process is not ours, and leaves nothing."""
    conversation = await zoo.ready("sigterm_ignore.py")
    os.kill(conversation.mark.child_pid, signal.SIGKILL)
    ended = (await zoo.finish(conversation, within=5)).ended
    assert (ended.signal, ended.leftovers, ended.certain) == (signal.SIGKILL, 1, True)


async def test_closing_twice_and_after_the_end_is_harmless(zoo) -> None:
    """B25: whoever comes late changes nothing."""
    conversation = await zoo.ready("sigterm_ignore.py")
    for how in (How.TERM, How.KILL, How.KILL, How.TERM):
        await conversation.close(how)
    assert (await zoo.finish(conversation, within=5)).ended.signal == signal.SIGKILL
    for how in How:
        await conversation.close(how)
    await conversation.ping()


async def test_twenty_trees_are_killed_at_once(zoo) -> None:
    """I6: a cancel of everything costs no more than the slowest."""
    conversations = await asyncio.gather(*[zoo.ready("sigterm_ignore.py") for _ in range(20)])
    await asyncio.gather(*[conversation.close(How.KILL) for conversation in conversations])
    finished = await asyncio.gather(*[zoo.finish(conversation, within=10) for conversation in conversations])
    assert {one.ended.signal for one in finished} == {signal.SIGKILL}
    assert all(one.ended.certain for one in finished)
    assert zoo.left() == []


async def test_sigterm_reaches_helpers_in_sessions_of_their_own(zoo) -> None:
    """B23, DB8: the whole tree is asked, so that a tool's own clean-up runs too; each process exactly once."""
    helper = "trap 'echo helper; exit' TERM; echo up; while :; do sleep 0.02; done"
    script = f'trap "echo main; wait" TERM; setsid sh -c "{helper}" & wait; wait'
    conversation = await zoo.ready("sh", "-c", script)
    await conversation.close(How.TERM)
    finished = await zoo.finish(conversation, within=5)
    assert sorted(finished.stdout.split()) == [b"helper", b"main"]


async def test_an_agent_that_is_closed_ends_what_was_still_open(zoo) -> None:
    """I7: after an orderly shutdown nothing is left to wait for."""
    conversations = [await zoo.ready("sigterm_ignore.py") for _ in range(3)]
    await zoo.agent.aclose()
    assert zoo.left() == []
    assert [event async for event in conversations[0].events()] == []
