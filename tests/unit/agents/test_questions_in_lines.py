"""Questions in `lines`: an id makes one that is waited for; answers go to open questions only."""

from typing import Any

import msgspec
import pytest

from taxiway.agents.dialogue import Answer, Asked, AskWithdrawn, DialogueEvent, Said, Turn, TurnEnded
from taxiway.agents.lines import LinesSpeech
from taxiway.agents.speech import OpenTurn
from taxiway.core.event import EventType


class Listener:
    """A floor that writes down what is said and told."""

    def __init__(self) -> None:
        self.turn: OpenTurn | None = None
        self.said: list[Any] = []
        self.told: list[DialogueEvent] = []
        self.complaints: list[str] = []

    def say(self, line: bytes) -> bool:
        self.said.append(msgspec.json.decode(line))
        return True

    def tell(self, event: DialogueEvent) -> None:
        self.told.append(event)

    def ready(self) -> None: ...

    def named(self, thread: str) -> None: ...

    def settle(self, signal: str, applied: bool, why: str | None = None) -> bool:
        return False

    def end_turn(self, end: TurnEnded) -> None:
        self.turn = None
        self.told.append(end)

    def complain(self, why: str, line: bytes) -> None:
        self.complaints.append(why)


@pytest.fixture
def floor() -> Listener:
    """Who listens."""
    return Listener()


@pytest.fixture
def speech(floor: Listener) -> LinesSpeech:
    """A speech with an open turn."""
    made = LinesSpeech(floor)
    floor.turn = OpenTurn(1)
    made.begin(Turn("go"))
    floor.said.clear()
    return made


def asks(speech: LinesSpeech, **fields: Any) -> None:
    """The agent says that it asks."""
    speech.heard(msgspec.json.encode({"type": "approval.requested", "text": "May I?", **fields}))


def test_a_question_with_an_id_is_asked_and_answered_once(floor: Listener, speech: LinesSpeech) -> None:
    """Surface 8: the tool and its input come along; a second answer reaches nobody."""
    asks(speech, id="a", tool="rm", input=["x"])
    assert floor.told == [Asked("a", "May I?", "rm", ["x"])]
    speech.answer(Answer("a", True, "mind the gap"))
    speech.answer(Answer("a", False))
    assert floor.said == [{"type": "answer", "id": "a", "allow": True, "text": "mind the gap"}]


def test_a_question_without_an_id_is_only_told(floor: Listener, speech: LinesSpeech) -> None:
    """As it was before: the agent does not wait."""
    asks(speech)
    assert floor.told == [Said(EventType.APPROVAL_REQUESTED, {"text": "May I?"})]


def test_an_id_asks_one_question_at_a_time(floor: Listener, speech: LinesSpeech) -> None:
    """I14: else an answer would have two meanings; once answered the id may be used again."""
    asks(speech, id="a")
    asks(speech, id="a")
    assert len(floor.told) == 1
    assert "asks twice" in floor.complaints[0]
    speech.answer(Answer("a", False))
    asks(speech, id="a")
    assert len(floor.told) == 2


def test_a_withdrawn_question_takes_no_answer(floor: Listener, speech: LinesSpeech) -> None:
    """Semantics, "Waiting for a person": what was not asked cannot be withdrawn."""
    speech.heard(b'{"type": "approval.withdrawn", "id": "a"}')
    asks(speech, id="a")
    speech.heard(b'{"type": "approval.withdrawn", "id": "a"}')
    speech.answer(Answer("a", True))
    assert floor.told[1:] == [AskWithdrawn("a")]
    assert floor.said == []


def test_a_question_ends_with_its_turn(floor: Listener, speech: LinesSpeech) -> None:
    """Semantics, "Waiting for a person": a late answer reaches no later turn; outside of one nobody is asked."""
    asks(speech, id="a")
    speech.heard(b'{"type": "done"}')
    speech.answer(Answer("a", True))
    asks(speech, id="b")
    assert "while no turn is open" in floor.complaints[0]
    floor.turn = OpenTurn(2)
    speech.begin(Turn("again"))
    speech.answer(Answer("a", True))
    assert [line["type"] for line in floor.said] == ["turn"]


@pytest.mark.parametrize("id", ["", "x" * 201, 7])
def test_an_id_that_is_none_makes_the_line_unreadable(floor: Listener, speech: LinesSpeech, id: Any) -> None:
    """I18: bounded like everything that a stranger says."""
    asks(speech, id=id)
    assert floor.told == []
    assert floor.complaints
