"""The fake agent is what every agent must be (taxiway.testing.agent_conformance), in every protocol that it speaks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from taxiway.testing.agent_conformance import SUITES, Case
from tests.agents.faked import FAKES

ROOT = Path(__file__).resolve().parents[2]

for fake in FAKES:
    for suite in SUITES:
        name = f"Test{fake.__name__}{suite.__name__}"
        globals()[name] = type(name, (fake, suite), {"__module__": __name__})


def test_no_suite_is_left_out_for_a_protocol() -> None:
    """Every suite that there is runs in every protocol."""
    wanted = {f"Test{fake.__name__}{suite.__name__}" for fake in FAKES for suite in SUITES}
    assert {name for name in globals() if name.startswith("Test")} == wanted


@pytest.mark.timeout(300)
def test_the_suite_finds_agents_that_are_not_what_they_must_be() -> None:
    """Also one that says it cannot what it can; and it accuses nobody of what he did not do."""
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", "tests/faults/zoo/bad_agents.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    found = re.findall(r"^FAILED [^:]*::Test(\w+)::(\w+)", done.stdout, re.MULTILINE)
    cases = {name: test.case for suite in SUITES for name, test in vars(suite).items() if name.startswith("test_")}
    assert {(name, cases[test]) for name, test in found} == {
        ("Modest", Case.SAY),
        ("Babbler", Case.SAY),
        ("Babbler", Case.ORDER),
        ("Spendthrift", Case.USAGE),
        ("Spendthrift", Case.USAGE_OF_TOOLS),
        ("Optimist", Case.LIMIT),
        ("Optimist", Case.PROVIDER),
        ("Optimist", Case.CUT),
        ("Optimist", Case.AUTH),
        ("Wilful", Case.REFUSED),
    }, done.stdout
