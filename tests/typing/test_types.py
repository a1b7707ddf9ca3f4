"""What editors and type checkers tell a user of the public surface is right: two of them, over a file of examples."""

import ast
import importlib.resources
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import taxiway
from taxiway.client.remote import RemoteTaxiway
from taxiway.client.verbs import Verbs
from taxiway.verbs import Taxiway
from tests.house.source import ROOT

EXAMPLES = Path(__file__).with_name("examples.py")
SETTINGS = '{"typeCheckingMode": "strict", "pythonVersion": "3.11", "extraPaths": ["%s"], "include": ["%s"]}'


def verbs(of: type) -> set[str]:
    """The names of its verbs."""
    return {name for name, verb in inspect.getmembers(of, inspect.isfunction) if name[0] != "_"}


def run(*argv: str, cwd: Path) -> str:
    """What a type checker says; fails where it finds anything."""
    done = subprocess.run([sys.executable, "-m", *argv], cwd=cwd, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_verb_stands_in_the_examples() -> None:
    """Surface 7: whoever adds a verb adds a line."""
    used = {node.attr for node in ast.walk(ast.parse(EXAMPLES.read_text())) if isinstance(node, ast.Attribute)}
    handles = verbs(taxiway.TaskHandle) | verbs(taxiway.SessionHandle)
    assert verbs(Taxiway) | verbs(RemoteTaxiway) | verbs(Verbs) | handles <= used


def test_the_package_says_that_it_is_typed() -> None:
    """PEP 561."""
    assert importlib.resources.files("taxiway").joinpath("py.typed").is_file()


def test_mypy_finds_nothing_in_the_examples(tmp_path: Path) -> None:
    """Surface 7: strict."""
    said = run("mypy", "--strict", "--cache-dir", str(tmp_path), str(EXAMPLES), cwd=ROOT)
    assert "no issues found in 1 source file" in said


def test_pyright_finds_nothing_in_the_examples(tmp_path: Path) -> None:
    """Surface 7: strict, by another program's understanding."""
    (tmp_path / "pyrightconfig.json").write_text(SETTINGS % (ROOT / "src", EXAMPLES))
    said = run("basedpyright", "-p", str(tmp_path), cwd=tmp_path)
    assert "0 errors" in said


def test_they_do_find_what_is_wrong(tmp_path: Path) -> None:
    """A check that could not fail would be none."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(EXAMPLES.read_text().replace("tw.task(lint.id)", "tw.task(7)"))
    with pytest.raises(AssertionError, match="arg-type"):
        run(
            "mypy",
            "--strict",
            "--cache-dir",
            str(tmp_path / "cache"),
            "--config-file",
            str(ROOT / "pyproject.toml"),
            str(wrong),
            cwd=ROOT,
        )
    (tmp_path / "pyrightconfig.json").write_text(SETTINGS % (ROOT / "src", wrong))
    with pytest.raises(AssertionError, match="reportArgumentType"):
        run("basedpyright", "-p", str(tmp_path), cwd=tmp_path)
