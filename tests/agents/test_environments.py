"""What a real agent CLI gets of the runner's environment: its own account's home and key, the proxy, nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

import taxiway
from taxiway.core.accountfields import AccountKind
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.task import TaskState
from tests.agents import homes
from tests.agents.homes import Home
from tests.dialogues import eventually
from tests.stub_model.server import StubModel

pytestmark = pytest.mark.agents

WITHIN_S = 90
CLIS = {"codex": (Adapter.CODEX, ("app-server",), "CODEX_HOME"), "claude": (Adapter.CLAUDE, (), "CLAUDE_CONFIG_DIR")}
PROXIES = {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"}


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    """A stub model in the test's own loop."""
    async with StubModel() as serving:
        yield serving


def kind_of(cli: str, home: Home, account: str) -> AgentKind:
    """The CLI of a home, which has what it needs from its account."""
    adapter, words, _ = CLIS[cli]
    return AgentKind(adapter=adapter, command=(*home.argv, *words), account=account, start_s=60.0)


def variables(cli: str, home: Home, key: str) -> dict[str, str]:
    """Of an account: a home of its own, and its key by reference."""
    variable = CLIS[cli][2]
    own = home.environ | {variable: str(home.folder / f".{cli}")}
    return {name: f"secret://{key}" if value == home.environ["HOME"] + "-key" else value for name, value in own.items()}


@pytest.mark.parametrize("cli", CLIS)
async def test_two_accounts_of_one_cli_never_mix(
    cli: str, stub: StubModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the same time, each in a home of its own with a key of its own; neither the runner's variables nor the other's
    words are in it, and no key is in the store, or in anybody's arguments."""
    monkeypatch.setenv("CANARY_TOKEN", "canary-of-the-runner")
    folders = {name: tmp_path / name for name in ("work", "home")}
    found = {name: homes.HOMES[cli](folder, stub.url, f"{folder}-key").lay() for name, folder in folders.items()}
    secrets = {name: f"{folder}-key" for name, folder in folders.items()}
    agents = {name: kind_of(cli, home, name) for name, home in found.items()}
    accounts = {name: AccountKind(env=variables(cli, home, name)) for name, home in found.items()}
    async with taxiway.open(tmp_path / "store.db", agents=agents, accounts=accounts, secrets=secrets) as tw:
        boxes = {name: await tw.session(name, agent=name) for name in found}
        sent = [
            await box.send(f"canary-{name} [[stub: wait 1 ;; say done]]", cwd=str(found[name].work))
            for name, box in boxes.items()
        ]
        for one in sent:
            task = await one.task.wait(WITHIN_S)
            assert (task.state, task.output) == (TaskState.COMPLETED, "done"), task.error
        for process in await tw.store.warm_processes():
            variables_of = Path(f"/proc/{process.mark.child_pid}/environ").read_bytes()
            words = Path(f"/proc/{process.mark.child_pid}/cmdline").read_bytes()
            assert b"CANARY_TOKEN" not in variables_of
            assert not [key for key in secrets.values() if key.encode() in words]
            assert sum(key.encode() in variables_of for key in secrets.values()) == 1
    assert {exchange.account for exchange in stub.requests} >= set(secrets.values())
    for name, key in secrets.items():
        assert {one.account for one in stub.requests if f"canary-{name}" in one.prompt} <= {key}
    for name, other in (("work", "home"), ("home", "work")):
        words = b"".join(path.read_bytes() for path in folders[name].rglob("*") if path.is_file())
        assert f"canary-{name}".encode() in words, "its conversation is in its own home"
        assert f"canary-{other}".encode() not in words
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("store.db*") if path.is_file())
    assert kept
    assert not [key for key in secrets.values() if key.encode() in kept]


class Proxy:
    """A proxy on the loopback that brings everybody to the stub, whoever was asked for."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.asked: list[str] = []
        self._stub = port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            line = (await reader.readline()).decode()
            self.asked.append(line.strip())
            method, where, version = line.split()
            above, below = await asyncio.open_connection("127.0.0.1", self._stub)
            if method == "CONNECT":
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 here\r\n\r\n")
            else:
                path = "/" + where.partition("://")[2].partition("/")[2]
                below.write(f"{method} {path} {version}".encode() + b"\r\n")
            await asyncio.gather(_pass_on(reader, below), _pass_on(above, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy(stub: StubModel) -> AsyncIterator[Proxy]:
    """One that serves."""
    made = Proxy(int(stub.url.rpartition(":")[2]))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.mark.parametrize("cli", CLIS)
async def test_the_runners_proxy_is_the_agents(
    cli: str, stub: StubModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DB19: a host that only the proxy knows is reached through it."""
    home = homes.HOMES[cli](tmp_path / "home", "http://model.example").lay()
    env = {name: value for name, value in home.environ.items() if name not in PROXIES}
    async with proxy(stub) as way:
        for name in PROXIES:
            monkeypatch.setenv(name, "" if name.lower() == "no_proxy" else f"http://127.0.0.1:{way.port}")
        agents = {cli: kind_of(cli, home, "work")}
        accounts = {"work": AccountKind(env=env)}
        async with taxiway.open(tmp_path / "store.db", agents=agents, accounts=accounts) as tw:
            handle = await tw.submit(prompt="[[stub: say through]]", agent=cli, cwd=str(home.work))
            task = await handle.wait(WITHIN_S)
            assert (task.state, task.output) == (TaskState.COMPLETED, "through"), task.error
        await eventually(lambda: way.asked, "the proxy was asked")
    assert [line for line in way.asked if "model.example" in line]
    assert {line.split()[1].partition("://")[2].partition("/")[0] for line in way.asked if "://" in line} <= {
        "model.example"
    }
