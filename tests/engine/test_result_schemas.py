"""Results that are held to a schema, by Taxiway itself: an agent's word is not taken for it."""

from pathlib import Path
from typing import Any

import pytest

from taxiway.core.errors import Invalid
from taxiway.core.task import Reason, TaskState
from taxiway.planfile.reading import read_plan
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, ended

SCHEMA = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}


def answering(result: Any) -> dict[str, Any]:
    """A script whose turn ends with a result, and success."""
    return {"default": [{"usage": {"input_tokens": 7}}, {"done": {"text": "here it is", "result": result}}]}


async def test_a_result_that_follows_its_schema_is_the_task_s_own(bench: Bench, stage: Stage) -> None:
    """Surface, "A task's spec"."""
    async with bench.open(agents={"fake": stage.agent(answering({"ok": True}))}) as tw:
        task = await ended(await tw.submit(prompt="answer", agent="fake", result_schema=SCHEMA))
        assert (task.state, task.result, task.output) == (TaskState.COMPLETED, {"ok": True}, "here it is")


@pytest.mark.parametrize(
    ("result", "why"),
    [({"ok": "yes"}, "at ok: 'yes' is not of type 'boolean'"), (None, ": None is not of type 'object'")],
)
async def test_a_result_that_does_not_makes_the_turn_fail_with_where_and_why(
    bench: Bench, stage: Stage, result: Any, why: str
) -> None:
    """A43: the agent claims success. What it said and consumed stays; a result that is none does not."""
    async with bench.open(agents={"fake": stage.agent(answering(result))}) as tw:
        task = await ended(await tw.submit(prompt="answer", agent="fake", result_schema=SCHEMA))
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.AGENT_ERROR)
        assert task.error == f"its result does not follow its result_schema{'' if why[0] == ':' else ' '}{why}"
        assert (task.result, task.output) == (None, "here it is")
        assert task.usage is not None
        assert task.usage.input_tokens == 7


async def test_a_turn_that_failed_or_was_interrupted_is_not_judged_by_its_result(bench: Bench, stage: Stage) -> None:
    """Its own reason is the truth."""
    script = {"default": [{"fail": {"reason": "gave_up", "error": "too hard"}}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        task = await ended(await tw.submit(prompt="answer", agent="fake", result_schema=SCHEMA))
        assert (task.reason, task.error) == (Reason.GAVE_UP, "too hard")


async def test_a_schema_that_means_nothing_is_refused_before_anything_is_stored(bench: Bench) -> None:
    """Else it would fail every turn, after that was paid for."""
    async with bench.open(slots=0) as tw:
        with pytest.raises(Invalid) as refused:
            await tw.submit(prompt="x", agent="a", result_schema={"properties": {"a": {"type": "objct"}}})
        [problem] = refused.value.problems
        assert problem.field == "result_schema.properties.a.type"
        assert (await tw.tasks()).items == []


def test_a_plan_says_where_a_schema_is_wrong(tmp_path: Path) -> None:
    """With its line; several schemas at once."""
    path = tmp_path / "plan.yaml"
    path.write_text(
        "defaults: {agent: a}\n"
        "tasks:\n"
        "  good: {prompt: x, result_schema: {type: object}}\n"
        "  bad:\n"
        "    prompt: x\n"
        "    result_schema:\n"
        "      type: object\n"
        "      properties:\n"
        "        a: {$ref: 'other.json'}\n"
    )
    with pytest.raises(Invalid) as refused:
        read_plan(path)
    [problem] = refused.value.problems
    assert (problem.line, problem.field) == (9, "tasks.bad.result_schema.properties.a.$ref")
    assert "none is ever fetched" in problem.message
