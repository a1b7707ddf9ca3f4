"""The page of rules and the tests agree: what is held is named by a test, and what is cited stands on the page."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import lru_cache

import pytest

from tests.house.source import ROOT, Module, planted, python_files
from tests.house.test_tests import TESTS_OF_BEHAVIOUR, test_functions

PAGE = ROOT / "docs" / "rules.md"
KINDS = "DA|DB|DC|SQ-|OC-|GD-|A|B|C"
RULE = re.compile(rf"\b({KINDS})(\d{{1,2}})(?:(?:-| to )(?:{KINDS})?(\d{{1,2}}))?\b")
ROW = re.compile(rf"^\| ((?:{KINDS})\d[^|]*) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TESTS = re.compile(r"\]\(\.\./([^)]+)\)")
NUMBERED = {"decision": re.compile(r"^(\d+)\. ", re.MULTILINE), "fault": re.compile(r"^\| (\d+) \| ", re.MULTILINE)}
SEMANTICS = re.compile(r'[Ss]emantics, "([^"]+)"')
CODES = re.compile(r"\bC0 but|\bC1 form|\band C1\b")  # sets of control characters, which nobody means as rules

# What this version must hold: all rules of queues and runs, and all defects, but those of subjects to come.
ASKED = {f"A{number}" for number in range(1, 51)} | {f"B{number}" for number in range(1, 40)}
DEFECTS = {f"DA{number}" for number in range(1, 18)} | {f"DB{number}" for number in range(1, 21)}
GAPS = {f"SQ-{number}" for number in (11, 17, 18, 19, 29, 51, 69)} | {  # no rules, or of no consequence
    f"SQ-{number}" for first, last in ((34, 39), (53, 59), (73, 79), (84, 89)) for number in range(first, last + 1)
}
SERVED = {f"C{number}" for number in range(1, 52)} - {"C26"}  # C26: nothing is written behind an end here
SESSIONS = {f"OC-{number:02}" for number in range(1, 11)}
SESSIONS |= {f"SQ-{number:02}" for number in range(1, 96)} - GAPS


def rules_in(text: str) -> set[str]:
    """The rules that a text names; ``A16-A20`` names five."""
    return {
        f"{kind}{number:02}" if kind.endswith("-") else f"{kind}{number}"
        for kind, first, last in RULE.findall(CODES.sub("", text))
        for number in range(int(first), int(last or first) + 1)
    }


def rows(page: str) -> dict[str, tuple[str, list[str]]]:
    """Every rule on the page: what it says, and the files of tests that it names (none: it is not built)."""
    return {rule: (text, TESTS.findall(shown)) for named, text, shown in ROW.findall(page) for rule in rules_in(named)}


def named_in(module: Module) -> set[str]:
    """The rules that the tests of a module name, each in the docstring of a test."""
    return set().union(*(rules_in(ast.get_docstring(test) or "") for test in test_functions(module)))


def prose(module: Module) -> Iterator[str]:
    """Docstrings and comments."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and id(node) in module.documentation and isinstance(node.value, str):
            yield node.value
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def numbers_in(word: str, text: str) -> set[str]:
    """The decisions or faults that a text names: ``Faults 17 and 19`` names two."""
    found = re.findall(rf"\b{word}s? (\d+)(?: and (\d+))?", text, re.IGNORECASE)
    return {number for pair in found for number in pair if number}


