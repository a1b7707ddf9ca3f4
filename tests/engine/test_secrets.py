"""Declared secrets never reach the store, whatever way they take (I11)."""

import base64
import json
import logging
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

import taxiway
from taxiway import EventType, Settings
from taxiway.app import open_configured
from taxiway.config import Surroundings, load
from taxiway.core.plan import Plan
from taxiway.core.task import TaskSpec
from tests.engine.conftest import Bench, ended, said

CANARY = 'c4n4ry/+se?cr&et "q" ümläut-0123456789'


def forms(value: str) -> dict[str, bytes]:
    """The value in every encoding that a program may print."""
    raw = value.encode()
    found = {"raw": raw, "url": quote(value, safe="").encode(), "json": json.dumps(value)[1:-1].encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + raw + b"yz")
        found[f"base64+{offset}"] = encoded[4:-8]
    return found


def grep(folder: Path, value: str = CANARY) -> list[str]:
    """Which files beside the store hold the value in which encoding."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name.startswith("store")]
    assert files
    return [
        f"{path.name}: {name}" for path in files for name, form in forms(value).items() if form in path.read_bytes()
    ]


@pytest.fixture
async def guarded(bench: Bench, caplog):
    """A store whose runner knows one secret; afterwards no file of it holds the canary."""
    caplog.set_level(logging.DEBUG)

    def leak(how: str, value: str):
        match how:
            case "result":
                return {value: [value]}
            case "error":
                raise ValueError(f"cannot use {value}")
        raise AssertionError(how)

    settings = {"secrets": {"TOKEN": CANARY, "OTHER": "another-one"}, "jobs": {"leak": leak}}
    async with bench.open(**settings) as tw:
        yield tw
        assert grep(bench.folder) == []  # with its WAL, before the last checkpoint
    assert grep(bench.folder) == []
    for form in forms(CANARY).values():
        assert form.decode() not in caplog.text


async def test_a_program_gets_the_secret_and_the_store_does_not(guarded, bench) -> None:
    """I11: resolved at the start from secret://NAME; what it prints of it is masked, in order, beside the rest."""
    show = f'printf \'%s\' "$T" > \'{bench.folder}/seen\'; echo "<$T>"; echo "<$T>" >&2'
    handle = await guarded.submit(shell=show, env={"T": "secret://TOKEN"})
    assert (await ended(handle)).output == "<[redacted]>\n"
    assert bench.file("seen").read_text() == CANARY
    bench.file("seen").unlink()
    texts = [event.data["text"] async for event in handle.events() if event.type is EventType.OUTPUT]
    assert sorted(texts) == ["<[redacted]>\n", "<[redacted]>\n"]
    assert (await handle.get()).spec.env == {"T": "secret://TOKEN"}


async def test_a_secret_split_over_writes_is_found(guarded) -> None:
    """I11: at every byte boundary of it, with the two halves in different writes."""
    program = (
        "import os,sys,time\nvalue = os.environb[b'T']\n"
        "for cut in range(1, len(value), 7):\n"
        "    os.write(1, b'<' + value[:cut]); time.sleep(0.03); os.write(1, value[cut:] + b'>')\n"
    )
    handle = await guarded.submit(command=[sys.executable, "-c", program], env={"T": "secret://TOKEN"})
    task = await ended(handle)
    count = len(range(1, len(CANARY.encode()), 7))
    assert task.output == "<[redacted]>" * count


async def test_encodings_of_a_secret_are_found(guarded) -> None:
    """I11: base64 at each offset, URL, JSON (the fixture greps for all of them)."""
    program = (
        "import base64, json, os, urllib.parse\nvalue = os.environ['T']\n"
        "for lead in ('', 'x', 'xx'): print(base64.b64encode((lead + value + 'yz').encode()).decode())\n"
        "print(urllib.parse.quote(value, safe='')); print(json.dumps(value))\n"
    )
    task = await ended(await guarded.submit(command=[sys.executable, "-c", program], env={"T": "secret://TOKEN"}))
    assert task.output.count("[redacted]") == 5


async def test_a_secret_that_is_written_into_a_task_is_masked_before_it_is_stored(guarded) -> None:
    """I11: in args, env, stdin, labels, metadata, keys."""
    await guarded.submit(
        command=["echo", f"--token={CANARY}"],
        env={"E": CANARY},
        stdin=CANARY,
        labels={"l": CANARY[:20] + "x", "m": CANARY},
        metadata={"deep": [{"er": CANARY}], CANARY: 1},
        idempotency_key=CANARY,
        delay=300,
    )
    await guarded.cancel_all()


async def test_errors_results_and_tracebacks_are_masked(guarded) -> None:
    """I11: what a job returns or raises, and what the system says about a program."""
    result = await ended(await guarded.submit(job="leak", args={"how": "result", "value": "x"}))
    assert result.state == "completed"
    spec = {"template": True, "after": ["seed"]}
    await guarded.submit(shell='printf %s "$T"', env={"T": "secret://TOKEN"}, name="seed")
    handle = await guarded.submit(job="leak", args={"how": "error", "value": "${{ seed.output }}"}, **spec)
    assert (await ended(handle)).error == "ValueError: cannot use [redacted]"
    missing = await ended(await guarded.submit(command=["./no-${{ seed.output }}"], **spec))
    assert missing.reason == "spawn_error"


