"""Constructs that the house does without: each has hurt somebody, and each has a better way."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import PACKAGE, Breach, Module, breach, breaches, called, dotted, imported, planted

CALLS = {
    "eval": "parse what you mean",
    "exec": "call a function",
    "compile": "call a function",
    "os.system": "start an argv list through agents/",
    "os.popen": "start an argv list through agents/",
    "asyncio.create_subprocess_shell": "start an argv list; a user's `shell:` is `sh -c` with the text as one argument",
    "subprocess.getoutput": "start an argv list through agents/",
    "subprocess.getstatusoutput": "start an argv list through agents/",
    "asyncio.ensure_future": "use a TaskGroup",
    "asyncio.create_task": "use a TaskGroup",
    "yaml.load": "use yaml.safe_load or a SafeLoader's own methods",
    "yaml.load_all": "use yaml.safe_load_all",
    "yaml.unsafe_load": "use yaml.safe_load",
    "yaml.full_load": "use yaml.safe_load",
}
LIBRARIES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
LIBRARIES_ALLOWED = {
    ("agents/guardian/wire.py", "marshal"): "between two processes of ours; the guardian loads nothing else",
}
SHELL_CALLS = {"create_subprocess_shell", "subprocess_shell"}

OWN_TASKS = {
    "testing/simulator/loop.py": "an event loop makes tasks itself: its strands are their owners, and it unwinds them",
}

# The only places that may catch everything: there it is observed, counted and becomes an outcome.
CATCH_ALL = {
    "server/serving.py": "whatever a handler raises is answered as a defect, and logged under the request's id",
    "engine/service.py": "the one loop of every service: a failed step is observed and tried again, backed off",
    "engine/executor.py": "whatever happens in a run becomes that run's outcome",
    "engine/pool.py": "whatever the adapter of a kept process raises ends that process, not the runner",
    "engine/prepared_drive.py": "whatever an embedder's hook raises is its run's outcome",
    "engine/job_drive.py": "whatever a job raises, sys.exit() included, becomes its run's outcome",
    "observe/observer.py": "what a listener raises stays the listener's (A46)",
    "client/blocking.py": "whatever ends the portal's own thread is told to the thread that waits for it",
    "store/sqlite/transactor.py": "what an operation raises is its caller's; the batch goes on without it",
    "store/writer.py": "a failed batch is told to every caller that waits for it",
    "agents/guardian/child.py": "between fork and exec: any error is told to the guardian, then the child ends",
}


def dangers(module: Module) -> Iterator[Breach]:
    """Calls and imports from the lists above, ``shell=True``, and tasks that belong to no group."""
    for node, name in imported(module):
        library = name.partition(".")[0]
        if library in LIBRARIES and (module.path.removeprefix("src/taxiway/"), library) not in LIBRARIES_ALLOWED:
            yield breach(module, node, f"{library} runs what it reads; use msgspec")
        if name in CALLS:
            yield breach(module, node, f"no {name}: {CALLS[name]}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield from dangerous_call(module, node)


def dangerous_call(module: Module, node: ast.Call) -> Iterator[Breach]:
    """What is wrong with one call."""
    name = called(node)
    receiver, _, method = name.rpartition(".")
    if name in CALLS:
        yield breach(module, node, f"no {name}: {CALLS[name]}")
    elif method in SHELL_CALLS:
        yield breach(module, node, f"no {method}: start an argv list")
    elif method == "ensure_future":
        yield breach(module, node, "no ensure_future: use a TaskGroup")
    elif method == "create_task" and not receiver.rpartition(".")[2].endswith("group"):
        if module.path.removeprefix("src/taxiway/") in OWN_TASKS:
            return
        yield breach(
            module, node, "create_task belongs to a TaskGroup, which is called `group` (or …_group) so that one sees it"
        )
    for keyword in node.keywords:
        starts = receiver == "subprocess" or method in {"Popen", "run", "create_subprocess_exec"}
        off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if keyword.arg == "shell" and starts and not off:
            yield breach(module, node, "no shell=: start an argv list")


def catch_alls(module: Module) -> Iterator[Breach]:
    """``except:``, ``except Exception`` and ``except BaseException`` that do not raise again."""
    if module.path.removeprefix("src/taxiway/") in CATCH_ALL:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
            wide = node.type is None or any(dotted(one) in {"Exception", "BaseException"} for one in caught)
            if wide and not isinstance(node.body[-1], ast.Raise):
                yield breach(module, node, "catches everything; name what you expect, or end with `raise`")


def test_the_package_does_without_dangerous_constructs() -> None:
    """No shell around user text, no code from data, no task without an owner."""
    assert breaches(dangers) == []


def test_everything_is_caught_in_the_listed_places_only() -> None:
    """A swallowed error is a wedge that nobody sees (I14)."""
    assert breaches(catch_alls) == []


def test_every_listed_place_that_is_there_does_catch_everything() -> None:
    """A place that no longer needs its entry leaves the list."""
    for path in CATCH_ALL:
        if (PACKAGE / path).exists():
            assert breaches(catch_alls, [planted((PACKAGE / path).read_text("utf-8"))]), f"{path} needs no entry"


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "import pickle",
        "from marshal import loads",
        "import os\nos.system('ls')",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import subprocess\nsubprocess.Popen('ls', shell=wanted)",
        "import asyncio\nasyncio.create_task(f())",
        "from asyncio import create_task",
        "loop.create_task(f())",
        "asyncio.get_running_loop().create_task(f())",
        "asyncio.ensure_future(f())",
        "await loop.subprocess_shell(f, 'ls')",
        "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
    ],
)
def test_a_danger_is_found(text: str) -> None:
    """One planted example for each."""
    assert breaches(dangers, [planted(text)])


def test_a_task_in_a_group_is_let_through() -> None:
    """A TaskGroup owns its tasks; `shell` as a field of a spec is only a name."""
    text = "async def f():\n    async with TaskGroup() as group:\n        group.create_task(g())\n"
    text += "        self._group.create_task(g())\nTask(shell=text)"
    assert breaches(dangers, [planted(text)]) == []


@pytest.mark.parametrize(
    "clause", ["except:", "except Exception:", "except BaseException as error:", "except (OSError, Exception):"]
)
def test_a_swallowed_error_is_found(clause: str) -> None:
    """One that is raised again after some tidying is let through."""
    assert breaches(catch_alls, [planted(f"try:\n    f()\n{clause}\n    pass")])
    assert breaches(catch_alls, [planted(f"try:\n    f()\n{clause}\n    tidy()\n    raise")]) == []
