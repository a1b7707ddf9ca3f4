"""Repositories that want to run something, reach out, or hide work: nothing runs, and nothing is lost.

What is written here into ``.git/config`` an agent can write too, for a worktree shares it with its checkout.
"""

import os
import subprocess
from pathlib import Path

import pytest

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.limits import DIFF_BYTES_MAX, DIFF_FILE_BYTES_MAX
from taxiway.core.workspace import Claim, Left, Made, Stand, TaskDiff, WorkspaceKind
from tests.engine.repositories import Shop, commit, git, make_repo, name

HOOKS = (
    "post-checkout",
    "post-index-change",
    "reference-transaction",
    "pre-commit",
    "fsmonitor-watchman",
    "applypatch-msg",
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A workshop."""
    return Shop(tmp_path)


async def lived(shop: Shop, claim: Claim, change: str) -> tuple[Made, TaskDiff, Left]:
    """A workspace's whole life, with a shell line as the work."""
    async with shop.workshop.work_in(claim) as made:
        subprocess.run(["sh", "-ec", change], cwd=made.cwd, check=True, timeout=30)
        diff = await shop.workshop.take_diff(made, claim.run, claim.task)
    return made, TaskDiff(diff, shop.workshop.patches.read(diff)), await shop.workshop.leave(claim)


def booby_trap(repo: Path, canary: Path) -> None:
    """Everything in a repository that can name a command, each leaving a canary."""
    touch = f"sh -c 'echo $0 >> {canary}'"
    for hook in HOOKS:
        place = repo / ".git" / "hooks" / hook
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\necho {hook} >> {canary}\n")
        place.chmod(0o755)
    further = repo / ".git" / "further"
    further.write_text(f'[filter "far"]\n\tclean = {touch}\n\tsmudge = {touch}\n')
    settings = {
        "core.fsmonitor": touch,
        "core.sshCommand": touch,
        "core.pager": touch,
        "core.editor": touch,
        "core.alternateRefsCommand": touch,
        "diff.external": touch,
        "diff.evil.command": touch,
        "diff.evil.textconv": touch,
        "filter.evil.clean": touch,
        "filter.evil.smudge": touch,
        "filter.evil.process": touch,
        "filter.evil.required": "true",
        "merge.evil.driver": touch,
        "merge.default": "evil",
        "credential.helper": f"!{touch}",
        "gpg.program": touch,
        "commit.gpgSign": "true",
        "include.path": str(further),
    }
    for key, value in settings.items():
        git(repo, "config", key, value)


async def test_no_hook_filter_or_helper_of_a_repository_is_run(shop: Shop, tmp_path: Path) -> None:
    """Not while its worktree is made, looked at, saved or removed, nor when a diff is laid into it (CWE-88)."""
    canary = tmp_path / "canary"
    repo = make_repo(tmp_path / "repo", {"a.evil": "1\n2\n3\n", "b.far": "x\n", "c": "c\n"})
    (repo / ".gitattributes").write_text("*.evil filter=evil diff=evil merge=evil\n*.far filter=far\n")
    commit(repo, "attributes")
    booby_trap(repo, canary)
    claim = shop.claim(repo, include=("c",))
    _, diff, left = await lived(shop, claim, "echo 4 >> a.evil; echo y >> b.far; echo new > d.evil")
    assert (diff.diff.changed, left.kept) == (3, False)
    (repo / "a.evil").write_text("0\n1\n2\n3\n")  # so that a merge is needed
    applied = await shop.workshop.apply(diff, str(repo))
    assert sorted(applied.paths) == ["a.evil", "b.far", "d.evil"]
    assert (repo / "a.evil").read_text() == "0\n1\n2\n3\n4\n"
    assert not canary.exists(), canary.read_text()


async def test_traps_that_an_agent_lays_while_it_works_stay_shut(shop: Shop, tmp_path: Path) -> None:
    """Its worktree reaches the configuration and the hooks of the checkout."""
    canary = tmp_path / "canary"
    repo = make_repo(tmp_path / "repo")
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        tree = Path(made.path)
        (tree / ".gitattributes").write_text("* filter=evil diff=evil\n")
        (tree / "a.txt").write_text("changed\n")
        booby_trap(repo, canary)
        diff = await shop.workshop.take_diff(made, claim.run, claim.task)
        assert diff.changed == 2
    assert not (await shop.workshop.leave(claim)).kept
    assert not canary.exists(), canary.read_text()


@pytest.mark.parametrize("key", ["core.worktree", "core.bare"])
async def test_a_repository_that_says_its_files_are_elsewhere_is_refused(shop: Shop, tmp_path: Path, key: str) -> None:
    """Nothing outside is looked at."""
    repo = make_repo(tmp_path / "repo")
    (tmp_path / "else").mkdir()
    git(repo, "config", key, str(tmp_path / "else") if key == "core.worktree" else "true")
    with pytest.raises(WorkspaceRefused, match=r"no checkout|elsewhere"):
        async with shop.workshop.work_in(shop.claim(repo)):
            pass
    assert list(shop.trees.glob("task_*.json")) == []


async def test_names_of_every_kind_survive_the_way_there_and_back(shop: Shop, tmp_path: Path) -> None:
    """Leading dashes, spaces, quotes, line ends, bytes that are no text, pathspec magic."""
    repo = make_repo(tmp_path / "repo")
    names = [b"-rf", b"with space", b'quo"te', b"two\nlines", b"\xff\xfe", b":(top)x", b"*", "ü/ß".encode(), b"\\b"]
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        for one in names:
            path = Path(made.path, os.fsdecode(one))
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(one)
        diff = await shop.workshop.take_diff(made, claim.run, claim.task)
    assert diff.changed == len(names)
    await shop.workshop.apply(TaskDiff(diff, shop.workshop.patches.read(diff)), str(repo))
    assert [Path(repo, os.fsdecode(one)).read_bytes() for one in names] == names


async def test_a_huge_file_is_named_and_left_out_and_the_rest_is_shown(shop: Shop, tmp_path: Path) -> None:
    """The diff keeps its bound, cannot be applied half, and the workspace is saved whole all the same."""
    repo = make_repo(tmp_path / "repo")
    big = DIFF_FILE_BYTES_MAX + 1
    _, found, left = await lived(shop, shop.claim(repo), f"head -c {big} /dev/urandom > huge; echo x > small")
    assert (found.diff.left_out, [one.path for one in found.diff.files]) == (("huge",), ["small"])
    assert len(found.patch) < 1_000
    with pytest.raises(WorkspaceRefused, match="huge was left out"):
        await shop.workshop.apply(found, str(repo))
    assert left.snapshot is not None
    git(repo, "fetch", "--quiet", str(shop.trees / left.snapshot), "taxiway-snapshot:back")
    assert int(git(repo, "cat-file", "-s", "back:huge")) == big


async def test_a_diff_beyond_its_bound_is_cut_and_never_applied(shop: Shop, tmp_path: Path) -> None:
    """Its beginning is kept, and that it is one."""
    repo = make_repo(tmp_path / "repo")
    each, count = DIFF_FILE_BYTES_MAX * 3 // 4, 2 * DIFF_BYTES_MAX // DIFF_FILE_BYTES_MAX
    work = f"for i in $(seq {count}); do yes $i | head -c {each} > big$i; done"
    _, found, _ = await lived(shop, shop.claim(repo), work)
    assert (found.diff.truncated, found.diff.size, len(found.patch)) == (True, DIFF_BYTES_MAX, DIFF_BYTES_MAX)
    with pytest.raises(WorkspaceRefused, match="longer"):
        await shop.workshop.apply(found, str(repo))


async def test_a_link_that_leads_out_of_the_tree_is_not_applied(shop: Shop, tmp_path: Path) -> None:
    """Neither absolute nor by dots, nor into .git; and no file is written through one that is there."""
    repo = make_repo(tmp_path / "repo")
    for number, target in enumerate(["/etc/passwd", "../../x", "a/../../../x", ".git/hooks"]):
        _, found, _ = await lived(shop, shop.claim(repo, number), f"ln -s {target} evil")
        with pytest.raises(WorkspaceRefused, match="out of the tree"):
            await shop.workshop.apply(found, str(repo))
    _, found, _ = await lived(shop, shop.claim(repo, 9), "mkdir d; echo x > d/file; ln -s ../a.txt d/inside")
    (tmp_path / "outside").mkdir()
    (repo / "d").symlink_to(tmp_path / "outside")
    with pytest.raises(WorkspaceRefused, match="does not fit"):
        await shop.workshop.apply(found, str(repo))
    assert list((tmp_path / "outside").iterdir()) == []
    (repo / "d").unlink()
    await shop.workshop.apply(found, str(repo))
    assert (repo / "d" / "inside").read_text() == (repo / "a.txt").read_text()


async def test_a_diff_that_does_not_fit_leaves_the_tree_as_it_was(shop: Shop, tmp_path: Path) -> None:
    """Not one of its files is changed, nor the index; the reason names the file."""
    repo = make_repo(tmp_path / "repo")
    _, found, _ = await lived(shop, shop.claim(repo), "sed -i s/two/TWO/ a.txt; echo other > src/b.txt; echo n > new")
    (repo / "a.txt").write_text("one\nzwei\nthree\n")
    (repo / "staged").write_text("s")
    git(repo, "add", "staged")
    before = (git(repo, "status", "--porcelain"), git(repo, "ls-files", "--stage"))
    with pytest.raises(WorkspaceRefused, match=r"changed the same places of a\.txt"):
        await shop.workshop.apply(found, str(repo))
    assert (git(repo, "status", "--porcelain"), git(repo, "ls-files", "--stage")) == before
    assert (repo / "src" / "b.txt").read_text() == "b\n"


async def test_a_diff_is_merged_with_what_has_changed_elsewhere_meanwhile(shop: Shop, tmp_path: Path) -> None:
    """Three ways: the base, what the run did, what is there now; applied twice it changes nothing."""
    lines = [f"{number}\n" for number in range(40)]
    repo = make_repo(tmp_path / "repo", {"a.txt": "".join(lines)})
    _, found, _ = await lived(shop, shop.claim(repo), "sed -i '3s/.*/THREE/' a.txt")
    (repo / "a.txt").write_text("top\n" + "".join(lines[:-1]) + "end\n")
    commit(repo, "meanwhile")
    assert (await shop.workshop.apply(found, str(repo))).paths == ("a.txt",)
    assert (repo / "a.txt").read_text() == "top\n" + "".join(lines[:-1]).replace("2\n", "THREE\n", 1) + "end\n"
    assert (await shop.workshop.apply(found, str(repo))).paths == ()


async def test_a_move_is_applied_and_what_is_not_touched_is_not_even_read(shop: Shop, tmp_path: Path) -> None:
    """Old and new names of every kind; a file of the caller's that is too large to be hashed does not matter."""
    odd = 'quo"te\tü'
    repo = make_repo(tmp_path / "repo", {odd: "x\n" * 50, "plain": "y\n" * 50})
    _, found, _ = await lived(shop, shop.claim(repo), "mkdir to; mv plain 'to/sp ace'; mv quo* to/ö; echo more >> to/ö")
    assert b"rename from" in found.patch
    with (repo / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert sorted((await shop.workshop.apply(found, str(repo))).paths) == sorted(["plain", odd, "to/sp ace", "to/ö"])
    assert (repo / "to" / "ö").read_text() == "x\n" * 50 + "more\n"
    assert not (repo / odd).exists()
    assert not (repo / "plain").exists()


async def test_a_patch_that_was_changed_on_the_disk_is_not_applied(shop: Shop, tmp_path: Path) -> None:
    """Its digest was recorded."""
    repo = make_repo(tmp_path / "repo")
    _, found, _ = await lived(shop, shop.claim(repo), "echo x > x")
    place = shop.folder / "diffs" / f"{found.diff.run}.diff"
    place.write_bytes(place.read_bytes().replace(b"+x", b"+y"))
    with pytest.raises(WorkspaceRefused, match="digest"):
        shop.workshop.patches.read(found.diff)


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (
            "git init -q sub; echo x > sub/x; git -C sub add .; git -C sub -c user.name=a -c user.email=b commit -qm x",
            "sub",
        ),
        ("mkdir -p deep/er; git init -q deep/er/sub; echo x > deep/er/sub/x", "deep/er/sub"),
        ("git worktree lock .", "locked"),
        ("mv .git ../moved-git; mkdir .git", "no checkout|not the worktree"),
        (
            'git init -q ../evil; echo "$PWD/.git" > ../evil/.git/gitdir; echo "gitdir: $PWD/../evil/.git" > .git',
            "not the worktree",
        ),
    ],
)
async def test_a_workspace_that_cannot_be_saved_whole_stays(shop: Shop, tmp_path: Path, work: str, why: str) -> None:
    """Repositories inside it, somebody's lock, or no proof whose it is: it is left alone, and the reason is said."""
    repo = make_repo(tmp_path / "repo")
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        subprocess.run(["sh", "-ec", work], cwd=made.cwd, check=True, timeout=30)
    left = await shop.workshop.leave(claim)
    assert left.kept
    with pytest.raises(WorkspaceRefused, match=why):
        await shop.workshop.remove(claim.task)
    assert (shop.tree(claim) / "a.txt").exists()
    assert [one.record.stand for one in await shop.workshop.all()] == [Stand.READY]


