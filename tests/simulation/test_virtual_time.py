"""The virtual loop: time without waiting, processes that stand still and die, order by chance."""

import asyncio
import random
from collections.abc import Callable

import pytest

from taxiway.testing.simulator.loop import Strand, Stuck, VirtualLoop


@pytest.fixture
def make_loop() -> Callable[[int], VirtualLoop]:
    return lambda seed: VirtualLoop(random.Random(seed))  # type: ignore[abstract]


def test_an_hour_passes_at_once_and_in_order(make_loop: Callable[[int], VirtualLoop]) -> None:
    """Nothing waits for real time, and timers keep their order."""
    loop, seen = make_loop(1), []

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for seconds in (3600.0, 1.0, 60.0):
                group.create_task(wait(seconds))

    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(loop.time())

    loop.run(main())
    assert seen == [1.0, 60.0, 3600.0]


def test_a_process_that_is_held_stands_still_and_finds_its_timers_over_when_it_goes_on(
    make_loop: Callable[[int], VirtualLoop],
) -> None:
    """As SIGSTOP and SIGCONT do."""
    loop, seen, strand = make_loop(1), [], Strand("a")

    async def ticking() -> None:
        for _ in range(2):
            await asyncio.sleep(1)
            seen.append(loop.time())

    async def main() -> None:
        task = loop.spawn(strand, ticking())
        await asyncio.sleep(0.5)
        loop.hold(strand)
        await asyncio.sleep(10)
        assert seen == []
        loop.release(strand)
        await task

    loop.run(main())
    assert seen == [10.5, 11.5]


def test_a_process_that_is_cut_does_not_even_tidy_up(make_loop: Callable[[int], VirtualLoop]) -> None:
    """As SIGKILL does: what stands in `finally` is done only when the whole loop is put away."""
    loop, seen, strand = make_loop(1), [], Strand("a")

    async def tidy() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            seen.append("tidied")

    async def main() -> None:
        loop.spawn(strand, tidy())
        await asyncio.sleep(0.5)
        loop.cut(strand)
        await asyncio.sleep(10)
        assert seen == []

    loop.run(main())
    loop.close()
    assert seen == ["tidied"]


def test_a_seed_fixes_who_goes_first_and_seeds_differ(make_loop: Callable[[int], VirtualLoop]) -> None:
    """Every interleaving of processes can come up."""

    def order(seed: int) -> list[str]:
        loop, seen = make_loop(seed), []

        async def say(name: str) -> None:
            await asyncio.sleep(1)
            seen.append(name)

        async def main() -> None:
            tasks = [loop.spawn(Strand(name), say(name)) for name in "abcd"]
            await asyncio.gather(*tasks)

        loop.run(main())
        return seen

    assert order(5) == order(5)
    assert len({tuple(order(seed)) for seed in range(50)}) > 10


def test_waiting_for_nothing_is_told_instead_of_hanging(make_loop: Callable[[int], VirtualLoop]) -> None:
    """I14: nobody is ready and no timer is set."""
    loop = make_loop(1)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        loop.run(main())
    loop.close()
