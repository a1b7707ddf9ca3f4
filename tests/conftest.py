"""What holds for every test: no setting of the person who runs them, no deadline that a busy machine could miss."""

import os

import pytest
from hypothesis import settings

REAL_PROCESSES = ("tests/faults/", "tests/e2e/", "tests/agents/")
#: Real processes that wait for each other and for no clock: they may run beside the others, on either worker.
PATIENT = (
    *("tests/faults/test_agent_conformance.py", "tests/faults/test_fake_", "tests/faults/test_hostile_agents.py"),
    *("tests/e2e/test_remote_runners.py", "tests/e2e/test_run_tokens.py", "tests/e2e/test_restarted_server.py"),
)

for name in [name for name in os.environ if name.startswith("TAXIWAY_")]:
    del os.environ[name]

# What guards a change must say the same twice; scripts/proof draws new examples each time.
settings.register_profile("taxiway", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("taxiway")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests with real processes on one worker and begin with them: they take longest and must not crowd others."""
    for item in items:
        if item.nodeid.startswith(REAL_PROCESSES) and not item.nodeid.startswith(PATIENT):
            item.add_marker(pytest.mark.xdist_group("real processes"))
        if item.nodeid.startswith("tests/house/"):
            item.add_marker(pytest.mark.xdist_group("house"))  # all of them read all the code, once for each worker
    items.sort(key=lambda item: not item.nodeid.startswith(REAL_PROCESSES))
