"""Whatever the command line says of a store, it says of a server of that store: the same documents and statuses."""

import asyncio
import difflib
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import taxiway
from taxiway.app import open_configured
from taxiway.cli.asked import ONLY_HERE
from taxiway.cli.main import status_of
from taxiway.config import load, surroundings
from taxiway.core.ids import short_id
from taxiway.core.token import TokenScope
from taxiway.server.listening import bind, listening
from taxiway.up import application
from tests.house.test_reference import cli_verbs
from tests.server.conftest import FREE

#: What neither opens a store nor asks a server.
OF_NEITHER = {"plan schema", "plan graph", "fake-agent"}
#: What runs until it is told to stop, for either; tests/e2e/test_remote_runners.py types it.
WORKS = {"runner start"}
#: What is told once, and is another one each time; tests/e2e/test_run_tokens.py types it.
ANEW = {"token link"}

#: Every other command, in an order in which each finds something to do; a line may be refused, in the same way.
LINES = """
submit --name a -- true
submit --name b --after a --label k=v --label z=w --shell true
submit --name b2 --label k=v --shell true
submit --name once --idempotency-key key --shell true
submit --name once --idempotency-key key --shell true
submit --name once --idempotency-key key --shell false
submit --retries -5 --shell true
submit --after nothing --shell true
submit --session talk --agent sim --prompt hello
submit plan.json
submit plan.json --fresh
submit nowhere.json
submit plan.json --set tasks.one.timeout=5m
plan check plan.json
plan check bad.json
task list
task list --all --limit 2
task list --label k=v --label z=w
task list --label k=v
task list --state failed --queue default --lane main
task list --session talk
task list --session nobody
task show b
task show ran
task show nobody
task explain b
task explain ran
task logs ran
task logs -f ran
task logs --run ran
task wait ran
task wait b --timeout 50ms
task diff ran
task diff b --stat
task steer b word --no-wait
task interrupt b --no-wait
task cancel a
task cancel a
task cancel --queue plan
task retry ran
task retry b
task remove b
task remove once a
task remove nobody
session send talk more
session send new --agent sim first
session send new --mode collect --cap 3 second
session send new --cap nothing
session steer talk now
session list --state all
session list --state all --limit 1 --reader me
session list --state odd
session show talk
session show nobody
session set talk --cap 4 --on-limit fail
session set made --agent sim --mode steer
session fork talk copy
session read talk --reader me
session trace talk
session output talk
session stop talk
session stop-all talk
session reset talk --discard
session reset new
session stop-all new
session archive made
session archive made --undo
approval list
approval list --state all --task ran
approval list --task nobody
approval show nobody
approval allow nobody
approval deny nobody --reason no
queue start fresh
queue list
queue list --all
queue show fresh
queue show nobody
queue pause fresh
queue resume fresh
queue resume fresh
queue set fresh --slots 3
queue set fresh --on-limit fail
queue set other --slots 2
queue stats default
queue stop fresh
queue reset fresh
lane list
lane set wide 5
lane set narrow 1
lane set narrow unlimited
lane stop wide
lane stop nobody
lane start wide
account list
account show sim
account show nobody
account park sim --for 1h --why rest
account release sim
account release sim
account set sim --limit 2
account set nobody --limit 2
usage
usage --by day --last 1d
runner list
runner invite far
runner revoke nobody
token create ben --scope viewer --expires 30d
token list
token revoke ben
token revoke nobody
db audit --by nobody
""".strip().splitlines()

PLAN = {
    "lanes": {"small": 1},
    "tasks": {"one": {"shell": "true"}, "two": {"shell": "true", "after": ["one"], "lane": "small"}},
}
CONFIG = """
[agents.sim]
command = ["true"]
adapter = "lines"
"""


class Said(NamedTuple):
    """What a command line came to."""

    status: int
    out: Any
    err: Any


