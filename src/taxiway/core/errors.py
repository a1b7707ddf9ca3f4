"""The one tree of errors that every door shows, each with a stable code.

A message says what was wrong, where, and what would be right. ``code`` is what programs match on; it is the same
in Python, in ``--json`` on the command line and (as ``code``) in HTTP problem details.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with an input.

    ``field`` is a dotted path (``tasks.lint.timeout``); ``line`` and ``column`` count from 1 and are given when the
    input came from a file; ``hint`` names what would be right (for an unknown name the nearest legal one); ``code`` is
    given where there is a closer one than ``invalid`` (``too_large``).
    """

    message: str
    field: str = ""
    file: str = ""
    line: int | None = None
    column: int | None = None
    hint: str = ""
    code: str = ""

    def __str__(self) -> str:
        where = self.file
        if self.line is not None:
            where += f":{self.line}" + (f":{self.column}" if self.column is not None else "")
        parts = [part for part in (where, self.field, self.message) if part]
        return ": ".join(parts) + (f" ({self.hint})" if self.hint else "")


class Error(Exception):
    """The root: whatever Taxiway refuses, it refuses with one of these. Nothing was stored."""

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details

    def to_json(self) -> dict[str, Any]:
        """The error as a JSON object: ``code``, ``message`` and the ids or names concerned."""
        return {"code": self.code, "message": self.message, **self.details}


class Invalid(Error):
    """The input is wrong; ``problems`` lists every fault that was found, not only the first."""

    code = "invalid"
    exit_status = 2
    http_status = 422

    def __init__(self, message: str, problems: Sequence[Problem] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.problems = tuple(problems)

    def to_json(self) -> dict[str, Any]:
        """The error with one object for each problem."""
        document = super().to_json()
        if self.problems:
            document["problems"] = [msgspec.to_builtins(problem) for problem in self.problems]
        return document


class Malformed(Error):
    """What was sent cannot be read at all: no JSON, not the content type that is taken, an unknown parameter's form."""

    code = "malformed"
    exit_status = 2
    http_status = 400


class NotFound(Error):
    """There is nothing with this id or name."""

    code = "not_found"
    exit_status = 3
    http_status = 404


class Ambiguous(Invalid):
    """A shortened id fits more than one thing; ``details["candidates"]`` lists them."""

    code = "ambiguous"


class Conflict(Error):
    """The thing exists, but its present state does not allow this."""

    code = "conflict"
    exit_status = 4
    http_status = 409


class IllegalTransition(Conflict):
    """A move that the state table does not have; the text names both states and what is allowed (rule A3)."""

    code = "illegal_transition"


class Terminal(Conflict):
    """The task or run has ended, and what has ended is final (I12)."""

    code = "terminal"


class NotPending(Conflict):
    """The question of an agent has been answered, has expired or is void; the first answer stands."""

    code = "not_pending"


class NoConversation(Conflict):
    """The session holds no conversation that another one could begin as."""

    code = "no_conversation"


class Exists(Conflict):
    """There is one with this name already, and a new one was asked for."""

    code = "exists"


class Archived(Conflict):
    """The session has been put away; it is as it was when it is taken back."""

    code = "archived"


class Refused(Conflict):
    """What was asked reached its run, and could not be done there; the text says why, and what would work."""

    code = "refused"


class NoTurn(Conflict):
    """The task has no turn of an agent under way that could be told something."""

    code = "no_turn"


class PreconditionFailed(Conflict):
    """The thing has changed since its caller read it, and the change was to be made only to what that was."""

    code = "precondition_failed"
    http_status = 412


class IdempotencyMismatch(Conflict):
    """The idempotency key was used before with another payload (I9)."""

    code = "idempotency_mismatch"


class QueueStopping(Conflict):
    """The queue is stopping and takes nothing new (rule A52)."""

    code = "queue_stopping"


class QueueEnded(Conflict):
    """The plan's queue has ended; only running the plan again, or a reset, opens it."""

    code = "queue_ended"


class LaneStopped(Conflict):
    """The lane has been stopped: it takes nothing new until it is started again (SQ-65)."""

    code = "lane_stopped"


class WorkspaceRefused(Conflict):
    """A workspace, or a diff, cannot be made, applied or removed as it was asked; nothing was changed or lost."""

    code = "workspace_refused"


class LeaseLost(Conflict):
    """The writer's fence is not the newest: somebody else owns the run, so nothing was changed (I2)."""

    code = "lease_lost"


class Gap(Conflict):
    """Changes behind this cursor have been forgotten: read what is there now, then go on from the newest version."""

    code = "gap"
    http_status = 410


class Full(Error):
    """There is no room now, and the caller asked not to wait (``no_wait``) or the bound is reached."""

    code = "queue_full"
    exit_status = 4
    http_status = 429


class MailboxFull(Full):
    """The mailbox of a session takes nothing more: its cap is reached, and it drops the arrival (SQ-10)."""

    code = "mailbox_full"


class RateLimited(Full):
    """The caller asked for too much in too short a time; ``details["retry_after_s"]`` says how long to wait."""

    code = "rate_limited"


class Unauthorized(Error):
    """There is no token, or it opens nothing: unknown, expired or revoked."""

    code = "unauthorized"
    exit_status = 4
    http_status = 401


class Misdirected(Error):
    """The call names a host or an origin that this server does not answer for (DNS rebinding, another site's page)."""

    code = "misdirected"
    http_status = 421


class Forbidden(Error):
    """The caller may not do this."""

    code = "forbidden"
    exit_status = 4
    http_status = 403


class TooLarge(Invalid):
    """A value is longer than its bound."""

    code = "too_large"
    http_status = 413


class Unavailable(Error):
    """The store (or server) cannot be used now; nothing was changed that was acknowledged as not done."""

    code = "unavailable"
    exit_status = 5
    http_status = 503


class Draining(Unavailable):
    """Whoever was asked is shutting down: it takes nothing new, and what it runs goes on to its end (SQ-80)."""

    code = "draining"


class StoreUnusable(Unavailable):
    """The file is no Taxiway store, is newer than this program, of the wrong owner, read-only, or on a full disk."""

    code = "store_unusable"


class OutcomeUnknown(Unavailable):
    """The commit returned an error, so it may or may not have happened: repeat the call with the same key (I1b)."""

    code = "outcome_unknown"
