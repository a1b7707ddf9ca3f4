"""Where runners come that work from elsewhere: whose a run is, and hints that wake them (I2).

What a runner says may name only what is its own: the key that it shows must be that of the runner that has the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from taxiway.core.errors import Forbidden, LeaseLost, NotFound
from taxiway.core.token import Principal
from taxiway.server.mint import Mint
from taxiway.store.protocol import Runner, Store, Topic, Wake, Wakes

TOPICS: Final = {"work": Topic.WORK, "stop": Topic.STOP, "signal": Topic.SIGNAL}
REMEMBERED_MAX: Final = 10_000
UNHEARD_S: Final = 60.0  #: for so long hints are kept for a runner that does not ask for them

Key = TypeVar("Key")
Value = TypeVar("Value")


class Ears:
    """What one runner has to hear of: a waiter for each topic, which remembers a hint that comes between two calls."""

    def __init__(self, wakes: Wakes) -> None:
        self.asked_s = 0.0
        self.waiting = 0
        self._wakes: dict[str, Wake] = {name: wakes.subscribe(topic) for name, topic in TOPICS.items()}

    async def hear(self, wait_s: float) -> list[str]:
        """The topics that something was committed of since the last call; none after ``wait_s`` seconds of silence."""
        heard = [name for name, wake in self._wakes.items() if await wake.wait(0)]
        if heard or wait_s <= 0:
            return heard
        async with asyncio.TaskGroup() as group:
            waiting = {name: group.create_task(wake.wait(wait_s)) for name, wake in self._wakes.items()}
            done, _ = await asyncio.wait(waiting.values(), return_when=asyncio.FIRST_COMPLETED)
            for task in waiting.values():
                task.cancel()
        return [name for name, task in waiting.items() if task in done and task.result()]

    def close(self) -> None:
        """Nobody listens any more."""
        for wake in self._wakes.values():
            wake.close()


class RunnerDesk:
    """What the server knows of runners between two of their calls; all of it may be forgotten."""

    def __init__(self, wakes: Wakes, mint: Mint) -> None:
        self.mint = mint
        self._wakes = wakes
        self._ears: dict[str, Ears] = {}
        self._runner_of: dict[tuple[str, str], str] = {}
        self._tenant_by_token: dict[str, str] = {}
        self._token_of: dict[str, str | None] = {}

    async def own_runner(self, store: Store, principal: Principal, runner: str) -> str:
        """The runner, if it works with the caller's key. Raises ``Forbidden``, and ``NotFound``: also for another
        tenant's (I10)."""
        token = self._token_of.get(runner)
        if token is None:
            token = (await store.runner(runner)).token
            _remember(self._token_of, runner, token)
        if token == principal.token:
            return runner
        if token is not None and await self._tenant_of(store, token) != principal.tenant:
            raise NotFound(f"there is no runner {runner}", id=runner)
        raise Forbidden("this runner works with another key than yours", runner=runner)

    async def runners(self, store: Store, principal: Principal) -> list[Runner]:
        """Those that the caller's tenant may know of: its own, and those of the store, which work for everybody."""
        found = await store.runners()
        return [
            one for one in found if one.token is None or await self._tenant_of(store, one.token) == principal.tenant
        ]

    async def _tenant_of(self, store: Store, token: str) -> str | None:
        """Whose runners have this key; nobody's, when it has been forgotten."""
        if token not in self._tenant_by_token:
            try:
                known, _ = await store.token(token)
            except NotFound:
                return None
            _remember(self._tenant_by_token, token, known.tenant)
        return self._tenant_by_token[token]

    async def own_run(self, store: Store, principal: Principal, run: str) -> str:
        """The run, if it is one of the caller's runners. Raises ``Forbidden``, and ``NotFound``."""
        runner = self._runner_of.get((principal.tenant, run))
        if runner is None:
            await store.run(run)  # another tenant's is not there (I10)
            runner = await store.runner_of(run)
            _remember(self._runner_of, (principal.tenant, run), runner)
        await self.own_runner(store, principal, runner)
        return run

    async def hear(self, store: Store, runner: str, wait_s: float) -> list[str]:
        """What one has to look at again. Raises ``LeaseLost`` when it counts as gone."""
        with self._listening(runner) as ears:
            _check_live(await store.runner(runner))
            heard = await ears.hear(wait_s)
            if "stop" in heard:
                _check_live(await store.runner(runner))
            return heard

    def work(self) -> Wake:
        """Rings when something may be able to start."""
        return self._wakes.subscribe(Topic.WORK)

    @contextmanager
    def _listening(self, runner: str) -> Iterator[Ears]:
        now_s = asyncio.get_running_loop().time()
        for name, ears in tuple(self._ears.items()):
            if not ears.waiting and now_s - ears.asked_s > UNHEARD_S:
                self._ears.pop(name).close()
        if runner not in self._ears:
            self._ears[runner] = Ears(self._wakes)
        ears = self._ears[runner]
        ears.waiting += 1
        try:
            yield ears
        finally:
            ears.waiting -= 1
            ears.asked_s = asyncio.get_running_loop().time()


def _check_live(runner: Runner) -> None:
    if runner.state not in ("live", "draining"):
        raise LeaseLost(
            f"runner {runner.id} counts as {runner.state}, and others have taken over its work",
            runner=runner.id,
        )


def _remember(known: dict[Key, Value], key: Key, value: Value) -> None:
    if len(known) >= REMEMBERED_MAX:
        known.clear()
    known[key] = value
