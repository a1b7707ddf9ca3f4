"""The real Codex, driven by its adapter against the stub model: what its turns do, how they fail, and what is left."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import taxiway
from taxiway.agents import codex_turn
from taxiway.agents.codex import CodexAgent
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
from taxiway.core.agentfields import agent_kind
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind
from taxiway.core.task import Reason, TaskState, Usage
from tests.agents.homes import Home
from tests.agents.homes import codex as codex_home
from tests.dialogues import eventually, said
from tests.stub_model.record import Outcome
from tests.stub_model.server import StubModel

pytestmark = pytest.mark.agents

WITHIN_S = 60
GONE_S = 5.0
LOOK_S = 0.02
ASKING = '{"cmd": "echo allowed > asked.txt", "sandbox_permissions": "require_escalated", "justification": "I need it"}'

Talk = Callable[..., Awaitable[LineDialogue]]


async def until(dialogue: LineDialogue, *kinds: type, **fields: Any) -> list[DialogueEvent]:
    """The events up to and with the first of one of these kinds, with these fields."""

    def is_it(event: DialogueEvent) -> bool:
        return isinstance(event, kinds) and all(getattr(event, name) == value for name, value in fields.items())

    events: list[DialogueEvent] = []
    async with asyncio.timeout(WITHIN_S):
        while not events or not is_it(events[-1]):
            events.append(await dialogue.next())
            assert not isinstance(events[-1], Ended) or Ended in kinds, events
    return events


async def turn(dialogue: LineDialogue, text: str, schema: dict[str, Any] | None = None) -> list[DialogueEvent]:
    """Take one turn; what came until it ended."""
    await dialogue.send(Turn(text, schema))
    return await until(dialogue, TurnEnded)


def end(events: list[DialogueEvent]) -> TurnEnded:
    """How a turn ended."""
    found = events[-1]
    assert isinstance(found, TurnEnded), found
    return found


def used(events: list[DialogueEvent]) -> Used:
    """What a turn has consumed, as it was told last."""
    return [event for event in events if isinstance(event, Used)][-1]


def running(word: str) -> list[int]:
    """The processes that live and have this word in their command."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and word in " ".join(process.info["cmdline"] or ()):
            found.append(process.info["pid"])
    return found


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    """A stub model in the test's own loop."""
    async with StubModel() as serving:
        yield serving


@pytest.fixture
def home(tmp_path: Path, stub: StubModel) -> Home:
    """Codex in a home where it knows the stub only."""
    return codex_home(tmp_path, stub.url).lay()


@pytest.fixture
async def process() -> AsyncIterator[ProcessAgent]:
    """Starts programs."""
    agent = ProcessAgent()
    yield agent
    await agent.aclose()


@pytest.fixture
async def talk(home: Home, process: ProcessAgent) -> AsyncIterator[Talk]:
    """`await talk(…)` opens Codex until it is ready (``opened`` is what it said before); nothing is left afterwards."""
    dialogues: list[LineDialogue] = []
    tags: set[str] = set()

    async def start(
        access: Access = Access.WRITE,
        thread: str | None = None,
        opened: list[DialogueEvent] | None = None,
        **fields: Any,
    ) -> LineDialogue:
        tag = f"test-{secrets.token_hex(6)}"
        tags.add(tag)
        driver = CodexAgent(AgentKind(adapter=Adapter.CODEX, command=(*home.argv, "app-server")), process)
        opening = Opening(cwd=str(home.work), env=home.environ, tag=tag, access=access, thread=thread, **fields)
        dialogue = await driver.open(opening)
        assert isinstance(dialogue, LineDialogue), dialogue
        dialogues.append(dialogue)
        await dialogue.send(Go())
        said = await until(dialogue, Ready, TurnEnded, Ended)
        if opened is None:
            assert isinstance(said[-1], Ready), said
        else:
            opened += said
        return dialogue

    yield start
    for dialogue in dialogues:
        dialogue.drop()
    await eventually(lambda: not [tag for _, tag in tagged() if tag in tags], "something is left")


