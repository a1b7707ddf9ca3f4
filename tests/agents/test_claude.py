"""Claude Code, the real program, driven by its adapter against the stub model."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from taxiway.agents.claude import ClaudeAgent
from taxiway.agents.claude_launch import derived_uuid
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    AskWithdrawn,
    DialogueEvent,
    Interrupt,
    Limited,
    Opening,
    Ready,
    Said,
    Steer,
    SteerSettled,
    ThreadKnown,
    Turn,
    TurnEnded,
    Used,
)
from taxiway.agents.guardian.sweep import tagged
from taxiway.agents.linedialogue import LineDialogue
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import Ended, Go, How, SpawnFailure
from taxiway.core.agent import Access, Adapter, AgentKind
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind
from taxiway.core.task import Reason
from tests.agents import homes
from tests.dialogues import eventually, said, turn, until
from tests.stub_model.record import Outcome
from tests.stub_model.server import StubModel

pytestmark = pytest.mark.agents

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
Open = Callable[..., Awaitable[LineDialogue]]


async def until_said(dialogue: LineDialogue, type: EventType, text: str = "") -> list[DialogueEvent]:
    """The events up to the first of one type whose data holds a text."""
    events: list[DialogueEvent] = []
    while not (events and isinstance(events[-1], Said) and events[-1].type is type and text in str(events[-1].data)):
        events += await until(dialogue, Said, TurnEnded, Ended)
        assert not isinstance(events[-1], TurnEnded | Ended), events
    return events


def of(kind: type, events: list[DialogueEvent]) -> list[Any]:
    """Those of one kind."""
    return [event for event in events if isinstance(event, kind)]


def text(events: list[DialogueEvent]) -> str:
    """Everything that the reader was told."""
    return "".join(data["text"] for data in said(events, EventType.MESSAGE))


def ended(events: list[DialogueEvent]) -> TurnEnded:
    """How the turn ended."""
    assert isinstance(events[-1], TurnEnded), events
    assert len(of(TurnEnded, events)) == 1
    return events[-1]


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    """A stub model that serves."""
    async with StubModel() as serving:
        yield serving


@pytest.fixture
async def agent() -> AsyncIterator[ProcessAgent]:
    """A process agent whose fork server is gone when the test is over."""
    agent = ProcessAgent()
    yield agent
    await agent.aclose()


@pytest.fixture
def home(tmp_path: Path, stub: StubModel) -> homes.Home:
    """A home in which nothing is allowed that is not asked for."""
    return homes.claude(tmp_path, stub.url, allow=()).lay()


@pytest.fixture
async def start(agent: ProcessAgent, home: homes.Home) -> AsyncIterator[Open]:
    """`await start(access=…, thread=…)` opens Claude Code and waits until it is ready; nothing of it may be left."""
    opened: list[LineDialogue] = []

    async def open_one(env: dict[str, str] | None = None, flags: tuple[str, ...] = (), **fields: Any) -> LineDialogue:
        dialogue = await driver(agent, home, flags).open(opening(home, env, **fields))
        assert isinstance(dialogue, LineDialogue), dialogue
        opened.append(dialogue)
        await dialogue.send(Go())
        return dialogue

    yield open_one
    for dialogue in opened:
        await dialogue.close(How.KILL)
        await until(dialogue, Ended)
    tags = {dialogue.mark.tag for dialogue in opened}
    assert [tag for _, tag in tagged() if tag in tags] == []


@pytest.fixture
def talk(start: Open) -> Open:
    """The same, and it is ready."""

    async def ready(**fields: Any) -> LineDialogue:
        dialogue = await start(**fields)
        events = await until(dialogue, Ready, TurnEnded, Ended)
        assert isinstance(events[-1], Ready), events
        return dialogue

    return ready


def driver(agent: ProcessAgent, home: homes.Home, flags: tuple[str, ...] = ()) -> ClaudeAgent:
    """What drives it."""
    return ClaudeAgent(AgentKind(adapter=Adapter.CLAUDE, command=(*home.argv, *flags)), agent)


def opening(home: homes.Home, env: dict[str, str] | None = None, **fields: Any) -> Opening:
    """What to open; it may write unless the test says otherwise."""
    fields = {"tag": f"test-{secrets.token_hex(6)}", "access": Access.WRITE} | fields
    return Opening(cwd=str(home.work), env=home.environ | (env or {}), **fields)


def processes(dialogue: LineDialogue) -> Iterator[psutil.Process]:
    """What lives below its guardian."""
    yield from psutil.Process(dialogue.mark.child_pid).children(recursive=True)


async def test_what_it_says_is_told_once_and_as_it_comes(talk: Open, stub: StubModel) -> None:
    """B4, A43, OC-07: pieces of thought and text, no text twice, the thread, what applies, usage; then the end."""
    dialogue = await talk()
    events = await turn(
        dialogue, "[[stub: think let me see ;; usage in=1000 out=20 cached=300 ;; say one two three four]]"
    )
    assert text(events) == "one two three four"
    assert len(said(events, EventType.MESSAGE)) > 1
    assert "".join(data["text"] for data in said(events, EventType.THOUGHT)).startswith("let me see")
    conditions = said(events, EventType.STATUS)[0]
    assert (conditions["phase"], conditions["permission_mode"]) == ("agent", "acceptEdits")
    assert conditions["tools"] > 5
    assert conditions["version"]
    assert [event.thread for event in of(ThreadKnown, events)] == [derived_uuid(dialogue.mark.tag, "session")]
    used = of(Used, events)[-1]
    (exchange,) = stub.requests
    assert (used.usage.input_tokens, used.usage.output_tokens, used.usage.cached_tokens) == (1000, 20, 300)
    assert (exchange.taken, exchange.given, exchange.cached) == (1000, 20, 300)
    assert (used.context_tokens, used.context_window) == (1020, 1_000_000)
    assert ended(events) == TurnEnded(text="one two three four")


async def test_tools_are_told_with_their_results_and_changes(talk: Open, home: homes.Home) -> None:
    """Calls, results and diffs, in order."""
    path = home.work / "a.txt"
    edit = {"file_path": str(path), "old_string": "two", "new_string": "three"}
    script = f"write {path} one\\ntwo\\n ;; tool Edit {msgspec.json.encode(edit).decode()} ;; sh cat a.txt ;; say done"
    events = await turn(await talk(), f"[[stub: {script}]]")
    assert path.read_text() == "one\nthree\n"
    assert [data["name"] for data in said(events, EventType.TOOL_CALL)] == ["Write", "Edit", "Bash"]
    results = said(events, EventType.TOOL_RESULT)
    assert [(data["name"], data.get("failed")) for data in results] == [("Write", None), ("Edit", None), ("Bash", None)]
    assert [data["id"] for data in results] == [data["id"] for data in said(events, EventType.TOOL_CALL)]
    assert "one\nthree" in results[-1]["output"]
    written, edited = said(events, EventType.DIFF)
    assert written["text"].splitlines() == ["--- /dev/null", f"+++ {path}", "@@ -0,0 +1,2 @@", "+one", "+two"]
    assert edited["text"].splitlines()[2:] == ["@@ -1,2 +1,2 @@", " one", "-two", "+three"]
    assert ended(events).text == "done"


async def test_a_second_turn_goes_on_in_the_same_process_and_counts_for_itself(talk: Open, stub: StubModel) -> None:
    """Trap 8: the program's dollars grow with the process; a turn's are its own."""
    dialogue = await talk()
    first = await turn(dialogue, "[[stub: usage in=1000 out=100 ;; say first]]")
    assert await dialogue.clear()
    second = await turn(dialogue, "[[stub: usage in=2000 out=200 ;; sh true ;; usage in=3000 out=300 ;; say second]]")
    assert (ended(first).text, ended(second).text) == ("first", "second")
    one, two = of(Used, first)[-1].usage, of(Used, second)[-1].usage
    assert (one.input_tokens, one.output_tokens) == (1000, 100)
    assert (two.input_tokens, two.output_tokens) == (5000, 500)
    assert two.usd == pytest.approx(one.usd * 5)
    assert [exchange.entries for exchange in stub.requests] == sorted(exchange.entries for exchange in stub.requests)


async def test_a_conversation_that_is_not_there_is_an_error_and_none_is_invented(start: Open, stub: StubModel) -> None:
    """A44: it ends before a turn could begin, and says why."""
    dialogue = await start(thread="11111111-2222-4333-8444-555555555555")
    end = ended(await until(dialogue, Ready, TurnEnded, Ended))
    assert end.reason is Reason.AGENT_ERROR
    assert "No conversation found" in (end.error or "")
    assert stub.requests == []


async def test_a_conversation_that_is_open_elsewhere_is_left_alone(
    talk: Open, agent: ProcessAgent, home: homes.Home
) -> None:
    """One live owner for each conversation, also where somebody else started the other one; later it may be free."""
    first = await talk()
    (known,) = of(ThreadKnown, await turn(first, "[[stub: say mine]]"))
    refused = await driver(agent, home).open(opening(home, thread=known.thread))
    assert isinstance(refused, SpawnFailure)
    assert str(first.mark.child_pid) in refused.text
    assert refused.passing
    await first.close(How.ASK)
    await until(first, Ended)
    assert text(await turn(await talk(thread=known.thread), "[[stub: say mine now]]")) == "mine now"


async def test_a_fork_begins_as_the_other_one_is_and_goes_its_own_way(talk: Open, stub: StubModel) -> None:
    """Also while the other one is open: it is only read."""
    first = await talk()
    (known,) = of(ThreadKnown, await turn(first, "[[stub: say first]]"))
    second = await talk(thread=known.thread, fork=True)
    events = await turn(second, "[[stub: say second]]")
    assert [event.thread for event in of(ThreadKnown, events)] == [derived_uuid(second.mark.tag, "session")]
    assert stub.requests[-1].entries > stub.requests[0].entries
    assert text(await turn(first, "[[stub: say mine]]")) == "mine"
    assert stub.requests[-1].entries == stub.requests[-2].entries


async def test_an_id_that_is_in_use_starts_nothing(start: Open, talk: Open) -> None:
    """Ids follow from tags, and no tag is given twice; if it were, the program would refuse."""
    first = await talk()
    assert ended(await turn(first, "[[stub: say mine]]")).reason is None
    second = await start(tag=first.mark.tag)
    end = (await until(second, Ready, Ended))[-1]
    assert isinstance(end, Ended)
    assert end.exit_code == 1


async def test_a_conversation_can_be_gone_on_with_although_the_model_never_answered(talk: Open) -> None:
    """A44: whoever knows its id finds what it was told, however early it was killed."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: hang]]"))
    (known,) = of(ThreadKnown, await until(dialogue, ThreadKnown, TurnEnded))
    await dialogue.close(How.KILL)
    await until(dialogue, Ended)
    assert text(await turn(await talk(thread=known.thread), "[[stub: say after all]]")) == "after all"


