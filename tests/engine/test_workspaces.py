"""Runs in worktrees, with real git: made, set up, looked at, kept or removed; nothing is lost and nothing is forced."""

from pathlib import Path
from typing import Any

import pytest

from taxiway.app import Taxiway
from taxiway.client.handle import TaskHandle
from taxiway.core.errors import WorkspaceRefused
from taxiway.core.event import Event, EventType
from taxiway.core.task import Reason, TaskState
from taxiway.core.workspace import Stand
from tests.engine.acting import Stage, gone
from tests.engine.conftest import Bench, changed, ended, said
from tests.engine.repositories import git, make_repo


def files_of(folder: Path) -> set[str]:
    """Everything below a folder but git's own."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit."""
    files = {"a.txt": "one\ntwo\nthree\n", "src/b.txt": "b\n", ".gitignore": ".env\nbuild/\n"}
    return make_repo(tmp_path / "repo", files)


async def events_of(tw: Taxiway, handle: TaskHandle) -> list[Event]:
    """Every event of the last run."""
    runs = await handle.runs()
    return await tw.store.events(runs[-1].id, 0, 500)


async def phase(tw: Taxiway, handle: TaskHandle, name: str) -> dict[str, Any]:
    """The status event of one phase of the last run."""
    [found] = [
        event.data
        for event in await events_of(tw, handle)
        if event.type is EventType.STATUS and event.data.get("phase") == name
    ]
    return found


async def test_a_worktree_is_made_worked_in_and_its_diff_is_kept(bench: Bench, repo: Path) -> None:
    """A command runs in a tree of its own; the caller's stays as it was until the diff is applied to it."""
    base = git(repo, "rev-parse", "HEAD")
    async with bench.open() as tw:
        work = await tw.submit(
            shell="pwd; sed -i s/two/TWO/ ../a.txt; echo new > ../ü.txt; rm b.txt",
            cwd=str(repo / "src"),
            workspace="worktree",
        )
        task = await ended(work)
        assert task.state is TaskState.COMPLETED, task.error
        made = await phase(tw, work, "workspace")
        assert (made["base"], made["kind"], made["changed"]) == (base, "worktree", 0)
        assert task.output == made["cwd"] + "\n"
        assert made["cwd"].endswith(f"{work.id}/src")
        found = await tw.diff(work.id)
        assert (found.diff.changed, found.diff.added, found.diff.removed) == (3, 2, 2)
        assert b"+TWO" in found.patch
        [event] = [event.data for event in await events_of(tw, work) if event.type is EventType.DIFF]
        assert (event["changed"], event["digest"], event["size"]) == (3, found.diff.digest, len(found.patch))
        assert git(repo, "status", "--porcelain") == ""
        left = await phase(tw, work, "workspace_left")
        assert not left["kept"]
        assert not Path(made["path"]).exists()
        [listed] = await tw.workspaces()
        assert listed.record.stand is Stand.REMOVED
        checked = await tw.apply_diff(work.id, repo, check=True)
        assert git(repo, "status", "--porcelain") == ""
        applied = await tw.apply_diff(work.id, repo)
        assert set(applied.paths) == set(checked.paths) == {"a.txt", "ü.txt", "src/b.txt"}
        assert (repo / "a.txt").read_text() == "one\nTWO\nthree\n"
        assert files_of(repo) == {"a.txt", "ü.txt", ".gitignore"}


async def test_what_was_not_committed_can_be_taken_back_from_the_snapshot(bench: Bench, repo: Path) -> None:
    """Removal only after everything was written to a git bundle."""
    async with bench.open() as tw:
        work = await tw.submit(shell="echo more >> a.txt; echo new > new.txt", cwd=str(repo), workspace="worktree")
        await ended(work)
        left = await phase(tw, work, "workspace_left")
        bundle = bench.path.with_name("store.db.d") / "workspaces" / left["snapshot"]
        git(repo, "fetch", "--quiet", str(bundle), "taxiway-snapshot:back")
        assert git(repo, "show", "back:new.txt") == "new"
        assert git(repo, "show", "back:a.txt").endswith("more")
        assert bundle.stat().st_mode & 0o077 == 0