async def test_it_says_what_the_model_says_and_what_really_applies(talk: Talk, stub: StubModel) -> None:
    """A43, I12: a turn is completed when Codex says so; access, sandbox, policy and version are on record."""
    opened: list[DialogueEvent] = []
    dialogue = await talk(opened=opened, model="gpt-5.5")
    [holds] = [said for said in said(opened, EventType.STATUS) if "sandbox" in said]
    assert re.fullmatch(r"\d+\.\d+\.\d+", holds.pop("version"))
    assert holds == {
        "phase": "agent",
        "model": "gpt-5.5",
        "provider": "stub",
        "sandbox": "workspaceWrite",
        "network": False,
        "approval_policy": "on-request",
    }
    events = await turn(dialogue, "[[stub: think let me see ;; say the word is marzipan]]")
    assert end(events) == TurnEnded(text="the word is marzipan")
    assert "".join(said["text"] for said in said(events, EventType.MESSAGE)) == "the word is marzipan"
    assert [said.get("delta", False) for said in said(events, EventType.MESSAGE)][:2] == [False, True]
    assert "".join(said["text"] for said in said(events, EventType.THOUGHT)) == "let me see"
    assert [one.outcome for one in stub.requests if one.why == "turn 0"] == [Outcome.STREAMED]


async def test_tools_are_told_with_what_they_gave(talk: Talk, home: Home) -> None:
    """Surface 8: a command and a patch, each with its call, its result and its diff."""
    dialogue = await talk()
    script = "[[stub: sh echo hi > ran.txt; echo seen; exit 3 ;; write patched.txt one\\ntwo ;; say done]]"
    events = await turn(dialogue, script)
    assert end(events) == TurnEnded(text="done")
    assert (home.work / "ran.txt").read_text() == "hi\n"
    assert (home.work / "patched.txt").read_text() == "one\ntwo\n"
    ran, patched = said(events, EventType.TOOL_CALL)
    assert (ran["name"], patched["name"]) == ("shell", "apply_patch")
    assert "echo hi > ran.txt" in ran["input"]["command"]
    assert [Path(path).name for path in patched["input"]["paths"]] == ["patched.txt"]
    gave, patch = said(events, EventType.TOOL_RESULT)
    assert (gave["id"], gave["output"], gave["exit_code"], gave["failed"]) == (ran["id"], "seen\n", 3, True)
    assert (patch["id"], patch["failed"]) == (patched["id"], False)
    [diff] = said(events, EventType.DIFF)
    assert diff["path"].endswith("patched.txt")
    assert "two" in diff["text"]


@pytest.mark.parametrize("allow", [True, False])
async def test_a_permission_is_asked_for_and_the_answer_holds(talk: Talk, home: Home, allow: bool) -> None:
    """Permission requests become questions; nothing happens before the answer, and what is refused never happens."""
    dialogue = await talk()
    await dialogue.send(Turn(f"[[stub: tool exec_command {ASKING} ;; say over]]"))
    asked = (await until(dialogue, Asked))[-1]
    assert isinstance(asked, Asked)
    assert (asked.id, asked.tool) == ("ask-1", "shell")
    assert "echo allowed > asked.txt" in asked.text
    assert asked.text.endswith(": I need it")
    assert asked.input["cwd"] == str(home.work)
    assert not (home.work / "asked.txt").exists()
    await dialogue.send(Answer(asked.id, allow))
    events = await until(dialogue, TurnEnded)
    assert end(events) == TurnEnded(text="over")
    assert (home.work / "asked.txt").exists() is allow
    [result] = said(events, EventType.TOOL_RESULT)
    assert (result["failed"], result.get("declined", False)) == (not allow, not allow)
    assert not [event for event in events if isinstance(event, AskWithdrawn)]


