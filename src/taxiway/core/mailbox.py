"""The pure rules of a mailbox: how many may go, when it has been quiet for long enough, what goes together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from taxiway.core.policy import Drop, MailboxChange, MailboxPolicy, Mode
from taxiway.core.task import TaskSpec

THROTTLE_SHARE: Final = 0.6  #: of a context window; from here on one at a time (SQ-70)
SUMMARY_CHARS_MAX: Final = 160  #: one line about a message that was dropped (OC-05)
REPLAY_CHARS_MAX: Final = 60_000  #: of earlier turns that an agent is told again
TITLE_CHARS_MAX: Final = 120  #: a title made of a prompt (C30)
DEBOUNCE_WAIT_S: Final = 2.0
DEBOUNCE_WAIT_TIMES: Final = 4

#: What may differ between messages of one turn: the words, and where they came from.
_OWN: Final[dict[str, Any]] = {
    "prompt": None,
    "name": None,
    "idempotency_key": None,
    "metadata": {},
    "mailbox": None,
    "after": (),
}
_encode = msgspec.json.Encoder(order="sorted").encode


def capacity(max_concurrent: int, conversational: bool, tokens: int | None, window: int | None) -> int:
    """How many of a session may go at once (SQ-07, SQ-70 to SQ-72). A conversation takes one turn at a time."""
    if conversational:
        return 1
    if tokens is not None and window is not None and window > 0 and tokens / window >= THROTTLE_SHARE:
        return 1
    return max_concurrent


class Mailbox(NamedTuple):
    """A session's mailbox as a store holds it: its policy, its counts, and what holds it back."""

    id: int
    name: str
    key: str
    agent: str | None
    mode: str
    cap: int
    overflow: str
    debounce_ms: int
    wait_ms: int | None
    max_concurrent: int
    generation: int
    cutoff: int
    purge: int
    waiting: int
    capped: int
    held: int
    live: int
    quiet_at: int | None
    context_tokens: int | None
    context_window: int | None
    archived: int

    @property
    def policy(self) -> MailboxPolicy:
        """The policy as a record."""
        return MailboxPolicy(
            mode=Mode(self.mode),
            cap=self.cap,
            drop=Drop(self.overflow),
            debounce_s=self.debounce_ms / 1000,
            max_debounce_wait_s=None if self.wait_ms is None else self.wait_ms / 1000,
            max_concurrent=self.max_concurrent,
        )

    @property
    def capacity(self) -> int:
        """How many may be held at once, as things stand (SQ-70 to SQ-72)."""
        return capacity(self.max_concurrent, self.agent is not None, self.context_tokens, self.context_window)

    @property
    def room(self) -> bool:
        """Whether one more may be admitted now: there is a slot, and nobody admitted is still to start."""
        return self.held < self.capacity and self.held == self.live


def longest_wait_ms(policy: MailboxPolicy) -> int:
    """The most that the quiet time may hold the first waiting message back."""
    if policy.max_debounce_wait_s is not None:
        return int(policy.max_debounce_wait_s * 1000)
    return int(max(DEBOUNCE_WAIT_S, DEBOUNCE_WAIT_TIMES * policy.debounce_s) * 1000)


def quiet_at(now: int, first: int, debounce_ms: int, wait_ms: int) -> int | None:
    """When the first waiting message (which joined at ``first``) may start, after an arrival at ``now``: ``None``, at
    once. Bounded, so that a steady stream starts too (SQ-21, SQ-24 to SQ-26)."""
    if debounce_ms <= 0:
        return None
    at = min(now + debounce_ms, first + wait_ms)
    return at if at > now else None


def kinship(spec: TaskSpec) -> bytes | None:
    """What two prompts must have in common to become one turn: all but the words and their origin (OC-03). One that is
    a template goes alone: its words come from tasks of its own."""
    if spec.prompt is None or spec.template:
        return None
    return _encode(msgspec.structs.replace(spec, **_OWN))


def changed(policy: MailboxPolicy, change: MailboxChange | None) -> MailboxPolicy:
    """A policy with the fields that ``change`` names."""
    if change is None:
        return policy
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
    return msgspec.structs.replace(policy, **given)


def mistakes(change: MailboxChange) -> list[tuple[str, str]]:
    """Every (field, what is wrong with it): a cap or a concurrency below 1, negative times (SQ-12)."""
    found = []
    for field in ("cap", "max_concurrent"):
        value = getattr(change, field)
        if value is not None and value < 1:
            found.append((field, f"must be at least 1, not {value}"))
    for field in ("debounce_s", "max_debounce_wait_s"):
        value = getattr(change, field)
        if value is not None and value < 0:
            found.append((field, f"must not be negative, and is {value:g}"))
    return found


def one_line(text: str, chars: int = SUMMARY_CHARS_MAX) -> str:
    """A text with its white space folded, cut to ``chars`` characters."""
    folded = " ".join(text.split())
    return folded if len(folded) <= chars else folded[: chars - 1] + "…"


def title_of(prompt: str) -> str | None:
    """A session's title, made of the prompt of its last turn (C30)."""
    return " ".join(prompt.split())[:TITLE_CHARS_MAX].strip() or None


def turn_text(prompts: list[str], dropped: list[str]) -> str:
    """The text of one turn: a single message as it is; several with a header and numbers; what was dropped, first."""
    parts = []
    if dropped:
        lines = "\n".join(f"- {line}" for line in dropped)
        parts.append(f"[Queue overflow] Dropped {len(dropped)} messages due to cap.\n{lines}")
    if len(prompts) == 1:
        parts.append(prompts[0])
    else:
        parts.append("[Queued messages while agent was busy]")
        parts.extend(f"Queued #{number}\n{prompt}" for number, prompt in enumerate(prompts, 1))
    return "\n\n".join(parts)


def replayed(turns: Sequence[tuple[str, str | None]], text: str) -> str:
    """The text of a turn with those before it, for an agent that does not remember them: what was asked, and what it
    answered (``None``: nothing). The oldest are left out where there is too much, and that is said."""
    told: list[str] = []
    room = REPLAY_CHARS_MAX
    for asked, answered in reversed(turns):
        part = f"[You were asked]\n{asked}\n\n[You answered]\n{answered or '(nothing)'}"
        if len(part) > room:
            break
        room -= len(part)
        told.append(part)
    if len(told) < len(turns):
        told.append(f"[{len(turns) - len(told)} earlier turns are left out]")
    return "\n\n".join(["[This conversation so far]", *reversed(told), "[Now]", text]) if turns else text
