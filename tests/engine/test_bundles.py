"""Bundles, fetched from a git server on the loopback: one commit, and nothing that was not asked for."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.limits import PREFACE_BYTES_MAX, PROMPT_REFERENCE_BYTES_MAX, SKILL_SUMMARY_CHARS_MAX
from taxiway.core.workspace import Stand, WorkspaceKind
from tests.engine.httpd import served
from tests.engine.repositories import Shop, commit, git, make_repo

BUNDLE = WorkspaceKind.BUNDLE
FILES = {"README.md": "top\n", "app/main.txt": "main\n", "docs/long.md": "long\n", ".gitignore": "*.log\n"}


class Server:
    """A repository that is served, and where."""

    def __init__(self, folder: Path, root: str, asked: list[str]) -> None:
        self.folder = folder
        self.root = root
        self.asked = asked
        self.repo = make_repo(folder / "one", FILES)
        self.address = f"{root}/one/.git"

    def commit(self, **files: str) -> str:
        """Another commit; its number."""
        for name, text in files.items():
            path = self.repo / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return commit(self.repo, "more")

    @property
    def head(self) -> str:
        """The newest commit."""
        return git(self.repo, "rev-parse", "HEAD")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A git server with one repository."""
    with served(tmp_path / "served") as (root, asked):
        yield Server(tmp_path / "served", root, asked)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A workshop that may speak http, which nobody else may."""
    return Shop(tmp_path, protocols="http")


async def test_one_commit_is_fetched_and_its_diff_is_taken(shop: Shop, server: Server) -> None:
    """The commit that was asked for, not the newest; shallow, detached, with the work's start in its folder."""
    first = server.commit(README_dot_md="older\n")
    server.commit(app__main_dot_txt="newer\n")
    claim = shop.claim("/", kind=BUNDLE, repo=server.address, commit=first, subdir="app")
    async with shop.workshop.work_in(claim) as made:
        assert (made.base, made.cwd) == (first, f"{made.path}/app")
        assert Path(made.cwd, "main.txt").read_text() == "main\n"
        assert git(Path(made.path), "rev-list", "--count", "HEAD") == "1"
        Path(made.cwd, "main.txt").write_text("changed\n")
        git(Path(made.path), "stash", "--quiet")
        Path(made.cwd, "main.txt").write_text("changed\n")
        diff = await shop.workshop.take_diff(made, claim.run, claim.task)
    assert [one.path for one in diff.files] == ["app/main.txt"]
    left = await shop.workshop.leave(claim)
    assert (left.kept, shop.tree(claim).exists()) == (False, False)
    clone = shop.folder / "clone"
    clone.mkdir()
    git(clone, "init", "--quiet")
    git(clone, "fetch", "--quiet", "--depth=1", server.address, first)
    git(clone, "fetch", "--quiet", str(shop.trees / str(left.snapshot)), "refs/heads/*:refs/heads/*")
    assert git(clone, "show", "taxiway-snapshot:app/main.txt") == "changed"
    assert git(clone, "show", "taxiway-snapshot-1:app/main.txt") == "changed", "what was stashed"


async def test_a_clean_bundle_goes_without_a_snapshot(shop: Shop, server: Server) -> None:
    """It can be fetched again."""
    claim = shop.claim("/", kind=BUNDLE, repo=server.address, commit=server.head)
    async with shop.workshop.work_in(claim):
        pass
    left = await shop.workshop.leave(claim)
    assert (left.kept, left.snapshot) == (False, None)
    assert await shop.workshop.all() == []


async def test_sparse_paths_alone_are_checked_out(shop: Shop, server: Server) -> None:
    """What is not there is not missing from the diff."""
    claim = shop.claim("/", kind=BUNDLE, repo=server.address, commit=server.head, sparse=("app", "README.md"))
    async with shop.workshop.work_in(claim) as made:
        there = {path.name for path in Path(made.path).iterdir()}
        assert there == {".git", "app", "README.md"}
        diff = await shop.workshop.take_diff(made, claim.run, claim.task)
    assert diff.changed == 0


async def test_submodules_come_only_when_they_are_asked_for_and_by_the_same_rules(
    shop: Shop, server: Server, tmp_path: Path
) -> None:
    """One that names a file:// address or a command is a typed refusal, and nothing of it is run (CVE-2022-39253)."""
    inner = make_repo(server.folder / "inner", {"i.txt": "inner\n"})
    add = ("-c", "protocol.file.allow=always", "submodule", "add", "--quiet")
    git(server.repo, *add, f"{server.root}/inner/.git", "good")
    good = server.commit()
    git(server.repo, *add, f"file://{inner}", "bad")
    bad = server.commit()
    plain = shop.claim("/", 1, kind=BUNDLE, repo=server.address, commit=bad)
    async with shop.workshop.work_in(plain) as made:
        assert list(Path(made.path, "good").iterdir()) == list(Path(made.path, "bad").iterdir()) == []
    asked = shop.claim("/", 2, kind=BUNDLE, repo=server.address, commit=good, submodules=True)
    async with shop.workshop.work_in(asked) as made:
        assert Path(made.path, "good", "i.txt").read_text() == "inner\n"
        assert (await shop.workshop.take_diff(made, asked.run, asked.task)).changed == 0
    assert not (await shop.workshop.leave(asked)).kept
    refused = shop.claim("/", 3, kind=BUNDLE, repo=server.address, commit=bad, submodules=True)
    with pytest.raises(WorkspaceRefused, match=r"not allowed|failed"):
        async with shop.workshop.work_in(refused):
            pass
    assert not shop.tree(refused).exists()