async def test_a_patch_outside_the_workspace_is_asked_for_by_its_files(talk: Talk, home: Home) -> None:
    """The question names what a person decides on."""
    dialogue = await talk()
    outside = f"/var/tmp/taxiway-{secrets.token_hex(6)}.txt"
    await dialogue.send(Turn(f"[[stub: write {outside} one ;; say over]]"))
    asked = (await until(dialogue, Asked))[-1]
    assert isinstance(asked, Asked)
    assert (asked.tool, asked.input["paths"]) == ("apply_patch", [outside])
    assert outside in asked.text
    await dialogue.send(Answer(asked.id, allow=False, text="not there [[stub: say as you like]]"))
    events = await until(dialogue, TurnEnded)
    assert end(events).text == "as you like"
    assert not Path(outside).exists()


async def test_a_question_is_withdrawn_with_its_turn(talk: Talk) -> None:
    """A question is void when its turn ends; a late answer does nothing."""
    dialogue = await talk()
    await dialogue.send(Turn(f"[[stub: tool exec_command {ASKING} ;; say over]]"))
    asked = (await until(dialogue, Asked))[-1]
    assert isinstance(asked, Asked)
    await dialogue.send(Interrupt())
    events = await until(dialogue, TurnEnded)
    assert AskWithdrawn(asked.id) in events
    assert end(events).interrupted
    await dialogue.send(Answer(asked.id, allow=True))
    assert end(await turn(dialogue, "[[stub: say fine]]")) == TurnEnded(text="fine")


async def test_analysis_neither_writes_nor_asks(talk: Talk, home: Home) -> None:
    """Access `analysis` may not change files, and there is nobody to talk it into that."""
    opened: list[DialogueEvent] = []
    dialogue = await talk(Access.ANALYSIS, opened=opened)
    [holds] = [said for said in said(opened, EventType.STATUS) if "sandbox" in said]
    assert (holds["sandbox"], holds["approval_policy"]) == ("readOnly", "never")
    events = await turn(dialogue, f"[[stub: sh echo x > no.txt ;; tool exec_command {ASKING} ;; say over]]")
    assert end(events) == TurnEnded(text="over")
    assert not (home.work / "no.txt").exists()
    assert not (home.work / "asked.txt").exists()
    assert not [event for event in events if isinstance(event, Asked)]


async def test_turns_follow_one_another_in_one_process_and_each_counts_its_own_tokens(
    talk: Talk, stub: StubModel
) -> None:
    """Trap 8: Codex tells the total of the conversation; a turn's usage is its share, as the provider counted it."""
    dialogue = await talk()
    first = await turn(dialogue, "[[stub: usage in=1000 out=20 cached=600 ;; say one]]")
    second = await turn(dialogue, "[[stub: usage in=50 out=5 ;; sh true ;; usage in=70 out=7 cached=10 ;; say two]]")
    assert (end(first).text, end(second).text) == ("one", "two")
    assert used(first).usage == Usage(1000, 20, 600)
    assert used(second).usage == Usage(120, 12, 10)
    assert used(second).context_tokens == 77
    assert (used(second).context_window or 0) > 100_000
    assert [one.entries for one in stub.requests] == sorted(one.entries for one in stub.requests)
    threads = [event for event in [*first, *second] if isinstance(event, ThreadKnown)]
    assert len(threads) == 1


async def test_a_conversation_goes_on_after_everything_was_killed(talk: Talk, stub: StubModel) -> None:
    """A44, trap 7 and 8: the id comes before the first answer; what was said is known, what was used is not counted
    again."""
    dialogue = await talk()
    first = await turn(dialogue, "[[stub: usage in=1000 out=20 ;; say one ;; say not reached]]")
    [thread] = [event.thread for event in first if isinstance(event, ThreadKnown)]
    await dialogue.send(Turn("[[stub: sh sleep 300 ;; usage in=30 out=3 ;; say went on]]"))
    await until(dialogue, Said, type=EventType.TOOL_CALL)
    await dialogue.close(How.KILL)
    assert isinstance((await until(dialogue, Ended))[-1], Ended)
    opened: list[DialogueEvent] = []
    again = await talk(thread=thread, opened=opened)
    assert ThreadKnown(thread) in opened
    assert [said["sandbox"] for said in said(opened, EventType.STATUS) if "sandbox" in said] == ["workspaceWrite"]
    events = await turn(again, "continue")
    assert end(events) == TurnEnded(text="went on")
    assert used(events).usage == Usage(30, 3, 0)
    assert stub.requests[-1].entries > stub.requests[0].entries


