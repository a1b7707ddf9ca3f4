"""From an agent's start over ACP to its first turn, played by hand."""

from typing import Any

import pytest

from taxiway.agents.acp_presets import (
    CLAUDE,
    CODEX,
    GEMINI,
    OPENCODE,
    UNKNOWN,
    AcpPreset,
    environment_for,
    preset_of,
)
from taxiway.agents.dialogue import Ready, Said, ThreadKnown, Turn, TurnEnded
from taxiway.agents.speech import OpenTurn
from taxiway.core.agent import Access, AgentKind
from taxiway.core.event import EventType
from taxiway.core.task import Reason
from tests.unit.agents.acp_floor import Stage

RESUMES = {"sessionCapabilities": {"resume": {}}, "loadSession": True}
MODES = {"currentModeId": "default", "availableModes": [{"id": "default", "name": "D"}, {"id": "plan", "name": "P"}]}
MODEL = {
    "id": "llm",
    "name": "Model",
    "category": "model",
    "type": "select",
    "currentValue": "a",
    "options": [{"value": "a", "name": "A"}, {"value": "b", "name": "B"}],
}


def test_a_new_conversation_is_named_before_anything_is_taken() -> None:
    """A44; and nothing is lent: no files, no terminal."""
    stage = Stage().meet()
    assert stage.told == [ThreadKnown("s1"), Ready()]
    (hello,) = stage.sent("initialize")
    assert hello["protocolVersion"] == 1
    assert hello["clientCapabilities"]["fs"] == {"readTextFile": False, "writeTextFile": False}
    assert hello["clientCapabilities"]["terminal"] is False
    assert stage.sent("session/new") == [{"cwd": "/example", "mcpServers": []}]


@pytest.mark.parametrize(
    ("capabilities", "method"), [(RESUMES, "session/resume"), ({"loadSession": True}, "session/load")]
)
def test_a_conversation_is_gone_on_with_as_the_agent_can(capabilities: Any, method: str) -> None:
    """A45: resumed rather than loaded; what a load repeats is not told as if it happened now."""
    stage = Stage(thread="s1")
    stage.speech.greet()
    stage.answer({"protocolVersion": 1, "agentCapabilities": capabilities})
    assert stage.sent(method) == [{"cwd": "/example", "mcpServers": [], "sessionId": "s1"}]
    stage.text("of the past")
    stage.update("tool_call", toolCallId="c", title="ls", status="completed")
    stage.answer(None)
    stage.text("still of the past")
    assert stage.told == [ThreadKnown("s1"), Ready()]


def test_an_agent_that_cannot_go_on_says_so_and_takes_no_turn() -> None:
    """A conversation is never begun anew in silence."""
    stage = Stage(thread="s1").meet()
    end = stage.ended()
    assert end.reason is Reason.AGENT_ERROR
    assert "offers neither" in (end.error or "")
    assert [line["method"] for line in stage.lines] == ["initialize"]


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        ({"code": -32000, "message": "Authentication required"}, Reason.AUTH, "Authentication required"),
        (
            {"code": -32603, "message": "Internal error", "data": {"details": "Invalid session"}},
            None,
            "Invalid session",
        ),
        ("not even an object", None, "not even an object"),
        ({"message": 5}, None, "without a message"),
    ],
)
def test_a_conversation_that_cannot_be_opened_says_why(error: Any, reason: Reason | None, words: str) -> None:
    """A43: auth where the agent says auth; also errors that are no errors of JSON-RPC are read."""
    stage = Stage()
    stage.speech.greet()
    stage.answer({"protocolVersion": 1, "agentCapabilities": None})
    stage.answer(error=error)
    end = stage.ended()
    assert end.reason is (reason or Reason.AGENT_ERROR)
    assert words in (end.error or "")


@pytest.mark.parametrize(
    "answers",
    [
        [{"protocolVersion": 2}],
        [{"protocolVersion": "x" * 10_000}],
        [None],
        [{"protocolVersion": 1}, {"sessionId": ""}],
        [{"protocolVersion": 1}, {"sessionId": "--dangerous"}],
        [{"protocolVersion": 1}, {"sessionId": "x" * 501}],
        [{"protocolVersion": 1}, {"sessionId": "a b"}],
        [{"protocolVersion": 1}, {}],
        [{"protocolVersion": 1}, []],
    ],
)
def test_a_handshake_that_does_not_fit_is_the_agents_error(answers: list[Any]) -> None:
    """The name of a conversation can come into a command line later; another version is not guessed at."""
    stage = Stage()
    stage.speech.greet()
    for answer in answers:
        stage.answer(answer)
    assert stage.told == [stage.ended()]
    assert stage.ended().reason is Reason.AGENT_ERROR
    assert len(stage.ended().error or "") < 1_000


