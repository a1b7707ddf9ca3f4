"""What one call demands of its writes: made to what its caller has seen, and made once under its key."""

from __future__ import annotations

from taxiway.core.expected import Expected


class Guard:
    """One call: its idempotency ``key`` with the ``hash`` of what is asked (none: it may be done again), and what it
    ``expected``. A call may write several times; what it expected is looked at before it writes for the first time.

    ``open_max``: how many tasks of the tenant may be open when it has admitted some.
    ``done``: an equal call is known to have written something; what it found then may be gone. ``replayed``: some of
    what it would have done had been done before, by an equal call.
    """

    def __init__(
        self,
        key: str | None = None,
        hash: bytes = b"",
        expected: Expected | None = None,
        done: bool = False,
        open_max: int | None = None,
    ) -> None:
        self.key = key
        self.hash = hash
        self.expected = expected
        self.done = done
        self.open_max = open_max
        self.replayed = False
        self._writes = 0

    @property
    def lasting(self) -> bool:
        """Whether it is the same for every call."""
        return self.key is None and self.expected is None

    def next_write(self) -> int:
        """The number of the call's next write, from 0."""
        number = self._writes
        self._writes += 1
        return number
