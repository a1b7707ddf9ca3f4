"""A folder's listing is its glossary: files and functions that fit in a head, with names that say what they do."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.house.source import Breach, Module, breach, breaches, imported, modules, planted, python_files

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 8
EMPTY_NAMES = {  # a name that says nothing, and what to ask instead
    "util": "what do they do, and to what?",
    "utils": "what do they do, and to what?",
    "helper": "whom does it help to do what?",
    "helpers": "whom do they help to do what?",
    "common": "common to whom? put it where its noun lives",
    "misc": "one file for each of them",
    "manager": "what does it do: dispatch, reap, keep?",
    "handler": "what does it do with it?",
    "handlers": "what do they do with it?",
}
PROGRAMS = (  # started by pyproject.toml; by the __main__ of their folders
    "cli.main",
    "agents.guardian.server",
    "testing.fakeagent.program",
)
CODE = ("src", "benchmarks", "examples", "scripts")


def sizes(module: Module) -> Iterator[Breach]:
    """Files, functions and parameter lists beyond their limits."""
    lines = len(module.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield breach(module, module.tree, f"{lines} lines; at most {FILE_LINES_MAX}, one role per file")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield breach(
                    module, node, f"{node.name}() has {length} lines; at most {FUNCTION_LINES_MAX}, as named steps"
                )
            count = parameters(node)
            if count > PARAMETERS_MAX:
                yield breach(
                    module,
                    node,
                    f"{node.name}() takes {count} parameters; at most {PARAMETERS_MAX}, then a frozen record",
                )


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many values a caller may hand in by name or place (``self`` and ``cls`` are nobody's to hand in)."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len(names) - (bool(names) and names[0] in {"self", "cls"})


def empty_words(name: str) -> list[str]:
    """The words of a name that say nothing: of ``run_manager`` and ``RunManager`` the ``manager``."""
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    return [word.lower() for word in words if word.lower() in EMPTY_NAMES]


def names(module: Module) -> Iterator[Breach]:
    """Files, folders and classes whose name says nothing."""
    for part in Path(module.path).with_suffix("").parts:
        for word in empty_words(part):
            yield breach(module, module.tree, f"`{part}`: {EMPTY_NAMES[word]}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            for word in empty_words(node.name):
                yield breach(module, node, f"class `{node.name}`: {EMPTY_NAMES[word]}")


def test_files_functions_and_parameter_lists_keep_their_limits() -> None:
    """400 lines, 70 lines, 8 parameters."""
    assert breaches(sizes, python_files(*CODE)) == []


def test_no_file_folder_or_class_has_a_name_that_says_nothing() -> None:
    """The standard terms of the field, or a word for the role."""
    assert breaches(names, python_files(*CODE, "tests")) == []


def dead(package: Iterable[Module], users: Iterable[Module]) -> list[str]:
    """Modules of the package that nobody imports and that are no program: neither by import nor by name in a string."""
    package = list(package)
    named: set[str] = set()
    for user in [*package, *users]:
        strings = {
            node.value for node in ast.walk(user.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        imports = {name.removeprefix("taxiway.") for _, name in imported(user) if name.startswith("taxiway.")}
        for name in {*imports, *(text.removeprefix("taxiway.") for text in strings)}:
            named.update(".".join(name.split(".")[: count + 1]) for count in range(name.count(".") + 1))
    folders = {module.name for module in package if module.path.endswith("/__init__.py")}
    return [
        module.name
        for module in package
        if module.name not in named | folders | set(PROGRAMS) and not module.name.endswith("__main__")
    ]


def test_every_module_is_used_or_is_a_program() -> None:
    """A module that nobody imports is dead; the doubles in testing/ may be used by tests alone."""
    users = python_files("tests", "benchmarks", "examples", "scripts")
    testing = [module for module in modules() if module.room == "testing"]
    assert [name for name in dead(modules(), []) if not name.startswith("testing.")] == []
    assert [name for name in dead(testing, [*modules(), *users]) if name.startswith("testing.")] == []


def test_a_dead_module_is_found() -> None:
    """One that is imported, absolutely or relatively, or named as a program, is not dead."""
    package = [planted("from ..core import used\nx = ['-m', 'taxiway.engine.program']", "src/taxiway/cli/main.py")]
    package += [planted("", f"src/taxiway/engine/{name}.py") for name in ("program", "unused")]
    package += [planted("", "src/taxiway/core/used.py")]
    assert dead(package, []) == ["engine.unused"]


@pytest.mark.parametrize(
    "text",
    [
        "\n" * (FILE_LINES_MAX + 1),
        "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX,
        "async def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX,
        "def f(a, b, c, d, e, f, *, g, h, i): ...",
        "class A:\n    def f(self, a, b, c, d, e, f, g, h, i): ...",
    ],
)
def test_what_is_too_large_is_found(text: str) -> None:
    """Each limit, one step beyond."""
    assert breaches(sizes, [planted(text)])


def test_what_just_fits_is_let_through() -> None:
    """Each limit, exactly reached; ``self`` does not count."""
    body = "    x = 1\n" * (FUNCTION_LINES_MAX - 1)
    text = f"class A:\n    def g(self, a, b, c, d, e, f, g, h): ...\ndef f():\n{body}"
    assert breaches(sizes, [planted(text)]) == []


@pytest.mark.parametrize("name", ["utils", "run_manager", "helpers/ids", "event_handler"])
def test_an_empty_name_of_a_file_is_found(name: str) -> None:
    """Also as one word of several, and as a folder's name."""
    assert breaches(names, [planted("", f"src/taxiway/engine/{name}.py")])
    assert breaches(names, [planted("class RunManager: ...\n")])
    assert breaches(names, [planted("class Manage: ...\n", "src/taxiway/engine/commonplace.py")]) == []
