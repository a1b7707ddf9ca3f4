"""The fake agent tells what the real programs told: their recorded lines and its own, read by the same adapters."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from taxiway.agents.claude import ClaudeSpeech
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    DialogueEvent,
    Interrupt,
    Limited,
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
from taxiway.agents.protocol import Go
from taxiway.core.agent import Access, Adapter
from taxiway.core.event import EventType
from tests.faults.fakes import Talk, fakes, heard
from tests.unit.agents.spoken import Spoken
from tests.unit.agents.test_claude import RECORDINGS, SCHEMA
from tests.unit.agents.test_codex import replay

WORDS = {EventType.MESSAGE, EventType.THOUGHT}
USED_UP = "You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage to purchase more credits or try again at 10:40 AM."  # noqa: E501, RUF001
BUSY = "exceeded retry limit, last status: 429 Too Many Requests, request id: req_stub"
HOLDS = ("sandbox", "network", "approval_policy", "permission_mode")


def usage(read: int, written: int, cached: int = 0) -> dict[str, Any]:
    """A step: what the turn has consumed by now."""
    return {"usage": {"input_tokens": read, "output_tokens": written, "cached_tokens": cached}}


def told(events: list[DialogueEvent]) -> list[tuple[Any, ...]]:
    """What counts of them: types and fields, without ids, times and where the pieces of a text end."""
    found: list[tuple[Any, ...]] = []
    for event in events:
        shown = tuple(_shown(event))
        if found and isinstance(event, Said) and event.type in WORDS and found[-1][0] is event.type:
            found[-1] = (event.type, found[-1][1] + shown[1])
        elif not found or not isinstance(event, Used) or found[-1] != shown:
            found.append(shown)
    return found


def _shown(event: DialogueEvent) -> Iterator[Any]:
    match event:
        case Said(kind, data):
            yield kind
            match kind:
                case EventType.MESSAGE | EventType.THOUGHT | EventType.DIFF:
                    yield data["text"]
                case EventType.TOOL_CALL:
                    yield data["name"]
                case EventType.TOOL_RESULT:
                    yield from (data["name"], bool(data.get("failed")), data.get("declined", False), data.get("output"))
                case EventType.STATUS:
                    yield {name: data[name] for name in HOLDS if name in data}
                case _:
                    pass
        case Used(consumed):
            yield from (Used, consumed.input_tokens, consumed.output_tokens, consumed.cached_tokens)
        case Limited(limit):
            yield from (Limited, limit.kind, limit.window, limit.resets_at is not None)
        case Asked():
            yield from (Asked, event.text, event.tool)
        case SteerSettled():
            yield from (SteerSettled, event.signal, event.applied)
        case TurnEnded():
            limit = event.limit
            yield from (TurnEnded, event.reason, event.error, event.text, event.result, event.interrupted)
            yield from (event.passing, None if limit is None else (limit.kind, limit.resets_at is not None))
        case _:
            yield type(event)


class Scene(NamedTuple):
    """What was recorded, the steps that say the same turn by turn, and what was done meanwhile: when (a type of
    events), and what."""

    recording: str
    turns: list[list[Any]]
    acts: tuple[tuple[Any, Any], ...] = ()
    schema: dict[str, Any] | None = None
    access: Access = Access.WRITE


def shell(command: str, output: str = "", **more: Any) -> dict[str, Any]:
    """A step: a command."""
    return {"tool": {"name": "Bash", "input": {"command": command}, "output": output, **more}}


AWAKE = {"repeat": {"times": 10_000, "steps": [{"sleep": "20ms"}]}}
PATCH = {"changes": [{"path": "/example/new.txt", "diff": "one\n"}]}
CODEX = [
    Scene(
        "codex-turns",
        [
            [
                {"think": "let me see"},
                shell("echo seen; exit 3", "seen\n", failed=True),
                usage(1000, 20, 600),
                {"tool": {"name": "apply_patch", "input": PATCH}},
                usage(2100, 25, 600),
                {"rate_limit": {"kind": "warning", "resets_in": "1h", "fail": False}},
                {"say": "all done"},
                usage(3300, 27, 600),
            ],
            [{"say": "two"}, usage(50, 5)],
        ],
    ),
    Scene(
        "codex-refused",
        [
            [
                {"ask": {"text": "I need it", "input": {"command": "echo hi > asked.txt"}}},
                usage(10621, 26),
                {"say": "over"},
                usage(21351, 27),
            ]
        ],
        ((Asked, False),),
    ),
    Scene(
        "codex-steered",
        [[{"sleep": "500ms"}, shell("sleep 1", takes=0.2), usage(10623, 4), AWAKE]],
        ((None, Steer("s1", "first")), (Used, Steer("s2", "then")), (SteerSettled, Interrupt())),
    ),
    Scene(
        "codex-limited",
        [
            [{"rate_limit": {"kind": "rate", "text": BUSY}}],
            [{"rate_limit": {"kind": "quota", "resets_in": "2h", "text": USED_UP}}],
        ],
    ),
]
LIMIT = "You've hit your 5-hour limit · resets 9:41am (UTC)"
OVERLOADED = "API Error: Repeated 529 Overloaded errors. The API is at capacity — this is usually temporary. Try again in a moment. If…"  # noqa: E501
CLAUDE = [
    Scene("say", [[{"think": "hm"}, {"say": "one two"}, usage(1000, 20, 300)], [{"say": "three"}, usage(50, 5)]]),
    Scene(
        "tools",
        [
            [
                usage(13463, 18),
                {"tool": {"name": "Write", "input": {"file_path": "/example/a.txt", "content": "one\ntwo\n"}}},
                usage(27014, 24),
                shell("cat a.txt", "one\ntwo"),
                usage(40622, 25),
                {"say": "done"},
            ]
        ],
    ),
    Scene(
        "ask",
        [[usage(13450, 6), {"ask": {"text": "echo hi > f", "tool": "Bash"}}, usage(26954, 7), {"say": "done"}]],
        ((Asked, False),),
        access=Access.AUTO,
    ),
    Scene(
        "steer",
        [[usage(13449, 5), shell("sleep 1", takes=0.5), usage(27041, 6), {"say": "after"}]],
        ((EventType.TOOL_CALL, Steer("s1", "more")),),
    ),
    Scene(
        "interrupt",
        [[usage(13453, 1), {"say": {"text": "one", "delta": True}}, {"sleep": "1h"}]],
        ((EventType.MESSAGE, Interrupt()),),
    ),
    Scene("schema", [[usage(13528, 3), {"done": {"text": "x", "result": {"name": "x"}}}]], schema=SCHEMA),
    Scene("quota", [[{"rate_limit": {"kind": "quota", "resets_in": "1h", "text": LIMIT}}]]),
    Scene("overloaded", [[{"rate_limit": {"kind": "overload", "text": OVERLOADED}}]]),
]


@pytest.fixture
async def talk(agent: ProcessAgent, tmp_path: Path) -> AsyncIterator[Talk]:
    """`await talk(adapter, …)` opens a fake agent that is ready."""
    async with fakes(agent, tmp_path) as start:
        yield start


async def played(talk: Talk, adapter: Adapter, scene: Scene, thread: str | None = None) -> list[DialogueEvent]:
    """A scene, played by the fake agent."""
    turns = [{"match": f"turn {number}$", "steps": steps} for number, steps in enumerate(scene.turns)]
    events: list[DialogueEvent] = []
    opening = {"schema": scene.schema, "access": scene.access, "thread": thread}
    dialogue = await talk(adapter, turns=turns, opened=events, opening=opening)
    acts = list(scene.acts)
    for number in range(len(turns)):
        await dialogue.send(Turn(f"turn {number}", scene.schema))
        while acts:
            when, what = acts.pop(0)
            if when is not None:
                events += await until(dialogue, when)
            last = events[-1]
            await dialogue.send(Answer(last.id, what, "the policy says no") if isinstance(last, Asked) else what)
        events += await heard(dialogue, TurnEnded)
    return events


async def until(dialogue: LineDialogue, when: Any) -> list[DialogueEvent]:
    """The events up to and with the first of this type."""
    if isinstance(when, EventType):
        return await heard(dialogue, Said, type=when)
    return await heard(dialogue, when)


def recorded(scene: Scene) -> list[DialogueEvent]:
    """A recording of Claude Code, heard by its adapter; what is done meanwhile is done as early as it may be."""
    lines = [json.loads(line) for line in (RECORDINGS / f"{scene.recording}.jsonl").read_text("utf-8").splitlines()]
    talk = Spoken(lambda floor: ClaudeSpeech(floor, "tag", scene.schema))
    events = talk.send(Go()) + talk.hear(lines[0]) + talk.send(Turn("go", scene.schema))
    for when, what in scene.acts:
        events += [] if when is Asked else talk.send(what)
    for place, line in enumerate(lines[1:], 1):
        new = talk.hear(line)
        events += new
        for event in new:
            if isinstance(event, Asked):
                events += talk.send(Answer(event.id, False, "the policy says no"))
            elif isinstance(event, TurnEnded) and place < len(lines) - 2:
                events += talk.send(Turn("go", scene.schema))
    return events


@pytest.mark.parametrize("scene", CODEX, ids=lambda scene: scene.recording)
async def test_the_fake_codex_is_told_of_as_the_real_one_was(talk: Talk, scene: Scene) -> None:
    """The same types of events in the same order, with the same contents."""
    assert told(await played(talk, Adapter.CODEX, scene)) == told(await asyncio.to_thread(replay, scene.recording))


async def test_the_fake_codex_goes_on_as_the_real_one_did(talk: Talk) -> None:
    """Trap 8: the total of before is told again, and not counted again."""
    (first,) = [
        event.thread for event in await asyncio.to_thread(replay, "codex-turns") if isinstance(event, ThreadKnown)
    ]
    before = await played(talk, Adapter.CODEX, CODEX[0])
    (thread,) = [event.thread for event in before if isinstance(event, ThreadKnown)]
    events = await played(talk, Adapter.CODEX, Scene("", [[{"say": "again"}, usage(30, 3)]]), thread)
    assert told(events) == told(await asyncio.to_thread(replay, "codex-resumed", first))


@pytest.mark.parametrize("scene", CLAUDE, ids=lambda scene: scene.recording)
async def test_the_fake_claude_is_told_of_as_the_real_one_was(talk: Talk, scene: Scene) -> None:
    """The same types of events in the same order, with the same contents."""
    assert told(await played(talk, Adapter.CLAUDE, scene)) == told(await asyncio.to_thread(recorded, scene))
