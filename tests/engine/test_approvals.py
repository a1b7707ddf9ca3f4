"""An agent asks for a permission: its run waits without slots, a person answers, and the turn goes on.

Semantics, "Waiting for a person".
"""

import asyncio
from typing import Any

import pytest

import taxiway
from taxiway.app import Taxiway
from taxiway.core.approval import TEXT_CHARS_MAX, Approval, ApprovalPolicy, ApprovalState, Rule
from taxiway.core.errors import NotPending, TooLarge
from taxiway.core.event import EventType
from taxiway.core.readiness import ObstacleKind
from taxiway.core.task import Reason, TaskState
from tests.engine.acting import DEADLINE_S, Stage, lives
from tests.engine.conftest import Bench, changed, ended, story

ASKING: dict[str, Any] = {
    "turns": [
        {
            "match": "^ask",
            "steps": [{"ask": {"text": "May I?", "tool": "rm", "input": {"path": "a"}}}, {"say": "{answer} {why}"}],
        }
    ],
    "default": [{"say": "{text}"}],
}
TWICE: dict[str, Any] = {
    "default": [
        {"ask": {"text": "One?", "id": "a", "waits": False}},
        {"ask": {"text": "Two?", "id": "b"}},
        {"ask": {"text": "Three?", "id": "c"}},
        {"say": "c {answer}"},
    ]
}


async def asked(tw: Taxiway, count: int = 1) -> list[Approval]:
    """Wait until so many questions are pending."""
    async with asyncio.timeout(DEADLINE_S):
        while len(found := (await tw.approvals()).items) < count:
            await asyncio.sleep(0.01)
    return found


async def test_an_allowed_question_lets_the_same_turn_go_on(bench: Bench, stage: Stage) -> None:
    """Semantics: one process, one turn; request, decision and effect are in the log; explain says what it waits for."""
    async with bench.open(agents={"fake": stage.agent(ASKING)}) as tw:
        handle = await tw.submit(prompt="ask", agent="fake", access="write")
        (question,) = await asked(tw)
        assert (question.task, question.text, question.tool, question.input) == (
            handle.id,
            "May I?",
            "rm",
            {"path": "a"},
        )
        (obstacle,) = await tw.explain(handle.id)
        assert (obstacle.kind, obstacle.holders) == (ObstacleKind.APPROVAL, (question.id,))
        decided = await tw.allow(question.id[-6:], "be careful")
        assert (decided.state, decided.actor, decided.why) == (ApprovalState.ALLOWED, "tester", "be careful")
        task = await ended(handle)
        assert (task.state, task.output, task.attempt) == (TaskState.COMPLETED, "allowed be careful", 1)
        assert await story(tw, handle) == ["queued", "running", "waiting/approval", "running", "completed"]
        kinds = [event.type async for event in handle.events()]
        assert kinds.count(EventType.APPROVAL_REQUESTED) == kinds.count(EventType.APPROVAL_DECIDED) == 1
        assert len(stage.pids()) == 1


async def test_a_denied_question_is_told_to_the_agent_with_its_reason(bench: Bench, stage: Stage) -> None:
    """Semantics: a denial ends no run; what the agent makes of it is its own affair."""
    async with bench.open(agents={"fake": stage.agent(ASKING)}) as tw:
        handle = await tw.submit(prompt="ask", agent="fake")
        (question,) = await asked(tw)
        await tw.deny(question.id, "too risky")
        assert (await ended(handle)).output == "denied too risky"
        with pytest.raises(NotPending, match="was denied by 'tester' already"):
            await tw.allow(question.id)


