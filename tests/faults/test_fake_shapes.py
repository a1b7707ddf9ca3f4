"""Each line that the fake agent writes as Codex or Claude Code has a shape that the real one's lines had.

`seen/*.json` was made of what the real programs wrote, field by field, with the types of the values
(`python -m tests.agents.shapes`).
"""

from collections.abc import AsyncIterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.dialogue import Answer, Asked, Interrupt, Said, Steer, SteerSettled, Turn, TurnEnded
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.process import ProcessAgent
from taxiway.core.agent import Access, Adapter
from taxiway.core.event import EventType
from tests.faults.fakes import Talk, fakes, heard
from tests.shapes import differences, listen, seen, shapes_of

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
#: What the fake agent leaves out although the real one writes it: what nobody could script, and what follows from it.
LEFT_OUT: dict[Adapter, tuple[str, ...]] = {
    Adapter.CODEX: (),
    Adapter.CLAUDE: (
        "control_response initialize success: * is left out",
        "system init: * is left out",
        "result *: subagent_stats is left out",
        *(f"result success completed: {time} is left out" for time in ("*_ms", "first_request_*_tokens")),
        "control_request can_use_tool: request.blocked_path is left out",
        "control_request can_use_tool: request.permission_suggestions is left out",
        "rate_limit_event *: rate_limit_info.unifiedWindows is left out",
    ),
}
ANSWERS = {"tool": {"name": "Bash", "input": {"command": "ls"}, "output": "a.py"}}
#: What is said turn by turn; each turn's text names it.
TURNS: dict[str, list[Any]] = {
    "tools": [
        {"think": "hm"},
        ANSWERS,
        {"tool": {"name": "Bash", "input": {"command": "ls x"}, "output": "no", "failed": True}},
        {"tool": {"name": "Write", "input": {"file_path": "/w/a", "content": "one\n"}}},
        {"tool": {"name": "apply_patch", "input": {"changes": [{"path": "/w/a", "diff": "one\n"}]}}},
        {"usage": {"input_tokens": 1000, "output_tokens": 20, "cached_tokens": 600}},
        {"rate_limit": {"kind": "warning", "resets_in": "1h", "fail": False}},
        {"rate_limit": {"kind": "rate", "fail": False}},
        {"stream": {"chunks": 2, "every": 0.01}},
        {"say": "done"},
    ],
    "ask": [{"ask": {"text": "clean", "input": {"command": "rm x"}}}, {"say": "{answer}"}],
    "patch": [{"ask": {"text": "clean", "tool": "apply_patch", "input": {"path": "/w/a", "diff": "x"}}}],
    "steer": [{"tool": {"name": "Bash", "takes": 0.3}}, {"say": "{steers}"}],
    "text": [{"say": {"text": "a", "delta": True}}, {"sleep": "1h"}],
    "tool": [{"tool": {"name": "Bash", "takes": "1h"}}],
    "sleep": [{"say": "x"}, {"sleep": "1h"}],
    "quota": [{"rate_limit": {"kind": "quota", "resets_in": "1h"}}],
    "cut": [{"say": {"text": "a", "delta": True}}, {"fail": "provider"}],
    "schema": [{"done": {"result": {"name": "x"}}}],
    **{reason: [{"fail": reason}] for reason in ("auth", "rate_limit", "provider", "gave_up", "budget", "agent_error")},
}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Everything that is said to agents, and what they say."""
    return listen(monkeypatch)


@pytest.fixture
async def talk(agent: ProcessAgent, tmp_path: Path) -> AsyncIterator[Talk]:
    """`await talk(adapter, …)` opens a fake agent that is ready."""
    async with fakes(agent, tmp_path) as start:
        yield start


async def live(dialogue: LineDialogue) -> None:
    """All turns, and what is done in them."""
    for name in TURNS:
        await dialogue.send(Turn(f"{name}.", SCHEMA))
        match name:
            case "ask" | "patch":
                asked = (await heard(dialogue, Asked, TurnEnded))[-1]
                if isinstance(asked, Asked):
                    await dialogue.send(Answer(asked.id, allow=name == "ask", text="no"))
            case "steer":
                await heard(dialogue, Said, type=EventType.TOOL_CALL)
                await dialogue.send(Steer("s1", "left"))
                await heard(dialogue, SteerSettled)
            case "text" | "sleep" | "tool":
                kind = EventType.TOOL_CALL if name == "tool" else EventType.MESSAGE
                await heard(dialogue, Said, type=kind)
                await dialogue.send(Steer("s2", "too late"))
                await dialogue.send(Interrupt())
            case _:
                pass
        await heard(dialogue, TurnEnded)


@pytest.mark.parametrize("adapter", [Adapter.CODEX, Adapter.CLAUDE])
async def test_no_line_has_a_shape_that_was_never_seen(
    talk: Talk, adapter: Adapter, steps: list[dict[str, Any]]
) -> None:
    """Field by field: what the real one writes, no more, and no less than is listed here."""
    turns = [{"match": f"^{name}[.]", "steps": does} for name, does in TURNS.items()]
    await live(await talk(adapter, turns=turns, opening={"schema": SCHEMA, "access": Access.AUTO}))
    found = list(differences(shapes_of(steps), seen(adapter.value)))
    rest = [one for one in found if not any(fnmatch(one, left) for left in LEFT_OUT[adapter])]
    assert rest == [], "\n".join(rest)
