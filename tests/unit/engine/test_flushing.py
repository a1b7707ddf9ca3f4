"""What a run says is shown at once after a silence, and costs few writes while it goes on."""

import asyncio
import random
from collections.abc import Sequence

from taxiway.core.event import EventType, NewEvent
from taxiway.core.redact import Scrubber
from taxiway.engine.flushing import AT_ONCE, GATHER_S, flush_as_it_comes
from taxiway.engine.recorder import Recorder
from taxiway.testing.clock import HandClock
from taxiway.testing.simulator.loop import VirtualLoop


class Sheet:
    """Where a recorder writes: when, and how many events."""

    def __init__(self) -> None:
        self.writes: list[tuple[float, int]] = []

    async def record(self, _run: str, _fence: int, _batch: int, events: Sequence[NewEvent]) -> int:
        self.writes.append((asyncio.get_running_loop().time(), len(events)))
        return 0


def writes(says_at: Sequence[float]) -> list[tuple[float, int]]:
    """The writes of a run that says something at these times."""
    loop, sheet = VirtualLoop(random.Random(1)), Sheet()  # type: ignore[abstract]

    async def main() -> None:
        recorder = Recorder(sheet, HandClock(), Scrubber(), "run", 1)  # type: ignore[arg-type]
        flushing = asyncio.create_task(flush_as_it_comes(recorder, recorder.flush))
        for at in says_at:
            await asyncio.sleep(at - loop.time())
            recorder.say(EventType.MESSAGE, {"text": "x"})
        await asyncio.sleep(10)
        flushing.cancel()

    loop.run(main())
    assert sum(count for _, count in sheet.writes) == len(says_at)
    return sheet.writes


def test_the_first_words_after_a_silence_are_written_at_once() -> None:
    """A watcher waits for the store and for nothing else: also for the answer that comes right behind the status."""
    assert writes([1.0, 1.001, 5.0]) == [(1.0, 1), (1.001, 1), (5.0, 1)]


def test_a_stream_is_written_in_batches_however_long_it_lasts() -> None:
    """100 events a second make 20 writes a second, and none of them waits longer than the time to gather."""
    said = [number / 100 for number in range(1, 1_001)]
    found = writes(said)
    assert len(found) <= 10 / GATHER_S + AT_ONCE + 1
    assert max(later - earlier for (earlier, _), (later, _) in zip(found, found[1:], strict=False)) <= GATHER_S * 1.01