async def test_a_change_that_the_index_was_told_to_overlook_is_seen_and_saved(shop: Shop, tmp_path: Path) -> None:
    """assume-unchanged and skip-worktree hide files from `git status`; not from a snapshot."""
    repo = make_repo(tmp_path / "repo")
    hide = "echo hidden > a.txt; git update-index --assume-unchanged a.txt; "
    hide += "echo hidden > src/b.txt; git update-index --skip-worktree src/b.txt"
    _, found, left = await lived(shop, shop.claim(repo), hide)
    assert found.diff.changed == 2
    assert left.snapshot is not None
    git(repo, "fetch", "--quiet", str(shop.trees / left.snapshot), "taxiway-snapshot:back")
    assert (git(repo, "show", "back:a.txt"), git(repo, "show", "back:src/b.txt")) == ("hidden", "hidden")


async def test_commits_on_no_branch_are_saved(shop: Shop, tmp_path: Path) -> None:
    """A detached head with work on it would be lost with its worktree."""
    repo = make_repo(tmp_path / "repo")
    work = "git checkout -q --detach; echo x > x; git add x; git -c user.name=a -c user.email=b commit -qm x"
    _, _, left = await lived(shop, shop.claim(repo), work)
    assert left.snapshot is not None
    git(repo, "fetch", "--quiet", str(shop.trees / left.snapshot), "taxiway-snapshot:back")
    assert git(repo, "show", "back:x") == "x"


