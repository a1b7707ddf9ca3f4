"""The fake agent as Codex's app-server and as Claude Code, through the adapters of the real ones."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.dialogue import (
    Answer,
    Asked,
    AskWithdrawn,
    DialogueEvent,
    Interrupt,
    Said,
    Steer,
    SteerSettled,
    ThreadKnown,
    Turn,
    TurnEnded,
    Used,
)
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, How
from taxiway.core.agent import Access, Adapter
from taxiway.core.event import EventType
from taxiway.core.task import Reason, Usage
from tests.dialogues import eventually, said, texts, turn
from tests.faults.fakes import Talk, end, fakes, heard, journal, of

BOTH = pytest.mark.parametrize("adapter", [Adapter.CODEX, Adapter.CLAUDE])
SHELL = {Adapter.CODEX: "shell", Adapter.CLAUDE: "Bash"}
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture
async def talk(agent: ProcessAgent, tmp_path: Path) -> AsyncIterator[Talk]:
    """`await talk(adapter, steps, …)` opens a fake agent that is ready."""
    async with fakes(agent, tmp_path) as start:
        yield start


def counted(events: list[DialogueEvent]) -> Usage:
    """What a turn has consumed, without the dollars."""
    usage = of(Used, events)[-1].usage
    return Usage(usage.input_tokens, usage.output_tokens, usage.cached_tokens)


async def kill(dialogue: LineDialogue, tmp_path: Path) -> None:
    """Kill the program itself, as nobody would ask it."""
    os.kill(journal(tmp_path, "start")[-1]["pid"], signal.SIGKILL)
    assert isinstance((await heard(dialogue))[-1], Ended)


@BOTH
async def test_a_turn_is_told_as_the_real_one_tells_it(talk: Talk, adapter: Adapter) -> None:
    """A43: thoughts, tools, pieces of text, the thread, usage; then the end, once."""
    steps = [
        {"think": "hm"},
        {"tool": {"name": "Bash", "input": {"command": "ls"}, "output": "a.py"}},
        {"tool": {"name": "Bash", "input": {"command": "cat b"}, "output": "no such file", "failed": True}},
        {"usage": {"input_tokens": 1000, "output_tokens": 20, "cached_tokens": 600, "context_window": 5000}},
        {"stream": {"chunks": 3, "every": 0.01}},
    ]
    events = await turn(await talk(adapter, steps))
    assert said(events, EventType.THOUGHT) == [{"text": "hm"}]
    calls, results = said(events, EventType.TOOL_CALL), said(events, EventType.TOOL_RESULT)
    assert [call["name"] for call in calls] == [SHELL[adapter]] * 2
    assert "ls" in calls[0]["input"]["command"]
    assert [(one["id"], one["output"], bool(one.get("failed"))) for one in results] == [
        (calls[0]["id"], "a.py", False),
        (calls[1]["id"], "no such file", True),
    ]
    assert texts(events) == ["word 1 ", "word 2 ", "word 3 "]
    assert (counted(events), of(Used, events)[-1].context_window) == (Usage(1000, 20, 600), 5000)
    assert len(of(ThreadKnown, events)) == 1
    assert end(events) == TurnEnded(text="word 1 word 2 word 3 ")


@BOTH
async def test_two_turns_in_one_process_count_each_for_itself(talk: Talk, adapter: Adapter) -> None:
    """Trap 8: the conversation's tokens grow with Codex, the process's dollars with Claude Code."""
    used = {"usage": {"input_tokens": 100, "output_tokens": 10, "usd": 0.25}}
    dialogue = await talk(adapter, [used, {"say": "{turn} {pid}"}])
    first, second = await turn(dialogue), await turn(dialogue)
    assert counted(first) == counted(second) == Usage(100, 10, 0)
    if adapter is Adapter.CLAUDE:
        assert of(Used, second)[-1].usage.usd == 0.25
    (one, pid), (two, other) = (end(events).text.split() for events in (first, second))  # type: ignore[union-attr]
    assert (one, two, pid) == ("1", "2", other)


@BOTH
async def test_a_steer_goes_into_the_open_turn(talk: Talk, adapter: Adapter, tmp_path: Path) -> None:
    """OC-01: settled when the model gets to see it."""
    slow = [{"tool": {"name": "Bash", "takes": 0.3}}, {"say": "{steers}"}]
    dialogue = await talk(adapter, slow)
    await dialogue.send(Turn("go"))
    await heard(dialogue, Said, type=EventType.TOOL_CALL)
    await dialogue.send(Steer("s1", "left"))
    events = await heard(dialogue, TurnEnded)
    assert of(SteerSettled, events) == [SteerSettled("s1", applied=True)]
    assert end(events) == TurnEnded(text="left")
    assert [line["text"] for line in journal(tmp_path, "steer")] == ["left"]


@BOTH
async def test_a_steer_that_is_declined_is_not_applied(talk: Talk, adapter: Adapter) -> None:
    """OC-02: Codex says why, Claude Code only that."""
    dialogue = await talk(adapter, [{"tool": {"name": "Bash", "takes": 0.3}}, {"say": "on"}], steers="decline")
    await dialogue.send(Turn("go"))
    await heard(dialogue, Said, type=EventType.TOOL_CALL)
    await dialogue.send(Steer("s1", "left"))
    events = await heard(dialogue, TurnEnded)
    (settled,) = of(SteerSettled, events)
    assert (settled.signal, settled.applied) == ("s1", False)
    assert settled.why
    assert (settled.why == "the script says so") is (adapter is Adapter.CODEX)
    assert end(events).text == "on"


async def test_text_that_claude_has_not_seen_by_its_end_becomes_a_turn_of_its_own(talk: Talk) -> None:
    """OC-01: as the real one takes it; for us it is one turn, which ends with the last result."""
    ignoring = [{"tool": {"name": "Bash", "takes": 0.3}}, {"say": "first"}]
    script = {"turns": [{"turn": 1, "steps": ignoring}], "steers": "ignore"}
    dialogue = await talk(Adapter.CLAUDE, [{"say": "then {text}"}], **script)
    await dialogue.send(Turn("go"))
    await heard(dialogue, Said, type=EventType.TOOL_CALL)
    await dialogue.send(Steer("s1", "left"))
    events = await heard(dialogue, TurnEnded)
    assert of(SteerSettled, events) == [SteerSettled("s1", applied=True)]
    assert (texts(events), end(events).text) == (["first", "then left"], "then left")


@BOTH
async def test_an_interrupt_in_a_text_keeps_the_process(talk: Talk, adapter: Adapter) -> None:
    """The same process takes the next turn."""
    endless = {"turn": 1, "steps": [{"stream": {"chunks": 10_000, "every": 0.01}}]}
    dialogue = await talk(adapter, [{"say": "{turn}"}], turns=[endless])
    await dialogue.send(Turn("go"))
    await heard(dialogue, Said, type=EventType.MESSAGE)
    await dialogue.send(Interrupt())
    assert end(await heard(dialogue, TurnEnded)).interrupted
    assert end(await turn(dialogue)) == TurnEnded(text="2")


@BOTH
async def test_an_interrupt_in_a_tool_keeps_the_process(talk: Talk, adapter: Adapter) -> None:
    """Claude Code says what has become of the tool, Codex does not."""
    using = {"turn": 1, "steps": [{"tool": {"name": "Bash", "takes": "1h"}}]}
    dialogue = await talk(adapter, [{"say": "{turn}"}], turns=[using])
    await dialogue.send(Turn("go"))
    await heard(dialogue, Said, type=EventType.TOOL_CALL)
    await dialogue.send(Interrupt())
    events = await heard(dialogue, TurnEnded)
    assert end(events).interrupted
    assert [one["failed"] for one in said(events, EventType.TOOL_RESULT)] == [True] * (adapter is Adapter.CLAUDE)
    assert end(await turn(dialogue)) == TurnEnded(text="2")


@BOTH
@pytest.mark.parametrize("allow", [True, False])
async def test_a_permission_is_asked_for_and_the_answer_holds(talk: Talk, adapter: Adapter, allow: bool) -> None:
    """The agent reads the answer, and its tool ends as that says."""
    asking = {"ask": {"text": "clean up", "tool": "Bash", "input": {"command": "rm x"}}}
    dialogue = await talk(adapter, [asking, {"say": "{answer}"}])
    await dialogue.send(Turn("go"))
    asked = (await heard(dialogue, Asked))[-1]
    assert isinstance(asked, Asked)
    assert asked.tool == SHELL[adapter]
    assert "rm x" in asked.input["command"]
    assert "clean up" in asked.text
    await dialogue.send(Answer(asked.id, allow))
    events = await heard(dialogue, TurnEnded)
    assert texts(events) == ["allowed" if allow else "denied"]
    (result,) = said(events, EventType.TOOL_RESULT)
    assert bool(result.get("failed")) is not allow


async def test_a_patch_is_asked_for_by_its_files_and_told_with_its_diff(talk: Talk) -> None:
    """Codex: `apply_patch` names what a person decides on."""
    patch = {"changes": [{"path": "/w/a.py", "diff": "one\n"}]}
    asking = {"ask": {"text": "outside", "tool": "apply_patch", "input": patch}}
    dialogue = await talk(Adapter.CODEX, [asking, {"say": "{answer}"}])
    await dialogue.send(Turn("go"))
    asked = (await heard(dialogue, Asked))[-1]
    assert isinstance(asked, Asked)
    assert (asked.tool, asked.input, asked.text) == (
        "apply_patch",
        {"paths": ["/w/a.py"]},
        "it wants to change /w/a.py",
    )
    await dialogue.send(Answer(asked.id, allow=True))
    assert said(await heard(dialogue, TurnEnded), EventType.DIFF) == [{"path": "/w/a.py", "text": "one\n"}]


async def test_a_file_that_claude_writes_is_told_with_its_diff(talk: Talk) -> None:
    """`Write` as the real one tells it."""
    tool = {"name": "Write", "input": {"file_path": "/w/a.py", "content": "one\n"}}
    events = await turn(await talk(Adapter.CLAUDE, [{"tool": tool}]))
    (diff,) = said(events, EventType.DIFF)
    assert (diff["path"], diff["text"].splitlines()[-1]) == ("/w/a.py", "+one")


@BOTH
async def test_a_question_is_void_with_its_turn(talk: Talk, adapter: Adapter) -> None:
    """An interrupt takes it back; a late answer does nothing."""
    dialogue = await talk(adapter, [{"say": "fine"}], turns=[{"turn": 1, "steps": [{"ask": "rm x"}]}])
    await dialogue.send(Turn("go"))
    asked = (await heard(dialogue, Asked))[-1]
    assert isinstance(asked, Asked)
    await dialogue.send(Interrupt())
    events = await heard(dialogue, TurnEnded)
    assert of(AskWithdrawn, events) == [AskWithdrawn(asked.id)]
    assert end(events).interrupted
    await dialogue.send(Answer(asked.id, allow=True))
    assert end(await turn(dialogue)) == TurnEnded(text="fine")


@BOTH
async def test_analysis_neither_writes_nor_asks(talk: Talk, adapter: Adapter, tmp_path: Path) -> None:
    """The settings that were asked for apply: sandbox and policy, mode and tools."""
    steps = [{"write": {"file": "no.txt", "text": "x"}}, {"ask": "rm x"}, {"say": "{answer}"}]
    opened: list[DialogueEvent] = []
    dialogue = await talk(adapter, steps, opened=opened, opening={"access": Access.ANALYSIS})
    events = await turn(dialogue)
    (holds,) = [data for data in said(opened + events, EventType.STATUS) if data["phase"] == "agent"]
    holding = {name: holds.get(name) for name in ("sandbox", "approval_policy", "permission_mode")}
    assert list(filter(None, holding.values())) == (["readOnly", "never"] if adapter is Adapter.CODEX else ["dontAsk"])
    assert (of(Asked, events), texts(events)) == ([], ["denied"])
    assert not (tmp_path / "no.txt").exists()


@BOTH
async def test_a_conversation_goes_on_after_a_kill_in_a_turn(talk: Talk, adapter: Adapter, tmp_path: Path) -> None:
    """A44, I3: from when its id is told; what it consumed before is not counted again."""
    using = {"usage": {"input_tokens": 100, "output_tokens": 10}}
    script: dict[str, Any] = {"turns": [{"turn": 2, "steps": [{"hang": True}]}]}
    first = await talk(adapter, [using, {"say": "{told}"}], **script)
    (known,) = of(ThreadKnown, await turn(first, "one"))
    await first.send(Turn("two"))
    await eventually(lambda: len(journal(tmp_path, "turn")) == 2, "the second turn has come")
    await kill(first, tmp_path)
    opened: list[DialogueEvent] = []
    second = await talk(adapter, [using, {"say": "{told}"}], opened=opened, opening={"thread": known.thread})
    events = await turn(second, "three")
    assert end(events).text == "one / two / three"
    assert counted(events) == Usage(100, 10, 0)
    assert of(ThreadKnown, opened + events) == [known]


@BOTH
async def test_a_conversation_that_is_not_known_is_refused(talk: Talk, adapter: Adapter) -> None:
    """A45: before a turn could begin, in the words of the real one."""
    opened: list[DialogueEvent] = []
    thread = "11111111-2222-4333-8444-555555555555"
    await talk(adapter, opened=opened, opening={"thread": thread})
    found = end(opened)
    assert found.reason is Reason.AGENT_ERROR
    words = "No conversation found with session ID:" if adapter is Adapter.CLAUDE else "no rollout found for thread id"
    assert f"{words} {thread}" in str(found.error)


async def test_an_id_of_claude_that_is_in_use_starts_nothing(talk: Talk) -> None:
    """Ids follow from tags; the program refuses one that it has seen."""
    first = await talk(Adapter.CLAUDE)
    await turn(first)
    opened: list[DialogueEvent] = []
    await talk(Adapter.CLAUDE, opened=opened, opening={"tag": first.mark.tag})
    (ended,) = of(Ended, opened)
    assert ended.exit_code == 1


@BOTH
async def test_a_fork_knows_what_was_said_and_goes_its_own_way(talk: Talk, adapter: Adapter) -> None:
    """Wish of `fork`: both go on, each by itself."""
    using = {"usage": {"input_tokens": 100, "output_tokens": 10}}
    first = await talk(adapter, [using, {"say": "{told}"}])
    (known,) = of(ThreadKnown, await turn(first, "one"))
    second = await talk(adapter, [using, {"say": "{told}"}], opening={"thread": known.thread, "fork": True})
    other = await turn(second, "two")
    (forked,) = of(ThreadKnown, other)
    assert forked.thread != known.thread
    assert (end(other).text, counted(other)) == ("one / two", Usage(100, 10, 0))
    assert end(await turn(first, "three")).text == "one / three"


@BOTH
async def test_a_structured_result_is_what_was_asked_for(talk: Talk, adapter: Adapter) -> None:
    """Codex answers with it, Claude Code has a tool for it; without a schema it is a text."""
    dialogue = await talk(adapter, [{"done": {"text": "x it is", "result": {"name": "x"}}}], opening={"schema": SCHEMA})
    found = end(await turn(dialogue, schema=SCHEMA))
    assert (found.reason, found.result) == (None, {"name": "x"})
    plain = await talk(adapter, [{"done": {"text": "x it is", "result": {"name": "x"}}}])
    assert end(await turn(plain)) == TurnEnded(text="x it is")


@BOTH
async def test_asked_to_leave_it_leaves(talk: Talk, adapter: Adapter) -> None:
    """The end of its input is enough."""
    dialogue = await talk(adapter)
    assert end(await turn(dialogue, "hello")) == TurnEnded(text="hello")
    await dialogue.close(How.ASK)
    ended = (await heard(dialogue))[-1]
    assert isinstance(ended, Ended)
    assert ended.exit_code == 0
