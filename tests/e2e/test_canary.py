"""A secret goes through a whole server, and is nowhere afterwards: files, logs, HTTP answers, other processes (I11)."""

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.e2e.conftest import ROOT, CommandLine, Program, until

CANARY = 'c4n4ry/+se?cr&et"q"-ümläut-0123456789'
LEAK = """
import base64, json, os, sys, time, urllib.parse
value = os.environ["T"]
for form in (value, urllib.parse.quote(value, safe=""), json.dumps(value), json.dumps(json.dumps(value))):
    print(form); print(form, file=sys.stderr)
for lead in ("", "x", "xx"):
    print(base64.b64encode((lead + value + "yz").encode()).decode())
raw = value.encode()
for cut in range(1, len(raw), 5):
    sys.stdout.flush(); os.write(1, b"<" + raw[:cut]); time.sleep(0.02); os.write(1, raw[cut:] + b">\\n")
open(sys.argv[1], "w").close()
while not os.path.exists(sys.argv[2]):
    time.sleep(0.02)
"""
SCRIPT: dict[str, Any] = {
    "default": [
        {"think": "about {env.T}"},
        {"tool": {"name": "bash {env.T}", "input": {"command": "echo {env.T}"}, "output": "{env.T}"}},
        {"say": {"text": "it is " + CANARY[:9]}},
        {"say": {"text": CANARY[9:20], "delta": True}},
        {"say": {"text": CANARY[20:] + ", and so on", "delta": True}},
        {"await": "leave"},
        {"done": {"text": "done with {env.T}", "result": {"{env.T}": ["{env.T}"]}}},
    ]
}


def forms() -> dict[str, bytes]:
    """The canary as it may stand somewhere; of base64 the part that is its own in every alignment."""
    raw = CANARY.encode()
    found = {"raw": raw, "url": quote(CANARY, safe="").encode(), "json": json.dumps(CANARY)[1:-1].encode()}
    found["json, not ASCII"] = json.dumps(CANARY, ensure_ascii=False)[1:-1].encode()
    for offset in range(3):
        found[f"base64+{offset}"] = base64.b64encode(b"x" * offset + raw + b"yz")[4:-8]
    return found


def leaks(where: str, data: bytes) -> list[str]:
    """In which forms it stands there."""
    return [f"{where}: {name}" for name, form in forms().items() if form in data]


def in_files(*folders: Path) -> list[str]:
    """Every file below some folders; the one that the secret comes from is nobody else's."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "value"]
    assert any(path.name.endswith("-wal") for path in files) or files
    return [leak for path in files for leak in leaks(str(path), path.read_bytes())]


def in_processes(allowed: set[int]) -> list[str]:
    """Command lines and environments of every process but those that were given the secret, and this one."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in allowed:
            for name in ("cmdline", "environ"):
                try:
                    found += leaks(str(entry / name), (entry / name).read_bytes())
                except OSError:
                    continue
    return found


def given(folder: Path) -> set[int]:
    """The processes that were given the secret, and may hold it: the program, the agent, and this one."""
    holders = {os.getpid()}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            mine = b"TAXIWAY_PROCESS=" in environment and os.fsencode(folder) in line
            if mine and (b"leak.py" in line or b"fakeagent" in line):
                holders.add(int(entry.name))
    return holders


@pytest.fixture
def server(taxiway: CommandLine) -> Iterator[tuple[Program, str, str]]:
    """A real server with a runner, its log in a file, a secret that comes from a file; its address and token."""
    folder = taxiway.folder
    (folder / "value").write_text(CANARY)
    (folder / "leak.py").write_text(LEAK)
    (folder / "script.json").write_text(json.dumps(SCRIPT))
    agent = [sys.executable, "-m", "taxiway", "fake-agent", "--script", str(folder / "script.json")]
    (folder / "taxiway.toml").write_text(
        f'[secrets]\nTOKEN = {{file = "{folder}/value"}}\n[log]\nlevel = "debug"\n'
        f"[agents.fake]\ncommand = {json.dumps(agent)}\n"
        f'env = {{T = "secret://TOKEN", PYTHONPATH = "{ROOT / "src"}"}}\n'
    )
    with (folder / "log.jsonl").open("w") as log:
        program = taxiway.start("--json", "up", "--port", "0", "--slots", "2", "--log", "json", stderr=log)
        assert program.stdout is not None
        stands = json.loads(program.stdout.readline())
        yield program, stands["url"], Path(stands["token_file"]).read_text().strip()
        if program.poll() is None:
            taxiway.interrupt(program)
        program.communicate(timeout=30)


