"""Watching a turn in virtual time, with a pulse that the test gives."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from taxiway.agents.dialogue import Limited, Said, Steer, SteerSettled
from taxiway.agents.protocol import Output
from taxiway.core.account import Phase
from taxiway.core.agent import Abilities
from taxiway.core.event import EventType
from taxiway.core.ladder import Action, Rung, StuckRules
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.run import Failed, Released, StopCause
from taxiway.core.task import Reason, TaskSpec
from taxiway.core.vitals import Pulse, Started, TurnBegun
from taxiway.engine.clocks import RunClocks
from taxiway.engine.watching import Vigil, Watching
from taxiway.testing.simulator.loop import VirtualLoop

MINUTE_S = 60.0
DEAD_LINE = Pulse(1, 0.0, 0.0, 0, 1, 1, 500)
NO_LINE = Pulse(1, 0.0, 0.0, 0, 0, 0, 0)


class Scene:
    """One turn, and whoever it has to do with; ``pulse`` is what a look sees."""

    def __init__(self, loop: VirtualLoop, rules: StuckRules, **abilities: bool) -> None:
        self.loop = loop
        self.pulse: Pulse | None = DEAD_LINE
        self.looks: list[float] = []
        self.stops: list[tuple[float, StopCause]] = []
        self.notes: list[dict[str, Any]] = []
        self.said: list[Any] = []
        self.accounts: list[Any] = []
        self.runs: list[Any] = []
        self.clocks = RunClocks(self.stop, None, None)
        claim = SimpleNamespace(task="task_1", account="acct", seat=object(), spec=TaskSpec(prompt="go"))
        recorder = SimpleNamespace(full=False, note=lambda _, **data: self.notes.append({"at": loop.time(), **data}))
        agent = SimpleNamespace(
            kind=SimpleNamespace(stuck={}),
            driver=SimpleNamespace(abilities=Abilities(**{"steer": True, "resume": True, **abilities})),
        )
        store = SimpleNamespace(accounts=self._accounts, runs=self._runs)
        vigil = Vigil(rules, self._felt, SimpleNamespace(now_ms=lambda: int(loop.time() * 1000)))  # type: ignore[arg-type]
        self.live: Any = SimpleNamespace(mark=None, dialogue=SimpleNamespace(bytes_heard=0, send=self._sent))
        self.watching = Watching(claim, store, recorder, self.clocks, agent, vigil, self.stop)  # type: ignore[arg-type]
        self.transcript: Any = SimpleNamespace(tools=False)

    async def turn(self) -> None:
        """Begin the turn, and watch it until it is stopped."""
        self.watching.saw(Started())
        self.watching.saw(TurnBegun())
        await self.watching.watch(self.live, self.transcript)

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        """Note when it was stopped."""
        self.stops.append((self.loop.time(), cause))

    def actions(self) -> list[tuple[float, str]]:
        """When which rung was taken, in minutes."""
        return [(round(note["at"] / MINUTE_S, 1), note["action"]) for note in self.notes if "action" in note]

    async def _felt(self, _: object) -> Pulse | None:
        self.looks.append(self.loop.time())
        return self.pulse

    async def _sent(self, message: object) -> None:
        self.said.append(message)

    async def _accounts(self) -> list[Any]:
        return self.accounts

    async def _runs(self, _: str) -> list[Any]:
        return self.runs


Meanwhile = Callable[[Scene], Coroutine[Any, Any, None]]
Play = Callable[..., Scene]
DEFAULT = StuckRules()


async def nothing(_: Scene) -> None:
    """Nothing comes to the turn."""


@pytest.fixture
def play() -> Play:
    """Play a turn by what comes to it meanwhile; at most a virtual day."""

    def played(
        meanwhile: Meanwhile = nothing, rules: StuckRules = DEFAULT, hours: float = 24.0, **abilities: bool
    ) -> Scene:
        loop = VirtualLoop(Random(1))
        scene = Scene(loop, rules, **abilities)

        async def main() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(hours * 3600), asyncio.TaskGroup() as group:
                    other = group.create_task(meanwhile(scene))
                    await scene.turn()
                    other.cancel()

        loop.run(main())
        return scene

    return played


def test_a_dead_line_is_noted_nudged_and_gone_on_with_elsewhere(play: Play) -> None:
    """Wish 6: the ladder that comes along, in its times."""
    scene = play()
    assert scene.actions() == [(3.0, "note"), (6.0, "nudge"), (12.0, "resume")]
    assert [type(message) for message in scene.said] == [Steer]
    assert scene.stops == [(12 * MINUTE_S, StopCause.STALLED)]
    stalled = Failed(Reason.STALLED, "it stood still")
    assert scene.watching.spent
    assert scene.watching.judged(stalled) == Released("stalled")
    assert scene.watching.judged(Failed(Reason.AGENT_ERROR, "x")) == Failed(Reason.AGENT_ERROR, "x")


def test_who_was_resumed_already_fails_in_its_time(play: Play) -> None:
    """The bound is the task's, over all its runs."""

    async def before(scene: Scene) -> None:
        scene.runs = [SimpleNamespace(outcome="released", reason=reason) for reason in ("drain", "stalled")]

    scene = play(before)
    assert scene.actions() == [(3.0, "note"), (6.0, "nudge"), (12.0, "resume"), (15.0, "fail")]
    assert scene.notes[2]["skipped"] == "its process was stopped for that 1 times already"
    assert scene.stops == [(15 * MINUTE_S, StopCause.STALLED)]


