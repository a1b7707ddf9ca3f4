"""What the real Codex and Claude Code write, as shapes.

`python -m tests.agents.shapes` writes `tests/faults/seen` anew, as is to be done with new versions of them. The stub
model plays the scenes; what is kept has no values, so it names nobody and nothing.
"""

import asyncio
import secrets
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from taxiway.agents.claude import ClaudeAgent
from taxiway.agents.codex import CodexAgent
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    DialogueEvent,
    Interrupt,
    Opening,
    Ready,
    Said,
    Steer,
    ThreadKnown,
    Turn,
    TurnEnded,
)
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, How
from taxiway.core.agent import Access, Adapter, AgentKind
from taxiway.core.event import EventType
from tests.agents import homes
from tests.dialogues import until
from tests.shapes import Shapes, keep, listen, shapes_of
from tests.stub_model.server import StubModel

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
UNKNOWN = "11111111-2222-4333-8444-555555555555"
WAITS = "sh until [ -e never ]; do sleep 0.1; done ;; say no"
ASKS = '{"cmd": "echo x > f", "sandbox_permissions": "require_escalated", "justification": "must"}'
TOOLS = "think hm ;; usage in=1000 out=20 cached=600 ;; sh echo seen; exit 3 ;; sh echo x ;; window used=92 reset=60"
#: Headers by which a provider says that a window of the account is nearly full.
WARNS = " ;; ".join(
    f"header anthropic-ratelimit-unified-{name} {value}"
    for name, value in {
        "status": "allowed_warning",
        "reset": 4_000_000_000,
        "representative-claim": "five_hour",
        "5h-utilization": 0.91,
        "5h-reset": 4_000_000_000,
    }.items()
)


class Scene(NamedTuple):
    """Prompts for the stub, turn by turn. With each question, text or use of a tool something is done, if ``act`` says
    so: answers, or what is sent. ``opening`` and ``flags`` are of its process; ``plan``: with a subscription."""

    prompts: tuple[str, ...]
    act: Any = None
    opening: dict[str, Any] = {}  # noqa: RUF012  (never changed)
    flags: tuple[str, ...] = ()
    plan: bool = False


FAILURES = tuple(f"err {status} times=all retry=0 ;; say no" for status in (400, 401, 429, 500, 503))
BOTH = (
    Scene((f"{TOOLS} ;; write new.txt one ;; say all done", "say two")),
    Scene(("say again",), opening={"thread": "known"}),
    Scene(("say again",), opening={"thread": "known", "fork": True}),
    Scene(("say never",), opening={"thread": UNKNOWN}),
    Scene((WAITS, "say on"), (Steer("s0", "more"), Interrupt())),
    Scene(("drip 200 ;; say one two three four",), (Interrupt(),)),
    Scene(("sh sleep 1 ;; say on",), (Steer("s1", "more"),)),
    Scene(("say one", *FAILURES, *[f"cut {'word ' * 500}"] * 2)),
    Scene((f"{WARNS} ;; say one", "limit times=all reset=60 ;; say no"), plan=True),
    Scene(("answer",), opening={"schema": SCHEMA}),
)
CODEX = (
    Scene((f"tool exec_command {ASKS} ;; say on", "write /var/tmp/taxiway-shapes.txt x ;; say on"), False),
    Scene((f"tool exec_command {ASKS} ;; say on",), True),
    Scene((f"tool exec_command {ASKS} ;; say on",), (Interrupt(), Steer("late", "more"))),
    Scene(("say on",), opening={"access": Access.ANALYSIS}),
)
CLAUDE = (
    Scene(("sh echo x > f ;; say on",), False, {"access": Access.AUTO}),
    Scene(("sh echo x > f ;; say on",), True, {"access": Access.AUTO}),
    Scene(("sh echo x > f ;; say on",), (Interrupt(),), {"access": Access.AUTO}),
    Scene(("sh echo x > f ;; say on",), opening={"access": Access.ANALYSIS}),
    Scene(("sh true ;; sh true ;; say on",), flags=("--max-turns", "1")),
    Scene(("usage in=1000000 out=10 ;; sh true ;; say on",), flags=("--max-budget-usd", "0.5")),
)
SCENES = {Adapter.CODEX: (*BOTH, *CODEX), Adapter.CLAUDE: (*BOTH, *CLAUDE)}


async def written(adapter: Adapter, folder: Path, patch: pytest.MonkeyPatch) -> Shapes:
    """The shapes of everything that a real program writes in its scenes."""
    steps, process, thread = listen(patch), ProcessAgent(), ""
    async with StubModel() as stub:
        for number, scene in enumerate(SCENES[adapter]):
            allow = ("Bash", "Write") if scene.opening.get("access") is None else ()
            if adapter is Adapter.CODEX:
                home = homes.codex(folder, stub.url).lay()
            else:
                home = homes.claude(folder, stub.url, allow=allow, plan=scene.plan).lay()
            fields = {"access": Access.WRITE, **scene.opening}
            if fields.get("thread") == "known":
                fields["thread"] = thread
            dialogue = await _open(adapter, process, home, scene.flags, fields)
            for prompt in scene.prompts:
                await dialogue.send(Turn(f"[[stub: {prompt}]] # {number}", fields.get("schema")))
                events = await _turn(dialogue, scene.act)
                thread = thread or next((event.thread for event in events if isinstance(event, ThreadKnown)), "")
            await dialogue.close(How.KILL)  # before another goes on with its conversation
            await until(dialogue, Ended)
    await process.aclose()
    return shapes_of(steps)


async def _open(
    adapter: Adapter, process: ProcessAgent, home: homes.Home, flags: tuple[str, ...], fields: dict[str, Any]
) -> LineDialogue:
    command = (*home.argv, *(("app-server",) if adapter is Adapter.CODEX else ()), *flags)
    driver = (CodexAgent if adapter is Adapter.CODEX else ClaudeAgent)(
        AgentKind(adapter=adapter, command=command), process
    )
    opening = Opening(cwd=str(home.work), env=home.environ, tag=f"test-{secrets.token_hex(6)}", **fields)
    dialogue = await driver.open(opening)
    assert isinstance(dialogue, LineDialogue), dialogue
    await dialogue.send(Go())
    await until(dialogue, Ready, TurnEnded, Ended)
    return dialogue


async def _turn(dialogue: LineDialogue, act: Any) -> list[DialogueEvent]:
    """One turn, and what is done in it, once."""
    events: list[DialogueEvent] = []
    while not events or not isinstance(events[-1], TurnEnded | Ended):
        events += await until(dialogue, Asked, Said, TurnEnded, Ended)
        last = events[-1]
        if isinstance(last, Asked) and isinstance(act, bool):
            await dialogue.send(Answer(last.id, act, None if act else "no"))
        works = isinstance(last, Said) and last.type in (EventType.MESSAGE, EventType.TOOL_CALL)
        if isinstance(act, tuple) and (works or isinstance(last, Asked)):
            for message in act:
                await dialogue.send(message)
            act = None
    return events


def main() -> None:
    """Write them anew."""
    for adapter in SCENES:
        with tempfile.TemporaryDirectory(dir=Path.home()) as folder, pytest.MonkeyPatch.context() as patch:
            keep(adapter.value, asyncio.run(written(adapter, Path(folder), patch)))


if __name__ == "__main__":
    main()
