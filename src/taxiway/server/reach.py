"""How far the token of a run reaches: its own task, what came of that, and its own session; nothing else (4.5, I10).

What is not there and what is another's are refused in the same words, so that nobody learns what there is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, assert_never

import msgspec

from taxiway.core.bounds import Bounds
from taxiway.core.errors import Forbidden, Invalid, NotFound
from taxiway.core.redact import Scrubber
from taxiway.core.runtoken import Holder
from taxiway.store.protocol import Store


class Reach(StrEnum):
    """What a run's token may name on a route that is open to it: its task or one below it, or only one below it; a run
    of such a task; its own session. ``SUBMIT``: it names nothing, and asks for work."""

    SUBMIT = "submit"
    TASK = "task"
    BELOW = "task below"
    RUN = "run"
    RUN_BELOW = "run below"
    SESSION = "session"


#: Routes on which work is asked for.
ASKING: Final = frozenset({Reach.SUBMIT, Reach.SESSION, Reach.BELOW, Reach.RUN_BELOW})


def check_open(reach: Reach | None) -> None:
    """Raises ``Forbidden`` for a route that is not for runs."""
    if reach is None:
        raise Forbidden("the token of a run does not open this: it reaches its own task and what that submitted")


async def reached(store: Store, holder: Holder, reach: Reach | None, path: dict[str, str]) -> dict[str, str]:
    """The path with whole ids, if the run may go there. Raises ``Forbidden`` and ``NotFound``."""
    match reach:
        case None | Reach.SUBMIT:
            return path
        case Reach.TASK | Reach.BELOW:
            return path | {"task": await _task(store, holder, path["task"], reach is Reach.BELOW)}
        case Reach.RUN | Reach.RUN_BELOW:
            return path | {"run": await _run(store, holder, path["run"], reach is Reach.RUN_BELOW)}
        case Reach.SESSION:
            return path | {"session": await _session(store, holder, path["session"])}
        case _:
            assert_never(reach)


async def bounds_of(store: Store, holder: Holder) -> Bounds:
    """Within which a run asks for work."""
    return Bounds(holder.run, holder.task, (await store.task(holder.task)).spec)


def without_token(body: Any, token: str) -> Any:
    """What a run sent, without its own token in it: that is stored nowhere."""
    scrubber = Scrubber([token])
    if isinstance(body, msgspec.Struct):
        return msgspec.convert(scrubber.value(msgspec.to_builtins(body)), type(body))
    return scrubber.value(body)


async def _task(store: Store, holder: Holder, ref: str, only_below: bool) -> str:
    found = await _meant(store.find_task, ref, holder.project)
    return await _within(store, holder, "task", ref, found, found, only_below)


async def _run(store: Store, holder: Holder, ref: str, only_below: bool) -> str:
    found, task = await _meant(store.find_run, ref), None
    if found is not None:
        with suppress(NotFound):
            task = (await store.run(found)).task
    return await _within(store, holder, "run", ref, found, task, only_below)


async def _within(
    store: Store, holder: Holder, what: str, ref: str, found: str | None, task: str | None, only_below: bool
) -> str:
    steps = None if task is None else await store.steps_below(task, holder.task)
    if found is None or steps is None:
        raise _nothing(what, ref)
    if only_below and steps == 0:
        raise Forbidden(f"this is for what a run has submitted; this {what} is its own", id=found)
    return found


async def _session(store: Store, holder: Holder, ref: str) -> str:
    found = await _meant(store.find_session, ref, holder.project)
    if found is None or found != holder.session:
        raise _nothing("session", ref)
    return found


async def _meant(find: Callable[..., Awaitable[str]], ref: str, *where: str) -> str | None:
    """The whole id; ``None`` where there is none, and where it could be several, of which some may be others'."""
    with suppress(NotFound, Invalid):
        return await find(ref, *where)
    return None


def _nothing(what: str, ref: str) -> NotFound:
    return NotFound(f"there is no {what} '{ref[:100]}' that this run may know of", ref=ref[:100])
