"""A plan file becomes a checked plan, or every problem in it at once."""

import os
import time
from pathlib import Path

import pytest
import yaml

from taxiway.core.errors import Invalid, Problem
from taxiway.core.plan import Plan, PlanSession
from taxiway.core.policy import Drop, MailboxChange, MailboxPolicy, Mode
from taxiway.core.task import Condition, Dependency
from taxiway.planfile.from_yaml import FASTEST, from_yaml
from taxiway.planfile.project import project_of
from taxiway.planfile.reading import read_plan


def write(folder: Path, text: str, name: str = "plan.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def problems(folder: Path, text: str, name: str = "plan.yaml", **more: object) -> list[Problem]:
    with pytest.raises(Invalid) as caught:
        read_plan(write(folder, text, name), **more)  # type: ignore[arg-type]
    assert caught.value.exit_status == 2
    return list(caught.value.problems)


def brief(found: list[Problem]) -> list[tuple[int | None, int | None, str]]:
    return [(problem.line, problem.column, problem.field) for problem in found]


EXAMPLE = """\
queue: release
slots: 4
lanes: {main: 2, tests: 1, wide: null}
defaults: {timeout: 30m, retries: 1}
tasks:
  lint: {command: [ruff, check, .]}
  fix:
    shell: echo "${{ lint.output }}"
    after: {lint: failed}
  test: {shell: "pytest -q", lane: tests, after: {lint: finished, fix: finished}, retries: 0}
"""


def test_the_example_of_the_surface_is_read(tmp_path: Path) -> None:
    """Surface, "The plan file": queue, slots, lanes, defaults, tasks in file order; placeholders mean something."""
    plan = read_plan(write(tmp_path, EXAMPLE))
    assert (plan.queue, plan.slots, plan.lanes) == ("release", 4, {"main": 2, "tests": 1, "wide": None})
    assert (plan.project, plan.source) == (str(tmp_path.resolve()), str(tmp_path.resolve() / "plan.yaml"))
    lint, fix, test = plan.tasks
    assert [spec.name for spec in plan.tasks] == ["lint", "fix", "test"]
    assert {spec.queue for spec in plan.tasks} == {"release"}
    assert {spec.cwd for spec in plan.tasks} == {str(tmp_path.resolve())}
    assert (lint.template, fix.template) == (False, True)
    assert (lint.timeout_s, lint.retries, test.retries) == (1800.0, 1, 0)
    assert fix.after == (Dependency("lint", Condition.FAILED),)


def test_the_same_plan_in_yaml_toml_and_json_is_the_same(tmp_path: Path) -> None:
    """Surface, "The plan file": YAML, TOML or JSON."""
    toml = """
slots = 2
[lanes]
tests = 1
[defaults]
timeout = "5m"
[tasks.lint]
command = ["ruff", "check", "."]
env = { A = "1" }
[tasks.test]
shell = "pytest"
after = { lint = "finished" }
lane = "tests"
retries = 2
"""
    json = """{"slots": 2, "lanes": {"tests": 1}, "defaults": {"timeout": "5m"}, "tasks": {
      "lint": {"command": ["ruff", "check", "."], "env": {"A": "1"}},
      "test": {"shell": "pytest", "after": {"lint": "finished"}, "lane": "tests", "retries": 2}}}"""
    yaml = """
slots: 2
lanes: {tests: 1}
defaults: {timeout: 5m}
tasks:
  - {name: lint, command: [ruff, check, .], env: {A: "1"}}
  - {name: test, shell: pytest, after: {lint: finished}, lane: tests, retries: 2}
"""
    texts = {"plan.toml": toml, "plan.json": json, "plan.yaml": yaml, "plan.yml": yaml}
    plans = [read_plan(write(tmp_path, text, name)) for name, text in texts.items()]
    assert len({(plan.tasks[0].command, plan.tasks[1].after, str(plan.lanes)) for plan in plans}) == 1
    assert all(plan.tasks == plans[0].tasks for plan in plans)


BAD_YAML = """\
queu: x
slots: 0
lanes: {tests: 0}
sessions: {fixer: {agnt: codex}}
tasks:
  lint: {command: ruff check ., timeot: 5m}
  test:
    shell: echo '${{ lint.output }}' ${{ lnt.output }}
    lane: tets
    after:
      - lint
      - test
      - nope
  a: {shell: x, after: b, cwd: nowhere}
  b: {shell: x, after: [a], command: [y]}
  e: 5
"""


def test_all_problems_come_at_once_each_with_its_line_and_column(tmp_path: Path) -> None:
    """Bad input: file, line, column, field and the nearest legal name, all errors at once."""
    found = problems(tmp_path, BAD_YAML)
    assert all(problem.file == str(tmp_path / "plan.yaml") for problem in found)
    assert brief(found) == [
        (1, 1, "queu"),
        (2, 1, "slots"),
        (3, 9, "lanes.tests"),
        (4, 20, "sessions.fixer.agnt"),
        (6, 10, "tasks.lint.command"),
        (6, 33, "tasks.lint.timeot"),
        (8, 5, "tasks.test.shell"),
        (8, 5, "tasks.test.shell"),
        (9, 5, "tasks.test.lane"),
        (10, 5, "tasks.test.after"),
        (13, 9, "tasks.test.after.nope"),
        (14, 17, "tasks.a.after"),
        (14, 27, "tasks.a.cwd"),
        (15, 3, "tasks.b"),
        (16, 3, "tasks.e"),
    ]
    said = "\n".join(str(problem) for problem in found)
    for expected in (
        "is no field of a plan (did you mean 'queue'?)",
        "slots must be at least 1; 0 would let nothing start",
        "is no field of a session (did you mean 'agent'?)",
        "did you mean 'timeout'?",
        "names 'lnt', which is not in after (did you mean 'lint'?)",
        "stands in single quotes, where a shell puts in nothing (use double quotes, or none)",
        "there is no lane 'tets' in this plan or in the store (did you mean 'tests'?)",
        "waits for itself (take its own name away)",
        "no task of the plan is called 'nope'",
        "waits for itself in a circle: a -> b -> a",
        "nowhere does not exist",
        "has 2 kinds of work, command and shell",
        "a task is a table with command, shell, prompt or job in it, not a number",
    ):
        assert expected in said


@pytest.mark.parametrize("name", ["plan.toml", "plan.json"])
def test_toml_and_json_name_the_same_places(tmp_path: Path, name: str) -> None:
    """The place of a key, of an item of a list, and of the nearest thing above what is missing."""
    toml = (
        '[lanes]\ntests = 0\n[tasks.a]\nshell = """\n[not.a.table]\n"""\ntimeot = 5\n'
        'command = ["x",\n  "a\\u0000b"]\n[tasks."b.c"]\nenv = { A = "1", B = true }\nafter = ["a", "zz"]\n'
    )
    json = (
        '{"lanes":\n {"tests": 0},\n "tasks": {"a": {\n  "shell": "x",\n"timeot": 5,\n'
        '  "command": ["x", "a\\u0000b"]},\n "b.c": {"env": {"A": "1", "B": true},\n "after": ["a", "zz"]}}}'
    )
    places = {
        "plan.toml": [(2, 1), (3, 1), (7, 1), (9, 3), (10, 1), (11, 18), (12, 15)],
        "plan.json": [(2, 3), (3, 12), (5, 1), (6, 20), (7, 2), (7, 28), (8, 17)],
    }
    fields = ["lanes.tests", "tasks.a", "tasks.a.timeot", "tasks.a.command[1]"]
    fields += ['tasks."b.c"', 'tasks."b.c".env.B', 'tasks."b.c".after.zz']
    found = problems(tmp_path, toml if name == "plan.toml" else json, name)
    assert [(problem.line, problem.column) for problem in found] == places[name]
    assert [problem.field for problem in found] == fields


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("plan.yaml", "tasks:\n  a: [", 3, "is no YAML"),
        ("plan.yaml", "tasks:\n\ta: 1\n", 2, "is no YAML"),
        ("plan.yaml", "a: b: c\n", 1, "is no YAML"),
        ("plan.yaml", "tasks: {a: {shell: x}}\n---\nb: 1\n", 2, "a second document"),
        ("plan.yaml", "tasks: !!python/object:os.system x\n", 1, "means nothing here"),
        ("plan.yaml", "tasks: *x\n", 1, "no anchor before it"),
        ("plan.yaml", "tasks: &x [*x]\n", 1, "no anchor before it"),
        ("plan.yaml", "tasks: {[a]: b}\n", 1, "a key must be a text"),
        ("plan.yaml", "tasks: " + "[" * 100 + "]" * 100, 1, "nested deeper than 64"),
        ("plan.json", "{\n 'tasks': 1}", 2, "is no JSON"),
        ("plan.json", '{"tasks": NaN}', None, "is no JSON"),
        ("plan.json", "[" * 200_000, None, "nested deeper"),
        ("plan.json", "[" * 100 + "]" * 100, 1, "nested deeper"),
        ("plan.toml", "a = 1\na = 2\n", 2, "is no TOML"),
        ("plan.toml", "a = \n", 1, "is no TOML"),
        ("plan.toml", "a = " + "[" * 100_000, None, "is no TOML"),
        ("plan.txt", "tasks: {}", None, "name it .yaml, .toml or .json"),
        ("plan", "tasks: {}", None, "name it .yaml, .toml or .json"),
    ],
)
def test_a_text_that_is_not_what_its_name_says_is_refused_with_the_line(
    tmp_path: Path, name: str, text: str, line: int | None, said: str
) -> None:
    """Bad input: one sentence, never a stack trace, however hostile the file."""
    (problem,) = problems(tmp_path, text, name)
    assert problem.line == line
    assert said in str(problem)
    assert "\n" not in str(problem)


