"""Acting: tools, permissions, and what is known of them after everything was killed."""

from __future__ import annotations

from taxiway.core.event import EventType
from taxiway.testing.agent_conformance.bench import Bench, Suite
from taxiway.testing.agent_conformance.cases import Case, shows
from taxiway.testing.agent_conformance.scene import AskToWrite, Linger, Say, Scene, WriteFile


class Acting(Suite):
    """Tools do what they are to do, once, and only what was allowed."""

    @shows(Case.WRITE)
    async def test_a_tool_writes_a_file_and_is_told(self, bench: Bench) -> None:
        """The call and its result come before the answer (on a screen there is no telling)."""
        talk = await bench.talk((WriteFile("written.txt", "one"), Say("done")))
        assert (await talk.turn()).reason is None
        assert (bench.work / "written.txt").read_text().strip() == "one"
        assert talk.text.endswith("done")
        calls, results = talk.told(EventType.TOOL_CALL, "id"), talk.told(EventType.TOOL_RESULT, "id")
        assert calls == results
        assert len(calls) == (0 if bench.degraded else 1)

    @shows(Case.ALLOWED)
    async def test_what_is_allowed_is_done_after_the_answer(self, bench: Bench) -> None:
        """Nothing happens before somebody has answered, and then it does."""
        await self._ask(bench, allow=True)

    @shows(Case.REFUSED)
    async def test_what_is_refused_is_never_done(self, bench: Bench) -> None:
        """And the turn ends well all the same: the agent was told."""
        await self._ask(bench, allow=False)

    @shows(Case.RESUME)
    async def test_a_conversation_goes_on_after_everything_was_killed_in_a_tool(self, bench: Bench) -> None:
        """A44, A45, trap 7: another process knows what was said, and does nothing twice."""
        marker = bench.work / "begun.txt"
        scene = Scene(turns=((Linger("begun.txt"),), (Say("went on"),)), remembered=True)
        staged = await bench.stage(scene)
        first = await bench.ready(staged)
        await first.begin()
        await first.until(lambda: marker.exists() and staged.remembers(), "the tool has begun, and is remembered")
        assert first.threads, "it has not told its id of the conversation"
        first.kill_everything()
        await first.until(lambda: first.ended is not None, "the process has ended")
        await first.vanished()
        second = await bench.ready(staged, turns=1, thread=first.threads[-1])
        assert not second.told(EventType.MESSAGE, "text"), "what was said is told again"
        ended = await second.turn()
        assert (ended.reason, second.text) == (None, "went on")
        assert len(marker.read_text().splitlines()) == 1, "the tool ran again"

    async def _ask(self, bench: Bench, allow: bool) -> None:
        wished = bench.work / "allowed.txt"
        talk = await bench.talk((AskToWrite("allowed.txt"), Say("over")))
        talk.allow = None
        await talk.begin()
        await talk.until(lambda: talk.asked() or talk.turn_ended, "it has asked")
        assert len(talk.asked()) == 1
        asked = talk.asked()[0]
        assert asked.text
        assert not wished.exists()
        await talk.answer(asked.id, allow)
        ended = await talk.over()
        assert (ended.reason, ended.interrupted) == (None, False)
        assert wished.exists() is allow
