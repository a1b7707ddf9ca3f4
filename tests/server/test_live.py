"""Live streams tell everything that was committed, in order, to whoever follows, and go on where a reader was."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing

import httpx
import pytest

import taxiway
from taxiway.core.errors import Full, Gap, Unauthorized
from taxiway.core.token import Principal, TokenScope
from taxiway.server import live as live_module
from taxiway.server.cursor import Cursor, read_cursor
from taxiway.server.live import Batch, Live
from taxiway.server.tail import Line, Pulse, Tail
from taxiway.server.tails import Tails

ANN = Principal(token="tok_1", name="ann", scope=TokenScope.VIEWER, tenant="default")
WITHIN_S = 30


async def fine() -> None:
    """The token still opens."""


@pytest.fixture
async def live(tw: taxiway.Taxiway) -> AsyncIterator[Live]:
    """Live streams of the store."""
    async with asyncio.TaskGroup() as group:
        yield Live(Tails(group, tw.feed.wakes))


async def lines(batches: AsyncIterator[Batch], wanted: int) -> list[Line]:
    """The first so many lines."""
    found: list[Line] = []
    async with asyncio.timeout(WITHIN_S), aclosing(batches):  # type: ignore[type-var]
        async for batch in batches:
            found += batch.lines
            if len(found) >= wanted:
                break
    return found


async def test_whatever_is_committed_arrives_in_order(tw: taxiway.Taxiway, live: Live) -> None:
    """I4: from before the reader came, and after."""
    start = await tw.store.last_version()
    await tw.submit(shell="true")
    following = asyncio.ensure_future(lines(live.follow(tw.store, ANN, Cursor(start), fine), 40))
    for _ in range(39):
        await tw.submit(shell="true")
    numbers = [line.number for line in await following]
    assert numbers[:40] == list(range(start + 1, start + 41))


async def test_a_reader_goes_on_where_it_was(tw: taxiway.Taxiway, live: Live) -> None:
    """I4: cut anywhere, the next reader misses nothing and gets nothing before its cursor."""
    start = await tw.store.last_version()
    await tw.submit_many([{"shell": "true"}] * 30)
    first = await lines(live.follow(tw.store, ANN, Cursor(start), fine), 10)
    await tw.submit_many([{"shell": "true"}] * 10)
    rest = await lines(live.follow(tw.store, ANN, Cursor(first[-1].number), fine), 1)
    assert rest[0].number == first[-1].number + 1


async def test_many_readers_cost_one_reading(tw: taxiway.Taxiway) -> None:
    """The store is asked once for what all of them get."""
    asked: list[int] = []

    async def read(after: int, limit: int) -> list[Line]:
        asked.append(after)
        return [Line(number, b"{}") for number in range(after + 1, min(after + limit, 3) + 1)]

    class Never:
        async def wait(self, timeout_s: float) -> bool:
            await asyncio.Event().wait()
            return True

        def close(self) -> None:
            """Nothing to let go of."""

    tail = Tail(read, Never(), 0, Pulse())
    coming = tail.pulse.next
    async with asyncio.TaskGroup() as group:
        growing = group.create_task(tail.grow())
        async with asyncio.timeout(WITHIN_S):
            await coming.wait()
        found = [await tail.behind(place) for place in (0, 1, 2, 3)]
        growing.cancel()
    assert [len(some) for some in found] == [3, 2, 1, 0]
    assert asked == [0]


async def test_a_forgotten_past_is_a_gap_and_not_a_silence(tw: taxiway.Taxiway, live: Live) -> None:
    """I4: said, with the newest version to go on from."""
    with pytest.raises(Gap):
        await lines(live.follow(tw.store, ANN, Cursor(10**9), fine), 1)


async def test_a_reader_whose_token_is_revoked_is_cut(
    tw: taxiway.Taxiway, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4.14: at the next beat, also where nothing happens."""
    monkeypatch.setattr(live_module, "BEAT_S", 0.01)

    async def over() -> None:
        raise Unauthorized("revoked")

    start = await tw.store.last_version()
    with pytest.raises(Unauthorized):
        await lines(live.follow(tw.store, ANN, Cursor(start), over), 1)


async def test_streams_of_a_token_are_counted(live: Live) -> None:
    """4.10: one more than the most is refused, and there is room again when one leaves."""
    with ExitStack() as stack:
        for _ in range(live_module.OF_A_TOKEN_MAX):
            stack.enter_context(live.counted(ANN))
        with pytest.raises(Full):
            stack.enter_context(live.counted(ANN))
    with live.counted(ANN):
        pass


@pytest.mark.parametrize("cursor", [Cursor(0), Cursor(7, {"run_" + "0" * 26: 4, "run_" + "1" * 26: 0})])
def test_a_cursor_is_a_text_and_back(cursor: Cursor) -> None:
    """What a reader keeps."""
    assert read_cursor(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "x", "-1", "1.run_x:1", "1:2", "9" * 19, "1" + (".run_" + "0" * 26 + ":1") * 21])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """Rows 38-40."""
    with pytest.raises(taxiway.Invalid):
        read_cursor(text)


async def test_it_arrives_as_server_sent_events(tw: taxiway.Taxiway, served: str, token: str) -> None:
    """Surface 6: over a socket, with ids to go on from."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=served, headers=headers, timeout=WITHIN_S) as client:
        found: list[dict[str, str]] = []
        async with client.stream("GET", "/v1/stream") as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            handle = await tw.submit(shell="true")
            async for line in stream.aiter_lines():
                if line.startswith(("id: ", "data: ")):
                    key, _, value = line.partition(": ")
                    found.append({key: value})
                if any("data" in one for one in found):
                    break
        first = json.loads(next(one["data"] for one in found if "data" in one))
        assert (first["kind"], first["id"]) == ("task", handle.id)
        cursor = next(one["id"] for one in found if "id" in one)
        later = await tw.submit(shell="true")
        async with client.stream("GET", "/v1/stream", headers={"last-event-id": cursor}) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    assert json.loads(line[6:])["id"] == later.id
                    break
