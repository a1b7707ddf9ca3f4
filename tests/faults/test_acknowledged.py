"""What was acknowledged is there, whatever killed the process that took it (I1, DB3)."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import taxiway
from tests.faults.killed_plan import broken, end, eventually_none, founded, read

ACKING = Path(__file__).parent / "acking.py"


def test_acknowledged_submits_survive_kill_9_at_any_moment(tmp_path: Path) -> None:
    """I1, B5, DB3: five kills while four callers submit and two slots work; every id that was told is in the store."""
    chance = random.Random(5)
    store = tmp_path / "store.db"
    told: set[str] = set()
    for _ in range(5):
        process = subprocess.Popen([sys.executable, str(ACKING), str(store)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.4))
        process.kill()
        lines = (first + process.communicate()[0]).decode().split("\n")
        told.update(line for line in lines[:-1])  # a line that was cut off was not told
        known = {row[0] for row in read(store, "SELECT id FROM task")}
        assert told <= known, f"lost: {sorted(told - known)[:5]}"
        assert broken(store) == []
    assert len(told) > 20


async def test_all_that_was_taken_is_worked_off_after_the_kills(tmp_path: Path) -> None:
    """B37, B38: the next start takes over what waits and what was running; each completes once."""
    store = tmp_path / "store.db"
    process = subprocess.Popen([sys.executable, str(ACKING), str(store)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(30):
        process.stdout.readline()
    process.kill()
    process.communicate()
    async with taxiway.open(store, slots=4, project="") as tw:
        tasks = [row[0] for row in read(store, "SELECT id FROM task")]
        for task in tasks:
            assert (await tw.wait(task, 60)).state == "completed"
    again = read(store, "SELECT task, count(*) FROM run WHERE outcome = 'completed' GROUP BY task HAVING count(*) > 1")
    assert again == []


def test_sigterm_drains_a_running_plan_which_then_goes_on(tmp_path: Path) -> None:
    """Fault 45, semantics, Running a plan: nothing new starts, work goes back uncounted, nothing is left, exit soon."""
    plan = tmp_path / "plan.json"
    plan.write_text('{"queue": "p", "tasks": {"a": {"shell": "[ -e again ] && exit 0; echo up; sleep 300"}}}')
    mark = f"sigterm-{tmp_path.name}-{time.monotonic_ns()}"
    store = tmp_path / "store.db"
    command = [sys.executable, "-m", "taxiway", "--store", str(store), "run", str(plan)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LC_MARK": mark}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 40
        while time.monotonic() < until:
            if store.exists() and founded(store) and read(store, "SELECT 1 FROM run WHERE state = 'running'"):
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)[0].decode()
        assert process.returncode not in (0, -signal.SIGTERM), said
    finally:
        end(process)
    assert eventually_none(mark)
    assert broken(store) == []
    assert read(store, "SELECT state, attempt, crashes FROM task") == [("queued", 0, 0)]
    (tmp_path / "again").touch()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done