async def test_a_conversation_is_named_only_when_it_can_be_gone_on_with(talk: Talk) -> None:
    """A44, I3: killed when its id is told, it can be resumed; before that there is nothing to lose."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: hang]]"))
    known = (await until(dialogue, ThreadKnown))[-1]
    assert isinstance(known, ThreadKnown)
    await dialogue.close(How.KILL)
    await until(dialogue, Ended)
    again = await talk(thread=known.thread)
    assert end(await turn(again, "[[stub: say here]]")) == TurnEnded(text="here")


async def test_two_permissions_that_are_asked_for_at_once_are_answered_each_by_itself(talk: Talk, home: Home) -> None:
    """Parallel tools: what is allowed happens, what is refused does not, in whatever order the answers come."""
    dialogue = await talk()
    ask = '{"cmd": "touch %s", "sandbox_permissions": "require_escalated", "justification": "%s"}'
    one, two = (f"tool exec_command {ask % (name, name)}" for name in ("one", "two"))
    await dialogue.send(Turn(f"[[stub: {one} ;; and {two} ;; say over]]"))
    asked = [event for _ in range(2) for event in await until(dialogue, Asked) if isinstance(event, Asked)]
    for question in sorted(asked, key=lambda question: question.text, reverse=True):
        await dialogue.send(Answer(question.id, allow=question.text.endswith(": one")))
    assert end(await until(dialogue, TurnEnded)).text == "over"
    assert [(home.work / name).exists() for name in ("one", "two")] == [True, False]


async def test_a_conversation_that_another_process_writes_to_is_left_alone(
    talk: Talk, home: Home, process: ProcessAgent
) -> None:
    """One live owner per conversation, whoever started it: told before a start, and later it may be gone on with."""
    first = await talk()
    [thread] = [event.thread for event in await turn(first, "[[stub: say mine]]") if isinstance(event, ThreadKnown)]
    driver = CodexAgent(AgentKind(adapter=Adapter.CODEX, command=(*home.argv, "app-server")), process)
    refused = await driver.open(Opening(cwd=str(home.work), env=home.environ, tag="test-second", thread=thread))
    assert isinstance(refused, SpawnFailure)
    assert str(first.mark.child_pid) in refused.text
    assert refused.passing
    await first.close(How.ASK)
    await until(first, Ended)
    assert end(await turn(await talk(thread=thread), "[[stub: say mine now]]")).text == "mine now"


async def test_a_fork_is_a_conversation_of_its_own_that_knows_what_was_said(talk: Talk, stub: StubModel) -> None:
    """Wish of `fork`: both go on, each by itself, and nobody's tokens are counted twice."""
    dialogue = await talk()
    first = await turn(dialogue, "[[stub: usage in=100 out=1 ;; say one ;; usage in=30 out=3 ;; say two]]")
    [thread] = [event.thread for event in first if isinstance(event, ThreadKnown)]
    forked = await talk(thread=thread, fork=True)
    other = await turn(forked, "go on")
    [known] = [event.thread for event in other if isinstance(event, ThreadKnown)]
    assert known != thread
    assert end(other).text == end(await turn(dialogue, "go on")).text == "two"
    assert used(other).usage == Usage(30, 3, 0)
    assert stub.requests[-1].entries == stub.requests[-2].entries


