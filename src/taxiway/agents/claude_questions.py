"""What Claude Code wants a permission for, until somebody has answered."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from taxiway.agents.claude_wire import ControlRequest, allow_line, deny_line
from taxiway.agents.dialogue import Answer, Asked

OPEN_MAX: Final = 20  #: questions that may be open at once
TEXT_CHARS_MAX: Final = 4_000
NAME_CHARS_MAX: Final = 200
PERSON: Final = "AskUserQuestion"  #: the tool by which the agent asks a person something
DENIED: Final = "This was not allowed."

_encode = msgspec.json.Encoder().encode


class Questions:
    """The open questions of one process."""

    def __init__(self) -> None:
        self._open: dict[str, ControlRequest] = {}

    def ask(self, request: ControlRequest) -> Asked | None:
        """The question as a person can read it; ``None``: too many are open already."""
        if len(self._open) >= OPEN_MAX:
            return None
        self._open[request.request_id] = request
        wish = request.request
        tool = (wish.tool_name or "")[:NAME_CHARS_MAX]
        person = tool == PERSON
        text = _questions(wish.input) if person else ""
        return Asked(request.request_id, text or _text(request, tool), tool or None, wish.input, words=person)

    def answer(self, answer: Answer) -> bytes | None:
        """The line that brings the answer; ``None``: that question is not open."""
        request = self._open.pop(answer.id, None)
        if request is None:
            return None
        if not answer.allow:
            return deny_line(answer.id, answer.text or DENIED)
        return allow_line(answer.id, _input(request, answer.text))

    def withdraw(self, request_id: str) -> bool:
        """It is not open any more; whether it was."""
        return self._open.pop(request_id, None) is not None

    def forget(self) -> None:
        """With its turn a question is void."""
        self._open.clear()


def _text(request: ControlRequest, tool: str) -> str:
    """The tool, what it would do, and why the agent asks."""
    wish = request.request
    what = wish.description or _encode(wish.input).decode("utf-8", "replace")
    why = f" ({wish.decision_reason})" if wish.decision_reason else ""
    return f"{tool or wish.subtype}: {what}"[:TEXT_CHARS_MAX] + why[:TEXT_CHARS_MAX]


def _questions(input: Any) -> str:
    """What the agent asks a person, with the answers that it proposes."""
    questions = input.get("questions") if isinstance(input, dict) else None
    lines = []
    for one in questions if isinstance(questions, list) else []:
        if isinstance(one, dict) and isinstance(one.get("question"), str):
            options = one.get("options")
            named = [option for option in options if isinstance(option, dict)] if isinstance(options, list) else []
            labels = ", ".join(str(option.get("label")) for option in named)
            lines.append(one["question"] + (f" ({labels})" if labels else ""))
    return "\n".join(lines)[:TEXT_CHARS_MAX]


def _input(request: ControlRequest, text: str | None) -> Any:
    """The tool's input as it was asked for; a person's words answer what the agent asked a person."""
    given = request.request.input
    if request.request.tool_name != PERSON or text is None or not isinstance(given, dict):
        return given
    questions = given.get("questions")
    asked = [one.get("question") for one in questions if isinstance(one, dict)] if isinstance(questions, list) else []
    return given | {"answers": {question: text for question in asked if isinstance(question, str)}}
