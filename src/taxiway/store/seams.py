"""What a store is handed instead of taking it from the world: time, chance, ids."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Seams(msgspec.Struct, frozen=True):
    """Time, chance and ids as the store needs them; ``new_id`` is called on the writer's thread only."""

    now_ms: Callable[[], int]
    elapsed_s: Callable[[], float]
    pause: Callable[[float], None]
    random: Callable[[], float]
    new_id: Callable[[str], str]
