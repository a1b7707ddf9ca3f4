"""What Claude Code's lines mean: recorded from the real program, and read by the speech alone."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.claude import ClaudeSpeech
from taxiway.agents.claude_launch import argv, derived_uuid, why_not
from taxiway.agents.claude_owner import owner_of
from taxiway.agents.dialogue import (
    Answer,
    Asked,
    AskWithdrawn,
    DialogueEvent,
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
from taxiway.agents.guardian.tree import look
from taxiway.agents.settle import pid_namespace
from taxiway.agents.speech import OpenTurn
from taxiway.core.agent import Access, Adapter, AgentKind
from taxiway.core.event import EventType
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Reason, Usage

RECORDINGS = Path(__file__).parent / "claude"
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
TURN = derived_uuid("tag", "turn 1")
STEER = derived_uuid("tag", "steer s1")


class Scene:
    """A floor on which a speech stands: what it told, and what it said to the program."""

    def __init__(self, schema: dict[str, Any] | None = None) -> None:
        self.turn: OpenTurn | None = None
        self.told: list[DialogueEvent] = []
        self.lines: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.turns = 0
        self.speech = ClaudeSpeech(self, "tag", schema)

    def say(self, line: bytes) -> bool:
        """The program takes it."""
        self.lines.append(json.loads(line))
        return True

    def tell(self, event: DialogueEvent) -> None:
        """Keep it."""
        self.told.append(event)

    def ready(self) -> None:
        """Keep it."""
        self.told.append(Ready())

    def named(self, thread: str) -> None:
        """Keep it, once."""
        if ThreadKnown(thread) not in self.told:
            self.told.append(ThreadKnown(thread))

    def settle(self, signal: str, applied: bool, why: str | None = None) -> bool:
        """Keep it."""
        self.told.append(SteerSettled(signal, applied, why))
        return True

    def end_turn(self, end: TurnEnded) -> None:
        """Keep it; the turn is over."""
        self.turn = None
        self.told.append(end)

    def complain(self, why: str, line: bytes) -> None:
        """Keep it."""
        self.complaints.append(why)

    def begin(self, schema: dict[str, Any] | None = None) -> None:
        """A turn begins."""
        self.turns += 1
        self.turn = OpenTurn(self.turns)
        assert self.speech.begin(Turn("go", schema))

    def hear(self, *lines: dict[str, Any]) -> None:
        """The program says this."""
        for line in lines:
            self.speech.heard(json.dumps(line).encode())

    def of(self, kind: type) -> list[Any]:
        """What was told of one kind."""
        return [event for event in self.told if isinstance(event, kind)]

    def said(self, type: EventType) -> list[dict[str, Any]]:
        """The data of events of one type."""
        return [event.data for event in self.of(Said) if event.type is type]


def recorded(name: str) -> list[dict[str, Any]]:
    """A recording."""
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines()]


def played(name: str, schema: dict[str, Any] | None = None) -> Scene:
    """A recording, heard by a speech with one open turn."""
    scene = Scene(schema)
    scene.speech.greet()
    first, *rest = recorded(name)
    scene.hear(first)
    assert scene.told == [Ready()]
    scene.begin(schema)
    scene.hear(*rest)
    assert scene.complaints == []
    return scene


def result(**fields: Any) -> dict[str, Any]:
    """The end of a turn that went well."""
    return {"type": "result", "subtype": "success", "is_error": False, "terminal_reason": "completed"} | fields


def open_scene() -> Scene:
    """A turn is open."""
    scene = Scene()
    scene.hear({"type": "control_response", "response": {"subtype": "success", "request_id": "initialize"}})
    scene.begin()
    return scene


def test_a_turn_is_told_in_pieces_and_no_text_twice() -> None:
    """A43, OC-07: the whole messages that follow the pieces say nothing new."""
    scene = Scene()
    first, *rest = recorded("say")
    scene.hear(first)
    scene.begin()
    end = next(place for place, line in enumerate(rest) if line["type"] == "result")
    scene.hear(*rest[: end + 1])
    assert [data["text"] for data in scene.said(EventType.THOUGHT)] == ["hm"]
    assert scene.said(EventType.MESSAGE) == [{"text": "one"}, {"text": " two", "delta": True}]
    (known,) = scene.of(ThreadKnown)
    assert known.thread == derived_uuid("tag", "a")
    assert scene.told[-1] == TurnEnded(text="one two")
    assert scene.of(Used)[-1].usage == Usage(1000, 20, 300, pytest.approx(scene.of(Used)[-1].usage.usd))
    scene.begin()
    scene.hear(*rest[end + 1 :])
    assert scene.told[-1] == TurnEnded(text="three")
    assert scene.of(Used)[-1].usage.input_tokens == 50
    assert scene.of(Used)[-1].usage.usd < scene.of(Used)[-3].usage.usd, "trap 8: the total grows, the turn's does not"


def test_tools_are_told_with_their_names_and_changes() -> None:
    """A call, its result by the same id, and what it changed."""
    scene = played("tools")
    assert [data["name"] for data in scene.said(EventType.TOOL_CALL)] == ["Write", "Bash"]
    assert [data["name"] for data in scene.said(EventType.TOOL_RESULT)] == ["Write", "Bash"]
    assert scene.said(EventType.DIFF) == [
        {"path": "/example/a.txt", "text": "--- /dev/null\n+++ /example/a.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n"}
    ]
    assert scene.said(EventType.STATUS)[0]["permission_mode"] == "acceptEdits"
    assert scene.told[-1] == TurnEnded(text="done")


def test_a_question_is_asked_with_everything_that_decides_it() -> None:
    """Answers go back under its id; an answer to nothing does nothing."""
    scene = open_scene()
    (request,) = [line for line in recorded("ask") if line["type"] == "control_request"]
    scene.hear(request)
    (asked,) = scene.of(Asked)
    assert (asked.id, asked.tool, asked.input) == (request["request_id"], "Bash", {"command": "echo hi > f"})
    assert asked.text.startswith("Bash: echo hi > f")
    scene.speech.answer(Answer("other", allow=True))
    scene.speech.answer(Answer(asked.id, allow=True))
    scene.speech.answer(Answer(asked.id, allow=False))
    response = scene.lines[-1]["response"]
    assert len(scene.lines) == 2
    assert response["request_id"] == asked.id
    assert response["response"] == {"behavior": "allow", "updatedInput": {"command": "echo hi > f"}}
    scene.hear({"type": "control_cancel_request", "request_id": asked.id})
    assert scene.of(AskWithdrawn) == []


def test_what_nobody_can_answer_is_refused_at_once() -> None:
    """A request of another kind, and one that comes when no turn is open: the program never waits for nothing."""
    scene = open_scene()
    scene.hear({"type": "control_request", "request_id": "x", "request": {"subtype": "mcp_message"}})
    assert scene.lines[-1]["response"]["subtype"] == "error"
    scene.hear(result())
    scene.hear({"type": "control_request", "request_id": "y", "request": {"subtype": "can_use_tool"}})
    assert scene.lines[-1]["response"]["response"]["behavior"] == "deny"
    assert scene.of(Asked) == []


def steered(name: str) -> Scene:
    """A recording in which a steer was sent behind the program's first words."""
    scene = Scene()
    first, *rest = recorded(name)
    scene.hear(first)
    scene.begin()
    sent = next(place for place, line in enumerate(rest) if line.get("command_uuid") == STEER)
    scene.hear(*rest[:sent])
    assert scene.speech.steer(Steer("s1", "left"))
    scene.hear(*rest[sent:])
    return scene