async def serve(store: Path, ready: threading.Event, told: dict[str, Any]) -> None:
    """Answer for a store until told to stop."""
    told["loop"], told["stop"] = asyncio.get_running_loop(), asyncio.Event()
    listener = bind("127.0.0.1", 0)
    async with opened(store) as tw:
        told["token"] = (await tw.make_token("ann", TokenScope.ADMIN))[1]
        async with application(tw, rates=FREE) as app, listening(app, listener):
            told["url"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
            ready.set()
            await told["stop"].wait()


def opened(store: Path, slots: int = 0) -> Any:
    """The store as the command line opens it."""
    return open_configured(load({"store.path": str(store)}, surroundings()), taxiway.Settings(slots=slots))


async def seed(store: Path) -> None:
    """A task that has run."""
    async with opened(store, slots=1) as tw, asyncio.timeout(60):
        handle = await tw.submit(shell="echo out; echo err >&2; sleep 0.1; echo more; exit 3", name="ran")
        assert (await handle.wait()).state == "failed"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where everything is typed."""
    (tmp_path / "config" / "taxiway").mkdir(parents=True)
    (tmp_path / "config" / "taxiway" / "taxiway.toml").write_text(CONFIG)
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    (tmp_path / "bad.json").write_text(json.dumps({"tasks": {"one": {"shel": "true"}}}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[dict[str, Any]]:
    """A server of the store ``there.db``."""
    asyncio.run(seed(folder / "there.db"))
    ready, told = threading.Event(), dict[str, Any]()
    thread = threading.Thread(target=lambda: asyncio.run(serve(folder / "there.db", ready, told)))
    thread.start()
    assert ready.wait(60)
    yield told
    told["loop"].call_soon_threadsafe(told["stop"].set)
    thread.join()


def typed(line: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run a command line in this process."""
    capsys.readouterr()
    status = status_of(line)
    said = capsys.readouterr()
    return status, said.out, said.err


class Plain:
    """Takes out of what is said what differs between two stores by itself: ids, times, secrets, places in a page."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """The text with names for ids."""
        text = re.sub(r"txw_[A-Za-z0-9_-]+", "TOKEN", text)
        for found in re.findall(r"\b(?:task|run|sess|tok|runner|sig|msg|appr|proc)_[0-9a-z]{26}", text):
            self._known.setdefault(found, f"<{found.partition('_')[0]} {len(self._known)}>")
        for whole, name in self._known.items():
            text = text.replace(whole, name).replace(short_id(whole), f"short {name}")
        text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", text)
        text = re.sub(r"(here|there)\.db", "STORE", text)
        text = re.sub(r'"idempotency_key": ?"key_[^"]+"', '"idempotency_key": null', text)  # that of the call
        text = re.sub(r'"(tag|\w+_pid|\w+_start|pid)": ?("[^"]+"|\d+)', r'"\1": 0', text)
        return re.sub(r'"cursor": ?"[^"]+"', '"cursor": "PLACE"', text)


def say(line: list[str], capsys: pytest.CaptureFixture[str], plain: Plain) -> Said:
    """What a command line comes to, made comparable."""
    status, out, err = typed(line, capsys)
    return Said(status, plain(out), plain(err))


def commands() -> set[str]:
    """Every command, as it is typed behind ``taxiway``."""
    return {verb.removeprefix("taxiway ") for verb in cli_verbs()}


def of(line: str) -> str:
    """The command of a line."""
    words = line.split()
    return next(" ".join(words[:size]) for size in (2, 1) if " ".join(words[:size]) in commands())


def test_every_command_is_asked_of_a_server_or_says_that_it_cannot_be() -> None:
    """Surface 5: whoever adds a command adds a line here, or a sentence to ONLY_HERE."""
    asked = {of(line) for line in LINES}
    others = set(ONLY_HERE) | OF_NEITHER | WORKS | ANEW
    assert asked | others == commands()
    assert not asked & others


def test_a_server_says_what_its_store_says(
    folder: Path, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Surface 5: every command, with ``--json``: the same document, the same error, the same exit status."""

    async def same_here() -> None:
        await seed(folder / "here.db")
        async with opened(folder / "here.db") as tw:
            await tw.make_token("ann", TokenScope.ADMIN)

    asyncio.run(same_here())
    here, there, differing = Plain(), Plain(), dict[str, list[str]]()
    for line in LINES:
        words = ["--json", *line.split()]
        monkeypatch.delenv("TAXIWAY_URL", raising=False)
        mine = say([*words[:1], "--store", str(folder / "here.db"), *words[1:]], capsys, here)
        monkeypatch.setenv("TAXIWAY_URL", server["url"])
        monkeypatch.setenv("TAXIWAY_TOKEN", server["token"])
        theirs = say(words, capsys, there)
        if theirs != mine:
            lines = [[str(one.status), *one.out.splitlines(), *one.err.splitlines()] for one in (mine, theirs)]
            differing[line] = list(difflib.unified_diff(*lines, "store", "server", lineterm="", n=1))
    assert not differing, "\n".join(f"{line}:\n  " + "\n  ".join(said) for line, said in differing.items())


@pytest.mark.parametrize("command", ONLY_HERE)
def test_what_needs_the_stores_own_machine_says_so(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Surface 5: one sentence, with what to do instead; nothing is opened, and nobody is asked."""
    more = {
        "run": ["plan.json"],
        "ask": ["sim", "hello"],
        "do": ["--", "true"],
        "task apply": ["x"],
        "agent probe": ["x"],
    }
    more |= {"runner drain": ["x"], "workspace remove": ["x"], "db backup": ["x"], "db prune": ["--older-than", "1d"]}
    status, out, err = typed([*command.split(), "--url", "http://127.0.0.1:9", *more.get(command, [])], capsys)
    assert (status, out) == (2, ""), err
    assert ONLY_HERE[command] in err
    assert not (folder / "state").exists()
