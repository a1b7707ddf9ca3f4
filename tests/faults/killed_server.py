"""A server that is killed with -9, or asked to leave, at any moment, while clients change things under keys and others
follow: what was acknowledged is there once, what was not may be repeated, and nobody misses or doubles anything."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.faults.killed_plan import broken, end, read

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WITHIN_S = 90.0
BOX = {"key": "box", "agent": "fake", "mailbox": {"mode": "steer", "cap": 50}}


class Counts(msgspec.Struct):
    """What a number of kills showed."""

    kills: int = 0
    leavings: int = 0
    acknowledged: int = 0
    repeated: int = 0
    steered: int = 0
    resumed: int = 0
    violations: int = 0


class Seen(msgspec.Struct):
    """What a watcher was told, in order: versions of changes, and numbers of the followed run's events."""

    versions: list[int] = []
    seqs: list[int] = []


class KilledServer:
    """One store, one runner that lives, and a server that does not."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.chance = chance
        self.store = folder / "store.db"
        self.counts = Counts()
        self.expected: dict[str, int] = {}  # how often the words of each change must be in the store
        self.cancelled: dict[str, int] = {}  # how often each task must have been cancelled
        self.watchers: list[Seen] = []
        self._port = _free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TAXIWAY_")}
        self._environ = kept | {
            "TAXIWAY_STORE": str(self.store),
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONDONTWRITEBYTECODE": "",  # compiled once: starting up is most of what the server does here
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        }
        self._stopping = False

    async def kill_so_often(self, kills: int) -> None:
        """Kill it, or ask it to leave, at a random moment after it has answered; then everybody comes to an end."""
        runner = self._start(str(HERE / "working.py"), str(self.store), str(self.folder))
        server = await self._serve()
        try:
            async with self._client() as client:
                await self._call(client, "POST", "/sessions", BOX, "box")
                run = await self._counting(client)
                async with asyncio.TaskGroup() as group:
                    watching = [group.create_task(watch) for watch in (self._sse(run), self._ws(run))]
                    working = [group.create_task(self._work(f"c{number}")) for number in range(4)]
                    for _ in range(kills):
                        await asyncio.sleep(self.chance.uniform(0.02, 0.6))
                        await self._end(server)
                        server = await self._serve()
                    self._stopping = True
                    await asyncio.wait(working)
                    (self.folder / "enough").touch()
                    await self._until(
                        lambda: bool(read(self.store, f"SELECT 1 FROM run WHERE name='{run}' AND live=0"))
                    )
                    await self._judge_watchers(run)
                    for watch in watching:
                        watch.cancel()
            self._judge_changes()
        finally:
            end(server)
            end(runner)

    # -- the server ---------------------------------------------------------------------------------------------------
    async def _end(self, server: subprocess.Popen[bytes]) -> None:
        """At once, or (one time in four) as it would leave by itself."""
        gently = self.chance.random() < 0.25
        self.counts.leavings += gently
        self.counts.kills += not gently
        await asyncio.to_thread(end, server, signal.SIGTERM if gently else signal.SIGKILL)
        found = broken(self.store)
        self.counts.violations += len(found)
        assert found == [], found

    async def _serve(self) -> subprocess.Popen[bytes]:
        server = self._start("-m", "taxiway", "up", "--slots", "0", "--port", str(self._port))
        async with httpx.AsyncClient() as client:
            await self._until(lambda: self._answers(client))
        return server

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self._url}/healthz")).status_code == 200
        except httpx.HTTPError:
            return False

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *command], cwd=self.folder, env=self._environ, stdout=log, stderr=log
            )

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def _token(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.store.with_suffix('.token').read_text().strip()}"}

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"{self._url}/v1", headers=self._token, timeout=20)

    # -- those who change things --------------------------------------------------------------------------------------
    async def _work(self, name: str) -> None:
        """One change after the other, each under a key of its own."""
        async with self._client() as client:
            number = 0
            while not self._stopping:
                number += 1
                change = self.chance.choice((self._one, self._many, self._send, self._send, self._steer))
                await change(client, f"{name}-{number}x")

    async def _one(self, client: httpx.AsyncClient, words: str) -> None:
        """A task, its cancellation, and another one in its place."""
        task = await self._call(client, "POST", "/tasks", {"shell": "true", "delay": 3600, "name": words}, words)
        self.expected[words] = 1
        await self._call(client, "POST", f"/tasks/{task['id']}/cancel", None, f"{words}-cancel")
        self.cancelled[task["id"]] = 1
        await self._call(client, "POST", f"/tasks/{task['id']}/retry", None, f"{words}-retry")
        self.expected[words] = 2

    async def _many(self, client: httpx.AsyncClient, words: str) -> None:
        """A list of tasks."""
        tasks = [{"shell": "true", "delay": 3600, "name": f"{words}{letter}"} for letter in "abc"]
        await self._call(client, "POST", "/tasks", tasks, words)
        self.expected |= {f"{words}{letter}": 1 for letter in "abc"}

    async def _send(self, client: httpx.AsyncClient, words: str) -> None:
        """A message to a session."""
        kind = self.chance.choice(("short", "long"))
        sent = await self._call(client, "POST", "/sessions/box/messages", {"prompt": f"{kind} {words}"}, words)
        self.expected[words] = 1 if sent else 0

    async def _steer(self, client: httpx.AsyncClient, words: str) -> None:
        """Words for the turn that is under way, if one is."""
        page = await self._call(client, "GET", "/tasks?state=running&session=box", None, None)
        for task in page["items"][:1]:
            told = await self._call(client, "POST", f"/tasks/{task['id']}/steer", {"text": words}, words)
            self.expected[words] = 1 if told else 0
            self.counts.steered += bool(told)

    async def _call(self, client: httpx.AsyncClient, method: str, path: str, body: Any, key: str | None) -> Any:
        """Ask until there is an answer; ``None``: it was refused. Now and then a change is asked for once more, and
        must be answered as before."""
        headers = {} if key is None else {"idempotency-key": key}
        sent = {} if body is None else {"json": body}
        async with asyncio.timeout(WITHIN_S):
            answer = await self._asked(client, method, path, headers, sent)
            if key is None:
                return answer.json()
            self.counts.acknowledged += 1
            if answer.is_success and self.chance.random() < 0.2:
                again = await self._asked(client, method, path, headers, sent)
                assert _ids(again.json()) == _ids(answer.json()), (path, answer.text, again.text)
        assert answer.is_success or answer.status_code in (409, 429), answer.text
        return answer.json() if answer.is_success else None

    async def _asked(
        self, client: httpx.AsyncClient, method: str, path: str, headers: Any, sent: Any
    ) -> httpx.Response:
        while True:
            try:
                answer = await client.request(method, path, headers=headers, **sent)
            except httpx.HTTPError:
                self.counts.repeated += 1
            else:
                if answer.status_code < 500:
                    return answer
                assert answer.json()["status"] == 503, answer.text
            await asyncio.sleep(0.02)

    async def _counting(self, client: httpx.AsyncClient) -> str:
        """The run of a program that writes lines all the time."""
        text = f"i=0; while [ ! -e {self.folder}/enough ]; do i=$((i+1)); echo $i; sleep 0.02; done"
        task = await self._call(client, "POST", "/tasks", {"shell": text}, "counting")
        runs: list[dict[str, Any]] = []
        async with asyncio.timeout(WITHIN_S):
            while not runs:
                runs = (await self._call(client, "GET", f"/tasks/{task['id']}/runs", None, None))["items"]
                await asyncio.sleep(0.05)
        run: str = runs[0]["id"]
        return run

    # -- those who watch ----------------------------------------------------------------------------------------------
    async def _sse(self, run: str) -> None:
        """Follows as server-sent events: what came counts when its place is known."""
        seen, cursor = self._watcher(), ""
        while True:
            place = {"last-event-id": cursor} if cursor else {}
            asked = {} if cursor else {"after": "0", "run": run}
            try:
                async with (
                    self._client() as client,
                    client.stream("GET", "/stream", headers=place, params=asked) as told,
                ):
                    batch: list[Any] = []
                    known = ""
                    async for line in told.aiter_lines():
                        name, _, value = line.partition(": ")
                        if name == "data":
                            batch.append(json.loads(value))
                        elif name == "id":
                            known = value
                        elif not line and known and batch:
                            _add(seen, batch)
                            batch, cursor, known = [], known, ""
            except httpx.HTTPError:
                pass
            self.counts.resumed += 1
            await asyncio.sleep(0.02)

    async def _ws(self, run: str) -> None:
        """Follows over a WebSocket: a frame counts whole."""
        seen, query = self._watcher(), f"after=0&run={run}"
        while True:
            try:
                url = f"ws://127.0.0.1:{self._port}/v1/ws?{query}"
                async with connect(url, additional_headers=self._token) as socket:
                    async for text in socket:
                        frame = json.loads(text)
                        assert frame["type"] != "problem", frame
                        _add(seen, frame["items"])
                        query = f"after={frame['cursor']}"
            except (WebSocketException, OSError):
                pass
            self.counts.resumed += 1
            await asyncio.sleep(0.02)

    def _watcher(self) -> Seen:
        self.watchers.append(Seen())
        return self.watchers[-1]

    # -- what must hold -----------------------------------------------------------------------------------------------
    async def _judge_watchers(self, run: str) -> None:
        """Every change and every event was told once, in order."""
        [(newest,)] = read(self.store, "SELECT max(version) FROM change")
        events = [row[0] for row in read(self.store, _EVENTS.format(run=run))]
        await self._until(
            lambda: all(one.versions[-1:] >= [newest] and one.seqs[-1:] == events[-1:] for one in self.watchers)
        )
        for one in self.watchers:
            assert [version for version in one.versions if version <= newest] == list(range(1, newest + 1))
            assert one.seqs == events

    def _judge_changes(self) -> None:
        """Every acknowledged change was made once."""
        bodies = [row[0] for row in read(self.store, "SELECT body FROM spec")]
        found = {words: sum(words in body for body in bodies) for words in self.expected}
        wrong = {
            words: (times, self.expected[words]) for words, times in found.items() if times != self.expected[words]
        }
        assert wrong == {}, wrong
        rows = read(self.store, "SELECT ref, count(*) FROM change WHERE state = 'cancelled' GROUP BY ref")
        assert self.cancelled == {ref: times for ref, times in rows if ref in self.cancelled}
        assert broken(self.store) == []
        checked = subprocess.run(
            [sys.executable, "-m", "taxiway", "db", "check"], env=self._environ, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr

    async def _until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                found = holds()
                if await found if isinstance(found, Awaitable) else found:
                    return
                await asyncio.sleep(0.05)


_EVENTS = "SELECT e.seq FROM event e JOIN run r ON r.id = e.run WHERE r.name = '{run}' ORDER BY e.seq"


def _add(seen: Seen, lines: list[Any]) -> None:
    for line in lines:
        if "kind" in line:
            seen.versions.append(line["version"])
        else:
            seen.seqs.append(line["seq"])


def _ids(document: Any) -> Any:
    """What an answer to a change is about."""
    if "items" in document:
        return [_ids(one) for one in document["items"]]
    return [document.get(name) for name in ("id", "signal", "message")]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
