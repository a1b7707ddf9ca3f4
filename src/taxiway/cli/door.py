"""The way in: what was typed globally, the configuration that follows from it, and a store opened (or a server asked)
for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import cached_property, wraps
from getpass import getuser
from socket import gethostname
from typing import Any, Final, TypeVar

import click

from taxiway import diagnosis
from taxiway.app import Settings, Taxiway, open_configured, store_path
from taxiway.cli.asked import check_askable, named_token, token_around, token_of, url_of
from taxiway.cli.flags import Flags
from taxiway.cli.loading import from_module
from taxiway.cli.moments import tell
from taxiway.client.verbs import Verbs
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
        self._flags = flags
        self.clock = SystemClock()

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration; raises ``Invalid`` with every problem in it."""
        return load({"store.path": self._flags.store}, surroundings())

    @cached_property
    def url(self) -> str | None:
        """The server that is asked, ``None`` where it is a store."""
        return url_of(self._flags, surroundings().environ)

    @property
    def named_token(self) -> str | None:
        """The token in the file that was named, if one was."""
        return named_token(self._flags)

    @property
    def token_around(self) -> str | None:
        """The token in the environment, if one is there."""
        return token_around(surroundings().environ)

    @property
    def has_store(self) -> bool:
        """Whether there is something to ask already."""
        return self.url is not None or store_path(self.loaded.config.store.path).exists()

    def open(self, project: str | None = None) -> AbstractAsyncContextManager[Verbs]:
        """The store, without a runner, or the server; ``project`` is the present folder's unless it is given."""
        if self.url is None:
            return self.open_here(project=project)
        owners = store_path(self.loaded.config.store.path).with_suffix(".token")
        token = token_of(self._flags, surroundings().environ, self.url, lambda: owners)
        opened: AbstractAsyncContextManager[Verbs] = from_module("taxiway.client.connecting", "connect")(
            self.url, token=token
        )
        return opened

    def open_here(
        self,
        slots: int = 0,
        scope: Scope = EVERYTHING,
        project: str | None = None,
        *,
        plan_first: bool = False,
        server_url: str | None = None,
    ) -> AbstractAsyncContextManager[Taxiway]:
        """The store, with a runner of ``slots`` slots in this process (0: without one), which takes nothing before a
        plan has been admitted if it is there for one; ``project`` is the present folder's unless it is given. Runs find
        a server at ``server_url`` if there is one."""
        wanted = Settings(
            slots=slots, scope=scope, project=project, actor=_actor(), plan_first=plan_first, server_url=server_url
        )
        return open_configured(self.loaded, wanted, tell)

    def use(self, work: Callable[[Verbs], Awaitable[T]]) -> T:
        """Open the store without a runner, or ask the server; do one thing with it, and close it."""

        async def within() -> T:
            async with self.open() as tw:
                return await work(tw)

        return asyncio.run(within())

    def use_here(self, work: Callable[[Taxiway], Awaitable[T]]) -> T:
        """The same of the store on this machine, for what no server can do."""

        async def within() -> T:
            async with self.open_here() as tw:
                return await work(tw)

        return asyncio.run(within())

    def condition(self, runner: diagnosis.Runner) -> diagnosis.Condition:
        """How a runner is; of a server's, as far as that tells."""
        path = None if self.url is not None else store_path(self.loaded.config.store.path)
        return diagnosis.condition(runner, path, gethostname(), self.clock.now_ms())


def pass_door(function: Callable[..., R]) -> Callable[..., R]:
    """Hand the door to a command, before what was typed for it; one that no server can do is refused with a URL."""

    @wraps(function)
    def call(*args: Any, **typed: Any) -> R:
        context = click.get_current_context()
        door = Door(context.ensure_object(Flags))
        if door.url is not None:
            check_askable(context.command_path.partition(" ")[2], door.url)
        return function(door, *args, **typed)

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