def test_a_steer_is_applied_when_its_message_is_taken_from_the_queue() -> None:
    """OC-01: neither when it was written nor when it was queued."""
    scene = steered("steer")
    assert scene.of(SteerSettled) == [SteerSettled("s1", applied=True)]
    assert scene.told[-1] == TurnEnded(text="after")
    late = steered("late-steer")
    assert late.of(SteerSettled) == [SteerSettled("s1", applied=True)]
    assert late.of(TurnEnded) == [TurnEnded(text="four")], "the program answered it by itself: one turn, one end"


def test_a_steer_that_waits_when_the_turn_is_interrupted_was_not_applied() -> None:
    """OC-02: cancelled with the turn."""
    scene = Scene()
    first, *rest = recorded("interrupt")
    scene.hear(first)
    scene.begin()
    assert scene.speech.steer(Steer("s1", "never"))
    assert scene.turn is not None
    scene.turn.interrupted = True
    scene.speech.interrupt()
    assert scene.lines[-1]["request"] == {"subtype": "interrupt", "cancel_queued": True}
    scene.hear(*rest)
    (settled,) = scene.of(SteerSettled)
    assert not settled.applied
    (end,) = scene.of(TurnEnded)
    assert end.interrupted
    usage = scene.of(Used)[-1].usage
    assert (usage.input_tokens, usage.output_tokens) == (13453, 1), "also where the turn's own count says 0"


