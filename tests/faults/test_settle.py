"""Another process of the host settles what a dead runner left, and lists what nobody claims."""

import os
import signal
import time

import msgspec

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
    assert (settled.certain, settled.why) == (True, "its guardian ended it")
    assert gone(mark.child_pid)
    assert zoo.left() == []
    process.send_signal(signal.SIGCONT)
    assert b'"signal":9' in process.stdout.read()


def test_a_tree_without_guardian_and_fork_server_is_found_by_its_tag(zoo, runner, gone) -> None:
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
    settled = settle_tree(mark)
    assert settled.certain
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
    found = orphans(live_tags=(), prefix="test-")
    assert {(orphan.tag, orphan.pid == mark.child_pid) for orphan in found} == {(mark.tag, True), (mark.tag, False)}
    assert all("sigterm_ignore.py" in orphan.command for orphan in found)
    assert orphans(live_tags={mark.tag}, prefix="test-") == []
    assert orphans(live_tags=(), prefix="nobody") == []
    process.kill()
    assert eventually(lambda: orphans(live_tags=(), prefix="test-") == [])