def test_the_sentence_itself_names_the_place_in_a_text_that_cannot_be_read(tmp_path: Path) -> None:
    """Whoever sees only the error's text sees file, line, column and what would be right."""
    for name, text, said in (
        ("syntax.yaml", 'tasks:\n  a: {shell: "x"\n  b: {shell: "y"}\n', "syntax.yaml:3:3: is no YAML"),
        ("comma.json", '{"tasks":\n {"a": 1,}}', "comma.json:2:"),
        ("open.toml", "tasks = {\n", "open.toml:1:"),
        ("plan.txt", "tasks: {}", "(name it .yaml, .toml or .json)"),
    ):
        with pytest.raises(Invalid) as caught:
            read_plan(write(tmp_path, text, name))
        assert said in caught.value.message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, a folder, a file that is no text."""
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"tasks:\n  a: {shell: 'gr\xfc\xdfe'}\n")
    for name, said in (
        ("none.yaml", "no such file"),
        ("folder.yaml", "is a folder"),
        ("latin.yaml", ":2:17: is no UTF-8"),
    ):
        with pytest.raises(Invalid) as caught:
            read_plan(tmp_path / name)
        assert said in str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a plan is a table with tasks in it"),
        ("- a\n", "a plan is a table with tasks in it"),
        ("queue: x\n", "a plan needs at least one task"),
        ("tasks:\n", "a plan needs at least one task"),
        ("tasks: {}\n", "is empty; a plan needs at least one task"),
        ("tasks: []\n", "is empty; a plan needs at least one task"),
        ("tasks: x\n", "must be a table of named tasks, not a text"),
        ("tasks: [{shell: x}]\n", "has no name"),
        ("tasks: {a: {name: b, shell: x}}\n", "is called 'a' already"),
        ("tasks: [{name: a, shell: x}, {name: a, shell: y}]\n", "a second task is called 'a'"),
        ("tasks: {a: {shell: x}, a: {shell: y}}\n", "'a' stands here a second time; the first is on line 1"),
        ("tasks: {a: {shell: x, queue: b}}\n", "belongs to the whole plan"),
        ("tasks: {a: {shell: x, idempotency_key: b}}\n", "is for single tasks"),
        ("tasks: {a: {shell: x, no_wait: true}}\n", "is for single tasks"),
        ("defaults: {command: [x]}\ntasks: {a: {shell: x}}\n", "cannot be a default"),
        ("defaults: {queue: x}\ntasks: {a: {shell: x}}\n", "belongs to the whole plan"),
        ("defaults: {lane: tets}\nlanes: {tests: 1}\ntasks: {a: {shell: x}}\n", "did you mean 'tests'?"),
        ("defaults: {cwd: nowhere}\ntasks: {a: {shell: x}, b: {shell: y}}\n", "nowhere does not exist"),
        ("lanes: [main]\ntasks: {a: {shell: x}}\n", "must be a table of lanes and sizes"),
        ("queue: a b\ntasks: {a: {shell: x}}\n", "'a-b' would do"),
        ("tasks: {a: {prompt: x}}\n", "a prompt needs the agent that works on it (write agent: NAME"),
        ("sessions: [s]\ntasks: {a: {shell: x}}\n", "must be a table of sessions by their keys, not a list"),
        ("sessions: {s: codex}\ntasks: {a: {shell: x}}\n", "must be a table with agent and mailbox in it"),
        ("sessions: {a b: {}}\ntasks: {a: {shell: x}}\n", "'a b' is no key"),
        ("sessions: {s: {mailbox: {mode: steal}}}\ntasks: {a: {shell: x}}\n", "'steal' is no mode"),
        ("sessions: {s: {mailbox: {cap: 0}}}\ntasks: {a: {shell: x}}\n", "must be at least 1, not 0"),
        (
            "sessions: {s: {agent: codex}}\ntasks: {a: {prompt: x, session: s, agent: claude}}\n",
            "session 's' belongs to agent 'codex' in this plan, and the task names 'claude'",
        ),
        (
            "tasks: {a: {prompt: x, session: s, agent: codex}, b: {prompt: x, session: s, agent: claude}}\n",
            "session 's' belongs to agent 'codex' in this plan, and the task names 'claude'",
        ),
    ],
)
def test_a_plan_that_cannot_work_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Bad input, one fault each; DA8 and DA17 among them."""
    (problem,) = problems(tmp_path, text)
    assert said in str(problem)


