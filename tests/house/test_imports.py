"""Imports stand at the top of a file, and ``import taxiway`` is light."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.house.source import Breach, Module, breach, breaches, called, planted, python_files

BY_NAME = {"importlib.import_module", "import_module", "__import__", "importlib.__import__"}
BY_NAME_ALLOWED = {  # why this module must import by a name that it was given
    "src/taxiway/agents/guardian/__main__.py": "starts alone under `python -I -S`, where the package is no package yet",
    "src/taxiway/testing/fakeagent/__main__.py": "starts alone, without the package, in a fraction of its time",
    "src/taxiway/testing/fakeagent/reading.py": "the YAML parser, a third of its start-up, only for scripts in YAML",
    "src/taxiway/cli/loading.py": "commands when they are typed, by an explicit table; jobs that the user names",
    "tests/house/test_reference.py": "asks every module for its names, also rooms that are not there yet",
}

# What `import taxiway` must not load: the doors, the doubles, and every library that only they need.
OPTIONAL = frozenset(
    "taxiway.cli taxiway.server taxiway.mcp taxiway.testing taxiway.store.postgres "
    "click rich psycopg starlette uvicorn httpx acp mcp prometheus_client opentelemetry hypothesis pytest".split()
)


def late_imports(module: Module) -> Iterator[Breach]:
    """Imports inside functions, and imports by name."""
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield breach(module, node, f"import inside {function.name}(); move it to the top of the file")
        if isinstance(function, ast.Call) and called(function) in BY_NAME and module.path not in BY_NAME_ALLOWED:
            yield breach(module, function, "import by name; if it must be, BY_NAME_ALLOWED says why")


def test_no_import_hides_inside_a_function() -> None:
    """A late import hides an arrow and moves a missing dependency from start-up to the middle of a run."""
    assert breaches(late_imports, python_files("src", "tests", "benchmarks", "examples", "scripts")) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import json",
        "async def f():\n    if True:\n        from taxiway import app",
        "class A:\n    def f(self):\n        import os",
        "import importlib\nx = importlib.import_module('taxiway.app')",
        "y = __import__('json')",
    ],
)
def test_a_late_import_is_found(text: str) -> None:
    """Anywhere below a function, also in methods, and by name."""
    assert breaches(late_imports, [planted(text)])


def test_an_import_at_the_top_is_let_through() -> None:
    """Also under a condition at module level."""
    assert breaches(late_imports, [planted("import json\nif json:\n    import re\n")]) == []


def test_import_taxiway_loads_no_optional_part() -> None:
    """Seen in a fresh interpreter; a library's user pays for what he uses."""
    program = "import sys, json, taxiway; print(json.dumps(sorted(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(json.loads(shown.stdout))
    assert "taxiway" in loaded
    assert loaded & OPTIONAL == set()