async def test_work_inside_a_submodule_keeps_the_workspace(shop: Shop, server: Server) -> None:
    """A snapshot cannot hold a repository inside another."""
    make_repo(server.folder / "inner", {"i.txt": "inner\n"})
    git(server.repo, "submodule", "add", "--quiet", f"{server.root}/inner/.git", "sub")
    claim = shop.claim("/", kind=BUNDLE, repo=server.address, commit=server.commit(), submodules=True)
    async with shop.workshop.work_in(claim) as made:
        Path(made.path, "sub", "i.txt").write_text("changed\n")
    left = await shop.workshop.leave(claim)
    assert (left.kept, "repository of its own" in left.text) == (True, True)


async def test_a_commit_that_is_not_there_or_a_folder_that_is_not_is_refused(shop: Shop, server: Server) -> None:
    """A typed outcome, and nothing is left on the disk."""
    for fields in ({"commit": "0" * 39 + "1"}, {"commit": server.head, "subdir": "nowhere"}):
        claim = shop.claim("/", kind=BUNDLE, repo=server.address, **fields)
        with pytest.raises(WorkspaceRefused):
            async with shop.workshop.work_in(claim):
                pass
    stands = [one.record.stand for one in await shop.workshop.all()]
    assert stands == [Stand.READY], "the second one was fetched; what is there stays to be looked at"


async def test_large_files_are_pointers_unless_they_are_asked_for(shop: Shop, server: Server) -> None:
    """What the repository says about filters is not followed."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 5\n"
    head = server.commit(_dot_gitattributes="*.bin filter=lfs\n", a_dot_bin=pointer)
    claim = shop.claim("/", kind=BUNDLE, repo=server.address, commit=head)
    async with shop.workshop.work_in(claim) as made:
        assert Path(made.path, "a.bin").read_text() == pointer


async def test_prompts_and_skills_of_a_bundle_go_before_the_words(shop: Shop, server: Server) -> None:
    """Files of the commit itself: what is written into the workspace later is not read."""
    skill = "---\nname: tidy\ndescription: Tidies up.\n---\n# Tidy\n"
    head = server.commit(house_dot_md="Be kind.\n", skills__tidy__SKILL_dot_md=skill)
    claim = shop.claim(
        "/", kind=BUNDLE, repo=server.address, commit=head, prompts=("house.md",), skills=("skills/tidy",)
    )
    for _ in range(2):
        async with shop.workshop.work_in(claim) as made:
            assert made.preface == (
                "Be kind.\n\nSkills that are there, each in its file:\n- skills/tidy/SKILL.md: Tidies up."
            )
            Path(made.path, "house.md").write_text("Be rude.\n")


async def test_references_have_their_bounds(shop: Shop, server: Server) -> None:
    """16 KiB for a file, 64 KiB together, 600 characters of a skill; what is missing is said."""
    fits = {f"p{number}_dot_md": "x" * PROMPT_REFERENCE_BYTES_MAX for number in range(5)}
    head = server.commit(**fits, long_dot_md="y" * (PROMPT_REFERENCE_BYTES_MAX + 1), s_dot_md="z" * 2_000)
    names = tuple(f"p{number}.md" for number in range(5))
    together = PREFACE_BYTES_MAX // PROMPT_REFERENCE_BYTES_MAX
    for number, (fields, why) in enumerate(
        [
            ({"prompts": ("long.md",)}, "longer than"),
            ({"prompts": ("gone.md",)}, "no file gone.md"),
            ({"prompts": names[: together + 1]}, "together"),
        ]
    ):
        claim = shop.claim("/", number, kind=BUNDLE, repo=server.address, commit=head, **fields)
        with pytest.raises(WorkspaceRefused, match=why):
            async with shop.workshop.work_in(claim):
                pass
    claim = shop.claim("/", 9, kind=BUNDLE, repo=server.address, commit=head, skills=("s.md",))
    async with shop.workshop.work_in(claim) as made:
        assert made.preface.endswith("s.md: " + "z" * SKILL_SUMMARY_CHARS_MAX)


async def test_hooks_of_a_template_are_not_copied_into_a_bundle(
    shop: Shop, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anybody's own configuration of git read."""
    canary = tmp_path / "canary"
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "post-checkout").write_text(f"#!/bin/sh\ntouch {canary}\n")
    (template / "post-checkout").chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[init]\n\ttemplateDir = {template.parent}\n[core]\n\thooksPath = {template}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    fresh = Shop(tmp_path, protocols="http")
    async with fresh.workshop.work_in(fresh.claim("/", kind=BUNDLE, repo=server.address, commit=server.head)) as made:
        subprocess.run(["git", "--version"], check=True, capture_output=True)
        assert not Path(made.path, ".git", "hooks").exists()
    assert not canary.exists()