SESSIONS_YAML = """
defaults: {agent: claude}
sessions:
  fixer: {agent: codex, mailbox: {mode: queue, cap: 20, drop: old, debounce: 500ms}}
  free:
tasks:
  lint: {shell: ruff check .}
  fix:
    session: fixer
    prompt: "Fix what lint found:\\n${{ lint.output }}"
    after: {lint: failed}
  tell: {session: free, prompt: Tell them, mailbox: {mode: steer}}
  ask: {session: other, prompt: Ask them}
  alone: {prompt: "On its own"}
"""


def test_a_plan_names_sessions_whose_agent_fills_their_tasks(tmp_path: Path) -> None:
    """Surface, "The plan file": a session's agent before the plan's default; other sessions may be used as well."""
    usual = MailboxPolicy(cap=50, drop=Drop.SUMMARIZE)
    plan = read_plan(write(tmp_path, SESSIONS_YAML), mailbox=usual, agent="nobody")
    assert plan.sessions == (
        PlanSession("fixer", "codex", MailboxPolicy(mode=Mode.QUEUE, cap=20, drop=Drop.OLD, debounce_s=0.5)),
        PlanSession("free", None, usual),
    )
    found = {spec.name: (spec.agent, spec.session, spec.mailbox) for spec in plan.tasks}
    assert found == {
        "lint": (None, None, None),
        "fix": ("codex", "fixer", None),
        "tell": ("claude", "free", MailboxChange(mode=Mode.STEER)),
        "ask": ("claude", "other", None),
        "alone": ("claude", None, None),
    }
    assert [spec.template for spec in plan.tasks] == [False, True, False, False, False]


