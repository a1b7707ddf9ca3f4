"""Runner, guardian and fork server die or stop; whatever they cared for is ended, and what is not known is said."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taxiway.agents.protocol import Ended, Go, How


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_killed_runner_leaves_nothing(zoo, runner, eventually, gone) -> None:
    """I7, DB15, fault 4: guardians see the end of the runner and kill at once, no grace; within 2 s, here far less."""
    process, mark = runner("sigterm_ignore.py")
    assert process.stdout.readline() == b"ready\n"
    server = parent_of(mark.guardian_pid)
    process.kill()
    assert eventually(lambda: gone(mark.child_pid) and gone(mark.guardian_pid) and gone(server))
    assert zoo.left() == []


@pytest.mark.parametrize("die_at", ["opened", "sent"])
def test_a_runner_killed_in_the_middle_of_a_start_leaves_nothing(
    zoo, runner, tmp_path: Path, eventually, gone, die_at: str
) -> None:
    """I7, fault 4: between the steps nothing was executed, after the go nothing lives on."""
    _, mark = runner("sh", "-c", f"touch {tmp_path}/made; sleep 60", die_at=die_at)
    assert eventually(lambda: gone(mark.child_pid) and gone(mark.guardian_pid))
    assert zoo.left() == []
    assert die_at != "opened" or not (tmp_path / "made").exists()


def test_runners_killed_at_any_moment_leave_nothing(zoo, runner, eventually, gone) -> None:
    """I7: ten kills spread over start and run."""
    marks = []
    for delay in range(10):
        process, mark = runner("doublefork_hold_stdout.py")
        time.sleep(delay * 0.004)
        process.kill()
        marks.append(mark)
    assert eventually(lambda: all(gone(mark.child_pid) and gone(mark.guardian_pid) for mark in marks))
    assert eventually(lambda: zoo.left() == [])


def test_a_copy_of_the_runners_socket_does_not_keep_the_tree(zoo, runner, eventually, gone) -> None:
    """I7: a process forked by the runner, with all its sockets, outlives it; the guardian watches the runner itself."""
    process, mark = runner("sigterm_ignore.py", die_at="copied")
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    assert eventually(lambda: gone(mark.child_pid) and gone(mark.guardian_pid))


def test_a_stopped_runner_loses_its_tree_when_the_lease_ends(zoo, runner, eventually, gone) -> None:
    """Fault 6, I2: the guardian's own clock ends the work; the runner hears of it when it goes on."""
    process, mark = runner("sigterm_ignore.py", lease_s=0.5)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGSTOP)
    assert eventually(lambda: gone(mark.child_pid), within=3)
    assert eventually(lambda: zoo.left() == [], within=3)
    process.send_signal(signal.SIGCONT)
    last = process.stdout.read().splitlines()[-1]
    assert b'"lease_expired":true' in last
    assert b'"certain":true' in last


def test_runner_and_guardian_stopped_together_end_the_tree_when_they_go_on(zoo, runner, eventually, gone) -> None:
    """Fault 7: at most 2 s after the guardian goes on."""
    process, mark = runner("sigterm_ignore.py", lease_s=0.5)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGSTOP)
    os.kill(mark.guardian_pid, signal.SIGSTOP)
    time.sleep(0.7)
    assert not gone(mark.child_pid)
    os.kill(mark.guardian_pid, signal.SIGCONT)
    assert eventually(lambda: gone(mark.child_pid), within=2)
    process.send_signal(signal.SIGCONT)
    assert process.wait(5) == 0


async def test_pings_keep_a_tree_beyond_its_lease(zoo) -> None:
    """Fault 6: each word from the runner renews the guardian's deadline; silence ends the tree."""
    conversation = await zoo.ready("sigterm_ignore.py", lease_s=1.5)
    for _ in range(10):
        await asyncio.sleep(0.25)
        await conversation.ping()
    assert len(zoo.left()) == 2
    ended = (await zoo.finish(conversation, within=5)).ended
    assert (ended.lease_expired, ended.signal, ended.certain) == (True, signal.SIGKILL, True)


async def test_a_killed_guardian_is_replaced_by_the_fork_server(zoo, tmp_path: Path, eventually, gone) -> None:
    """Fault 5, B38: the child dies by the kernel, hidden daemons by the fork server; the end is lost, but certain."""
    named = tmp_path / "pid"
    conversation = await zoo.ready("env_clean_daemon.py", str(named), "stay")
    assert eventually(named.exists)
    os.kill(conversation.mark.guardian_pid, signal.SIGKILL)
    ended = (await zoo.finish(conversation, within=5)).ended
    assert ended == Ended(lost=True, certain=True)
    assert gone(conversation.mark.child_pid)
    assert gone(int(named.read_text()))
    assert (await zoo.run("echo", "next")).stdout == b"next\n"