def test_what_waits_for_a_quota_by_its_own_clock_is_never_ended(play: Play) -> None:
    """Trap 9: OpenCode waits as long as its provider says, and prints nothing."""

    async def waits(scene: Scene) -> None:
        scene.pulse = NO_LINE

    assert play(waits).actions() == [(5.0, "note"), (30.0, "nudge")]


def test_while_its_account_is_parked_nothing_is_done_about_it(play: Play) -> None:
    """Its provider refuses everybody until then: so it does not stand still, and begins to at the reset."""

    async def parked(scene: Scene) -> None:
        scene.accounts = [SimpleNamespace(name="acct", phase=Phase.PARKED, until=int(60 * MINUTE_S * 1000))]
        await asyncio.sleep(50 * MINUTE_S)
        scene.accounts = []

    scene = play(parked)
    assert scene.actions() == [
        *((3.0, "note"), (6.0, "nudge"), (12.0, "resume")),
        *((63.0, "note"), (66.0, "nudge"), (72.0, "resume")),
    ]
    assert scene.notes[2]["skipped"] == "its account 'acct' is parked"


def test_a_person_is_waited_for_without_a_look(play: Play) -> None:
    """Semantics, "Waiting for a person": a night passes, and the clock begins with the answer."""

    async def night(scene: Scene) -> None:
        await asyncio.sleep(MINUTE_S)
        scene.clocks.pause()
        await asyncio.sleep(600 * MINUTE_S)
        asked = len(scene.looks)
        scene.clocks.go_on()
        assert asked <= 4

    assert play(night).actions() == [(604.2, "note"), (607.2, "nudge"), (613.2, "resume")]


def test_a_limit_with_a_reset_moves_the_clock_to_the_reset(play: Play) -> None:
    """The provider said until when; a limit that is only near moves nothing."""

    async def told(scene: Scene) -> None:
        scene.watching.heard(Limited(ProviderLimit(kind=LimitKind.WARNING, resets_in_s=90 * MINUTE_S)))
        scene.watching.heard(Limited(ProviderLimit(kind=LimitKind.RATE, resets_in_s=60 * MINUTE_S)))

    assert play(told).actions()[0] == (63.0, "note")


def test_processes_are_looked_at_only_while_nothing_is_heard(play: Play) -> None:
    """A turn that talks costs no look."""

    async def talks(scene: Scene) -> None:
        for _ in range(600):
            await asyncio.sleep(1.0)
            scene.watching.heard(Said(EventType.MESSAGE, {"text": "x"}))

    scene = play(talks, hours=0.18)
    assert len(scene.looks) <= 4
    assert min(scene.looks) > 600


def test_an_agent_that_cannot_be_steered_is_not_nudged_and_that_is_said(play: Play) -> None:
    """A rung that is left out has its reason in the log."""
    scene = play(steer=False)
    assert scene.said == []
    assert scene.notes[1]["skipped"] == "this agent cannot be told anything now"


def test_the_receipt_of_a_nudge_is_no_progress(play: Play) -> None:
    """Who acknowledges words need not work; real words begin the ladder anew, and that is said."""

    async def acknowledges(scene: Scene) -> None:
        await asyncio.sleep(6.5 * MINUTE_S)
        scene.watching.heard(SteerSettled(scene.said[0].signal, True))
        await asyncio.sleep(MINUTE_S)
        scene.watching.heard(Said(EventType.MESSAGE, {"text": "here I am"}))

    scene = play(acknowledges, hours=0.2)
    assert scene.actions() == [(3.0, "note"), (6.0, "nudge"), (10.5, "note")]
    assert {"at": 6.5 * MINUTE_S, "phase": "stuck", "nudge": "applied"} in scene.notes
    assert {"at": 7.5 * MINUTE_S, "phase": "stuck", "over": True} in scene.notes


def test_a_spinner_is_neither_progress_nor_silence(play: Play) -> None:
    """Bytes have a clock of their own, also such that the adapter passes over."""

    async def spins(scene: Scene) -> None:
        for number in range(10_000):
            await asyncio.sleep(5.0)
            scene.watching.heard(Output("stderr", b"."))
            scene.live.dialogue.bytes_heard = number

    assert play(spins).actions() == [(10.0, "note"), (20.0, "nudge"), (45.0, "interrupt")]


def test_without_ladders_nobody_looks(play: Play) -> None:
    """What is configured away costs nothing."""
    none = dict.fromkeys(("starting", "thinking", "silent", "pausing", "chattering", "working", "standing"), ())
    scene = play(rules=msgspec.structs.replace(DEFAULT, **none))
    assert (scene.looks, scene.notes) == ([], [])


def test_an_interrupt_keeps_the_process(play: Play) -> None:
    """Only ``resume`` and ``fail`` give it up."""
    scene = play(rules=msgspec.structs.replace(DEFAULT, silent=(Rung(180.0, Action.INTERRUPT),)))
    assert not scene.watching.spent
    assert scene.watching.stuck == (
        "it stood still for 3m: the model has the word, its provider owes an answer, and nothing moves"
    )