async def test_a_permission_is_asked_for_and_allowed(talk: Open, home: homes.Home) -> None:
    """It waits until somebody has answered."""
    dialogue = await talk(access=Access.AUTO)
    await dialogue.send(Turn("[[stub: sh echo hi > asked.txt ;; say done]]"))
    events = await until(dialogue, Asked, TurnEnded)
    asked = events[-1]
    assert isinstance(asked, Asked)
    assert asked.tool == "Bash"
    assert "echo hi > asked.txt" in asked.text
    assert not (home.work / "asked.txt").exists()
    await dialogue.send(Answer("nobody asked this", allow=True))
    await dialogue.send(Answer(asked.id, allow=True))
    events = await until(dialogue, TurnEnded)
    assert (home.work / "asked.txt").read_text() == "hi\n"
    assert ended(events).text == "done"


async def test_a_permission_that_is_refused_is_told_to_the_model(talk: Open, home: homes.Home, stub: StubModel) -> None:
    """The turn goes on without it."""
    dialogue = await talk(access=Access.AUTO)
    await dialogue.send(Turn("[[stub: sh echo hi > asked.txt ;; say done]]"))
    asked = (await until(dialogue, Asked, TurnEnded))[-1]
    assert isinstance(asked, Asked)
    await dialogue.send(Answer(asked.id, allow=False, text="the policy says no"))
    events = await until(dialogue, TurnEnded)
    (result,) = said(events, EventType.TOOL_RESULT)
    assert (result["output"], result["failed"]) == ("the policy says no", True)
    assert not (home.work / "asked.txt").exists()
    assert ended(events) == TurnEnded(text="done")