def test_a_steer_after_the_end_is_declined_at_once() -> None:
    """OC-02."""
    scene = open_scene()
    scene.hear(result())
    scene.turn = OpenTurn(2)  # not begun yet
    assert scene.speech.steer(Steer("s2", "x"))
    (settled,) = scene.of(SteerSettled)
    assert not settled.applied


def test_text_for_a_turn_that_failed_is_cancelled_and_the_failure_stands() -> None:
    """The provider failed: the program would answer the text with a turn of its own."""
    scene = open_scene()
    scene.speech.steer(Steer("s1", "left"))
    failed = {"is_error": True, "terminal_reason": "api_error", "api_error_status": 500, "result": "sorry"}
    scene.hear(result(**failed, user_message_uuids=[TURN]))
    assert scene.of(TurnEnded) == []
    assert scene.lines[-1]["request"]["subtype"] == "interrupt"
    scene.hear({"type": "command_lifecycle", "command_uuid": STEER, "state": "cancelled"})
    assert scene.of(TurnEnded) == [TurnEnded(Reason.PROVIDER, "sorry", passing=True)]


def test_a_program_that_tells_nothing_of_messages_ends_its_turn_all_the_same() -> None:
    """Older versions name no messages in a result."""
    scene = open_scene()
    scene.speech.steer(Steer("s1", "left"))
    scene.hear(result(result="x"))
    assert scene.of(TurnEnded) == [TurnEnded(text="x")]


def test_a_turn_that_nobody_asked_for_is_stopped_and_ends_none_of_ours() -> None:
    """The program tells its model what ended in the background; its cost is counted with the next turn."""
    scene = Scene()
    first, *rest = recorded("background")
    scene.hear(first)
    scene.begin()
    end = next(place for place, line in enumerate(rest) if line["type"] == "result")
    scene.hear(*rest[: end + 1])
    stop = scene.lines[-1]
    assert stop["request"] == {"subtype": "stop_task", "task_id": "bns2oby8w"}
    assert scene.of(TurnEnded) == [], "it is over when nothing goes on any more"
    scene.hear({"type": "control_response", "response": {"subtype": "success", "request_id": stop["request_id"]}})
    assert scene.of(TurnEnded) == [TurnEnded(text="started")]
    told = len(scene.told)
    scene.hear(*rest[end + 1 :])
    assert len(scene.told) == told
    assert [line["request"]["subtype"] for line in scene.lines if "request" in line][-1] == "interrupt"
    scene.begin()
    scene.hear(result(origin={"kind": "task-notification"}))
    assert scene.turn is not None
    scene.hear(result(models_since={}, model_usage_since_last_result={}))
    assert scene.of(Used)[-1].usage.input_tokens == 13845


JUDGED = [
    ("overloaded", Reason.PROVIDER, True, LimitKind.OVERLOAD),
    ("logged-out", Reason.AUTH, False, None),
    ("quota", Reason.QUOTA, False, LimitKind.QUOTA),
    ("budget", Reason.BUDGET, False, None),
]


