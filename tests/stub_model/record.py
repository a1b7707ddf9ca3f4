"""What the stub saw: an entry for each request, there while it is still answered, so that a test can look."""

import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

PROMPT_LENGTH_MAX = 4_000


class Outcome(StrEnum):
    """How an exchange ended."""

    OPEN = "open"
    STREAMED = "streamed"
    ANSWERED = "answered"
    FAILED = "failed"
    CUT = "cut"
    CLIENT_GONE = "client gone"
    STOPPED = "stopped"  #: the stub itself ended
    BAD_SCRIPT = "bad script"
    BAD_REQUEST = "bad request"
    NO_ROUTE = "no route"


@dataclass
class Exchange:
    """One request and what became of it."""

    number: int
    at: float  #: Unix seconds
    path: str
    account: str  #: the key that the client showed
    dialect: str = ""
    model: str = ""
    stream: bool = False
    tools: list[str] = field(default_factory=list)
    schema: bool = False
    prompt: str = ""  #: the last text that is not the model's, cut
    entries: int = 0  #: of the history
    why: str = ""  #: "turn 0", "side", "fault"
    outcome: Outcome = Outcome.OPEN
    status: int | None = None
    seconds: float | None = None
    taken: int = 0  #: tokens in
    given: int = 0
    cached: int = 0
    headers: dict[str, str] = field(default_factory=dict)  #: of the request, without secrets

    began: float = field(default_factory=time.monotonic)

    def settle(self, outcome: Outcome) -> None:
        """Say how it ended; said before the last byte goes out, so that a client never knows it earlier than a test."""
        self.outcome = outcome
        self.seconds = round(time.monotonic() - self.began, 3)

    def as_json(self) -> dict[str, Any]:
        """All of it, for whoever asks over HTTP."""
        return asdict(self)
