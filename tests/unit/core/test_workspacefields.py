"""What a person may write as a workspace, and every mistake in it at once."""

from typing import Any

import jsonschema
import pytest

from taxiway.core.limits import WORKSPACE_PATHS_MAX
from taxiway.core.planschema import plan_schema
from taxiway.core.specs import checked_spec, finish, read_defaults, read_task, task_spec
from taxiway.core.task import TaskSpec
from taxiway.core.workspace import Keep, Workspace, WorkspaceKind

WORKTREE: dict[str, Any] = {
    "kind": "worktree",
    "branch": "fix/lint-1",
    "base": "v1.0~2",
    "include": [".env", "data/**/*.csv"],
    "setup": ["npm", "ci"],
    "keep": "always",
}
BUNDLE: dict[str, Any] = {
    "kind": "bundle",
    "repo": "https://git.example.org/team/app.git",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "subdir": "app",
    "sparse": ["app", "lib/x"],
    "submodules": True,
    "lfs": False,
    "prompts": ["house.md"],
    "skills": "skills/tidy",
}


def faults(workspace: Any, **more: Any) -> dict[str, str]:
    """What is wrong with a workspace, by field."""
    found = task_spec({"command": ["x"], "workspace": workspace, **more})
    assert not isinstance(found, TaskSpec), found
    assert {problem.code for problem in found} <= {"", "invalid"}
    return {problem.field: problem.message for problem in found}


def valid(workspace: Any) -> bool:
    """Whether the plan's schema takes it."""
    plan = {"tasks": {"one": {"command": ["x"], "workspace": workspace}}}
    return bool(jsonschema.Draft202012Validator(plan_schema()).is_valid(plan))


def test_every_field_is_read() -> None:
    """The short form is the kind alone; the folder itself is what nothing said means too."""
    made = checked_spec({"command": ["x"], "workspace": WORKTREE}).workspace
    assert made == Workspace(
        kind=WorkspaceKind.WORKTREE,
        branch="fix/lint-1",
        base="v1.0~2",
        include=(".env", "data/**/*.csv"),
        setup=("npm", "ci"),
        keep=Keep.ALWAYS,
    )
    fetched = checked_spec({"command": ["x"], "workspace": BUNDLE}).workspace
    assert fetched is not None
    assert (fetched.commit, fetched.sparse, fetched.skills) == (BUNDLE["commit"], ("app", "lib/x"), ("skills/tidy",))
    assert checked_spec({"command": ["x"], "workspace": "worktree"}).workspace == Workspace(kind=WorkspaceKind.WORKTREE)
    for nothing in ("dir", {"kind": "dir"}, None):
        assert checked_spec({"command": ["x"], "workspace": nothing}).workspace is None


def test_all_mistakes_are_told_at_once() -> None:
    """Each with its place."""
    wrong = {"kind": "bundle", "repo": "ext::sh -c x", "branch": "b", "sparse": ["../x", "/y"], "lfs": 1, "comit": "a"}
    assert list(faults(wrong)) == [
        "workspace.repo",
        "workspace.branch",
        "workspace.sparse[0]",
        "workspace.sparse[1]",
        "workspace.lfs",
        "workspace.comit",
        "workspace.commit",
    ]
    assert faults({"branch": "-x"}) == {
        "workspace.kind": "is missing",
        "workspace.branch": "'-x' cannot be the name of a branch",
    }
    assert list(faults("worktre")) == ["workspace.kind"]
    assert list(faults(["worktree"])) == ["workspace"]
    assert list(faults({"kind": "dir", "keep": "never"})) == ["workspace.keep"]