async def test_a_process_that_works_in_it_keeps_a_workspace(shop: Shop, tmp_path: Path) -> None:
    """Whoever started it."""
    repo = make_repo(tmp_path / "repo")
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        with pytest.raises(WorkspaceRefused, match="in use"):
            await shop.workshop.remove(claim.task)
    with subprocess.Popen(["sleep", "60"], cwd=made.path) as sleeper:
        with pytest.raises(WorkspaceRefused, match=f"process {sleeper.pid} works in it"):
            await shop.workshop.remove(claim.task)
        sleeper.kill()
    assert not (await shop.workshop.remove(claim.task)).kept


async def test_a_folder_of_which_no_record_speaks_is_shown_and_never_touched(shop: Shop, tmp_path: Path) -> None:
    """Nothing is removed for want of a sign that it is needed."""
    repo = make_repo(tmp_path / "repo")
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim):
        pass
    (shop.trees / f"{claim.task}.json").write_text("{")
    assert [one.record.stand for one in await shop.workshop.all()] == [Stand.UNKNOWN]
    with pytest.raises(Exception, match="no workspace"):
        await shop.workshop.remove(claim.task)
    with pytest.raises(WorkspaceRefused, match="no record says whose"):
        async with shop.workshop.work_in(claim):
            pass
    assert (shop.tree(claim) / "a.txt").exists()