async def test_a_run_that_waits_leaves_its_slots_to_others(bench: Bench, stage: Stage) -> None:
    """Semantics: of the lane, and of its runner too; with the answer it goes ahead of what has not started."""
    async with bench.open(slots=1, main_size=1, agents={"fake": stage.agent(ASKING)}) as tw:
        waiting = await tw.submit(prompt="ask", agent="fake")
        (question,) = await asked(tw)
        assert (await ended(await tw.submit(command=["true"]))).state is TaskState.COMPLETED
        gate = bench.gate()
        busy = await tw.submit(shell=gate.wait)
        await changed(tw, busy.id, "running")
        later = await tw.submit(command=["true"], priority=100)
        await tw.allow(question.id)
        assert {obstacle.kind for obstacle in await tw.explain(waiting.id)} == {
            ObstacleKind.APPROVAL,
            ObstacleKind.LANE_FULL,
        }
        gate.open()
        for handle in (busy, waiting, later):
            assert (await ended(handle)).state is TaskState.COMPLETED
        changes = [change.id for change in await tw.store.changes(0, 1000) if change.state == "completed"]
        assert changes.index(waiting.id) < changes.index(later.id)


async def test_questions_that_are_open_together_are_answered_together(bench: Bench, stage: Stage) -> None:
    """Semantics: it waits as long as one is open; the next question parks it again."""
    async with bench.open(agents={"fake": stage.agent(TWICE)}) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        first, second = await asked(tw, 2)
        await tw.allow(second.id)
        assert stage.lines("answer") == []
        await tw.deny(first.id)
        await stage.heard("answer", 2)
        (third,) = await asked(tw)
        await tw.allow(third.id)
        assert (await ended(handle)).output == "c allowed"
        assert [(line["id"], line["allow"]) for line in stage.lines("answer")] == [
            ("a", False),
            ("b", True),
            ("c", True),
        ]


@pytest.mark.parametrize(
    ("access", "policy", "said", "state"),
    [
        ("analysis", ApprovalPolicy(), "denied the policy for its access says so", ApprovalState.DENIED),
        ("write", ApprovalPolicy(write=Rule.ALLOW), "allowed the policy for its access says so", ApprovalState.ALLOWED),
        ("auto", ApprovalPolicy(auto=Rule.DENY), "denied the policy for its access says so", ApprovalState.DENIED),
    ],
)
async def test_the_policy_of_an_access_answers_at_once(
    bench: Bench, stage: Stage, access: str, policy: ApprovalPolicy, said: str, state: ApprovalState
) -> None:
    """Decision "approvals": who may only read is denied what is more, unless the configuration says otherwise."""
    async with bench.open(agents={"fake": stage.agent(ASKING)}, approvals=policy) as tw:
        handle = await tw.submit(prompt="ask", agent="fake", access=access)
        assert (await ended(handle)).output == said
        assert "waiting/approval" not in await story(tw, handle)
        (kept,) = (await tw.approvals(state="all", task=handle.id)).items
        assert (kept.state, kept.actor) == (state, "policy")


async def test_a_question_that_nobody_answers_expires(bench: Bench, stage: Stage) -> None:
    """Decision "approvals": silence is no consent; the agent hears a denial."""
    policy = ApprovalPolicy(expires_s=0.2)
    async with bench.open(agents={"fake": stage.agent(ASKING)}, approvals=policy) as tw:
        handle = await tw.submit(prompt="ask", agent="fake")
        assert (await ended(handle)).output == "denied nobody answered in time"
        (kept,) = (await tw.approvals(state="expired")).items
        with pytest.raises(NotPending, match="has expired"):
            await tw.allow(kept.id)


