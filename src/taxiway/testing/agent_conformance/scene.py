"""What the agent of a case is to do, in words that every subject brings to its own agent in its own way."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from taxiway.agents.dialogue import DialogueAgent
from taxiway.agents.process import ProcessAgent
from taxiway.core.agent import Access, AgentKind


class CannotPlay(Exception):
    """Raised by a subject that has no way to make its agent do what a scene wants; the case is skipped, and says so."""


class Say(msgspec.Struct, frozen=True):
    """Say this text, and nothing else."""

    text: str


class SaySlowly(msgspec.Struct, frozen=True):
    """Say these words one by one, for many seconds in all; an interrupt is heard in between."""

    text: str


class SayMuch(msgspec.Struct, frozen=True):
    """Say a text of so many characters, whatever it says."""

    chars: int


class AnswerWith(msgspec.Struct, frozen=True):
    """Give this as the turn's result; the turn comes with a JSON Schema that it follows."""

    value: Any


class Consume(msgspec.Struct, frozen=True):
    """The next call of the model consumes so many tokens."""

    taken: int
    given: int


class WriteFile(msgspec.Struct, frozen=True):
    """Write a file of the folder that it works in, by a tool, without asking."""

    name: str
    text: str


class AskToWrite(msgspec.Struct, frozen=True):
    """Ask for a permission to write a file, and write it only when that is given."""

    name: str


class AwaitFile(msgspec.Struct, frozen=True):
    """By a tool: wait until this file of its folder is there."""

    name: str


class Linger(msgspec.Struct, frozen=True):
    """By a tool: append a line to this file, leave a process in a session of its own that is deaf to signals, and do
    not come back for minutes. An interrupt is heard."""

    name: str


class Hang(msgspec.Struct, frozen=True):
    """Never go on, and hear nothing, as where a provider does not answer."""


class Trouble(StrEnum):
    """What the provider does instead of answering, and not only once."""

    LIMIT = "limit"  #: too many requests, or a plan that is used up; it says when it resets
    FAILURE = "failure"  #: an error of its own, such as 500
    REFUSAL = "refusal"  #: the credentials are not good
    CUT = "cut"  #: half of an answer, then nothing


class Meet(msgspec.Struct, frozen=True):
    """Meet a trouble with the provider; a limit resets in ``reset_s``."""

    trouble: Trouble
    reset_s: float = 2.0


Step = Say | SaySlowly | SayMuch | AnswerWith | Consume | WriteFile | AskToWrite | AwaitFile | Linger | Hang | Meet
Script = tuple[Step, ...]  #: what is done in one turn, in order


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """The turns of one conversation. ``steered``: what is done in the first turn once a steer has gone in, instead of
    what would come then.

    ``remembered``: its second turn can only be taken by who remembers the first; another process takes it. ``missing``:
    the program is not there (only for subjects with a ``DialogueAgent`` of their own: of an ``AgentKind`` the command
    is replaced).
    """

    turns: tuple[Script, ...]
    steered: Script = ()
    remembered: bool = False
    missing: bool = False


class Surroundings(msgspec.Struct, frozen=True):
    """Where a subject's agent lives (``folder``) and works (``work``, below it); ``process`` starts programs."""

    folder: Path
    work: Path
    process: ProcessAgent


def _at_once() -> bool:
    return True


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that has its script.

    ``agent`` is how Taxiway would be configured to drive it, or an adapter of one's own. ``prompts`` are the texts of
    the scene's turns, ``steer`` is that of a steer. ``env`` is its complete environment. ``remembers`` holds, in the
    middle of a lingering tool, once the agent has written down what it did so far; many do that a moment later.
    """

    agent: AgentKind | DialogueAgent
    prompts: tuple[str, ...]
    steer: str = "and listen to this"
    env: dict[str, str] = {}
    access: Access = Access.WRITE
    remembers: Callable[[], bool] = _at_once