async def test_a_prompt_is_data_whatever_it_holds(talk: Talk, home: Home, stub: StubModel) -> None:
    """No shell, no argument: hostile characters and a megabyte reach the model as they are."""
    dialogue = await talk()
    hostile = '\'"`$(touch owned) \x1b[2J \u202e \\ \r\n {"id": 1} \N{PILE OF POO}'
    assert end(await turn(dialogue, f"{hostile} [[stub: say ok]]")).text == "ok"
    assert hostile in stub.requests[-1].prompt
    assert not (home.work / "owned").exists()
    assert end(await turn(dialogue, "[[stub: say large]]" + "x" * 1_000_000)).text == "large"
    refused = end(await turn(dialogue, "x" * 1_200_000))
    assert refused.reason is Reason.AGENT_ERROR
    assert "does not take the turn" in (refused.error or "")
    assert end(await turn(dialogue, "[[stub: say next]]")).text == "next"


@pytest.mark.parametrize("how", [How.ASK, How.TERM, How.KILL])
async def test_a_stop_in_a_tool_leaves_nothing_of_it(talk: Talk, home: Home, how: How) -> None:
    """Trap 5, I6: a command in a session of its own, deaf to signals, is gone with the process, however that ends."""
    config = home.folder / ".codex/config.toml"
    config.write_text('sandbox_mode = "danger-full-access"\napproval_policy = "never"\n' + config.read_text())
    dialogue = await talk(Access.AUTO)
    first, second = (f"32{secrets.randbelow(10**7):07d}" for _ in range(2))
    await dialogue.send(Turn(f"[[stub: sh (trap '' INT TERM HUP; sleep {first}) & sleep {second} ;; say over]]"))
    await until(dialogue, Said, type=EventType.TOOL_CALL)
    await eventually(lambda: running(f"sleep {first}") and running(f"sleep {second}"), "the command does not run")
    await dialogue.close(how)
    events = await until(dialogue, Ended)
    assert not [event for event in events if isinstance(event, TurnEnded)]
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.certain
    assert not running(f"sleep {first}")
    assert not running(f"sleep {second}")


async def test_a_conversation_that_is_not_known_is_an_error_before_the_first_turn(talk: Talk) -> None:
    """A45: it never begins another one in its place."""
    opened: list[DialogueEvent] = []
    await talk(thread="01a2003b-1cbe-76b0-82e7-000000000000", opened=opened)
    ended = end(opened)
    assert ended.reason is Reason.AGENT_ERROR
    assert "cannot go on with conversation 01a2003b" in (ended.error or "")
    assert "no rollout found" in (ended.error or "")
    assert not [event for event in opened if isinstance(event, Ready | ThreadKnown)]


async def test_a_steer_goes_to_the_model_in_the_open_turn(talk: Talk, stub: StubModel) -> None:
    """OC-01: settled when it is part of the conversation, and the model answers to it."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: sh sleep 1 ;; say not this]]"))
    await dialogue.send(Steer("early", "as soon as you begin"))
    await until(dialogue, Said, type=EventType.TOOL_CALL)
    await dialogue.send(Steer("s1", "rather [[stub: say steered]]"))
    events = await until(dialogue, TurnEnded)
    assert end(events) == TurnEnded(text="steered")
    settled = [event for event in events if isinstance(event, SteerSettled)]
    assert SteerSettled("s1", applied=True) in settled
    assert all(event.applied for event in settled)
    assert "rather" in stub.requests[-1].prompt


async def test_a_steer_that_the_model_never_saw_was_not_applied(talk: Talk) -> None:
    """OC-02: accepted is not applied; the turn ended before."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: sh sleep 300 ;; say over]]"))
    await until(dialogue, Said, type=EventType.TOOL_CALL)
    await dialogue.send(Steer("s1", "too late"))
    await dialogue.send(Interrupt())
    events = await until(dialogue, TurnEnded)
    assert [event for event in events if isinstance(event, SteerSettled)] == [
        SteerSettled("s1", applied=False, why="the turn ended before it was applied")
    ]
    assert await dialogue.clear()


