"""Speaking: what an agent says is told once, whole and in order, and a turn ends when the agent says so."""

from __future__ import annotations

from typing import Any, Final

from taxiway.core.event import EventType
from taxiway.core.limits import EVENT_BYTES_MAX
from taxiway.testing.agent_conformance.bench import Bench, Suite
from taxiway.testing.agent_conformance.cases import Case, shows
from taxiway.testing.agent_conformance.scene import AnswerWith, Consume, Say, SayMuch, WriteFile

MUCH: Final = 300_000
JSON_BYTES_PER_CHAR: Final = 6  #: at most
COUNT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"count": {"type": "integer"}},
    "required": ["count"],
    "additionalProperties": False,
}


class Speaking(Suite):
    """Turns that end well."""

    @shows(Case.SAY)
    async def test_what_it_says_is_told_once_and_the_turn_ends(self, bench: Bench) -> None:
        """A43: the text, whole, and one end, with success; its own id of the conversation where it has one."""
        talk = await bench.talk(Say("the word is marzipan"))
        ended = await talk.turn()
        assert (ended.reason, ended.error, ended.interrupted) == (None, None, False)
        assert talk.text == "the word is marzipan"
        assert ended.text in (None, talk.text)
        assert (await talk.stop()).certain
        assert len(set(talk.threads)) <= 1

    @shows(Case.ORDER)
    async def test_turns_follow_one_another_in_one_process(self, bench: Bench) -> None:
        """A33, A45: each answer belongs to its own turn, and the process is the same."""
        talk = await bench.talk(Say("one"), Say("two"))
        first = await talk.turn()
        assert (first.reason, talk.text) == (None, "one")
        assert await talk.dialogue.clear()
        second = await talk.turn()
        assert (second.reason, talk.text) == (None, "two")
        assert talk.ended is None

    @shows(Case.HUGE)
    async def test_a_huge_answer_comes_whole(self, bench: Bench) -> None:
        """I18: nothing is lost, and no piece is larger than an event."""
        talk = await bench.talk(SayMuch(MUCH))
        assert (await talk.turn()).reason is None
        assert len(talk.text) == MUCH
        assert max(map(len, talk.told(EventType.MESSAGE, "text"))) * JSON_BYTES_PER_CHAR < EVENT_BYTES_MAX

    @shows(Case.RESULT)
    async def test_a_result_follows_the_schema(self, bench: Bench) -> None:
        """A result is a value, not a text."""
        talk = await bench.talk(AnswerWith({"count": 3}), schema=COUNT)
        ended = await talk.turn(COUNT)
        assert (ended.reason, ended.result) == (None, {"count": 3})

    @shows(Case.USAGE)
    async def test_each_turn_has_its_own_usage(self, bench: Bench) -> None:
        """Trap 8: what the provider has counted for this turn, not since the process or the conversation began."""
        talk = await bench.talk((Consume(1000, 20), Say("one")), (Consume(50, 5), Say("two")))
        await talk.turn()
        assert (talk.usage.input_tokens, talk.usage.output_tokens) == (1000, 20)
        await talk.turn()
        assert (talk.usage.input_tokens, talk.usage.output_tokens) == (50, 5)

    @shows(Case.USAGE_OF_TOOLS)
    async def test_the_usage_of_a_turn_with_tools_is_that_of_all_its_calls(self, bench: Bench) -> None:
        """Trap 8: neither of the last call of the model only, nor more."""
        script = (Consume(500, 30), WriteFile("a.txt", "one"), Consume(70, 7), Say("done"))
        talk = await bench.talk(script)
        await talk.turn()
        assert (talk.usage.input_tokens, talk.usage.output_tokens) == (570, 37)
