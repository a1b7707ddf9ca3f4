"""How often something is done that is cheaper in batches: at once after a silence, seldom while it goes on and on."""

from __future__ import annotations

import asyncio
from typing import Final

GATHER_S: Final = 0.05  #: how long somebody may wait for what belongs to a stream
AT_ONCE: Final = 4  #: so much is done at once after a silence; each pause of `GATHER_S` earns one


class Pace:
    """Of what is asked for without end, one in each `GATHER_S` may go on, and a few more."""

    def __init__(self) -> None:
        self._due = float("-inf")

    async def wait(self) -> None:
        """Return when it may be done again."""
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now - AT_ONCE * GATHER_S) + GATHER_S
        if self._due > now:
            await asyncio.sleep(self._due - now)