def section(title: str) -> str:
    """One section of the page."""
    return PAGE.read_text("utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@lru_cache(maxsize=1)
def named_by_tests() -> dict[str, set[str]]:
    """For each file of tests the rules that its tests name."""
    return {module.path: named_in(module) for module in python_files(*TESTS_OF_BEHAVIOUR)}


@lru_cache(maxsize=1)
def cited() -> tuple[tuple[str, str], ...]:
    """All prose of the code and of its tests, each with its file; this file, which plants citations, is not asked."""
    modules = [module for module in python_files("src", "tests") if module.path != "tests/house/test_rules.py"]
    return tuple((module.path, text) for module in modules for text in prose(module))


def test_every_rule_that_was_asked_for_is_held() -> None:
    """A1-A50, B1-B39, C1-C51, those of sessions and the defects: each has a row, and tests."""
    page = rows(PAGE.read_text("utf-8"))
    wanted = ASKED | DEFECTS | SESSIONS | SERVED
    assert wanted - set(page) == set()
    assert {rule for rule in wanted if not page[rule][1]} == set()


def test_every_rule_that_is_held_is_named_by_a_test() -> None:
    """In the very files that the page leads to, in the docstring of a test."""
    named = named_by_tests()
    wrong = {
        rule: [path for path in files if rule not in named.get(path, set())]
        for rule, (_, files) in rows(PAGE.read_text("utf-8")).items()
    }
    assert {rule: files for rule, files in wrong.items() if files} == {}, "these files have no test of the rule"


def test_what_has_tests_is_not_called_to_come() -> None:
    """A rule leaves that list with its first test."""
    named = set().union(*named_by_tests().values())
    assert (
        sorted(rule for rule, (_, files) in rows(PAGE.read_text("utf-8")).items() if not files and rule in named) == []
    )


def test_every_rule_that_is_cited_stands_on_the_page() -> None:
    """Whoever meets an id in the code finds out what it means."""
    known = set(rows(PAGE.read_text("utf-8")))
    strangers = {(path, rule) for path, text in cited() for rule in rules_in(text) - known - GAPS}
    assert sorted(strangers) == [], "docs/rules.md lacks a row for these"


@pytest.mark.parametrize(("word", "title"), [("decision", "Decisions"), ("fault", "Faults")])
def test_every_decision_and_fault_that_is_cited_stands_on_the_page(word: str, title: str) -> None:
    """By their numbers."""
    known = set(NUMBERED[word].findall(section(title)))
    assert sorted({(path, one) for path, text in cited() for one in numbers_in(word, text) - known}) == []


def test_every_part_of_the_semantics_that_is_cited_stands_on_the_page() -> None:
    """By its title."""
    known = set(re.findall(r"^- \*\*([^*]+)\.\*\*", section('What "semantics" means'), re.MULTILINE))
    assert sorted({(path, one) for path, text in cited() for one in SEMANTICS.findall(text) if one not in known}) == []


def test_rules_are_read_from_lists_and_ranges() -> None:
    """Not from invariants, hashes, or sets of control characters."""
    assert rules_in("A16-A18, B2, DB9: as I4 says") == {"A16", "A17", "A18", "B2", "DB9"}
    assert rules_in("DA1, A7-9") == {"DA1", "A7", "A8", "A9"}
    assert rules_in("SQ-09 to SQ-11, OC-1, C37 to C39") == {"SQ-09", "SQ-10", "SQ-11", "OC-01", "C37", "C38", "C39"}
    assert rules_in("xA1 A1b A100 C0 but line end, DEL and C1") == set()
    assert numbers_in("fault", "Faults 17 and 19, fault 5") == {"17", "19", "5"}


def test_a_row_a_test_and_a_citation_are_found() -> None:
    """A row without a link is one of a subject that is not built."""
    page = "| A1 | it holds. | [x.py](../tests/x.py), [y.py](../tests/y.py) |\n| A2-A3 | it does not. | to come |\n"
    assert rows(page) == {
        "A1": ("it holds.", ["tests/x.py", "tests/y.py"]),
        "A2": ("it does not.", []),
        "A3": ("it does not.", []),
    }
    module = planted("def test_x():\n    '''A5.'''\n    return 'A6'  # A7\n\n\ndef f():\n    '''A8.'''\n")
    assert named_in(module) == {"A5"}
    assert rules_in(" ".join(prose(module))) == {"A5", "A7", "A8"}
