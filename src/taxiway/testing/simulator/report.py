"""A failed schedule as people read it: seed, what broke, a short timeline of every actor, how to see it again."""

from __future__ import annotations

from typing import Final

from taxiway.testing.simulator.schedule import Report

LINES_PER_ACTOR: Final = 8
LAST_S: Final = 30.0


def explain(report: Report, replay: str) -> str:
    """The whole story; ``replay`` is the command that runs the schedule again."""
    lines = [f"seed {report.seed}: {len(report.violations)} violation(s) after {report.virtual_s:.3f} virtual seconds"]
    lines += [f"  {found.invariant} at {found.at_s:.3f} s: {found.text}" for found in report.violations[:5]]
    lines.append(f"  faults: {_faults(report)}")
    by_actor: dict[str, list[str]] = {}
    for note in report.notes:
        if note.at_s >= report.virtual_s - LAST_S:
            by_actor.setdefault(note.who, []).append(f"    {note.at_s:9.3f}  {note.what}")
    for actor, told in by_actor.items():
        lines.append(f"  {actor}:")
        lines += told[-LINES_PER_ACTOR:]
    lines.append(f"  again: {replay}")
    return "\n".join(lines)


def _faults(report: Report) -> str:
    rates = {name: getattr(report.rates, name) for name in report.rates.__struct_fields__}
    return ", ".join(f"{name} {value:.3g}" for name, value in rates.items() if value)
