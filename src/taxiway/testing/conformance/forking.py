"""Forks: a session that begins as another one's conversation is at its first turn, and then goes its own way."""

from __future__ import annotations

import pytest

from taxiway.core.errors import Archived, Exists, NoConversation, NotFound
from taxiway.core.policy import Drop, MailboxPolicy
from taxiway.core.run import Completed, Lost
from taxiway.core.task import OnLimit
from taxiway.store.protocol import Seat, TurnFacts
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite


class Forking(Suite):
    """What a fork takes along, from when on it stands by itself, and what cannot be forked."""

    async def test_a_fork_has_its_own_key_and_the_agent_and_policy_of_the_other(self, bench: Bench) -> None:
        """Semantics, "Order inside a session": a session like any other, that says what it began as."""
        policy = MailboxPolicy(cap=3, drop=Drop.OLD)
        one = await bench.store.make_session("one", "", "fake", policy, ACTOR, "the title")
        await bench.store.set_session_on_limit(one.id, OnLimit.FAIL, ACTOR)
        await _turn(bench, "one", "hello", "t-1")
        two = await bench.store.fork_session(one.id, "two", ACTOR)
        assert (two.key, two.agent, two.policy, two.on_limit) == ("two", "fake", policy, OnLimit.FAIL)
        assert (two.forked_from, two.thread, two.generation, two.live) == (one.id, None, 0, 0)
        assert (await bench.store.fork_session(one.id, "three", ACTOR, "its own")).title == "its own"

    async def test_until_it_has_a_thread_of_its_own_a_fork_begins_as_the_other_one(self, bench: Bench) -> None:
        """A44: also when its first run is lost before the agent had named the copy."""
        two = await _forked(bench)
        await bench.send("two", "go on")
        first = await bench.take()
        assert _beginning(first.seat) == (True, None, "t-1")
        await bench.finish(first, Lost())
        again = await bench.take()
        assert (again.task, _beginning(again.seat)) == (first.task, (True, None, "t-1"))
        await bench.store.tell_session(again.run, again.fence, TurnFacts(thread="t-2"))
        await bench.finish(again, Lost())
        own = await bench.take()
        assert own.seat is not None
        assert own.seat.thread == "t-2"
        assert (await bench.store.session(two)).thread == "t-2"

    async def test_the_two_go_their_own_ways(self, bench: Bench) -> None:
        """What one says after they have parted the other one is never told."""
        two = await _forked(bench)
        await bench.pass_time(1)
        await _turn(bench, "one", "before they part", "t-1")
        await bench.pass_time(1)
        await _turn(bench, "two", "of the fork", "t-2")
        await bench.pass_time(1)
        await _turn(bench, "one", "after", "t-1")
        assert await _told(bench, two) == ["hello", "before they part", "of the fork"]
        one = await bench.store.find_session("one", None)
        assert await _told(bench, one) == ["hello", "before they part", "after"]
        assert [task.spec.prompt for task in await bench.store.earlier_turns(two, 0, 2)] == [
            "before they part",
            "of the fork",
        ]

    async def test_a_fork_of_a_fork_that_has_said_nothing_begins_as_the_first_one(self, bench: Bench) -> None:
        """Whatever it is called: what both began as is the conversation."""
        two = await _forked(bench)
        three = await bench.store.fork_session(two, "three", ACTOR)
        await bench.send("three", "go on")
        run = await bench.take()
        assert _beginning(run.seat) == (True, None, "t-1")
        assert await _told(bench, three.id) == ["hello"]

    async def test_a_reset_of_either_of_them_concerns_that_one_alone(self, bench: Bench) -> None:
        """SQ-50: the other one's conversation is what it was."""
        two, three = await _forked(bench), "three"
        one = await bench.store.find_session("one", None)
        third = (await bench.store.fork_session(one, three, ACTOR)).id
        await bench.store.reset_session(one, False, ACTOR)
        await bench.send(three, "go on")
        run = await bench.take()
        assert _beginning(run.seat) == (True, None, "t-1")
        await bench.finish(run)
        assert await _told(bench, third) == ["hello", "go on"]
        await bench.store.reset_session(two, False, ACTOR)
        await bench.send("two", "anew")
        anew = await bench.take()
        assert _beginning(anew.seat) == (False, None, None)
        assert await bench.store.earlier_turns(two, 1, 10) == []

    async def test_what_cannot_be_forked_is_refused_with_the_reason(self, bench: Bench) -> None:
        """Bad input: nothing said yet, nobody's session, a key that is taken, one that was put away, none at all."""
        empty = (await bench.store.make_session("empty", "", "fake", MailboxPolicy(), ACTOR)).id
        with pytest.raises(NoConversation, match="'empty' has no turn yet"):
            await bench.store.fork_session(empty, "new", ACTOR)
        await bench.send("nobody", job="noop")
        await bench.end_next()
        with pytest.raises(NoConversation, match="'nobody' belongs to no agent"):
            await bench.store.fork_session(await bench.store.find_session("nobody", None), "new", ACTOR)
        two = await _forked(bench)
        one = await bench.store.find_session("one", None)
        with pytest.raises(Exists, match="there is a session 'two' already") as taken:
            await bench.store.fork_session(one, "two", ACTOR)
        assert taken.value.details["session"] == two
        await bench.store.archive_session(one, True, ACTOR)
        with pytest.raises(Archived, match="archive one --undo"):
            await bench.store.fork_session(one, "new", ACTOR)
        with pytest.raises(NotFound):
            await bench.store.fork_session("sess_nobody", "new", ACTOR)


async def _turn(bench: Bench, key: str, prompt: str, thread: str) -> None:
    await bench.send(key, prompt, agent="fake")
    run = await bench.take()
    await bench.store.tell_session(run.run, run.fence, TurnFacts(thread=thread))
    await bench.finish(run, Completed(output=f"answer to {prompt}"))


async def _forked(bench: Bench) -> str:
    """A session ``one`` with a turn, and its fork ``two``."""
    await _turn(bench, "one", "hello", "t-1")
    return (await bench.store.fork_session(await bench.store.find_session("one", None), "two", ACTOR)).id


async def _told(bench: Bench, session: str) -> list[str | None]:
    return [task.spec.prompt for task in await bench.store.earlier_turns(session, 0, 100)]


def _beginning(seat: Seat | None) -> tuple[bool, str | None, str | None]:
    assert seat is not None
    return seat.forked, seat.thread, seat.fork_thread
