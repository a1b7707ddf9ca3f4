"""A run in a workspace, with a workshop and work that the test plays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from taxiway.core.errors import LeaseLost, WorkspaceRefused
from taxiway.core.event import NewEvent
from taxiway.core.redact import Scrubber
from taxiway.core.run import Cancelled, Completed, Failed, Lost, Outcome, Released, StopCause
from taxiway.core.task import Reason, TaskSpec
from taxiway.core.workspace import Claim, Keep, Left, Made, RunDiff, Workspace, WorkspaceKind
from taxiway.engine.recorder import Recorder
from taxiway.engine.workspace_drive import WorkspaceDrive
from taxiway.store.protocol import Claimed, Message, Seat

MADE = Made(id="w", kind=WorkspaceKind.WORKTREE, path="/w", cwd="/w/sub", base="b" * 40, preface="House rules.")
DIFF = RunDiff(run="r", task="t", workspace="w", base="b", size=0, digest="")


class Workshop:
    """What a workshop is asked, and what it says; ``slow`` names the step that never ends."""

    def __init__(self, refuses: str = "", slow: str = "") -> None:
        self.asked: list[str] = []
        self._refuses = refuses
        self._slow = slow

    @asynccontextmanager
    async def work_in(self, claim: Claim) -> AsyncIterator[Made]:
        await self._note("make")
        yield MADE
        self.asked.append("let go")

    async def set_up(self, id: str) -> None:
        await self._note("set up")

    async def take_diff(self, made: Made, run: str, task: str) -> RunDiff:
        await self._note("diff")
        return DIFF

    async def leave(self, claim: Claim) -> Left:
        await self._note("leave")
        return Left(False, "removed")

    async def _note(self, step: str) -> None:
        self.asked.append(step)
        if step == self._refuses:
            raise WorkspaceRefused(f"no {step} today")
        if step == self._slow:
            await asyncio.Event().wait()


class Log:
    """As much of a store as a recorder needs."""

    def __init__(self) -> None:
        self.events: list[NewEvent] = []

    async def record(self, run: str, fence: int, batch: int, events: list[NewEvent]) -> int:
        self.events += events
        return len(self.events)

    def now_ms(self) -> int:
        """A clock that stands."""
        return 0


class Work:
    """What is driven: it ends as it was told."""

    def __init__(self, claim: Claimed, outcome: Outcome | Exception) -> None:
        self.claim = claim
        self._outcome = outcome
        self.stopped: list[StopCause] = []

    async def run(self) -> Outcome:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def stop(self, cause: StopCause, hard: bool = False) -> None:
        self.stopped.append(cause)

    async def ping(self) -> None: ...


class Play:
    """One run of them all."""

    def __init__(
        self, outcome: Outcome | Exception, workshop: Workshop, keep: Keep = Keep.FAILED, **fields: Any
    ) -> None:
        self.workshop = workshop
        self.log = Log()
        self.works: list[Work] = []
        wanted = Workspace(kind=WorkspaceKind.WORKTREE, keep=keep)
        spec = TaskSpec(prompt="do it", agent="a", workspace=wanted, cwd="/repo")
        claim = Claimed("r", "t", spec, 1, 1, "", seat=fields.get("seat"))
        recorder = Recorder(self.log, self.log, Scrubber(), "r", 1)  # type: ignore[arg-type]

        def make(claim: Claimed) -> Work:
            self.works.append(Work(claim, outcome))
            return self.works[-1]

        self.drive = WorkspaceDrive(claim, wanted, workshop, make, recorder, "/")

    async def until(self, step: str) -> asyncio.Task[Outcome]:
        """Run it as far as a step that does not end."""
        task = asyncio.create_task(self.drive.run())
        while step not in self.workshop.asked:
            await asyncio.sleep(0)
        return task


def seat(thread: str | None) -> Seat:
    """A place in a session."""
    return Seat(session="s", key="k", generation=1, thread=thread, messages=(Message("t", "do it"),))


async def test_the_work_is_done_inside_and_what_goes_before_a_conversation_is_said_once() -> None:
    """A first turn hears the preface, a later one of the same conversation does not."""
    for given, heard in ((None, True), (seat(None), True), (seat("thread"), False)):
        play = Play(Completed(), Workshop(), seat=given)
        assert await play.drive.run() == Completed()
        [work] = play.works
        assert (work.claim.spec.cwd, work.claim.spec.workspace) == ("/w/sub", None)
        assert work.claim.spec.prompt == ("House rules.\n\ndo it" if heard else "do it")
        if work.claim.seat is not None:
            assert work.claim.seat.messages[0].prompt == work.claim.spec.prompt
        assert play.workshop.asked == ["make", "diff", "let go"] + ([] if given else ["leave"])


@pytest.mark.parametrize(
    ("outcome", "keep", "asked"),
    [
        (Completed(), Keep.FAILED, ["diff", "leave"]),
        (Completed(), Keep.ALWAYS, ["diff"]),
        (Failed(Reason.EXIT_CODE, "x"), Keep.FAILED, ["diff"]),
        (Failed(Reason.EXIT_CODE, "x"), Keep.NEVER, ["diff", "leave"]),
        (Cancelled(Reason.REQUESTED), Keep.NEVER, ["diff", "leave"]),
        (Released(), Keep.NEVER, []),
        (Lost(), Keep.NEVER, []),
    ],
)
async def test_a_workspace_is_left_as_the_policy_and_the_outcome_say(
    outcome: Outcome, keep: Keep, asked: list[str]
) -> None:
    """What goes back to its queue goes on in it, whatever the policy."""
    play = Play(outcome, Workshop(), keep)
    assert await play.drive.run() == outcome
    assert [step for step in play.workshop.asked if step in ("diff", "leave")] == asked


async def test_a_refusal_is_an_outcome_and_a_diff_that_cannot_be_taken_fails_nothing() -> None:
    """The reason is said in both cases."""
    play = Play(Completed(), Workshop(refuses="make"))
    assert await play.drive.run() == Failed(Reason.SPAWN_ERROR, "no workspace: no make today")
    assert play.works == []
    play = Play(Completed(), Workshop(refuses="diff"))
    assert await play.drive.run() == Completed()
    assert "no diff today" in {event.data.get("error") for event in play.log.events}


async def test_a_stop_ends_the_making_at_once_and_nothing_is_left_of_it() -> None:
    """Cancelled, though no work has begun; whatever was half made goes."""
    play = Play(Completed(), Workshop(slow="make"), Keep.ALWAYS)
    task = await play.until("make")
    play.drive.stop(StopCause.CANCEL)
    assert await task == Cancelled(Reason.REQUESTED)
    assert play.workshop.asked == ["make", "leave"]
    play = Play(Completed(), Workshop())
    play.drive.stop(StopCause.DRAIN)
    assert await play.drive.run() == Released("drain")
    assert "make" not in play.workshop.asked


async def test_a_stop_that_comes_when_the_work_is_done_changes_no_outcome() -> None:
    """It ends the taking of the diff, and that is all (I12)."""
    play = Play(Completed(), Workshop(slow="diff"), Keep.ALWAYS)
    task = await play.until("diff")
    play.drive.stop(StopCause.CANCEL)
    assert await task == Completed()


async def test_a_lost_lease_leaves_the_workspace_to_the_next_one() -> None:
    """I2: nothing is looked at or removed by somebody whose run it is not any more."""
    play = Play(LeaseLost("gone"), Workshop(), Keep.NEVER)
    with pytest.raises(LeaseLost):
        await play.drive.run()
    assert play.workshop.asked == ["make"]
