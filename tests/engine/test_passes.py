"""Runs find their server and their own token, in a file that lives as long as they do (4.5, semantics "Processes")."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import taxiway
from taxiway.core.runtoken import run_token
from tests.engine.acting import Stage
from tests.engine.conftest import DEADLINE_S, Bench, ended

URL = "http://127.0.0.1:8787"
LOOK = (
    'echo "$TAXIWAY_URL"; stat -c %a "$TAXIWAY_TOKEN_FILE"; '
    'sha256sum < "$TAXIWAY_TOKEN_FILE"; cat "$TAXIWAY_TOKEN_FILE"'
)


async def token_of(tw: taxiway.Taxiway, run: str, fence: int) -> str:
    """What it had."""
    return run_token(await tw.store.run_key(bytes(32)), run, fence)


async def test_a_command_finds_its_token_in_a_file_and_what_it_prints_of_it_is_scrubbed(tmp_path: Path) -> None:
    """I11: in no form in what is stored; of the file nothing is left."""
    forms = 'python3 -c \'import os,base64; t=open(os.environ["TAXIWAY_TOKEN_FILE"]).read().strip(); '
    forms += "print(t[:40], end=str(), flush=True); print(t[40:]); print(base64.b64encode(t.encode()).decode())'"
    async with taxiway.open(tmp_path / "s.db", slots=1, server_url=URL) as tw:
        task = await tw.wait((await tw.submit(shell=f"{LOOK}; {forms}; env | grep -c TAXIWAY_TOKEN=")).id)
        (run,) = await tw.runs(task.id)
        token = await token_of(tw, run.id, run.fence)
        lines = (task.output or "").splitlines()
        assert lines[:2] == [URL, "600"]
        assert lines[2].split()[0] == hashlib.sha256(f"{token}\n".encode()).hexdigest()
        assert lines[3:5] == ["[redacted]", "[redacted]"]
        assert lines[-1] == "0"
        assert token[40:60] not in (task.output or "")
        assert not list(tmp_path.rglob("*.tokens/*"))
    secret = token[31:].encode()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert not list(tmp_path.rglob("*.tokens"))


async def test_without_a_server_there_is_none(tmp_path: Path) -> None:
    """4.5: nobody would take it."""
    async with taxiway.open(tmp_path / "s.db", slots=1) as tw:
        task = await tw.wait((await tw.submit(shell="env | grep -E 'TAXIWAY_(URL|TOKEN)' || echo none")).id)
    assert task.output == "none\n"


async def test_a_task_that_names_another_server_is_shown_no_token(tmp_path: Path) -> None:
    """4.5: a token is shown to its own server, and another one's token not to this."""
    look = "env | grep -c -E 'TAXIWAY_(URL|TOKEN_FILE)='"
    async with taxiway.open(tmp_path / "s.db", slots=1, server_url=URL) as tw:
        elsewhere = await tw.submit(shell=look, env={"TAXIWAY_URL": "https://other.example"})
        own = await tw.submit(shell=look, env={"TAXIWAY_TOKEN": "txw_other"})
        outputs = [(await tw.wait(one.id)).output for one in (elsewhere, own)]
    assert outputs == ["1\n", "0\n"]


async def test_each_turn_of_a_session_finds_its_own_token_in_one_process(bench: Bench, stage: Stage) -> None:
    """Semantics, "Processes": the token travels in a file that is renewed per turn, for the process outlives it."""
    seen, go = bench.file("seen"), bench.file("go")
    script = {
        "default": [
            {"write": {"file": str(seen), "text": "{env.TAXIWAY_TOKEN_FILE}\n", "append": True}},
            {"await": {"file": str(go)}},
            {"say": "{env.TAXIWAY_URL} {env.TAXIWAY_TOKEN}"},
        ]
    }
    found = []
    async with bench.open(agents={"fake": stage.agent(script)}, server_url=URL) as tw:
        box = await tw.session("box", agent="fake")
        for number in range(2):
            sent = await box.send(f"message {number}")
            await until(lambda wanted=number: seen.exists() and len(seen.read_text().splitlines()) > wanted)
            path = Path(seen.read_text().splitlines()[-1])
            token = path.read_text().strip()
            [run] = await tw.runs(sent.task.id)
            assert token == await token_of(tw, run.id, run.fence)
            found.append((path, token))
            go.touch()
            assert (await ended(sent.task)).output == f"{URL} "
            assert not path.exists()
            go.unlink()
        assert len(stage.pids()) == 1
    assert (found[0][0] == found[1][0], found[0][1] == found[1][1]) == (True, False)


async def until(holds: Callable[[], bool]) -> None:
    """Look until it holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.02)
