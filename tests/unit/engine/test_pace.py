"""What a run says is shown at once after a silence, and costs little while it goes on; silence is measured exactly."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

from taxiway.core.run import StopCause
from taxiway.engine.clocks import RunClocks
from taxiway.engine.pace import AT_ONCE, GATHER_S, Pace
from taxiway.testing.simulator.loop import VirtualLoop


def virtually(main: Callable[[], Awaitable[object]]) -> None:
    """Run it in virtual time."""
    VirtualLoop(random.Random(1)).run(main())  # type: ignore[abstract, arg-type]


def done_at(asked_at: Sequence[float]) -> list[float]:
    """When what is asked for at these times is done; who asks while another one waits, has asked with it."""
    found: list[float] = []

    async def main() -> None:
        loop, pace = asyncio.get_running_loop(), Pace()
        for at in asked_at:
            if at > loop.time():
                await asyncio.sleep(at - loop.time())
            if not found or at > found[-1]:
                await pace.wait()
                found.append(loop.time())

    virtually(main)
    return found


def test_the_first_words_after_a_silence_wait_for_nothing() -> None:
    """Also the answer that comes right behind the status; and every silence earns that again."""
    assert done_at([1.0, 1.001, 1.002, 5.0]) == [1.0, 1.001, 1.002, 5.0]


def test_a_stream_is_taken_in_batches_however_long_it_lasts() -> None:
    """100 words a second make 20 batches a second, and no word waits longer than the time to gather."""
    found = done_at([number / 100 for number in range(1, 1_001)])
    assert len(found) <= 10 / GATHER_S + AT_ONCE + 1
    assert max(later - earlier for earlier, later in pairwise(found)) <= GATHER_S + 0.011


def test_silence_counts_from_the_last_word_however_many_there_were() -> None:
    """B17: the clock of silence is one timer for a whole stream, and ends it neither early nor late."""
    stopped: list[tuple[StopCause, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        clocks = RunClocks(lambda cause: stopped.append((cause, loop.time())), None, 2.0)
        clocks.start()
        for _ in range(100):
            await asyncio.sleep(0.5)
            clocks.heard()
        clocks.hush()
        await asyncio.sleep(10)
        clocks.heard()
        await asyncio.sleep(10)

    virtually(main)
    assert stopped == [(StopCause.STALLED, 62.0)]
