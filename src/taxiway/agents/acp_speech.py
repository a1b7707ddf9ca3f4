"""ACP, spoken on one process: requests and their answers, one turn at a time, permissions, and what the end means."""

from __future__ import annotations

from typing import Final, assert_never, get_args

from acp import schema
from msgspec import Raw
from pydantic import BaseModel

from taxiway.agents import acp_wire as wire
from taxiway.agents.acp_asks import Asks, cancelled
from taxiway.agents.acp_evidence import Evidence
from taxiway.agents.acp_handshake import Handshake, Standing, Then, Wish
from taxiway.agents.acp_updates import Narrator
from taxiway.agents.acp_usage import Meter
from taxiway.agents.acp_verdict import verdict_of
from taxiway.agents.acp_wire import Asking, Fault, Noticed, Responded, Unreadable
from taxiway.agents.dialogue import Answer, Said, Steer, Turn, TurnEnded
from taxiway.agents.speech import Floor
from taxiway.core.agent import Access
from taxiway.core.event import EventType
from taxiway.core.task import Reason

#: The kinds of updates that the SDK knows; others belong to later versions of the protocol.
KINDS: Final = frozenset(
    kind
    for model in get_args(schema.SessionNotification.model_fields["update"].annotation)
    for kind in get_args(model.model_fields["session_update"].annotation)
)

STOPPED: Final = {
    "max_tokens": (Reason.AGENT_ERROR, "the model's answer was cut at its limit of tokens"),
    "max_turn_requests": (Reason.GAVE_UP, "the agent gave up: it has asked its model as often as it may in one turn"),
    "refusal": (Reason.GAVE_UP, "the model refused to go on"),
}

#: Whoever allowed that once would have allowed everything.
KEPT: Final = "the agent asked to leave the mode in which it only reads; access: analysis keeps it there"