async def test_a_killed_guardian_takes_no_other_tree_with_it(zoo) -> None:
    """Fault 5: the fork server tells strays from the trees of living guardians."""
    first, second = await zoo.ready("sigterm_ignore.py"), await zoo.ready("sigterm_ignore.py")
    os.kill(first.mark.guardian_pid, signal.SIGKILL)
    assert (await zoo.finish(first, within=5)).ended.lost
    assert len(zoo.left()) == 2
    await second.close(How.KILL)
    assert (await zoo.finish(second, within=5)).ended == Ended(signal=signal.SIGKILL, leftovers=1)


async def test_a_program_that_kills_its_guardian_does_not_get_away(zoo) -> None:
    """Zoo kill_parent: it dies with the guardian, its hidden helper right after."""
    finished = await zoo.run("kill_parent.py", within=5)
    assert (finished.stdout, finished.ended) == (b"before\n", Ended(lost=True, certain=True))
    assert zoo.left() == []


async def test_a_program_that_stops_its_guardian_does_not_get_away(zoo) -> None:
    """I6: a stopped guardian is woken by the kill."""
    conversation = await zoo.ready("stop_parent.py")
    await conversation.close(How.KILL)
    assert (await zoo.finish(conversation, within=5)).ended == Ended(signal=signal.SIGKILL)


async def test_a_guardian_that_never_answers_is_killed_itself(zoo, monkeypatch) -> None:
    """I6, I14: no wedge: without an end after KILL the guardian is given up, and the fork server finishes."""
    monkeypatch.setattr("taxiway.agents.conversation.STUCK_S_MAX", 0.3)
    monkeypatch.setattr("taxiway.agents.conversation.ProcessConversation._wake_guardian", lambda self: None)
    conversation = await zoo.ready("stop_parent.py")
    await conversation.close(How.KILL)
    assert (await zoo.finish(conversation, within=5)).ended == Ended(lost=True, certain=True)


async def test_a_killed_fork_server_harms_no_run_and_is_replaced(zoo) -> None:
    """I7: running trees keep their guardians; the next launch starts a new fork server."""
    running = await zoo.ready("sigterm_obey.py")
    opened = await zoo.open("echo", "opened before")
    first = zoo.agent._server.pid
    os.kill(first, signal.SIGKILL)
    assert (await zoo.run("echo", "next")).stdout == b"next\n"
    assert zoo.agent._server.pid not in (None, first)
    await opened.send(Go())
    assert (await zoo.finish(opened)).stdout == b"opened before\n"
    await running.close(How.TERM)
    assert (await zoo.finish(running)).ended == Ended(exit_code=0)


async def test_requests_in_the_queue_of_a_dying_fork_server_are_made_again(zoo) -> None:
    """I14: a launch caught by the fork server's death is no failure of the task."""
    await zoo.run("true")
    server = zoo.agent._server.pid
    os.kill(server, signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(zoo.run("echo", str(n))) for n in range(5)]
        await asyncio.sleep(0.2)
        os.kill(server, signal.SIGKILL)
    assert [run.result().stdout for run in runs] == [b"%d\n" % n for n in range(5)]


async def test_guardian_and_fork_server_killed_leave_the_tree_to_the_sweep(zoo) -> None:
    """I7: nobody above is left, the runner itself finds the tree by its tag and says that it is gone."""
    conversation = await zoo.ready("sigterm_ignore.py")
    os.kill(zoo.agent._server.pid, signal.SIGKILL)
    os.kill(conversation.mark.guardian_pid, signal.SIGKILL)
    ended = (await zoo.finish(conversation, within=6)).ended
    assert ended == Ended(lost=True, certain=True)
    assert zoo.left() == []


async def test_dropped_conversations_end_their_trees(zoo, eventually) -> None:
    """I7: shutdown without waiting still leaves nothing."""
    for _ in range(3):
        (await zoo.ready("sigterm_ignore.py")).drop()
    assert eventually(lambda: zoo.left() == [])


def test_a_runner_that_ends_orderly_takes_its_fork_server_along(runner, eventually, gone) -> None:
    """I18: nothing of ours stays behind."""
    process, mark = runner("sh", "-c", "echo ready; sleep 0.3")
    process.stdout.readline()
    server = parent_of(mark.guardian_pid)
    assert process.wait(10) == 0
    assert eventually(lambda: gone(server))


def test_sigterm_to_the_whole_family_is_the_runners_to_handle(zoo, runner, gone, eventually) -> None:
    """Fault 45: a service manager signals everybody; guardians stay until the runner has decided."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(mark.guardian_pid, number)
        os.kill(parent_of(mark.guardian_pid), number)
    time.sleep(0.2)
    assert not gone(mark.guardian_pid)
    process.terminate()
    assert isinstance(process.wait(5), int)
    assert eventually(lambda: gone(mark.guardian_pid))


def test_the_fork_server_loads_nothing_heavy(tmp_path: Path) -> None:
    """I18: a fork server is small: it loads none of the rest of Taxiway."""
    code = (
        "import sys; sys.path.append(sys.argv[1]); import guardian.server, guardian.sweep; "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in "
        "('taxiway', 'msgspec', 'asyncio', 'json', 'threading', 'logging', 'subprocess')))"
    )
    agents = Path(__file__).parents[2] / "src/taxiway/agents"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(agents)], capture_output=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == b"[]"
