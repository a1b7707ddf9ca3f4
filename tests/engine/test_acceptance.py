"""Work that must be accepted: what passes counts, what does not goes back to the agent, a bounded number of times."""

import sys
from pathlib import Path

import pytest

from taxiway.core.errors import Invalid
from taxiway.core.event import EventType
from taxiway.core.task import Reason, TaskState
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, changed, ended, said

MENDS = {"match": "not accepted", "steps": [{"write": {"file": "{env.MARK}", "text": "mended"}}, {"say": "mended now"}]}


async def phases(handle: object) -> list[str]:
    """The phases that the run log tells of acceptance."""
    told = [event.data.get("phase") async for event in handle.events() if event.type is EventType.STATUS]  # type: ignore[attr-defined]
    return [phase for phase in told if phase in ("accept", "accepted", "not_accepted")]


async def test_a_command_counts_as_completed_when_all_its_checks_pass(bench: Bench, tmp_path: Path) -> None:
    """Surface, "A task's spec": in its folder and environment, one after the other; the output is the work's own."""
    async with bench.open() as tw:
        handle = await tw.submit(
            shell="echo $WHAT > made; echo done",
            env={"WHAT": "it"},
            cwd=str(tmp_path),
            accept=["grep -q it made", [sys.executable, "-c", "import os; assert os.environ['WHAT'] == 'it'"]],
        )
        task = await ended(handle)
        assert (task.state, task.output) == (TaskState.COMPLETED, "done\n")
        assert await phases(handle) == ["accept", "accept", "accepted"]


async def test_a_command_that_is_not_accepted_fails_with_what_the_check_said(bench: Bench) -> None:
    """It is not told anything: it is tried again only where its retries say so; later checks are not run."""
    async with bench.open() as tw:
        handle = await tw.submit(command=["true"], accept=["echo 2 of 7 fail; exit 3", "echo never"])
        task = await ended(handle)
        assert (task.state, task.reason, task.exit_code) == (TaskState.FAILED, Reason.EXIT_CODE, 3)
        assert task.error == "not accepted: 'echo 2 of 7 fail; exit 3' exited with status 3"
        assert task.output == "2 of 7 fail\n"
        assert await phases(handle) == ["accept"]


async def test_what_a_check_said_is_the_next_turn_of_the_same_conversation(bench: Bench, stage: Stage) -> None:
    """the same process goes on, one task, one run, and its usage is that of both turns."""
    script = {"turns": [MENDS], "default": [{"usage": {"input_tokens": 5, "output_tokens": 2}}, {"say": "done"}]}
    mark = str(bench.file("mark"))
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        sent = await box.send("fix it", env={"MARK": mark}, accept=[f"cat {mark}"])
        task = await ended(sent.task)
        assert (task.state, task.output, task.fence) == (TaskState.COMPLETED, "mended now", 1)
        first, second = stage.lines("turn")
        assert (first["text"], first["pid"]) == ("fix it", second["pid"])
        assert "Your work is not accepted yet: `cat" in second["text"]
        assert "No such file" in second["text"] or "It printed nothing" in second["text"]
        assert task.usage is not None
        assert task.usage.input_tokens == 5


async def test_without_a_session_the_task_is_told_again_with_what_the_check_said(bench: Bench, stage: Stage) -> None:
    """There is no conversation to go on with, so the first words come with the new ones, as they are."""
    mark = str(bench.file("mark"))
    async with bench.open(agents={"fake": stage.agent({"turns": [MENDS]})}) as tw:
        parent = await tw.submit(shell="echo '${{ x }}'", template=False, name="parent")
        await ended(parent)
        handle = await tw.submit(prompt="fix it", agent="fake", env={"MARK": mark}, accept=f"cat {mark}")
        assert (await ended(handle)).state == TaskState.COMPLETED
        assert stage.lines("turn")[1]["text"].startswith("fix it\n\nYour work is not accepted yet")


async def test_an_agent_that_never_gets_it_right_gives_up_after_its_rounds(bench: Bench, stage: Stage) -> None:
    """A bounded number of times; the reason is gave_up."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"say": "done"}]})}) as tw:
        box = await tw.session("box", agent="fake")
        sent = await box.send("fix it", accept={"commands": ["exit 1"], "rounds": 2})
        task = await ended(sent.task)
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.GAVE_UP)
        assert task.error == "not accepted after 2 further turns: 'exit 1' exited with status 1"
        assert len(stage.lines("turn")) == 3


async def test_a_cancel_ends_the_check_that_runs(bench: Bench) -> None:
    """B22, I6: it is a process of the run like any other."""
    async with bench.open() as tw:
        handle = await tw.submit(command=["true"], accept=["echo checking; sleep 300"])
        await said(handle, "checking")
        await tw.cancel(handle.id)
        await changed(tw, handle.id, "cancelled")


async def test_the_clock_of_the_task_runs_on_through_its_checks(bench: Bench) -> None:
    """A check has a clock of its own inside it; the total one is the task's."""
    async with bench.open(term_grace_s=0.2) as tw:
        slow = await tw.submit(command=["true"], timeout="1s", accept=["sleep 300"])
        assert (await ended(slow)).reason is Reason.TIMEOUT
        own = await tw.submit(command=["true"], accept={"commands": ["sleep 300"], "timeout": "0.3s"})
        task = await ended(own)
        assert task.error is not None
        assert task.error.startswith("not accepted: 'sleep 300'")


@pytest.mark.parametrize(
    ("accept", "sentence"),
    [
        ([], "is empty"),
        ({"rounds": 1}, "is missing"),
        ({"commands": ["x"], "round": 1}, "did you mean 'rounds'?"),
        ([[""]], "program"),
        ({"commands": ["x"], "rounds": 101}, "must be from 0 to 100"),
    ],
)
async def test_a_mistake_in_accept_is_told_with_its_mend(bench: Bench, accept: object, sentence: str) -> None:
    """Nothing is stored."""
    async with bench.open(slots=0) as tw:
        with pytest.raises(Invalid) as refused:
            await tw.submit(command=["true"], accept=accept)
        assert sentence in "; ".join(map(str, refused.value.problems))


async def test_a_job_has_no_checks(bench: Bench) -> None:
    """A job runs in this process and has no folder."""
    async with bench.open(slots=0) as tw:
        with pytest.raises(Invalid):
            await tw.submit(job="x", accept=["true"])
