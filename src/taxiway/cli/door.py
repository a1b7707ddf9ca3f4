"""The way in: what was typed globally, the configuration that follows from it, and a store opened for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import cached_property, wraps
from getpass import getuser
from typing import Any, Final, TypeVar

import click
import msgspec

from taxiway.app import Settings, Taxiway, open_configured
from taxiway.cli.flags import Flags
from taxiway.cli.moments import tell
from taxiway.clock import SystemClock
from taxiway.config import Loaded, load, surroundings
from taxiway.core.readiness import Scope

T = TypeVar("T")
R = TypeVar("R")

EVERYTHING: Final = Scope()


class Door:
    """What every command is handed: the global flags, and what they open."""

    def __init__(self, flags: Flags) -> None:
        self.wants_json = flags.wants_json
        self._store = flags.store
        self.clock = SystemClock()

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration; raises ``Invalid`` with every problem in it."""
        return load({"store.path": self._store}, surroundings())

    def open(
        self, slots: int = 0, scope: Scope = EVERYTHING, project: str | None = None, *, plan_first: bool = False
    ) -> AbstractAsyncContextManager[Taxiway]:
        """The store, with a runner of ``slots`` slots in this process (0: without one), which takes nothing before a
        plan has been admitted if it is there for one; ``project`` is the present folder's unless it is given."""
        asked = msgspec.structs.replace(self.wanted(slots), scope=scope, project=project, plan_first=plan_first)
        return open_configured(self.loaded, asked, tell)

    def wanted(self, slots: int) -> Settings:
        """What the command line wants of a store: so many slots, and changes in the name of whoever types."""
        return Settings(slots=slots, actor=_actor())

    def use(self, work: Callable[[Taxiway], Awaitable[T]]) -> T:
        """Open the store without a runner, do one thing with it, and close it."""

        async def within() -> T:
            async with self.open() as tw:
                return await work(tw)

        return asyncio.run(within())


def pass_door(function: Callable[..., R]) -> Callable[..., R]:
    """Hand the door to a command, before what was typed for it."""

    @wraps(function)
    def call(*args: Any, **typed: Any) -> R:
        return function(Door(click.get_current_context().ensure_object(Flags)), *args, **typed)

    return call


def reader_here() -> str:
    """As whom sessions are read, unless a command is told."""
    return _actor()


def _actor() -> str:
    """Who is written into the change log."""
    try:
        return f"cli:{getuser()}"
    except (OSError, KeyError):
        return "cli"
