"""What an account lets through: the room that its phase leaves, and the slot numbers of its runs."""

from __future__ import annotations

from taxiway.store.tx import Tx
from taxiway.store.verbs import accounts
from taxiway.store.verbs.slots import UNLIMITED, lowest, slots_taken


class Allotment:
    """What an account still lets through in one claim. Its slots are numbered also where it has no limit."""

    def __init__(self, tx: Tx, account: int) -> None:
        self.ledger = accounts.ledger(tx, account)
        self._taken = slots_taken(tx, "account_slots_taken", account=account)
        self._took = 0

    @property
    def room(self) -> int | None:
        """How many more runs may start; ``None`` is unlimited."""
        size = self.ledger.account.size
        return None if size is None else max(0, size - self.ledger.taken - self._took)

    def take(self) -> int:
        """The lowest free slot number."""
        self._took += 1
        slot = lowest(self._taken, UNLIMITED)
        assert slot is not None
        return slot
