"""A runner behind a wire that loses calls and answers, and breaks for a while: all is told once, in order (I1, I4)."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

import taxiway
from taxiway.core.run import Completed
from taxiway.core.token import TokenScope
from taxiway.up import application
from tests.server.conftest import BASE, FREE
from tests.server.test_outbox import Far, Wire, line, said

LOST = 0.15  #: of the calls, and of the answers
RUNS = 4


class LossyWire(Wire):
    """Loses some calls, and the answers to some others."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        super().__init__(inner)
        self.chance = random.Random(0)
        self.loses = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.chance.random() < self.loses:
            raise httpx.ConnectError("the call was lost")
        self.eats_answers = self.chance.random() < self.loses
        return await super().handle_async_request(request)


@pytest.fixture
async def wire_and_far(tw: taxiway.Taxiway, tmp_path: Path) -> AsyncIterator[tuple[LossyWire, Far]]:
    _, text = await tw.make_token("box", TokenScope.RUNNER)
    (tmp_path / "outbox").mkdir()
    async with application(tw, rates=FREE) as app:
        wire = LossyWire(httpx.ASGITransport(app, client=("127.0.0.1", 50_000)))
        headers = {"authorization": f"Bearer {text}"}
        async with httpx.AsyncClient(transport=wire, base_url=BASE + "/v1", headers=headers) as client:
            yield wire, Far(wire, client, tmp_path / "outbox")


@pytest.mark.parametrize("seed", range(8))
async def test_everything_is_told_once_and_in_order(
    tw: taxiway.Taxiway, wire_and_far: tuple[LossyWire, Far], seed: int
) -> None:
    """I1, I4, I12: whatever was lost on the way, however long nobody answered, and wherever the runner died."""
    wire, far = wire_and_far
    chance = wire.chance = random.Random(seed)
    tasks = [await tw.submit(command=["true"]) for _ in range(RUNS)]
    runs = [await far.run() for _ in tasks]
    left = {run.run: chance.randrange(1, 12) for run in runs}
    told: dict[str, list[str]] = {run.run: [] for run in runs}
    wire.loses = LOST
    while left:
        run = chance.choice([run for run in runs if run.run in left])
        words, batch = told[run.run], len(told[run.run]) + 1
        if left[run.run]:
            words.append(f"{run.run} {batch}")
            await far.store.record(run.run, run.fence, batch, line(words[-1]))
            left[run.run] -= 1
        else:
            await far.store.finish(run.run, run.fence, Completed(output=f"{batch}"), 0.5)
            del left[run.run]
        match chance.randrange(12):
            case 0:
                wire.cut = not wire.cut
            case 1:
                far.store = far.next_life()
            case 2:
                await far.store.delivered()
    wire.cut, wire.loses = False, 0.0
    assert await far.store.delivered()
    assert list(far.folder.iterdir()) == []
    assert {run.run: await said(tw, run.run) for run in runs} == told
    assert [(await task.get()).state for task in tasks] == ["completed"] * RUNS
