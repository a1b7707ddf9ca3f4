"""What is imposed from outside: a turn instead of what prompts ask for, for a time, a number, an account."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.stub_model.script import Failure, Turn, parse


@dataclass(frozen=True)
class Scope:
    """Which requests a fault is for; None: all of them, without end."""

    seconds: float | None = None
    requests: int | None = None  #: how many
    dialect: str | None = None
    account: str | None = None  #: the key that the client shows
    above: int | None = None  #: only what comes while so many requests of its account are being answered


@dataclass
class Fault:
    """A turn, its scope, and what is left of it."""

    turn: Turn
    scope: Scope
    until: float | None
    left: int | None

    def meets(self, dialect: str, account: str, others: int) -> bool:
        """Whether it is for a request, ``others`` of whose account are being answered."""
        return (
            self.scope.dialect in (None, dialect)
            and self.scope.account in (None, account)
            and (self.scope.above is None or others >= self.scope.above)
        )


class Faults:
    """Everything imposed, the oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._faults: list[Fault] = []

    def impose(self, script: str, scope: Scope) -> None:
        """Add one. Raises ScriptError."""
        until = None if scope.seconds is None else self._clock() + scope.seconds
        self._faults.append(Fault(parse(script)[0], scope, until, scope.requests))

    def lift(self) -> None:
        """Take all of them away."""
        self._faults.clear()

    def meeting(self, dialect: str, account: str, others: int) -> Turn | None:
        """What is imposed on a request, if anything is. A limit that does not say is reset when its fault ends."""
        now = self._clock()
        self._faults = [one for one in self._faults if (one.until is None or one.until > now) and one.left != 0]
        for fault in self._faults:
            if fault.meets(dialect, account, others):
                fault.left = None if fault.left is None else fault.left - 1
                left_s = None if fault.until is None else fault.until - now
                return replace(fault.turn, failures=tuple(until(failure, left_s) for failure in fault.turn.failures))
        return None


def until(failure: Failure, left_s: float | None) -> Failure:
    """A failure that says when it will be over, where it is a limit and says nothing else."""
    silent = failure.reset_s is None and failure.retry_s is None and failure.status == 429
    return replace(failure, reset_s=left_s) if silent and left_s is not None else failure
