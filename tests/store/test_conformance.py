"""SQLite keeps every promise of the store protocol (taxiway.testing.conformance)."""

from taxiway.store.sqlite.opening import OpenStore, Seams, open_sqlite
from taxiway.testing.conformance import SUITES, Surroundings


class Sqlite:
    """A real file in a folder of its own."""

    async def open_store(self, around: Surroundings) -> OpenStore:
        clock = around.clock
        seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, lambda: 0.5, around.new_id)
        return await open_sqlite(around.folder / "store.db", seams, "test", around.main_size)


for suite in SUITES:
    globals()[f"Test{suite.__name__}"] = type(f"Test{suite.__name__}", (Sqlite, suite), {})


def test_no_suite_is_left_out() -> None:
    """Every suite that there is runs on SQLite."""
    assert {name for name in globals() if name.startswith("Test")} == {f"Test{suite.__name__}" for suite in SUITES}
