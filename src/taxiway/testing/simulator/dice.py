"""Chance in the shapes that schedules need; forks keep one user's draws from shifting another's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from taxiway.clock import seeded_chance

T = TypeVar("T")
_SPREAD = 0x9E37_79B9_7F4A_7C15  # the golden ratio's bits: neighbouring seeds give unrelated streams


class Dice:
    """A seeded source of choices."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._forks = 0
        chance = seeded_chance(seed)
        self.random = chance.random
        self.getrandbits = chance.getrandbits

    def fork(self) -> Dice:
        """A stream of its own; the n-th fork of a seed is always the same."""
        self._forks += 1
        return Dice((self._seed * _SPREAD + self._forks) & ((1 << 64) - 1))

    def hit(self, probability: float) -> bool:
        """True with this probability."""
        return probability > 0 and self.random() < probability

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.random()

    def whole(self, low: int, high: int) -> int:
        """One of low, …, high."""
        return low + int(self.random() * (high - low + 1))

    def about(self, mean: float) -> float:
        """Positive, mostly near 0, sometimes several times ``mean``: the time until the next of many rare things."""
        return -mean * math.log(1.0 - self.random())

    def pick(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[int(self.random() * len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of them in another order."""
        left = list(items)
        return [left.pop(int(self.random() * len(left))) for _ in items]
