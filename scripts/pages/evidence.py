"""Parts of the guarantees: which tests and which checks of a live store name each invariant."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.pages.markdown import code, table
from taxiway.store.statements import load_checks

ROOT = Path(__file__).resolve().parents[2]
INVARIANTS = tuple(f"I{number}" for number in range(1, 22))
#: Suites that tests run by subclassing: their sentences stand in the package, for those who write a store.
PLACES = ("tests", "src/taxiway/testing")
NOT_BEHAVIOUR = ("tests/house/", "tests/docs/")


def evidence() -> str:
    """For every invariant its tests (by file) and the queries of ``taxiway db check``."""
    tests = named_by_tests()
    checks: dict[str, list[str]] = {}
    for invariant, name, _, _ in load_checks():
        checks.setdefault(invariant, []).append(name)
    rows = []
    for invariant in INVARIANTS:
        files = ", ".join(f"[{Path(path).name}](../{path})" for path in tests.get(invariant, ()))
        rows.append(
            [invariant, files or "-", ", ".join(code(name) for name in sorted(checks.get(invariant, ()))) or "-"]
        )
    return table(["invariant", "tests", "checks of a live store"], rows)


def named_by_tests() -> dict[str, list[str]]:
    """The files whose tests name an invariant, in a test's name or docstring."""
    found: dict[str, list[str]] = {}
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*.py")):
            relative = path.relative_to(ROOT).as_posix()
            if relative.startswith(NOT_BEHAVIOUR):
                continue
            for invariant in sorted(set(_named(path))):
                found.setdefault(invariant, []).append(relative)
    return found


def _named(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            said = f"{node.name} {ast.get_docstring(node) or ''}"
            yield from (f"I{number}" for number in re.findall(r"\bI(\d{1,2})[a-z]?\b", said))
