"""Outputs passed on by templates, and the run log: numbered, in order, capped, complete."""

import sys

import pytest

from taxiway import EventType
from tests.engine.conftest import ended, said

HOSTILE = "$(touch pwned) `touch pwned` '; touch pwned; \" \\ ${HOME} * ? ~ #\n two  spaces\t\n-n"


async def test_a_hostile_output_stays_one_word_wherever_it_is_put(tw, bench) -> None:
    """Semantics, Templates: as an argument, in env, on stdin and in a shell it is text and never code."""
    a = await tw.submit(command=[sys.executable, "-c", f"print({HOSTILE!r})"], name="a")
    show = "import sys; sys.stdout.write(repr(sys.argv[1:]))"
    spec = {"after": ["a"], "template": True, "cwd": str(bench.folder)}
    argument = await tw.submit(command=[sys.executable, "-c", show, "x${{ a.output }}y"], **spec)
    shell = await tw.submit(shell='printf "[%s]" ${{ a.output }} "<${{ a.output }}>"', **spec)
    env = await tw.submit(shell='printf %s "$V"', env={"V": "${{ a.output }}"}, **spec)
    stdin = await tw.submit(command=["cat"], stdin="${{ a.output }}|${{ a.exit_code }}", **spec)
    assert (await ended(argument)).output == repr(["x" + HOSTILE + "y"])
    assert (await ended(shell)).output == f"[{HOSTILE}][<{HOSTILE}>]"
    assert (await ended(env)).output == HOSTILE
    assert (await ended(stdin)).output == HOSTILE + "|0"
    assert not bench.file("pwned").exists()
    assert (await ended(a)).state == "completed"


async def test_a_jobs_result_is_passed_on_by_its_path(bench) -> None:
    """Semantics, Templates: result.path, numbers as JSON; a path that is not there fails that task only."""

    def make() -> dict:
        return {"files": ["a.py", "b.py"], "count": 2, "deep": {"er": True}}

    async with bench.open(jobs={"make": make}) as tw:
        await tw.submit(job="make", name="m")
        spec = {"after": ["m"], "template": True}
        good = await tw.submit(
            command=["echo", "${{ m.result.files.1 }}", "${{ m.result.count }}", "${{ m.result.deep }}"], **spec
        )
        bad = await tw.submit(command=["echo", "${{ m.result.nothing }}"], **spec)
        assert (await ended(good)).output == 'b.py 2 {"er":true}\n'
        task = await ended(bad)
        assert (task.state, task.reason) == ("failed", "spawn_error")
        assert "no 'nothing'" in task.error


async def test_what_was_rendered_stands_in_the_run_log(tw) -> None:
    """Semantics, Templates: rendered text is stored, so one sees what ran."""
    await tw.submit(command=["echo", "hello"], name="a")
    handle = await tw.submit(command=["echo", "<${{ a.output }}>"], after=["a"], template=True)
    assert (await ended(handle)).output == "<hello>\n"
    events = [event async for event in handle.events()]
    [rendered] = [event for event in events if event.type is EventType.STATUS]
    assert rendered.data == {"phase": "rendered", "command": ["echo", "<hello>"]}


async def test_output_is_stored_byte_for_byte_in_order(tw) -> None:
    """I4, fault 33: bytes that are no UTF-8 stay as they are; the text beside them is safe to show."""
    raw = bytes(range(256)) * 3 + "grüße \N{SNOWMAN}".encode()
    program = f"import sys; sys.stdout.buffer.write({raw!r})"
    handle = await tw.submit(command=[sys.executable, "-c", program])
    task = await ended(handle)
    events = [event async for event in handle.events()]
    assert b"".join(event.body for event in events if event.type is EventType.OUTPUT) == raw
    assert "\0" not in task.output
    assert "grüße \N{SNOWMAN}" in task.output


async def test_output_past_its_cap_is_drained_counted_and_told(bench) -> None:
    """Issue 2, fault 31, DB14: stored up to the cap, one log.truncated, the program is never blocked."""
    async with bench.open(run_output_bytes_max=100_000) as tw:
        handle = await tw.submit(shell="head -c 3000000 /dev/zero | tr '\\0' x; echo end")
        task = await ended(handle)
        events = [event async for event in handle.events()]
    assert task.state == "completed"
    assert task.output.endswith("xxx" + "end\n")
    stored = sum(len(event.body) for event in events)
    assert stored == 100_000
    types = [event.type for event in events]
    assert types.count(EventType.LOG_TRUNCATED) == 1
    assert EventType.OUTPUT not in types[types.index(EventType.LOG_TRUNCATED) :]
    [told] = [event for event in events if event.type is EventType.STATUS]
    assert told.data == {"phase": "output", "dropped_bytes": 3_000_004 - 100_000}


async def test_the_last_64_kib_of_stdout_are_the_tasks_output(tw) -> None:
    """Surface 3: the tail, not the head."""
    task = await ended(await tw.submit(shell="seq 1 30000"))
    assert len(task.output.encode()) == 64 << 10
    assert task.output.endswith("29999\n30000\n")


async def test_no_event_is_larger_than_64_kib(tw) -> None:
    """Surface 8, fault 32: one line of a megabyte is split, and nothing of it is lost."""
    handle = await tw.submit(shell="head -c 1000000 /dev/zero | tr '\\0' y")
    await ended(handle)
    sizes = [len(event.body) async for event in handle.events() if event.type is EventType.OUTPUT]
    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 64 << 10


async def test_output_can_be_watched_while_the_program_runs(tw, bench) -> None:
    """DB14: output is streamed, not kept until the end."""
    gate = bench.gate()
    handle = await tw.submit(shell=f"echo first; {gate.wait}; echo second")
    assert await said(handle, "first") == "first\n"
    assert (await handle.get()).state == "running"
    gate.open()
    assert (await ended(handle)).output == "first\nsecond\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_each_stream_is_told_by_its_name(tw, stream) -> None:
    """B10."""
    handle = await tw.submit(shell="echo here >&2" if stream == "stderr" else "echo here")
    await ended(handle)
    events = [event async for event in handle.events() if event.type is EventType.OUTPUT]
    assert [(event.data["stream"], event.data["text"]) for event in events] == [(stream, "here\n")]
