"""Every invariant query bites, and the database itself refuses what must never be (I1-I4, I8, I9, I12, I14, I21)."""

import asyncio
import shutil
from pathlib import Path

import apsw
import pytest

from taxiway.clock import Ids, seeded_chance
from taxiway.core.approval import Question
from taxiway.core.policy import Mode
from taxiway.store.protocol import TurnFacts
from taxiway.store.statements import load_checks
from taxiway.testing.clock import HandClock
from taxiway.testing.conformance import Bench
from taxiway.testing.conformance.bench import ACTOR
from tests.store.conftest import open_by_hand

#: For every invariant query, how a healthy store is spoilt so that it must say something.
PLANTED = {
    "answered_too_soon": "UPDATE run SET answered_at = 1 WHERE state = 'waiting' AND answered_at IS NULL",
    "approval_of_nobody": "UPDATE approval SET task = 99999",
    "approval_unwaited": "UPDATE run SET state = 'running' WHERE state = 'waiting'",
    "account_of_other_tenant": "UPDATE account SET tenant = 'other'",
    "account_full_with_room": "UPDATE account SET full = 1",
    "account_never_released": "UPDATE account SET phase = 'parked', until = NULL, by_hand = 0",
    "account_overbooked": "DROP INDEX run_account_slot; UPDATE run SET account_slot = 0 WHERE account IS NOT NULL",
    "account_probed_twice": "UPDATE account SET phase = 'parked'",
    "blocked_forever": "UPDATE dependency SET settled = 1",
    "carried_by_ended": "UPDATE task SET carrier = 1 WHERE box = 3",
    "change_missing": "DELETE FROM change WHERE version = (SELECT max(version) FROM task)",
    "change_of_other_tenant": "UPDATE change SET tenant = 'other'",
    "event_gaps": "DELETE FROM event WHERE seq = 1",
    "events_without_run": "INSERT INTO event (run, seq, type, at) VALUES (99999, 1, 'status', 0)",
    "full_lane_with_room": "UPDATE lane SET full = 1 WHERE name = 'main'",
    "full_queue_with_room": "UPDATE queue SET full = 1 WHERE name = 'default'",
    "gate_of_other_account": "UPDATE gate SET account = NULL",
    "gate_off_its_path": "UPDATE gate SET path = NULL",
    "gate_shut_wrongly": "UPDATE gate SET open = 0",
    "joined_twice": "UPDATE task SET state = 'blocked', reason = 'dependency' WHERE box = 1",
    "key_without_task": "UPDATE idempotency SET task = 'task_nobody'",
    "lane_overbooked": "DROP INDEX run_lane_slot; UPDATE run SET lane_slot = 1 WHERE live = 1",
    "live_run_of_gone_runner": "UPDATE runner SET state = 'gone'",
    "live_run_of_idle_task": "UPDATE task SET state = 'queued' WHERE state = 'running'",
    "message_ready_unadmitted": "UPDATE task SET ready = 1 WHERE box = 1",
    "open_miscounted": "UPDATE queue SET open = open + 1",
    "parked_with_slot": "UPDATE run SET lane_slot = 77 WHERE parked = 1",
    "path_shut_wrongly": "UPDATE path SET shut = 1 - shut",
    "queue_never_ended": "UPDATE queue SET standing = 0 WHERE open = 0",
    "queue_overbooked": "DROP INDEX run_queue_slot; UPDATE run SET queue_slot = 1 WHERE live = 1",
    "queued_not_ready": "UPDATE task SET ready = 0 WHERE state = 'queued'",
    "run_of_other_tenant": "UPDATE run SET tenant = 'other'",
    "running_without_run": "UPDATE run SET live = 0, state = 'ended', outcome = 'lost', ended_at = 1 WHERE live = 1",
    "scheduled_without_time": "UPDATE task SET due_at = NULL WHERE state = 'scheduled'",
    "session_miscounted": "UPDATE session SET waiting = waiting + 1",
    "session_overbooked": "DROP INDEX run_session_slot; UPDATE run SET session_slot = 1 WHERE session IS NOT NULL",
    "session_started_beside": "UPDATE gate SET needs = 'agent:' || needs",
    "session_wedged": "UPDATE session SET quiet_at = NULL",
    "signal_of_ended_run": "UPDATE signal SET run = (SELECT id FROM run WHERE live = 0)",
    "stale_live_run": "UPDATE run SET fence = fence + 5 WHERE live = 1",
    "slotless_run": "UPDATE run SET lane_slot = NULL WHERE live = 1",
    "started_too_early": "UPDATE task SET started_at = 1 WHERE state = 'blocked'",
    "steering_without_signal": "UPDATE signal SET state = 'refused', settled_at = 1",
    "task_of_other_tenant": "UPDATE queue SET tenant = 'other' WHERE name = 'q'",
    "task_without_spec": "DELETE FROM spec WHERE task = (SELECT max(task) FROM spec)",
    "tasks_miscounted": "UPDATE tally SET count = count + 1",
    "tenant_unknown": "UPDATE lane SET tenant = 'other' WHERE name = 'x'",
    "terminal_with_live_run": "UPDATE task SET state = 'completed', open = 0, finished_at = 1 WHERE state = 'running'",
    "two_live_runs": """
        DROP INDEX run_live_task;
        INSERT INTO run (name, tenant, task, runner, fence, attempt, state, queue, lane, claimed_at)
        SELECT name || 'x', tenant, task, runner, fence + 9, attempt, state, queue, lane, claimed_at
        FROM run WHERE live = 1
    """,
    "unmet_miscounted": "UPDATE task SET unmet = unmet + 1 WHERE state = 'blocked'",
    "wait_for_other_tenant": "UPDATE task SET tenant = 'other' WHERE state = 'blocked'",
    "waiting_apart": "UPDATE task SET state = 'running' WHERE state = 'waiting'",
    "waiting_unasked": "DELETE FROM approval WHERE state = 'pending'",
    "wrong_account_head": "UPDATE account SET head_seq = 12345",
    "wrong_gate_head": "UPDATE gate SET head_seq = head_seq + 1000 WHERE head_seq IS NOT NULL",
    "wrong_path_head": "UPDATE path SET head_seq = 12345 WHERE account = 0",
}

