"""From what people write to a checked spec."""

import math
from typing import Any

import msgspec
import pytest

from taxiway.core.agent import Access, Resume
from taxiway.core.errors import Invalid, Problem, TooLarge
from taxiway.core.fieldtypes import Written
from taxiway.core.limits import ARGV_ITEMS_MAX, NAME_CHARS_MAX, PRIORITY_MAX, PROMPT_BYTES_MAX, RETRIES_MAX
from taxiway.core.policy import Drop, MailboxChange, Mode
from taxiway.core.specs import checked_spec, read_defaults, task_spec
from taxiway.core.task import RESERVED_FIELDS, Backoff, Condition, Dependency, Reason, TaskSpec

FULL: dict[str, Any] = {
    "name": "build/linux-1.2_x",
    "queue": "release",
    "lane": "tests",
    "priority": -3,
    "position": 7,
    "command": ["make", "-j", 4, Written("1.50")],
    "after": {"lint": "failed", "test": "finished"},
    "cwd": "sub",
    "env": {"A": "1", "N": 5},
    "stdin": "text\n",
    "timeout": "30m",
    "idle_timeout": 90,
    "expires": "1d",
    "delay": "1h",
    "retries": 2,
    "backoff": {"first": "1s", "max": "1m"},
    "retry_on": ["timeout", "exit_code"],
    "labels": {"team": "core", "n": 3},
    "metadata": {"deep": [{"x": None}]},
}


PROMPT: dict[str, Any] = {
    "prompt": "also look at the tests",
    "agent": "codex",
    "model": "large-1",
    "access": "analysis",
    "session": "telegram:direct:4711",
    "resume": "replay",
    "mailbox": {
        "mode": "collect",
        "cap": 20,
        "drop": "summarize",
        "debounce": "500ms",
        "max_debounce_wait": 3,
        "max_concurrent": 2,
    },
}


def spec(fields: dict[str, Any], **more: Any) -> TaskSpec:
    found = task_spec(fields, **more)
    assert isinstance(found, TaskSpec), [str(problem) for problem in found]
    return found


def problems(fields: dict[str, Any], **more: Any) -> list[Problem]:
    found = task_spec(fields, **more)
    assert not isinstance(found, TaskSpec), found
    return list(found)


def test_every_field_is_read_from_the_words_of_a_plan_file() -> None:
    """Surface, "A task's spec": one table of fields for files, flags and Python."""
    assert spec(FULL) == TaskSpec(
        name="build/linux-1.2_x",
        queue="release",
        lane="tests",
        priority=-3,
        position=7,
        command=("make", "-j", "4", "1.50"),
        after=(Dependency("lint", Condition.FAILED), Dependency("test", Condition.FINISHED)),
        cwd="sub",
        env={"A": "1", "N": "5"},
        stdin="text\n",
        timeout_s=1800.0,
        idle_timeout_s=90.0,
        expires_s=86_400.0,
        delay_s=3600.0,
        retries=2,
        backoff=Backoff(first_s=1.0, max_s=60.0),
        retry_on=(Reason.TIMEOUT, Reason.EXIT_CODE),
        labels={"team": "core", "n": "3"},
        metadata={"deep": [{"x": None}]},
    )


def test_a_prompt_is_read_with_its_agent_its_session_and_what_differs_in_the_mailbox() -> None:
    """Surface, "A task's spec" and the words of the policy; durations as elsewhere."""
    assert spec(PROMPT) == TaskSpec(
        prompt="also look at the tests",
        agent="codex",
        model="large-1",
        access=Access.ANALYSIS,
        session="telegram:direct:4711",
        resume=Resume.REPLAY,
        mailbox=MailboxChange(
            mode=Mode.COLLECT,
            cap=20,
            drop=Drop.SUMMARIZE,
            debounce_s=0.5,
            max_debounce_wait_s=3.0,
            max_concurrent=2,
        ),
    )


def test_a_spec_in_json_is_read_back_as_it_is() -> None:
    """Surface, "The nouns": in JSON durations are seconds in fields that end in _s."""
    for full in (
        spec(FULL),
        TaskSpec(job="mail", args={"to": ["a"]}, no_wait=True),
        TaskSpec(shell="x", template=True),
        spec(PROMPT),
    ):
        assert spec(msgspec.to_builtins(full)) == full