@pytest.mark.parametrize(
    "repo",
    [
        "ext::sh -c touch% x",
        "file:///srv/x",
        "/srv/x",
        "../x",
        "-upload-pack=touch x",
        "--upload-pack=x",
        "http://host/x",
        "git://host/x",
        "https://user:password@host/x",
        "https://host/x\r",
        "https://host/x\ny",
        "https://-oProxyCommand=x/y",
        "ssh://-oProxyCommand=x/y",
        "ssh://host:-1/x",
        "-oProxyCommand=x@host:y",
        "git@-oProxyCommand=x:y",
        "git@host:-x",
        "git@host::x",
        "fd::3",
        "transport::address",
        "host:path",
        "https://host",
    ],
)
def test_an_address_that_is_a_command_an_option_or_a_path_is_refused(repo: str) -> None:
    """CWE-88: only https and ssh, no password, nothing that git or ssh takes for an option."""
    wrong = {"kind": "bundle", "repo": repo, "commit": "a" * 40}
    assert list(faults(wrong)) == ["workspace.repo"]
    assert not valid(wrong)


@pytest.mark.parametrize(
    "repo",
    [
        "https://git.example.org/a/b.git",
        "https://me@git.example.org:8443/~a/b",
        "ssh://git@host/x",
        "ssh://host:22/x",
        "git@git.example.org:team/app.git",
    ],
)
def test_usual_addresses_are_taken(repo: str) -> None:
    """Over https and ssh."""
    good = {"kind": "bundle", "repo": repo, "commit": "a" * 40}
    assert isinstance(task_spec({"command": ["x"], "workspace": good}), TaskSpec)
    assert valid(good)


@pytest.mark.parametrize(
    "branch",
    [
        *(
            "-x",
            "a b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "/a",
            "a/",
            "a//b",
            "a.lock",
            "a/.b",
            "a.",
        ),
        *("@", "HEAD", "a@{b", "a\nb", "x/-y", "", "a" * 201),
    ],
)
def test_a_name_that_git_would_not_take_or_take_for_an_option_is_refused(branch: str) -> None:
    """By git's own rules for the names of references."""
    assert list(faults({"kind": "worktree", "branch": branch})) == ["workspace.branch"]


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../b", "-x", ":(top)x", "~/x", "a\\b", "a\nb", "", "x" * 1_001])
def test_a_path_that_leads_out_or_means_more_is_refused(path: str) -> None:
    """CWE-22; pathspec magic."""
    assert list(faults({"kind": "worktree", "include": [path]})) == ["workspace.include[0]"]
    bundle = {"kind": "bundle", "repo": "https://h/x", "commit": "a" * 40, "subdir": path}
    assert list(faults(bundle)) == ["workspace.subdir"]


def test_lists_have_their_bound() -> None:
    """One more than there may be."""
    assert faults({"kind": "worktree", "include": ["x"] * (WORKSPACE_PATHS_MAX + 1)})


@pytest.mark.parametrize("base", ["--all", "a b", "a\nb", ""])
def test_a_base_that_git_would_take_for_an_option_is_refused(base: str) -> None:
    """Whether the commit exists, the repository says when the run starts."""
    assert list(faults({"kind": "worktree", "base": base})) == ["workspace.base"]


def test_a_job_has_no_workspace_and_does_not_take_that_of_the_defaults() -> None:
    """Jobs run inside Taxiway."""
    assert "job" in str(task_spec({"job": "x", "workspace": "worktree"}))
    defaults = read_defaults({"workspace": "worktree"}, ()).fields
    for fields, wanted in (({"job": "x"}, None), ({"shell": "x"}, Workspace(kind=WorkspaceKind.WORKTREE))):
        made = finish(read_task(fields, ()), defaults)
        assert made is not None
        assert made.workspace == wanted
    own = finish(read_task({"shell": "x", "workspace": "dir"}, ()), defaults)
    assert own is not None
    assert own.workspace is None


@pytest.mark.parametrize("workspace", ["worktree", "dir", WORKTREE, BUNDLE, {"kind": "dir"}, None])
def test_the_schema_takes_what_the_reader_takes(workspace: Any) -> None:
    """Editors complete it."""
    assert valid(workspace)


@pytest.mark.parametrize("wrong", ["tree", {}, {"kind": "dir", "keep": "never"}, {"kind": "bundle", "repo": "x"}, 3])
def test_the_schema_refuses_what_the_reader_refuses(wrong: Any) -> None:
    """As far as a schema can."""
    assert not valid(wrong)
    assert faults(wrong)