async def test_a_repository_that_is_gone_keeps_its_worktree(shop: Shop, tmp_path: Path) -> None:
    """Without it nothing can be saved, so nothing is removed."""
    repo = make_repo(tmp_path / "repo")
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        Path(made.path, "x").write_text("x")
    repo.rename(tmp_path / "moved")
    assert (await shop.workshop.leave(claim)).kept
    assert (shop.tree(claim) / "x").exists()


async def test_a_worktree_of_a_worktree_that_is_gone_is_removed_from_their_repository(
    shop: Shop, tmp_path: Path
) -> None:
    """An agent in a workspace may have asked for one of its own."""
    repo = make_repo(tmp_path / "repo")
    outer = shop.claim(repo, 1)
    async with shop.workshop.work_in(outer) as made:
        inner = shop.claim(made.path, 2)
        async with shop.workshop.work_in(inner) as within:
            Path(within.path, "x").write_text("x")
    assert not (await shop.workshop.leave(outer)).kept
    left = await shop.workshop.leave(inner)
    assert (left.kept, left.snapshot is not None) == (False, True)
    assert git(repo, "worktree", "list").count("\n") == 0
    assert git(repo, "branch", "--format=%(refname:short)") == "main"


async def test_trouble_with_the_disk_is_a_reason_and_no_failure_of_the_work(shop: Shop, tmp_path: Path) -> None:
    """No place for the diff, the record, or the tree: a typed refusal each time, and what is there stays."""
    repo = make_repo(tmp_path / "repo")
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        Path(made.path, "x").write_text("x")
        (shop.folder / "diffs").write_text("no folder")
        with pytest.raises(WorkspaceRefused, match="diff cannot be kept"):
            await shop.workshop.take_diff(made, claim.run, claim.task)
        with pytest.raises(OSError, match="of the work"):
            async with shop.workshop.work_in(claim):
                raise OSError("of the work itself")
    (shop.trees / f"{claim.task}-1.bundle.new").mkdir()
    assert (await shop.workshop.leave(claim)).kept
    assert shop.tree(claim).is_dir()
    (tmp_path / "elsewhere").mkdir()
    other = Shop(tmp_path / "elsewhere")
    other.trees.write_text("no folder")
    with pytest.raises(WorkspaceRefused, match="no place"):
        async with other.workshop.work_in(claim):
            pass


