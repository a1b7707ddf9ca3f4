"""The house as the house tests see it: every module of ``src/taxiway`` parsed once, without importing any of them."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "taxiway"
ROOMS = (
    *("core", "store", "agents", "workspaces", "engine", "server", "client", "cli", "mcp", "observe", "testing"),
    *("planfile", "schemas", "wire"),
)


@dataclass(frozen=True)
class Module:
    """One file of Python: its path below the repository and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, self.path)

    @property
    def inside(self) -> bool:
        """Whether it belongs to the package."""
        return self.path.startswith("src/taxiway/")

    @property
    def name(self) -> str:
        """The dotted name below the package: ``engine.intake``; a package's own file is called like the package.

        What stands outside the package (tests, scripts) has its path as its name.
        """
        path = Path(self.path)
        parts = (path.relative_to("src/taxiway") if self.inside else path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "__init__"

    @property
    def room(self) -> str:
        """The room, or for a module at the top of the package its own name."""
        return self.name.partition(".")[0]

    @cached_property
    def documentation(self) -> frozenset[int]:
        """The ids of the string nodes that stand alone as a statement: docstrings, which no program reads."""
        return frozenset(
            id(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )


@dataclass(frozen=True)
class Breach:
    """One place where a rule is broken, and what to do instead."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Rule = Callable[[Module], Iterable[Breach]]


def breach(module: Module, node: ast.AST, what: str) -> Breach:
    """A breach at a node's line."""
    return Breach(f"{module.path}:{getattr(node, 'lineno', 1)}", what)


def python_files(*folders: str) -> Iterator[Module]:
    """Every Python file below these folders of the repository; a folder that is not there has none."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


@lru_cache(maxsize=1)
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    return tuple(python_files("src/taxiway"))


def planted(text: str, path: str = "src/taxiway/engine/planted.py") -> Module:
    """A module that exists only in a test, to show that a rule bites."""
    return Module(path, text)


def breaches(rule: Rule, of: Iterable[Module] | None = None) -> list[str]:
    """What a rule finds in the package (or in ``of``), as lines to read."""
    return [str(found) for module in (modules() if of is None else of) for found in rule(module)]


def called(node: ast.Call) -> str:
    """The dotted name that a call names: ``asyncio.create_task``; what is no plain name in it is an empty part."""
    return dotted(node.func)


def dotted(node: ast.expr) -> str:
    """The dotted name of an expression, as far as it is one."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{dotted(value)}.{attribute}"
        case _:
            return ""


def imported(module: Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Every full dotted name that a module imports, relative imports resolved: ``from a import b`` gives ``a.b``."""
    own = module.name.split(".") if module.name != "__init__" else []
    package = ["taxiway", *own] if module.inside else own
    if not module.path.endswith("/__init__.py"):
        package = package[:-1]
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield node, alias.name
            case ast.ImportFrom(module=source, names=names, level=level):
                base = package[: len(package) - level + 1] if level else []
                for alias in names:
                    yield node, ".".join([*base, *([source] if source else []), alias.name])
            case _:
                pass