async def test_an_interrupt_in_the_middle_of_a_text_drops_the_call(talk: Talk, stub: StubModel) -> None:
    """Trap 6: the model's server sees its client go, and the process takes the next turn."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: hang body]]"))
    await stub.seen(lambda one: one.why == "turn 0")
    await dialogue.send(Interrupt())
    assert end(await until(dialogue, TurnEnded)).interrupted
    gone = await stub.seen(lambda one: one.outcome is Outcome.CLIENT_GONE)
    assert gone.why == "turn 0"
    assert end(await turn(dialogue, "[[stub: say next]]")) == TurnEnded(text="next")


async def test_an_interrupt_before_the_turn_has_begun_is_not_lost(talk: Talk) -> None:
    """Codex forgets an interrupt of a turn that it has only accepted; so it waits until that has begun."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: hang]]"))
    await dialogue.send(Interrupt())
    assert end(await until(dialogue, TurnEnded)).interrupted


async def test_asked_to_leave_it_is_gone_at_once(talk: Talk) -> None:
    """The end of its input ends it, in the middle of a turn too."""
    dialogue = await talk()
    await dialogue.send(Turn("[[stub: hang]]"))
    await until(dialogue, ThreadKnown)
    await dialogue.close(How.ASK)
    ended = (await until(dialogue, Ended))[-1]
    assert isinstance(ended, Ended)
    assert (ended.exit_code, ended.certain) == (0, True)


async def test_a_rate_limit_that_passes_is_told_and_the_turn_goes_on(talk: Talk) -> None:
    """429 once: an error and a limit on the way, and a completed turn."""
    events = await turn(await talk(), "[[stub: err 429 retry=1 ;; say after all]]")
    assert end(events) == TurnEnded(text="after all")
    assert "429" in said(events, EventType.ERROR)[0]["text"]
    [limited] = [event.limit for event in events if isinstance(event, Limited)]
    assert limited.kind is LimitKind.RATE


async def test_a_rate_limit_that_stays_ends_the_turn_as_one(talk: Talk) -> None:
    """429 for ever: rate_limit, never a success, and the process takes the next turn."""
    dialogue = await talk()
    ended = end(await turn(dialogue, "[[stub: err 429 times=all retry=0 ;; say never]]"))
    assert (ended.reason, ended.passing) == (Reason.RATE_LIMIT, True)
    assert ended.limit is not None
    assert ended.limit.kind is LimitKind.RATE
    assert "429" in (ended.error or "")
    assert end(await turn(dialogue, "[[stub: say next]]")) == TurnEnded(text="next")


async def test_a_plan_that_is_used_up_tells_when_it_is_there_again(talk: Talk) -> None:
    """quota, with the time of the reset, from the account's windows."""
    before = time.time()
    events = await turn(await talk(), "[[stub: limit times=all reset=7200 ;; say never]]")
    ended = end(events)
    assert ended.reason is Reason.QUOTA
    assert ended.limit is not None
    assert ended.limit.kind is LimitKind.QUOTA
    assert before + 7190 <= (ended.limit.resets_at or 0) / 1_000 <= time.time() + 7210
    told = [event.limit for event in events if isinstance(event, Limited)]
    assert [(limit.kind, limit.used, limit.window) for limit in told] == [(LimitKind.WARNING, 1.0, told[0].window)]


async def test_windows_are_told_as_they_fill(talk: Talk) -> None:
    """A warning refuses nothing; the same figure twice is told once."""
    dialogue = await talk()
    script = "[[stub: window used=92 reset=3600 ;; sh true ;; window used=92 reset=3600 ;; say ok]]"
    limits = [event.limit for event in await turn(dialogue, script) if isinstance(event, Limited)]
    assert {(limit.kind, limit.used) for limit in limits} == {(LimitKind.WARNING, 0.92)}
    assert len(limits) <= 2  # the reset may be a second later
    assert limits[0].window
    assert (limits[0].resets_at or 0) / 1_000 > time.time() + 3_500


