"""The `lines` adapter: agents in any language that read and write one JSON object a line."""

from __future__ import annotations

from typing import Final

from taxiway.agents import lines_wire as wire
from taxiway.agents.dialogue import Answer, Asked, AskWithdrawn, Limited, Opening, Steer, Turn, TurnEnded, Used
from taxiway.agents.linedialogue import SHOWN_CHARS_MAX, LineDialogue, launch_of
from taxiway.agents.lines_events import said_of
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import SpawnFailure
from taxiway.agents.speech import Floor, OpenTurn
from taxiway.core.agent import Abilities, AgentKind, argv_of
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.providerlimit import ProviderLimit
from taxiway.core.task import Reason, Usage

#: Why an agent may say that a turn failed; the other reasons are Taxiway's to give.
AGENT_REASONS: Final = {
    reason.value: reason
    for reason in (
        *(Reason.AGENT_ERROR, Reason.AUTH, Reason.QUOTA, Reason.RATE_LIMIT),
        *(Reason.PROVIDER, Reason.BUDGET, Reason.GAVE_UP),
    )
}


class LinesAgent:
    """A kind of agent that speaks `lines`; its processes are guarded like any other."""

    def __init__(self, kind: AgentKind, process: ProcessAgent) -> None:
        """``process`` starts the programs."""
        self._kind = kind
        self._process = process

    @property
    def abilities(self) -> Abilities:
        """What any agent that speaks it is offered; one that cannot take a steer declines it."""
        resume = any("{thread}" in argument for item in self._kind.command for argument in _words(item))
        return Abilities(
            resume=resume, steer=True, interrupt=True, approvals=True, usage=True, rate_limits=True, structured=True
        )

    async def open(self, opening: Opening) -> LineDialogue | SpawnFailure:
        """Step one of a start."""
        argv = argv_of(self._kind, opening.access, opening.thread, opening.model)
        opened = await self._process.open(launch_of(opening, argv))
        return opened if isinstance(opened, SpawnFailure) else LineDialogue(opened, LinesSpeech)


class LinesSpeech:
    """`lines`, spoken on one process."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._asked: set[str] = set()  # what the open turn waits for an answer to
        self._limit: ProviderLimit | None = None  # the last one that the open turn has met

    def greet(self) -> None:
        """The agent speaks first."""

    def begin(self, turn: Turn) -> bool:
        """Have the open turn taken."""
        self._asked.clear()
        self._limit = None
        return self._floor.say(wire.turn_line(self._turn.number, turn.text, turn.schema))

    def steer(self, steer: Steer) -> bool:
        """Bring text to the open turn."""
        return self._floor.say(wire.steer_line(self._turn.number, steer.signal, steer.text))

    def interrupt(self) -> None:
        """Have the open turn ended."""
        self._floor.say(wire.interrupt_line(self._turn.number))

    def answer(self, answer: Answer) -> None:
        """Bring an answer to a question that is open."""
        if answer.id in self._asked and self._floor.turn is not None:
            self._asked.discard(answer.id)
            self._floor.say(wire.answer_line(answer.id, answer.allow, answer.text))

    def bye(self) -> None:
        """Say goodbye."""
        self._floor.say(wire.BYE)

    def heard(self, line: bytes) -> None:
        """What an agent said with a line."""
        message = wire.read_line(line)
        match message:
            case wire.Unreadable(why, ends_turn):
                self._floor.complain(why, line)
                if ends_turn and self._floor.turn is not None:
                    text = f"the agent ended its turn unreadably: {why}"
                    self._floor.end_turn(TurnEnded(Reason.AGENT_ERROR, text))
            case wire.Ready():
                self._floor.ready()
            case wire.ThreadNamed(thread):
                self._floor.named(thread)
            case wire.UsageTold():
                self._floor.tell(self._used(message))
            case wire.RateLimit():
                self._limit = _limit_of(message)
                self._floor.tell(Limited(self._limit))
            case wire.Steered():
                self._steered(message, line)
            case wire.Done():
                self._done(message, line)
            case wire.ApprovalRequested(id=str(id)):
                self._ask(message, id, line)
            case wire.ApprovalWithdrawn(id):
                self._withdraw(id)
            case _:
                for said in said_of(message):
                    self._floor.tell(said)

    @property
    def _turn(self) -> OpenTurn:
        turn = self._floor.turn
        assert turn is not None, "only an open turn is spoken to"
        return turn

    def _used(self, told: wire.UsageTold) -> Used:
        usage = Usage()
        if self._floor.turn is not None:
            usage = Usage(told.input_tokens, told.output_tokens, told.cached_tokens, told.usd)
        return Used(usage, told.context_tokens, told.context_window)

    def _steered(self, steered: wire.Steered, line: bytes) -> None:
        declined = None if steered.applied else (steered.why or "the agent declined it")[:ERROR_CHARS_MAX]
        if not self._floor.settle(steered.signal, steered.applied, declined):
            self._floor.complain("it answers a steer that nobody sent", line)

    def _withdraw(self, id: str) -> None:
        if id in self._asked:
            self._asked.discard(id)
            self._floor.tell(AskWithdrawn(id))

    def _ask(self, asked: wire.ApprovalRequested, id: str, line: bytes) -> None:
        if self._floor.turn is None:
            self._floor.complain("it asks for a permission while no turn is open", line)
        elif id in self._asked:
            self._floor.complain("it asks twice by one id, and the first question is still open", line)
        else:
            self._asked.add(id)
            self._floor.tell(Asked(id, asked.text, asked.tool, asked.input, words=bool(asked.words)))

    def _done(self, done: wire.Done, line: bytes) -> None:
        turn = self._floor.turn
        if turn is None or done.turn not in (None, turn.number):
            self._floor.complain("it ends a turn that is not open", line)
        else:
            self._floor.end_turn(_end_of(done, turn, self._limit))


def _end_of(done: wire.Done, turn: OpenTurn, limit: ProviderLimit | None) -> TurnEnded:
    """How a turn ended, judged: an agent may not claim everything."""
    if done.interrupted:
        if turn.interrupted:
            return TurnEnded(text=done.text, interrupted=True)
        return TurnEnded(Reason.AGENT_ERROR, "the agent says it was interrupted, and nobody did")
    if done.failed is None:
        return TurnEnded(text=done.text, result=done.result)
    reason = AGENT_REASONS.get(done.failed, Reason.AGENT_ERROR)
    error = (done.error or f"the agent reports {reason} and says no more")[-ERROR_CHARS_MAX:]
    unknown = "" if done.failed in AGENT_REASONS else f" (its reason '{done.failed[:SHOWN_CHARS_MAX]}' is not known)"
    met = limit if reason in (Reason.RATE_LIMIT, Reason.QUOTA, Reason.PROVIDER) else None
    return TurnEnded(reason, error + unknown, done.text, limit=met, passing=done.passing)


def _limit_of(told: wire.RateLimit) -> ProviderLimit:
    resets_at = None if told.resets_at is None else int(told.resets_at.timestamp() * 1000)
    return ProviderLimit(kind=told.kind, resets_at=resets_at, resets_in_s=told.resets_in_s, text=told.text)


def _words(item: str | tuple[str, ...]) -> tuple[str, ...]:
    return (item,) if isinstance(item, str) else item
