"""The plans in examples/ can run, and show what they say they show."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from taxiway.core.plan import Plan
from taxiway.core.task import Condition, TaskSpec
from taxiway.planfile.reading import read_plan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLANS = sorted(EXAMPLES.glob("*.yaml"))


def by_name(plan: Plan) -> dict[str, TaskSpec]:
    return {spec.name or "": spec for spec in plan.tasks}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_every_example_is_a_plan_without_problems(path: Path) -> None:
    """Real input: examples/ holds plans that people would really run."""
    assert read_plan(path).tasks


def test_the_fan_out_has_200_tasks_one_of_which_fails_for_good() -> None:
    """Real input (2): one flaky task, one failing branch, and a report that waits for everything."""
    tasks = by_name(read_plan(EXAMPLES / "fanout.yaml"))
    assert len(tasks) == 200
    assert len({spec.lane for spec in tasks.values()}) >= 4
    assert [name for name, spec in tasks.items() if spec.retries] == ["upload"]
    assert [name for name, spec in tasks.items() if "exit 31" in (spec.shell or "")] == ["fetch-017"]
    waits = Counter(edge.on for edge in tasks["report"].after)
    assert waits == {Condition.FINISHED: 93}
    assert {edge.task: edge.on for edge in tasks["apology"].after} == {"fetch-017": Condition.FAILED}


def test_the_fan_out_is_what_its_script_makes() -> None:
    """The file is committed so that one can read it; the script is committed so that one can change it."""
    made = subprocess.run([sys.executable, EXAMPLES / "make_fanout.py"], capture_output=True, check=True).stdout
    assert made.decode() == (EXAMPLES / "fanout.yaml").read_text("utf-8")


def test_the_delays_wait_expire_and_kill() -> None:
    """Real input (3): delays, expiry and a poisoned command that does nothing when it is started by hand."""
    tasks = by_name(read_plan(EXAMPLES / "delays.yaml"))
    assert tasks["later"].delay_s == 2.0
    assert tasks["too-late"].expires_s == 1.0
    assert tasks["too-late"].lane == tasks["occupant"].lane == "narrow"
    shell = tasks["poisoned"].shell or ""
    done = subprocess.run(["sh", "-c", shell], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"run me by taxiway run\n")


def test_the_quality_plan_can_be_pointed_at_another_checkout_and_python(tmp_path: Path) -> None:
    """Real input (1): this repository by default."""
    plan = read_plan(EXAMPLES / "quality.yaml")
    assert {spec.cwd for spec in plan.tasks} == {str(EXAMPLES.parent)}
    other = read_plan(
        EXAMPLES / "quality.yaml", overrides=[f"defaults.cwd={tmp_path}", "defaults.env.PYTHON=/opt/python"]
    )
    assert {spec.cwd for spec in other.tasks} == {str(tmp_path.resolve())}
    assert {spec.env["PYTHON"] for spec in other.tasks} == {"/opt/python"}
