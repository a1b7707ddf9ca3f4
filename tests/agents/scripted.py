"""The real agent CLIs as subjects of the conformance suite: a scene becomes a script of the stub model."""

import json
import shlex
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, assert_never

import pytest

from taxiway.core.agent import Access, Adapter, AgentKind
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
from tests.agents import homes, installed
from tests.stub_model.server import StubModel

DRIP_MS = 100
CUTS = 9  #: more than any agent tries
DEAF = "(trap '' INT TERM HUP; exec setsid sleep 3331) & sleep 3330"
FAR = {"sandbox_permissions": "require_escalated", "justification": "I need it"}  #: what Codex has to ask for


class Scripted:
    """One real CLI with the stub model."""

    name: ClassVar[str]
    adapter: ClassVar[Adapter]
    words: ClassVar[tuple[str, ...]] = ()
    home: ClassVar[Callable[..., homes.Home]]
    cannot: ClassVar[Mapping[Case, str]] = {}
    untried: ClassVar[Mapping[Case, str]] = {}

    @classmethod
    def version(cls) -> str:
        """What the program says of itself."""
        return installed.version(cls.name)

    @classmethod
    def pin(cls) -> str:
        """Where that version comes from."""
        return installed.pinned(cls.name)

    @pytest.fixture(autouse=True)
    async def stub(self) -> AsyncIterator[StubModel]:
        """The model."""
        async with StubModel() as self.model:
            yield self.model

    async def stage(self, scene: Scene, around: Surroundings) -> Staged:
        """It has its script in its prompt. Where one turn has to remember another, both scripts are in the first."""
        home = self.at_home(scene, around.folder).lay()
        scripts = [" ;; ".join(self.played(script, around.work)) for script in scene.turns]
        prompts = [f"[[stub: {script}]]" for script in scripts]
        if scene.remembered:
            prompts = [f"[[stub: {' ;; '.join(scripts)}]]", *("continue" for _ in scripts[1:])]
        steer = " ;; ".join(self.played(scene.steered, around.work))
        return Staged(
            agent=AgentKind(adapter=self.adapter, command=(*home.argv, *self.words)),
            prompts=tuple(prompts),
            steer=f"rather [[stub: {steer}]]",
            env=home.environ,
            access=self.access_for(scene),
            remembers=lambda: self.remembers(home),
        )

    def at_home(self, scene: Scene, folder: Path) -> homes.Home:
        """The home of the CLI in this scene."""
        return type(self).home(folder, self.model.url)

    def access_for(self, scene: Scene) -> Access:
        """What it may do: files of its folder, and it asks for the rest."""
        return Access.WRITE

    def remembers(self, home: homes.Home) -> bool:
        """Whether it has written down the call of the tool that is on its way."""
        return True

    def played(self, script: Script, work: Path) -> Iterator[str]:
        """The steps of the stub's script."""
        return (self.step(step, work) for step in script)

    def step(self, step: Step, work: Path) -> str:
        """The step of the stub's script for one of ours."""
        match step:
            case Say(text):
                return f"say {text}"
            case SaySlowly(text):
                return f"drip {DRIP_MS} ;; say {text}"
            case SayMuch(chars):
                return f"huge {chars}"
            case AnswerWith(value):
                return f"answer {json.dumps(value)}"
            case Consume(taken, given):
                return f"usage in={taken} out={given}"
            case WriteFile(name, text):
                return f"write {work / name} {text}"
            case AskToWrite(name):
                return self.asking(name)
            case AwaitFile(name):
                return f"sh until [ -e {shlex.quote(name)} ]; do sleep 0.05; done"
            case Linger(name):
                return f"sh echo begun >> {shlex.quote(name)}; {DEAF}"
            case Hang():
                return "hang"
            case Meet(trouble, reset_s):
                return self.trouble(trouble, reset_s)
            case _:
                assert_never(step)

    def asking(self, name: str) -> str:
        """A call that it asks for."""
        return f"sh echo allowed > {shlex.quote(name)}"

    def trouble(self, trouble: Trouble, reset_s: float) -> str:
        """What the stub does instead of answering."""
        match trouble:
            case Trouble.LIMIT:
                return f"limit times=all reset={reset_s} ;; say never"
            case Trouble.FAILURE:
                return "err 500 times=all ;; say never"
            case Trouble.REFUSAL:
                return "err 401 times=all retry=1 ;; say never"
            case Trouble.CUT:
                return " ;; ".join(["cut half of it"] * CUTS)
            case _:
                assert_never(trouble)


class Codex(Scripted):
    """Codex by its app-server."""

    name = "codex"
    adapter = Adapter.CODEX
    words = ("app-server",)
    home = staticmethod(homes.codex)

    def at_home(self, scene: Scene, folder: Path) -> homes.Home:
        """What lingers is not in its sandbox, which would end it."""
        home = super().at_home(scene, folder)
        if lingers(scene):
            free = 'sandbox_mode = "danger-full-access"\napproval_policy = "never"\n'
            home.files[".codex/config.toml"] = free + home.files[".codex/config.toml"]
        return home

    def access_for(self, scene: Scene) -> Access:
        """As its configuration says, where something lingers."""
        return Access.AUTO if lingers(scene) else Access.WRITE

    def asking(self, name: str) -> str:
        """A command outside the sandbox."""
        return f"tool exec_command {json.dumps({'cmd': f'echo allowed > {shlex.quote(name)}', **FAR})}"


class Claude(Scripted):
    """Claude Code, which asks before every command."""

    name = "claude"
    adapter = Adapter.CLAUDE
    home = staticmethod(homes.claude)

    def at_home(self, scene: Scene, folder: Path) -> homes.Home:
        """A subscription, where its limits are the matter: with a key there is no time of a reset."""
        limited = any(isinstance(step, Meet) and step.trouble is Trouble.LIMIT for turn in scene.turns for step in turn)
        return homes.claude(folder, self.model.url, allow=(), plan=limited)

    def access_for(self, scene: Scene) -> Access:
        """With `write` it asks for no command that only writes here."""
        asks = any(isinstance(step, AskToWrite) for turn in scene.turns for step in turn)
        return Access.AUTO if asks else Access.WRITE

    def remembers(self, home: homes.Home) -> bool:
        """It writes a moment after it has begun."""
        return any(b'"tool_use"' in kept.read_bytes() for kept in home.folder.glob(".claude/projects/*/*.jsonl"))


class OverAcp(Scripted):
    """Those that speak ACP and try again as long as a provider says."""

    adapter = Adapter.ACP

    def trouble(self, trouble: Trouble, reset_s: float) -> str:
        """Too many requests, and when to come again."""
        if trouble is Trouble.LIMIT:
            return f"err 429 times=all retry={reset_s:g} ;; say never"
        return super().trouble(trouble, reset_s)


class Gemini(OverAcp):
    """Gemini CLI."""

    name = "gemini"
    words = ("--acp",)
    home = staticmethod(homes.gemini)


class OpenCode(OverAcp):
    """OpenCode."""

    name = "opencode"
    words = ("acp",)
    home = staticmethod(homes.opencode)
    cannot: ClassVar = {
        Case.USAGE_OF_TOOLS: "it tells the tokens of the last call only, so they stay unknown; its cost is that of all"
    }


CLIS = (Codex, Claude, Gemini, OpenCode)


def lingers(scene: Scene) -> bool:
    """Whether a tool of the scene leaves something running."""
    return any(isinstance(step, Linger) for turn in scene.turns for step in turn)
