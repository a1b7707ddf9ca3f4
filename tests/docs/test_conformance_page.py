"""The table of what agents were seen to do has every case and every agent, in the versions that are installed."""

import inspect
import json
from collections import Counter
from typing import Any

import pytest

from scripts.pages.conformance import RECORD
from taxiway.testing.agent_conformance import SUITES, Case
from taxiway.testing.agent_conformance.cases import NEEDS
from tests.agents.recording import CANNOT, PASSES, SUBJECTS, UNTRIED

AGAIN = "run scripts/conformance"


def record() -> dict[str, dict[str, Any]]:
    """What was kept of the last run of each agent."""
    kept: dict[str, dict[str, Any]] = json.loads(RECORD.read_text("utf-8"))
    return kept


def test_every_case_is_one_test_of_one_suite() -> None:
    """A row of the table is a test, and no test is without a row."""
    tests = [test for suite in SUITES for name, test in inspect.getmembers(suite) if name.startswith("test_")]
    assert Counter(test.case for test in tests) == Counter(Case)


def test_every_agent_has_a_column_with_every_case() -> None:
    """In the order of the subjects and of the cases."""
    assert list(record()) == list(SUBJECTS), AGAIN
    assert {name: list(column["cells"]) for name, column in record().items()} == {
        name: [case.name for case in Case] for name in SUBJECTS
    }, AGAIN


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_column_is_of_the_version_and_says_why_as_the_tests_do(name: str) -> None:
    """A pin that moved, or a reason that was mended, wants another run."""
    column, subject = record()[name], SUBJECTS[name]
    assert column["pin"] == subject.pin(), AGAIN
    stated = {CANNOT: subject.cannot, UNTRIED: subject.untried}
    for case in Case:
        [(word, reason)] = column["cells"][case.name].items()
        lacks = word == CANNOT and case in NEEDS and NEEDS[case].why == reason
        assert lacks or stated.get(word, {}).get(case, "") == reason, (case, AGAIN)
        assert word == PASSES or reason
        assert word != PASSES or case not in (*subject.cannot, *subject.untried), (case, AGAIN)