async def test_a_persons_words_answer_what_the_agent_asks_a_person(talk: Open) -> None:
    """Its questions come as permissions; the text is the answer."""
    options = [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}]
    question = {"question": "Which?", "header": "h", "options": options, "multiSelect": False}
    ask = msgspec.json.encode({"questions": [question]}).decode()
    dialogue = await talk()
    await dialogue.send(Turn(f"[[stub: tool AskUserQuestion {ask} ;; say done]]"))
    asked = (await until(dialogue, Asked, TurnEnded))[-1]
    assert isinstance(asked, Asked)
    assert asked.words
    assert asked.text.startswith("Which? (")
    await dialogue.send(Answer(asked.id, allow=True, text="neither of them"))
    (result,) = said(await until(dialogue, TurnEnded), EventType.TOOL_RESULT)
    assert "neither of them" in result["output"]


@pytest.mark.parametrize(("access", "mode"), [(Access.ANALYSIS, "dontAsk"), (Access.WRITE, "acceptEdits")])
async def test_access_holds_and_what_applied_is_told(talk: Open, home: homes.Home, access: Access, mode: str) -> None:
    """For analysis nothing is written, and nobody is asked whether it may be."""
    path = home.work / "a.txt"
    dialogue = await talk(access=access)
    events = await turn(dialogue, f"[[stub: write {path} x ;; sh echo y > b.txt ;; sh ls -la ;; say done]]")
    assert said(events, EventType.STATUS)[0]["permission_mode"] == mode
    assert of(Asked, events) == []
    assert path.exists() == (home.work / "b.txt").exists() == (access is Access.WRITE)
    assert said(events, EventType.TOOL_RESULT)[-1].get("failed") is None
    assert ended(events).reason is None


