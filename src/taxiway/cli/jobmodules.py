"""Modules of the user's that register Python jobs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from taxiway.cli.loading import module_called
from taxiway.core.errors import Invalid


def load_jobs(modules: Iterable[str]) -> None:
    """Import modules, so that their ``@taxiway.job`` functions are known; the present folder is looked in first."""
    for module in modules:
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            module_called(module)
        except ImportError as error:
            raise Invalid(f"--jobs {module}: it cannot be imported: {error}", module=module) from error
