"""The fake agent is what every agent must be (taxiway.testing.agent_conformance), in every protocol that it speaks."""

from taxiway.testing.agent_conformance import SUITES
from tests.agents.faked import FAKES

for fake in FAKES:
    for suite in SUITES:
        name = f"Test{fake.__name__}{suite.__name__}"
        globals()[name] = type(name, (fake, suite), {"__module__": __name__})


def test_no_suite_is_left_out_for_a_protocol() -> None:
    """Every suite that there is runs in every protocol."""
    wanted = {f"Test{fake.__name__}{suite.__name__}" for fake in FAKES for suite in SUITES}
    assert {name for name in globals() if name.startswith("Test")} == wanted
