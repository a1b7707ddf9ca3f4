"""Agents that speak `lines`, as real programs: turns, steers, interrupts, and everything that they may do wrong."""

import asyncio
import json
import os
import resource
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.dialogue import (
    DialogueEvent,
    Interrupt,
    Limited,
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
from taxiway.agents.linecutter import LINE_BYTES_MAX
from taxiway.agents.linedialogue import COMPLAINTS_MAX, LineDialogue
from taxiway.agents.lines import LinesAgent
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, How, Output
from taxiway.core.agent import AgentKind
from taxiway.core.event import EventType
from taxiway.core.task import Reason, Usage
from taxiway.testing.fakeagent.command import fake_agent_command
from tests.dialogues import texts, turn, until

WITHIN_S = 20

Talk = Callable[..., Awaitable[LineDialogue]]


def printed(events: list[DialogueEvent], stream: str = "stdout") -> bytes:
    """What was kept as output."""
    return b"".join(event.data for event in events if isinstance(event, Output) and event.stream == stream)


@pytest.fixture
async def talk(agent: ProcessAgent, tmp_path: Path) -> AsyncIterator[Talk]:
    """`await talk(steps, …)` opens a fake agent that is ready; its journal and memory stand in ``tmp_path``."""
    opened: list[LineDialogue] = []

    async def start(
        steps: Any = None, thread: str | None = None, command: tuple[str, ...] | None = None, **script: Any
    ) -> LineDialogue:
        path = tmp_path / f"{secrets.token_hex(4)}.json"
        path.write_text(json.dumps(script | ({} if steps is None else {"default": steps})))
        fake = fake_agent_command(path, memory=tmp_path / "memory", journal=tmp_path / "journal")
        driver = LinesAgent(AgentKind(command=command or fake), agent)
        env = {"PATH": os.environ["PATH"]}
        opening = Opening(cwd=str(tmp_path), env=env, tag=f"test-{secrets.token_hex(6)}", thread=thread)
        dialogue = await driver.open(opening)
        assert isinstance(dialogue, LineDialogue), dialogue
        opened.append(dialogue)
        await dialogue.send(Go())
        assert isinstance((await until(dialogue, Ready, Ended))[-1], Ready)
        return dialogue

    yield start
    for dialogue in opened:
        dialogue.drop()


def journal(tmp_path: Path, what: str) -> list[dict[str, Any]]:
    """What really reached the agents."""
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    return [line for line in lines if line["what"] == what]


async def test_a_turn_is_told_as_it_happens_and_ends_once(talk: Talk, tmp_path: Path) -> None:
    """A43: completed means that the agent says so; everything that it said before comes before."""
    dialogue = await talk(
        [
            {"think": "hm"},
            {"tool": {"name": "bash", "input": {"command": "ls"}, "output": ["a", "b"]}},
            {"stream": 3},
            {"send": {"type": "todo", "items": [{"text": "one", "done": True}, {"text": "two"}]}},
            {"send": {"type": "diff", "path": "a.py", "text": "+x"}},
            {"usage": {"input_tokens": 5, "usd": 0.1, "context_tokens": 60, "context_window": 100}},
            {"send": {"type": "approval.requested", "text": "may I?"}},
            {"rate_limit": {"resets_in": 30, "fail": False}},
            {"done": {"text": "all done", "result": {"answer": [1, None]}}},
        ]
    )
    events = await turn(dialogue)
    assert texts(events) == ["word 1 ", "word 2 ", "word 3 "]
    said = [(event.type, event.data) for event in events if isinstance(event, Said)]
    assert said[0] == (EventType.THOUGHT, {"text": "hm"})
    call, result = said[1], said[2]
    assert call == (EventType.TOOL_CALL, {"name": "bash", "id": call[1]["id"], "input": {"command": "ls"}})
    assert result == (EventType.TOOL_RESULT, {"id": call[1]["id"], "name": "bash", "output": ["a", "b"]})
    assert said[6:] == [
        (EventType.TODO, {"items": [{"text": "one", "done": True}, {"text": "two", "done": False}]}),
        (EventType.DIFF, {"text": "+x", "path": "a.py"}),
        (EventType.APPROVAL_REQUESTED, {"text": "may I?"}),
    ]
    assert [event.limit.resets_in_s for event in events if isinstance(event, Limited)] == [30.0]
    assert Used(Usage(input_tokens=5, usd=0.1), 60, 100) in events
    assert events[-1] == TurnEnded(text="all done", result={"answer": [1, None]})
    assert [line["text"] for line in journal(tmp_path, "turn")] == ["go"]


async def test_a_conversation_is_gone_on_with_by_another_process(talk: Talk) -> None:
    """A44, A45: the agent's own id comes before the first turn, and with it the next process knows what was said."""
    first = await talk([{"say": "turn {turn}: {told}"}])
    assert texts(await turn(first, "one")) == ["turn 1: one"]
    assert texts(await turn(first, "two")) == ["turn 2: one / two"]
    await first.close(How.ASK)
    await until(first, Ended)

    def named(events: list[DialogueEvent]) -> list[str]:
        return [event.thread for event in events if isinstance(event, ThreadKnown)]

    other = await talk([{"thread": "renamed"}, {"thread": "renamed"}, {"say": "turn {turn}"}])
    assert named(await turn(other)) == ["renamed"]
    second = await talk([{"say": "turn {turn}: {told}"}], thread="renamed")
    assert texts(await turn(second, "three")) == ["turn 2: go / three"]


async def test_a_steer_goes_into_the_open_turn_and_is_settled_once(talk: Talk, tmp_path: Path) -> None:
    """OC-01: taken at the next safe point, with a receipt."""
    dialogue = await talk([{"say": "working"}, {"sleep": 0.3}, {"say": "heard {steers}"}])
    await dialogue.send(Turn("go"))
    await until(dialogue, Said)
    await dialogue.send(Steer("s1", "left"))
    await dialogue.send(Steer("s2", "right"))
    events = await until(dialogue, TurnEnded)
    assert [event for event in events if isinstance(event, SteerSettled)] == [
        SteerSettled("s1", applied=True),
        SteerSettled("s2", applied=True),
    ]
    assert texts(events) == ["heard left / right"]
    assert [line["signal"] for line in journal(tmp_path, "steer")] == ["s1", "s2"]


@pytest.mark.parametrize(("policy", "why"), [("decline", "the script says so"), ("ignore", "the turn ended before")])
async def test_a_steer_that_was_not_taken_says_why(talk: Talk, policy: str, why: str) -> None:
    """OC-02: declined, or without an answer until the turn ended; never left open."""
    dialogue = await talk([{"say": "x"}, {"sleep": 0.2}], steers=policy)
    await dialogue.send(Turn("go"))
    await until(dialogue, Said)
    await dialogue.send(Steer("s1", "left"))
    settled, ended = (await until(dialogue, TurnEnded))[-2:]
    assert isinstance(settled, SteerSettled)
    assert (settled.signal, settled.applied) == ("s1", False)
    assert (settled.why or "").startswith(why)
    assert isinstance(ended, TurnEnded)


async def test_a_steer_without_an_open_turn_is_settled_at_once_and_wakes_who_waits(talk: Talk, tmp_path: Path) -> None:
    """OC-02: whoever listens already hears of it, although the agent says nothing; the agent is not told."""
    dialogue = await talk()
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        waiting = group.create_task(dialogue.next())
        await asyncio.sleep(0.05)
        await dialogue.send(Steer("s1", "left"))
        assert await waiting == SteerSettled("s1", applied=False, why="no turn is open")
    assert texts(await turn(dialogue, "still there")) == ["still there"]
    assert journal(tmp_path, "steer") == []


async def test_a_steer_is_settled_when_the_process_ends_under_it(talk: Talk) -> None:
    """I14: every signal ends in a receipt, also when nobody is left to answer."""
    dialogue = await talk([{"say": "x"}, {"hang": True}], steers="ignore")
    await dialogue.send(Turn("go"))
    await until(dialogue, Said)
    await dialogue.send(Steer("s1", "left"))
    await dialogue.close(How.KILL)
    settled, ended = await until(dialogue, Ended)
    assert settled == SteerSettled("s1", applied=False, why="its process ended before it was applied")
    assert isinstance(ended, Ended)
    assert ended.signal == 9
    assert await dialogue.next() == await dialogue.next() == ended
    await dialogue.send(Steer("s2", "x"))
    await dialogue.send(Turn("nobody hears"))
    assert await dialogue.next() == ended


async def test_an_interrupt_ends_the_turn_and_keeps_the_conversation(talk: Talk) -> None:
    """The same process takes the next turn."""
    dialogue = await talk([{"say": "{pid}"}], turns=[{"turn": 1, "steps": [{"say": "{pid}"}, {"sleep": "1h"}]}])
    await dialogue.send(Turn("go"))
    pid = texts(await until(dialogue, Said))
    await dialogue.send(Interrupt())
    assert (await until(dialogue, TurnEnded))[-1] == TurnEnded(interrupted=True)
    await dialogue.send(Interrupt())  # nothing is open: nothing happens
    assert texts(await turn(dialogue)) == pid


async def test_a_turn_fails_for_the_reason_that_the_agent_gives(talk: Talk) -> None:
    """A43: a reason of the closed set; any other word, and a claim that is not an agent's to make, is its error."""
    dialogue = await talk([{"fail": {"reason": "{text}", "error": "because"}}])
    for reason in ("auth", "quota", "rate_limit", "provider", "gave_up", "agent_error"):
        assert (await turn(dialogue, reason))[-1] == TurnEnded(Reason(reason), "because", None)
    for word in ("lost", "requested", "nonsense"):
        end = (await turn(dialogue, word))[-1]
        assert end == TurnEnded(Reason.AGENT_ERROR, f"because (its reason '{word}' is not known)", None)


HOSTILE = [
    '{"type": "nonsense"}',
    '{"type": 5}',
    '{"no": "type"}',
    '{"type": "message"}',
    '{"type": "message", "text": 5}',
    '{"type": "thread", "id": "--dangerous"}',
    '{"type": "thread", "id": ""}',
    '{"type": "usage", "input_tokens": -1}',
    '{"type": "usage", "usd": 1e999}',
    '{"type": "usage", "input_tokens": true}',
    '{"type": "steered", "signal": "nobody", "applied": true}',
    '{"type": "done", "turn": 77}',
    '{"type": "todo", "items": "x"}',
    '{"type": "rate_limit", "resets_at": "2026-01-01T00:00:00"}',
    '{"type": "message", "text": ' + "[" * 5_000,
    "{",
]


async def test_no_line_ends_the_reading(talk: Talk) -> None:
    """I18: unreadable lines are told as errors or kept as output; what comes after them is read as ever."""
    plain = ["hello from a library", "[1]", '"text"', "null", "", "   ", "\x00\x1b[2J"]
    dialogue = await talk([{"raw": "".join(f"{line}\n" for line in [*HOSTILE, *plain])}, {"say": "still here"}])
    events = await turn(dialogue)
    assert len(texts(events, EventType.ERROR)) == len(HOSTILE)
    assert printed(events) == b'hello from a library\n[1]\n"text"\nnull\n\x00\x1b[2J\n'
    assert texts(events) == ["still here"]
    assert not [event for event in events if isinstance(event, ThreadKnown | Used | SteerSettled)]
    assert events[-1] == TurnEnded(text="still here")


async def test_complaints_are_bounded_and_nothing_is_lost_by_it(talk: Talk) -> None:
    """I18: after the first ones, bad lines are only kept as output."""
    bad = '{"type": "nonsense"}\n'
    dialogue = await talk([{"repeat": {"times": 50, "steps": [{"raw": bad}]}}])
    events = await turn(dialogue)
    assert len(texts(events, EventType.ERROR)) == COMPLAINTS_MAX
    assert printed(events) == bad.encode() * (50 - COMPLAINTS_MAX)


async def test_a_turn_that_nobody_opened_cannot_be_ended(talk: Talk) -> None:
    """I12: a second done changes nothing, neither before nor within the next turn."""
    dialogue = await talk(
        [{"send": {"type": "done", "turn": 1, "text": "again"}}, {"say": "{turn}"}],
        turns=[{"turn": 1, "steps": [{"done": "end 1"}]}],
        start=[{"send": {"type": "done"}}],
    )
    assert (await turn(dialogue))[-1] == TurnEnded(text="end 1")
    events = await turn(dialogue)
    assert texts(events, EventType.ERROR) == ["a line that is no message: it ends a turn that is not open"]
    assert events[-1] == TurnEnded(text="2")


async def test_a_done_that_cannot_be_read_ends_its_turn_as_a_failure(talk: Talk) -> None:
    """I14: nobody waits for an end that has been said, however badly."""
    dialogue = await talk([{"raw": '{"type": "done", "failed": 5}\n'}, {"sleep": "1h"}])
    end = (await turn(dialogue))[-1]
    assert isinstance(end, TurnEnded)
    assert end.reason is Reason.AGENT_ERROR
    assert "unreadably" in (end.error or "")


async def test_an_interrupt_that_nobody_sent_is_a_failure(talk: Talk) -> None:
    """A cancellation is somebody's wish, never the agent's claim."""
    dialogue = await talk([{"send": {"type": "done", "interrupted": True}}])
    assert (await turn(dialogue))[-1] == TurnEnded(
        Reason.AGENT_ERROR, "the agent says it was interrupted, and nobody did"
    )


@pytest.mark.parametrize(
    "flood",
    [
        {"mb": 30, "line_bytes": 100},
        {"mb": 30, "line_bytes": 0},
        {"mb": 30, "line_bytes": 5_000_000},
        {"mb": 30, "to": "stderr"},
        {"mb": 30, "line_bytes": 200_000, "messages": True},
    ],
)
async def test_a_flood_is_read_to_its_end_in_bounded_memory(talk: Talk, flood: dict[str, Any]) -> None:
    """I18: lines, an endless line, lines beyond the bound, standard error, long messages; then the turn goes on."""
    dialogue = await talk([{"flood": flood}, {"raw": "\n"}, {"say": "over"}])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await dialogue.send(Turn("go"))
    heard, errors, longest, last = 0, [], 0, ""
    async with asyncio.timeout(60):
        while not isinstance(event := await dialogue.next(), TurnEnded):
            if isinstance(event, Output):
                heard, longest = heard + len(event.data), max(longest, len(event.data))
            elif isinstance(event, Said) and event.type is EventType.ERROR:
                errors.append(event.data["text"])
            elif isinstance(event, Said):
                last = event.data["text"]
                heard, longest = heard + len(last), max(longest, len(last))
    assert last == "over"
    assert longest <= 64 << 10
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 30 << 10  # KiB
    if flood.get("line_bytes", 100) in (100, 200_000):
        assert heard >= 29 << 20
        assert errors == []
    else:
        assert heard < 1 << 20
        assert errors
        assert f"at most {LINE_BYTES_MAX}" in errors[0]


async def test_a_long_message_comes_whole_in_pieces_that_end_between_words(talk: Talk) -> None:
    """I11, I18: an event holds 64 KiB; a secret is not cut in two by us."""
    words = "word{text} " * 30_000
    dialogue = await talk([{"say": words.replace("{text}", "ö")}])
    events = await turn(dialogue)
    pieces = texts(events)
    assert "".join(pieces) == "wordö " * 30_000
    assert len(pieces) > 10
    assert all(piece.endswith(" ") for piece in pieces)
    assert [event.data.get("delta", False) for event in events if isinstance(event, Said)] == [False] + [True] * (
        len(pieces) - 1
    )


async def test_the_end_of_the_process_is_the_end_of_its_turn(talk: Talk) -> None:
    """A43: exit status 0 is no success where no turn has ended; what was half said is kept."""
    dialogue = await talk([{"say": "x"}, {"raw": '{"type": "done"'}, {"exit": 0}])
    events = await turn(dialogue)
    assert events[-1] == Ended(exit_code=0)
    assert not [event for event in events if isinstance(event, TurnEnded)]
    assert texts(events, EventType.ERROR)


async def test_an_agent_that_takes_no_input_is_ended_when_its_next_turn_comes(talk: Talk) -> None:
    """A40: a process that is of no use to anybody is not kept."""
    dialogue = await talk([{"close": "stdin"}, {"done": "x"}, {"hang": True}])
    await turn(dialogue)
    events = await turn(dialogue)
    assert isinstance(events[-1], Ended)
    assert events[-1].signal == 9
    assert "takes no input" in texts(events, EventType.ERROR)[0]


async def test_steers_that_an_agent_does_not_read_are_bounded_and_settled(talk: Talk) -> None:
    """I18: 8 MiB wait for it; what is more is refused at once, and all are settled when the turn ends."""
    dialogue = await talk([{"say": "x"}, {"hang": 0.5}])
    await dialogue.send(Turn("go"))
    await until(dialogue, Said)
    for number in range(20):
        await dialogue.send(Steer(f"s{number}", "x" * (1 << 20)))
    events = await until(dialogue, TurnEnded)
    settled = [event for event in events if isinstance(event, SteerSettled)]
    assert {event.signal for event in settled} == {f"s{number}" for number in range(20)}
    assert len(settled) == 20
    refused = [event for event in settled if "takes no input" in (event.why or "")]
    assert 10 <= len(refused) <= 13
    assert events[-1] == TurnEnded(text="x")


async def test_asked_to_leave_an_agent_hears_bye_and_may_tidy_up(talk: Talk, tmp_path: Path) -> None:
    """Asking comes before signals, in the middle of a turn too."""
    dialogue = await talk([{"say": "x"}, {"sleep": "1h"}], end=[{"write": {"file": "tidy", "text": "done"}}])
    await dialogue.send(Turn("go"))
    await until(dialogue, Said)
    await dialogue.close(How.ASK)
    assert (await until(dialogue, Ended))[-1] == Ended(exit_code=0)
    assert (tmp_path / "tidy").read_text() == "done"
    assert len(journal(tmp_path, "bye")) == 1


async def test_an_agent_that_does_not_leave_is_ended_harder(talk: Talk) -> None:
    """B15: deaf to bye, deaf to SIGTERM, not to SIGKILL; with all that it has left behind (I6)."""
    steps: Any = [{"ignore": "SIGTERM"}, {"daemon": {"deaf": True}}, {"child": {}}, {"say": "x"}, "hang"]
    dialogue = await talk(steps, end=["hang"])
    await dialogue.send(Turn("go"))
    await until(dialogue, Said)
    await dialogue.close(How.ASK)
    await dialogue.close(How.TERM)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(dialogue.next(), 0.3)
    await dialogue.close(How.KILL)
    ended = (await until(dialogue, Ended))[-1]
    assert isinstance(ended, Ended)
    assert (ended.signal, ended.certain) == (9, True), ended


async def test_what_a_turn_left_running_is_gone_before_the_next(
    talk: Talk, tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    """Semantics, "Processes": daemons and children of a turn go, the process stays and takes the next one."""
    dialogue = await talk([{"daemon": {"deaf": True}}, {"child": {}}, {"say": "{pid}"}])
    pid = texts(await turn(dialogue))[0]
    left = [line["left"] for line in journal(tmp_path, "left")]
    assert len(left) == 2
    assert await dialogue.clear()
    assert all(gone(one) for one in left)
    assert texts(await turn(dialogue)) == [pid]
    assert await dialogue.clear()


async def test_a_wait_that_is_given_up_loses_nothing(talk: Talk) -> None:
    """I4: every event once and in order, although the reader comes and goes."""
    dialogue = await talk([{"stream": {"chunks": 30, "every": 0.01}}])
    await dialogue.send(Turn("go"))
    events: list[DialogueEvent] = []
    async with asyncio.timeout(WITHIN_S):
        while not events or not isinstance(events[-1], TurnEnded):
            with suppress(TimeoutError):
                events.append(await asyncio.wait_for(dialogue.next(), 0.003))
    assert texts(events) == [f"word {number} " for number in range(1, 31)]


async def test_before_the_go_nothing_is_executed_and_asking_ends_it(agent: ProcessAgent, tmp_path: Path) -> None:
    """I7: two steps."""
    kind = AgentKind(command=(sys.executable, "-c", "open('ran', 'w')"))
    opening = Opening(cwd=str(tmp_path), env={}, tag=f"test-{secrets.token_hex(6)}")
    dialogue = await LinesAgent(kind, agent).open(opening)
    assert isinstance(dialogue, LineDialogue)
    await dialogue.close(How.ASK)
    ended = (await until(dialogue, Ended))[-1]
    assert isinstance(ended, Ended)
    assert not ended.started
    assert not (tmp_path / "ran").exists()
