"""Another process of the host settles what a dead runner left, and lists what nobody claims."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from taxiway.agents.certainty import certainty
from taxiway.agents.protocol import CertaintyLevel, Ended, How
from taxiway.agents.settle import orphans, settle_tree, settle_trees


def test_a_dead_runners_trees_are_settled_for_certain(zoo, runner, gone) -> None:
    """I7, B38, DB8: asked, waited for, confirmed, within 2 s for all of them together."""
    marks = []
    for _ in range(4):
        process, mark = runner("sigterm_ignore.py")
        process.stdout.readline()
        process.kill()
        marks.append(mark)
    began = time.monotonic()
    settled = settle_trees(marks)
    assert time.monotonic() - began < 2
    assert all(settled[mark.tag].certain for mark in marks)
    assert all(gone(mark.child_pid) and gone(mark.guardian_pid) for mark in marks)
    assert zoo.left() == []


def test_a_stopped_runner_and_a_stopped_guardian_are_no_shelter(zoo, runner, gone) -> None:
    """Fault 7: who settles wakes the guardian and has it kill, without the runner."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    os.kill(mark.guardian_pid, signal.SIGSTOP)
    settled = settle_tree(mark)
    assert (settled.certain, settled.level) == (True, CertaintyLevel.GUARDIAN)
    assert settled.why == "its guardian ended it"
    assert gone(mark.child_pid)
    assert zoo.left() == []
    process.send_signal(signal.SIGCONT)
    assert b'"signal":9' in process.stdout.read()


def test_a_tree_without_guardian_and_fork_server_is_found_by_its_tag(zoo, runner, eventually, gone) -> None:
    """Fault 5, I7: runner, fork server and guardian killed at once; the helper in its own session is swept."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    with open(f"/proc/{mark.guardian_pid}/stat") as stat:
        server = int(stat.read().rpartition(")")[2].split()[1])
    os.kill(server, signal.SIGSTOP)
    os.kill(mark.guardian_pid, signal.SIGSTOP)
    process.kill()
    os.kill(server, signal.SIGKILL)
    os.kill(mark.guardian_pid, signal.SIGKILL)
    process.wait()
    assert eventually(lambda: gone(mark.guardian_pid))
    settled = settle_tree(mark)
    assert (settled.certain, settled.level) == (True, CertaintyLevel.SWEEP)
    assert gone(mark.child_pid)
    assert zoo.left() == []


def test_a_recycled_pid_is_never_mistaken_for_ours(zoo, runner) -> None:
    """I7: same pid, other start time: a stranger, left alone; the mark's own process is long gone."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    stranger = msgspec.structs.replace(
        mark, tag="test-other", guardian_start=mark.guardian_start - 1, child_start=mark.child_start - 1
    )
    settled = settle_tree(stranger)
    assert (settled.certain, settled.killed) == (True, 0)
    assert len(zoo.left()) == 2
    process.kill()


def test_after_a_reboot_nothing_can_be_left(zoo, runner) -> None:
    """Fault 54: another boot id settles at once, whatever the pids are now."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    settled = settle_tree(msgspec.structs.replace(mark, boot_id="earlier"))
    assert (settled.certain, settled.why) == (True, "the host has booted since")
    assert len(zoo.left()) == 2
    process.kill()


def test_pids_of_another_namespace_are_not_judged(zoo, runner) -> None:
    """I7: what a container's pids mean can be told only inside it."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    assert not settle_tree(msgspec.structs.replace(mark, pid_namespace=1)).certain
    assert len(zoo.left()) == 2
    process.kill()


def test_orphans_are_listed_until_somebody_claims_them(zoo, runner, eventually) -> None:
    """I7: everything with a tag that is not among the live ones, with its command; nothing else."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    found = orphans(live_tags=(), prefix=mark.tag)
    assert {(orphan.tag, orphan.pid == mark.child_pid) for orphan in found} == {(mark.tag, True), (mark.tag, False)}
    assert all("sigterm_ignore.py" in orphan.command for orphan in found)
    assert orphans(live_tags={mark.tag}, prefix=mark.tag) == []
    assert orphans(live_tags=(), prefix="nobody") == []
    process.kill()
    assert eventually(lambda: orphans(live_tags=(), prefix=mark.tag) == [])


async def test_a_guardian_that_keeps_another_tree_by_now_is_left_alone(zoo) -> None:
    """I6: guardians take one tree after another; settling an old mark must not end a new one."""
    old = (await zoo.run("true")).mark
    for _ in range(50):  # a guardian that has not reported back in time is passed over for a new one
        current = await zoo.ready("sigterm_obey.py")
        if current.mark.guardian_pid == old.guardian_pid:
            break
        await current.close(How.KILL)
        await zoo.finish(current)
    else:
        pytest.fail("no guardian ever took a second tree")
    settled = await asyncio.to_thread(settle_tree, old)
    assert (settled.certain, settled.killed) == (True, 0)
    await current.close(How.TERM)
    assert (await zoo.finish(current)).ended == Ended(exit_code=0)


@pytest.fixture
def freezer() -> Iterator[Callable[[str], None]]:
    """A group of processes that can be frozen: then not even SIGKILL ends them, as in uninterruptible sleep."""
    group = Path("/sys/fs/cgroup/freezer/taxiway-test")
    try:
        group.mkdir()
    except OSError:
        pytest.skip("needs a writable version 1 freezer hierarchy: nothing else makes a process unkillable on demand")

    def write(text: str) -> None:
        (group / ("cgroup.procs" if text.isdigit() else "freezer.state")).write_text(text)

    yield write
    write("THAWED")
    until = time.monotonic() + 5
    while (group / "cgroup.procs").read_text() and time.monotonic() < until:
        time.sleep(0.01)
    group.rmdir()


async def test_what_cannot_be_killed_is_told_as_uncertain_until_it_is_gone(zoo, freezer, eventually, gone) -> None:
    """I6, DB12: no false "stopped": the end is not certain, settling says so too, the guardian stays until it is."""
    conversation = await zoo.ready("sigterm_ignore.py")
    mark = conversation.mark
    freezer(str(mark.child_pid))
    freezer("FROZEN")
    began = time.monotonic()
    await conversation.close(How.KILL)
    ended = (await zoo.finish(conversation, within=10)).ended
    assert 4.5 < time.monotonic() - began < 9
    assert ended == Ended(certain=False, leftovers=ended.leftovers, output_truncated=True)
    assert not gone(mark.guardian_pid)
    assert zoo.left() != []
    freezer("THAWED")
    assert eventually(lambda: gone(mark.child_pid) and gone(mark.guardian_pid), within=3)
    settled = await asyncio.to_thread(settle_tree, mark)
    assert settled.certain


def test_settling_what_cannot_be_killed_takes_its_time_and_says_so(zoo, runner, freezer, gone) -> None:
    """I7: bounded, honest; a later look is certain."""
    process, mark = runner("sigterm_ignore.py")
    process.stdout.readline()
    freezer(str(mark.child_pid))
    freezer("FROZEN")
    process.kill()
    began = time.monotonic()
    settled = settle_tree(mark)
    assert time.monotonic() - began < 5
    assert (settled.certain, settled.level) == (False, CertaintyLevel.NONE)
    freezer("THAWED")
    assert settle_tree(mark).certain
    assert zoo.left() == []


def test_the_level_of_certainty_here_is_the_guardians() -> None:
    """I6: what `taxiway doctor` says is what these tests rely on."""
    assert certainty().level is CertaintyLevel.GUARDIAN
