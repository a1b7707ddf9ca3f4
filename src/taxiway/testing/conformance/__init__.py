"""What every store must do, as tests: subclass each suite with your store's ``open_store``.

>>> class MyStore:
...     async def open_store(self, around): ...
>>> class TestSubmitting(MyStore, Submitting): ...

``SUITES`` lists them all, so that one loop can make every subclass and none is forgotten.
"""

from __future__ import annotations

from typing import Final

from taxiway.testing.conformance.abandoning import Abandoning
from taxiway.testing.conformance.accounts import Allotting, Parking
from taxiway.testing.conformance.admitting import Admitting, Laning
from taxiway.testing.conformance.approving import Approving, Inquiring
from taxiway.testing.conformance.bench import Bench, Opened, Suite, Surroundings
from taxiway.testing.conformance.cancelling import Cancelling
from taxiway.testing.conformance.claiming import Limiting, Ordering, Scoping
from taxiway.testing.conformance.controlling import Controlling
from taxiway.testing.conformance.dependencies import Depending
from taxiway.testing.conformance.explaining import Explaining
from taxiway.testing.conformance.fencing import Fencing
from taxiway.testing.conformance.forking import Forking
from taxiway.testing.conformance.inviting import Inviting
from taxiway.testing.conformance.keeping import Keeping
from taxiway.testing.conformance.leaving import Fitting, Leaving
from taxiway.testing.conformance.mailboxes import Debouncing, Overflowing
from taxiway.testing.conformance.merging import Merging, Steering
from taxiway.testing.conformance.observing import Observing
from taxiway.testing.conformance.outcomes import Ending
from taxiway.testing.conformance.plans import Planning
from taxiway.testing.conformance.queues import Queueing
from taxiway.testing.conformance.reading import Finding, Logging, Paging
from taxiway.testing.conformance.replacing import Removing, Retrying
from taxiway.testing.conformance.scale import Scaling
from taxiway.testing.conformance.sessions import Processing, Showing, Throttling
from taxiway.testing.conformance.sharing import Sharing
from taxiway.testing.conformance.submitting import Submitting
from taxiway.testing.conformance.telling import Telling
from taxiway.testing.conformance.tenants import Separating
from taxiway.testing.conformance.timing import Timing

SUITES: Final = (
    Submitting,
    Depending,
    Timing,
    Ordering,
    Limiting,
    Scoping,
    Fencing,
    Inviting,
    Ending,
    Cancelling,
    Queueing,
    Planning,
    Retrying,
    Removing,
    Paging,
    Finding,
    Logging,
    Explaining,
    Keeping,
    Scaling,
    Admitting,
    Laning,
    Overflowing,
    Debouncing,
    Merging,
    Steering,
    Leaving,
    Fitting,
    Controlling,
    Throttling,
    Processing,
    Forking,
    Telling,
    Showing,
    Approving,
    Abandoning,
    Inquiring,
    Parking,
    Allotting,
    Separating,
    Sharing,
    Observing,
)

__all__ = ["SUITES", "Bench", "Opened", "Suite", "Surroundings", *(suite.__name__ for suite in SUITES)]