def test_where_a_plan_names_no_agent_the_configured_one_works_unless_the_session_knows_better(tmp_path: Path) -> None:
    """In a session that the store may know, nobody is put in here; the first task that names one speaks for all."""
    text = """
tasks:
  alone: {prompt: x}
  seated: {prompt: x, session: s}
  second: {prompt: x, session: t}
  first: {prompt: x, session: t, agent: codex}
"""
    plan = read_plan(write(tmp_path, text), agent="claude")
    assert [spec.agent for spec in plan.tasks] == ["claude", None, "codex", "codex"]


def test_a_duplicate_key_in_json_is_an_error_with_its_place(tmp_path: Path) -> None:
    """Most readers of JSON keep the last and say nothing."""
    text = '{"tasks": {"a": {"shell": "x"},\n "a": {"shell": "y"}}}'
    assert brief(problems(tmp_path, text, "plan.json")) == [(2, 2, "")]


def test_words_that_old_yaml_took_for_something_else_stay_texts(tmp_path: Path) -> None:
    """YAML 1.2: no, on, yes, off, 012, 1:30 and dates are texts; numbers in an environment stay as they are written."""
    text = """
tasks:
  on: {command: [echo, no, on, 012, 1:30, 2024-01-01, 1_000, ~x], env: {V: 1.10, E: 1e3, N: -5, Y: yes}}
  off: {shell: "true", after: [on], metadata: {n: 12, f: 1.50, t: true, z: null, s: "12"}}
"""
    on, off = read_plan(write(tmp_path, text)).tasks
    assert on.command == ("echo", "no", "on", "012", "1:30", "2024-01-01", "1_000", "~x")
    assert on.env == {"V": "1.10", "E": "1e3", "N": "-5", "Y": "yes"}
    assert off.metadata == {"n": 12, "f": 1.5, "t": True, "z": None, "s": "12"}
    assert (on.name, off.name) == ("on", "off")


