"""The permissions that an agent asks for over ACP, and the answers in its own terms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from acp import schema

from taxiway.agents import acp_wire as wire
from taxiway.agents.acp_updates import Call
from taxiway.agents.dialogue import Answer, Asked, AskWithdrawn

ASKS_MAX: Final = 100  #: questions that are open at once; what is more is declined
TEXT_CHARS_MAX: Final = 2_000
INPUT_CHARS_MAX: Final = 60_000


class Open(msgspec.Struct, frozen=True):
    """A question that waits for its answer."""

    rpc: wire.Id
    options: tuple[schema.PermissionOption, ...]


class Asks:
    """The open questions of one process."""

    def __init__(self) -> None:
        self._open: dict[str, Open] = {}
        self._number = 0

    def ask(self, rpc: wire.Id, request: schema.RequestPermissionRequest, call: Call) -> Asked | None:
        """A new question about a call; ``None`` when too many are open."""
        if len(self._open) >= ASKS_MAX:
            return None
        self._number += 1
        id = f"ask-{self._number}"
        self._open[id] = Open(rpc, tuple(request.options))
        text = (call.name or call.kind or "something that it does not name")[:TEXT_CHARS_MAX]
        return Asked(id, f"the agent wants to use a tool: {text}", call.kind or call.name or None, _input(call))

    def answered(self, answer: Answer) -> tuple[bytes, str | None] | None:
        """The response to an answer, and what a person should know of it; ``None``: that question is not open."""
        found = self._open.pop(answer.id, None)
        if found is None:
            return None
        once, always = ("allow_once", "allow_always") if answer.allow else ("reject_once", "reject_always")
        kinds: dict[str, schema.PermissionOption] = {option.kind: option for option in reversed(found.options)}
        option = kinds.get(once) or kinds.get(always)
        if option is None:
            word = "allow" if answer.allow else "reject"
            return cancelled(found.rpc), f"the agent offers no way to {word} it, so the question was withdrawn"
        note = None
        if option.kind == "allow_always":  # wider than what a person was asked
            note = "the agent offers to be allowed this for ever only, so it will not ask for it again"
        return _selected(found.rpc, option), note

    def withdrawn(self, rpc: Any) -> AskWithdrawn | None:
        """The agent does not want to know any more."""
        for id, found in self._open.items():
            if found.rpc == rpc:
                del self._open[id]
                return AskWithdrawn(id)
        return None

    def void(self) -> Iterator[bytes]:
        """The turn ends: the responses to all that is open."""
        for found in self._open.values():
            yield cancelled(found.rpc)
        self._open.clear()


def cancelled(rpc: wire.Id) -> bytes:
    """The response to a question that nobody is asked, or that nobody has answered."""
    return wire.response(rpc, schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled")))


def _selected(rpc: wire.Id, option: schema.PermissionOption) -> bytes:
    outcome = schema.AllowedOutcome(option_id=option.option_id, outcome="selected")
    return wire.response(rpc, schema.RequestPermissionResponse(outcome=outcome))


def _input(call: Call) -> Any:
    """What the tool is to be given, so far as it is known: its input, what it would change, or what was said of it."""
    return call.input or "\n".join(text for _, text in call.diffs)[:INPUT_CHARS_MAX] or call.text
