"""What agents do that looks like success: each stands on the page of agents, and the tests that it names hold it."""

import ast
import re

from tests.house.source import ROOT, Module, python_files
from tests.house.test_tests import TESTS_OF_BEHAVIOUR, test_functions

PAGE = ROOT / "docs" / "agents.md"
TITLE = "\n## What agents do that looks like success\n"
TRAPS = {str(number) for number in range(1, 11)}
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"\[`(test_\w+)`\]\(\.\./([^)]+)\)")
NAMED = re.compile(r"\b[Tt]raps? (\d+)(?:,? (?:and )?(\d+))?(?:,? (?:and )?(\d+))?\b")


def rows() -> dict[str, set[tuple[str, str]]]:
    """Every trap of the page: the tests that it names, each with its file."""
    section = PAGE.read_text("utf-8").partition(TITLE)[2].partition("\n## ")[0]
    return {
        number: {(path, name) for name, path in TEST.findall(shown)} for number, _, _, shown in ROW.findall(section)
    }


def traps_in(text: str) -> set[str]:
    """The traps that a text names; ``traps 5 and 6`` names two."""
    return {number for found in NAMED.findall(text) for number in found if number}


def named_in(module: Module) -> dict[str, set[tuple[str, str]]]:
    """For each trap the tests of a module that name it in their docstrings."""
    found: dict[str, set[tuple[str, str]]] = {}
    for test in test_functions(module):
        for trap in traps_in(ast.get_docstring(test) or ""):
            found.setdefault(trap, set()).add((module.path, test.name))
    return found


def test_every_trap_has_a_row_and_the_tests_that_it_names_hold_it() -> None:
    """By its number, in the docstring of each of these tests."""
    named: dict[str, set[tuple[str, str]]] = {}
    for module in python_files(*TESTS_OF_BEHAVIOUR):
        for trap, tests in named_in(module).items():
            named.setdefault(trap, set()).update(tests)
    page = rows()
    assert set(page) == TRAPS
    assert {trap for trap, tests in page.items() if not tests} == set(), "no test is named for these"
    assert {
        trap: tests - named.get(trap, set()) for trap, tests in page.items() if tests - named.get(trap, set())
    } == {}
    assert set(named) <= TRAPS, "a test names a trap that the page does not know"


def test_traps_are_read_from_docstrings() -> None:
    """One, two or three in a row."""
    assert traps_in("Trap 5, I6: gone") == {"5"}
    assert traps_in("Traps 1 and 2: no success") == {"1", "2"}
    assert traps_in("A44, trap 7 and 8: known") == {"7", "8"}
    assert traps_in("Traps 1, 2 and 9: none") == {"1", "2", "9"}
    assert traps_in("no traps 12 here") == {"12"}
