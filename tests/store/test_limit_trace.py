"""Fifty sessions on two accounts meet a limit: what is asked of each provider, and when (figures of the issue)."""

from pathlib import Path

import pytest

from taxiway.clock import Ids, seeded_chance
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.run import Completed, Limited, Outcome
from taxiway.core.task import OnLimit, Reason, TaskState
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance import Bench
from taxiway.testing.conformance.bench import ACTOR
from tests.store.conftest import open_by_hand

SESSIONS = 50
TURNS = 3
STEP_S = 1.0
TURN_S = 20.0
RESET_S = {"left": 1_800.0, "right": 3_000.0}
RAMP_S = 8 * TURN_S  #: 1, 2, 4, 8, 16 … at once, a turn each


class Provider:
    """What one account allows: so many calls, then none before its reset."""

    def __init__(self, allowed: int, resets_at: int) -> None:
        self.allowed = allowed
        self.resets_at = resets_at
        self.calls: list[int] = []

    def ask(self, now: int) -> Outcome:
        """One turn."""
        self.calls.append(now)
        if now >= self.resets_at or len(self.calls) <= self.allowed:
            return Completed()
        text = "You've hit your usage limit"
        return Limited(ProviderLimit(kind=LimitKind.QUOTA, resets_at=self.resets_at, text=text), text)


@pytest.mark.parametrize("seed", range(3))
async def test_fifty_sessions_on_two_accounts_make_one_probe_each_and_no_call_before_the_reset(
    tmp_path: Path, seed: int
) -> None:
    """one probe for each account after its reset, no call before it, all others on a ramp behind it, the other
    account untouched, and who does not want to wait is told at once."""
    clock = HandClock()
    opened = await open_by_hand(tmp_path / "store.db", clock)
    bench = Bench(opened.store, clock, Ids(clock, seeded_chance(seed)))
    chance = seeded_chance(seed)
    await bench.register(slots=1_000)
    await bench.store.use_accounts(
        {"left": 25, "right": 25}, {"a": "left", "b": "left", "c": "right", "d": "right"}, ACTOR
    )
    start = clock.now_ms()
    providers = {name: Provider(30, start + int(seconds * 1000)) for name, seconds in RESET_S.items()}
    tasks: dict[str, list[str]] = {"left": [], "right": []}
    for number in range(SESSIONS):
        agent = "abcd"[number % 4]
        for turn in range(TURNS):
            sent = await bench.send(f"s{number}", f"turn {turn}", agent=agent)
            tasks["left" if agent in "ab" else "right"].append(sent.id)
    unwilling = (await bench.send("impatient", "now or never", agent="a", on_limit=OnLimit.FAIL)).id

    running: list[tuple[int, object]] = []
    probes: dict[str, list[int]] = {"left": [], "right": []}
    while clock.now_ms() < start + 4_000_000:
        now = clock.now_ms()
        for began, run in [one for one in running if one[0] + TURN_S * 1000 <= now]:
            running.remove((began, run))
            provider = providers[run.account]
            outcome = provider.ask(now)
            await bench.finish(run, outcome, chance.random())
        for run in await bench.claim():
            running.append((now, run))
            parked = [one for one in await bench.store.accounts() if one.name == run.account and one.phase == "probing"]
            if parked:
                probes[run.account].append(now)
        await bench.pass_time(STEP_S)

    for name, provider in providers.items():
        early = [at for at in provider.calls if at < provider.resets_at]
        refused = len(early) - provider.allowed
        assert 0 < refused <= 25, "only what was in flight met the limit"
        assert len(probes[name]) == 1, "one probe"
        assert provider.resets_at <= probes[name][0] <= provider.resets_at + 31_000
        after = [at for at in provider.calls if at >= provider.resets_at]
        assert len([at for at in after if at < probes[name][0] + TURN_S * 1000]) == 0, "nobody beside the probe"
        last_parked = max(early)
        assert [at for at in provider.calls if last_parked < at < provider.resets_at] == []
        waiting = [(await bench.task(task)).state for task in tasks[name]]
        assert waiting == [TaskState.COMPLETED] * len(waiting)
        in_ramp = [at for at in after if at <= probes[name][0] + RAMP_S * 1000]
        assert len(in_ramp) >= 25, "all sessions went on within the ramp"
    assert [(await bench.task(task)).attempt for task in tasks["left"]] == [1] * len(tasks["left"]), "none was burned"
    state = await bench.standing(unwilling)
    assert state in ((TaskState.FAILED, Reason.QUOTA), (TaskState.COMPLETED, None))
    assert await opened.store.check() == []
    await opened.close()