async def test_text_for_the_open_turn_is_applied_when_the_model_gets_to_see_it(talk: Open, stub: StubModel) -> None:
    """OC-01: the receipt comes with the request that carries the text, not with the writing of it."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: sh until [ -e go ]; do sleep 0.05; done ;; say after]]"))
    await until_said(dialogue, EventType.TOOL_CALL)
    await dialogue.send(Steer("s1", "and look left"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await until(dialogue, SteerSettled)
    Path(psutil.Process(dialogue.mark.child_pid).cwd(), "go").touch()
    events = await until(dialogue, TurnEnded)
    assert of(SteerSettled, events) == [SteerSettled("s1", applied=True)]
    assert ended(events).text == "after"
    assert "and look left" in stub.requests[-1].prompt


async def test_text_that_comes_when_the_model_is_done_still_belongs_to_the_turn(talk: Open, stub: StubModel) -> None:
    """OC-01, I12: the program answers it by itself; the turn ends behind that, once."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: drip 300 ;; usage in=10 out=1 ;; say one two three]]"))
    await until_said(dialogue, EventType.MESSAGE, "one")
    await dialogue.send(Steer("s1", "[[stub: usage in=20 out=2 ;; say and four]]"))
    events = await until(dialogue, TurnEnded)
    assert of(SteerSettled, events) == [SteerSettled("s1", applied=True)]
    assert ended(events).text == "and four"
    used = of(Used, events)[-1].usage
    assert (used.input_tokens, used.output_tokens) == (30, 3)


async def test_an_interrupt_while_the_model_speaks_ends_the_turn_and_keeps_the_process(
    talk: Open, stub: StubModel
) -> None:
    """OC-03: the provider's request is dropped too, and what waited behind the turn never begins."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: drip 200 ;; say one two three four five six seven eight nine ten]]"))
    await until_said(dialogue, EventType.MESSAGE, "two")
    await dialogue.send(Steer("s1", "never seen"))
    await dialogue.send(Interrupt())
    events = await until(dialogue, TurnEnded)
    assert ended(events).interrupted
    assert [settled.applied for settled in of(SteerSettled, events)] == [False]
    await stub.seen(lambda exchange: exchange.outcome is Outcome.CLIENT_GONE)
    assert text(await turn(dialogue, "[[stub: say next]]")) == "next"
    assert not any("never seen" in exchange.prompt for exchange in stub.requests)


async def test_an_interrupt_withdraws_what_is_asked(talk: Open) -> None:
    """A question is void when its turn ends."""
    dialogue = await talk(access=Access.AUTO)
    await dialogue.send(Turn("[[stub: sh echo hi > asked.txt ;; say done]]"))
    asked = (await until(dialogue, Asked, TurnEnded))[-1]
    assert isinstance(asked, Asked)
    await dialogue.send(Interrupt())
    events = await until(dialogue, TurnEnded)
    assert of(AskWithdrawn, events) == [AskWithdrawn(asked.id)]
    assert ended(events).interrupted


async def test_what_goes_on_in_the_background_ends_with_its_turn(talk: Open, stub: StubModel) -> None:
    """The model is not asked again because of it, at nobody's wish."""
    dialogue = await talk()
    background = msgspec.json.encode({"command": "sleep 3; sleep 300", "run_in_background": True}).decode()
    await dialogue.send(Turn(f"[[stub: tool Bash {background} ;; say started]]"))
    events = await until(dialogue, Asked, TurnEnded)
    if isinstance(events[-1], Asked):
        await dialogue.send(Answer(events[-1].id, allow=True))
        events = await until(dialogue, TurnEnded)
    assert ended(events).text == "started"
    assert await dialogue.clear()
    await eventually(
        lambda: not list(processes(dialogue)), "nothing is left"
    )  # the program looks with `ps` what is left
    assert text(await turn(dialogue, "[[stub: say next]]")) == "next"
    assert len(stub.requests) == 3