async def test_commits_stay_on_their_branch_and_a_branch_without_any_goes(bench: Bench, repo: Path) -> None:
    """Clean and on a branch: removed without a snapshot. Nothing happened: not even the branch stays."""
    commit = "echo x > x && git add x && git -c user.name=A -c user.email=a@b commit -qm x"
    async with bench.open() as tw:
        work = await tw.submit(shell=commit, cwd=str(repo), workspace={"kind": "worktree", "branch": "feature/x"})
        idle = await tw.submit(shell="true", cwd=str(repo), workspace={"kind": "worktree", "branch": "feature/y"})
        assert (await ended(work)).state is TaskState.COMPLETED
        await ended(idle)
        left = await phase(tw, work, "workspace_left")
        assert (left["kept"], left["snapshot"]) == (False, None)
        assert git(repo, "show", "feature/x:x") == "x"
        assert git(repo, "branch", "--list", "feature/*") == "  feature/x"
        assert git(repo, "worktree", "list").count("\n") == 0
        assert [one.record.task for one in await tw.workspaces()] == [work.id]


@pytest.mark.parametrize(
    ("keep", "shell", "kept"),
    [("failed", "exit 1", True), ("failed", "true", False), ("always", "true", True), ("never", "exit 1", False)],
)
async def test_a_workspace_is_kept_as_its_policy_says(
    bench: Bench, repo: Path, keep: str, shell: str, kept: bool
) -> None:
    """never, failed, always."""
    async with bench.open() as tw:
        wanted = {"kind": "worktree", "keep": keep}
        work = await tw.submit(shell=f"echo x > x; {shell}", cwd=str(repo), workspace=wanted)
        await ended(work)
        made = await phase(tw, work, "workspace")
        assert Path(made["path"]).exists() == kept
        assert (await tw.diff(work.id)).diff.changed == 1


async def test_a_branch_that_exists_is_never_overwritten(bench: Bench, repo: Path) -> None:
    """A typed failure with the branch's name; the branch stays where it was."""
    git(repo, "branch", "mine")
    async with bench.open() as tw:
        work = await tw.submit(shell="true", cwd=str(repo), workspace={"kind": "worktree", "branch": "mine"})
        task = await ended(work)
        assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
        assert "the branch mine exists" in (task.error or "")
        assert git(repo, "rev-parse", "mine") == git(repo, "rev-parse", "HEAD")
        assert await tw.workspaces() == []


async def test_two_tasks_that_want_one_branch_do_not_share_it(bench: Bench, repo: Path) -> None:
    """Whoever is second fails, and takes nothing away from the first."""
    gate = bench.gate()
    wanted = {"kind": "worktree", "branch": "one", "keep": "always"}
    async with bench.open() as tw:
        first = await tw.submit(shell=f"echo in; {gate.wait}", cwd=str(repo), workspace=wanted)
        await said(first, "in")
        second = await ended(await tw.submit(shell="true", cwd=str(repo), workspace=wanted))
        assert second.reason is Reason.SPAWN_ERROR
        gate.open()
        assert (await ended(first)).state is TaskState.COMPLETED
        assert git(repo, "rev-parse", "one") == git(repo, "rev-parse", "HEAD")


async def test_a_dirty_tree_gives_a_worktree_of_its_commit_and_says_so(bench: Bench, repo: Path) -> None:
    """What was not committed is not in it, and is counted."""
    (repo / "a.txt").write_text("dirty\n")
    (repo / "untracked").write_text("x")
    async with bench.open() as tw:
        work = await tw.submit(shell="cat a.txt; ls", cwd=str(repo), workspace="worktree")
        task = await ended(work)
        assert "dirty" not in (task.output or "")
        assert "untracked" not in (task.output or "")
        assert (await phase(tw, work, "workspace"))["changed"] == 2
        assert (repo / "a.txt").read_text() == "dirty\n"