async def test_both_clocks_stand_still_while_it_waits_and_go_on_after(bench: Bench, stage: Stage) -> None:
    """Semantics: neither the total clock nor that of silence counts a person's time."""
    script = {"default": [{"ask": "May I?"}, {"sleep": 60}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        handles = [
            await tw.submit(prompt="go", agent="fake", timeout=1.0),
            await tw.submit(prompt="go", agent="fake", idle_timeout=1.0),
        ]
        questions = await asked(tw, 2)
        await asyncio.sleep(1.5)
        assert [(await handle.get()).state for handle in handles] == [TaskState.WAITING] * 2
        for question in questions:
            await tw.allow(question.id)
        reasons = [(await ended(handle)).reason for handle in handles]
        assert reasons == [Reason.TIMEOUT, Reason.STALLED]


async def test_a_withdrawn_question_is_void_and_the_turn_goes_on(bench: Bench, stage: Stage) -> None:
    """Semantics: nobody needs to answer; its run takes its slots again."""
    script = {"default": [{"ask": {"text": "?", "waits": False}}, {"sleep": 0.3}, "withdraw", {"sleep": 0.3}]}
    script["default"].append({"say": "done"})
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        assert (await ended(handle)).output == "done"
        (kept,) = (await tw.approvals(state="all")).items
        assert (kept.state, kept.why) == (ApprovalState.VOID, "its agent has withdrawn it")
        assert await story(tw, handle) == ["queued", "running", "waiting/approval", "running", "completed"]


@pytest.mark.parametrize("deaf", [False, True])
async def test_a_cancel_reaches_a_turn_that_waits(bench: Bench, stage: Stage, deaf: bool) -> None:
    """I15, B22: it is interrupted, or ended when it does not hear; who answers then is told."""
    script = {"interrupts": not deaf, **ASKING}
    async with bench.open(agents={"fake": stage.agent(script)}, ask_grace_s=0.3) as tw:
        handle = await tw.submit(prompt="ask", agent="fake")
        (question,) = await asked(tw)
        await handle.cancel()
        with pytest.raises(NotPending, match="is void"):
            await tw.allow(question.id)
        task = await ended(handle)
        assert (task.state, task.reason) == (TaskState.CANCELLED, Reason.REQUESTED)
        assert not lives(stage.pids()[0])


async def test_a_session_that_is_interrupted_keeps_its_process_and_voids_its_question(
    bench: Bench, stage: Stage
) -> None:
    """Semantics: a question is void with its turn; the conversation goes on, and a late answer reaches nobody."""
    async with bench.open(agents={"fake": stage.agent(ASKING)}) as tw:
        box = await tw.session("box", agent="fake")
        sent = await box.send("ask")
        (question,) = await asked(tw)
        await box.stop()
        assert (await ended(sent.task)).reason is Reason.REQUESTED
        assert (await ended((await box.send("hello")).task)).output == "hello"
        assert (await tw.approval(question.id)).state is ApprovalState.VOID
        assert len(stage.pids()) == 1
        assert stage.lines("answer") == []


async def test_an_agent_that_dies_while_it_waits_voids_its_question(bench: Bench, stage: Stage) -> None:
    """Semantics: asked again only if the resumed agent asks again."""
    script = {"default": [{"ask": {"text": "?", "waits": False}}, {"sleep": 0.3}, {"crash": "SIGKILL"}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        assert (await ended(handle)).reason is Reason.AGENT_ERROR
        (kept,) = (await tw.approvals(state="all")).items
        assert (kept.state, kept.why) == (ApprovalState.VOID, "its run has ended")


async def test_an_agent_that_ends_its_turn_over_an_open_question_has_ended_it(bench: Bench, stage: Stage) -> None:
    """I14: nobody is waited for any more."""
    script = {"default": [{"ask": {"text": "?", "waits": False}}, {"done": "never mind"}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        assert (await ended(handle)).output == "never mind"
        assert [one.state for one in (await tw.approvals(state="all")).items] == [ApprovalState.VOID]


async def test_a_drain_takes_a_run_that_waits_back_to_its_queue(bench: Bench, stage: Stage) -> None:
    """Semantics, "Processes": no attempt is counted; with the next runner the agent asks anew."""
    agents = {"fake": stage.agent(ASKING)}
    async with bench.open(agents=agents) as tw:
        handle = await tw.submit(prompt="ask", agent="fake", session="box")
        (first,) = await asked(tw)
    async with bench.open(agents=agents) as tw:
        (second,) = await asked(tw)
        assert second.id != first.id
        assert (await tw.approval(first.id)).state is ApprovalState.VOID
        await tw.allow(second.id)
        task = await tw.wait(handle.id, DEADLINE_S)
        assert (task.output, task.attempt) == ("allowed ", 1)


async def test_who_finishes_waits_for_those_that_wait(bench: Bench, stage: Stage) -> None:
    """SQ-81: nothing new starts, and what runs comes to its own end with its answer."""
    async with bench.open(agents={"fake": stage.agent(ASKING)}) as tw:
        handle = await tw.submit(prompt="ask", agent="fake")
        (question,) = await asked(tw)
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            group.create_task(tw.drain())
            await asyncio.sleep(0.1)
            await tw.allow(question.id)
        assert (await handle.get()).output == "allowed "


async def test_more_than_a_runner_has_processes_for_wait_in_turn(bench: Bench, stage: Stage) -> None:
    """I18: each that waits keeps a process, so not all of them give their slot of the runner away; all come through."""
    async with bench.open(slots=1, agents={"fake": stage.agent(ASKING)}) as tw:
        handles = [await tw.submit(prompt="ask", agent="fake") for _ in range(4)]
        await asked(tw, 2)
        await asyncio.sleep(0.3)
        assert len((await tw.approvals()).items) == 2
        for _ in handles:
            (question, *_) = await asked(tw)
            await tw.allow(question.id)
        assert [(await ended(handle)).output for handle in handles] == ["allowed "] * 4


async def test_what_an_agent_asks_is_scrubbed_and_bounded(bench: Bench, stage: Stage) -> None:
    """I11, I18: secrets do not reach the person's list, nor do megabytes; halves of characters become whole ones."""
    big = {"ask": {"text": "use hunter2? " + "x" * 10_000, "input": {"key": "hunter2", "much": "y" * 100_000}}}
    async with bench.open(
        agents={"fake": stage.agent({"default": [big, {"say": "ok"}]})}, secrets={"PASS": "hunter2"}
    ) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        (question,) = await asked(tw)
        assert question.text.startswith("use ")
        assert len(question.text) == TEXT_CHARS_MAX
        assert "hunter2" not in f"{question.text}{question.input}"
        assert set(question.input) == {"truncated"}
        with pytest.raises(TooLarge):
            await tw.deny(question.id, "x" * (TEXT_CHARS_MAX + 1))
        await tw.deny(question.id, "not hunter2")
        assert "hunter2" not in ((await ended(handle)).output or "")
        assert "hunter2" not in ((await tw.approval(question.id)).why or "")


def test_a_program_without_an_event_loop_answers_too(bench: Bench, stage: Stage) -> None:
    """The same verbs without await."""
    with taxiway.open_sync(bench.path, agents={"fake": stage.agent(ASKING)}) as tw:
        handle = tw.submit(prompt="ask", agent="fake")
        while not (found := tw.approvals().items):
            pass
        tw.allow(found[0].id)
        assert handle.wait(DEADLINE_S).output == "allowed "


async def test_a_question_in_words_waits_for_input_and_the_words_reach_the_agent(bench: Bench, stage: Stage) -> None:
    """Surface 3: ``waiting/input``; a yes is refused with what would work, and the agent gets the answer."""
    script = {"default": [{"ask": {"text": "Which colour?", "words": True}}, {"say": "{answer}: {why}"}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        task = await tw.submit(prompt="go", agent="fake")
        await changed(tw, task.id, "waiting/input")
        [asked] = (await tw.approvals()).items
        assert (asked.text, asked.words) == ("Which colour?", True)
        with pytest.raises(taxiway.Invalid, match="wants an answer in words"):
            await tw.allow(asked.id)
        await tw.allow(asked.id, "blue")
        assert (await ended(task)).output == "allowed: blue"
