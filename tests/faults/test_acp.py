"""Agents that speak ACP, as real programs: the fake agent over the same protocol as the real ones."""

import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.acp import LINE_BYTES_MAX, AcpAgent
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    Interrupt,
    Opening,
    Ready,
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
from taxiway.agents.protocol import Ended, Go, How, Output
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.event import EventType
from taxiway.core.task import Reason, Usage
from taxiway.testing.fakeagent.command import fake_agent_command
from tests.dialogues import said, texts, turn, until

Talk = Callable[..., Awaitable[LineDialogue]]


@pytest.fixture
async def talk(agent: ProcessAgent, tmp_path: Path) -> AsyncIterator[Talk]:
    """`await talk(steps, …)` opens a fake agent that speaks ACP and is ready."""
    opened: list[LineDialogue] = []

    async def start(steps: Any = None, thread: str | None = None, **script: Any) -> LineDialogue:
        path = tmp_path / f"{secrets.token_hex(4)}.json"
        path.write_text(json.dumps(script | ({} if steps is None else {"default": steps})))
        command = fake_agent_command(path, memory=tmp_path / "memory", journal=tmp_path / "journal", protocol="acp")
        driver = AcpAgent(AgentKind(adapter=Adapter.ACP, command=command), agent)
        env = {"PATH": os.environ["PATH"]}
        tag = f"test-{secrets.token_hex(6)}"
        dialogue = await driver.open(Opening(cwd=str(tmp_path), env=env, tag=tag, thread=thread))
        assert isinstance(dialogue, LineDialogue), dialogue
        opened.append(dialogue)
        await dialogue.send(Go())
        events = await until(dialogue, Ready, TurnEnded, Ended)
        assert isinstance(events[-1], Ready), events
        assert isinstance(events[-2], ThreadKnown), events
        return dialogue

    yield start
    for dialogue in opened:
        dialogue.drop()


async def test_a_turn_over_acp_is_told_as_it_happens_and_ends_once(talk: Talk) -> None:
    """A43: completed means that the agent says so; everything that it said before comes before."""
    dialogue = await talk(
        [
            {"think": "hm"},
            {"tool": {"name": "bash", "input": {"command": "ls"}, "output": ["a", "b"]}},
            {"stream": 3},
            {"send": {"type": "todo", "items": [{"text": "one", "done": True}, {"text": "two"}]}},
            {"usage": {"input_tokens": 5, "output_tokens": 2, "usd": 0.1, "context_tokens": 60, "context_window": 100}},
        ]
    )
    events = await turn(dialogue)
    assert said(events, EventType.THOUGHT) == [{"text": "hm"}]
    (call,) = said(events, EventType.TOOL_CALL)
    assert (call["name"], call["input"]) == ("bash", {"command": "ls"})
    assert said(events, EventType.TOOL_RESULT) == [{"id": call["id"], "name": "bash", "output": ["a", "b"]}]
    assert texts(events) == ["word 1 ", "word 2 ", "word 3 "]
    assert said(events, EventType.TODO) == [{"items": [{"text": "one", "done": True}, {"text": "two", "done": False}]}]
    assert [event for event in events if isinstance(event, Used)][-1] == Used(Usage(5, 2, None, 0.1), 60, 100)
    assert events[-1] == TurnEnded()


async def test_a_conversation_over_acp_is_gone_on_with_by_another_process(talk: Talk) -> None:
    """A44, A45: by the id that was told before the first turn."""
    first = await talk([{"say": "{thread}: {told}"}])
    (said,) = texts(await turn(first, "one"))
    thread = said.partition(":")[0]
    await first.close(How.ASK)
    assert isinstance((await until(first, Ended))[-1], Ended)
    second = await talk([{"say": "{thread}: {told}"}], thread=thread)
    assert texts(await turn(second, "two")) == [f"{thread}: one / two"]


async def test_an_interrupt_over_acp_keeps_the_conversation_and_a_steer_waits(talk: Talk) -> None:
    """The same process takes the next turn; ACP has no steer, and that is the receipt."""
    dialogue = await talk([{"say": "{pid}"}], turns=[{"turn": 1, "steps": [{"say": "{pid}"}, {"sleep": "1h"}]}])
    await dialogue.send(Turn("go"))
    pid = texts(await until(dialogue, Said, Ended) + await until(dialogue, Said, Ended))
    await dialogue.send(Steer("s1", "left"))
    await dialogue.send(Interrupt())
    settled, ended = await until(dialogue, TurnEnded, Ended)
    assert isinstance(settled, SteerSettled)
    assert (settled.signal, settled.applied) == ("s1", False)
    assert ended == TurnEnded(interrupted=True)
    assert texts(await turn(dialogue)) == pid


async def test_a_question_over_acp_reaches_a_person_and_back(talk: Talk, tmp_path: Path) -> None:
    """The agent reads the answer that was given."""
    dialogue = await talk([{"ask": "rm x"}, {"sleep": "500ms"}, {"say": "gone on"}])
    await dialogue.send(Turn("go"))
    asked = (await until(dialogue, Asked, Ended))[-1]
    assert isinstance(asked, Asked)
    assert asked.text == "the agent wants to use a tool: rm x"
    await dialogue.send(Answer(asked.id, allow=True))
    events = await until(dialogue, TurnEnded, Ended)
    assert (texts(events), events[-1]) == (["gone on"], TurnEnded())
    journal = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [line["allow"] for line in journal if line["what"] == "answer"] == [True]


async def test_a_turn_over_acp_fails_for_the_reason_that_its_error_means(talk: Talk) -> None:
    """A43: by the codes that real agents use; a reason that has none is the agent's error."""
    dialogue = await talk([{"fail": {"reason": "{text}", "error": "because"}}])
    for word in ("auth", "quota", "rate_limit", "provider", "gave_up"):
        end = (await turn(dialogue, word))[-1]
        assert isinstance(end, TurnEnded)
        assert (end.reason, end.error) == (Reason.AGENT_ERROR if word == "gave_up" else Reason(word), "because")


async def test_garbage_over_acp_is_told_and_the_reading_goes_on(talk: Talk) -> None:
    """A line of 20 MB, half a line of JSON, a print of a library, answers that nobody asked for."""
    garbage = ['{"id": 99, "result": {}}', '{"half": ', "a library says hello", '{"id": 1, "method": 5}']
    lines = "".join(line + "\n" for line in garbage)
    endless = [{"flood": {"mb": 20, "line_bytes": 0}}, {"raw": "\n"}]
    dialogue = await talk([{"raw": lines}, *endless, {"say": "done"}])
    events = await turn(dialogue)
    assert events[-1] == TurnEnded()
    assert texts(events) == ["done"]
    told = [said["text"] for said in said(events, EventType.ERROR)]
    assert len(told) == 4
    assert any(f"a line has at most {LINE_BYTES_MAX}" in text for text in told)
    printed = b"".join(event.data for event in events if isinstance(event, Output))
    assert b"a library says hello" in printed


async def test_an_agent_over_acp_that_dies_in_a_turn_ends_once(talk: Talk) -> None:
    """No TurnEnded: the end of the process stands for both."""
    dialogue = await talk([{"say": "x"}, {"exit": 0}])
    events = await turn(dialogue)
    assert isinstance(events[-1], Ended)
    assert events[-1].exit_code == 0
    assert not [event for event in events if isinstance(event, TurnEnded)]
