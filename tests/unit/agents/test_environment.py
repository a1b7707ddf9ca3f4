"""The environment of a program is built from a short list, never inherited."""

from taxiway.agents.environment import child_environment
from taxiway.agents.guardian.sweep import TAG_PREFIX
from taxiway.agents.protocol import TAG_VARIABLE


def test_secrets_of_the_runner_do_not_reach_programs() -> None:
    """DB19: only what is on the list goes on; a key, a token or a cloud credential does not."""
    base = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "XDG_RUNTIME_DIR": "/run", "SSH_AUTH_SOCK": "/s"}
    secrets = {
        "ANTHROPIC_API_KEY": "x",
        "OPENAI_API_KEY": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "GITHUB_TOKEN": "x",
        "DATABASE_URL": "postgres://u:p@h/d",
        "TAXIWAY_TOKEN": "x",
        "PYTHONPATH": "/x",
        "LD_PRELOAD": "/x.so",
    }
    assert child_environment(base | secrets, {}, "t1") == base | {"TAXIWAY_PROCESS": "t1"}


def test_the_tasks_own_variables_lie_over_the_runners() -> None:
    """B10: what a task names it gets, an empty value and a variable that is not on the list included."""
    environment = child_environment({"PATH": "/bin", "TZ": "UTC"}, {"TZ": "", "API_KEY": "given"}, "t1")
    assert environment == {"PATH": "/bin", "TZ": "", "API_KEY": "given", "TAXIWAY_PROCESS": "t1"}


def test_nobody_but_taxiway_sets_the_tag() -> None:
    """I7: the tag finds a lost process, so neither the runner's own tag nor a task's may stand in its place."""
    assert child_environment({"TAXIWAY_PROCESS": "outer"}, {"TAXIWAY_PROCESS": "forged"}, "t1") == {
        "TAXIWAY_PROCESS": "t1"
    }


def test_a_proxy_is_passed_on_only_without_a_password() -> None:
    """DB19: programs need the proxy, its address may hold a credential; then the task must name it itself."""
    base = {"HTTPS_PROXY": "http://proxy:3128", "http_proxy": "http://user:secret@proxy:3128", "no_proxy": "localhost"}
    assert child_environment(base, {}, "t") == {
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "localhost",
        "TAXIWAY_PROCESS": "t",
    }


def test_the_guardian_looks_for_the_variable_that_programs_get() -> None:
    """I7: the guardian's files import nothing of the rest, so the name stands twice."""
    assert f"{TAG_VARIABLE}=".encode() == TAG_PREFIX