def test_anchors_and_merge_keys_share_what_tasks_have_in_common(tmp_path: Path) -> None:
    """YAML has no loops; anchors are what people use instead. A task's own fields win."""
    text = """
tasks:
  a: &base {shell: x, timeout: 5m, env: {A: "1"}}
  b: {<<: *base, timeout: 6m}
  c: {<<: [*base, {retries: 2, timeout: 9m}], after: [b]}
"""
    a, b, c = read_plan(write(tmp_path, text)).tasks
    assert (a.timeout_s, b.timeout_s, c.timeout_s) == (300.0, 360.0, 300.0)
    assert (b.shell, c.env, c.retries) == ("x", {"A": "1"}, 2)


def test_a_billion_laughs_are_refused_before_they_are_laughed(tmp_path: Path) -> None:
    """I18: values are counted anew wherever an alias repeats them, so a small file cannot become a huge plan."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.monotonic()
    (problem,) = problems(tmp_path, "\n".join(lines))
    assert "more than 5000000 values, aliases counted" in problem.message
    assert time.monotonic() - started < 30


def test_values_are_set_from_outside_before_the_check(tmp_path: Path) -> None:
    """Surface, "Command line": run PLAN --set k=v."""
    text = EXAMPLE + "  a.b/c: {shell: x}\n"
    pairs = ["tasks.lint.timeout=5m", "defaults.retries=0", "slots=9", "tasks.a.b/c.env.A=x=y", "lanes={tests: 3}"]
    pairs += ['tasks."a.b/c".labels.who=me', "tasks.lint.command=[echo, no]", "queue=other"]
    plan = read_plan(write(tmp_path, text), overrides=pairs)
    lint, fix, _, abc = plan.tasks
    assert (plan.queue, plan.slots, plan.lanes) == ("other", 9, {"tests": 3})
    assert (lint.timeout_s, fix.retries, abc.env, abc.labels) == (300.0, 0, {"A": "x=y"}, {"who": "me"})
    assert (lint.command, lint.queue) == (("echo", "no"), "other")


def test_an_override_reaches_one_task_and_not_those_that_share_its_anchor(tmp_path: Path) -> None:
    """Aliases are one value in memory; setting a field makes a copy."""
    text = "tasks:\n  a: &x {shell: x, env: &e {A: '1'}}\n  b: *x\n  c: {shell: y, env: *e}\n"
    a, b, c = read_plan(write(tmp_path, text), overrides=["tasks.b.env.A=2", "tasks.b.timeout=1m"]).tasks
    assert [spec.env["A"] for spec in (a, b, c)] == ["1", "2", "1"]
    assert (a.timeout_s, b.timeout_s) == (None, 60.0)


def test_a_wrong_override_is_named_as_one(tmp_path: Path) -> None:
    """It has no line; the flag and the path say where it came from."""
    pairs = ["tasks.lnt.timeout=5m", "nonsense", "tasks.lint=5", "tasks.lint.timeout=soon", "slotz=3", "slots.x=1"]
    found = problems(tmp_path, EXAMPLE, overrides=pairs)
    said = [str(problem) for problem in found]
    assert any("the plan has no task 'lnt' (did you mean 'lint'?)" in one for one in said)
    assert any("--set nonsense: there is no path=value in it" in one for one in said)
    assert any("--set: tasks.lint: name a field of the task too" in one for one in said)
    assert any(one.startswith("--set: tasks.lint.timeout: 'soon' is no duration") for one in said)
    assert any(one.startswith("--set: slotz: is no field of a plan (did you mean 'slots'?)") for one in said)
    assert any("--set: slots.x" in one and "no table" in one for one in said)
    assert len(found) == len(pairs)
    assert all(problem.line is None for problem in found)


def test_store_wide_lanes_are_known_when_they_are_handed_in(tmp_path: Path) -> None:
    """Semantics, "Queues": any lane that is not the plan's is store-wide and must exist; main always does."""
    text = "tasks: {a: {shell: x, lane: gpu}, b: {shell: x, lane: main}}"
    assert read_plan(write(tmp_path, text), lanes={"gpu"}).tasks[0].lane == "gpu"
    assert [problem.field for problem in problems(tmp_path, text)] == ["tasks.a.lane"]


