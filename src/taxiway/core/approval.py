"""An approval: a permission that an agent wants, and what a person, a rule or time said to it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, assert_never

import msgspec

from taxiway.core.agent import Access
from taxiway.core.errors import Invalid, NotPending
from taxiway.core.ids import short_id

TEXT_CHARS_MAX: Final = 4_000  #: of what a person is asked, and of the reason that he gives
TOOL_CHARS_MAX: Final = 200
INPUT_BYTES_MAX: Final = 32 << 10  #: of a tool's input, as JSON
OPEN_MAX: Final = 20  #: questions of one run that are open at once
ASKED_MAX: Final = 1_000  #: questions that one run may ask in all
EXPIRES_S: Final = 3_600.0  #: how long a question waits for a person, unless it is told otherwise


class ApprovalState(StrEnum):
    """What became of a question. An expired one counts as denied; a void one has no answer, and needs none."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    VOID = "void"


#: The first answer stands: whatever is not pending is final.
APPROVAL_MOVES: Final[Mapping[ApprovalState, frozenset[ApprovalState]]] = MappingProxyType(
    {
        ApprovalState.PENDING: frozenset(ApprovalState) - {ApprovalState.PENDING},
        **{state: frozenset() for state in ApprovalState if state is not ApprovalState.PENDING},
    }
)


class Rule(StrEnum):
    """What is done with a question before anybody sees it."""

    ASK = "ask"
    ALLOW = "allow"
    DENY = "deny"


class ApprovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with the questions of agents that have an access, and how long a person has for an answer
    (``None``: for ever). Who was given no more than to read is not asked for more while nobody watches."""

    analysis: Rule = Rule.DENY
    write: Rule = Rule.ASK
    auto: Rule = Rule.ASK
    expires_s: float | None = EXPIRES_S

    def rule(self, access: Access) -> Rule:
        """What holds for an agent with this access."""
        match access:
            case Access.ANALYSIS:
                return self.analysis
            case Access.WRITE:
                return self.write
            case Access.AUTO:
                return self.auto
            case _:
                assert_never(access)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a run asks. ``rule`` is what the policy says of it; its texts are scrubbed and within their bounds.
    ``words``: a yes is no answer to it."""

    text: str
    tool: str | None = None
    input: Any = None
    rule: Rule = Rule.ASK
    expires_s: float | None = EXPIRES_S
    words: bool = False


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A question as stored, with what became of it. Times are milliseconds since 1970 UTC.

    ``name`` and ``session`` are the name and the session's key of its task. ``why`` is the reason that was given, and
    ``actor`` who decided: a person, ``policy``, ``timekeeper`` (it expired), or the run (it is void). ``words``: it is
    no wish for a permission, but wants an answer in words, and that is its ``why``.
    """

    id: str
    task: str
    run: str
    state: ApprovalState
    text: str
    tool: str | None = None
    input: Any = None
    words: bool = False
    name: str | None = None
    session: str | None = None
    agent: str | None = None
    why: str | None = None
    actor: str | None = None
    created_at: int
    expires_at: int | None = None
    decided_at: int | None = None
    version: int = 0


class Answered(msgspec.Struct, frozen=True):
    """What an agent is told: whether it may, and why or why not."""

    approval: str
    allow: bool
    why: str | None = None


def answered(approval: str, state: ApprovalState, why: str | None) -> Answered:
    """A decision as its agent is told it; what is not allowed is denied."""
    return Answered(approval, state is ApprovalState.ALLOWED, why)


def verdict(rule: Rule) -> ApprovalState:
    """The state in which a question begins."""
    match rule:
        case Rule.ASK:
            return ApprovalState.PENDING
        case Rule.ALLOW:
            return ApprovalState.ALLOWED
        case Rule.DENY:
            return ApprovalState.DENIED
        case _:
            assert_never(rule)


def wants_words(approval: str) -> Invalid:
    """Why a mere yes is refused."""
    return Invalid(
        f"approval {short_id(approval)} is a question that wants an answer in words: "
        f"'taxiway approval allow {short_id(approval)} --text ANSWER'",
        approval=approval,
    )


def not_pending(approval: str, state: ApprovalState, why: str | None, actor: str | None) -> NotPending:
    """Why an answer comes too late; the first one stands."""
    told = f" ({why})" if why else ""
    match state:
        case ApprovalState.ALLOWED | ApprovalState.DENIED:
            text = f"was {state} by '{actor}' already{told}; the first answer stands"
        case ApprovalState.EXPIRED:
            text = "has expired, and its agent was told that it may not"
        case ApprovalState.VOID:
            text = f"is void{told}: nobody waits for an answer any more"
        case ApprovalState.PENDING:
            text = "is pending"
        case _:
            assert_never(state)
    return NotPending(f"approval {short_id(approval)} {text}", approval=approval, state=str(state), actor=actor)
