"""What one turn asks a person, on its way to the store, and the answers on their way back to the agent."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from taxiway.agents.dialogue import Answer, Asked, AskWithdrawn, Dialogue
from taxiway.core.approval import (
    INPUT_BYTES_MAX,
    TEXT_CHARS_MAX,
    TOOL_CHARS_MAX,
    Answered,
    ApprovalPolicy,
    ApprovalState,
    Question,
    answered,
)
from taxiway.engine.clocks import RunClocks
from taxiway.engine.parking import Parking
from taxiway.engine.recorder import Recorder
from taxiway.engine.sayings import fitting
from taxiway.store.protocol import Claimed, ExecutionStore, Resumed

NO_WORDS: Final = "(it does not say what for)"
_encode = msgspec.json.Encoder().encode


class Questions:
    """The open questions of one turn. While one is open the clocks of the run stand still, and its slots are free.

    An agent's own ids of its questions are kept here only: with its process a question is void.
    """

    def __init__(
        self,
        claim: Claimed,
        store: ExecutionStore,
        recorder: Recorder,
        clocks: RunClocks,
        parking: Parking,
        policy: ApprovalPolicy,
    ) -> None:
        self._claim = claim
        self._store = store
        self._recorder = recorder
        self._clocks = clocks
        self._parking = parking
        self._policy = policy
        self._dialogue: Dialogue | None = None
        self._open: dict[str, str] = {}  # the agent's id of each question by that of its approval
        self._early: dict[str, Answered] = {}  # answers that came before we knew what our question is called

    def opened(self, dialogue: Dialogue) -> None:
        """The turn has begun."""
        self._dialogue = dialogue
        self._parking.opened(self._claim.run, self)

    def closed(self) -> None:
        """The turn is over: whoever stores that makes void what is still open."""
        self._dialogue = None
        self._open.clear()
        self._parking.closed(self._claim.run)

    async def ask(self, asked: Asked) -> None:
        """Store a question, behind everything that was said before it; where nobody has to be asked, answer it."""
        self._clocks.pause()
        await self._recorder.flush()
        claim = self._claim
        stored = await self._store.ask(claim.run, claim.fence, self._question(asked))
        if stored.state is not ApprovalState.PENDING:
            self._go_on_unless_asking()
            await self._tell(asked.id, answered(stored.id, stored.state, stored.why))
        elif (early := self._early.pop(stored.id, None)) is not None:
            self._go_on_unless_asking()
            await self._tell(asked.id, early)
        elif self._dialogue is not None:
            self._open[stored.id] = asked.id
            self._parking.park(claim.run)

    async def withdraw(self, withdrawn: AskWithdrawn) -> None:
        """The agent does not want to know any more, and works on; its slots follow."""
        for approval, asked in tuple(self._open.items()):
            if asked == withdrawn.id:
                del self._open[approval]
                await self._store.withdraw(self._claim.run, self._claim.fence, approval)
                self._go_on_unless_asking()

    async def go_on(self, resumed: Resumed) -> None:
        """It has its slots again: the agent is told what was answered."""
        known = [(self._open.pop(answer.approval, None), answer) for answer in resumed.answers]
        self._go_on_unless_asking()
        for asked, answer in known:
            if asked is None:
                self._early[answer.approval] = answer
            else:
                await self._tell(asked, answer)

    def _go_on_unless_asking(self) -> None:
        if not self._open:
            self._clocks.go_on()

    async def _tell(self, asked: str, answer: Answered) -> None:
        if self._dialogue is not None:
            await self._dialogue.send(Answer(asked, answer.allow, answer.why))

    def _question(self, asked: Asked) -> Question:
        """The question as it may be stored and shown: scrubbed, whole characters, within bounds."""
        text = self._recorder.sentence(asked.text).strip()[:TEXT_CHARS_MAX]
        return Question(
            text=text or NO_WORDS,
            tool=None if asked.tool is None else self._recorder.sentence(asked.tool)[:TOOL_CHARS_MAX],
            input=self._input(asked.input),
            rule=self._policy.rule(self._claim.spec.access),
            expires_s=self._policy.expires_s,
            words=asked.words,
        )

    def _input(self, value: Any) -> Any:
        if value is None:
            return None
        fit, size = fitting({"input": self._recorder.scrubbed(value)})
        if size <= INPUT_BYTES_MAX and "truncated" not in fit:
            return fit["input"]
        return {"truncated": _encode(fit).decode("utf-8", "replace")[:TEXT_CHARS_MAX]}
