"""Runs that live without a process: a test claims and ends them by the store, as a runner would."""

import taxiway
from taxiway.core.readiness import Scope
from taxiway.core.run import Completed, Outcome
from taxiway.core.session import Signal
from taxiway.store.protocol import Claimed, Runner, TurnFacts

RUNNER = "runner_01test"


async def register(tw: taxiway.Taxiway) -> None:
    """A runner that does what a test says."""
    await tw.store.register(Runner(id=RUNNER, host="bench", boot_id="boot", pid=1, slots=99))


async def take(tw: taxiway.Taxiway, steerable: bool = False) -> Claimed:
    """Claim and start the next task, which must be there."""
    (run,) = await tw.store.claim(RUNNER, Scope(), 1)
    await tw.store.started(run.run, run.fence, None)
    if steerable:
        await tw.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
    return run


async def end(tw: taxiway.Taxiway, run: Claimed, outcome: Outcome | None = None) -> None:
    """It completed, unless something else is said."""
    await tw.store.finish(run.run, run.fence, outcome or Completed(), 0.5)


async def told(tw: taxiway.Taxiway) -> list[tuple[str, Signal]]:
    """What the runner is to bring to its runs."""
    return [(one.run, one.kind) for one in await tw.store.signals(RUNNER)]