async def test_a_prompt_is_data_whatever_stands_in_it(talk: Open, home: homes.Home, stub: StubModel) -> None:
    """No command of the program is run, and no file is read in; a long prompt arrives whole."""
    dialogue = await talk()
    for hostile in ("/clear", "/help me", "@/etc/hostname", "!touch x", "-p --model", "\x1b[2J\u202e \\ \" ' $(id)"):
        events = await turn(dialogue, f"{hostile} [[stub: say {len(hostile)}]]")
        assert ended(events).text == str(len(hostile))
        (kept,) = home.folder.glob(".claude/projects/*/*.jsonl")
        assert any(hostile in told for told in prompts(kept))
    huge = "x" * 1_000_000
    assert text(await turn(dialogue, f"{huge} [[stub: say fine]]")) == "fine"
    assert stub.requests[-1].taken > 100_000


async def test_a_result_follows_the_schema_that_it_was_started_with(talk: Open) -> None:
    """A value that fits is the turn's result; another schema needs another process."""
    dialogue = await talk(schema=SCHEMA)
    end = ended(await turn(dialogue, '[[stub: answer {"name": "x"}]]', SCHEMA))
    assert (end.reason, end.result) == (None, {"name": "x"})
    assert ended(await turn(dialogue, "[[stub: say x]]")).reason is Reason.AGENT_ERROR


async def test_too_many_requests_are_told_and_survived(talk: Open) -> None:
    """The program asks again by itself, and says so."""
    events = await turn(await talk(), "[[stub: err 429 retry=1 ;; say recovered]]")
    assert [event.limit.kind for event in of(Limited, events)] == [LimitKind.RATE]
    assert "asked again" in said(events, EventType.ERROR)[0]["text"]
    assert ended(events) == TurnEnded(text="recovered")


FAILURES = [
    ("err 429 times=all", Reason.RATE_LIMIT, LimitKind.RATE, False),
    ("err 529 times=all", Reason.PROVIDER, LimitKind.OVERLOAD, True),
    ("err 529 times=all where=stream", Reason.PROVIDER, LimitKind.OVERLOAD, True),
    ("err 400 times=all", Reason.AGENT_ERROR, None, False),
]


@pytest.mark.parametrize(("script", "reason", "kind", "passing"), FAILURES)
async def test_a_provider_that_fails_for_good_is_the_reason(
    talk: Open, script: str, reason: Reason, kind: LimitKind | None, passing: bool
) -> None:
    """Traps 1 and 2: the program calls it a success; the process takes the next turn all the same."""
    dialogue = await talk()
    events = await turn(dialogue, f"[[stub: {script} ;; say never]]")
    end = ended(events)
    assert (end.reason, end.limit and end.limit.kind, end.passing) == (reason, kind, passing)
    assert end.error
    assert "never" not in text(events)
    assert text(await turn(dialogue, "[[stub: say better]]")) == "better"


