"""Work that nobody would run is said at once: it waits, and that looks like work that goes on."""

from __future__ import annotations

from typing import Final

from taxiway import diagnosis
from taxiway.cli.door import Door
from taxiway.cli.output import note
from taxiway.client.verbs import Verbs
from taxiway.core.errors import Forbidden

NO_RUNNER: Final = "no runner is alive on this store, so nothing starts yet: taxiway runner start"


async def note_missing_runner(door: Door, tw: Verbs) -> None:
    """Say so on standard error where no runner is alive."""
    try:
        runners = await tw.runners()
    except Forbidden:  # a run that asks for another one: what runs it is there
        return
    if all(door.condition(one) is diagnosis.Condition.DEAD for one in runners):
        note(NO_RUNNER)
