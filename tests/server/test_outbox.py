"""What cannot be told is kept on disk, in order, and told when there is somebody to tell (I1, I4, I12)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import taxiway
from taxiway.client.connection import Connection
from taxiway.client.outbox import Outbox
from taxiway.client.remote_store import RemoteStore
from taxiway.core.errors import LeaseLost
from taxiway.core.event import EventType, NewEvent
from taxiway.core.limits import LEASE_S
from taxiway.core.readiness import Scope
from taxiway.core.run import Completed, Lost
from taxiway.core.token import TokenScope
from taxiway.engine.reaper import Host, Reaper
from taxiway.observe.observer import nobody
from taxiway.runner import HostEvidence
from taxiway.store.protocol import Claimed, Runner
from taxiway.testing.clock import HandClock
from taxiway.up import application
from tests.server.conftest import BASE, FREE


class Wire(httpx.AsyncBaseTransport):
    """What lies between a runner and its server: it can be cut, before a call arrives or before its answer does."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.cut = False
        self.eats_answers = False
        self.calls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("cut")
        self.calls.append(request.url.path)
        response = await self._inner.handle_async_request(request)
        if self.eats_answers:
            raise httpx.ReadError("cut")
        return response


class Far:
    """A runner elsewhere: its store, its folder, and the wire."""

    def __init__(self, wire: Wire, client: httpx.AsyncClient, folder: Path) -> None:
        self.wire = wire
        self.folder = folder
        self.connection = Connection(client, lambda: "key", lambda: 0.0)
        self.store = RemoteStore(self.connection, Outbox(folder))

    def next_life(self) -> RemoteStore:
        """The same folder after the runner died."""
        return RemoteStore(self.connection, Outbox(self.folder))

    async def run(self) -> Claimed:
        """A run that it has claimed."""
        await self.store.register(Runner(id="runner_far", host="far", boot_id="b", pid=1, slots=4))
        [claimed] = await self.store.claim("runner_far", Scope(), 1)
        return claimed


@pytest.fixture
async def far(tw: taxiway.Taxiway, tmp_path: Path) -> AsyncIterator[Far]:
    _, text = await tw.make_token("box", TokenScope.RUNNER)
    (tmp_path / "outbox").mkdir()
    async with application(tw, rates=FREE) as app:
        wire = Wire(httpx.ASGITransport(app, client=("127.0.0.1", 50_000)))
        headers = {"authorization": f"Bearer {text}"}
        async with httpx.AsyncClient(transport=wire, base_url=BASE + "/v1", headers=headers) as client:
            yield Far(wire, client, tmp_path / "outbox")


def line(text: str) -> list[NewEvent]:
    """A batch of one event."""
    return [NewEvent(EventType.OUTPUT, 1, {"stream": "stdout"}, text.encode())]


async def said(tw: taxiway.Taxiway, run: str) -> list[Any]:
    """The output of a run."""
    return [event.data["text"] for event in await tw.store.events(run, 0, 100) if event.type == "output"]


async def test_what_a_run_had_to_tell_in_an_outage_is_told_in_order(tw: taxiway.Taxiway, far: Far) -> None:
    """I1, I4: events before the outage, events in it, and the end; nothing twice, nothing missing."""
    task = await tw.submit(command=["true"])
    run = await far.run()
    await far.store.record(run.run, run.fence, 1, line("a"))
    far.wire.cut = True
    assert await far.store.record(run.run, run.fence, 2, line("b")) == 0
    assert await far.store.record(run.run, run.fence, 3, line("c")) == 0
    assert not (await far.store.finish(run.run, run.fence, Completed(output="abc"), 0.5)).applied
    assert not await far.store.delivered()
    far.wire.cut = False
    assert await far.store.delivered()
    assert ((await task.get()).state, await said(tw, run.run)) == ("completed", ["a", "b", "c"])
    assert list(far.folder.iterdir()) == []


async def test_it_survives_the_runner(tw: taxiway.Taxiway, far: Far) -> None:
    """I1: flushed to disk before it counts; a line that was cut by the death of its writer is not there."""
    task = await tw.submit(command=["true"])
    run = await far.run()
    far.wire.cut = True
    await far.store.record(run.run, run.fence, 1, line("a"))
    await far.store.finish(run.run, run.fence, Completed(output="a"), 0.5)
    [letters] = far.folder.iterdir()
    assert letters.stat().st_mode & 0o777 == 0o600
    with letters.open("ab") as file:
        file.write(b'{"path": "/runs/x/fini')
    far.wire.cut = False
    assert await far.next_life().delivered()
    assert ((await task.get()).output, await said(tw, run.run)) == ("a", ["a"])


