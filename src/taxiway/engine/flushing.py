"""When what a run says is written: at once after a silence, and in batches while it goes on and on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from taxiway.engine.recorder import Recorder

GATHER_S: Final = 0.05  #: how long a watcher may wait for what a stream of events says
AT_ONCE: Final = 4  #: so many writes are made without gathering after a silence; each pause of `GATHER_S` earns one


async def flush_as_it_comes(recorder: Recorder, flush: Callable[[], Awaitable[None]]) -> None:
    """Write, until cancelled, what gathers in ``recorder``. However long and fast it speaks, that makes no more than
    one write for each `GATHER_S`, and a few more."""
    loop = asyncio.get_running_loop()
    due = loop.time() - AT_ONCE * GATHER_S
    while True:
        await recorder.gathered()
        now = loop.time()
        due = max(due, now - AT_ONCE * GATHER_S) + GATHER_S
        if due > now:
            await asyncio.sleep(due - now)
        await flush()
