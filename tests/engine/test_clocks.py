"""Three clocks, each with its own reason: waiting to start, silence, total; and times that are stored, not held."""

import time

import pytest

from tests.engine.conftest import changed, ended, said, story


async def test_the_total_clock_ends_a_run_as_timeout_and_not_as_a_signal(tw) -> None:
    """B14, B19: failed with 'timeout', not retried although attempts are left."""
    task = await ended(await tw.submit(command=["sleep", "300"], timeout=0.2, retries=3))
    assert (task.state, task.reason, task.attempt) == ("failed", "timeout", 1)
    assert "0.2 s" in task.error


async def test_a_timeout_is_tried_again_where_retry_on_says_so(tw) -> None:
    """B19: configurable."""
    spec = {"timeout": 0.2, "retries": 1, "retry_on": ["timeout"], "backoff": {"first": 0}}
    task = await ended(await tw.submit(command=["sleep", "300"], **spec))
    assert (task.state, task.reason, task.attempt) == ("failed", "timeout", 2)


async def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(tw) -> None:
    """B15, DB4: it never runs to its own end, and the reason stays 'timeout'."""
    handle = await tw.submit(shell="trap '' TERM; echo up; while :; do sleep 0.1; done", timeout=0.3)
    task = await ended(handle)
    assert (task.state, task.reason, task.signal) == ("failed", "timeout", 9)


async def test_a_program_that_ends_well_at_sigterm_is_still_too_late(tw) -> None:
    """B14: what it says after our stop is no completion."""
    task = await ended(await tw.submit(shell="trap 'echo tidy; exit 0' TERM; echo up; sleep 300 & wait", timeout=0.3))
    assert (task.state, task.reason, task.exit_code) == ("failed", "timeout", 0)
    assert task.output == "up\ntidy\n"


async def test_silence_is_stalled(tw) -> None:
    """Decision 6: idle_timeout ends a silent program with a reason of its own, which is retried."""
    spec = {"idle_timeout": 0.2, "retries": 1, "backoff": {"first": 0}}
    task = await ended(await tw.submit(shell="echo up; sleep 300", **spec))
    assert (task.state, task.reason, task.attempt) == ("failed", "stalled", 2)
    assert "0.2 s" in task.error


async def test_a_chatty_program_never_stalls(tw) -> None:
    """Decision 6: each piece of output starts the silence clock anew; it runs longer than that clock in all."""
    chatty = "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.15; done"
    task = await ended(await tw.submit(shell=chatty, idle_timeout=1.2))
    assert task.state == "completed"


async def test_the_total_clock_starts_at_execution_and_not_at_submission(bench) -> None:
    """Decision 6, surface 3: a task that waits longer than its timeout for a slot still has all of it."""
    gate = bench.gate()
    async with bench.open(slots=1) as tw:
        first = await tw.submit(shell=f"echo up; {gate.wait}")
        await said(first, "up")
        second = await tw.submit(command=["true"], timeout=0.5)
        await changed(tw, second.id, "queued")
        third = await tw.submit(command=["true"], delay=0.7)  # proves that 0.7 s have passed
        await changed(tw, third.id, "queued", after=(await second.get()).version)
        gate.open()
        assert (await ended(second)).state == "completed"


async def test_what_cannot_start_in_time_expires(bench) -> None:
    """Decision 6: expires is the latest start, counted from submission; what depends on it falls with it."""
    gate = bench.gate()
    async with bench.open(slots=1) as tw:
        first = await tw.submit(shell=f"echo up; {gate.wait}")
        await said(first, "up")
        late = await tw.submit(command=["true"], expires=0.2)
        after = await tw.submit(command=["true"], after=[late])
        task = await ended(late)
        assert (task.state, task.reason, task.attempt) == ("cancelled", "expired", 0)
        assert (await ended(after)).reason == "dependency_failed"
        gate.open()
        assert (await ended(first)).state == "completed"


async def test_what_has_started_does_not_expire(tw, bench) -> None:
    """Expires bounds the start, not the run, and not the next attempt."""
    marker = bench.file("once")
    shell = f"[ -e '{marker}' ] && exit 0; touch '{marker}'; sleep 3.1; exit 1"
    task = await ended(await tw.submit(shell=shell, expires=3, retries=1, backoff={"first": 0.1}))
    assert (task.state, task.attempt) == ("completed", 2)


async def test_a_delayed_task_starts_at_its_time_and_not_before(tw) -> None:
    """Delay counts from submission; the state tells: scheduled/delay, then queued."""
    began = time.monotonic()
    handle = await tw.submit(command=["true"], delay=0.4)
    assert handle.state == "scheduled"
    await ended(handle)
    assert time.monotonic() - began >= 0.39
    assert await story(tw, handle) == ["scheduled/delay", "queued", "running", "completed"]


async def test_a_delay_that_passed_while_nobody_ran_is_over_at_the_next_start(bench) -> None:
    """DB16, I20: times are stored; nothing is forgotten with the process."""
    async with bench.open(slots=0) as tw:
        handle = await tw.submit(command=["true"], delay=0.05)
    async with bench.open() as tw:
        assert (await tw.wait(handle.id, 20)).state == "completed"


@pytest.mark.parametrize("field", ["timeout", "idle_timeout", "expires"])
async def test_a_clock_of_nothing_is_refused(tw, field) -> None:
    """DB5, decision 11: a limit of 0 would freeze or end everything; it is never taken for 'no limit'."""
    with pytest.raises(Exception, match=field):
        await tw.submit(command=["true"], **{field: 0})
