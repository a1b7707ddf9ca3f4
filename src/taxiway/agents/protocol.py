"""The one protocol between engine and programs: launch, conversation, events. The engine knows nothing else of them.

The life of one run, as the engine drives it (I7)::

    opened = await agent.open(launch)           # step one: guardian and child exist, nothing is executed
    if isinstance(opened, SpawnFailure): ...    # an outcome; `passing`: trying later may help
    ... commit opened.mark to the store ...
    await opened.send(Go())                     # step two: the child becomes the program
    async for event in opened.events():         # Output, Output, ..., and exactly one Ended at last
        ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import Enum, StrEnum
from typing import Final, Literal, Protocol

import msgspec

from taxiway.core.run import ProcessMark as ProcessMark
from taxiway.core.vitals import Pulse

OUTPUT_PIECE_BYTES_MAX: Final = 64 << 10  #: one Output; there is no limit on lines
OUTPUT_BUFFER_BYTES_MAX: Final = 256 << 10  #: read but not yet pulled; past it the pipe fills and the program waits
INPUT_BUFFER_BYTES_MAX: Final = 8 << 20  #: accepted for an open input but not yet read by the program
INPUT_S_MAX: Final = 10.0  #: how long one write waits for a program that does not read
GO_S_MAX: Final = 10.0  #: without the go within this time nothing is executed
DRAIN_S_MAX: Final = 2.0  #: how long pipes are read after the tree is gone, when something else still holds them
TAG_VARIABLE: Final = "TAXIWAY_PROCESS"  #: carries `Launch.tag` in the environment of the whole tree


class Stdin(Enum):
    """A program's input that stays open, to be written to while it runs."""

    OPEN = "open"


OPEN: Final = Stdin.OPEN


class Window(msgspec.Struct, frozen=True):
    """The size of a pseudo-terminal, in characters."""

    columns: int
    rows: int


class Launch(msgspec.Struct, frozen=True):
    """What to start. ``env`` is the child's complete environment (`environment.child_environment` makes one).

    ``stdin`` None means /dev/null; bytes are followed by end-of-file; OPEN is a pipe that `ProcessConversation.write`
    feeds. With a ``window`` the program has a pseudo-terminal of that size for all three streams (one way in and one
    way out, called ``pty``), which is its controlling one. ``tag`` names the process record and reaches every process
    of the tree as ``TAXIWAY_PROCESS``. Without a word from the runner for ``lease_s`` seconds the guardian ends the
    tree by itself.
    """

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    tag: str
    stdin: bytes | Stdin | None = None
    lease_s: float = 30.0
    window: Window | None = None


class SpawnFailure(msgspec.Struct, frozen=True):
    """Why no program runs, in the operating system's words; ``passing`` when the same launch may well succeed later."""

    text: str
    errno: int | None = None
    passing: bool = False


class Go(msgspec.Struct, frozen=True):
    """The second step of a start: the engine has committed the mark, the program may run."""


Message = Go  #: what a conversation can be sent; a plain process takes the go and nothing else


class Output(msgspec.Struct, frozen=True):
    """Bytes that the program wrote, in order of arrival; cut at characters of UTF-8 where the bytes are UTF-8."""

    stream: Literal["stdout", "stderr", "pty"]
    data: bytes


class Ended(msgspec.Struct, frozen=True):
    """The last event: one of ``exit_code``, ``signal``, ``spawn_failure``; none when no program ran or nobody saw.

    ``certain``: the whole tree is confirmed gone; otherwise it may live on and its slots must stay held.
    ``leftovers``: processes that outlived the main one and were ended by the guardian.
    ``output_truncated``: something outside the tree still held a pipe when it was closed.
    ``started``: the go was given, so the program may have had effects.
    ``lease_expired``: the guardian ended the tree because no ping came for ``lease_s``.
    ``lost``: the guardian itself died; the exit status is unknown.
    """

    exit_code: int | None = None
    signal: int | None = None
    spawn_failure: SpawnFailure | None = None
    certain: bool = True
    leftovers: int = 0
    output_truncated: bool = False
    started: bool = True
    lease_expired: bool = False
    lost: bool = False


class Cleared(msgspec.Struct, frozen=True):
    """What became of that which a turn left running: how many processes were ended, and whether none is left."""

    ended: int
    certain: bool


class How(StrEnum):
    """In which manner a conversation is closed; the engine paces them and leaves the graces between."""

    ASK = "ask"
    TERM = "term"
    KILL = "kill"


class Conversation(Protocol):
    """One opened program. ``events`` has one reader, who pulls: nothing is read ahead beyond a small bound."""

    @property
    def mark(self) -> ProcessMark:
        """What to commit before the go."""
        ...

    async def send(self, message: Message) -> None:
        """Deliver a message; for a plain process the go. Does nothing when the conversation has ended."""
        ...

    def events(self) -> AsyncIterator[Output | Ended]:
        """What happens, ending with exactly one `Ended`."""
        ...

    async def close(self, how: How) -> None:
        """Have the program ended in this manner; the end shows in ``events``. May be called again, and more harshly."""
        ...

    async def ping(self) -> None:
        """Say that the runner lives: the guardian's own deadline starts anew."""
        ...

    def drop(self) -> None:
        """Let go without waiting: the guardian kills the tree by itself, and ``events`` stops without an `Ended`."""
        ...


class Agent(Protocol):
    """A kind of program that can be driven."""

    async def open(self, launch: Launch) -> Conversation | SpawnFailure:
        """Step one of a start: everything is ready and recorded in the mark, nothing is executed before the go."""
        ...

    async def aclose(self) -> None:
        """Give back what the agent holds itself; conversations that are still open are dropped."""
        ...


class CertaintyLevel(StrEnum):
    """How sure the end of a tree is, the surest first: known by its guardian or a reboot, by its tag only, unknown."""

    GUARDIAN = "guardian"
    SWEEP = "sweep"
    NONE = "none"


class Certainty(msgspec.Struct, frozen=True):
    """The level that holds here and, in a sentence, why it is not higher."""

    level: CertaintyLevel
    why: str


class Settled(msgspec.Struct, frozen=True):
    """What became of a dead runner's tree: whether it is gone, how sure that is, and why.

    ``killed`` counts the processes that the settling one itself had to kill, over all trees that it settled together.
    """

    certain: bool
    level: CertaintyLevel
    why: str
    killed: int = 0


class Settle(Protocol):
    """Ends the trees of dead runners of this host from outside (`settle.settle_trees`). Blocks: call it in a thread."""

    def __call__(self, marks: Sequence[ProcessMark], /) -> dict[str, Settled]:
        """What became of each tree, by tag."""
        ...


class TakePulse(Protocol):
    """Looks at a process tree of this host from outside (`pulse.take_pulse`)."""

    async def __call__(self, mark: ProcessMark, /) -> Pulse | None:
        """What is to be seen of it now; ``None``: it is gone, or is not ours to look at."""
        ...


class Orphan(msgspec.Struct, frozen=True):
    """A living process that carries a tag which nobody claims."""

    pid: int
    start: int
    tag: str
    command: str
