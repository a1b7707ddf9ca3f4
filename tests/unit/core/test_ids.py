"""Ids are prefixed, sortable by time and short enough to say."""

import random

from taxiway.clock import Ids
from taxiway.core.ids import is_full_id, make_id, short_id


class FixedClock:
    """A clock that stands, or goes back, as the test says."""

    def __init__(self, now_ms: int) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now

    def elapsed_s(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


def test_ids_sort_by_the_time_they_were_made() -> None:
    """Surface, section 1: ids are time-ordered."""
    made = [make_id("task", now, random.Random(now).getrandbits(80)) for now in (1, 2, 1000, 1_795_000_000_000)]
    assert made == sorted(made)


def test_an_id_has_a_prefix_and_twenty_six_characters_without_lookalikes() -> None:
    """Surface, section 1."""
    made = make_id("run", 1_795_000_000_000, (1 << 80) - 1)
    assert is_full_id(made, "run")
    assert not is_full_id(made, "task")
    assert not set(made.removeprefix("run_")) & set("ilou")


def test_ids_never_go_backwards_even_when_the_clock_does() -> None:
    """I20: wall clocks jump; submission order by id within a process does not."""
    clock = FixedClock(1_795_000_000_000)
    ids = Ids(clock, random.Random(7))
    made = []
    for step in (0, 0, 5, -3_600_000, 0, 1, 7_200_000):
        clock.now += step
        made.extend(ids.new("task") for _ in range(50))
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_the_short_id_is_the_last_six_characters() -> None:
    """Semantics, "Ids"."""
    assert short_id("task_01m80fdkxa2vrcj2xgj3pva6cf") == "pva6cf"
