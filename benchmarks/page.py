"""The results as people read them: a table, and the page docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.figure import Figure, Goal
from benchmarks.machine import Machine

HEAD = "| what | measured | raw limit | ratio | goal | |\n|---|---|---|---|---|---|"

TEXT = """# Benchmarks

Made by `python -m benchmarks --page`; [benchmarks/README.md](../benchmarks/README.md) says how to read it. Taken on
{date}: {cores} cores, {memory_gib} GiB, {system}, {disk}, Python {python}, SQLite {sqlite}.
The load before it was {load}, and the host gave {stolen} of the wanted processor time to other machines; where either
is not near 0, only ratios count.

{missed}

{table}
"""


def page(machine: Machine, stolen: float, figures: Sequence[Figure]) -> str:
    """The whole page; ``stolen`` is the share of the processors that the host kept back, 0 to 1."""
    facts = {name: getattr(machine, name) for name in machine.__struct_fields__}
    return TEXT.format(**facts, stolen=f"{stolen:.0%}", missed=_summary(figures), table=table(figures))


def table(figures: Sequence[Figure]) -> str:
    """One line for each figure, hits and misses alike."""
    return "\n".join([HEAD, *(_line(figure) for figure in figures)])


def _summary(figures: Sequence[Figure]) -> str:
    missed = [figure for figure in figures if figure.missed]
    left_out = [figure for figure in figures if figure.measured is None]
    goals = sum(len(figure.goals) for figure in figures if figure.measured is not None)
    text = f"{goals - sum(len(figure.missed) for figure in missed)} of {goals} goals were reached."
    if missed:
        text += " Missed: " + "; ".join(figure.name for figure in missed) + "."
    if left_out:
        text += " Not measured: " + "; ".join(figure.name for figure in left_out) + "."
    return text


def _line(figure: Figure) -> str:
    if figure.measured is None:
        return f"| {figure.name} | {figure.note} | | | | not measured |"
    name = figure.name + (f" ({figure.note})" if figure.note else "")
    raw = "" if figure.raw is None else f"{_number(figure.raw)}: {figure.raw_name}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    goals = "; ".join(_goal(goal) for goal in figure.goals)
    verdict = "missed" if figure.missed else "reached" if figure.goals else ""
    return f"| {name} | {_number(figure.measured)} {figure.unit} | {raw} | {ratio} | {goals} | {verdict} |"


def _goal(goal: Goal) -> str:
    return f"{'ratio ' if goal.of == 'ratio' else ''}{goal.sense} {_number(goal.value)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
