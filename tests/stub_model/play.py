"""Which turn of which script a request has come to. The stub keeps no conversation: the request's own history tells.

So a script goes on where the client's memory ends: after a resume with a plain "continue" the next turn is played, and
what a client forgot is asked for again, as a real model would.
"""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.stub_model.conversation import Call, Refusal, Reply, Request, Usage
from tests.stub_model.fault import Faults
from tests.stub_model.script import BROKEN_TEXT, Answer, Failure, Turn, parse, script_in
from tests.stub_model.tools import answer_text, call, first_answer

SIDE_TEXT = "stub"  #: the answer to titles, summaries and the like
OVER_TEXT = "the script is over"
SYNTHETIC = {"No response requested."}  #: what clients write into the history in the model's name
CHARACTERS_PER_TOKEN = 4
PLAN_RESET_S = 18_000.0  #: when a plan that is used up is there again, unless the script says


@dataclass(frozen=True)
class Played:
    """What is answered, and why: the number of the turn, ``side`` or ``fault``."""

    why: str
    answer: Reply | Refusal


class Player:
    """Scripts, faults, and how often each turn has failed already."""

    def __init__(self, default: str, clock: Callable[[], float] = time.monotonic) -> None:
        parse(default)
        self.default = default
        self.faults = Faults(clock)
        self._numbers = itertools.count(1)
        self._failed: defaultdict[tuple[str, str, str, int], int] = defaultdict(int)

    def play(self, request: Request, account: str, others: int) -> Played:
        """The answer to a request; ``others`` of its account are being answered. Raises ScriptError."""
        if (fault := self.faults.meeting(request.dialect, account, others)) is not None:
            return Played("fault", self._answer(request, fault, fault.failures[0] if fault.failures else None))
        source, number = position(request)
        if not request.offers:  # beside the conversation: a title, a summary, a route
            text = SIDE_TEXT if request.schema is None else answer_text(Answer(), request.schema)
            return Played("side", self._reply(request, Turn(text=text)))
        turns = parse(self.default if source is None else source)
        turn = turns[number] if number < len(turns) else Turn(text=OVER_TEXT)
        failure = self._failure(turn, (request.dialect, account, source or "", number))
        return Played(f"turn {number}", self._answer(request, turn, failure))

    def _answer(self, request: Request, turn: Turn, failure: Failure | None) -> Reply | Refusal:
        if failure is None:
            return self._reply(request, turn)
        if failure.plan and failure.reset_s is None:
            failure = replace(failure, reset_s=PLAN_RESET_S)
        inside = failure.inside and request.stream
        return Refusal(failure, turn.headers, self._reply(request, Turn(text=BROKEN_TEXT)) if inside else None)

    def _failure(self, turn: Turn, where: tuple[str, str, str, int]) -> Failure | None:
        seen = self._failed[where]
        for failure in turn.failures:
            if failure.times is None or seen < failure.times:
                self._failed[where] += 1
                return failure
            seen -= failure.times
        return None

    def _reply(self, request: Request, turn: Turn) -> Reply:
        number = next(self._numbers)
        text, calls = turn.text, []
        answer = first_answer(turn.actions)
        for index, action in enumerate(turn.actions):
            found = call(action, request, f"call_{number}_{index}")
            if found is not None:
                calls.append(found)
            elif answer is not None:
                text = answer_text(answer, request.schema)
            else:
                offered = ", ".join(offer.name for offer in request.offers)
                text = f"the stub finds no tool for {action}; on offer: {offered}"
        return Reply(f"stub{number}", request.model, turn, text, tuple(calls), usage(request, turn, text, calls))


def usage(request: Request, turn: Turn, text: str, calls: list[Call]) -> Usage:
    """The tokens that a turn reports: what the script says, or a guess from the sizes."""
    given = len(text) + sum(len(one.text) for one in calls)
    return Usage(
        taken=turn.usage.get("in", max(1, request.size // CHARACTERS_PER_TOKEN)),
        given=turn.usage.get("out", max(1, given // CHARACTERS_PER_TOKEN)),
        cached=turn.usage.get("cached", 0),
    )


def position(request: Request) -> tuple[str | None, int]:
    """The script in force, and how many turns of the model came after it; several entries in a row are one turn."""
    source, begin = None, 0
    for index, message in enumerate(request.messages):
        if message.role not in ("assistant", "tool") and (found := script_in(message.text)) is not None:
            source, begin = found, index + 1
    turns, inside = 0, False
    for message in request.messages[begin:]:
        speaks = message.role == "assistant" and message.text not in SYNTHETIC
        turns += speaks and not inside
        inside = speaks
    return source, turns
