"""How a store is doing, told to a tenant of what is its own, and to whoever runs the server of everything."""

from __future__ import annotations

from taxiway.core.approval import Question
from taxiway.core.run import ProcessMark
from taxiway.core.statistics import RunFacts, Tally
from taxiway.store.protocol import Store
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed
from taxiway.testing.conformance.sharing import tenant

MARK = ProcessMark("tag", 10, 20, 11, 21, "boot", 7)


class Observing(Suite):
    """Tallies, the last runs, live processes, and what became what."""

    async def test_a_tally_counts_what_there_is(self, bench: Bench) -> None:
        """Metrics: open, ready, scheduled, asked, live, and every task that was ever submitted."""
        await bench.store.set_lane("one", 1, ACTOR)
        await bench.submit(prompt="words", agent="coder", priority=9)
        [asking] = await bench.claim(1)
        await bench.store.started(asking.run, asking.fence, None)
        await bench.store.ask(asking.run, asking.fence, Question(text="May I?"))
        await bench.submit(priority=9)
        await bench.end_next(failed())
        for _ in range(3):
            await bench.submit(lane="one")
        await bench.submit(delay_s=60)
        await bench.submit(after=[await bench.submit()])
        found = await bench.store.tally()
        assert (found.submitted, found.open, found.ready, found.scheduled, found.approvals) == (8, 7, 4, 1, 1)
        assert (found.live, found.accounts) == ({"waiting": 1}, {"open": 1})
        assert (found.runners, found.slots) == ({"live": 1}, 100_000)
        assert found.version == await bench.store.last_version()

    async def test_what_was_submitted_stays_submitted(self, bench: Bench) -> None:
        """B1: also what was removed, or was cancelled as it came."""
        await bench.submit()
        assert await bench.store.remove(await bench.end_next(), ACTOR)
        failing = await bench.submit()
        await bench.drain(failed())
        born = await bench.submit(after=[failing])
        assert (await bench.task(born)).ended
        found = await bench.store.tally()
        assert (found.submitted, found.open) == (3, 0)

    async def test_a_tenant_is_told_of_its_own_and_whoever_runs_the_server_of_all(self, bench: Bench) -> None:
        """I10: no number of one tenant depends on what others have; the whole is the sum of all."""
        other, third = tenant(bench, "acme"), tenant(bench, "umbrella")
        before = await other.store.tally()
        for _ in range(3):
            await bench.submit()
        await bench.submit(delay_s=60)
        await bench.submit(prompt="words", agent="coder", priority=9)
        [run] = await bench.claim(1)
        await bench.store.started(run.run, run.fence, MARK)
        await bench.store.ask(run.run, run.fence, Question(text="May I?"))
        assert await other.store.tally() == before
        assert (before.submitted, before.runners, before.slots) == (0, {}, 0)
        await other.submit()
        await other.submit(delay_s=60)
        mine, theirs = await bench.store.tally(), await other.store.tally()
        assert counts(theirs) == (2, 2, 1, 1, 0)
        assert counts(mine) == (5, 5, 3, 1, 1)
        whole = await bench.store.tally_all()
        assert counts(whole) == (7, 7, 4, 2, 1)
        assert (whole.live, whole.runners, whole.accounts) == ({"waiting": 1}, {"live": 1}, {"open": 1})
        assert await third.store.tally_all() == await bench.store.tally_all()

    async def test_the_last_runs_are_those_of_a_tenant(self, bench: Bench) -> None:
        """I10: however many others had since; the newest first, and none that lives."""
        other = tenant(bench, "acme")
        await other.submit()
        bench.clock.advance(2)
        await bench.end_next()
        for _ in range(5):
            await bench.submit()
        await bench.drain(failed())
        await other.submit()
        bench.clock.advance(3)
        await bench.end_next(failed())
        await other.submit()
        await bench.take()
        found = await other.store.recent_runs(2)
        assert [(run.outcome, run.reason, waited(run)) for run in found] == [
            ("failed", "exit_code", 3_000),
            ("completed", None, 2_000),
        ]
        assert await other.store.recent_runs(1) == found[:1]
        assert len(await bench.store.recent_runs(100)) == 5

    async def test_live_processes_are_those_of_a_tenant(self, bench: Bench) -> None:
        """I10: what is measured of a host is what its own runs have there."""
        other = tenant(bench, "acme")
        await other.submit(command=["true"])
        run = await bench.take()
        assert await other.store.live_processes() == []
        await bench.store.started(run.run, run.fence, MARK)
        assert await other.store.live_processes() == [MARK]
        assert await bench.store.live_processes() == []
        assert await bench.store.live_processes_of_all() == [MARK]

    async def test_changes_are_counted_for_all_from_a_version_on(self, bench: Bench) -> None:
        """Metrics: each line of the log once, whoever's it is."""
        other = tenant(bench, "acme")
        await other.submit()
        begun, _ = await bench.store.count_changes(0)
        await bench.submit()
        await other.submit()
        after, found = await bench.store.count_changes(begun)
        assert [(one.kind, one.state, one.count) for one in found] == [("task", "queued", 2)]
        assert await other.store.count_changes(after) == (after, [])
        assert await ready_of(bench.store) == (1, 2)


def counts(found: Tally) -> tuple[int, int, int, int, int]:
    """What a tally says of tasks and questions."""
    return found.submitted, found.open, found.ready, found.scheduled, found.approvals


def waited(run: RunFacts) -> int:
    """From its submission to its claim, in milliseconds."""
    assert run.asked_at is not None
    return run.claimed_at - run.asked_at


async def ready_of(store: Store) -> tuple[int, int]:
    """What is ready here, and in the other tenant."""
    return (await store.tally()).ready, (await store.of("acme").tally()).ready