@pytest.mark.parametrize(
    ("after", "edges"),
    [
        ("lint", {"lint": "completed"}),
        (["lint", "build"], {"lint": "completed", "build": "completed"}),
        ([{"lint": "failed"}, "build"], {"lint": "failed", "build": "completed"}),
        ([{"task": "lint", "on": "finished"}], {"lint": "finished"}),
        ({"lint": None}, {"lint": "completed"}),
        (("lint",), {"lint": "completed"}),
        ([], {}),
    ],
)
def test_after_may_be_a_name_a_list_or_a_table_of_conditions(after: Any, edges: dict[str, str]) -> None:
    """A16-A19: what it waits for, and which ending it wants."""
    assert {edge.task: edge.on for edge in spec({"shell": "x", "after": after}).after} == edges


@pytest.mark.parametrize(
    ("fields", "field", "said", "hint"),
    [
        ({"timeot": 5}, "timeot", "is no field of a task", "did you mean 'timeout'?"),
        ({"depends_on": ["a"]}, "depends_on", "is no field of a task", "did you mean 'after'?"),
        ({"cmd": ["a"]}, "cmd", "is no field of a task", "did you mean 'command'?"),
        ({"zzzz": 1}, "zzzz", "is no field of a task", ""),
        ({"timeout": "5 minutes"}, "timeout", "is no duration", ""),
        ({"timeout": 0}, "timeout", "longer than 0", ""),
        ({"delay": -1}, "delay", "cannot be negative", ""),
        ({"idle_timeout": math.nan}, "idle_timeout", "must have an end", ""),
        ({"timeout": 5, "timeout_s": 5}, "timeout_s", "is given twice", ""),
        ({"priority": PRIORITY_MAX + 1}, "priority", "must be from -1000000 to 1000000", ""),
        ({"priority": "high"}, "priority", "must be a whole number, not a text", ""),
        ({"position": 1.5}, "position", "must be a whole number, not 1.5", ""),
        ({"retries": True}, "retries", "must be a whole number, not true or false", ""),
        ({"retries": RETRIES_MAX + 1}, "retries", "must be from 0 to 1000", ""),
        ({"name": "a b"}, "name", "is no name", "'a-b' would do"),
        ({"name": "-x"}, "name", "is no name", "'x' would do"),
        ({"name": "größe"}, "name", "is no name", ""),
        ({"name": "a\x1b[31m"}, "name", "\\x1b", ""),
        ({"name": ""}, "name", "is empty", ""),
        ({"name": "x" * (NAME_CHARS_MAX + 1)}, "name", "a name has at most 200", ""),
        ({"lane": ["main"]}, "lane", "must be a name, not a list", ""),
        ({"queue": True}, "queue", "must be a name, not true or false", "put it in quotes"),
        ({"after": {"lint": "faild"}}, "after.lint", "'faild' is no condition", "did you mean 'failed'?"),
        ({"after": {"lint": True}}, "after.lint", "true or false is no condition", "completed, failed or finished"),
        ({"after": ["a", "b", "a"]}, "after[2]", "names 'a' twice", ""),
        ({"after": 5}, "after", "must be a list of task names", ""),
        ({"after": ["a b"]}, "after[0]", "is no name", "'a-b' would do"),
        ({"env": ["A=1"]}, "env", "must be a table, not a list", ""),
        ({"env": {"A": True}}, "env.A", "must be a text, not true or false", "put it in quotes"),
        ({"env": {"A": None}}, "env.A", "must be a text, not nothing", ""),
        ({"env": {"A=B": "x"}}, "env.A=B", "cannot name a variable", ""),
        ({"env": {"A": "x\0"}}, "env.A", "holds a NUL", ""),
        ({"env": {"TAXIWAY_RUN": "x"}}, "env.TAXIWAY_RUN", "Taxiway itself sets", "choose another name"),
        ({"env": {"TAXIWAY_IN_1": "x"}}, "env.TAXIWAY_IN_1", "Taxiway itself sets", "choose another name"),
        ({"cwd": ""}, "cwd", "is empty", ""),
        ({"stdin": 5}, "stdin", "must be a text, not a number", "put it in quotes"),
        ({"stdin": "\ud800"}, "stdin", "lone surrogate", ""),
        ({"backoff": {"fist": 1}}, "backoff.fist", "is no field of backoff", "did you mean 'first'?"),
        ({"backoff": {"jitter": 2}}, "backoff.jitter", "must be from 0 to 1", ""),
        ({"backoff": {"factor": 0.5}}, "backoff.factor", "must be from 1 to 1000", ""),
        ({"backoff": 5}, "backoff", "must be a table, not a number", ""),
        ({"retry_on": ["exitcode"]}, "retry_on[0]", "'exitcode' is no failure", "did you mean 'exit_code'?"),
        ({"retry_on": "budget"}, "retry_on", "'budget' is no failure", "one of agent_error"),
        ({"labels": {"a b": "x"}}, 'labels."a b"', "is no name", "'a-b' would do"),
        ({"labels": {f"l{n}": "x" for n in range(65)}}, "labels", "at most 64", ""),
        ({"metadata": {"x": [1, {"y": math.inf}]}}, "metadata.x[1].y", "no JSON number", ""),
        ({"metadata": {"x": object()}}, "metadata.x", "no JSON value", "write it as a text"),
        ({"metadata": {"x": 2**64}}, "metadata.x", "beyond 64 bits", ""),
        ({"no_wait": "yes"}, "no_wait", "must be true or false", ""),
        ({"no_wait": True, "after": ["a"]}, "no_wait", "waits for others", ""),
        ({"args": {"x": 1}}, "args", "belongs to a job", ""),
        ({"delay": "1h", "expires": "30m"}, "expires", "before the delay is over", ""),
        ({"idempotency_key": ""}, "idempotency_key", "is empty", ""),
        ({"template": True, "stdin": "${{ a.output }}"}, "stdin", "not in after", "add 'a' to after"),
        ({"agent": "codex"}, "agent", "belongs to a prompt, and this task is a shell", ""),
        ({"model": "m"}, "model", "belongs to a prompt", ""),
        ({"access": "write"}, "access", "belongs to a prompt", ""),
        ({"resume": "fresh"}, "resume", "belongs to a prompt", ""),
        ({"access": "writ"}, "access", "'writ' is no access", "did you mean 'write'?"),
        ({"resume": "zzzz"}, "resume", "'zzzz' is no way to resume", "one of native, replay, fresh"),
        ({"mailbox": {"cap": 1}}, "mailbox", "belongs to a session, and this task names none", ""),
        ({"session": "a b"}, "session", "'a b' is no key", ""),
        ({"session": "a\x1b[2J"}, "session", "\\x1b", ""),
        ({"session": "x" * 201}, "session", "at most 200", ""),
        ({"session": ["s"]}, "session", "must be a key, not a list", ""),
        ({"session": "s", "mailbox": {"mode": "steal"}}, "mailbox.mode", "'steal' is no mode", "did you mean 'steer'?"),
        (
            {"session": "s", "mailbox": {"mode": 5}},
            "mailbox.mode",
            "must be one of queue, followup",
            "put it in quotes",
        ),
        ({"session": "s", "mailbox": {"drop": "x"}}, "mailbox.drop", "'x' is no way to drop", "one of new, old"),
        ({"session": "s", "mailbox": {"cap": 0}}, "mailbox.cap", "must be at least 1, not 0", ""),
        ({"session": "s", "mailbox": {"cap": 1.5}}, "mailbox.cap", "must be a whole number, not 1.5", ""),
        ({"session": "s", "mailbox": {"max_concurrent": -1}}, "mailbox.max_concurrent", "must be at least 1", ""),
        ({"session": "s", "mailbox": {"debounce": -1}}, "mailbox.debounce", "cannot be negative", ""),
        ({"session": "s", "mailbox": {"max_debounce_wait": "-1s"}}, "mailbox.max_debounce_wait", "be negative", ""),
        ({"session": "s", "mailbox": {"debounce": 1, "debounce_s": 1}}, "mailbox.debounce_s", "is given twice", ""),
        ({"session": "s", "mailbox": {"debonce": 1}}, "mailbox.debonce", "no field", "did you mean 'debounce'?"),
        ({"session": "s", "mailbox": "queue"}, "mailbox", "must be a table, not a text", ""),
    ],
)
def test_a_wrong_field_is_named_with_what_would_be_right(
    fields: dict[str, Any], field: str, said: str, hint: str
) -> None:
    """Bad input: unknown field, wrong type, impossible duration, names, bounds; DA8, DA17."""
    (problem,) = problems({"shell": "x", **fields})
    assert problem.field == field
    assert said in problem.message
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({}, "", "has no work: give one of command, shell, prompt or job"),
        ({"command": None}, "", "has no work"),
        ({"command": ["a"], "shell": "b"}, "", "has 2 kinds of work, command and shell"),
        ({"command": ["a"], "shell": "b", "job": "c"}, "", "has 3 kinds of work"),
        ({"command": "ruff check ."}, "command", "must be a list of texts"),
        ({"command": []}, "command", "is empty"),
        ({"command": [""]}, "command[0]", "names no program"),
        ({"command": ["a", "b\0"]}, "command[1]", "holds a NUL"),
        ({"command": ["a", True]}, "command[1]", "must be a text, not true or false"),
        ({"command": ["a", ["b"]]}, "command[1]", "must be a text, not a list"),
        ({"command": ["a"] * (ARGV_ITEMS_MAX + 1)}, "command", "at most 10000"),
        ({"shell": "  \n"}, "shell", "is empty"),
        ({"shell": "a\0b"}, "shell", "holds a NUL"),
        ({"shell": ["a"]}, "shell", "must be a text, not a list"),
        ({"job": "a b"}, "job", "is no name"),
        ({"shell": "x" * (1 << 20)}, "", "a task has at most 1048576"),
        ({"prompt": "x"}, "agent", "a prompt needs the agent that works on it"),
        ({"prompt": " ", "agent": "a"}, "prompt", "is empty"),
        ({"prompt": "x\0", "agent": "a"}, "prompt", "holds a NUL"),
        ({"prompt": ["x"], "agent": "a"}, "prompt", "must be a text, not a list"),
        ({"prompt": "x", "shell": "y", "agent": "a"}, "", "has 2 kinds of work, shell and prompt"),
        ({"prompt": "\u00e4" * (PROMPT_BYTES_MAX // 2 + 1), "agent": "a"}, "prompt", "a prompt has at most 1048576"),
        ({"prompt": "x", "agent": "a b"}, "agent", "is no name"),
        ({"prompt": "x", "agent": "a", "model": "m" * 201}, "model", "at most 200"),
    ],
)
def test_a_task_has_exactly_one_kind_of_work_that_can_be_run(fields: dict[str, Any], field: str, said: str) -> None:
    """Bad input: two kinds of work in one task; surface, "A task's spec"."""
    (problem,) = problems(fields)
    assert problem.field == field
    assert said in problem.message


@pytest.mark.parametrize("field", sorted(RESERVED_FIELDS))
def test_a_field_of_a_later_version_is_refused_with_a_sentence(field: str) -> None:
    """Not as an unknown one: the reader did nothing wrong but come early."""
    (problem,) = problems({field: "x"})
    assert (problem.field, problem.message[:11]) == (field, "comes with ")
    assert "this version runs command, shell, prompt and job" in problem.message


def test_all_problems_come_in_one_go_with_their_paths() -> None:
    """Bad input: all errors at once, also several inside one field."""
    found = problems(
        {"comand": [], "timeout": "x", "env": {"A": None, "B": True}, "after": ["a a", "b b"], "retries": -1},
        where=("tasks", "lint"),
    )
    assert [problem.field for problem in found] == [
        "tasks.lint.comand",
        "tasks.lint.timeout",
        "tasks.lint.env.A",
        "tasks.lint.env.B",
        "tasks.lint.after[0]",
        "tasks.lint.after[1]",
        "tasks.lint.retries",
        "tasks.lint",
    ]


def test_defaults_hold_where_a_task_says_nothing_and_null_takes_them_away() -> None:
    """env, labels, metadata and backoff are laid over the default's entries; everything else replaces it."""
    draft = read_defaults(
        {"timeout": "30m", "retries": 1, "env": {"A": 1, "B": 1}, "backoff": {"first": 1}, "cwd": "x"}, ("defaults",)
    )
    assert draft.faults == []
    found = spec(
        {"shell": "x", "retries": 3, "cwd": None, "env": {"B": 2}, "backoff": {"max": 9}}, defaults=draft.fields
    )
    assert found == TaskSpec(
        shell="x", timeout_s=1800.0, retries=3, env={"A": "1", "B": "2"}, backoff=Backoff(first_s=1.0, max_s=9.0)
    )


def test_what_makes_a_task_itself_cannot_be_a_default() -> None:
    """A default command would be the same work many times."""
    draft = read_defaults({"command": ["x"], "name": "x", "after": ["x"], "timeout": 5}, ("defaults",))
    assert [fault.path[-1] for fault in draft.faults] == ["command", "name", "after"]


def test_who_works_on_a_prompt_may_be_said_by_the_task_its_session_or_the_configuration() -> None:
    """The task's own agent wins; in a session it may be the session's, so nobody is put in here."""
    assert spec({"prompt": "x"}, agent="claude").agent == "claude"
    assert spec({"prompt": "x", "agent": "codex"}, agent="claude").agent == "codex"
    assert spec({"prompt": "x", "session": "s"}, agent="claude").agent is None
    assert spec({"prompt": "x", "session": "s"}).agent is None
    assert spec({"shell": "x"}, agent="claude").agent is None


def test_defaults_for_prompts_leave_other_work_alone() -> None:
    """A plan's defaults may name an agent although not every task is a prompt."""
    draft = read_defaults({"agent": "codex", "access": "write"}, ("defaults",))
    assert draft.faults == []
    assert spec({"shell": "x"}, defaults=draft.fields) == TaskSpec(shell="x")
    found = spec({"prompt": "x"}, defaults=draft.fields)
    assert (found.agent, found.access) == ("codex", Access.WRITE)


def test_a_mailbox_is_no_default_because_it_would_overrule_the_session_for_every_message() -> None:
    """OC-08: what is said for one message wins over what is said for its session."""
    (fault,) = read_defaults({"mailbox": {"cap": 5}}, ("defaults",)).faults
    assert (fault.path, fault.message[:24]) == (("defaults", "mailbox"), "is said for a session (s")


def test_placeholders_in_a_prompt_must_name_tasks_of_after() -> None:
    """Semantics, "Templates": in a prompt as everywhere."""
    (problem,) = problems({"prompt": "fix ${{ lint.output }}", "agent": "a", "template": True})
    assert (problem.field, problem.hint) == ("prompt", "add 'lint' to after")


def test_a_prompt_over_its_bound_is_too_large_where_that_is_all() -> None:
    """Bad input: a message over 1 MiB is refused, 413."""
    long = "x" * (PROMPT_BYTES_MAX + 1)
    with pytest.raises(TooLarge, match="a prompt has at most 1048576") as caught:
        checked_spec({"prompt": long, "agent": "a"})
    assert [problem.code for problem in caught.value.problems] == ["too_large"]
    with pytest.raises(Invalid) as other:
        checked_spec({"prompt": long, "agent": "a", "timeout": "x"})
    assert other.value.code == "invalid"


def test_callers_that_speak_in_exceptions_get_one_with_every_problem() -> None:
    """The Python API and single submits: code invalid, 422, exit 2."""
    assert checked_spec({"shell": "x"}) == TaskSpec(shell="x")
    with pytest.raises(Invalid, match=r"this is no task: timeout: .* \(and 1 more\)") as caught:
        checked_spec({"timeout": "x"})
    assert [problem.field for problem in caught.value.problems] == ["timeout", ""]


def test_deeply_nested_metadata_is_refused_before_it_exhausts_the_stack() -> None:
    """Every level of a value costs a call; a bound keeps that finite."""
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    (problem,) = problems({"shell": "x", "metadata": {"x": deep}})
    assert "nested deeper than 100" in problem.message
