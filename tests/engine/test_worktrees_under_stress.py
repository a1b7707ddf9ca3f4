"""Runs in worktrees while somebody else works on the same repository, or takes it away: typed ends, nothing lost."""

from pathlib import Path

import pytest

from taxiway.core.task import Reason, TaskState
from taxiway.core.workspace import Stand
from tests.engine.conftest import Bench, ended, said
from tests.engine.repositories import commit, git, make_repo

WORK = "git -c user.name=a -c user.email=a@b commit -qam"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit."""
    return make_repo(tmp_path / "repo")


async def test_many_runs_of_one_repository_at_once_do_not_meet(bench: Bench, repo: Path) -> None:
    """Each in a tree of its own on a branch of its own, also while its user commits; what each did is on its branch."""
    async with bench.open(slots=4) as tw:
        runs = [
            await tw.submit(shell=f"echo {n} > a.txt; {WORK} {n}; sleep 0.2", cwd=str(repo), workspace="worktree")
            for n in range(8)
        ]
        for number in range(5):
            (repo / "own").write_text(str(number))
            commit(repo, f"own {number}")
        for number, run in enumerate(runs):
            task = await ended(run)
            assert task.state is TaskState.COMPLETED, task.error
            branch = f"taxiway/{run.id.replace('_', '-')}"
            assert git(repo, "show", f"{branch}:a.txt") == str(number)
            assert (await tw.diff(run.id)).diff.changed == 1
    assert (repo / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert git(repo, "worktree", "list").count("\n") == 0
    git(repo, "fsck", "--connectivity-only")


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_a_branch_that_is_checked_out_is_never_taken(
    bench: Bench, repo: Path, tmp_path: Path, where: str
) -> None:
    """In the checkout itself or in another worktree."""
    if where == "elsewhere":
        git(repo, "worktree", "add", "--quiet", "-b", "theirs", str(tmp_path / "theirs"))
    else:
        git(repo, "checkout", "--quiet", "-b", "theirs")
    async with bench.open() as tw:
        work = await tw.submit(shell="true", cwd=str(repo), workspace={"kind": "worktree", "branch": "theirs"})
        task = await ended(work)
        assert (task.reason, "the branch theirs exists" in (task.error or "")) == (Reason.SPAWN_ERROR, True)
        assert await tw.workspaces() == []
    assert git(repo, "rev-parse", "theirs") == git(repo, "rev-parse", "HEAD")


async def test_a_repository_that_is_moved_away_during_a_run_costs_its_diff_and_nothing_else(
    bench: Bench, repo: Path, tmp_path: Path
) -> None:
    """The work is done and says so; its tree stays, and when the repository is back it can be saved and removed."""
    away, gate = tmp_path / "away", bench.gate()
    async with bench.open() as tw:
        work = await tw.submit(shell=f"echo x > new; echo in; {gate.wait}", cwd=str(repo), workspace="worktree")
        await said(work, "in")
        repo.rename(away)
        gate.open()
        assert (await ended(work)).state is TaskState.COMPLETED
        told = [event.data async for event in work.events() if event.data.get("phase") in ("diff", "workspace_left")]
        assert [("error" in one, one.get("kept")) for one in told] == [(True, None), (False, True)]
        [left] = await tw.workspaces()
        assert (Path(left.path) / "new").read_text() == "x\n"
        away.rename(repo)
        saved = await tw.remove_workspace(left.record.id)
        assert saved.snapshot is not None
        assert [one.record.stand for one in await tw.workspaces()] == [Stand.REMOVED]
    snapshot = bench.path.with_name("store.db.d") / "workspaces" / str(saved.snapshot)
    git(repo, "fetch", "--quiet", str(snapshot), "taxiway-snapshot:back")
    assert git(repo, "show", "back:new") == "x"


async def test_a_locked_worktree_and_one_that_was_pruned_stay_with_the_reason(bench: Bench, repo: Path) -> None:
    """`git worktree lock` in the work itself, and a register that has forgotten it."""
    async with bench.open() as tw:
        locked = await tw.submit(shell="echo x > x; git worktree lock .", cwd=str(repo), workspace="worktree")
        assert (await ended(locked)).state is TaskState.COMPLETED
        [told] = [event.data async for event in locked.events() if event.data.get("phase") == "workspace_left"]
        assert (told["kept"], "locked it" in told["text"]) == (True, True)
        [found] = await tw.workspaces()
        git(repo, "worktree", "unlock", found.path)
        Path(git(Path(found.path), "rev-parse", "--absolute-git-dir"), "gitdir").write_text("/nowhere/.git\n")
        with pytest.raises(Exception, match="not the worktree that its record speaks of"):
            await tw.remove_workspace(found.record.id)
        assert (Path(found.path) / "x").exists()
