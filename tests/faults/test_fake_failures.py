"""How the fake agent fails as Codex's app-server and as Claude Code: limits, errors, cuts, garbage, deaths."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.dialogue import (
    Limited,
    TurnEnded,
)
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended
from taxiway.core.agent import Adapter
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind
from taxiway.core.task import Reason
from tests.dialogues import said, texts, turn
from tests.faults.fakes import Talk, end, fakes, of

BOTH = pytest.mark.parametrize("adapter", [Adapter.CODEX, Adapter.CLAUDE])
HOUR_S = 3600


@pytest.fixture
async def talk(agent: ProcessAgent, tmp_path: Path) -> AsyncIterator[Talk]:
    """`await talk(adapter, steps, …)` opens a fake agent that is ready."""
    async with fakes(agent, tmp_path) as start:
        yield start


@BOTH
async def test_a_plan_that_is_used_up_tells_when_it_is_there_again(talk: Talk, adapter: Adapter) -> None:
    """quota, with the time of its reset; a window that fills is a warning."""
    used_up = {"resets_in": "1h", "kind": "quota", "text": "used up"}
    nearly = {"resets_in": "1h", "kind": "warning", "fail": False}
    turns = [{"match": kind, "steps": [{"rate_limit": it}]} for kind, it in (("quota", used_up), ("warning", nearly))]
    dialogue = await talk(adapter, turns=turns)
    warned = await turn(dialogue, "warning")
    (warning,) = [event.limit for event in of(Limited, warned)]
    assert (warning.kind, end(warned).reason) == (LimitKind.WARNING, None)
    found = end(await turn(dialogue, "quota"))
    assert (found.reason, found.error) == (Reason.QUOTA, "used up")
    assert found.limit is not None
    for limit in (warning, found.limit):
        assert limit.resets_at is not None
        assert abs(limit.resets_at / 1000 - time.time() - HOUR_S) < 60


@BOTH
@pytest.mark.parametrize(
    ("kind", "reason", "limit"),
    [("rate", Reason.RATE_LIMIT, LimitKind.RATE), ("overload", Reason.PROVIDER, LimitKind.OVERLOAD)],
)
async def test_a_limit_is_told_while_the_call_is_made_again(
    talk: Talk, adapter: Adapter, kind: str, reason: Reason, limit: LimitKind
) -> None:
    """429 and 503 or 529: twice again, then the turn fails; one that passes leaves the turn as it is."""
    failing, passing = ([{"rate_limit": {"kind": kind, "fail": fail}}, {"say": "on"}] for fail in (True, False))
    dialogue = await talk(adapter, passing, turns=[{"turn": 1, "steps": failing}])
    events = await turn(dialogue)
    assert [one.limit.kind for one in of(Limited, events)] == [limit, limit]
    assert (end(events).reason, end(events).limit.kind) == (reason, limit)  # type: ignore[union-attr]
    events = await turn(dialogue)
    assert len(of(Limited, events)) == 1
    assert end(events) == TurnEnded(text="on")


@BOTH
async def test_a_turn_fails_for_the_reason_that_its_error_means(talk: Talk, adapter: Adapter) -> None:
    """A43, trap 2: by the words of the real ones; Codex has none for a budget of turns or dollars."""
    dialogue = await talk(adapter, [{"fail": {"reason": "{text}", "error": "because"}}])
    own = {"gave_up": Reason.GAVE_UP, "budget": Reason.BUDGET} if adapter is Adapter.CLAUDE else {}
    for word in ("auth", "quota", "rate_limit", "provider", "gave_up", "budget", "agent_error"):
        found = end(await turn(dialogue, word))
        meant = Reason(word) if word not in ("gave_up", "budget") else own.get(word, Reason.AGENT_ERROR)
        assert (found.reason, found.error) == (meant, "because")


@BOTH
async def test_a_stream_that_is_cut_in_a_text_is_the_provider_s(talk: Talk, adapter: Adapter) -> None:
    """Half of an answer, and a failure that may pass."""
    dialogue = await talk(adapter, [{"say": {"text": "half", "delta": True}}, {"fail": "provider"}])
    events = await turn(dialogue)
    assert texts(events) == ["half"]
    assert (end(events).reason, end(events).passing) == (Reason.PROVIDER, True)


@BOTH
async def test_garbage_between_the_lines_is_told_and_the_reading_goes_on(talk: Talk, adapter: Adapter) -> None:
    """I18: half a line of JSON, what a library prints, 20 MB in one line."""
    garbage = "".join(line + "\n" for line in ('{"half": ', "a library says hello"))
    steps = [{"raw": garbage}, {"flood": {"mb": 20, "line_bytes": 0}}, {"raw": "\n"}, {"say": "done"}]
    events = await turn(await talk(adapter, steps))
    errors = said(events, EventType.ERROR)
    assert any("no message" in error["text"] for error in errors)
    assert end(events) == TurnEnded(text="done")


@BOTH
async def test_a_flood_of_messages_is_read_to_its_end(talk: Talk, adapter: Adapter) -> None:
    """Pieces of a text in the protocol's own lines."""
    events = await turn(await talk(adapter, [{"flood": {"mb": 1, "line_bytes": 1000, "messages": True}}]))
    assert sum(map(len, texts(events))) > 500_000
    assert end(events).reason is None


@BOTH
@pytest.mark.parametrize("step", [{"exit": 7}, {"crash": "SIGSEGV"}, {"raw": '{"half": '}])
async def test_a_process_that_dies_in_a_turn_ends_it_once(talk: Talk, adapter: Adapter, step: dict[str, Any]) -> None:
    """I14: whatever it had begun to say."""
    dialogue = await talk(adapter, [{"say": {"text": "a", "delta": True}}, step, {"exit": 7}])
    events = await turn(dialogue)
    assert isinstance(events[-1], Ended)
    assert of(TurnEnded, events) == []
