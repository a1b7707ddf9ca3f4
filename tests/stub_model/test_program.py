"""The stub as a program, and in a thread beside a test that blocks."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.stub_model.clients import CLIENTS, KEY
from tests.stub_model.record import Outcome
from tests.stub_model.thread import stub_in_thread

ROOT = Path(__file__).resolve().parents[2]
CHAT = CLIENTS[2]


def call(method: str, url: str, body: object = None) -> object:
    """One request, blocking."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"authorization": f"Bearer {KEY}"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_the_program_serves_tells_and_ends(tmp_path: Path) -> None:
    """Its first line is its address; faults and requests go over HTTP; each exchange is a line of its log."""
    log = tmp_path / "log"
    argv = [sys.executable, "-m", "tests.stub_model", "--log", str(log), "--default", "say hello"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        call("POST", f"{url}/_stub/faults", {"script": "say other", "requests": 1})
        said = [call("POST", f"{url}{CHAT.path(False)}", CHAT.ask("hi", False)) for _ in range(2)]
        assert [one["choices"][0]["message"]["content"] for one in said] == ["other", "hello"]  # type: ignore[index]
        told = call("GET", f"{url}/_stub/requests")
        assert [one["why"] for one in told] == ["fault", "turn 0"]  # type: ignore[attr-defined]
        call("DELETE", f"{url}/_stub")
        assert call("GET", f"{url}/_stub/requests") == []
        program.terminate()
        assert program.wait(30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["outcome"], line["account"]) for line in lines] == [("answered", KEY)] * 2


def test_a_test_that_blocks_has_a_stub_beside_it() -> None:
    """In a thread, with what it saw."""
    with stub_in_thread() as stub:
        call("POST", stub.url + CHAT.path(False), CHAT.ask("[[stub: say a]]", False))
    assert [exchange.outcome for exchange in stub.requests] == [Outcome.ANSWERED]
