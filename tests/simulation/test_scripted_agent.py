"""The scripted agent tells what real programs tell, by the same protocol."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from taxiway.agents.protocol import Ended, Go, How, Launch, Output, SpawnFailure
from taxiway.clock import SystemClock
from taxiway.core.redact import Scrubber
from taxiway.core.run import Released, StopCause
from taxiway.core.task import TaskSpec
from taxiway.engine.executor import Means
from taxiway.engine.process_drive import ProcessDrive
from taxiway.engine.recorder import Recorder
from taxiway.store.protocol import Claimed
from taxiway.testing.agent import Die, Exit, Flood, Hang, LoseGuardian, Say, Script, ScriptedAgent, Sight, Wait
from taxiway.testing.simulator.loop import VirtualLoop

LAUNCH = Launch(argv=("program",), cwd="/", env={}, tag="proc_1", lease_s=30.0)


def virtually(story: Callable[[VirtualLoop], Coroutine[Any, Any, None]]) -> float:
    """Run a story in virtual time; how long it took there."""
    loop = VirtualLoop(random.Random(1))  # type: ignore[abstract]
    loop.run(story(loop))
    return loop.time()


async def told(script: Script, close: tuple[float, How] | None = None) -> tuple[bytes, Ended]:
    """What a program with this script wrote, and how it ended."""
    conversation = await ScriptedAgent(lambda launch: script).open(LAUNCH)
    assert not isinstance(conversation, SpawnFailure)
    await conversation.send(Go())
    written = b""
    async with asyncio.TaskGroup() as group:
        if close is not None:
            group.create_task(later(close[0], conversation.close(close[1])))
        async for event in conversation.events():
            if isinstance(event, Ended):
                return written, event
            written += event.data
    raise AssertionError("it ended without a last word")


async def later(seconds: float, what: Coroutine[Any, Any, None]) -> None:
    await asyncio.sleep(seconds)
    await what


@pytest.mark.parametrize(
    ("script", "written", "ended"),
    [
        (Script(steps=(Say("a"), Wait(2), Say("b"), Exit(3))), b"ab", Ended(exit_code=3)),
        (Script(steps=(Say("a"),)), b"a", Ended(exit_code=0)),
        (Script(steps=(Die(11),)), b"", Ended(signal=11)),
        (Script(steps=(Wait(1), LoseGuardian())), b"", Ended(lost=True)),
        (Script(steps=(LoseGuardian(certain=False),)), b"", Ended(lost=True, certain=False)),
        (Script(steps=(Exit(0),), left_s=3.0), b"", Ended(exit_code=0, certain=False)),
        (Script(steps=(Hang(),)), b"", Ended(signal=9, lease_expired=True)),
    ],
)
def test_a_script_is_followed_to_its_end(script: Script, written: bytes, ended: Ended) -> None:
    """Output in order, exactly one end, and the guardian's own deadline for those that hang unheard of."""

    async def story(_: VirtualLoop) -> None:
        assert await told(script) == (written, ended)

    virtually(story)


def test_a_program_may_obey_or_ignore_being_asked_to_end() -> None:
    """SIGTERM is a request, SIGKILL is not."""

    async def story(loop: VirtualLoop) -> None:
        obedient = Script(steps=(Hang(),), term_s=0.5)
        assert (await told(obedient, (1.0, How.TERM)))[1] == Ended(signal=15)
        stubborn = Script(steps=(Wait(5), Exit(0)), term_s=None, kill_s=0.25)
        assert (await told(stubborn, (1.0, How.TERM)))[1] == Ended(exit_code=0)
        began = loop.time()
        assert (await told(stubborn, (1.0, How.KILL)))[1] == Ended(signal=9)
        assert loop.time() - began == pytest.approx(1.25)

    virtually(story)


def test_a_flood_comes_in_the_pieces_of_a_pipe() -> None:
    """No piece is larger than the protocol allows, and no byte is missing."""

    async def story(_: VirtualLoop) -> None:
        assert len((await told(Script(steps=(Flood(200_000),))))[0]) == 200_000

    virtually(story)


def test_a_program_that_cannot_be_made_says_whether_trying_later_helps() -> None:
    """Nothing is opened, so nothing can be left."""

    async def story(_: VirtualLoop) -> None:
        busy = SpawnFailure("no memory", 12, passing=True)
        agent = ScriptedAgent(lambda launch: Script(refused=busy))
        assert await agent.open(LAUNCH) == busy
        assert agent.trees == {}

    virtually(story)


def test_a_tree_whose_runner_is_gone_ends_by_itself_and_tells_nobody() -> None:
    """I7: the guardian outlives the one who opened it just long enough to end what it keeps."""

    async def story(_: VirtualLoop) -> None:
        agent = ScriptedAgent(lambda launch: Script(steps=(Say("x"), Hang()), kill_s=0.5))
        conversation = await agent.open(LAUNCH)
        assert not isinstance(conversation, SpawnFailure)
        await conversation.send(Go())
        conversation.drop()
        tree = agent.trees["proc_1"]
        assert tree.alive
        assert not tree.settle()
        await asyncio.sleep(0.6)
        assert not tree.alive
        assert tree.settle()
        assert [event async for event in conversation.events() if isinstance(event, Output)] == []

    virtually(story)


def test_a_stop_that_comes_while_the_process_is_recorded_keeps_the_program_from_starting() -> None:
    """I6, I7: it was asked for before the go, so nothing is executed."""
    seen: list[Sight] = []
    agent = ScriptedAgent(lambda launch: Script(steps=(Hang(),)), watch=lambda _, sight: seen.append(sight))
    claim = Claimed("run_1", "task_1", TaskSpec(command=("program",)), 1, 1, "")

    class Recording:
        async def started(self, *_: Any) -> None:
            drive.stop(StopCause.DRAIN)

        async def request_stop(self, *_: Any) -> None: ...

    async def certain(_: Any) -> bool:
        return True

    store: Any = Recording()
    recorder = Recorder(store, SystemClock(), Scrubber(), claim.run, claim.fence)
    drive = ProcessDrive(claim, store, recorder, Means(agent=agent), "proc_1", lambda *_: {}, certain)

    async def story(_: VirtualLoop) -> None:
        assert await drive.run() == Released("drain")

    virtually(story)
    assert Sight.EXECUTED not in seen
