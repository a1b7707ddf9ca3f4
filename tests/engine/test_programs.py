"""What a program's end means, and what it is given."""

import sys

import pytest

from taxiway import EventType, Invalid
from tests.engine.conftest import changed, ended, said, story


async def test_exit_0_is_completed_and_its_stdout_is_the_output(tw) -> None:
    """B13, A43: completed means that it ended well; output is the tail of stdout, not of stderr (B10)."""
    handle = await tw.submit(shell="echo out; echo err >&2")
    task = await ended(handle)
    assert (task.state, task.reason, task.exit_code, task.output) == ("completed", None, 0, "out\n")
    assert task.attempt == 1
    assert task.error is None


@pytest.mark.parametrize("status", [1, 2, 127, 255])
async def test_another_exit_status_is_failed_with_that_status(tw, status) -> None:
    """B13: exit_code, with the number."""
    task = await ended(await tw.submit(shell=f"echo last words; exit {status}"))
    assert (task.state, task.reason, task.exit_code, task.signal) == ("failed", "exit_code", status, None)
    assert task.output == "last words\n"
    assert str(status) in task.error


@pytest.mark.parametrize("number", [15, 9, 11, 6])
async def test_a_signal_that_is_not_ours_is_failed_with_that_signal(tw, number) -> None:
    """B16, DA16, DB7: only a kill caused by our timeout is a timeout; one from outside is 'signal', and is retried."""
    task = await ended(await tw.submit(shell=f"kill -{number} $$", retries=1, backoff={"first": 0}))
    assert (task.state, task.reason, task.exit_code, task.signal) == ("failed", "signal", None, number)
    assert task.attempt == 2


async def test_a_program_that_does_not_exist_is_a_spawn_error_and_is_not_retried(tw) -> None:
    """B12, DB18: failed with the system's words; retrying ENOENT is useless, so one attempt is all."""
    handle = await tw.submit(command=["no-such-program-here"], retries=3)
    other = await tw.submit(command=["true"])
    task = await ended(handle)
    assert (task.state, task.reason, task.attempt) == ("failed", "spawn_error", 1)
    assert "no-such-program-here" in task.error
    assert (await ended(other)).state == "completed"


async def test_a_program_without_permission_is_a_spawn_error(tw, bench) -> None:
    """B12: EACCES is told in the system's words."""
    bench.file("plain").write_text("#!/bin/sh\n")
    task = await ended(await tw.submit(command=[str(bench.file("plain"))]))
    assert (task.state, task.reason) == ("failed", "spawn_error")
    assert "ermission" in task.error


async def test_a_folder_that_went_away_is_a_spawn_error(tw, bench) -> None:
    """B12: the cwd is judged when the program starts."""
    gone = bench.file("gone")
    gone.mkdir()
    gate = bench.gate()
    first = await tw.submit(shell=f"{gate.wait}; rmdir '{gone}'")
    second = await tw.submit(command=["true"], cwd=str(gone), after=[first])
    gate.open()
    task = await ended(second)
    assert (task.state, task.reason) == ("failed", "spawn_error")


async def test_stdin_is_empty_unless_it_is_given(tw) -> None:
    """B10: a program that reads meets the end of file at once, or the text."""
    assert (await ended(await tw.submit(command=["cat"]))).output is None
    assert (await ended(await tw.submit(command=["cat"], stdin="a\nb"))).output == "a\nb"


async def test_cwd_and_env_reach_the_program_and_the_runners_secrets_do_not(bench, monkeypatch) -> None:
    """B10, DB19: env is laid over a small allowed part of the runner's environment, never over all of it."""
    monkeypatch.setenv("RUNNERS_OWN_TOKEN", "hidden")
    monkeypatch.setenv("LANG", "C.UTF-8")
    async with bench.open() as tw:
        handle = await tw.submit(shell="pwd; env", cwd=str(bench.folder), env={"MINE": "a b=c"})
        output = (await ended(handle)).output
    lines = output.splitlines()
    assert lines[0] == str(bench.folder)
    assert "MINE=a b=c" in lines
    assert "LANG=C.UTF-8" in lines
    assert "RUNNERS_OWN_TOKEN" not in output
    assert f"TAXIWAY_TASK={handle.id}" in lines
    assert "TAXIWAY_ATTEMPT=1" in lines


async def test_a_start_is_written_before_the_program_can_do_anything(tw, bench) -> None:
    """A26, B11, I7: when the first instruction runs, the store holds the run, its process and its start."""
    gate = bench.gate()
    handle = await tw.submit(shell=f"echo up; {gate.wait}")
    await said(handle, "up")
    task = await handle.get()
    [run] = await handle.runs()
    assert (task.state, run.state) == ("running", "running")
    assert task.started_at is not None
    assert task.run == run.id
    assert run.process is not None
    assert run.started_at >= run.claimed_at >= task.created_at
    gate.open()
    await ended(handle)
    assert await story(tw, handle) == ["queued", "running", "completed"]


async def test_a_dependent_starts_only_when_the_work_before_it_is_done(tw, bench) -> None:
    """DA1, A43: b runs after a has really ended, c after b; each sees what the one before it wrote."""
    log = bench.file("log")
    a = await tw.submit(shell=f"cat '{log}'; echo a >> '{log}'", name="a")
    b = await tw.submit(shell=f"cat '{log}'; echo b >> '{log}'", after=[a])
    c = await tw.submit(shell=f"cat '{log}'", after=[b])
    assert (await ended(c)).output == "a\nb\n"
    assert (await ended(b)).output == "a\n"


async def test_what_a_background_child_writes_after_the_end_of_its_parent_is_not_lost(tw) -> None:
    """DB13: the end of the main process is not the end of its output; the child that stays is ended with the tree."""
    handle = await tw.submit(shell="(trap '' TERM; sleep 0.2; echo late; sleep 100) & echo early")
    task = await ended(handle)
    assert task.state == "completed"
    assert "early" in task.output


async def test_a_tree_that_outlives_its_main_process_is_gone_when_the_run_ends(tw) -> None:
    """DB8, I6: the grandchild in a session of its own does not survive its run (the bench looks for it by its tag)."""
    handle = await tw.submit(shell="setsid sleep 300 & echo done")
    assert (await ended(handle)).state == "completed"


async def test_every_task_shows_its_way_with_actor_and_cause(tw) -> None:
    """B1, A50: queued, running and the end are told in this order, each one once."""
    handle = await tw.submit(command=["true"])
    assert handle.state == "queued"
    await changed(tw, handle.id, "completed")
    assert await story(tw, handle) == ["queued", "running", "completed"]


async def test_a_task_that_is_no_task_is_refused_with_every_fault(tw) -> None:
    """DA8: nothing is stored; the error names each field."""
    with pytest.raises(Invalid) as caught:
        await tw.submit(command=["true"], shell="true", retries=-1, tiemout=3)
    fields = " ".join(problem.field + problem.message for problem in caught.value.problems)
    assert "retries" in fields
    assert "tiemout" in fields
    assert (await tw.tasks()).items == []


async def test_output_of_both_streams_keeps_its_order_within_each_stream(tw) -> None:
    """B10, I4: events are numbered 1, 2, 3 without a gap, from run.started to run.finished."""
    handle = await tw.submit(command=[sys.executable, "-c", "import sys\nfor i in range(300): print(i)\nsys.exit(0)"])
    events = [event async for event in handle.events()]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[0].type is EventType.RUN_STARTED
    assert events[-1].type is EventType.RUN_FINISHED
    text = "".join(event.data["text"] for event in events if event.type is EventType.OUTPUT)
    assert text == "".join(f"{i}\n" for i in range(300))