def test_folders_are_seen_from_the_plan_and_must_exist(tmp_path: Path) -> None:
    """Bad input: a cwd that does not exist is refused at submission; relative ones start at the plan's folder."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("sub")
    text = """
defaults: {cwd: sub}
tasks: {a: {shell: x}, b: {shell: x, cwd: ..}, c: {shell: x, cwd: null}, d: {shell: x, cwd: link}}
"""
    here = tmp_path.resolve()
    plan = read_plan(write(tmp_path, text))
    assert [spec.cwd for spec in plan.tasks] == [str(here / "sub"), str(here.parent), str(here), str(here / "sub")]
    (tmp_path / "loop").symlink_to("loop")
    for cwd, said in (("file", "is no folder"), ("~/x", "~ is not expanded"), ("loop", "loop"), ("a\\0b", "NUL")):
        (problem,) = problems(tmp_path, f'tasks: {{a: {{shell: x, cwd: "{cwd}"}}}}')
        assert problem.field == "tasks.a.cwd"
        assert said in str(problem)


def test_a_project_is_the_top_of_the_checkout_or_the_folder(tmp_path: Path) -> None:
    """Semantics, "Queues": two checkouts never share a queue by accident; a worktree's .git is a file."""
    here = tmp_path.resolve()
    (tmp_path / "one" / ".git").mkdir(parents=True)
    (tmp_path / "one" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "one" / "plans" / ".git").mkdir(parents=True)  # what a sandbox leaves behind
    (tmp_path / "two" / "deep").mkdir(parents=True)
    (tmp_path / "two" / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "alias").symlink_to("one/plans")
    assert project_of(tmp_path / "one" / "plans" / "p.yaml") == str(here / "one")
    assert project_of(tmp_path / "alias" / "p.yaml") == str(here / "one")
    assert project_of(tmp_path / "two" / "deep") == str(here / "two")
    assert project_of(tmp_path / "p.yaml") == str(here)


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("release.yaml", "release"),
        ("my plan (2).yaml", "my-plan-2"),
        ("größe.yaml", "gr-e"),
        ("-x-.yaml", "x"),
        ("é.yml", "plan"),
    ],
)
def test_the_queue_is_called_after_the_file(tmp_path: Path, name: str, queue: str) -> None:
    """Surface, "The plan file": default, the file's stem, made legal."""
    assert read_plan(write(tmp_path, "tasks: {a: {shell: x}}", name)).queue == queue


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    """Files from other systems; lines still count right."""
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbftasks:\r\n  a:\r\n    shell: x\r\n    timeot: 1\r\n")
    (tmp_path / "p.toml").write_bytes(b"\xef\xbb\xbf[tasks.a]\r\nshell = 'x'\r\n\r\ntimeot = 1\r\n")
    (tmp_path / "p.json").write_bytes(b'\xef\xbb\xbf{"tasks":\r\n {"a": {"shell": "x",\r\n\r\n "timeot": 1}}}')
    for name in ("p.yaml", "p.toml", "p.json"):
        with pytest.raises(Invalid) as caught:
            read_plan(tmp_path / name)
        assert [problem.line for problem in caught.value.problems] == [4]


