"""The repository as a whole: nothing of one machine, no host of a package registry, one lock, scripts that run."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, ROOT

# Written in two halves, so that this file does not name what no file may name.
REGISTRY_HOSTS = [
    "".join(halves)
    for halves in (
        ("pypi", ".org"), ("pypi.python", ".org"), ("files.python", "hosted.org"), ("registry.npm", "js.org"),
        ("registry.yarn", "pkg.com"), ("npm", "js.com"), ("crates", ".io"), ("proxy.golang", ".org"),
        ("ruby", "gems.org"), ("ana", "conda.org"), ("anaconda", ".com"), ("pkg.github", ".com"),
        ("repo.maven", ".apache.org"),
    )
]  # fmt: skip
HOME_FOLDER = re.compile(r"(?<![\w.$}/])/(home|Users|root)/\w+|\b[A-Z]:\\+Users\\+\w+")
SCRIPTS = ("check", "test", "proof", "demo", "docs", "environment", "lock", "agents", "conformance")
MADE = re.compile(r"^(\.git|\.agents|__pycache__|\.venv.*|build|dist|\.proof|\..*_cache|\.hypothesis)$")


def repository_files() -> list[Path]:
    """Every file that belongs to the repository: what git knows or would add; without git, all but what is made."""
    question = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(question, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return [ROOT / name for name in sorted(set(names)) if (ROOT / name).is_file()]
    files = [path for path in sorted(ROOT.rglob("*")) if path.is_file()]
    return [path for path in files if not any(MADE.match(part) for part in path.relative_to(ROOT).parts)]


def machine_words() -> list[str]:
    """The folders of the machine that this runs on, where they are long enough to mean something."""
    return [str(path) for path in (ROOT, Path.home()) if len(path.parts) > 2]


def indiscretions(text: str, words: list[str]) -> list[str]:
    """What a text tells that belongs to one machine or one registry."""
    found = [host for host in REGISTRY_HOSTS if re.search(rf"(?<![\w-]){re.escape(host)}\b", text)]
    found += [match.group() for match in HOME_FOLDER.finditer(text)]
    return found + [word for word in words if re.search(rf"{re.escape(word)}(?![\w-])", text)]


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    """Where packages come from, and where somebody keeps his clone, is that machine's business."""
    words, told = machine_words(), {}
    for path in repository_files():
        text = path.read_bytes().decode("utf-8", "replace")
        if found := indiscretions(text, words):
            told[path.relative_to(ROOT).as_posix()] = sorted(set(found))
    assert told == {}


def test_an_indiscretion_is_found() -> None:
    """Hosts, home folders, and this machine's own folders."""
    assert indiscretions(f"https://{REGISTRY_HOSTS[0]}/simple", [])
    assert indiscretions("see /ho" + "me/ann/project", [])
    assert indiscretions("in C:\\" + "Users\\ann", [])
    assert indiscretions("cd /a/b/c/d", ["/a/b/c"])
    assert indiscretions("/srv/home/x and $HOME/x, ~/x, /a/b/cd", ["/a/b/c"]) == []


def test_the_lock_pins_every_package_by_hash_and_names_no_place() -> None:
    """One lock file for everything that scripts install; every package one version with its hashes, and no address."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    packages = [block for block in re.split(r"\n(?=\S)", text) if not block.startswith("#")]
    assert len(packages) > 10
    for package in packages:
        assert re.match(r"[a-z0-9._-]+==\S+( ; [^\n]*)? \\\n    --hash=sha256:[0-9a-f]{64}", package), package[:80]
    assert "://" not in text
    assert " @ " not in text
    assert [path.name for path in ROOT.glob("*lock*")] == ["requirements.lock"]


def test_the_lock_has_every_package_that_the_project_asks_for() -> None:
    """A dependency that was added without `scripts/lock` shows here, not in somebody's fresh clone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    asked += project["build-system"]["requires"]
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    names = {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line).group()).lower() for line in asked}  # type: ignore[union-attr]
    assert names - pinned == set()


@pytest.mark.parametrize("script", [*(f"scripts/{name}" for name in SCRIPTS), ".ci/run"])
def test_every_script_is_executable_and_parses(script: str) -> None:
    """A typing error in a script that runs once a month is found today."""
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    assert path.read_text("utf-8").startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", path], check=True, timeout=30)


def test_the_package_carries_its_typing_mark_and_its_readme() -> None:
    """py.typed tells users' type checkers to read our types; the readme is the package's page."""
    assert (PACKAGE / "py.typed").exists()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (ROOT / project["readme"]).exists()
