"""Tests are sentences, each invariant has one, and each tier of tests stands in the guide."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.source import ROOT, Breach, Module, breach, breaches, planted, python_files

WORDS_MIN = 4
TIERS = (
    *("house", "unit", "property", "store", "engine", "simulation", "faults", "e2e", "agents", "stub_model", "traces"),
    *("server", "docs", "typing"),
)
INVARIANTS = frozenset(f"I{number}" for number in range(1, 22))
NOT_BUILT: dict[str, str] = {}  # invariants whose subject does not exist yet; each leaves this with its first test


def test_functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The test functions of a module, methods included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


test_functions.__test__ = False  # type: ignore[attr-defined]


def mute(module: Module) -> Iterator[Breach]:
    """Tests that do not say what holds: neither a docstring nor a name of four words."""
    for test in test_functions(module):
        words = [word for word in test.name.split("_")[1:] if word]
        if len(words) < WORDS_MIN and not ast.get_docstring(test):
            yield breach(module, test, f"{test.name} says too little: a sentence as its name, or a docstring")


def hollow(module: Module) -> Iterator[Breach]:
    """Tests that are switched off without a reason beside it."""
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    reasoned = {id(call.func) for call in calls if call.args or "reason" in {keyword.arg for keyword in call.keywords}}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "xfail"} and id(node) not in reasoned:
            yield breach(module, node, f"{node.attr} without a reason")


def invariants_named(module: Module) -> set[str]:
    """The invariants that the tests of a module name, in their names or docstrings (``I1b`` belongs to ``I1``)."""
    said = " ".join(f"{test.name} {ast.get_docstring(test) or ''}" for test in test_functions(module))
    return {f"I{number}" for number in re.findall(r"\bI(\d{1,2})[a-z]?\b", said)} & INVARIANTS


def test_every_test_says_what_holds() -> None:
    """A reader who sees one fail knows what broke."""
    assert breaches(mute, python_files("tests")) == []


def test_no_test_is_switched_off_without_a_reason() -> None:
    """What does not run proves nothing; a reason says when it does."""
    assert breaches(hollow, python_files("tests")) == []


def test_every_invariant_that_is_built_is_named_by_a_test() -> None:
    """From the invariant's id one finds what holds it; what is not built yet is listed with the reason."""
    named = set().union(*(invariants_named(module) for module in python_files(*TESTS_OF_BEHAVIOUR)))
    assert INVARIANTS - named - set(NOT_BUILT) == set(), "no test names these invariants"
    assert named & set(NOT_BUILT) == set(), "these have tests now: take them off the list of what is not built"


# What every store and every agent must do stands in the package, for those who write one.
TESTS_OF_BEHAVIOUR = (
    *(f"tests/{tier}" for tier in TIERS if tier not in {"house", "docs", "typing"}),
    "src/taxiway/testing/conformance",
    "src/taxiway/testing/agent_conformance",
)


def test_every_folder_of_tests_stands_in_the_guide() -> None:
    """tests/README.md answers "where does my test go?" for every folder there is."""
    guide = (ROOT / "tests/README.md").read_text("utf-8")
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(TIERS)
    assert [tier for tier in TIERS if f"`{tier}/`" not in guide] == []


def test_a_mute_test_is_found() -> None:
    """Four words or a docstring, in methods and coroutines too."""
    assert breaches(mute, [planted("def test_it(): ...")])
    assert breaches(mute, [planted("class TestA:\n    async def test_a_b_c(self): ...")])
    assert breaches(mute, [planted("def test_a_queue_keeps_order(): ...\ndef test_it():\n    '''It works.'''")]) == []


@pytest.mark.parametrize("text", ["@pytest.mark.skip\ndef f(): ...", "pytest.skip()", "@mark.xfail()\ndef f(): ..."])
def test_a_test_that_is_switched_off_silently_is_found(text: str) -> None:
    """With a reason it is let through."""
    assert breaches(hollow, [planted(text)])
    assert breaches(hollow, [planted("@pytest.mark.skip(reason='no /proc here')\ndef test_it(): ...")]) == []


def test_invariants_are_read_from_names_and_docstrings() -> None:
    """Not from comments and strings elsewhere."""
    text = "def test_one():\n    '''Acknowledged is durable (I1b, I14).'''\n# I7\nx = 'I8'"
    assert invariants_named(planted(text)) == {"I1", "I14"}
    assert invariants_named(planted("def test_x():\n    '''I99 and DI3.'''")) == set()
