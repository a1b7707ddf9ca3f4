"""Fifty sessions on two accounts meet their limits: what is asked of each provider, and when."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

import taxiway
from benchmarks.figure import Figure, at_most
from benchmarks.place import Place
from benchmarks.stores import FILE
from taxiway import Taxiway
from taxiway.core.accountfields import AccountKind
from taxiway.core.agent import AgentKind

SESSIONS = 50
TURNS = 2
LIMIT = 8  #: runs at once of an account
ALLOWED = 10  #: calls before the provider's limit is met
RESETS_IN_S = (6.0, 9.0)
ANSWERS_AFTER_S = 0.3  #: of a call; as long again until its turn ends
IN_TIME_S = 240.0
PROGRAM = Path(__file__).parent / "limited_agent.py"


class Provider(msgspec.Struct):
    """What one provider saw: its calls in order, and whether it answered each."""

    calls: list[tuple[float, bool]]
    resets_in_s: float

    @property
    def resets_at(self) -> float:
        return next(at for at, answered in self.calls if not answered) + self.resets_in_s

    @property
    def after(self) -> list[float]:
        """The calls from the reset on."""
        return [at for at, _ in self.calls if at >= self.resets_at]

    @property
    def early(self) -> int:
        """Calls before the reset, beyond what was on its way when the limit was met: the first refusal parks."""
        refused = [at for at, answered in self.calls if not answered]
        return max(0, len(refused) - LIMIT)

    @property
    def probes(self) -> int:
        """Calls after the reset while the first of them had not been answered."""
        return sum(at < self.after[0] + ANSWERS_AFTER_S for at in self.after)


async def trace(place: Place, sessions: int = SESSIONS, resets_in_s: tuple[float, ...] = RESETS_IN_S) -> list[Figure]:
    """Real processes, one account each for half of the sessions; every session has two turns to take."""
    folder = place.fresh("limits")
    names = [f"account{number}" for number in range(len(resets_in_s))]
    agents = {name: _agent(folder / name, seconds) for name, seconds in zip(names, resets_in_s, strict=True)}
    async with taxiway.open(
        folder / FILE,
        slots=sessions,
        main_size=sessions,
        project="",
        agents=agents,
        accounts={name: AccountKind(limit=LIMIT) for name in names},
    ) as tw:
        async with asyncio.timeout(IN_TIME_S):
            burned = await _take_all(tw, names, sessions)
    providers = [_seen(folder / name, seconds) for name, seconds in zip(names, resets_in_s, strict=True)]
    return [
        _figure("probes of an account after its reset, before one was answered", max(one.probes for one in providers)),
        _figure(
            "calls before the reset, beyond what ran when the limit was met", max(one.early for one in providers), 0
        ),
        _figure("attempts that a limit burned", burned, 0),
        Figure(
            scenario="limit-trace",
            name="from the reset to the probe, the later account",
            unit="s",
            measured=max(one.after[0] - one.resets_at for one in providers),
            goals=(at_most(max(resets_in_s) / 10 + 1),),
            note="a tenth of the wait at most, by chance; all others were answered "
            f"{max(one.after[-1] - one.after[0] for one in providers):.1f} s after it",
        ),
    ]


async def _take_all(tw: Taxiway, names: list[str], sessions: int) -> int:
    """Send every session its messages, and wait until all are done; how many attempts were counted beyond one each."""
    tasks = []
    for number in range(sessions):
        box = await tw.session(f"s{number}", agent=names[number % len(names)])
        tasks += [(await box.send(f"turn {turn}")).task.id for turn in range(TURNS)]
    ended = await asyncio.gather(*(tw.wait(task) for task in tasks))
    assert [task.state for task in ended] == ["completed"] * len(ended)
    return sum(task.attempt - 1 for task in ended)


def _agent(folder: Path, resets_in_s: float) -> AgentKind:
    folder.mkdir()
    argv = (sys.executable, "-I", "-S", str(PROGRAM), str(folder), str(ALLOWED), str(resets_in_s), str(ANSWERS_AFTER_S))
    return AgentKind(command=argv, account=folder.name, start_s=120.0)


def _seen(folder: Path, resets_in_s: float) -> Provider:
    lines = [line.split() for line in (folder / "calls").read_text(encoding="ascii").splitlines()]
    return Provider([(float(at), answered == "yes") for at, answered in lines], resets_in_s)


def _figure(name: str, measured: int, goal: int = 1) -> Figure:
    what = f"{SESSIONS} sessions on {len(RESETS_IN_S)} accounts: {name}"
    return Figure(scenario="limit-trace", name=what, unit="", measured=measured, goals=(at_most(goal),))
