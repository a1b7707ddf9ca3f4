"""The example "one agent fixes, another reviews, the tests must pass", with real Codex and real Claude Code."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.homes import Home, claude, codex
from tests.e2e.conftest import CommandLine
from tests.e2e.shop import BROKEN, MENDED, PLAN, make_shop
from tests.stub_model.server import StubModel
from tests.stub_model.thread import stub_in_thread

pytestmark = pytest.mark.agents

FIX = "[[stub: sh tail -n +4 shop.py > mended && mv mended shop.py ;; say I removed what nobody used]]"


@pytest.fixture
def serving() -> Iterator[StubModel]:
    """A stub model that both agents ask."""
    with stub_in_thread() as found:
        yield found


@pytest.fixture
def line(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line in a new folder."""
    found = CommandLine(tmp_path, tmp_path / "compiled")
    yield found
    found.close()


def configured(shop: Path, homes: dict[str, Home]) -> None:
    """Both agents by their own adapters, each with a home that knows the stub only."""
    text = ""
    for name, home in homes.items():
        argv = [*home.argv, "app-server"] if name == "codex" else list(home.argv)
        environ = ", ".join(f"{key} = {json.dumps(value)}" for key, value in home.environ.items())
        text += f'[agents.{name}]\nadapter = "{name}"\ncommand = {json.dumps(argv)}\nenv = {{{environ}}}\n'
    (shop / "taxiway.toml").write_text(text)


@pytest.mark.parametrize(("verdict", "status", "left"), [("approve", 0, MENDED), ("reject", 1, BROKEN)])
def test_real_agents_fix_and_review_and_only_what_was_approved_is_applied(
    line: CommandLine, verdict: str, status: int, left: str, serving: StubModel
) -> None:
    """What the stub makes them do is all that is played: prompts, tools, sandbox, schema and end are theirs."""
    shop = make_shop(line)
    answer = json.dumps({"verdict": verdict, "summary": "I read it.", "findings": []})
    plan = shop / PLAN
    text = plan.read_text()
    text = text.replace("      ${{ lint.output }}\n", f"      ${{{{ lint.output }}}}\n      {FIX}\n")
    text = text.replace(
        "      ${{ fix.diff }}\n    after: fix\n",
        f"      ${{{{ fix.diff }}}}\n      [[stub: sh cat shop.py ;; answer {answer}]]\n    after: fix\n",
    )
    plan.write_text(text)
    builders = {"codex": codex, "claude": claude}
    configured(shop, {name: build(shop.parent / name, serving.url).lay() for name, build in builders.items()})
    done = line("run", PLAN)
    assert done.returncode == status, done.stdout
    assert (shop / "shop.py").read_text() == left
    tasks = line.tasks("fix-and-review")
    assert tasks["fix"]["output"] == "I removed what nobody used"
    assert tasks["review"]["result"] == json.loads(answer)
    assert line.json("task", "diff", "fix", "--stat")["files"] == [{"path": "shop.py", "added": 0, "removed": 3}]