@pytest.mark.parametrize(("name", "reason", "passing", "kind"), JUDGED)
def test_a_success_that_is_an_error_is_a_failure_for_its_reason(
    name: str, reason: Reason, passing: bool, kind: LimitKind | None
) -> None:
    """Trap 2: `subtype` is `success`, and so it is not looked at."""
    scene = played(name)
    (end,) = scene.of(TurnEnded)
    assert (end.reason, end.passing, end.limit and end.limit.kind) == (reason, passing, kind)
    assert end.error
    assert end.limit is None or kind is not LimitKind.QUOTA or end.limit.resets_at % 1000 == 0
    assert scene.said(EventType.MESSAGE) == [], "the program's own words are no message of the model"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"api_error_status": 429, "terminal_reason": "api_error"}, Reason.RATE_LIMIT),
        ({"api_error_status": 429, "terminal_reason": "api_error", "api_error": "usage_limit_reached"}, Reason.QUOTA),
        ({"api_error_status": 403, "terminal_reason": "api_error"}, Reason.AUTH),
        ({"api_error_status": 402, "terminal_reason": "api_error"}, Reason.QUOTA),
        ({"api_error_status": 404, "terminal_reason": "api_error"}, Reason.AGENT_ERROR),
        ({"api_error_status": 400, "terminal_reason": "prompt_too_long"}, Reason.AGENT_ERROR),
        ({"api_error": "connection_failed", "terminal_reason": "api_error"}, Reason.PROVIDER),
        ({"subtype": "error_max_turns", "terminal_reason": "max_turns"}, Reason.GAVE_UP),
        ({"subtype": "error_during_execution", "terminal_reason": None}, Reason.AGENT_ERROR),
        ({"terminal_reason": "aborted_tools"}, Reason.AGENT_ERROR),
        ({"terminal_reason": "something_new", "is_error": False}, Reason.AGENT_ERROR),
        ({"subtype": "something_new", "is_error": False}, Reason.AGENT_ERROR),
        ({}, Reason.AGENT_ERROR),
    ],
)
def test_every_end_but_a_plain_success_is_a_failure(fields: dict[str, Any], reason: Reason) -> None:
    """Traps 1 and 2: only the agent's own word of success is one."""
    scene = open_scene()
    scene.hear(result(**({"is_error": True} | fields)))
    (end,) = scene.of(TurnEnded)
    assert end.reason is reason
    assert end.error


def test_a_result_in_the_form_that_was_asked_for() -> None:
    """It is there, or the turn has failed."""
    assert played("schema", SCHEMA).told[-1] == TurnEnded(text='{"name":"x"}', result={"name": "x"})
    scene = Scene(SCHEMA)
    scene.speech.greet()
    assert scene.lines[0]["request"]["jsonSchema"] == SCHEMA
    scene.hear({"type": "control_response", "response": {"subtype": "success", "request_id": "initialize"}})
    scene.begin(SCHEMA)
    scene.hear(result(result="prose"))
    assert scene.of(TurnEnded)[-1].reason is Reason.AGENT_ERROR
    scene.begin()
    assert scene.of(TurnEnded)[-1].reason is Reason.AGENT_ERROR, "another form needs another process"


