"""What goes wrong, and how often: every seed picks its own rates, many of them none (swarm testing)."""

from __future__ import annotations

from typing import Final

import msgspec

from taxiway.testing.simulator.dice import Dice

ABSENT: Final = 0.45  #: how many seeds do without a given fault


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Rates per seam call (``…_at_seam``, ``slow``, ``unknown``, ``repeat``), per hint (``lost_wake``), per program, or
    mean seconds between two (``…_every_s``, 0: never). ``sessions`` and ``asks`` are no faults: how much of what is
    asked concerns sessions, and how often an agent that has something to tell asks a person as well."""

    hosts: int = 1
    lease_s: float = 30.0
    skew_s: float = 0.0
    kill_at_seam: float = 0.0
    kill_every_s: float = 0.0
    pause_at_seam: float = 0.0
    pause_every_s: float = 0.0
    pause_s: float = 1.0
    slow: float = 0.0
    slow_s: float = 0.3
    lost_wake: float = 0.0
    wake_s: float = 0.0
    unknown: float = 0.0
    repeat: float = 0.0
    lose_guardian_every_s: float = 0.0
    jump_every_s: float = 0.0
    drain_every_s: float = 0.0
    odd_program: float = 0.0
    sessions: float = 0.0
    asks: float = 0.0


def swarm(dice: Dice) -> Rates:
    """The rates of one seed."""

    def rate(low: float, high: float) -> float:
        present = dice.random() >= ABSENT
        value = low * (high / low) ** dice.random()
        return value if present else 0.0

    rates = Rates(
        hosts=2 if dice.hit(0.4) else 1,
        lease_s=dice.pick((4.0, 8.0, 30.0)),
        skew_s=rate(0.01, 1.0),
        kill_at_seam=rate(0.0005, 0.02),
        kill_every_s=rate(3, 30),
        pause_at_seam=rate(0.0005, 0.01),
        pause_every_s=rate(3, 20),
        pause_s=dice.pick((0.5, 3.0, 12.0, 25.0)),
        slow=rate(0.02, 0.7),
        slow_s=dice.pick((0.01, 0.1, 0.6)),
        lost_wake=dice.pick((0.0, 0.0, 0.05, 0.5, 1.0)),
        wake_s=rate(0.001, 0.5),
        unknown=rate(0.0005, 0.01),
        repeat=rate(0.02, 0.5),
        lose_guardian_every_s=rate(2, 20),
        jump_every_s=rate(5, 30),
        drain_every_s=rate(5, 30),
        odd_program=dice.pick((0.0, 0.15, 0.4, 0.7)),
    )
    if dice.hit(0.5 if rates.hosts == 2 else 0.15):
        rates = _stalls_past_leases(rates, dice)
    return msgspec.structs.replace(rates, sessions=dice.pick((0.0, 0.0, 0.5, 0.85)))


def _stalls_past_leases(rates: Rates, dice: Dice) -> Rates:
    """Processes stand still for longer than their leases, often between a question and its answer."""
    pause_at_seam = dice.between(0.004, 0.012)
    return msgspec.structs.replace(rates, lease_s=4.0, pause_at_seam=pause_at_seam, pause_s=12.0, kill_every_s=0.0)
