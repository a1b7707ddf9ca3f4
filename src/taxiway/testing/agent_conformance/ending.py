"""Ending: a turn is steered, interrupted, stopped or hangs, and nothing of it is left."""

from __future__ import annotations

from taxiway.agents.dialogue import Interrupt, Steer
from taxiway.core.event import EventType
from taxiway.testing.agent_conformance.bench import Bench, Suite
from taxiway.testing.agent_conformance.cases import Case, shows
from taxiway.testing.agent_conformance.scene import AwaitFile, Hang, Linger, Say, SaySlowly, Scene
from taxiway.testing.agent_conformance.talk import Talk

WORDS = "one two three four five six seven eight nine ten " * 20


class Ending(Suite):
    """Turns that somebody else has a word in."""

    @shows(Case.STEER)
    async def test_a_steer_goes_into_the_open_turn(self, bench: Bench) -> None:
        """OC-01: the receipt says so, once, and the answer comes from it."""
        staged = await bench.stage(Scene(turns=((AwaitFile("go"), Say("unheard")),), steered=(Say("steered"),)))
        talk = await bench.ready(staged)
        await talk.begin()
        await talk.until(lambda: talk.told(EventType.TOOL_CALL, "name") or talk.printed, "the tool has begun")
        await talk.dialogue.send(Steer("s1", staged.steer))
        (bench.work / "go").touch()
        ended = await talk.over()
        assert [(settled.signal, settled.applied) for settled in talk.settled()] == [("s1", True)]
        assert ended.reason is None
        assert talk.text.endswith("steered")
        assert "unheard" not in talk.text

    @shows(Case.INTERRUPT_TEXT)
    async def test_an_interrupt_in_a_text_ends_the_turn_and_keeps_the_process(self, bench: Bench) -> None:
        """OC-03: the same process takes the next turn."""
        talk = await bench.talk(SaySlowly(WORDS), Say("next"))
        await talk.begin()
        await talk.until(lambda: talk.text or b"two" in talk.printed, "it speaks")
        await talk.dialogue.send(Interrupt())
        ended = await talk.over()
        assert (ended.reason, ended.interrupted) == (None, True)
        assert len(talk.text) < len(WORDS)
        await self._next(talk)

    @shows(Case.INTERRUPT_TOOL)
    async def test_an_interrupt_in_a_tool_leaves_nothing_of_it(self, bench: Bench) -> None:
        """Traps 5 and 6, I6: also what is deaf to signals and has a session of its own is gone with the turn."""
        talk = await bench.talk(Linger("begun.txt"), Say("next"))
        before = await self._lingering(bench, talk)
        await talk.dialogue.send(Interrupt())
        ended = await talk.over()
        assert (ended.reason, ended.interrupted) == (None, True)
        assert await talk.dialogue.clear()
        await talk.until(lambda: talk.pids() <= before, "what the turn has started is gone")
        await self._next(talk)

    @shows(Case.STOP)
    async def test_a_stop_in_a_tool_leaves_nothing_of_it(self, bench: Bench) -> None:
        """Traps 4 and 5, I6: the whole tree is gone when the end is told, and no success was."""
        talk = await bench.talk(Linger("begun.txt"))
        await self._lingering(bench, talk)
        assert (await talk.stop()).certain
        assert not talk.living()
        assert not talk.succeeded

    @shows(Case.HANG)
    async def test_a_hang_is_ended_from_outside(self, bench: Bench) -> None:
        """I14: whatever it does not hear, and it was no success (trap 1)."""
        talk = await bench.talk(Hang())
        await talk.begin()
        assert (await talk.stop()).certain
        assert not talk.living()
        assert not talk.succeeded

    async def _lingering(self, bench: Bench, talk: Talk) -> set[int]:
        """Begin a turn whose tool lingers; what lived before it."""
        before = talk.pids()
        await talk.begin()
        await talk.until((bench.work / "begun.txt").exists, "the tool has begun")
        await talk.until(lambda: talk.pids() - before, "something of the tool lives")
        return before

    async def _next(self, talk: Talk) -> None:
        """The process takes another turn."""
        ended = await talk.turn()
        assert (ended.reason, ended.interrupted, talk.text) == (None, False, "next")