def test_what_the_provider_allows_is_told_while_the_turn_goes_on() -> None:
    """A warning refuses nothing; a limit that was met and then lifted is no cause."""
    scene = open_scene()
    info = {"status": "allowed_warning", "resetsAt": 1795310000, "rateLimitType": "five_hour", "utilization": 0.91}
    scene.hear({"type": "rate_limit_event", "rate_limit_info": info})
    warning = ProviderLimit(kind=LimitKind.WARNING, resets_at=1795310000000, used=0.91, window="five_hour")
    assert scene.of(Limited) == [Limited(warning)]
    scene.hear({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "isUsingOverage": True}})
    assert scene.of(Limited)[-1].limit.kind is LimitKind.WARNING, "it goes on, and is paid for"
    scene.hear({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected"}})
    scene.hear({"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}})
    scene.hear(result(is_error=True, api_error_status=429, terminal_reason="api_error"))
    assert scene.of(TurnEnded)[-1].reason is Reason.RATE_LIMIT


def test_a_conversation_that_is_not_there_ends_before_a_turn() -> None:
    """A44: nothing is invented, and the id is not told as if it were known."""
    scene = Scene()
    scene.speech.greet()
    scene.hear(*recorded("unknown"))
    (end,) = scene.told
    assert isinstance(end, TurnEnded)
    assert end.reason is Reason.AGENT_ERROR
    assert "No conversation found" in (end.error or "")


def test_an_end_that_cannot_be_read_is_an_end_all_the_same() -> None:
    """I14: a result without the word that judges it."""
    scene = open_scene()
    scene.hear({"type": "result", "subtype": "success"})
    assert scene.of(TurnEnded)[-1].reason is Reason.AGENT_ERROR
    assert len(scene.complaints) == 1


def test_sub_agents_think_and_do_not_speak() -> None:
    """What one says is for the agent that sent it; its tools are told with where they belong."""
    scene = open_scene()
    blocks = [{"type": "text", "text": "I look"}, {"type": "tool_use", "id": "t1", "name": "Read", "input": {}}]
    scene.hear({"type": "assistant", "message": {"id": "m", "content": blocks}, "parent_tool_use_id": "t0"})
    assert scene.said(EventType.MESSAGE) == []
    assert scene.said(EventType.THOUGHT) == [{"text": "I look", "parent": "t0"}]
    assert scene.said(EventType.TOOL_CALL) == [{"name": "Read", "id": "t1", "input": {}, "parent": "t0"}]


def test_a_plan_is_told_as_one() -> None:
    """TodoWrite is a tool, and more."""
    todos = [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}, "nonsense"]
    use = {"type": "tool_use", "id": "t", "name": "TodoWrite", "input": {"todos": todos}}
    scene = open_scene()
    scene.hear({"type": "assistant", "message": {"id": "m", "content": [use]}})
    assert scene.said(EventType.TODO) == [{"items": [{"text": "a", "done": True}, {"text": "b", "done": False}]}]


def changed(scene: Scene, name: str, input: object, result: object, failed: bool = False) -> list[dict[str, Any]]:
    """Use one of the tools for single tasks, hear its result, and give the list as it was told last."""
    use = {"type": "tool_use", "id": f"u-{name}", "name": name, "input": input}
    scene.hear({"type": "assistant", "message": {"id": "m", "content": [use]}})
    told = {"type": "tool_result", "tool_use_id": f"u-{name}", "content": "ok", "is_error": failed}
    scene.hear({"type": "user", "message": {"content": [told]}, "tool_use_result": result})
    plans = scene.said(EventType.TODO)
    return plans[-1]["items"] if plans else []


def test_tasks_that_are_kept_one_by_one_are_told_as_one_plan() -> None:
    """Newer versions: made, changed, taken away, read; what failed or is not known changes nothing."""
    scene = open_scene()
    for number, subject in (("1", "a"), ("2", "b")):
        changed(scene, "TaskCreate", {"subject": subject}, {"task": {"id": number, "subject": subject}})
    done = {"success": True, "taskId": "1"}
    assert changed(scene, "TaskUpdate", {"taskId": "1", "status": "completed", "subject": "A"}, done) == [
        {"text": "A", "done": True},
        {"text": "b", "done": False},
    ]
    before = len(scene.said(EventType.TODO))
    changed(scene, "TaskUpdate", {"taskId": "2", "status": "completed"}, "Error: no", failed=True)
    changed(scene, "TaskUpdate", {"taskId": "9", "status": "completed"}, {"success": True, "taskId": "9"})
    for nonsense in (None, [], {"task": {}}, {"task": {"id": 3, "subject": "x"}}, {"tasks": "x"}):
        changed(scene, "TaskCreate", {}, nonsense)
        changed(scene, "TaskList", {}, nonsense)
    assert len(scene.said(EventType.TODO)) == before
    assert changed(scene, "TaskUpdate", {"taskId": "2", "status": "deleted"}, {"success": True, "taskId": "2"}) == [
        {"text": "A", "done": True}
    ]
    tasks = [{"id": "7", "subject": "of before", "status": "completed"}, {"id": "8", "subject": "c"}]
    assert changed(scene, "TaskList", {}, {"tasks": tasks}) == [
        {"text": "of before", "done": True},
        {"text": "c", "done": False},
    ]


def test_what_is_said_whole_but_was_not_streamed_to_its_end_is_completed() -> None:
    """No text is lost either: the rest of a block goes on behind its pieces."""
    scene = open_scene()
    start = {"type": "message_start", "message": {"id": "m"}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    piece = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one"}}
    scene.hear(*({"type": "stream_event", "event": event} for event in (start, block, piece)))
    content = [{"type": "text", "text": "one two"}]
    scene.hear({"type": "assistant", "message": {"id": "m", "content": content}})
    scene.hear({"type": "assistant", "message": {"id": "other", "content": content}})
    assert scene.said(EventType.MESSAGE) == [{"text": "one"}, {"text": " two", "delta": True}, {"text": "one two"}]


def test_a_long_result_of_a_tool_keeps_its_beginning_and_its_end() -> None:
    """I18."""
    scene = open_scene()
    content = [{"type": "text", "text": "a" * 40_000 + "z" * 40_000}, {"type": "image"}]
    found = {"type": "tool_result", "tool_use_id": "t", "content": content}
    scene.hear({"type": "user", "message": {"content": [found]}})
    (data,) = scene.said(EventType.TOOL_RESULT)
    assert len(data["output"]) < 31_000
    assert data["output"].startswith("aaa")
    assert data["output"].endswith("z\n[image]")


def opening(**fields: Any) -> Opening:
    """What to open."""
    return Opening(cwd="/example", env={}, tag="tag", **fields)


KIND = AgentKind(adapter=Adapter.CLAUDE, command=("claude", "--mcp-config", "m.json"))


def test_a_new_conversation_has_an_id_before_it_is_started() -> None:
    """It follows from the tag that was recorded; a known conversation is gone on with."""
    new = argv(KIND, opening())
    assert new[:4] == ("claude", "--mcp-config", "m.json", "-p")
    assert new[-2:] == ("--session-id", derived_uuid("tag", "session"))
    assert derived_uuid("tag", "session") != derived_uuid("tag2", "session")
    assert argv(KIND, opening(thread="abc"))[-2:] == ("--resume", "abc")
    assert "--session-id" not in argv(KIND, opening(thread="abc"))
    fork = argv(KIND, opening(thread="abc", fork=True))
    assert fork[-5:] == ("--resume", "abc", "--fork-session", "--session-id", derived_uuid("tag", "session"))
    assert argv(KIND, opening(fork=True)) == argv(KIND, opening())
    assert argv(KIND, opening(model="opus"))[-4:-2] == ("--model", "opus")


@pytest.mark.parametrize(
    ("access", "flags"),
    [
        (Access.ANALYSIS, {"dontAsk", "--disallowedTools=Edit,Write,NotebookEdit"}),
        (Access.WRITE, {"acceptEdits"}),
        (Access.AUTO, set()),
    ],
)
def test_access_becomes_flags(access: Access, flags: set[str]) -> None:
    """`auto` adds nothing: what the program and the command say, holds."""
    assert flags == set(argv(KIND, opening(access=access))) & {
        *("dontAsk", "acceptEdits", "--disallowedTools=Edit,Write,NotebookEdit", "bypassPermissions")
    }


def test_a_command_that_skips_all_permissions_is_for_auto_alone_and_not_for_root() -> None:
    """The program refuses it to root, except in a sandbox."""
    command = ("claude", "--dangerously-skip-permissions")
    assert why_not(command, Access.AUTO, {}, root=False) is None
    assert why_not(command, Access.AUTO, {"IS_SANDBOX": "1"}, root=True) is None
    assert "root" in (why_not(command, Access.AUTO, {}, root=True) or "")
    assert "contradict" in (why_not(command, Access.WRITE, {"IS_SANDBOX": "1"}, root=False) or "")
    assert why_not(("claude", "--permission-mode", "bypassPermissions"), Access.ANALYSIS, {}, root=False)
    assert why_not(("claude",), Access.WRITE, {}, root=True) is None


def test_only_a_living_process_that_says_so_owns_a_conversation(tmp_path: Path) -> None:
    """What it cannot read, a later process with the pid, and another namespace are no evidence."""
    folder = tmp_path / ".claude" / "sessions"
    folder.mkdir(parents=True)
    me = look(os.getpid())
    assert me is not None
    here = {"pid": me.pid, "sessionId": "t", "procStart": str(me.start)}
    here["pidDomain"] = f"linux:x:pid:[{pid_namespace()}]"
    wrong = [{"procStart": str(me.start + 1)}, {"pid": 1 << 22}, {"sessionId": "u"}, {"pidDomain": "linux:x:pid:[1]"}]
    for number, fields in enumerate([*wrong, {"procStart": "x"}, {"procStart": None}, {"pid": "1"}]):
        (folder / f"{number}.json").write_text(json.dumps(here | fields))
    (folder / "garbage.json").write_bytes(b"\xff{")
    (folder / "folder.json").mkdir()
    env = {"HOME": str(tmp_path)}
    assert owner_of("t", env) is None
    (folder / "me.json").write_text(json.dumps(here))
    assert owner_of("t", env) == me.pid
    assert owner_of("t", {"CLAUDE_CONFIG_DIR": str(tmp_path / ".claude")}) == me.pid
    assert owner_of("t", {"HOME": str(tmp_path / "elsewhere")}) is None
    assert owner_of("t", {}) is None
