"""One turn of an agent: what it is told, what is kept of what it says, and what its end means."""

from typing import Any

import msgspec
import pytest

from taxiway.core.agent import Adapter
from taxiway.core.event import EventType
from taxiway.core.task import Reason, TaskState, Usage
from tests.engine.acting import Stage, gone, lives
from tests.engine.conftest import Bench, changed, ended


async def events(handle: Any, type: EventType) -> list[dict[str, Any]]:
    """What the run log of a task holds of one type."""
    return [event.data async for event in handle.events() if event.type is type]


async def test_a_prompt_without_a_session_has_a_process_of_its_own_that_is_gone_with_its_run(
    bench: Bench, stage: Stage
) -> None:
    """Semantics, "Processes": a run-owned tree is dead before its run ends; completed is the agent's word (A43)."""
    script = {"default": [{"say": "in {env.TAXIWAY_TASK}"}, {"done": {"text": "I heard {text}", "result": {"n": 1}}}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        handle = await tw.submit(prompt="hello", agent="fake")
        task = await ended(handle)
        assert (task.state, task.output, task.result) == (TaskState.COMPLETED, "I heard hello", {"n": 1})
        assert not lives(stage.pids()[0])
        assert await events(handle, EventType.MESSAGE) == [{"text": f"in {task.id}"}]
        assert await tw.store.warm_processes() == []


async def test_the_turns_of_a_session_are_taken_by_one_process(bench: Bench, stage: Stage) -> None:
    """A31, A33, DA3: one conversation, one process, one turn at a time; its environment names no run."""
    script = {"default": [{"say": "{turn}: {text} ({env.TAXIWAY_TASK})"}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        sent = [await box.send(f"message {number}") for number in range(3)]
        outputs = [(await ended(one.task)).output for one in sent]
        assert outputs == ["1: message 0 ()", "2: message 1 ()", "3: message 2 ()"]
        assert len(stage.pids()) == 1
        [kept] = await tw.store.warm_processes()
        assert kept.session == box.id
        assert [line["warm"] for line in await events(sent[2].task, EventType.STATUS)] == [True]
        assert (await box.get()).thread == stage.lines("start")[0]["thread"]


async def test_messages_that_became_one_turn_are_told_apart_in_its_text(bench: Bench, stage: Stage) -> None:
    """OC-03: a header, and each message with its number; a dropped one leaves its line first (OC-05)."""
    script = {"turns": [{"match": "^first", "steps": [{"sleep": 0.5}]}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        mailbox = {"mode": "collect", "cap": 2, "drop": "summarize"}
        box = await tw.session("box", agent="fake", mailbox=mailbox)
        await box.send("first")
        await stage.heard("turn")
        sent = [await box.send(text) for text in ("one", "two", "three")]
        await ended(sent[-1].task)
        text = stage.lines("turn")[-1]["text"]
        assert text.startswith("[Queue overflow] Dropped 1 messages due to cap.\n- one\n")
        assert "[Queued messages while agent was busy]" in text
        assert text.endswith("Queued #1\ntwo\n\nQueued #2\nthree")


async def test_what_an_agent_used_is_kept_by_its_run_its_task_and_its_session(bench: Bench, stage: Stage) -> None:
    """SQ-70: the tokens of the context are the session's, and the last report of a turn is what it cost."""
    used = {"input_tokens": 700, "output_tokens": 20, "usd": 0.5, "context_tokens": 720}
    script = {"default": [{"usage": {"input_tokens": 5}}, {"usage": used}, {"say": "ok"}]}
    async with bench.open(agents={"fake": stage.agent(script, context_window=1000)}) as tw:
        box = await tw.session("box", agent="fake")
        for text in ("a", "b"):
            task = await ended((await box.send(text)).task)
        assert task.usage == Usage(700, 20, None, 0.5)
        found = await box.get()
        assert (found.context_tokens, found.context_window) == (720, 1000)
        assert found.usage == Usage(1400, 40, None, 1.0)


@pytest.mark.parametrize(
    ("steps", "state", "reason", "error"),
    [
        ([{"fail": {"reason": "auth", "error": "who are you?"}}], TaskState.FAILED, Reason.AUTH, "who are you?"),
        ([{"fail": {"reason": "gave_up"}}], TaskState.FAILED, Reason.GAVE_UP, "the script says so"),
        ([{"exit": 0}], TaskState.FAILED, Reason.AGENT_ERROR, "exited with status 0 before its turn ended"),
        ([{"exit": 7}], TaskState.FAILED, Reason.AGENT_ERROR, "exited with status 7 before its turn ended"),
        ([{"crash": "SIGSEGV"}], TaskState.FAILED, Reason.AGENT_ERROR, "killed by signal 11 before its turn ended"),
        ([{"rate_limit": {"text": "slow down"}}], TaskState.SCHEDULED, Reason.RATE_LIMIT, "slow down"),
    ],
)
async def test_only_the_agents_own_word_is_success(
    bench: Bench, stage: Stage, steps: list[Any], state: TaskState, reason: Reason, error: str
) -> None:
    """A43, DA1, DA16: an exit in the middle of a turn is a failure, whatever its status; a limit costs no attempt."""
    async with bench.open(agents={"fake": stage.agent({"default": steps})}) as tw:
        handle = await tw.submit(prompt="go", agent="fake", backoff={"first_s": 600})
        await changed(tw, handle.id, state)
        task = await handle.get()
        assert (task.state, task.reason) == (state, reason)
        assert error in (task.error or "")
        assert task.attempt == (0 if state is TaskState.SCHEDULED else 1)
        if state is TaskState.SCHEDULED:
            await handle.cancel()


async def test_a_crash_costs_the_session_its_process_and_not_its_conversation(bench: Bench, stage: Stage) -> None:
    """A32, A44: what is dead is written off, and the next turn goes on by the thread that the agent had named."""
    script = {"turns": [{"match": "die", "steps": [{"crash": "SIGKILL"}]}], "default": [{"say": "{told}"}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        box = await tw.session("box", agent="fake")
        await ended((await box.send("remember")).task)
        task = await ended((await box.send("die")).task)
        assert (task.reason, task.signal) == (Reason.AGENT_ERROR, 9)
        assert (await ended((await box.send("still?")).task)).output == "remember / die / still?"
        first, second = stage.lines("start")
        assert second["resumed"]
        assert second["thread"] == first["thread"]


async def test_an_agent_that_never_gets_ready_fails_its_turn_and_is_ended(bench: Bench, stage: Stage) -> None:
    """DA6, DA9: readiness is waited for, and not for ever; nothing is typed before."""
    kind = stage.agent({"start": ["hang"]}, start_s=0.3)
    async with bench.open(agents={"fake": kind}, ask_grace_s=0.5) as tw:
        task = await ended(await tw.submit(prompt="go", agent="fake"))
        assert (task.reason, task.error) == (Reason.AGENT_ERROR, "it was not ready for a turn within 0.3 s")
        assert stage.lines("turn") == []
        assert not lives(stage.pids()[0])


async def test_a_start_that_fails_for_a_passing_cause_is_made_again(bench: Bench, stage: Stage) -> None:
    """A37, DA9: a program file that is just being written; it waits, counts no attempt, and is no wedge."""
    program = stage.folder / "agent"
    line = " ".join(f"'{part}'" for part in stage.agent().command if isinstance(part, str))
    program.write_text(f"#!/bin/sh\nexec {line}\n")
    program.chmod(0o700)
    kind = stage.agent()
    async with bench.open(agents={"fake": type(kind)(command=(str(program),))}) as tw:
        box = await tw.session("box", agent="fake")
        with program.open("a"):
            sent = await box.send("go", backoff={"first_s": 0.2})
            await changed(tw, sent.task.id, TaskState.SCHEDULED)
        task = await ended(sent.task)
        assert (task.state, task.attempt) == (TaskState.COMPLETED, 1)
        assert task.fence > 1


async def test_an_agent_whose_program_is_not_here_gets_no_work_here(bench: Bench, stage: Stage) -> None:
    """DA9: what nobody can run waits, and says for what."""
    kind = type(stage.agent())(command=("/nowhere/agent",))
    async with bench.open(agents={"fake": kind}) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        [obstacle] = await tw.explain(handle.id)
        assert "agent:fake" in obstacle.text
        await handle.cancel()


async def test_an_agent_is_told_its_model_and_its_access(bench: Bench, stage: Stage) -> None:
    """DA6: they have an effect."""
    more = (("--model", "{model}"),)
    kind = stage.agent({"default": [{"say": "{model}"}]}, more=more, model="small")
    async with bench.open(agents={"fake": kind}) as tw:
        assert (await ended(await tw.submit(prompt="go", agent="fake"))).output == "small"
        assert (await ended(await tw.submit(prompt="go", agent="fake", model="large"))).output == "large"


async def test_secrets_reach_the_agent_and_never_the_store(bench: Bench, stage: Stage) -> None:
    """I11: in what it says, in its last words, and in its result."""
    steps = [{"say": "a {env.KEY}"}, {"done": {"text": "b {env.KEY}", "result": "c {env.KEY}"}}]
    kind = stage.agent({"default": steps}, env={"KEY": "secret://key"})
    async with bench.open(agents={"fake": kind}, secrets={"key": "hunter2hunter2"}) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        task = await ended(handle)
        assert (task.output, task.result) == ("b [redacted]", "c [redacted]")
        assert await events(handle, EventType.MESSAGE) == [{"text": "a [redacted]"}]
    assert b"hunter2" not in bench.path.read_bytes()


async def test_a_flood_of_messages_is_read_to_its_end_and_kept_to_its_limit(bench: Bench, stage: Stage) -> None:
    """I18: what an agent says counts as output, is stored up to the run's limit, and never wedges the turn."""
    flood = {"flood": {"mb": 4, "messages": True, "line_bytes": 2000}}
    async with bench.open(
        agents={"fake": stage.agent({"default": [flood, {"done": "dry"}]})}, run_output_bytes_max=1 << 20
    ) as tw:
        handle = await tw.submit(prompt="go", agent="fake")
        task = await ended(handle)
        assert (task.state, task.output) == (TaskState.COMPLETED, "dry")
        assert len(await events(handle, EventType.LOG_TRUNCATED)) == 1
        kept = await events(handle, EventType.MESSAGE)
        assert 400 < len(kept) < 600


async def test_a_conversation_can_be_begun_anew_for_one_message(bench: Bench, stage: Stage) -> None:
    """A45: ``fresh`` is another conversation, in another process; the session goes on with that one."""
    async with bench.open(agents={"fake": stage.agent({"default": [{"say": "{told}"}]})}) as tw:
        box = await tw.session("box", agent="fake")
        await ended((await box.send("old")).task)
        assert (await ended((await box.send("new", resume="fresh")).task)).output == "new"
        assert (await ended((await box.send("on")).task)).output == "new / on"
        first, second = stage.lines("start")
        assert first["thread"] != second["thread"]
        await gone(first["pid"])
        assert (await box.get()).thread == second["thread"]


async def test_a_prompt_is_filled_in_with_what_came_before(bench: Bench, stage: Stage) -> None:
    """Semantics, "Templates": in a prompt a value is put in as text."""
    async with bench.open(agents={"fake": stage.agent()}) as tw:
        first = await tw.submit(shell="echo found a fault", name="lint")
        text = "Mend this: ${{ " + first.id + ".output }}"
        task = await ended(await tw.submit(prompt=text, agent="fake", after=[first], template=True))
        assert task.output == "Mend this: found a fault"


async def test_an_agent_on_a_terminal_takes_turns_like_any_other(bench: Bench, stage: Stage) -> None:
    """A31, A43, DA6: read off a screen, on one warm process; typed only when its prompt is there."""
    kind = stage.agent(more=("--protocol=terminal",), adapter=Adapter.PTY, ready="^> $")
    async with bench.open(agents={"fake": kind}) as tw:
        box = await tw.session("box", agent="fake")
        for text in ("hello", "again"):
            task = await ended((await box.send(text)).task)
            assert task.state is TaskState.COMPLETED
            assert text in (task.output or "")
        assert len(stage.pids()) == 1
        assert [line["text"] for line in stage.lines("turn")] == ["hello", "again"]


async def test_an_agent_that_cannot_resume_is_told_the_conversation_again(bench: Bench, stage: Stage) -> None:
    """Replay: after its process is gone, what was asked and answered goes before the new words."""
    script = {"default": [{"say": "answer {turn}"}]}
    agent = msgspec.structs.replace(stage.agent(script), warm_s=0.0)
    command = tuple(item for item in agent.command if not isinstance(item, tuple))
    async with bench.open(agents={"fake": msgspec.structs.replace(agent, command=command)}) as tw:
        box = await tw.session("box", agent="fake")
        for text in ("first", "second"):
            await ended((await box.send(text)).task)
        told = [line["text"] for line in stage.lines("turn")]
        assert told[0] == "first"
        first = "[You were asked]\nfirst\n\n[You answered]\nanswer 1"
        assert told[1] == f"[This conversation so far]\n\n{first}\n\n[Now]\n\nsecond"
        await ended((await box.send("third", resume="fresh")).task)
        assert stage.lines("turn")[2]["text"] == "third"


async def test_replay_may_be_asked_for_where_the_agent_could_resume(bench: Bench, stage: Stage) -> None:
    """A new conversation of its own, with the old one told; the session follows it from then on."""
    agent = msgspec.structs.replace(stage.agent({"default": [{"say": "answer"}]}), warm_s=0.0)
    async with bench.open(agents={"fake": agent}) as tw:
        box = await tw.session("box", agent="fake")
        await ended((await box.send("first")).task)
        before = (await box.get()).thread
        await ended((await box.send("second", resume="replay")).task)
        assert stage.lines("turn")[1]["text"].startswith("[This conversation so far]")
        assert (await box.get()).thread not in (None, before)


async def test_a_result_that_follows_a_schema_is_asked_for_with_the_turn(bench: Bench, stage: Stage) -> None:
    """A turn, whole: the agent gets the schema, and its result is the task's."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    script = {"default": [{"done": {"text": "three", "result": {"n": 3}}}]}
    async with bench.open(agents={"fake": stage.agent(script)}) as tw:
        task = await ended(await tw.submit(prompt="how many?", agent="fake", result_schema=schema))
        assert (task.state, task.result) == (TaskState.COMPLETED, {"n": 3})


async def test_an_agent_without_structured_results_is_not_asked_for_one(bench: Bench, stage: Stage) -> None:
    """A screen gives no JSON: the task fails with a sentence before anything is started."""
    agent = msgspec.structs.replace(stage.agent(), adapter=Adapter.PTY)
    async with bench.open(agents={"fake": agent}) as tw:
        task = await ended(await tw.submit(prompt="how many?", agent="fake", result_schema={"type": "object"}))
        assert task.reason is Reason.SPAWN_ERROR
        assert "gives no structured results" in (task.error or "")
        assert stage.lines() == []
