"""Modules imported by name when they are wanted. This is the one place of the command line that does so."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


def module_called(name: str) -> ModuleType:
    """A module, imported now. Raises ``ImportError``."""
    return import_module(name)


def from_module(module: str, name: str) -> Any:
    """What stands under a name in a module of ours, which is imported now."""
    return getattr(module_called(module), name)
