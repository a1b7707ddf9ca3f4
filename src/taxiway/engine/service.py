"""The one loop of all services: step, then wait for a hint or for the time that the step asked for."""

from __future__ import annotations

from typing import Final, Protocol

from taxiway.core.errors import LeaseLost, OutcomeUnknown, StoreUnusable
from taxiway.observe.observer import Moment, Observer
from taxiway.store.protocol import Topic, Wake

#: How long a service that stumbles waits before its next step; less than others wait for a heart (LEASE_MARGIN_S).
STUMBLE_S: Final = (0.1, 0.5, 2.0)


class Service(Protocol):
    """Something the engine does over and over, in bounded steps that may be repeated at any time."""

    @property
    def name(self) -> str:
        """What it is called in what the engine tells of itself."""
        ...

    @property
    def topics(self) -> Topic:
        """Which hints wake it."""
        ...

    async def step(self) -> float:
        """Do what is to do now; how many seconds it may wait at most (0: there is more to do at once)."""
        ...


async def serve(service: Service, wake: Wake, observer: Observer) -> None:
    """Run a service until it is cancelled. A step that stumbles is observed and tried again, ever more slowly.

    A store that cannot be trusted any more ends the engine (I1b), and so does the loss of the runner's own lease:
    what it held is others' by now (I2). Both are raised.
    """
    stumbles = 0
    try:
        while True:
            try:
                pause = await service.step()
                stumbles = 0
            except (OutcomeUnknown, StoreUnusable) as error:
                observer(Moment.STORE_FAILED, error=error.message)
                raise
            except LeaseLost:
                raise
            except Exception as error:
                observer(Moment.SERVICE_FAILED, service=service.name, error=repr(error))
                pause = STUMBLE_S[min(stumbles, len(STUMBLE_S) - 1)]
                stumbles += 1
            if pause > 0:
                await wake.wait(pause)
    finally:
        wake.close()
