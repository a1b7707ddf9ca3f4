"""The fake agent as a subject of the conformance suite: a scene becomes its script, in every protocol."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, assert_never

import taxiway
from taxiway.core.agent import Adapter, AgentKind
from taxiway.testing.agent_conformance import (
    AnswerWith,
    AskToWrite,
    AwaitFile,
    Case,
    Consume,
    Hang,
    Linger,
    Meet,
    Say,
    SayMuch,
    SaySlowly,
    Scene,
    Script,
    Staged,
    Step,
    Surroundings,
    Trouble,
    WriteFile,
)
from taxiway.testing.fakeagent.command import fake_agent_command

Steps = list[dict[str, Any] | str]


class Fake:
    """The fake agent, speaking one protocol."""

    name: ClassVar[str]
    adapter: ClassVar[Adapter] = Adapter.LINES
    protocol: ClassVar[str] = "lines"
    limit: ClassVar[str] = "rate"  #: the kind of limit whose reset its protocol can tell
    cannot: ClassVar[Mapping[Case, str]] = {}
    untried: ClassVar[Mapping[Case, str]] = {}

    @classmethod
    def version(cls) -> str:
        """It is a part of Taxiway."""
        return taxiway.__version__

    @classmethod
    def pin(cls) -> str:
        """It is not installed from anywhere."""
        return ""

    async def stage(self, scene: Scene, around: Surroundings) -> Staged:
        """Its script is a file, in which each turn of the conversation has its number."""
        turns = [
            {"turn": number, "steps": list(acted(script, around.work, self.limit))}
            for number, script in enumerate(scene.turns, 1)
        ]
        if scene.steered:
            turns[0]["on_steer"] = [*acted(scene.steered, around.work, self.limit), {"done": {}}]
        path = around.folder / "script.json"
        path.write_text(json.dumps({"turns": turns, "default": [{"say": "nobody told me what to do"}]}))
        command = fake_agent_command(path, memory=around.folder / "memory", protocol=self.protocol)
        kind = AgentKind(adapter=self.adapter, command=command, ready=r"^> $")
        return Staged(agent=kind, prompts=tuple(f"turn {number}" for number, _ in enumerate(turns, 1)))


class FakeLines(Fake):
    """Over `lines`."""

    name = "fake lines"


class FakeAcp(Fake):
    """Over the Agent Client Protocol."""

    name, adapter, protocol = "fake acp", Adapter.ACP, "acp"


class FakeTerminal(Fake):
    """On a terminal."""

    name, adapter, protocol = "fake terminal", Adapter.PTY, "terminal"


class FakeCodex(Fake):
    """As Codex's app-server."""

    name, adapter, protocol, limit = "fake codex", Adapter.CODEX, "codex", "quota"


class FakeClaude(Fake):
    """As Claude Code, which tells the reset of a plan only."""

    name, adapter, protocol, limit = "fake claude", Adapter.CLAUDE, "claude", "quota"


FAKES = (FakeLines, FakeCodex, FakeClaude, FakeAcp, FakeTerminal)


def acted(script: Script, work: Path, limit: str) -> Iterator[dict[str, Any] | str]:
    """The fake agent's steps for one turn."""
    taken = given = 0
    for step in script:
        if isinstance(step, Consume):
            taken, given = taken + step.taken, given + step.given
            yield {"usage": {"input_tokens": taken, "output_tokens": given}}
        else:
            yield from steps_of(step, work, limit)


def steps_of(step: Step, work: Path, limit: str) -> Steps:
    """Its steps for one of ours."""
    match step:
        case Say(text):
            return [{"say": text}]
        case SaySlowly(text):
            words = text.split()
            return [{"repeat": {"times": len(words), "steps": [{"stream": {"chunks": 1, "text": "two words "}}]}}]
        case SayMuch(chars):
            return [{"say": "x" * chars}]
        case AnswerWith(value):
            return [{"done": {"result": value}}]
        case WriteFile(name, text):
            return [{"tool": {"name": "write"}}, {"write": {"file": str(work / name), "text": text}}]
        case AskToWrite():
            return [{"ask": "may I write?"}, {"write": {"file": f"{work}/{{answer}}.txt"}}]
        case AwaitFile(name):
            return [{"tool": {"name": "wait"}}, {"await": str(work / name)}]
        case Linger(name):
            marker = {"file": str(work / name), "text": "begun\n", "append": True}
            left: Steps = [{"child": {"deaf": True}}, {"daemon": {"deaf": True, "holds": False}}]
            return [*left, {"write": marker}, {"await": str(work / "never")}]
        case Hang():
            return ["hang"]
        case Meet(trouble, reset_s):
            return [trouble_of(trouble, reset_s, limit)]
        case Consume():
            raise AssertionError("it is added up by who has the whole turn")
        case _:
            assert_never(step)


def trouble_of(trouble: Trouble, reset_s: float, limit: str) -> dict[str, Any]:
    """How the fake agent fails."""
    match trouble:
        case Trouble.LIMIT:
            return {"rate_limit": {"resets_in": reset_s, "kind": limit, "text": f"slow down, try again in {reset_s} s"}}
        case Trouble.FAILURE:
            return {"fail": {"reason": "provider", "error": "500 internal server error", "passing": True}}
        case Trouble.CUT:
            return {"fail": {"reason": "provider", "error": "the stream was cut", "passing": True}}
        case Trouble.REFUSAL:
            return {"fail": {"reason": "auth", "error": "401 unauthorized"}}
        case _:
            assert_never(trouble)