async def test_a_folder_that_vanished_is_a_typed_failure(bench: Bench, repo: Path, tmp_path: Path) -> None:
    """As is one that is no repository, has no commit, or does not have the base."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "--quiet")
    asked = [
        (tmp_path / "gone", {"kind": "worktree"}, "does not exist"),
        (tmp_path / "plain", {"kind": "worktree"}, "no checkout"),
        (tmp_path / "empty", {"kind": "worktree"}, "no commit yet"),
        (repo, {"kind": "worktree", "base": "v9"}, "no commit that is called v9"),
    ]
    async with bench.open() as tw:
        for folder, wanted, why in asked:
            task = await ended(await tw.submit(shell="true", cwd=str(folder), workspace=wanted))
            assert (task.state, task.reason) == (TaskState.FAILED, Reason.SPAWN_ERROR)
            assert why in (task.error or "")
        assert await tw.workspaces() == []


async def test_ignored_files_are_copied_where_they_are_included(bench: Bench, repo: Path) -> None:
    """By glob, with their modes; what leads out of the tree is not."""
    (repo / ".env").write_text("A=1")
    (repo / ".env").chmod(0o600)
    (repo / "build").mkdir()
    (repo / "build" / "tool").write_text("#!/bin/sh\n")
    (repo / "build" / "tool").chmod(0o755)
    (repo / "build" / "passwd").symlink_to("/etc/passwd")
    (repo / "build" / "near").symlink_to("tool")
    async with bench.open() as tw:
        wanted = {"kind": "worktree", "include": [".env", "build"]}
        work = await tw.submit(shell="ls build; test -x build/tool; cat .env", cwd=str(repo), workspace=wanted)
        task = await ended(work)
        assert (task.output, task.state) == ("near\ntool\nA=1", TaskState.COMPLETED)
        assert (await phase(tw, work, "workspace"))["copied"] == 3
        assert (await tw.diff(work.id)).diff.changed == 0


async def test_the_set_up_runs_once_inside_before_the_work(bench: Bench, repo: Path) -> None:
    """Its output is recorded, and is no output of the task; a second attempt does not run it again."""
    async with bench.open() as tw:
        wanted = {"kind": "worktree", "setup": ["sh", "-c", "echo setting up; echo x >> ready"]}
        work = await tw.submit(
            shell="cat ready; test -e again || { touch again; exit 1; }",
            cwd=str(repo),
            workspace=wanted,
            retries=1,
            backoff={"first": 0},
        )
        task = await ended(work)
        assert (task.state, task.attempt, task.output) == (TaskState.COMPLETED, 2, "x\n")
        assert (await phase(tw, work, "workspace"))["reused"]
        runs = await work.runs()
        first = [event.data.get("text") for event in await tw.store.events(runs[0].id, 0, 500)]
        assert "setting up\n" in first


async def test_a_set_up_that_fails_is_a_failure_of_the_start(bench: Bench, repo: Path) -> None:
    """The work never began; the workspace is kept, to be looked at."""
    async with bench.open() as tw:
        work = await tw.submit(
            shell="echo worked", cwd=str(repo), workspace={"kind": "worktree", "setup": ["sh", "-c", "exit 3"]}
        )
        task = await ended(work)
        assert (task.reason, task.exit_code, task.output) == (Reason.SPAWN_ERROR, 3, None)
        assert "set-up failed: it exited with status 3" in (task.error or "")
        assert [one.record.stand for one in await tw.workspaces()] == [Stand.READY]


async def test_a_cancelled_run_gives_its_diff_too(bench: Bench, repo: Path) -> None:
    """What it had done by then is there to be looked at."""
    gate = bench.gate()
    async with bench.open() as tw:
        work = await tw.submit(shell=f"echo x > x; echo in; {gate.wait}", cwd=str(repo), workspace="worktree")
        await said(work, "in")
        await work.cancel()
        assert (await ended(work)).state is TaskState.CANCELLED
        assert (await tw.diff(work.id)).diff.changed == 1


async def test_a_secret_in_a_diff_is_taken_out_and_the_diff_cannot_be_applied(bench: Bench, repo: Path) -> None:
    """I11: also beside the store. What would be applied is not what was made, so it is refused."""
    async with bench.open(secrets={"token": "hunter2-hunter2"}) as tw:
        work = await tw.submit(
            shell="echo $TOKEN > leak", cwd=str(repo), env={"TOKEN": "secret://token"}, workspace="worktree"
        )
        await ended(work)
        found = await tw.diff(work.id)
        assert found.diff.scrubbed
        assert b"hunter2" not in found.patch
        with pytest.raises(Exception, match="secret"):
            await tw.apply_diff(work.id, repo)
        assert files_of(repo) == {"a.txt", "src/b.txt", ".gitignore"}


async def test_a_job_has_no_workspace_and_a_folder_no_diff(bench: Bench, repo: Path, tmp_path: Path) -> None:
    """`dir` is the folder itself."""
    async with bench.open() as tw:
        with pytest.raises(Exception, match="this task is a job"):
            await tw.submit(job="x", workspace="worktree")
        work = await tw.submit(shell="true", cwd=str(tmp_path), workspace="dir")
        await ended(work)
        with pytest.raises(Exception, match="no workspace but its folder"):
            await tw.diff(work.id)


async def test_the_turns_of_a_session_share_a_worktree_and_a_warm_process(
    bench: Bench, stage: Stage, repo: Path
) -> None:
    """A process is used again only where the workspace is the same (semantics, "Processes"); its tree stays for the
    next turn, and is not removed while the process stands in it."""
    async with bench.open(agents={"fake": stage.agent()}) as tw:
        box = await tw.session("box", agent="fake")
        for wanted in ("worktree", {"kind": "worktree"}, {"kind": "worktree", "branch": "other"}, None):
            work = (await box.send("go", cwd=str(repo), workspace=wanted)).task
            assert (await ended(work)).state is TaskState.COMPLETED
        folders = [line["cwd"] for line in stage.lines("start")]
        assert len(folders) == 3
        assert folders[2] == str(repo)
        ids = {one.record.id for one in await tw.workspaces()}
        assert {Path(folder).name for folder in folders[:2]} == ids
        work = (await box.send("go", cwd=str(repo), workspace="worktree")).task
        await ended(work)
        [again] = [one.record.id for one in await tw.workspaces() if one.record.branch != "other"]
        with pytest.raises(WorkspaceRefused, match="works in it"):
            await tw.remove_workspace(again)
        await box.reset()
        await gone(stage.pids()[-1])
        assert not (await tw.remove_workspace(again)).kept
        assert (await tw.diff(work.id)).diff.changed == 0


async def test_a_stop_while_a_workspace_is_made_leaves_nothing_of_it(bench: Bench, repo: Path) -> None:
    """Cancelled at once; the branch and the half-made tree go."""
    (repo / "big").write_bytes(b"x" * (32 << 20))
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "big")
    async with bench.open() as tw:
        for _ in range(5):
            work = await tw.submit(shell="echo worked", cwd=str(repo), workspace="worktree")
            await changed(tw, work.id, "running")
            await work.cancel()
            task = await ended(work)
            assert task.state in (TaskState.CANCELLED, TaskState.COMPLETED)
        assert [one for one in await tw.workspaces() if one.record.stand is not Stand.REMOVED] == []
        assert git(repo, "branch", "--format=%(refname:short)") == "main"
        assert git(repo, "worktree", "list").count("\n") == 0


async def test_the_diffs_of_a_task_go_with_it(bench: Bench, repo: Path) -> None:
    """What nobody can ask for any more is not kept."""
    async with bench.open() as tw:
        work = await tw.submit(shell="echo x > x", cwd=str(repo), workspace="worktree")
        await ended(work)
        kept = bench.path.with_name("store.db.d") / "diffs"
        assert len(list(kept.iterdir())) == 2
        assert all(path.stat().st_mode & 0o077 == 0 for path in (kept, *kept.iterdir()))
        assert await work.remove()
        assert list(kept.iterdir()) == []
