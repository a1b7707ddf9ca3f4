"""A small project with a real finding of a real linter, and tests that pass."""

import shutil
import sys
from pathlib import Path

from tests.e2e.conftest import ROOT, CommandLine
from tests.engine.repositories import make_repo

EXAMPLE = ROOT / "examples" / "fix-and-review.yaml"
PLAN = EXAMPLE.name
MENDED = "def total(prices):\n    return sum(prices)\n"
BROKEN = f"import os\n\n\n{MENDED}"
FILES = {
    "shop.py": BROKEN,
    "test_shop.py": "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
    ".gitignore": "__pycache__/\n.ruff_cache/\n.pytest_cache/\n",
}


def make_shop(line: CommandLine, **files: str) -> Path:
    """The project, with the example's plan in it; commands are typed there, with ruff and pytest on the path."""
    folder = make_repo(line.folder / "shop", FILES | files)
    shutil.copy(EXAMPLE, folder)
    line.folder = folder
    line.environ["PATH"] = f"{Path(sys.executable).parent}:{line.environ['PATH']}"
    return folder