@pytest.mark.parametrize(
    ("access", "session", "mode", "bound"),
    [
        (Access.ANALYSIS, {"modes": MODES}, "plan", True),
        (Access.WRITE, {"modes": MODES}, "default", False),  # its mode for it is not there
        (Access.AUTO, {"modes": MODES}, "default", True),
        (Access.ANALYSIS, {}, None, False),
    ],
)
def test_access_is_a_mode_and_what_really_applies_is_told_in_every_turn(
    access: Access, session: Any, mode: str | None, bound: bool
) -> None:
    """What nobody has seen to hold is not claimed."""
    stage = Stage(preset=GEMINI, access=access).meet(session)
    if access is Access.ANALYSIS and session:
        assert stage.sent("session/set_mode") == [{"sessionId": "s1", "modeId": "plan"}]
        stage.answer({})
    assert stage.told[-1] == Ready()
    for _ in range(2):
        stage.turn = OpenTurn(1)
        stage.told.clear()
        stage.speech.begin(Turn("go"))
        (status,) = stage.said(EventType.STATUS)
        known = {"phase": "agent", "access": access.value, "bound": bound, "agent": "x", "version": "2"}
        known |= {} if mode is None else {"mode": mode}
        known |= {} if bound else {"text": f"nobody has seen that this agent keeps to access: {access}"}
        assert status == known


def test_an_unknown_agent_is_given_a_mode_by_its_name_and_not_believed() -> None:
    """A mode called plan or read-only is taken for analysis; whether it holds, nobody has seen."""
    stage = Stage(access=Access.ANALYSIS).meet({"modes": MODES})
    assert stage.sent("session/set_mode") == [{"sessionId": "s1", "modeId": "plan"}]
    stage.answer({})
    stage.turn = OpenTurn(1)
    stage.speech.begin(Turn("go"))
    assert stage.said(EventType.STATUS)[0]["bound"] is False


def test_a_mode_that_is_refused_ends_it() -> None:
    """Better no turn than one with more access than was given."""
    stage = Stage(preset=GEMINI, access=Access.ANALYSIS).meet({"modes": MODES})
    stage.answer(error={"code": -32602, "message": "no"})
    assert stage.ended() == TurnEnded(Reason.AGENT_ERROR, "it does not take mode 'plan': no")


def test_a_model_is_chosen_over_the_protocol_or_not_at_all() -> None:
    """A turn never runs on another model than was asked for."""
    stage = Stage(model="b").meet({"configOptions": [MODEL]})
    assert stage.sent("session/set_config_option")[0] | {"type": "x"} == {
        "sessionId": "s1",
        "configId": "llm",
        "value": "b",
        "type": "x",
    }
    stage.answer({"configOptions": []})
    assert stage.told[-1] == Ready()
    other = Stage(model="b").meet()
    assert "no way to choose model 'b'" in (other.ended().error or "")


COMMANDS = [
    (("gemini", "--acp"), GEMINI),
    (("/opt/node", "/x/node_modules/@google/gemini-cli/bundle/gemini.js", "--acp"), GEMINI),
    (("npx", "@google/gemini-cli", "--acp"), GEMINI),
    (("/usr/bin/opencode", "acp"), OPENCODE),
    (("npx", "-y", "@agentclientprotocol/codex-acp@2.6.0"), CODEX),
    (("node", "/x/node_modules/@agentclientprotocol/claude-agent-acp/dist/index.js"), CLAUDE),
    (("/opt/gemini/bin/other", "acp"), UNKNOWN),
    (("qwen", "--acp"), UNKNOWN),
]


@pytest.mark.parametrize(("command", "preset"), COMMANDS)
def test_an_agent_is_told_by_its_command(command: tuple[str, ...], preset: AcpPreset) -> None:
    """By its program or its package, not by a folder that happens to be called so."""
    assert preset_of(AgentKind(command=command)) is preset


def test_the_users_variables_win_except_where_they_would_undo_the_access() -> None:
    """Retries are pinned unless the user says otherwise (trap 9); access analysis cannot be widened."""
    given = {"CLAUDE_CODE_MAX_RETRIES": "7", "OPENCODE_PERMISSION": "{}"}
    assert environment_for(CLAUDE, Access.AUTO, None, {})["CLAUDE_CODE_MAX_RETRIES"] == "2"
    assert environment_for(CLAUDE, Access.AUTO, None, given)["CLAUDE_CODE_MAX_RETRIES"] == "7"
    assert environment_for(OPENCODE, Access.AUTO, None, given)["OPENCODE_PERMISSION"] == "{}"
    assert "deny" in environment_for(OPENCODE, Access.ANALYSIS, None, given)["OPENCODE_PERMISSION"]
    assert environment_for(GEMINI, Access.AUTO, "m", {})["GEMINI_MODEL"] == "m"
    assert "GEMINI_MODEL" not in environment_for(GEMINI, Access.AUTO, None, {})


def test_nothing_is_told_of_a_turn_before_there_is_one() -> None:
    """An agent that talks during its start is not heard."""
    stage = Stage()
    stage.speech.greet()
    stage.text("x")
    assert [event for event in stage.told if isinstance(event, Said)] == []