async def test_a_used_up_plan_says_when_it_is_reset(
    agent: ProcessAgent, start: Open, tmp_path: Path, stub: StubModel
) -> None:
    """The quota of a subscription ends the turn at once, with the time."""
    plan = homes.claude(tmp_path, stub.url, allow=(), plan=True)
    dialogue = await start(env=plan.environ | {"ANTHROPIC_API_KEY": ""})
    await until(dialogue, Ready)
    events = await turn(dialogue, "[[stub: limit times=all reset=3600 ;; say never]]")
    end = ended(events)
    assert end.reason is Reason.QUOTA
    assert end.limit is not None
    assert end.limit.kind is LimitKind.QUOTA
    assert end.limit.resets_at is not None
    assert of(Limited, events)[0].limit == end.limit
    assert len(stub.requests) == 1
    events = await turn(dialogue, "[[stub: window used=92 reset=600 ;; say fine]]")
    assert ended(events).reason is None


async def test_a_conversation_whose_first_turn_failed_can_be_gone_on_with(talk: Open, stub: StubModel) -> None:
    """A44: the id is told only when there is something behind it, also where the model never answered."""
    first = await talk()
    events = await turn(first, "[[stub: err 429 times=all ;; say better]]")
    (known,) = of(ThreadKnown, events)
    await first.close(How.KILL)
    await until(first, Ended)
    stub.forget()
    events = await turn(await talk(thread=known.thread), "[[stub: say better]]")
    assert text(events) == "better"


MCP_SERVER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    match asked.get("method"):
        case "initialize":
            version = asked["params"]["protocolVersion"]
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}}
            said = {"protocolVersion": version, **about}
        case "tools/list":
            schema = {"type": "object", "properties": {}}
            said = {"tools": [{"name": "hello", "description": "d", "inputSchema": schema}]}
        case "tools/call":
            said = {"content": [{"type": "text", "text": "hello from afar"}]}
        case _:
            said = {}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": said}), flush=True)
"""


async def test_its_own_servers_live_on_between_turns(talk: Open, tmp_path: Path) -> None:
    """Semantics, "Processes": what a turn started is ended with it, the agent's own helpers are not."""
    (tmp_path / "server.py").write_text(MCP_SERVER)
    servers = {"mcpServers": {"t": {"command": sys.executable, "args": ["-I", str(tmp_path / "server.py")]}}}
    flags = ("--mcp-config", msgspec.json.encode(servers).decode(), "--allowedTools", "mcp__t__hello")
    dialogue = await talk(flags=flags)
    for _ in range(2):
        events = await turn(dialogue, "[[stub: tool mcp__t__hello ;; say done]]")
        assert [data["output"] for data in said(events, EventType.TOOL_RESULT)] == ["hello from afar"]
        assert await dialogue.clear()
    assert said(events, EventType.STATUS)[0]["mcp_servers"] == 1


async def test_the_programs_own_budget_ends_a_turn(talk: Open) -> None:
    """Checked by the program after each call."""
    dialogue = await talk(flags=("--max-budget-usd", "0.5"))
    events = await turn(dialogue, "[[stub: usage in=1000000 out=1000 ;; sh true ;; say never]]")
    assert ended(events).reason is Reason.BUDGET
    assert of(Used, events)[-1].usage.usd > 0.5


async def test_nobody_logged_in_is_a_matter_of_auth(talk: Open) -> None:
    """There is no status to tell it by."""
    end = ended(await turn(await talk(env={"ANTHROPIC_API_KEY": ""}), "[[stub: say never]]"))
    assert end.reason is Reason.AUTH


async def test_asked_to_end_it_ends_at_once_and_well(talk: Open) -> None:
    """The end of its input is its goodbye."""
    dialogue = await talk()
    assert ended(await turn(dialogue, "[[stub: say x]]")).reason is None
    await dialogue.close(How.ASK)
    end = (await until(dialogue, Ended))[-1]
    assert isinstance(end, Ended)
    assert end.exit_code == 0


async def test_skipping_all_permissions_is_refused_before_it_starts(agent: ProcessAgent, home: homes.Home) -> None:
    """It is refused to root by the program, and contradicts every access but `auto`."""
    skipping = driver(agent, home, ("--dangerously-skip-permissions",))
    refused = await skipping.open(opening(home, access=Access.ANALYSIS))
    assert isinstance(refused, SpawnFailure)
    assert "contradict" in refused.text


def prompts(kept: Path) -> Iterator[str]:
    """What the user of a conversation said, as the program keeps it."""
    for line in kept.read_bytes().splitlines():
        entry = msgspec.json.decode(line)
        if entry["type"] == "user" and isinstance(entry["message"]["content"], str):
            yield entry["message"]["content"]
