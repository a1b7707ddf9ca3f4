"""Every verb as a program uses it, for type checkers: with a store of its own, with a server, and with either.

Nothing here is run; what a type checker says of it is the promise that editors and users rely on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import assert_type

import taxiway
from taxiway.client.verbs import Verbs
from taxiway.core.account import Account
from taxiway.core.agent import AgentReport
from taxiway.core.change import Change
from taxiway.core.lane import Lane
from taxiway.core.queue import Queue, QueueStats
from taxiway.core.readiness import Obstacle
from taxiway.core.session import Attention, RunSignal, Stopped
from taxiway.core.statistics import Summary
from taxiway.core.token import Token, TokenScope
from taxiway.core.usage import UsageLine
from taxiway.core.workspace import Applied, Found, Left, TaskDiff
from taxiway.doors import Speaking
from taxiway.store.protocol import ApprovalPage, PlanAdmitted, Runner, SessionPage, Submitted, TaskPage


async def with_a_store() -> None:
    """A store, with a runner in this process."""
    async with taxiway.open("work.db", slots=2, project="/repo") as tw:
        await with_either(tw)
        assert_type(await tw.apply_diff("fix", Path(), check=True), Applied)
        assert_type(await tw.workspaces(), list[Found])
        assert_type(await tw.remove_workspace("wt_1"), Left)
        assert_type(await tw.forget_diffs(), int)
        assert_type(tw.on_behalf_of(Speaking(actor="ann")), taxiway.Taxiway)
        assert_type(await tw.make_link("ann"), tuple[Token, str])
        assert_type(await tw.sign_out("tok_x"), Token)
        await tw.drain()


async def with_a_server(token: str) -> None:
    """A server, wherever it is."""
    async with taxiway.connect("https://agents.example", token=token, ca_file=Path("ca.pem"), proxy=None) as tw:
        await with_either(tw)
        async for event in tw.run_events("run_1", after=3):
            assert_type(event, taxiway.Event)
        async for change in tw.changes(0):
            assert_type(change, Change)


async def with_either(tw: Verbs) -> None:
    """What a program may do that does not know which of them it has."""
    await tasks(tw)
    await sessions(tw)
    await the_rest(tw)


async def tasks(tw: Verbs) -> None:
    """Submitting, looking, waiting, following, ending."""
    lint = await tw.submit(command=["ruff", "check", "."])
    assert_type(lint, taxiway.TaskHandle)
    many = await tw.submit_many([{"shell": "true"}, {"prompt": "Fix it", "agent": "codex", "after": [lint]}])
    assert_type(many, list[taxiway.TaskHandle])
    assert_type(await tw.admit({"shell": "true"}), Submitted)
    assert_type(await tw.run_plan(taxiway.read_plan("plan.yaml"), fresh=True), PlanAdmitted)
    assert_type(await tw.task(lint.id), taxiway.Task)
    page = await tw.tasks(taxiway.TaskFilter(queue="default"), limit=10)
    assert_type(page, TaskPage)
    assert_type(page.cursor, str | None)
    assert_type(await tw.count_tasks(), int)
    assert_type((await tw.wait(lint.id, timeout_s=60)).state, taxiway.TaskState)
    runs = await tw.runs(lint.id)
    assert_type(runs, list[taxiway.Run])
    assert_type(await tw.run_log(runs[-1].id, after=3), list[taxiway.Event])
    async for event in tw.events(lint.id):
        assert_type(event.type, taxiway.EventType)
    version = await tw.newest_version()
    async for changes in tw.change_pages(version, gather_s=0.1):
        assert_type(changes, list[Change])
    assert_type(await tw.cancel(lint.id), taxiway.Task)
    assert_type(await tw.cancel_all(queue="default"), int)
    assert_type(await tw.retry(lint.id), list[taxiway.TaskHandle])
    assert_type(await tw.remove(lint.id), bool)
    assert_type(await tw.explain(lint.id), list[Obstacle])
    assert_type(await tw.steer(lint.id, "only the first file"), taxiway.Receipt)
    assert_type(await tw.interrupt(lint.id), taxiway.Receipt)
    assert_type(await tw.diff(lint.id), TaskDiff)
    assert_type(await tw.read(lint.id, "ann"), taxiway.Task)
    assert_type(await tw.attention(page.items, "ann"), dict[str, Attention])
    assert_type(await tw.signal(runs[-1].id, "steer", "only the first file"), taxiway.Receipt)
    assert_type(await tw.signals(runs[-1].id, after=1), list[RunSignal])
    assert_type(await tw.cancel_signal("sig_1"), RunSignal)
    await one_task(lint)


async def one_task(handle: taxiway.TaskHandle) -> None:
    """The same through a handle."""
    assert_type(handle.id, str)
    assert_type(handle.created, bool)
    assert_type(await handle.get(), taxiway.Task)
    assert_type(await handle.wait(5), taxiway.Task)
    assert_type(await handle.runs(), list[taxiway.Run])
    assert_type(await handle.cancel(), taxiway.Task)
    assert_type(await handle.steer("go on"), taxiway.Receipt)
    assert_type(await handle.interrupt(), taxiway.Receipt)
    assert_type(await handle.retry(), list[taxiway.TaskHandle])
    assert_type(await handle.remove(), bool)
    assert_type(await handle.explain(), list[Obstacle])
    async for event in handle.events():
        assert_type(event.seq, int)


async def sessions(tw: Verbs) -> None:
    """Conversations."""
    box = await tw.session("fixer", agent="codex", mailbox={"cap": 20}, title="Fixes")
    assert_type(box, taxiway.SessionHandle)
    sent = await box.send("also look at the tests")
    assert_type(sent, taxiway.Sent)
    assert_type(sent.dropped, tuple[str, ...])
    assert_type(await box.steer("only the first file"), taxiway.Sent)
    assert_type(await box.interrupt("stop, and do this"), taxiway.Sent)
    assert_type(await box.stop(), taxiway.Task | None)
    assert_type(await box.stop_all(), Stopped)
    assert_type(await box.reset(discard=False), Stopped)
    assert_type(await box.fork("fixer-2"), taxiway.SessionHandle)
    assert_type(await box.set(cap=3), taxiway.Session)
    assert_type(await box.archive(), taxiway.Session)
    assert_type(await box.get("ann"), taxiway.Session)
    assert_type(await box.read("ann"), taxiway.Session)
    assert_type(await box.tasks(), list[taxiway.Task])
    assert_type(await box.trace(), taxiway.EventPage)
    assert_type(await box.output(after=7), taxiway.EventPage)
    assert_type(await tw.sessions(state="all", reader="ann"), SessionPage)
    assert_type(await tw.session_verbs.get("fixer"), taxiway.Session)


async def the_rest(tw: Verbs) -> None:
    """Questions, accounts, queues, lanes, runners, tokens."""
    assert_type(await tw.approvals(task="fix"), ApprovalPage)
    assert_type(await tw.approval("appr_1"), taxiway.Approval)
    assert_type(await tw.allow("appr_1", reason="go on"), taxiway.Approval)
    assert_type(await tw.deny("appr_1"), taxiway.Approval)
    assert_type(await tw.accounts(), list[Account])
    assert_type(await tw.account("codex"), Account)
    assert_type(await tw.park_account("codex", for_s=60, why="rest"), Account)
    assert_type(await tw.release_account("codex"), Account)
    assert_type(await tw.limit_account("codex", None), Account)
    await tw.set_on_limit("wait", queue="default")
    assert_type(await tw.usage("day", since=0), list[UsageLine])
    assert_type(await tw.queue("default"), Queue)
    assert_type(await tw.queues(), list[Queue])
    assert_type(await tw.queue_stats("default"), QueueStats)
    assert_type(await tw.snapshot("default", limit=5), tuple[QueueStats, list[taxiway.Task]])
    assert_type(await tw.make_queue("slow", slots=1), Queue)
    assert_type(await tw.move_queue("slow", "pause"), Queue)
    assert_type(await tw.set_queue("slow", None), Queue)
    assert_type(await tw.lanes(), list[Lane])
    assert_type(await tw.lane("wide"), Lane)
    assert_type(await tw.set_lane("wide", 8), Lane)
    assert_type(await tw.move_lane("wide", "stop"), Lane)
    assert_type(await tw.agents(), list[AgentReport])
    assert_type(await tw.metrics_summary(), Summary)
    assert_type(await tw.runners(), list[Runner])
    assert_type(await tw.make_token("ben", TokenScope.VIEWER, expires_s=3_600), tuple[Token, str])
    assert_type(await tw.tokens(), list[Token])
    assert_type(await tw.revoke_token("ben"), Token)
    assert_type(await tw.revoke_runner("ben"), Token)
    assert_type(await tw.login_code(), str)


def without_await(token: str) -> Sequence[str]:
    """The portals: the same verbs, called plainly; what they give back is not checked, as nothing knows it."""
    with taxiway.open_sync("work.db") as here, taxiway.connect_sync("http://127.0.0.1:8787", token=token) as there:
        here.submit(shell="true").wait()
        return [queue.name for queue in there.queues()]


def refused(error: taxiway.Error) -> int:
    """One tree of errors."""
    match error:
        case taxiway.Invalid():
            return len(error.problems)
        case taxiway.NotFound() | taxiway.Unavailable():
            return error.exit_status
        case _:
            return len(error.details)
