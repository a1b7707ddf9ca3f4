"""The environment of an agent through the whole way of a task: an allow-list, its account's home, secrets by reference,
the proxy."""

import json
from pathlib import Path

import pytest

from taxiway.core.accountfields import AccountKind
from taxiway.core.task import Reason, TaskState
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, ended
from tests.engine.test_secrets import grep

KEYS = {"work-key": "sk-work-0123456789", "home-key": "sk-home-9876543210"}
STEPS = [
    {"write": {"file": "{env.AGENT_HOME}/began", "text": "{env.AGENT_KEY}"}},
    {"sleep": 0.3},
    {"write": {"file": "{env.AGENT_HOME}/done", "text": "{text}"}},
    {"say": "{env.AGENT_HOME} [{env.OUTSIDE}] {env.HTTPS_PROXY} {env.HTTP_PROXY} {env.TASKS_OWN}"},
]


async def test_two_accounts_at_the_same_time_have_homes_and_keys_of_their_own(
    bench: Bench, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I11, DB19: what is not on the list stays with the runner, a proxy with a password too; no key is in the store, in
    the agent's arguments, or in the other account's home."""
    monkeypatch.setenv("OUTSIDE", "of-the-runner")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://user:password@127.0.0.1:3128")
    homes = {name: tmp_path / f"home-{name}" for name in ("work", "home")}
    for home in homes.values():
        home.mkdir()
    accounts = {
        name: AccountKind(env={"AGENT_HOME": str(home), "AGENT_KEY": f"secret://{name}-key"})
        for name, home in homes.items()
    }
    agents = {name: stage.agent({"default": STEPS}, account=name) for name in homes}
    async with bench.open(agents=agents, accounts=accounts, secrets=KEYS) as tw:
        handles = {
            name: [await tw.submit(prompt=f"{name}-{turn}", agent=name, env={"TASKS_OWN": "own"}) for turn in range(2)]
            for name in homes
        }
        for name, asked in handles.items():
            for handle in asked:
                task = await ended(handle)
                assert task.output == f"{homes[name]} [] http://127.0.0.1:3128  own", task.error
        for name, home in homes.items():
            assert (home / "began").read_text() == KEYS[f"{name}-key"]
            assert (home / "done").read_text().startswith(name)
        assert [value for value in KEYS.values() if grep(bench.folder, value)] == []
    assert not [value for value in KEYS.values() if value in json.dumps(stage.lines())]


async def test_a_secret_that_is_not_there_fails_the_task_before_its_agent_begins(bench: Bench, stage: Stage) -> None:
    """Typed, by its name; nothing was started."""
    account = AccountKind(env={"AGENT_KEY": "secret://nowhere"})
    async with bench.open(agents={"fake": stage.agent(account="work")}, accounts={"work": account}) as tw:
        task = await ended(await tw.submit(prompt="hello", agent="fake"))
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        assert "there is no secret 'nowhere'" in (task.error or "")
        assert stage.pids() == []
