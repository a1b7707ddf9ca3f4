"""Failing: what a provider does to an agent is the reason of the turn's end, and never a success."""

from __future__ import annotations

from typing import Final

from taxiway.agents.dialogue import TurnEnded
from taxiway.agents.protocol import SpawnFailure
from taxiway.core.providerlimit import LimitKind
from taxiway.core.task import Reason
from taxiway.testing.agent_conformance.bench import Bench, Suite
from taxiway.testing.agent_conformance.cases import Case, shows
from taxiway.testing.agent_conformance.scene import Meet, Say, Scene, Trouble

RESET_S: Final = 2.0
ROUGHLY_S: Final = 1.5  #: resets are told in whole seconds


class Failing(Suite):
    """Traps 1, 2 and 9: no exit status, no `success` and no silence is taken for an end; its reason is told."""

    @shows(Case.LIMIT)
    async def test_a_limit_says_when_it_resets(self, bench: Bench) -> None:
        """A rate, or a plan that is used up: the time is the one that the provider told."""
        before = bench.clock.now_ms()
        ended = await self._fail(bench, Meet(Trouble.LIMIT, RESET_S))
        limit = ended.limit
        assert limit is not None
        assert (ended.reason, limit.kind) in ((Reason.RATE_LIMIT, LimitKind.RATE), (Reason.QUOTA, LimitKind.QUOTA))
        now = bench.clock.now_ms()
        reset = limit.reset(now)
        assert reset is not None
        assert before + (RESET_S - ROUGHLY_S) * 1000 <= reset <= now + (RESET_S + ROUGHLY_S) * 1000

    @shows(Case.PROVIDER)
    async def test_a_provider_that_fails_is_the_reason(self, bench: Bench) -> None:
        """It may be gone the next time."""
        ended = await self._fail(bench, Meet(Trouble.FAILURE))
        assert (ended.reason, ended.passing) == (Reason.PROVIDER, True)

    @shows(Case.CUT)
    async def test_a_stream_that_is_cut_is_a_provider_that_stumbled(self, bench: Bench) -> None:
        """Half an answer is no answer."""
        ended = await self._fail(bench, Meet(Trouble.CUT))
        assert (ended.reason, ended.passing) == (Reason.PROVIDER, True)

    @shows(Case.AUTH)
    async def test_credentials_that_are_refused_are_the_reason(self, bench: Bench) -> None:
        """Nothing that passes by waiting."""
        ended = await self._fail(bench, Meet(Trouble.REFUSAL))
        assert (ended.reason, ended.passing, ended.limit) == (Reason.AUTH, False, None)

    @shows(Case.MISSING)
    async def test_a_program_that_is_not_there_is_no_failure_of_the_work(self, bench: Bench) -> None:
        """A26: nothing ran, and that is known."""
        opened = await bench.open(await bench.stage(Scene(turns=((Say("never"),),), missing=True)))
        if isinstance(opened, SpawnFailure):
            failure: SpawnFailure | None = opened
        else:
            assert opened.ended is not None
            assert not opened.is_ready
            failure = opened.ended.spawn_failure
        assert failure is not None
        assert failure.text
        assert not failure.passing

    async def _fail(self, bench: Bench, meet: Meet) -> TurnEnded:
        """A turn that meets a trouble; another follows in the same process, and is none the worse for it."""
        talk = await bench.talk(meet, Say("next"))
        ended = await talk.turn()
        assert ended.reason is not None, f"it is called a success: {talk.said}"
        assert ended.error
        assert not ended.interrupted
        assert (await talk.turn()).reason is None
        assert talk.text == "next"
        return ended
