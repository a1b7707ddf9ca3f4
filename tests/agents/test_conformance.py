"""Every real agent CLI is what every agent must be (taxiway.testing.agent_conformance), as its protocol lets it."""

import pytest

from taxiway.testing.agent_conformance import SUITES
from tests.agents.scripted import CLIS

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]

for cli in CLIS:
    for suite in SUITES:
        name = f"Test{cli.__name__}{suite.__name__}"
        globals()[name] = type(name, (cli, suite), {"__module__": __name__})


def test_no_suite_is_left_out_for_a_cli() -> None:
    """Every suite that there is runs on every CLI."""
    wanted = {f"Test{cli.__name__}{suite.__name__}" for cli in CLIS for suite in SUITES}
    assert {name for name in globals() if name.startswith("Test")} == wanted
