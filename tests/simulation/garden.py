"""Where simulations run: small pages, so that small graphs have several; perhaps a planted bug; all is undone after."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from taxiway.engine import timekeeper
from taxiway.store.verbs import ending, replacing, sweeps
from taxiway.testing.simulator.faults import Rates
from taxiway.testing.simulator.schedule import Report, run_schedule
from taxiway.testing.simulator.world import Sizes
from tests.simulation.database import STATEMENTS, MemoryDatabase

PAGE_ROWS = 2


class Garden:
    """Replaced functions and statements, and triggers that are left out."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, Any]] = []
        self._statements = dict(STATEMENTS)
        self._without: tuple[str, ...] = ()
        for module in (timekeeper, ending, replacing, sweeps):
            self.put(module, "CASCADE_ROWS_MAX", PAGE_ROWS)

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Replace something by name."""
        self._kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def edit(self, statement: str, old: str, new: str) -> None:
        """Change the text of a statement."""
        assert old in self._statements[statement], f"{statement} does not say {old!r} any more"
        self._statements[statement] = self._statements[statement].replace(old, new)

    def without(self, *triggers: str) -> None:
        """Leave out what the database itself would refuse."""
        self._without += triggers

    def database(self) -> MemoryDatabase:
        """A new database in which the bug lives."""
        return MemoryDatabase(self._statements, self._without)

    def __enter__(self) -> "Garden":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for owner, name, value in reversed(self._kept):
            setattr(owner, name, value)


Mutant = Callable[[Garden], None]


def simulate(
    seed: int, mutant: Mutant | None = None, *, rates: Rates | None = None, sizes: Sizes | None = None
) -> Report:
    """One schedule, with a bug planted or without."""
    with Garden() as garden:
        if mutant is not None:
            mutant(garden)
        return run_schedule(seed, garden.database, rates=rates, sizes=sizes)