@pytest.mark.parametrize(
    ("failure", "reason", "kind", "passing"),
    [
        ("err 503 times=all", Reason.PROVIDER, LimitKind.OVERLOAD, True),
        ("err 400 times=all", Reason.AGENT_ERROR, None, False),
    ],
)
async def test_a_turn_that_fails_says_why(
    talk: Talk, failure: str, reason: Reason, kind: LimitKind | None, passing: bool
) -> None:
    """A43: the provider's error, the account's, or the agent's own; never a success, and the process lives on."""
    dialogue = await talk()
    ended = end(await turn(dialogue, f"[[stub: {failure} ;; say never]]"))
    assert (ended.reason, ended.limit and ended.limit.kind, ended.passing) == (reason, kind, passing), ended
    assert ended.error
    assert end(await turn(dialogue, "[[stub: say next]]")) == TurnEnded(text="next")


async def test_a_provider_that_is_not_there_ends_the_turn(
    talk: Talk, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 9: Codex itself would wait for ever, and say so now and then."""
    monkeypatch.setattr(codex_turn, "PATIENCE_MS", 3_000)
    config = home.folder / ".codex/config.toml"
    config.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", config.read_text()))
    events = await turn(await talk(), "[[stub: say never]]")
    assert (end(events).reason, end(events).passing) == (Reason.PROVIDER, True)
    assert "Connection failed" in (end(events).error or "")
    assert said(events, EventType.ERROR)


async def test_an_agent_without_its_key_says_which_one(talk: Talk, home: Home) -> None:
    """auth: nothing that passes."""
    home.environ.pop("STUB_API_KEY")
    ended = end(await turn(await talk(), "[[stub: say never]]"))
    assert (ended.reason, ended.passing) == (Reason.AUTH, False)
    assert "STUB_API_KEY" in (ended.error or "")


async def test_a_structured_result_is_read_from_the_answer(talk: Talk) -> None:
    """The schema goes to the model, its answer comes back as a value; what is no JSON is no result."""
    schema = {
        "type": "object",
        "properties": {"count": {"type": "integer"}},
        "required": ["count"],
        "additionalProperties": False,
    }
    dialogue = await talk()
    ended = end(await turn(dialogue, '[[stub: answer {"count": 3}]]', schema))
    assert (ended.reason, ended.result) == (None, {"count": 3})
    ended = end(await turn(dialogue, "[[stub: say three of them]]", schema))
    assert (ended.reason, ended.result, ended.text) == (Reason.AGENT_ERROR, None, "three of them")
    assert end(await turn(dialogue, "[[stub: say three]]")).result is None


async def test_a_huge_output_of_a_command_is_bounded(talk: Talk) -> None:
    """I18: what it prints is a sign of life, its beginning and end are the result."""
    events = await turn(await talk(), "[[stub: sh echo begin; head -c 20000000 /dev/zero; echo end ;; say over]]")
    assert end(events) == TurnEnded(text="over")
    [result] = said(events, EventType.TOOL_RESULT)
    assert result["output"].startswith("begin")
    assert result["output"].endswith("end\n")
    assert len(result["output"]) < 20_000
    signs = [said for said in said(events, EventType.STATUS) if said.get("phase") == "tool"]
    assert len(signs) < 60


async def test_a_session_runs_on_codex_from_its_configuration_to_a_warm_process(home: Home) -> None:
    """A34, A44: a prompt runs to completed, and the session's next message goes on in the process that is warm."""
    kind = agent_kind({"adapter": Adapter.CODEX, "command": (*home.argv, "app-server"), "env": home.environ})
    done, warm = [], []
    async with taxiway.open(home.folder / "store.db", agents={"codex": kind}) as tw:
        box = await tw.session("box", agent="codex")
        for prompt in ("[[stub: usage in=100 out=10 ;; say one]]", "[[stub: usage in=50 out=5 ;; say two]]"):
            sent = await box.send(prompt, access="write", cwd=str(home.work))
            done.append(await sent.task.wait(WITHIN_S))
            warm += [event.data["warm"] async for event in sent.task.events() if event.data.get("phase") == "turn"]
    assert [(task.state, task.output) for task in done] == [(TaskState.COMPLETED, "one"), (TaskState.COMPLETED, "two")]
    assert [task.usage.input_tokens for task in done if task.usage is not None] == [100, 50]
    assert warm == [False, True]