class AcpSpeech:
    """ACP, spoken on one process."""

    def __init__(self, floor: Floor, wish: Wish) -> None:
        """``wish`` is what the process was opened for."""
        self._floor = floor
        self._wish = wish
        self._asked: dict[int, Then] = {}
        self._number = 0
        self._standing: Standing | None = None
        self._asks = Asks()
        self._meter = Meter(wish.preset, resumed=wish.thread is not None)
        self._narrator = Narrator(floor.tell)
        self._evidence = Evidence()

    # -- what is said to the agent ------------------------------------------------------------------------------------
    def greet(self) -> None:
        """Say hello."""
        Handshake(self._wish, self._ask, self._stand, self._floor.end_turn).begin()

    def begin(self, turn: Turn) -> bool:
        """Have the open turn taken."""
        standing = self._standing
        assert standing is not None, "a turn begins only when the agent is ready"
        self._narrator, self._evidence = Narrator(self._floor.tell), Evidence()
        self._meter.begin()
        self._floor.tell(Said(EventType.STATUS, self._told_of(standing)))
        text = schema.TextContentBlock(type="text", text=turn.text)
        return self._ask("session/prompt", schema.PromptRequest(session_id=standing.session, prompt=[text]), self._done)

    def steer(self, steer: Steer) -> bool:
        """ACP has no word for it."""
        self._floor.settle(
            steer.signal, applied=False, why="the Agent Client Protocol cannot bring text to an open turn"
        )
        return True

    def interrupt(self) -> None:
        """Have the open turn cancelled; by the protocol every open question has to be answered so too."""
        if self._standing is not None:
            self._void_asks()
            cancel = schema.CancelNotification(session_id=self._standing.session)
            self._floor.say(wire.notification("session/cancel", cancel))

    def answer(self, answer: Answer) -> None:
        """Bring an answer."""
        answered = self._asks.answered(answer)
        if answered is not None:
            line, note = answered
            if note is not None:
                self._floor.tell(Said(EventType.STATUS, {"phase": "agent", "text": note}))
            self._floor.say(line)

    def bye(self) -> None:
        """The end of its input is goodbye."""

    # -- what the agent says ------------------------------------------------------------------------------------------
    def heard(self, line: bytes) -> None:
        """Read one line."""
        message = wire.read_line(line)
        match message:
            case Unreadable(why):
                self._floor.complain(why, line)
            case Responded(id, result):
                then = self._asked.pop(id, None) if isinstance(id, int) else None
                if then is None:
                    self._floor.complain("it answers what nobody asked", line)
                else:
                    then(result)
            case Asking(method="session/request_permission"):
                self._permission(message, line)
            case Asking(id, method):
                text = f"Taxiway lends no {method[:100]}: an agent has files and terminals of its own"
                self._floor.say(wire.refusal(id, wire.METHOD_NOT_FOUND, text))
            case Noticed("session/update", params):
                self._noticed(params, line)
            case Noticed("$/cancel_request", params):
                self._withdrawn(params)
            case Noticed():
                pass  # an agent's own, or of a later version
            case _:
                assert_never(message)

    def _permission(self, asking: Asking, line: bytes) -> None:
        request = wire.read_as(schema.RequestPermissionRequest, asking.params)
        if isinstance(request, Unreadable):
            self._floor.complain(request.why, line)
        elif self._floor.turn is not None and not self._floor.turn.interrupted:
            asked = self._asks.ask(asking.id, request, self._narrator.asked(request.tool_call))
            if asked is not None and request.tool_call.kind == "switch_mode" and self._wish.access is Access.ANALYSIS:
                self._floor.tell(Said(EventType.STATUS, {"phase": "agent", "text": KEPT}))
                self.answer(Answer(asked.id, allow=False))
                return
            if asked is not None:
                self._floor.tell(asked)
                return
        self._floor.say(cancelled(asking.id))

    def _withdrawn(self, params: Raw) -> None:
        request = wire.read_as(schema.CancelRequestNotification, params)
        if not isinstance(request, Unreadable):
            withdrawn = self._asks.withdrawn(request.request_id)
            if withdrawn is not None and request.request_id is not None:
                self._floor.tell(withdrawn)
                self._floor.say(cancelled(request.request_id))

    def _noticed(self, params: Raw, line: bytes) -> None:
        """An update. What comes outside of a turn is told to nobody: the past that a load repeats, and echoes."""
        noticed = wire.read_as(schema.SessionNotification, params)
        if isinstance(noticed, Unreadable):
            if _kind_of(params) in KINDS:
                self._floor.complain(noticed.why, line)
            return
        if self._standing is None or noticed.session_id != self._standing.session:
            return
        update = noticed.update
        if isinstance(update, schema.UsageUpdate):
            used = self._meter.updated(update)
            if used is not None and self._floor.turn is not None:
                self._floor.tell(used)
        elif self._floor.turn is not None:
            self._updated(noticed.update)

    def _updated(self, update: object) -> None:
        match update:
            case (
                schema.AgentMessageChunk()
                | schema.AgentThoughtChunk()
                | schema.ToolCallStart()
                | schema.ToolCallProgress()
                | schema.AgentPlanUpdate()
            ):
                self._narrator.take(update)
            case schema.CurrentModeUpdate():
                self._floor.tell(Said(EventType.STATUS, {"phase": "agent", "mode": update.current_mode_id}))
            case schema.SessionInfoUpdate():
                trouble = self._evidence.take(update.field_meta)
                if trouble is not None:
                    self._floor.tell(Said(EventType.ERROR, {"text": trouble}))
            case _:
                pass  # its commands, its settings, its echo of the prompt

    def _done(self, result: Raw | Fault) -> None:
        """The open turn has ended."""
        turn = self._floor.turn
        if turn is None:
            return
        self._void_asks()
        self._narrator.close()
        self._floor.end_turn(self._end_of(result, turn.interrupted))

    def _end_of(self, result: Raw | Fault, interrupted: bool) -> TurnEnded:
        if isinstance(result, Fault):
            return TurnEnded(interrupted=True) if interrupted else verdict_of(result)
        response = wire.read_as(schema.PromptResponse, result)
        if isinstance(response, Unreadable):
            return TurnEnded(Reason.AGENT_ERROR, f"the agent ended its turn unreadably: {response.why}")
        used = self._meter.ended(response, self._narrator.worked)
        if used is not None:
            self._floor.tell(used)
        match response.stop_reason:
            case "cancelled" if interrupted:
                return TurnEnded(interrupted=True)
            case "cancelled":
                return TurnEnded(Reason.AGENT_ERROR, "the agent says that its turn was cancelled, and nobody did")
            case "end_turn":
                words, worked = self._narrator.last_words, self._narrator.worked
                against = self._evidence.against(response, words, worked)
                return TurnEnded(interrupted=True) if against and interrupted else against or TurnEnded()
            case "max_tokens" | "max_turn_requests" | "refusal":
                return TurnEnded(*STOPPED[response.stop_reason])
            case _:
                assert_never(response.stop_reason)

    # -- inside -------------------------------------------------------------------------------------------------------
    def _stand(self, standing: Standing) -> None:
        """The handshake is over."""
        self._standing = standing
        self._floor.named(standing.session)
        self._floor.ready()

    def _told_of(self, standing: Standing) -> dict[str, object]:
        """What really applies in this turn."""
        data: dict[str, object] = {"phase": "agent", "access": self._wish.access.value, "bound": standing.bound}
        known = {"agent": standing.agent, "version": standing.version, "mode": standing.mode}
        if not standing.bound:
            data["text"] = f"nobody has seen that this agent keeps to access: {self._wish.access.value}"
        return data | {name: value for name, value in known.items() if value is not None}

    def _ask(self, method: str, params: BaseModel, then: Then) -> bool:
        """Send a request; ``then`` takes its answer."""
        self._number += 1
        self._asked[self._number] = then
        return self._floor.say(wire.request(self._number, method, params))

    def _void_asks(self) -> None:
        for line in self._asks.void():
            self._floor.say(line)


def _kind_of(params: Raw) -> object:
    found = wire.builtin_of(params)
    update = found.get("update") if isinstance(found, dict) else None
    kind = update.get("sessionUpdate") if isinstance(update, dict) else None
    return kind if isinstance(kind, str) else ""
