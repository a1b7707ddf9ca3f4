"""Forks of sessions while agents work: what the copy is told, and that the two go their own ways."""

import msgspec

from taxiway.agents.dialogue import Opening
from taxiway.core.agent import Abilities, Access, AgentKind, Resume
from taxiway.core.task import TaskSpec
from taxiway.engine.composing import compose
from taxiway.engine.executor import Means
from taxiway.engine.live import Equipped, Wanted
from taxiway.store.protocol import Claimed, Seat
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, ended

ANSWERS = {"default": [{"say": "answer {turn}"}]}
SO_FAR = "[This conversation so far]\n\n[You were asked]\nfirst\n\n[You answered]\nanswer 1\n\n[Now]\n\n"


class Talker:
    """A driver that is never opened."""

    def __init__(self, abilities: Abilities) -> None:
        self.abilities = abilities


async def test_an_agent_that_cannot_fork_is_told_the_conversation_that_it_begins_as(bench: Bench, stage: Stage) -> None:
    """Sessions on agents: by replay, once; from then on the copy goes on by itself, in its own warm process."""
    async with bench.open(agents={"fake": stage.agent(ANSWERS)}) as tw:
        one = await tw.session("one", agent="fake")
        await ended((await one.send("first")).task)
        two = await one.fork("two")
        await ended((await two.send("second")).task)
        await ended((await two.send("third")).task)
        await ended((await one.send("meanwhile")).task)
        assert [line["text"] for line in stage.lines("turn")] == ["first", f"{SO_FAR}second", "third", "meanwhile"]
        threads = {(await box.get()).thread for box in (one, two)}
        assert len(threads) == len(stage.pids()) == 2
        assert None not in threads


async def test_a_fork_that_was_made_is_there_after_everything_was_killed(bench: Bench, stage: Stage) -> None:
    """I1: between the fork and its first turn it is a row in the store, and nothing else."""
    agents = {"fake": stage.agent(ANSWERS)}
    async with bench.open(agents=agents) as tw:
        one = await tw.session("one", agent="fake")
        await ended((await one.send("first")).task)
        await one.fork("two")
    async with bench.open(agents=agents) as tw:
        two = await tw.session("two")
        assert two.agent == "fake"
        await ended((await two.send("second")).task)
    assert stage.lines("turn")[-1]["text"] == f"{SO_FAR}second"


def wanted(seat: Seat, resume: Resume = Resume.NATIVE, fork: bool = True) -> Wanted:
    """The process for a turn of this session, of an agent that goes on with conversations by itself."""
    kind = AgentKind(command=("agent",))
    claim = Claimed("run", "task", TaskSpec(prompt="hello", resume=resume), 1, 1, "", (), seat)
    agent = Equipped("agent", kind, Talker(Abilities(resume=True, fork=fork)))  # type: ignore[arg-type]
    means = Means(**dict.fromkeys(Means.__struct_fields__) | {"folder": "/", "lease_s": 30.0})
    return compose(claim, agent, means, lambda *_: {})[0]


def begun(opening: Opening) -> tuple[str | None, bool]:
    """Which conversation is opened, and whether as a copy."""
    return opening.thread, opening.fork


def test_a_copy_is_made_by_the_agent_that_can_until_it_has_a_name_of_its_own() -> None:
    """A44: what has a thread is gone on with; only what has none is begun as a copy, and not if it shall be fresh."""
    fork = Seat(session="s", key="two", generation=0, forked=True, fork_thread="t-1")
    assert begun(wanted(fork).opening) == ("t-1", True)
    assert begun(wanted(fork, fork=False).opening) == (None, False)
    assert begun(wanted(msgspec.structs.replace(fork, thread="t-2")).opening) == ("t-2", False)
    assert [begun(wanted(fork, resume).opening) for resume in (Resume.FRESH, Resume.REPLAY)] == [(None, False)] * 2


def test_the_process_that_made_the_copy_takes_its_next_turn() -> None:
    """A31: how it was begun does not tell processes of one conversation apart."""
    fork = Seat(session="s", key="two", generation=0, forked=True, fork_thread="t-1")
    assert wanted(msgspec.structs.replace(fork, thread="t-2")).fits(wanted(fork))
    assert wanted(fork).opening.access is Access.AUTO