#: What no statement may do, however it came to be run.
FORBIDDEN = {
    "an ended task comes back": "UPDATE task SET state = 'queued', open = 1, finished_at = NULL WHERE open = 0",
    "an ended task ends otherwise": "UPDATE task SET state = 'failed', reason = 'lost' WHERE state = 'completed'",
    "an ended run comes back": "UPDATE run SET live = 1, state = 'running', outcome = NULL WHERE live = 0",
    "an ended run ends otherwise": "UPDATE run SET outcome = 'failed' WHERE live = 0",
    "an event changes": "UPDATE event SET type = 'status'",
    "a spec changes": "UPDATE spec SET body = '{}'",
    "a state that there is not": "UPDATE task SET state = 'ready' WHERE state = 'queued'",
    "a ready task that is not queued": "UPDATE task SET ready = 1 WHERE state = 'scheduled'",
    "open and ended at once": "UPDATE task SET open = 0 WHERE state = 'queued'",
    "a wait without a reason": "UPDATE task SET reason = NULL WHERE state = 'blocked'",
    "a slot taken twice": "UPDATE run SET lane_slot = 1 WHERE live = 1",
    "a queue's slot taken twice": "UPDATE run SET queue_slot = 1 WHERE live = 1",
    "two live runs of a task": """
        INSERT INTO run (name, tenant, task, runner, fence, attempt, state, queue, lane, claimed_at)
        SELECT name || 'x', tenant, task, runner, fence + 9, attempt, state, queue, lane, claimed_at
        FROM run WHERE live = 1
    """,
    "a negative count of open tasks": "UPDATE queue SET open = -1",
    "a negative count of parents": "UPDATE task SET unmet = -1",
    "a lane without room": "UPDATE lane SET size = 0",
    "a run that ended without an outcome": "UPDATE run SET live = 0, state = 'ended' WHERE live = 1",
    "a second answer": "UPDATE approval SET state = 'denied' WHERE state = 'allowed'",
    "a question that was answered and is pending": "UPDATE approval SET decided_at = 1 WHERE state = 'pending'",
    "a session's slot taken twice": "UPDATE run SET session_slot = 1 WHERE session IS NOT NULL",
    "an ended message in a mailbox": "UPDATE task SET box = 1 WHERE open = 0",
    "more running than admitted": "UPDATE session SET live = held + 1",
    "two open tasks of one name": "UPDATE task SET name = 'same' WHERE open = 1",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something in every state, in good health."""
    file = tmp_path_factory.mktemp("template") / "store.db"
    asyncio.run(fill(file))
    return file


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copy(template, tmp_path / "store.db"))


async def fill(file: Path) -> None:
    """Make a store with something in every state."""
    clock = HandClock()
    opened = await open_by_hand(file, clock)
    bench = Bench(opened.store, clock, Ids(clock, seeded_chance(3)))
    await bench.register()
    await bench.store.set_lane("x", 2, ACTOR)
    await bench.store.make_queue("q", 2, ACTOR)
    await bench.store.make_queue("empty", None, ACTOR)
    await bench.submit(idempotency_key="k")
    await bench.end_next()
    for _ in range(2):
        await bench.submit(queue="q", lane="x")
    assert len(await bench.claim()) == 2
    await bench.session("two", max_concurrent=2)
    for _ in range(3):
        await bench.send("two")
    await bench.send("talk", "words")
    for run in await bench.claim():
        await bench.store.tell_session(run.run, run.fence, TurnFacts(steerable=True))
    await bench.send("talk", "more words", mode=Mode.STEER)
    await bench.session("quiet", mode=Mode.COLLECT, debounce_s=60.0)
    for _ in range(3):
        await bench.send("quiet", "words")
    for _ in range(2):
        await bench.submit()
    for run in await bench.claim():
        asked = await bench.store.ask(run.run, run.fence, Question(text="May I?"))
    await bench.store.decide(asked.id, True, None, ACTOR)
    await bench.submit(name="p")
    await bench.submit(delay_s=60)
    await bench.submit(after=["p"])
    assert await bench.store.check() == []
    await opened.close()


def plant(path: Path, text: str) -> None:
    """Spoil the file as no statement of ours could: without checks, triggers or foreign keys."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(text)
    assert connection.total_changes() > 0, "nothing was spoilt"
    connection.close()


def test_there_is_a_planted_fault_for_every_invariant_query() -> None:
    """I21: a check that cannot fail is none."""
    assert {name for _, name, _, _ in load_checks()} == set(PLANTED)


@pytest.mark.parametrize("name", sorted(PLANTED))
async def test_a_planted_fault_is_found_by_its_query(path: Path, name: str) -> None:
    """I21: and named with its invariant and the rows concerned."""
    plant(path, PLANTED[name])
    opened = await open_by_hand(path, HandClock())
    found = {finding.check: finding for finding in await opened.store.check()}
    await opened.close()
    assert name in found
    invariant, meaning = next((check[0], check[2]) for check in load_checks() if check[1] == name)
    assert found[name].invariant == invariant
    assert found[name].text.startswith(f"{meaning}: ")


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_the_database_itself_refuses(path: Path, name: str) -> None:
    """I2, I3, I4, I12: checked twice, in the table of moves and here."""
    connection = apsw.Connection(str(path))
    with pytest.raises(apsw.ConstraintError):
        connection.execute(FORBIDDEN[name])
    connection.close()


async def test_damage_of_the_file_is_found_and_told_apart(path: Path) -> None:
    """I1, fault 20: a page that was overwritten is no broken invariant but a broken file."""
    data = bytearray(path.read_bytes())
    page = 4096
    for start in range(5 * page, len(data) - page, page):
        data[start + 100 : start + 3000] = b"\xa5" * 2900
    opened = await open_by_hand(path, HandClock())
    path.write_bytes(data)
    findings = await opened.store.check()
    assert {(finding.invariant, finding.check) for finding in findings} == {("I1", "file")}
    assert str(path) in findings[0].text
    await opened.close()


async def test_a_backup_is_a_whole_healthy_store(path: Path, tmp_path: Path) -> None:
    """I1: it opens, it is sound, and it holds what the store held."""
    opened = await open_by_hand(path, HandClock())
    await opened.store.backup(str(tmp_path / "copy.db"))
    version = await opened.store.last_version()
    await opened.close()
    copy = await open_by_hand(tmp_path / "copy.db", HandClock())
    assert await copy.store.check() == []
    assert await copy.store.last_version() == version
    await copy.close()
