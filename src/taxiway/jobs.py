"""In-process jobs: Python functions that tasks name, registered with ``@taxiway.job``."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, Final, TypeVar, overload

import msgspec

from taxiway.core.errors import Invalid

Function = TypeVar("Function", bound=Callable[..., Any])

REGISTRY: Final[dict[str, Callable[..., Any]]] = {}


class RunInfo(msgspec.Struct, frozen=True):
    """What a job may know of the run that it is part of; ``attempt`` counts from 1."""

    task: str
    run: str
    attempt: int


CURRENT: Final[ContextVar[RunInfo]] = ContextVar("taxiway_run")


def current_run() -> RunInfo:
    """The run that the calling job is part of; raises ``LookupError`` outside of one."""
    return CURRENT.get()


@overload
def job(function: Function) -> Function: ...
@overload
def job(*, name: str) -> Callable[[Function], Function]: ...
def job(function: Function | None = None, *, name: str | None = None) -> Function | Callable[[Function], Function]:
    """Register a function, sync or async, under its own or a given name: ``tw.submit(job="name", args={…})`` runs it.

    It gets ``args`` as keyword arguments and returns JSON. A sync function runs in a thread. Two functions of one name
    are refused with ``Invalid``.
    """
    if function is None:
        return lambda found: _register(found, name)
    return _register(function, name)


def _register(function: Function, name: str | None) -> Function:
    key = name or function.__name__
    known = REGISTRY.get(key)
    if known is not None and (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
        raise Invalid(f"there are two jobs called '{key}'; give one of them another name: @taxiway.job(name=…)")
    REGISTRY[key] = function
    return function


def runs_in_thread(function: Callable[..., Any]) -> bool:
    """Whether a registered function is called in a thread, where nobody can stop it."""
    return not inspect.iscoroutinefunction(function)


def as_coroutine(function: Callable[..., Any], threads: Executor) -> Callable[[Mapping[str, Any]], Awaitable[Any]]:
    """A registered function as the engine calls it: with one mapping, awaitable; a sync one runs on ``threads``."""
    if not runs_in_thread(function):
        return lambda args: function(**args)

    async def call(args: Mapping[str, Any]) -> Any:
        work = partial(copy_context().run, _called, function, args)
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    return call


def _called(function: Callable[..., Any], args: Mapping[str, Any]) -> Any:
    """Call it; what no future can carry, or would end the loop that awaits it, becomes a plain error."""
    try:
        return function(**args)
    except (StopIteration, GeneratorExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"the job raised {type(error).__name__}") from error
