"""A server's verbs in Python are those of a store: the same names and arguments, records and errors."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import taxiway
from taxiway.client.remote import RemoteTaxiway
from taxiway.core.errors import Unauthorized
from taxiway.server.listening import bind, listening
from taxiway.up import application
from taxiway.verbs import Taxiway
from tests.server.conftest import FREE

#: Verbs that need the store's own machine, or are the process's own.
ONLY_IN_PROCESS = {
    *("on_behalf_of", "drain"),
    *("make_link", "sign_out"),  # for the bearer of a token that is named; a server makes them for who asks
    *("apply_diff", "forget_diffs", "workspaces", "remove_workspace"),
}


@pytest.fixture
async def remote(served: str, token: str) -> AsyncIterator[RemoteTaxiway]:
    """The server, as a program elsewhere has it."""
    async with taxiway.connect(served, token=token) as connected:
        yield connected


def test_every_verb_is_there_with_the_same_arguments() -> None:
    """Surface 7: what works in process works with a server."""
    here, there = (
        {name: verb for name, verb in inspect.getmembers(of, inspect.isfunction) if name[0] != "_"}
        for of in (Taxiway, RemoteTaxiway)
    )
    assert here.keys() - there.keys() == ONLY_IN_PROCESS
    for name in here.keys() & there.keys():
        assert inspect.signature(here[name]) == inspect.signature(there[name]), name


async def test_a_task_is_the_same_record(tw: Taxiway, remote: RemoteTaxiway) -> None:
    """Surface 7: all that its document tells."""
    handle = await remote.submit(shell="true", name="lint", labels={"a": "1"}, after=[], retries=2)
    here, there = await tw.task("lint"), await remote.task("lint")
    assert there == taxiway_task(here)
    assert (await handle.get()).id == here.id
    assert [task.id for task in (await remote.tasks(taxiway.TaskFilter(lane="main"))).items] == [here.id]
    assert await remote.explain("lint") == await tw.explain("lint")
    assert (await handle.cancel()).state is taxiway.TaskState.CANCELLED
    assert (await remote.wait("lint", 5)).ended
    (again,) = await remote.retry("lint")
    assert (await again.get()).retry_of == here.id
    assert await remote.remove(here.id)


def taxiway_task(task: taxiway.Task) -> taxiway.Task:
    """The task without what only the store has use for."""
    fields = {name: getattr(task, name) for name in task.__struct_fields__}
    return taxiway.Task(**fields | {"seq": 0, "tenant": "", "fence": 0, "crashes": 0, "unmet": 0, "session": None})


async def test_a_refusal_is_the_same_error(remote: RemoteTaxiway) -> None:
    """Surface 7: one tree, with every fault and every id concerned."""
    with pytest.raises(taxiway.NotFound):
        await remote.task("task_" + "0" * 26)
    with pytest.raises(taxiway.Invalid) as error:
        await remote.submit(shel="true")
    assert error.value.problems[0].field
    with pytest.raises(taxiway.IllegalTransition):
        await remote.move_queue("default", "resume")
    await remote.submit(shell="true", idempotency_key="k")
    with pytest.raises(taxiway.IdempotencyMismatch):
        await remote.submit(shell="false", idempotency_key="k")


async def test_another_token_is_refused(served: str) -> None:
    """4.14: and never tried again."""
    async with taxiway.connect(served, token="txw_x") as nobody:
        with pytest.raises(Unauthorized):
            await nobody.queues()


async def test_a_session_is_talked_to(tw: Taxiway, remote: RemoteTaxiway) -> None:
    """Surface 7: the same handle."""
    box = await remote.session("fixer", agent="a", mailbox={"cap": 2})
    sent = await box.send("look at the tests")
    assert (sent.disposition, (await sent.task.get()).spec.prompt) == ("ready", "look at the tests")
    second = await box.send("and at the docs")
    assert (second.disposition, second.position) == ("waiting", 1)
    assert [task.id for task in await box.tasks()] == [sent.task.id, second.task.id]
    counts = await box.stop_all()
    assert (counts.running, counts.waiting) == (0, 2)
    assert (await box.read("me")).attention == "read"
    assert [one.key for one in (await remote.sessions(state="all")).items] == ["fixer"]
    assert (await tw.session("fixer")).id == box.id


async def test_a_run_is_watched_to_its_end(tmp_path: Path) -> None:
    """I4: every event once, in order, and the end, from a runner that works meanwhile."""
    listener = bind("127.0.0.1", 0)
    async with taxiway.open(tmp_path / "r.db", slots=1, project="p") as tw:
        _, text = await tw.make_token("ann")
        async with application(tw, rates=FREE) as app, listening(app, listener):
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with taxiway.connect(url, token=text) as remote, asyncio.timeout(60):
                handle = await remote.submit(shell="for i in 1 2 3; do echo $i; done")
                events = [event async for event in handle.events()]
                ended = await handle.wait()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].type is taxiway.EventType.RUN_FINISHED
    assert (ended.state, ended.output) == (taxiway.TaskState.COMPLETED, "1\n2\n3\n")


def test_the_same_without_await(tmp_path: Path) -> None:
    """Surface 7: a portal."""
    with pytest.raises(taxiway.Unavailable), taxiway.connect_sync("http://127.0.0.1:9", token="txw_x") as tw:
        tw.queues()
