"""What a turn tells observers: when it began and ended, which tools it called, which limits it met."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from taxiway.agents.dialogue import DialogueEvent, Limited, Said, TurnEnded
from taxiway.agents.protocol import Ended
from taxiway.core.event import EventType
from taxiway.core.run import StopCause
from taxiway.core.task import Usage
from taxiway.engine.meter import Meter
from taxiway.engine.recorder import Recorder
from taxiway.engine.turn_end import End
from taxiway.observe.observer import Moment, Observer
from taxiway.store.protocol import Claimed

NAME_CHARS_MAX: Final = 100  #: of a tool, and of the id of a call


class Witness:
    """Speaks of one turn of an agent. What it names has been scrubbed and is short."""

    def __init__(
        self, claim: Claimed, agent: str, model: str | None, meter: Meter, recorder: Recorder, observer: Observer
    ) -> None:
        self._claim = claim
        self._agent = agent
        self._model = model
        self._meter = meter
        self._recorder = recorder
        self._observer = observer
        self._begun_s: float | None = None

    def begun(self, warm: bool) -> None:
        """The turn has been sent."""
        self._begun_s = asyncio.get_running_loop().time()
        seat = self._claim.seat
        session = None if seat is None else seat.session
        self._tell(Moment.TURN_BEGUN, agent=self._agent, model=self._model, session=session, warm=warm)

    def heard(self, event: DialogueEvent) -> None:
        """It says something."""
        match event:
            case Said(EventType.TOOL_CALL, data):
                tool, call = self._name(data.get("name")), self._name(data.get("id"))
                self._tell(Moment.TOOL_CALLED, agent=self._agent, tool=tool, call=call)
            case Said(EventType.TOOL_RESULT, data):
                self._tell(Moment.TOOL_ANSWERED, call=self._name(data.get("id")), failed=bool(data.get("failed")))
            case Limited(limit):
                self._tell(Moment.LIMIT_MET, account=self._claim.account, kind=limit.kind)
            case _:
                pass

    def ended(self, end: End, cause: StopCause | None) -> None:
        """It is over, where it had begun."""
        if self._begun_s is None:
            return
        used = self._meter.usage or Usage()
        if isinstance(end, TurnEnded) and end.limit is not None:
            self._tell(Moment.LIMIT_MET, account=self._claim.account, kind=end.limit.kind)
        self._tell(
            Moment.TURN_ENDED,
            agent=self._agent,
            end=_word(end, cause),
            seconds=asyncio.get_running_loop().time() - self._begun_s,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cached_tokens=used.cached_tokens,
            usd=used.usd,
        )
        self._begun_s = None

    def _tell(self, moment: Moment, **facts: Any) -> None:
        self._observer(moment, run=self._claim.run, task=self._claim.task, **facts)

    def _name(self, value: object) -> str | None:
        return self._recorder.sentence(value)[:NAME_CHARS_MAX] if isinstance(value, str) else None


def _word(end: End, cause: StopCause | None) -> str:
    """How it ended: ``completed``, the cause of a stop, the agent's reason, or ``died``."""
    match end:
        case TurnEnded(reason=None, interrupted=False):
            return "completed"
        case _ if cause is not None:
            return str(cause)
        case TurnEnded(reason=None):
            return "interrupted"
        case TurnEnded(reason=reason):
            return str(reason)
        case Ended():
            return "died"
        case _:
            return "aborted"