def answers(client: httpx.Client, tasks: list[str]) -> list[str]:
    """Whatever the server says about these tasks and about itself, and what of it leaks."""
    paths = ["/v1/tasks", "/v1/changes", "/v1/metrics-summary", "/metrics", "/v1/openapi.json", "/v1/usage"]
    for task in tasks:
        paths += [f"/v1/tasks/{task}", f"/v1/tasks/{task}/runs", f"/v1/tasks/{task}/explain"]
        runs = client.get(f"/v1/tasks/{task}/runs").json()["items"]
        paths += [f"/v1/runs/{run['id']}/events?limit=500" for run in runs]
    found: list[str] = []
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found += leaks(path, answer.content)
    return found


def test_a_secret_is_nowhere_but_in_the_programs_that_were_given_it(taxiway: CommandLine, server) -> None:
    """I11: while they run and after the server has left; a real program and a real turn of an agent that say it in
    every form and in pieces, refusals that quote what was sent, and a log at its loudest."""
    program, url, token = server
    folder, begun, leave = taxiway.folder, taxiway.folder / "begun", taxiway.folder / "leave"
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30) as client:
        argv = [sys.executable, str(folder / "leak.py"), str(begun), str(leave)]
        work = [
            {"command": argv, "env": {"T": "secret://TOKEN"}, "name": "program"},
            {"prompt": "say it", "agent": "fake", "name": "turn", "cwd": str(folder)},
        ]
        tasks = [client.post("/v1/tasks", json=one).json()["id"] for one in work]
        typed = {"command": ["echo", CANARY], "env": {"E": CANARY}, "labels": {"l": CANARY}, "delay": 300}
        tasks.append(client.post("/v1/tasks", json=typed).json()["id"])
        until(begun.exists, "the program has leaked what it can")
        until(lambda: said(client, tasks[1]), "the agent has said it")
        allowed = given(folder)
        assert in_processes(allowed) == []
        assert len(allowed) == 3, "the program and the agent were seen to have it"
        assert in_files(folder) == []
        leave.touch()
        ended = [until(lambda task=task: over(client, task), "it ended") for task in tasks[:2]]
        assert [task["state"] for task in ended] == ["completed", "completed"], ended
        assert ended[0]["output"].count("[redacted]") == 4 + 3 + len(range(1, len(CANARY.encode()), 5))
        assert ended[1]["output"] == "done with [redacted]"
        assert answers(client, tasks) == []
        assert messages(client, tasks[1]) == "it is [redacted], and so on", "also where it was cut"
    taxiway.interrupt(program)
    program.wait(30)
    assert in_files(folder) == []
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    events = {line["event"] for line in lines}
    assert {"run.claimed", "run.finished", "turn.begun", "turn.ended", "tool.called", "request.served"} <= events
    assert any(line.get("tool") == "bash [redacted]" for line in lines)


def messages(client: httpx.Client, task: str) -> str:
    """What the agent has said, put together again."""
    [run] = client.get(f"/v1/tasks/{task}/runs").json()["items"]
    events = client.get(f"/v1/runs/{run['id']}/events?limit=500").json()["items"]
    return "".join(event["data"]["text"] for event in events if event["type"] == "message")


def said(client: httpx.Client, task: str) -> bool:
    """Whether the agent's run has come to its tool's result and its words."""
    runs = client.get(f"/v1/tasks/{task}/runs").json()["items"]
    events = client.get(f"/v1/runs/{runs[0]['id']}/events").json()["items"] if runs else []
    return sum(event["type"] == "message" for event in events) >= 2


def over(client: httpx.Client, task: str) -> dict[str, Any] | None:
    """The task once it has ended."""
    found: dict[str, Any] = client.get(f"/v1/tasks/{task}").json()
    return found if found["finished_at"] else None
