"""Imports stand at the top of a file, and ``import taxiway`` is light."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

import taxiway
from taxiway.cli.main import COMMANDS, root
from tests.house.source import PACKAGE, Breach, Module, breach, breaches, called, planted, python_files

BY_NAME = {"importlib.import_module", "import_module", "__import__", "importlib.__import__"}
BY_NAME_ALLOWED = {  # why this module must import by a name that it was given
    "src/taxiway/__init__.py": "the public names, by an explicit table, when they are first used",
    "src/taxiway/agents/acp.py": "the SDK of ACP, an extra and slow to load, with the first such agent",
    "src/taxiway/agents/guardian/__main__.py": "starts alone under `python -I -S`, where the package is no package yet",
    "src/taxiway/testing/fakeagent/__main__.py": "starts alone, without the package, in a fraction of its time",
    "src/taxiway/testing/fakeagent/reading.py": "the YAML parser, a third of its start-up, only for scripts in YAML",
    "src/taxiway/cli/loading.py": "commands when they are typed, by an explicit table; jobs that the user names",
    "src/taxiway/observe/tracing.py": "traces, which need OpenTelemetry, an extra, only where they are wanted",
    "tests/house/test_reference.py": "asks every module for its names, also rooms that are not there yet",
}

# What `import taxiway` must not load: the doors, the doubles, and every library that only they need.
OPTIONAL = frozenset(
    "taxiway.cli taxiway.server taxiway.mcp taxiway.testing taxiway.store.postgres "
    "click rich psycopg starlette uvicorn httpx mcp prometheus_client opentelemetry "
    "acp pydantic jsonschema referencing hypothesis pytest".split()
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


def loaded_by(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a program."""
    shown = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(shown.stdout.splitlines()[-1]))


def test_import_taxiway_loads_nothing_before_it_is_used() -> None:
    """The command line imports the package too: a help text should not pay for the engine."""
    assert {name for name in loaded_by("import taxiway") if name.startswith("taxiway.")} == set()
    assert "taxiway.core.event" in loaded_by("import taxiway; taxiway.Event")
    assert "taxiway.app" not in loaded_by("import taxiway; taxiway.Event")


def test_the_public_names_are_the_same_for_programs_and_for_type_checkers() -> None:
    """Two lists of one thing: a table for the lazy import, and imports that only type checkers read."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    read: dict[str, list[str]] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom), ast.unparse(node)
        assert [alias.asname for alias in node.names] == [alias.name for alias in node.names]
        read.setdefault(node.module or "", []).extend(alias.name for alias in node.names)
    assert {home: list(names) for home, names in taxiway.HOMES.items()} == read
    assert all(getattr(taxiway, name) is not None for name in taxiway.__all__)
    assert set(taxiway.__all__) <= set(dir(taxiway))
    assert not hasattr(taxiway, "no_such_name")


def test_a_help_text_loads_neither_the_commands_nor_what_they_stand_on() -> None:
    """What it says of each command is a table, and the table is what each command says of itself."""
    loaded = loaded_by("from taxiway.cli.main import status_of; status_of(['--help'])")
    assert {name for name in loaded if name.startswith("taxiway.") and name.count(".") == 1} == {
        "taxiway.cli",
        "taxiway.core",
    }
    assert loaded & {"asyncio", "msgspec", "apsw", "rich", "yaml"} == set()
    said = {name: root.commands[name].get_short_help_str(200) for name in COMMANDS}
    assert said == {name: text for name, (_, text) in COMMANDS.items()}


def test_a_command_loads_no_reader_and_no_view_that_it_does_not_use() -> None:
    """`taxiway task list` is typed a hundred times a day, and scripts type `submit` and `plan check`."""
    assert "rich" not in loaded_by("from taxiway.cli import plan, submit")
    loaded = loaded_by("from taxiway.cli import task")
    assert loaded & {"rich", "yaml", "taxiway.planfile.reading", "taxiway.cli.view"} == set()


def test_import_taxiway_loads_no_optional_part() -> None:
    """Seen in a fresh interpreter; a library's user pays for what he uses."""
    loaded = loaded_by("import taxiway; taxiway.open")
    assert "taxiway.app" in loaded
    assert loaded & OPTIONAL == set()