def test_lists_of_tables_in_toml_have_places_too(tmp_path: Path) -> None:
    """[[tasks]], with tables below them."""
    text = "[[tasks]]\nname = 'a'\nshell = 'x'\n[[tasks]]\nname = 'b'\nshell = 'y'\n[tasks.env]\nA = true\n"
    assert brief(problems(tmp_path, text, "p.toml")) == [(8, 1, "tasks[1].env.A")]


def test_a_job_needs_no_folder_of_its_own(tmp_path: Path) -> None:
    """It runs in the runner's process."""
    (spec,) = read_plan(write(tmp_path, "tasks: {a: {job: mail, args: {to: [x]}}}")).tasks
    assert (spec.job, spec.args, spec.cwd) == ("mail", {"to": ["x"]}, None)


@pytest.mark.parametrize("text", [EXAMPLE, BAD_YAML, "a: &x {b: [1, 'c', \"d\", |\n e\n]}\nf: {<<: *x}\n", "a: [", ""])
def test_the_parser_without_libyaml_reads_the_same(text: str) -> None:
    """PyYAML comes with or without it."""
    read = []
    for parser in (FASTEST, yaml.SafeLoader):
        try:
            document = from_yaml(text, "p.yaml", parser)
            read.append((document.value, getattr(document.value, "places", None), document.problems))
        except Invalid as error:
            read.append((error.code, "is no YAML" in error.message, None))
    assert read[0] == read[1]


def big(tasks: int) -> str:
    lines = ["lanes: {tests: 4}", "defaults: {timeout: 30m, env: {A: '1'}}", "tasks:", "  t0: {command: [echo, hello]}"]
    for number in range(1, tasks):
        lines += [f"  t{number}:", f'    shell: echo "${{{{ t{number - 1}.output }}}}"', f"    after: [t{number - 1}]"]
        lines += ["    lane: tests", "    labels: {kind: test}"]
    return "\n".join(lines)


def test_a_plan_of_ten_thousand_tasks_in_one_chain_is_read(tmp_path: Path) -> None:
    """A19: unlimited depth. The bound on time is loose, for shared machines; it catches what is not linear."""
    path = write(tmp_path, big(10_000))
    started = time.process_time()
    plan = read_plan(path)
    assert len(plan.tasks) == 10_000
    assert time.process_time() - started < 20


def test_a_plan_file_may_be_given_as_a_text_too(tmp_path: Path) -> None:
    """From the command line it is one."""
    assert isinstance(read_plan(os.fspath(write(tmp_path, EXAMPLE))), Plan)
