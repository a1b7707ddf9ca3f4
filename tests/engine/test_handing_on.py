"""Diffs handed on: as text into another task's words, and as the commit that another worktree begins with."""

from pathlib import Path

import pytest

from taxiway.app import Taxiway
from taxiway.client.handle import TaskHandle
from taxiway.core.errors import Invalid
from taxiway.core.limits import TEMPLATE_VALUE_BYTES_MAX
from taxiway.core.task import Reason, TaskState
from taxiway.planfile.reading import read_plan
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, ended
from tests.engine.repositories import git, make_repo


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit."""
    return make_repo(tmp_path / "repo", {"a.txt": "one\ntwo\nthree\n", "src/b.txt": "b\n"})


async def changing(tw: Taxiway, repo: Path, shell: str, **fields: object) -> TaskHandle:
    """A task that changed something in a worktree, and has ended."""
    work = await tw.submit(shell=shell, cwd=str(repo), workspace="worktree", **fields)
    await ended(work)
    return work


async def test_a_diff_reaches_prompts_variables_shells_and_standard_input_whole(
    bench: Bench, stage: Stage, repo: Path
) -> None:
    """Semantics, "Templates": one value, put in as text, and one word in a shell."""
    async with bench.open(agents={"fake": stage.agent()}) as tw:
        fix = await changing(tw, repo, "sed -i s/two/TWO/ a.txt")
        patch = (await tw.diff(fix.id)).patch.decode()
        take = "${{ " + fix.id + ".diff }}"
        fields = {"template": True, "after": [fix]}
        asked = await tw.submit(prompt=f"Judge:\n{take}", agent="fake", **fields)
        shell = await tw.submit(shell=f"printf %s {take}", **fields)
        stdin = await tw.submit(command=["git", "apply", "-"], stdin=f"{take}\n", cwd=str(repo), **fields)
        assert (await ended(asked)).output == f"Judge:\n{patch}".removesuffix("\n")
        assert (await ended(shell)).output == patch.removesuffix("\n")
        assert (await ended(stdin)).state is TaskState.COMPLETED
        assert (repo / "a.txt").read_text() == "one\nTWO\nthree\n"


async def test_a_hostile_diff_is_data(bench: Bench, repo: Path) -> None:
    """CWE-78: an agent wrote it; placeholders, quotes and commands in it are its text, a NUL is replaced."""
    hostile = "$(touch owned) `touch owned` \"'; touch owned; ${{ x.output }} \\"
    async with bench.open() as tw:
        fix = await changing(tw, repo, 'printf "%s\\n" "$EVIL" > "; touch owned"', env={"EVIL": hostile})
        shell = await tw.submit(
            shell="printf %s ${{ " + fix.id + ".diff }}", template=True, after=[fix], cwd=str(bench.folder)
        )
        task = await ended(shell)
        assert f"+{hostile}\n".removesuffix("\n") in (task.output or "")
        assert not (bench.folder / "owned").exists()


@pytest.mark.parametrize(
    ("shell", "sentence"),
    [
        (f"head -c {TEMPLATE_VALUE_BYTES_MAX} /dev/zero | tr '\\0' x > big", "bytes long, and a placeholder takes"),
        ("head -c 9000000 /dev/zero > huge", "huge was left out of it"),
    ],
)
async def test_a_diff_that_cannot_be_given_whole_fails_who_asked_for_it(
    bench: Bench, repo: Path, shell: str, sentence: str
) -> None:
    """Whoever judges a part of a change, and takes it for all, is misled: so nothing is cut in silence."""
    async with bench.open() as tw:
        fix = await changing(tw, repo, shell)
        judge = await tw.submit(shell="echo ${{ " + fix.id + ".diff }}", template=True, after=[fix])
        task = await ended(judge)
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        assert sentence in (task.error or "")


async def test_a_completed_task_without_a_diff_is_not_taken_for_one_that_changed_nothing(
    bench: Bench, repo: Path
) -> None:
    """An empty text would be approved. Of a task that failed before it could work it is empty, as its output is."""
    async with bench.open() as tw:
        plain = await tw.submit(shell="echo x > new", cwd=str(repo))
        fields = {"template": True}
        judge = await tw.submit(shell="echo ${{ " + plain.id + ".diff }}", after=[plain], **fields)
        assert "there is none of its last run" in ((await ended(judge)).error or "")
        git(repo, "branch", "mine")
        failed = await tw.submit(shell="x", cwd=str(repo), workspace={"kind": "worktree", "branch": "mine"})
        other = await tw.submit(
            shell="echo [${{ " + failed.id + ".diff }}]", after=[{"task": failed.id, "on": "failed"}], **fields
        )
        assert (await ended(other)).output == "[]\n"


async def test_a_worktree_begins_with_what_another_task_changed(bench: Bench, repo: Path) -> None:
    """New, changed, removed and binary files are there; its own diff is only what it changes itself; nothing moves."""
    head = git(repo, "rev-parse", "HEAD")
    async with bench.open() as tw:
        fix = await changing(tw, repo, "sed -i s/two/TWO/ a.txt; rm src/b.txt; printf '\\0\\1' > bin; echo n > new")
        base = {"kind": "worktree", "base": "${{ " + fix.id + ".diff }}"}
        work = {"cwd": str(repo), "workspace": base, "template": True, "after": [fix]}
        review = await tw.submit(shell="cat a.txt; ls; od -An -tx1 bin; echo more >> new", **work)
        task = await ended(review)
        assert task.output == "one\nTWO\nthree\na.txt\nbin\nnew\n 00 01\n", task.error
        own = (await tw.diff(review.id)).diff
        assert [one.path for one in own.files] == ["new"]
        looked = await tw.submit(shell="git log --format=%s", **work)
        assert (await ended(looked)).output == f"What {fix.id} changed\nfirst\n"
        assert git(repo, "rev-parse", "HEAD") == head
        assert git(repo, "status", "--porcelain") == ""
        assert git(repo, "branch", "--format=%(refname:short)") == "main"


async def test_a_worktree_that_has_nothing_to_begin_with_is_not_made(bench: Bench, repo: Path) -> None:
    """A task without a diff, and one of another repository: a typed failure that says so."""
    other = make_repo(bench.folder / "other", {"z": "z\n"})
    async with bench.open() as tw:
        plain = await tw.submit(shell="true", cwd=str(repo))
        stranger = await changing(tw, other, "echo y > z")
        for parent, sentence in ((plain, "there is no diff to begin with"), (stranger, "has no commit")):
            base = {"kind": "worktree", "base": "${{ " + parent.id + ".diff }}"}
            work = await tw.submit(shell="true", cwd=str(repo), workspace=base, template=True, after=[parent])
            task = await ended(work)
            assert (task.reason, sentence in (task.error or "")) == (Reason.SPAWN_ERROR, True), task.error


async def test_a_task_whose_diff_is_still_read_is_not_forgotten(bench: Bench, repo: Path) -> None:
    """Templates are filled in at every start, and the diff goes with its task."""
    async with bench.open() as tw:
        fix = await changing(tw, repo, "echo x > x")
        gate = bench.gate()
        first = await tw.submit(shell=gate.wait)
        base = {"kind": "worktree", "base": "${{ " + fix.id + ".diff }}"}
        await tw.submit(shell="cat x", cwd=str(repo), workspace=base, template=True, after=[fix, first])
        with pytest.raises(Exception, match="reads"):
            await tw.remove(fix.id)
        gate.open()


PLAN = """\
defaults: {workspace: worktree}
tasks:
  lint: {command: [ruff], workspace: dir}
  count: {job: count}
  fix: {shell: "true"}
  review:
    shell: echo ${{ lint.diff }} ${{ fix.diff }} ${{ count.diff }}
    after: {lint: finished, fix: completed, count: completed}
    workspace: {kind: worktree, base: "${{ lint.diff }}"}
  base:
    shell: "true"
    after: fix
    workspace: {kind: worktree, base: "x${{ fix.output }}"}
  fine: {shell: "true", after: fix, workspace: {kind: worktree, base: "${{ fix.diff }}"}}
  literal: {shell: "echo '${{ lint.diff }}'", template: false}
"""


def test_a_plan_says_where_a_diff_is_asked_of_a_task_that_has_none(tmp_path: Path) -> None:
    """Each with its line, and what would be right; a diff of a task with a workspace is fine."""
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    with pytest.raises(Invalid) as refused:
        read_plan(path)
    found = sorted((one.line or 0, one.field, one.message, one.hint) for one in refused.value.problems)
    assert [(line, field) for line, field, _, _ in found] == [
        (7, "tasks.review.shell"),
        (7, "tasks.review.shell"),
        (9, "tasks.review.workspace.base"),
        (13, "tasks.base.workspace.base"),
    ]
    assert found[1][2:] == (
        "${{ lint.diff }} asks what 'lint' changed, and that has no workspace to take a diff of",
        "give it a workspace: worktree",
    )
    assert any("names no commit" in message for _, _, message, _ in found)


async def test_a_placeholder_in_a_base_means_something_in_templates_only(bench: Bench) -> None:
    """Else it is no name of a commit, and is told before anything is stored."""
    async with bench.open(slots=0) as tw:
        with pytest.raises(Invalid) as refused:
            await tw.submit(shell="true", workspace={"kind": "worktree", "base": "${{ x.diff }}"})
        assert "template: true" in str(refused.value.problems[0])
