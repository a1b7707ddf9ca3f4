"""Watches one turn for standing still: gathers the evidence, and climbs the ladder of its situation.

It looks every few seconds, and at the processes only when nothing was heard since the last look. What it does is
written into the run's log, so that people see why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from taxiway.agents.dialogue import DialogueEvent, Steer, SteerSettled
from taxiway.agents.protocol import TakePulse
from taxiway.clock import Clock
from taxiway.core.account import Phase
from taxiway.core.duration import format_duration
from taxiway.core.event import EventType
from taxiway.core.ladder import DRASTIC, Action, Climb, StuckRules
from taxiway.core.run import Failed, Outcome, Released, StopCause
from taxiway.core.task import Reason
from taxiway.core.vitals import WORDS, Evidence, Finding, Printed, Questioned, Refused, Replied, Situation, Told, Vitals
from taxiway.engine.clocks import RunClocks
from taxiway.engine.evidence import evidence_of
from taxiway.engine.live import Equipped, Live
from taxiway.engine.recorder import Recorder
from taxiway.engine.transcript import Transcript
from taxiway.store.protocol import Claimed, ExecutionStore

LOOK_S: Final = 15.0
LOOKS_PER_RUNG: Final = 8  #: where a first rung is nearer than that, one looks more often
STUCK: Final = "stuck"  #: the phase of what is written down
STALLED: Final = "stalled"  #: why a run was given back by ``resume``
NUDGED: Final = "nudge-"
#: Where the provider has the word.
AT_THE_PROVIDER: Final = frozenset({Situation.THINKING, Situation.SILENT, Situation.PAUSING, Situation.CHATTERING})


class Vigil(msgspec.Struct, frozen=True):
    """What a runner watches its turns with: rules for all, who looks at processes, and the time of day."""

    rules: StuckRules
    take_pulse: TakePulse
    clock: Clock


class Watching:
    """One turn under watch. ``stuck``: how it stood when it was stopped for that; ``spent``: its process is to go."""

    def __init__(
        self,
        claim: Claimed,
        store: ExecutionStore,
        recorder: Recorder,
        clocks: RunClocks,
        agent: Equipped,
        vigil: Vigil,
        stop: Callable[[StopCause], None],
    ) -> None:
        self._claim = claim
        self._store = store
        self._recorder = recorder
        self._clocks = clocks
        self._abilities = agent.driver.abilities
        self._rules = msgspec.structs.replace(vigil.rules, **agent.kind.stuck)
        self._vigil = vigil
        self._stop = stop
        self._vitals = Vitals(self._rules.quiet, opaque=self._abilities.degraded)
        self._climb = Climb(self._rules)
        self._asking = False
        self._bytes = 0
        self._nudges = 0
        self._noted: float | None = None  # when it had got on last, as it was noted
        self._action: Action | None = None
        self.stuck: str | None = None

    @property
    def spent(self) -> bool:
        """Whether its process shall not be used again."""
        return self._action in (Action.RESUME, Action.FAIL)

    def heard(self, event: DialogueEvent) -> None:
        """The agent said something. What it says to a nudge is no progress."""
        if isinstance(event, SteerSettled) and event.signal.startswith(NUDGED):
            self._recorder.note(EventType.STATUS, phase=STUCK, nudge="applied" if event.applied else event.why)
            self.saw(Printed())
        else:
            self.saw(evidence_of(event, self._vigil.clock.now_ms()))

    def saw(self, evidence: Evidence) -> None:
        """Take a piece of evidence, of now."""
        self._vitals.take(evidence, self._now())
        if self._noted is not None and self._vitals.told > self._noted:
            self._recorder.note(EventType.STATUS, phase=STUCK, over=True)
            self._noted = None

    async def watch(self, live: Live, transcript: Transcript) -> None:
        """Look again and again; somebody else ends this."""
        self._bytes = live.dialogue.bytes_heard
        pause_s = self._pause_s()
        while pause_s is not None and self._action is None:
            await asyncio.sleep(pause_s)
            await self._look(live, transcript, pause_s)

    def judged(self, outcome: Outcome) -> Outcome:
        """What was stopped to go on elsewhere goes back to its queue; no attempt is burned."""
        if self._action is Action.RESUME and isinstance(outcome, Failed) and outcome.reason is Reason.STALLED:
            return Released(STALLED)
        return outcome

    async def _look(self, live: Live, transcript: Transcript, pause_s: float) -> None:
        """Gather what nobody tells, and take the next rung if its time has come."""
        if self._recorder.full:  # it is we who do not read
            self.saw(Told())
        if self._clocks.paused is not self._asking:
            self._asking = self._clocks.paused
            self.saw(Questioned() if self._asking else Replied())
        if live.dialogue.bytes_heard != self._bytes:
            self._bytes = live.dialogue.bytes_heard
            self.saw(Printed())
        if self._now() - self._vitals.told >= pause_s and self._vitals.finding(self._now()).situation not in (
            Situation.ASKING,
            Situation.LIMITED,
        ):
            pulse = await self._vigil.take_pulse(live.mark)
            if pulse is not None:
                self.saw(pulse)
        now = self._now()
        finding = self._vitals.finding(now)
        rung = self._climb.due(finding, now)
        if rung is not None:
            await self._take(rung.do, finding, live, transcript)

    async def _take(self, action: Action, finding: Finding, live: Live, transcript: Transcript) -> None:
        """Do what a rung says, or say why it is not done."""
        why_not = await self._why_not(action, finding, transcript)
        data: dict[str, object] = {} if why_not is None else {"skipped": why_not}
        self._note(action, finding, **data)
        if why_not is not None:
            return
        match action:
            case Action.NOTE:
                pass
            case Action.NUDGE:
                self._nudges += 1
                await live.dialogue.send(Steer(f"{NUDGED}{self._nudges}", self._rules.nudge))
            case Action.INTERRUPT | Action.RESUME | Action.FAIL:
                self._action = action
                self.stuck = f"it stood still for {self._stood(finding)}: {WORDS[finding.situation]}"
                self._stop(StopCause.STALLED)

    async def _why_not(self, action: Action, finding: Finding, transcript: Transcript) -> str | None:
        if action is Action.NUDGE and (not self._abilities.steer or finding.situation is Situation.STARTING):
            return "this agent cannot be told anything now"
        if action in DRASTIC and finding.situation in AT_THE_PROVIDER and await self._parked():
            return f"its account '{self._claim.account}' is parked"
        if action is Action.RESUME:
            return await self._why_not_again(transcript)
        return None

    async def _parked(self) -> bool:
        """Whether its provider has refused others meanwhile: then it is waited for until the reset."""
        for account in await self._store.accounts():
            if account.name == self._claim.account and account.phase is Phase.PARKED:
                now_ms = self._vigil.clock.now_ms()
                left_s = LOOK_S if account.until is None else (account.until - now_ms) / 1000
                self._vitals.take(Refused(max(left_s, LOOK_S)), self._now())
                return True
        return False

    async def _why_not_again(self, transcript: Transcript) -> str | None:
        """Why the turn cannot go on in another process, if so."""
        remembers = self._claim.seat is not None and self._abilities.resume
        if transcript.tools and not remembers and not self._claim.spec.safe_to_retry:
            return "it has used tools, and another process would not know of it"
        runs = await self._store.runs(self._claim.task)
        before = sum(1 for run in runs if run.outcome == "released" and run.reason == STALLED)
        return None if before < self._rules.resumes else f"its process was stopped for that {before} times already"

    def _note(self, action: Action, finding: Finding, **more: object) -> None:
        """Write down what is known."""
        now, vitals = self._now(), self._vitals
        clocks = {"told": vitals.told, "printed": vitals.printed, "worked": vitals.worked, "carried": vitals.carried}
        ages = {name: round(now - at, 1) for name, at in clocks.items() if at >= 0}
        seen = {} if vitals.pulse is None else msgspec.structs.asdict(vitals.pulse)
        self._recorder.note(
            EventType.STATUS,
            phase=STUCK,
            situation=finding.situation,
            for_s=round(now - finding.since, 1),
            action=action,
            text=f"for {self._stood(finding)}: {WORDS[finding.situation]}",
            ages_s=ages,
            processes={name: value for name, value in seen.items() if value is not None},
            tools=vitals.tools,
            **more,
        )
        self._noted = vitals.told

    def _stood(self, finding: Finding) -> str:
        return format_duration(round(self._now() - finding.since, 0 if self._now() - finding.since >= 1 else 2))

    def _pause_s(self) -> float | None:
        """How long to wait between looks; ``None``: there is nothing to look for."""
        first = {situation: ladder[0].after_s for situation in Situation if (ladder := self._rules.ladder(situation))}
        if not first:
            return None
        pause_s = min(LOOK_S, self._rules.quiet / 2, first.pop(Situation.STARTING, LOOK_S))
        return min([pause_s, *(after_s / LOOKS_PER_RUNG for after_s in first.values())])

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
