"""A client meets whatever stands at an address: proxies, other programs, newer servers, streams that break off."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import taxiway
from taxiway.client.connection import Connection
from taxiway.client.remote import RemoteTaxiway
from taxiway.core.event import Event
from taxiway.core.run import Run
from taxiway.core.task import Task, TaskSpec
from taxiway.server.listening import bind, listening
from taxiway.server.live import OF_A_TOKEN_MAX
from taxiway.up import application
from taxiway.wire.documents import event_document, run_document, task_document
from tests.server.conftest import BASE, FREE

RUN = "run_" + "0" * 26
#: Of a certificate for localhost that is good for a hundred years, and its key, which keeps nothing secret.
CERTIFICATE = Path(__file__).with_name("localhost.pem")
Answers = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def met(answers: Answers) -> AsyncIterator[RemoteTaxiway]:
    """The verbs, of whatever answers like this. Nobody waits between tries."""
    headers = {"authorization": "Bearer txw_secret"}
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(answers), base_url=BASE, headers=headers) as client,
        asyncio.timeout(60),
    ):
        yield RemoteTaxiway(Connection(client, lambda: "k", lambda: -0.5))


def of(response: httpx.Response) -> Answers:
    """Always this."""
    return lambda _: response


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, html="<html>Sign in to the hotel</html>"),
        httpx.Response(200, text="{}", headers={"content-type": "application/json"}),
        httpx.Response(200, text="{not json", headers={"content-type": "application/json"}),
        httpx.Response(200, json=[]),
        httpx.Response(404, html="<html>nginx</html>"),
        httpx.Response(500, json=["oops"]),
        httpx.Response(403, json={"error": "somebody else's words"}),
        httpx.Response(204),
    ],
    ids=str,
)
async def test_what_is_no_answer_of_ours_is_said_to_be_none(response: httpx.Response) -> None:
    """Surface 7: one error, whatever it is that answers."""
    async with met(of(response)) as tw:
        with pytest.raises(taxiway.Unavailable):
            await tw.queues()


async def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else() -> None:
    """4.14: it is shown to the server that was named, and to nobody that this one names."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.host))
        return httpx.Response(307, headers={"location": "https://elsewhere.example/v1/queues"})

    async with met(answer) as tw:
        with pytest.raises(taxiway.Unavailable, match=r"elsewhere\.example.*not followed"):
            await tw.queues()
    assert asked == ["127.0.0.1"]


async def test_refusals_of_a_newer_server_are_understood_as_far_as_they_can_be() -> None:
    """Surface 7: a code that is not known here is what has its status."""
    document = {"code": "too_hot", "status": 409, "detail": "it is too hot", "message": "x", "self": 1, "id": "task_1"}
    async with met(of(httpx.Response(409, json=document))) as tw:
        with pytest.raises(taxiway.Conflict, match="too hot") as error:
            await tw.task("x")
    assert error.value.details == {"id": "task_1"}
    faults = [{"message": "is bad", "field": "a", "new": 1}, {"field": "b"}, 7]
    async with met(of(httpx.Response(422, json={"code": "odd", "detail": "no", "problems": faults}))) as tw:
        with pytest.raises(taxiway.Invalid) as refused:
            await tw.submit(shell="true")
    assert [one.message for one in refused.value.problems] == ["is bad"]


def task(**fields: Any) -> dict[str, Any]:
    """A task's document, with a record in each field that has one."""
    words: dict[str, Any] = {
        "shell": "true",
        "after": [{"task": "a"}],
        "mailbox": {"cap": 3},
        "workspace": {"kind": "worktree"},
        "budget": {"usd": 1.0},
        "accept": {"commands": [["true"]]},
        "backoff": {"first_s": 2.0},
    }
    spec = msgspec.convert(words, TaskSpec)
    return task_document(Task(id="task_1", seq=1, tenant="", project="/", spec=spec, **fields))


