"""The blocking portal: the async verbs for programs without an event loop, on a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from taxiway.core.errors import Unavailable

CLOSED: Final = "the store is closed: its with block has ended, or what ran behind it has failed"

T = TypeVar("T")


class Blocking(Generic[T]):
    """A portal to an async object: every method is called the same way, without ``await``.

    What a verb gives back is wrapped as well when it has verbs of its own (a task's handle), and an async iterator
    becomes a plain one. Use it as a context manager; closing it closes the object behind it.
    """

    def __init__(self, opener: AbstractAsyncContextManager[T], wrapped: tuple[type, ...] = ()) -> None:
        self._opener = opener
        self._wrapped = wrapped
        self._opened: Future[T] = Future()
        self._ended: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="taxiway-portal", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._opened.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._closing is not None:
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._ended.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:
            if not self._opened.done():
                self._opened.set_exception(error)
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _live(self) -> None:
        """Open, serve and close in one task, as structured concurrency wants it."""
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        async with self._opener as inner:
            self._opened.set_result(inner)
            await self._closing.wait()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._portal(getattr(self._opened.result(), name))

    def _portal(self, value: Any) -> Any:
        if inspect.ismethod(value):
            return lambda *args, **kwargs: self._result(value, args, kwargs)
        return self._wrap(value)

    def _result(self, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plain = {key: _unwrap(value) for key, value in kwargs.items()}
        made = method(*(_unwrap(value) for value in args), **plain)
        if inspect.iscoroutine(made):
            return self._wrap(self._call(made))
        return self._iterate(made) if isinstance(made, AsyncIterator) else self._wrap(made)

    def _iterate(self, source: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._wrap(self._call(_next(source)))
            except StopAsyncIteration:
                return

    def _wrap(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._wrap(item) for item in value]
        if self._wrapped and isinstance(value, self._wrapped):
            return _BlockingPart(self, value)
        return value

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run it on the portal's loop; never waits for a loop that has ended, whatever ended it."""
        assert self._loop is not None
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise Unavailable(CLOSED) from None
        try:
            wait((future, self._ended), return_when=FIRST_COMPLETED)
            return future.result(timeout=0)
        except (CancelledError, FutureTimeout):
            if future.done() and not future.cancelled():  # the verb's own TimeoutError
                raise
            raise Unavailable(CLOSED) from None
        finally:
            future.cancel()  # without effect unless we are being interrupted


class _BlockingPart:
    def __init__(self, portal: Blocking[Any], inner: Any) -> None:
        self._taxiway_portal = portal
        self._taxiway_inner = inner

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._taxiway_portal._portal(getattr(self._taxiway_inner, name))

    def __repr__(self) -> str:
        return repr(self._taxiway_inner)


def _unwrap(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_unwrap(item) for item in value]
    if isinstance(value, dict):
        return {_unwrap(key): _unwrap(item) for key, item in value.items()}
    return value._taxiway_inner if isinstance(value, _BlockingPart) else value


async def _next(source: AsyncIterator[Any]) -> Any:
    return await anext(source)
