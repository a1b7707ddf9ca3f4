"""Another attempt after a failure: how many, how long between them, and what survives a restart."""

from itertools import pairwise

import pytest

import taxiway
from tests.engine.conftest import changed, ended, story


def third_time_lucky(folder) -> str:
    """Shell text that fails twice."""
    return f"echo x >> '{folder}/tries'; [ $(wc -l < '{folder}/tries') -ge 3 ] || exit 7"


async def test_a_failure_is_tried_again_until_it_succeeds(tw, bench) -> None:
    """B17, B20: total attempts are retries + 1; id, creation and priority stay, each attempt is kept as a run."""
    handle = await tw.submit(shell=third_time_lucky(bench.folder), retries=5, priority=3, backoff={"first": 0})
    task = await ended(handle)
    assert (task.state, task.attempt, task.exit_code) == ("completed", 3, 0)
    runs = await handle.runs()
    assert [(run.attempt, run.fence, run.outcome, run.exit_code) for run in runs] == [
        (1, 1, "failed", 7),
        (2, 2, "failed", 7),
        (3, 3, "completed", 0),
    ]
    assert await story(tw, handle) == [
        *["queued", "running", "scheduled/backoff"],
        *["queued", "running", "scheduled/backoff"],
        *["queued", "running", "completed"],
    ]


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_as_many_attempts_as_asked_and_no_more(tw, retries) -> None:
    """B18, DB5: retries 0 means one attempt."""
    handle = await tw.submit(command=["false"], retries=retries, backoff={"first": 0})
    task = await ended(handle)
    assert (task.state, task.attempt, len(await handle.runs())) == ("failed", retries + 1, retries + 1)


async def test_retry_on_replaces_the_set_of_failures(tw) -> None:
    """Semantics, Counters: what is not named is not tried again."""
    spec = {"retries": 3, "backoff": {"first": 0}, "retry_on": ["signal"]}
    assert (await ended(await tw.submit(command=["false"], **spec))).attempt == 1
    assert (await ended(await tw.submit(shell="kill -9 $$", **spec))).attempt == 4


async def test_backoff_grows_is_capped_and_is_jittered(tw) -> None:
    """B17, DB6: seconds everywhere; first * factor ** n, at most max, give or take jitter."""
    backoff = {"first": 0.1, "factor": 2, "max": 0.25, "jitter": 0.2}
    handle = await tw.submit(command=["false"], retries=3, backoff=backoff)
    await ended(handle)
    runs = await handle.runs()
    waits = [after.claimed_at - before.ended_at for before, after in pairwise(runs)]
    for wait, nominal in zip(waits, (100, 200, 250), strict=True):
        assert wait >= nominal * 0.8 - 2, waits


async def test_a_backoff_survives_the_end_of_the_process(bench) -> None:
    """B37, DB16: neither forgotten nor cut short by a restart."""
    async with bench.open() as tw:
        handle = await tw.submit(command=["false"], retries=1, backoff={"first": 1.0, "jitter": 0})
        await changed(tw, handle.id, "scheduled/backoff")
        due_at = (await handle.get()).due_at
    async with bench.open() as tw:
        task = await tw.task(handle.id)
        assert (task.state, task.reason, task.due_at, task.attempt) == ("scheduled", "backoff", due_at, 1)
        assert (await tw.wait(handle.id, 20)).attempt == 2
        runs = await tw.runs(handle.id)
    assert runs[1].claimed_at >= due_at


async def test_a_retry_keeps_its_place_before_what_was_submitted_later(bench) -> None:
    """B7, semantics: order is priority, position, submission; a retry goes before later equals."""
    log = bench.file("log")
    async with bench.open(slots=1) as tw:
        await tw.move_queue("default", "pause")
        flaky = f"echo flaky >> '{log}'; [ $(grep -c flaky '{log}') -ge 2 ]"
        first = await tw.submit(shell=flaky, retries=1, backoff={"first": 0, "jitter": 0}, priority=1)
        later = [await tw.submit(shell=f"echo {name} >> '{log}'") for name in "ab"]
        await tw.move_queue("default", "resume")
        for handle in (first, *later):
            await ended(handle)
    lines = log.read_text().split()
    assert lines[0] == "flaky"
    assert lines.index("b") > lines.index("a")
    assert lines.count("flaky") == 2


async def test_a_failed_task_is_retried_by_hand_as_a_new_one(tw, bench) -> None:
    """I12, semantics: terminal tasks never change; their successors carry retry_of, with everything that fell."""
    fixed = bench.file("fixed")
    a = await tw.submit(shell=f"[ -e '{fixed}' ]")
    b = await tw.submit(command=["true"], after=[a])
    assert (await ended(b)).reason == "dependency_failed"
    fixed.touch()
    made = await a.retry()
    assert [(await ended(handle)).state for handle in made] == ["completed", "completed"]
    assert [(await handle.get()).retry_of for handle in made] == [a.id, b.id]
    assert (await a.get()).state == "failed"


async def test_a_completed_task_is_not_retried(tw) -> None:
    """I12: there is nothing to try again."""
    handle = await tw.submit(command=["true"])
    await ended(handle)
    with pytest.raises(taxiway.Conflict):
        await handle.retry()


async def test_a_retry_that_waits_does_not_hold_a_slot(bench) -> None:
    """B9, I3: while one backs off, its slot works for others."""
    async with bench.open(slots=1) as tw:
        flaky = await tw.submit(command=["false"], retries=1, backoff={"first": 300, "max": 300})
        await changed(tw, flaky.id, "scheduled/backoff")
        assert (await ended(await tw.submit(command=["true"]))).state == "completed"
        await flaky.cancel()
