"""Modules imported by name: those of commands, when they are typed, and those with jobs that the user names.

This is the one place of the command line that does so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from taxiway.core.errors import Invalid


def command_of(module: str, name: str) -> Any:
    """The command that stands under its name in a module of ours."""
    return getattr(import_module(module), name)


def load_jobs(modules: Iterable[str]) -> None:
    """Import modules, so that their ``@taxiway.job`` functions are known; the present folder is looked in first."""
    for module in modules:
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            import_module(module)
        except ImportError as error:
            raise Invalid(f"--jobs {module}: it cannot be imported: {error}", module=module) from error
