"""The log and the audit of a real server, as whoever operates it has them."""

import json
from pathlib import Path

import httpx

from tests.e2e.conftest import CommandLine


def test_every_line_is_one_object_from_the_first_to_the_last(taxiway: CommandLine) -> None:
    """`taxiway up --log json`: standard error holds nothing else; the export names who did what by which request."""
    program = taxiway.start("--json", "up", "--port", "0", "--slots", "1", "--log", "json")
    assert program.stdout is not None
    stands = json.loads(program.stdout.readline())
    token = Path(stands["token_file"]).read_text().strip()
    headers = {"authorization": f"Bearer {token}", "x-request-id": "mine-1"}
    with httpx.Client(base_url=stands["url"], headers=headers) as client:
        made = client.post("/v1/queues", json={"name": "q"})
        assert made.status_code == 201, made.text
        assert client.get("/v1/tasks/none-such").status_code == 404
    taxiway.interrupt(program)
    _, log = program.communicate(timeout=30)
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"time", "level", "logger", "event"} <= line.keys() for line in lines)
    served = [(line["route"], line["status"], line["request"]) for line in lines if line["event"] == "request.served"]
    assert served == [("/v1/tasks/{task}", 404, "mine-1")], "what was answered well is for the level debug"
    exported = [json.loads(line) for line in taxiway("--json", "db", "audit", "--by", "owner").stdout.splitlines()]
    assert [(one["kind"], one["id"], one["cause"], one["request"]) for one in exported] == [
        ("queue", "q", "made", "mine-1")
    ]
    assert "queue q running: made by owner in request mine-1" in taxiway("db", "audit").stdout


def test_traces_without_opentelemetry_are_refused_with_what_to_install(taxiway: CommandLine) -> None:
    """An extra that is missing is said before anything begins."""
    (taxiway.folder / "opentelemetry.py").write_text("raise ModuleNotFoundError('none here', name='opentelemetry')\n")
    paths = f"{taxiway.folder}:{taxiway.environ['PYTHONPATH']}"
    environ = {"TAXIWAY_SERVER_TRACES": "true", "PYTHONPATH": paths}
    done = taxiway("up", "--port", "0", "--slots", "0", environ=environ)
    assert done.returncode == 2
    assert "install 'taxiway[otel]'" in done.stderr