async def test_what_a_job_reads_elsewhere_is_masked_too(bench) -> None:
    """I11: the value did not come from the task at all."""

    def leak(how: str) -> dict:
        if how == "error":
            raise ValueError(CANARY)
        return {CANARY: [CANARY, {"x": CANARY}]}

    async with bench.open(secrets={"T": CANARY}, jobs={"leak": leak}) as tw:
        handle = await tw.submit(job="leak", args={"how": "error"})
        assert (await ended(handle)).error == "ValueError: [redacted]"
        [text] = [event.data["text"] async for event in handle.events() if event.type is EventType.ERROR]
        assert "[redacted]" in text
        result = (await ended(await tw.submit(job="leak", args={"how": "result"}))).result
        assert result == {"[redacted]": ["[redacted]", {"x": "[redacted]"}]}
        assert grep(bench.folder) == []
    assert grep(bench.folder) == []


async def test_an_unknown_secret_fails_the_task_before_anything_runs(guarded) -> None:
    """I11: named in the error, so one can declare it."""
    task = await ended(await guarded.submit(command=["env"], env={"T": "secret://NOBODY"}))
    assert (task.state, task.reason, task.output) == ("failed", "spawn_error", None)
    assert "NOBODY" in task.error


async def test_output_is_still_live_while_secrets_are_scrubbed(guarded, bench) -> None:
    """I11: what is held back is shorter than a secret, and is released at the end."""
    gate = bench.gate()
    line = "x" * 500
    handle = await guarded.submit(shell=f"echo {line}; {gate.wait}; printf end")
    await said(handle, "x" * 100)
    assert (await handle.get()).state == "running"
    gate.open()
    assert (await ended(handle)).output == line + "\nend"


async def test_a_backup_and_the_change_log_hold_no_secret(guarded, bench) -> None:
    """I11."""
    await ended(await guarded.submit(shell="echo $T", env={"T": "secret://TOKEN"}))
    await guarded.store.backup(str(bench.folder / "store-backup.db"))
    assert "store-backup.db" in {path.name for path in bench.folder.iterdir()}
    text = repr(await guarded.store.changes(0, 1000))
    assert CANARY not in text
    with pytest.raises(taxiway.Error):
        await guarded.store.backup(str(bench.folder / "store-backup.db"))


@pytest.fixture
def configured(bench: Bench, monkeypatch):
    """Opens the store without a runner, as the command line does where secrets are declared."""
    (bench.folder / "value").write_text("from-a-file-0123\n")
    (bench.folder / "taxiway.toml").write_text(
        '[secrets]\nTOKEN = {env = "DOOR_TOKEN"}\n'
        f'filed = {{file = "{bench.folder}/value"}}\nabsent = {{env = "NOT_SET_HERE"}}\n'
        f'asked = {{command = ["touch", "{bench.folder}/asked"]}}\n'
    )
    monkeypatch.setenv("DOOR_TOKEN", CANARY)
    around = Surroundings({}, bench.folder, bench.folder / "none", bench.folder, 2)
    loaded = load({"store.path": str(bench.path)}, around)
    return lambda: open_configured(loaded, Settings(slots=0, project=""))


async def test_what_is_typed_at_a_door_without_a_runner_is_scrubbed(configured, bench) -> None:
    """I11: as far as the values can be had at once; no command is run for it, and what is missing is no error."""
    async with configured() as tw:
        task = await (await tw.submit(command=["echo", f"--token={CANARY}"], env={"E": "from-a-file-0123"})).get()
        assert (task.spec.command[1], task.spec.env) == ("--token=[redacted]", {"E": "[redacted]"})
        assert grep(bench.folder) == []
    assert not (bench.folder / "asked").exists()
    assert grep(bench.folder) == grep(bench.folder, "from-a-file-0123") == []


@pytest.mark.parametrize("variable", ["TOKEN", "DOOR_TOKEN", "asked", "absent", "NOT_SET_HERE"])
async def test_a_value_under_a_declared_secrets_name_is_refused(configured, variable) -> None:
    """I11: whether the value is known here or not; the refusal says what to write, and nothing is stored."""
    async with configured() as tw:
        before = await tw.store.last_version()
        task = TaskSpec(name="t", queue="p", command=("env",), env={variable: "typed-value"})
        for write in (
            tw.submit(command=["env"], env={variable: "typed-value"}),
            tw.run_plan(Plan(queue="p", project="/p", source="p.yaml", tasks=(task,))),
        ):
            with pytest.raises(taxiway.Invalid) as refused:
                await write
            [problem] = refused.value.problems
            assert problem.field.endswith(f"env.{variable}")
            assert "secret://" in problem.hint
            assert "typed-value" not in repr(refused.value.to_json())
        assert await tw.store.last_version() == before


async def test_references_placeholders_and_nothing_at_all_are_taken(configured) -> None:
    """I11: none of them is a value that somebody typed."""
    async with configured() as tw:
        await tw.submit(command=["true"], name="a", delay=300)
        for value in ("secret://TOKEN", "", "${{ a.output }}"):
            await tw.submit(command=["env"], env={"TOKEN": value}, template=True, after=["a"])
        await tw.cancel_all()


async def test_what_another_task_has_put_out_names_no_secret(guarded) -> None:
    """I11, 4.5: a reference stands in the task itself; one that a placeholder brings is text."""
    said = await guarded.submit(name="said", shell="printf secret://OTHER")
    env = {"TAKEN": "${{ said.output }}"}
    told = await guarded.submit(shell='printf "%s" "$TAKEN"', template=True, after=["said"], env=env)
    assert (await ended(said)).output == (await ended(told)).output == "secret://OTHER"
