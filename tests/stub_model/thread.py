"""The stub model beside a test that waits for processes: a loop of its own, in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.stub_model.server import StubModel

START_S_MAX = 30.0


@contextmanager
def stub_in_thread(default: str = "say ok") -> Iterator[StubModel]:
    """A stub model that answers while the caller blocks; use ``requests``, ``wait``, ``impose``, ``lift`` only."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []
    end = asyncio.Event()

    async def serve() -> None:
        async with StubModel(default=default) as stub:
            found.append(stub)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="stub model")
    thread.start()
    try:
        if not ready.wait(START_S_MAX):
            raise TimeoutError("the stub model did not start")
        yield found[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(START_S_MAX)
        loop.close()