async def test_an_answer_that_was_lost_makes_nothing_twice(tw: taxiway.Taxiway, far: Far) -> None:
    """I4, I12: what arrived and was not answered is told again, and changes nothing."""
    task = await tw.submit(command=["true"])
    run = await far.run()
    far.wire.eats_answers = True
    await far.store.record(run.run, run.fence, 1, line("a"))
    await far.store.finish(run.run, run.fence, Completed(output="a"), 0.5)
    far.wire.eats_answers = False
    assert await far.store.delivered()
    assert ((await task.get()).output, await said(tw, run.run)) == ("a", ["a"])
    types = [event.type for event in await tw.store.events(run.run, 0, 10)]
    assert types == ["run.started", "output", "run.finished"]


async def test_what_comes_too_late_is_dropped_and_told_as_late(tw: taxiway.Taxiway, far: Far) -> None:
    """I2, I12: the run was given to others meanwhile; how it ended here is a word in its log."""
    task = await tw.submit(command=["true"])
    run = await far.run()
    far.wire.cut = True
    await far.store.record(run.run, run.fence, 1, line("a"))
    await far.store.finish(run.run, run.fence, Completed(output="a"), 0.5)
    await tw.store.finish(run.run, run.fence, Lost("its lease ran out"), 0.5)
    far.wire.cut = False
    assert await far.store.delivered()
    assert list(far.folder.iterdir()) == []
    assert ((await task.get()).state, await said(tw, run.run)) == ("queued", [])
    assert (await tw.store.events(run.run, 0, 10))[-1].data["phase"] == "late_result"


async def test_an_end_is_told_after_an_hour_in_which_the_server_was_gone(
    tw: taxiway.Taxiway, far: Far, tmp_path: Path
) -> None:
    """I1, I2: nobody was there to take over, and whoever starts now waits a whole lease before counting it as dead."""
    task = await tw.submit(command=["true"])
    run = await far.run()
    clock = HandClock()
    far.wire.cut = True
    await far.store.record(run.run, run.fence, 1, line("a"))
    await far.store.finish(run.run, run.fence, Completed(output="a"), 0.5)
    clock.advance(3_600)
    reaper = Reaper(tw.store, clock, Host("here", "b"), None, HostEvidence(tmp_path), nobody, LEASE_S)
    for _ in range(int(LEASE_S)):
        await reaper.step()
        clock.advance(1)
    far.wire.cut = False
    assert await far.next_life().delivered()
    assert ((await task.get()).state, await said(tw, run.run)) == ("completed", ["a"])


async def test_a_run_with_letters_is_known_to_the_server_as_ours(tw: taxiway.Taxiway, far: Far) -> None:
    """I2: else the next claim would give it back as one that nobody has heard of, and it would be done twice."""
    await tw.submit(command=["true"])
    run = await far.run()
    far.wire.cut = True
    await far.store.finish(run.run, run.fence, Completed(), 0.5)
    far.wire.cut = False
    assert await far.store.claim("runner_far", Scope(), 1) == []
    assert await far.next_life().claim("runner_far", Scope(), 1) == []


async def test_a_full_outbox_holds_up_output_and_takes_every_end(tw: taxiway.Taxiway, far: Far) -> None:
    """I18: what a program says waits in its pipe; how it ended is on disk all the same."""
    await tw.submit(command=["true"])
    run = await far.run()
    far.wire.cut = True
    store = RemoteStore(far.connection, Outbox(far.folder, bytes_max=100))
    await store.record(run.run, run.fence, 1, line("a" * 100))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(store.record(run.run, run.fence, 2, line("b")))
        await store.finish("run_other", 1, Completed(), 0.5)
        assert not waiting.done()
        assert len(list(far.folder.iterdir())) == 2
        far.wire.cut = False
        assert await store.delivered()
        await waiting
    assert await store.delivered()
    assert await said(tw, run.run) == ["a" * 100, "b"]


async def test_a_key_that_is_revoked_ends_the_runner(tw: taxiway.Taxiway, far: Far) -> None:
    """I2, 4.14: it hears of it with whatever it says next, instead of trying for ever."""
    await tw.submit(command=["true"])
    await far.run()
    await tw.revoke_token("box")
    assert not await far.store.beat("runner_far")
    with pytest.raises(LeaseLost):
        await far.store.claim("runner_far", Scope(), 1)