async def test_a_start_below_a_link_that_leads_out_is_refused(shop: Shop, tmp_path: Path) -> None:
    """Where the work starts is a real folder inside the workspace."""
    repo = make_repo(tmp_path / "repo")
    (repo / "out").symlink_to("/etc")
    commit(repo, "link")
    (repo / "out").unlink()
    (repo / "out").mkdir()
    with pytest.raises(WorkspaceRefused, match="leads out"):
        async with shop.workshop.work_in(shop.claim(repo / "out")):
            pass


async def test_includes_are_not_copied_through_a_link_that_was_committed(shop: Shop, tmp_path: Path) -> None:
    """The checkout has a folder where the commit has a link out of the tree."""
    repo = make_repo(tmp_path / "repo")
    (tmp_path / "outside").mkdir()
    (repo / "d").symlink_to(tmp_path / "outside")
    commit(repo, "link")
    (repo / "d").unlink()
    (repo / "d").mkdir()
    (repo / "d" / "secret").write_text("x")
    async with shop.workshop.work_in(shop.claim(repo, include=("d/**",))) as made:
        assert made.copied == 0
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "where", ["ext::sh -c 'touch {canary}'", "file://{repo}", "--upload-pack=touch {canary}", "{repo}"]
)
async def test_an_address_that_is_a_command_an_option_or_a_path_fetches_nothing(
    shop: Shop, tmp_path: Path, where: str
) -> None:
    """Also where it gets past the reader of the field: git is told again what it may speak (CVE-2022-24439)."""
    repo = make_repo(tmp_path / "repo")
    canary = tmp_path / "canary"
    number = git(repo, "rev-parse", "HEAD")
    address = where.format(canary=canary, repo=repo)
    claim = shop.claim("/", kind=WorkspaceKind.BUNDLE, repo=address, commit=number)
    with pytest.raises(WorkspaceRefused, match=r"not allowed|failed"):
        async with shop.workshop.work_in(claim):
            pass
    assert not canary.exists()
    assert await shop.workshop.all() == []
    assert not shop.tree(claim).exists()


def test_the_names_that_tests_give_are_ids() -> None:
    """As the store makes them."""
    assert name("task", 1) == "task_" + "1" * 26
