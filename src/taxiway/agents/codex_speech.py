"""What is said to Codex's app-server, and what its lines mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import tzinfo
from functools import partial
from typing import Any, Final, assert_never

import msgspec

from taxiway.agents import codex_events as events
from taxiway.agents import codex_wire as wire
from taxiway.agents.codex_calls import Calls, Then
from taxiway.agents.codex_limits import AccountWindows
from taxiway.agents.codex_questions import Questions
from taxiway.agents.codex_start import CodexStart, Thread
from taxiway.agents.codex_turn import CodexTurn
from taxiway.agents.codex_usage import UsageMeter
from taxiway.agents.dialogue import Answer, Asked, AskWithdrawn, Limited, Said, Steer, Turn, TurnEnded
from taxiway.agents.speech import Floor
from taxiway.core.event import EventType
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.task import Reason

EARLY_STEERS_MAX: Final = 100  #: that wait until the turn has begun


class CodexSpeech:
    """The app-server's protocol, spoken on one process."""

    def __init__(self, floor: Floor, thread: Thread, zone: tzinfo | None) -> None:
        """``zone`` is that of the agent."""
        self._floor = floor
        self._zone = zone
        self._calls = Calls(floor)
        self._start = CodexStart(floor, self._calls, thread)
        self._turn: CodexTurn | None = None
        self._last: str | None = None  # the turn before
        self._usage = UsageMeter(new=thread.id is None)
        self._windows = AccountWindows()
        self._questions = Questions()
        self._told: dict[str, Callable[[wire.Notification], None]] = {
            "turn/started": self._turn_started,
            "turn/completed": self._turn_completed,
            "item/started": self._item_started,
            "item/completed": self._item_completed,
            "item/agentMessage/delta": partial(self._grew, EventType.MESSAGE),
            "item/reasoning/summaryTextDelta": partial(self._grew, EventType.THOUGHT),
            "item/reasoning/textDelta": partial(self._grew, EventType.THOUGHT),
            "item/commandExecution/outputDelta": self._printed,
            "turn/plan/updated": self._planned,
            "thread/tokenUsage/updated": self._used,
            "account/rateLimits/updated": self._limited,
            "error": self._stumbled,
            "serverRequest/resolved": self._resolved,
            "mcpServer/startupStatus/updated": self._start.tool_server,
            "model/rerouted": self._rerouted,
            **dict.fromkeys(("warning", "guardianWarning", "configWarning", "deprecationNotice"), self._warned),
        }

    # -- what it is told ----------------------------------------------------------------------------------------------
    def greet(self) -> None:
        """Shake hands, open the conversation, and wait for the agent's tool servers."""
        self._start.greet()

    def begin(self, turn: Turn) -> bool:
        """Have the turn taken."""
        self._usage.begin()
        self._turn = CodexTurn(turn.schema is not None, self._windows, self._zone)
        wanted = {} if turn.schema is None else {"outputSchema": turn.schema}
        params = {"threadId": self._start.thread, "input": _text(turn.text), **wanted}
        return self._calls.ask("turn/start", params, partial(self._taken, self._turn))

    def steer(self, steer: Steer) -> bool:
        """Bring text to the open turn, as soon as it has begun."""
        turn = self._turn
        if turn is None or len(turn.steers) >= EARLY_STEERS_MAX:
            return False
        if not turn.started:
            turn.steers.append(steer)
            return True
        params = {"clientUserMessageId": steer.signal, "input": _text(steer.text)}
        return self._ask_turn(turn, "turn/steer", params, partial(self._steered, turn, steer.signal))

    def interrupt(self) -> None:
        """Have the open turn ended. What its commands do is not ended by that."""
        turn = self._turn
        if turn is not None:
            turn.interrupting = True
            if turn.started:
                self._interrupt(turn)

    def answer(self, answer: Answer) -> None:
        """Bring a person's answer, and what was said with it."""
        told = self._questions.wants_words(answer.id)
        line = self._questions.answer(answer)
        if line is not None and self._floor.say(line):
            turn = self._turn
            if answer.text and not told and turn is not None and turn.started:
                self._ask_turn(turn, "turn/steer", {"input": _text(answer.text)}, lambda _: None)

    def bye(self) -> None:
        """The end of its input ends it."""

    def heard(self, line: bytes) -> None:
        """Read one line."""
        message = wire.read_line(line)
        match message:
            case wire.Unreadable(why):
                self._floor.complain(why, line)
            case wire.Response():
                self._calls.answered(message, line)
            case wire.Request():
                self._wants(message, line)
            case wire.Notification():
                self._notified(message, line)
            case _:
                assert_never(message)

    def _notified(self, note: wire.Notification, line: bytes) -> None:
        """Something happened; what is not known is passed over."""
        try:
            if note.method in self._told:
                self._told[note.method](note)
            if note.method.startswith("item/") and self._turn is not None:
                self._turn.went_on()
        except msgspec.DecodeError as error:
            self._floor.complain(f"{note.method}: {error}", line)
            if note.method == "turn/completed" and self._turn is not None:
                self._end(TurnEnded(Reason.AGENT_ERROR, f"the agent ended its turn unreadably: {error}"))

    # -- the open turn ------------------------------------------------------------------------------------------------
    def _taken(self, turn: CodexTurn, response: wire.Response) -> None:
        if turn is not self._turn:
            return
        if response.error is not None:
            self._end(TurnEnded(Reason.AGENT_ERROR, f"it does not take the turn: {response.error}"[:ERROR_CHARS_MAX]))
        else:
            turn.id = wire.read(response.result, wire.TurnTaken).turn.id

    def _turn_started(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.TurnTold)
        turn = self._turn
        if turn is not None and turn.id is None and told.turn.id != self._last and told.thread_id == self._start.thread:
            turn.id = told.turn.id  # it began before the response that names it
        turn = self._open(told.thread_id, told.turn.id)
        if turn is None or turn.started:
            return
        turn.started = True
        # Only now the conversation is on its disk: an earlier word would name one that nobody can go on with.
        self._floor.named(told.thread_id)
        if turn.interrupting:
            self._interrupt(turn)
        waiting, turn.steers = turn.steers, []
        for steer in waiting:
            self.steer(steer)

    def _turn_completed(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.TurnTold)
        if told.thread_id != self._start.thread:
            return  # of an agent that it has started itself
        turn = self._open(told.thread_id, told.turn.id)
        if turn is None:
            self._floor.complain("it ends a turn that is not open", bytes(note.params))
            return
        if told.turn.status == "completed":
            for signal in turn.accepted:
                self._floor.settle(signal, applied=True)
        open_turn = self._floor.turn
        self._end(turn.end(told.turn, note.at, open_turn is not None and open_turn.interrupted))

    def _end(self, end: TurnEnded) -> None:
        for id in self._questions.withdraw():
            self._floor.tell(AskWithdrawn(id))
        if self._turn is not None:
            self._last = self._turn.id
        self._turn = None
        self._floor.end_turn(end)

    def _open(self, thread: str, turn: str) -> CodexTurn | None:
        """The open turn, if it is the one that is spoken of."""
        if self._turn is None or thread != self._start.thread:
            return None
        return self._turn if self._turn.id == turn else None

    def _interrupt(self, turn: CodexTurn) -> None:
        params = {"threadId": self._start.thread, "turnId": turn.id}
        self._calls.ask("turn/interrupt", params, self._interrupted)

    def _interrupted(self, response: wire.Response) -> None:
        if response.error is not None and self._turn is not None:
            text = f"it does not take the interrupt: {response.error}"[:ERROR_CHARS_MAX]
            self._floor.tell(Said(EventType.ERROR, {"text": text}))

    def _steered(self, turn: CodexTurn, signal: str, response: wire.Response) -> None:
        """It is applied when it goes to the model, which its item shows; a completed turn has left none out."""
        if response.error is not None:
            self._floor.settle(signal, applied=False, why=response.error)
        elif turn is self._turn:
            turn.accepted.add(signal)

    # -- what it says meanwhile ---------------------------------------------------------------------------------------
    def _item_started(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.ItemTold)
        turn = self._open(told.thread_id, told.turn_id)
        if turn is None:
            return
        item = events.item_of(told.item)
        if isinstance(item, events.UserText) and item.client_id is not None:
            turn.accepted.discard(item.client_id)
            self._floor.settle(item.client_id, applied=True)
        elif isinstance(item, events.FileChange):
            self._questions.patch_begun(item.id, events.paths_of(item))
        self._say(turn.items.started(item))

    def _item_completed(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.ItemTold)
        turn = self._open(told.thread_id, told.turn_id)
        if turn is not None:
            self._say(turn.items.completed(events.item_of(told.item)))

    def _grew(self, kind: EventType, note: wire.Notification) -> None:
        delta = wire.read(note.params, wire.Delta)
        turn = self._open(delta.thread_id, delta.turn_id)
        if turn is not None:
            self._say(turn.items.grew(delta, kind))

    def _printed(self, note: wire.Notification) -> None:
        delta = wire.read(note.params, wire.Delta)
        turn = self._open(delta.thread_id, delta.turn_id)
        if turn is not None:
            self._say(turn.items.printed(delta, note.at))

    def _planned(self, note: wire.Notification) -> None:
        plan = wire.read(note.params, wire.PlanTold)
        if self._open(plan.thread_id, plan.turn_id) is not None:
            self._floor.tell(events.todo_of(plan))

    def _used(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.UsageTold)
        if told.thread_id == self._start.thread:
            ours = self._open(told.thread_id, told.turn_id) is not None
            used = self._usage.told(told.token_usage, ours)
            if used is not None:
                self._floor.tell(used)

    def _limited(self, note: wire.Notification) -> None:
        for limit in self._windows.told(wire.read(note.params, wire.WindowsTold).rate_limits):
            self._floor.tell(Limited(limit))

    def _stumbled(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.Trouble)
        turn = self._open(told.thread_id, told.turn_id)
        if turn is None or not told.will_retry:
            return  # the end of its turn says it again
        words = ": ".join(filter(None, (told.error.message, told.error.additional_details)))
        self._floor.tell(Said(EventType.ERROR, {"text": words[:ERROR_CHARS_MAX]}))
        limit = turn.judgement.stumbled(told.error, note.at)
        if limit is not None:
            self._floor.tell(Limited(limit))
        if turn.gives_up(told.error, note.at):
            self.interrupt()

    def _rerouted(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.Rerouted)
        text = f"another model answers: {told.to_model} in place of {told.from_model}"
        self._floor.tell(Said(EventType.STATUS, {"phase": "agent", "text": text[:ERROR_CHARS_MAX]}))

    def _warned(self, note: wire.Notification) -> None:
        told = wire.read(note.params, wire.Warned)
        text = (told.message or told.summary)[:ERROR_CHARS_MAX]
        self._floor.tell(Said(EventType.STATUS, {"phase": "agent", "warning": text}))

    def _say(self, said: Iterable[Said]) -> None:
        for event in said:
            self._floor.tell(event)

    # -- requests in both directions ----------------------------------------------------------------------------------
    def _wants(self, request: wire.Request, line: bytes) -> None:
        """It waits for an answer, so it gets one, whatever it asked."""
        try:
            asked = self._questions.ask(request)
        except msgspec.DecodeError as error:
            self._floor.complain(f"{request.method}: {error}", line)
            asked = wire.refusal_line(request.id, request.method)
        if isinstance(asked, Asked) and self._turn is None:
            asked = self._questions.answer(Answer(asked.id, allow=False)) or b""  # nobody is there to decide
        if isinstance(asked, Asked):
            self._floor.tell(asked)
        else:
            self._floor.say(asked)

    def _resolved(self, note: wire.Notification) -> None:
        id = self._questions.resolved(wire.read(note.params, wire.Resolved).request_id)
        if id is not None:
            self._floor.tell(AskWithdrawn(id))

    def _ask_turn(self, turn: CodexTurn, method: str, params: dict[str, Any], then: Then) -> bool:
        return self._calls.ask(method, {"threadId": self._start.thread, "expectedTurnId": turn.id, **params}, then)


def _text(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}]
