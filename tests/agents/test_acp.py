"""Gemini CLI and OpenCode over ACP, against the stub model: what they are asked beyond the cases of every agent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from taxiway.agents.dialogue import Asked, Interrupt, ThreadKnown, Turn, TurnEnded
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended
from taxiway.core.agent import Access
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind
from taxiway.core.task import Reason, Usage
from tests.agents.homes import HOMES
from tests.agents.talking import Talk, end, of, talk, texts, used
from tests.stub_model.record import Outcome
from tests.stub_model.server import StubModel

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]

WORDS = {"gemini": ("--acp",), "opencode": ("acp",)}
PRICES = {"in": 3e-6, "out": 15e-6, "cached": 0.3e-6}  #: of the stub's model in OpenCode's home

Open = Callable[..., Awaitable[Talk]]


@pytest.fixture(params=["gemini", "opencode"])
def name(request: pytest.FixtureRequest) -> str:
    """Each CLI."""
    found: str = request.param
    return found


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    """The stub model."""
    async with StubModel() as serving:
        yield serving


@pytest.fixture
async def process() -> AsyncIterator[ProcessAgent]:
    """What starts programs; its fork server is gone when the test is over."""
    agent = ProcessAgent()
    yield agent
    await agent.aclose()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where the agents work."""
    return tmp_path / "work"


@pytest.fixture
async def opened(name: str, stub: StubModel, tmp_path: Path, process: ProcessAgent) -> AsyncIterator[Open]:
    """`await opened(access=…, thread=…)` starts the CLI in its home."""
    talks: list[Talk] = []
    home = HOMES[name](tmp_path, stub.url).lay()

    async def start(access: Access = Access.AUTO, thread: str | None = None) -> Talk:
        talks.append(await talk(home, WORDS[name], process, access, thread))
        return talks[-1]

    yield start
    for one in talks:
        one.dialogue.drop()


def turns_seen(stub: StubModel) -> list[tuple[int, int, int]]:
    """Tokens in, out and cached of each call of the model that was a part of a turn."""
    calls = [one for one in stub.requests if one.why.startswith("turn") and one.outcome is Outcome.STREAMED]
    return [(one.taken, one.given, one.cached) for one in calls]


async def test_two_turns_in_one_process_say_write_and_count(
    name: str, opened: Open, stub: StubModel, work: Path
) -> None:
    """A43, A44: the conversation's id comes before the first turn; what is reported is what the stub has counted."""
    one = await opened()
    assert [event for event in one.events if isinstance(event, ThreadKnown)]
    first = await one.turn("[[stub: usage in=1000 out=7 ;; say hello from the stub]]")
    assert end(first) == TurnEnded()
    assert texts(first) == "hello from the stub"
    assert used(first) == Usage(1000, 7, None, None if name == "gemini" else pytest.approx(0.003105))
    stub.forget()
    script = f"[[stub: note looking ;; sh echo 42 > ran.txt ;; write {work}/written.txt one ;; say done]]"
    second = await one.turn(script)
    assert end(second) == TurnEnded()
    assert (work / "ran.txt").read_text() == "42\n"
    assert (work / "written.txt").read_text().strip() == "one"
    assert [data["kind"] for data in of(second, EventType.TOOL_CALL)] == ["execute", "edit"]
    assert [data.get("failed") for data in of(second, EventType.TOOL_RESULT)] == [None, None]
    assert texts(second) == "lookingdone"
    seen = turns_seen(stub)
    assert len(seen) == 3
    if name == "gemini":
        assert used(second) == Usage(sum(taken for taken, _, _ in seen), sum(given for _, given, _ in seen))
        assert "+one" in texts(second, EventType.DIFF)
    else:  # its tokens are those of the last call only, so they are not told; its cost is that of all
        cost = sum(taken * PRICES["in"] + given * PRICES["out"] for taken, given, _ in seen)
        assert used(second) == Usage(usd=pytest.approx(cost))
    assert (await one.close()).certain


async def test_a_prompt_is_data_however_large_and_strange_it_is(opened: Open, work: Path) -> None:
    """A megabyte with controls, bidi, quotes and what a shell would run reaches the model; nothing else happens."""
    one = await opened()
    strange = "x\u202e\x1b[31m\x00é😀`$(touch pwned)\"'\\;touch pwned\r\n"
    events = await one.turn("[[stub: say got it]]" + strange * (1_000_000 // len(strange.encode())))
    assert (texts(events), end(events)) == ("got it", TurnEnded())
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("allow", [True, False], ids=["allowed", "refused"])
async def test_a_permission_is_asked_for_and_its_answer_holds(opened: Open, work: Path, allow: bool) -> None:
    """Access write: commands are asked for. The question comes before anything is done."""
    one = await opened(Access.WRITE)
    one.allow = allow
    events = await one.turn("[[stub: sh echo hi > asked.txt ;; say done]]")
    (asked,) = [event for event in events if isinstance(event, Asked)]
    assert (asked.tool, "echo hi > asked.txt" in asked.text) == ("execute", True)
    assert (work / "asked.txt").exists() is allow
    assert end(events) == TurnEnded()
    (status,) = of(events, EventType.STATUS)
    assert (status["phase"], status["access"], status["bound"]) == ("agent", "write", True)


async def test_analysis_changes_nothing_whatever_the_model_wants(opened: Open, work: Path) -> None:
    """Access analysis: neither by a command nor by a tool for files, with every question answered yes."""
    one = await opened(Access.ANALYSIS)
    first = await one.turn("[[stub: sh echo hi > f.txt ;; say done]]")
    second = await one.turn(f"[[stub: write {work}/g.txt one ;; say done]]")
    assert list(work.iterdir()) == []
    assert (end(first), end(second)) == (TurnEnded(), TurnEnded())
    (status,) = of(first, EventType.STATUS)
    assert (status["access"], status["mode"], status["bound"]) == ("analysis", "plan", True)


async def test_an_interrupt_ends_a_text_and_drops_the_models_request(opened: Open, stub: StubModel) -> None:
    """Trap 6: the request is gone at the provider's, and the same process takes the next turn."""
    one = await opened()
    await one.dialogue.send(Turn("[[stub: hang body]]"))
    await stub.seen(lambda call: call.why == "turn 0" and call.status == 200)
    await one.dialogue.send(Interrupt())
    assert end(await one.until(TurnEnded, Ended)) == TurnEnded(interrupted=True)
    await stub.seen(lambda call: call.why == "turn 0" and call.outcome is Outcome.CLIENT_GONE)
    assert texts(await one.turn("[[stub: say again]]")) == "again"


async def test_a_plan_that_is_used_up_is_no_rate_that_passes(name: str, opened: Open) -> None:
    """Gemini's words for it; OpenCode tries again as long as the provider says."""
    if name == "opencode":
        pytest.skip("OpenCode waits for a plan without end")
    quota = end(await (await opened()).turn("[[stub: limit reset=3600 times=all]]"))
    assert quota.reason is Reason.QUOTA
    assert quota.limit is not None
    assert quota.limit.kind is LimitKind.QUOTA