def with_more(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The document with a field more, at each place that has fields of its own."""
    yield {**document, "newer": {"a": 1}}
    for name, inner in document.items():
        if isinstance(inner, dict) and name not in ("after", "env", "labels", "metadata", "args", "result"):
            yield {**document, name: {**inner, "newer": [1]}}


async def test_fields_of_a_newer_server_are_passed_over_at_every_depth() -> None:
    """Surface 7: an older client goes on working."""
    documents = list(with_more(task(state="queued")))
    assert len(documents) > 6
    async with met(of(httpx.Response(200, json=task(state="queued")))) as tw:
        plain = await tw.task("task_1")
    for document in documents:
        async with met(of(httpx.Response(200, json=document))) as tw:
            assert await tw.task("task_1") == plain


async def test_a_word_of_a_newer_server_that_is_not_known_is_said() -> None:
    """Surface 7: what cannot be understood is no stack trace."""
    async with met(of(httpx.Response(200, json={**task(state="queued"), "state": "dreaming"}))) as tw:
        with pytest.raises(taxiway.Unavailable, match=r"dreaming.*newer"):
            await tw.task("task_1")


EVENTS = [
    Event(RUN, seq, "message" if seq < 6 else "run.finished", 1_000 + seq, {"text": f"müsli {seq}\n"}, b"")  # type: ignore[arg-type]
    for seq in range(1, 7)
]


def frames(after: int, beat: bool) -> bytes:
    """What a server sends of the log behind a number."""
    signs = b": open\n\n: beat\n\n" if beat else b""
    lines = [
        b"event: event\nid: 7.%s:%d\ndata: %s\n\n"
        % (RUN.encode(), event.seq, json.dumps(event_document(event), ensure_ascii=False).encode())
        for event in EVENTS
        if event.seq > after
    ]
    return signs + b'event: change\ndata: {"version": 9}\n\n' + b"".join(lines)


class Cut(httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.ReadError("cut")


def cutting(place: int, repeats: bool) -> Answers:
    """A server whose first stream breaks off at a byte; ``repeats``: the next begins two events too early."""
    streams = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal streams
        if request.url.path != "/stream":
            run = Run(id=RUN, task="task_1", attempt=1, fence=1, runner="r", state="running", claimed_at=1)  # type: ignore[call-arg, arg-type]
            return httpx.Response(200, json=run_document(run))
        streams += 1
        after = int(request.url.params["run"].partition(":")[2])
        headers = {"content-type": "text/event-stream"}
        if streams == 1:
            return httpx.Response(200, stream=Cut(frames(after, True)[:place]), headers=headers)
        if streams == 2:
            return httpx.Response(503, html="<html>starting</html>")
        return httpx.Response(200, stream=Cut(frames(max(0, after - 2 * repeats), False)), headers=headers)

    return answer


async def test_a_stream_that_is_cut_anywhere_loses_no_event_and_doubles_none() -> None:
    """I4: at every byte, also within a letter, and when the server says some of it again."""
    for place in range(len(frames(0, True))):
        async with met(cutting(place, place % 2 == 0)) as tw:
            told = [event.seq async for event in tw.run_events(RUN)]
        assert told == [1, 2, 3, 4, 5, 6], place


async def test_a_stream_that_may_not_go_on_says_why() -> None:
    """4.14: a token that was revoked meanwhile ends what follows with it; it is not tried again for ever."""
    problem = json.dumps({"code": "gap", "status": 410, "detail": "forgotten", "newest": 8}).encode()
    stream = httpx.Response(
        200, content=b"event: problem\ndata: " + problem + b"\n\n", headers={"content-type": "text/event-stream"}
    )
    async with met(of(stream)) as tw:
        with pytest.raises(taxiway.Gap, match="forgotten"):
            await anext(tw.changes(3))


async def test_who_stops_following_lets_go_of_the_stream(tw: taxiway.Taxiway, served: str, token: str) -> None:
    """4.20: more are begun and left than one token may have at once."""
    handle = await tw.submit(shell="true")
    async with taxiway.connect(served, token=token) as remote:
        for _ in range(OF_A_TOKEN_MAX + 10):
            with pytest.raises(TimeoutError):
                await remote.wait(handle.id, 0.02)
        version = await remote.newest_version()
        changes = remote.changes(version - 1)
        assert (await anext(changes)).version == version
        await changes.aclose()


async def test_more_tasks_are_waited_for_than_there_are_streams(tw: taxiway.Taxiway, served: str, token: str) -> None:
    """Surface 7: whoever waits for many at once gets them all."""
    handles = await tw.submit_many([{"shell": "true"}] * (OF_A_TOKEN_MAX + 20))
    async with taxiway.connect(served, token=token) as remote, asyncio.timeout(100), asyncio.TaskGroup() as group:
        waiting = [group.create_task(remote.wait(handle.id)) for handle in handles]
        await tw.cancel_all()
    assert {one.result().state for one in waiting} == {taxiway.TaskState.CANCELLED}


async def test_a_server_at_an_ipv6_address(tw: taxiway.Taxiway, token: str) -> None:
    """Surface 7: with its brackets."""
    listener = bind("::1", 0)
    url = f"http://[::1]:{listener.getsockname()[1]}"
    async with (
        application(tw, rates=FREE) as app,
        listening(app, listener),
        taxiway.connect(url, token=token) as remote,
    ):
        assert [one.name for one in await remote.tokens()] == ["ann"]


@pytest.fixture
async def behind_tls() -> AsyncIterator[str]:
    """Something that answers over TLS, with a certificate that nobody has heard of."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"items": [], "cursor": null}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
        writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_certificate_is_checked(behind_tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """4.14: against the system's authorities, those that SSL_CERT_FILE names, or those of a file; never not at all."""
    async with taxiway.connect(behind_tls, token="txw_x", ca_file=CERTIFICATE) as known:
        assert await known.queues() == []
    async with taxiway.connect(behind_tls, token="txw_x") as unknown:
        with pytest.raises(taxiway.Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await unknown.queues()
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with taxiway.connect(behind_tls, token="txw_x") as named:
        assert await named.queues() == []


async def test_a_proxy_of_the_environment_is_not_shown_the_token(
    served: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4.14: it is meant for browsing."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with taxiway.connect(served, token=token) as remote:
        assert [one.name for one in await remote.tokens()] == ["ann"]
