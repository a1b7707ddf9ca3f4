"""Traces that would take hours to record: the figures are those of the recorded ones, gone on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from taxiway.core.vitals import (
    QUIET_S,
    Evidence,
    Printed,
    Pulse,
    Questioned,
    Refused,
    Replied,
    Situation,
    Spoke,
    Started,
    Told,
    ToolBegan,
    ToolEnded,
    ToolSaid,
    TurnBegun,
)
from tests.traces.trace import Head, Line, Trace

LOOK_S: Final = 15.0
HOUR_S: Final = 3_600.0
READY: Final = ((0.0, Started()), (0.4, Told()), (0.5, TurnBegun()), (0.6, Told()))

Evidences = Iterable[tuple[float, Evidence]]


def scripted() -> Iterator[Trace]:
    """All of them."""
    tool = (*READY, (3.0, ToolBegan("1")))
    hours = HOUR_S * 3
    yield _trace("compile for hours", True, (*tool, *_looks(hours, cpu=14.0)), Situation.WORKING, 10.0)
    yield _trace("tests that mostly wait", True, (*tool, *_looks(hours, cpu=0.2)), Situation.WORKING, 10.0)
    yield _trace(
        "tests that print", True, (*tool, *_looks(hours), *_every(45.0, hours, ToolSaid("1"))), Situation.WORKING
    )
    yield _trace("tests that print unheard", True, (*tool, *_looks(hours, written=50)), Situation.WORKING, 10.0)
    yield _trace("download", True, (*tool, *_looks(hours, line=400_000)), Situation.WORKING, 10.0)
    yield _trace("sleep of 40 minutes", True, (*tool, *_looks(2_400.0)), Situation.STANDING, QUIET_S + 20)
    yield _trace("model that streams", True, (*READY, *_every(2.0, HOUR_S, Spoke())), Situation.THINKING)
    pinged = (*READY, *_looks(HOUR_S, line=30))
    yield _trace("model that thinks, with signs of life on its line", True, pinged, Situation.THINKING)
    yield _trace("retries in silence", True, (*READY, *_retries(HOUR_S)), Situation.THINKING)
    yield _trace(
        "quota waited for in silence", True, (*READY, *_looks(HOUR_S, owed=0)), Situation.PAUSING, QUIET_S + 20
    )
    no_line = (*READY, *_looks(HOUR_S, owed=0, lines=0))
    yield _trace("quota waited for without a line", True, no_line, Situation.PAUSING, QUIET_S + 20)
    yield _trace("quota with a reset", True, (*READY, (2.0, Refused(HOUR_S * 2))), Situation.LIMITED, 10.0, HOUR_S * 2)
    yield _trace("question over night", True, (*READY, (2.0, Questioned())), Situation.ASKING, 10.0, HOUR_S * 14)
    answered = (*READY, (2.0, Questioned()), (9_000.0, Replied()))
    yield _trace("question that was answered", True, answered, Situation.THINKING, 9_001.0, 9_000.0 + QUIET_S)
    yield _trace("line that died before the answer", False, (*READY, *_looks(HOUR_S)), Situation.SILENT, QUIET_S + 20)
    half = (*READY, *_every(0.5, 20.0, Spoke()), *_looks(HOUR_S, owed=0))
    yield _trace("line that died in the answer", False, half, Situation.SILENT, QUIET_S + 40)
    after = (*tool, (30.0, ToolEnded("1")), *_looks(HOUR_S))
    yield _trace("line that died after a tool", False, after, Situation.SILENT, QUIET_S + 50)
    idle = (*tool, *_looks(HOUR_S, cpu=0.03, own=0.4))
    yield _trace("command that waits for input", False, idle, Situation.STANDING, QUIET_S + 20)
    yield _trace(
        "spinner",
        False,
        (*READY, *_looks(HOUR_S), *_every(10.0, HOUR_S, Printed())),
        Situation.CHATTERING,
        QUIET_S + 20,
    )
    yield _trace("start that hangs", False, ((0.0, Started()), *_looks(600.0, own=1.0)), Situation.STARTING)


def _trace(
    name: str, works: bool, seen: Evidences, right: Situation, begin_s: float = 5.0, end_s: float | None = None
) -> Trace:
    lines = sorted((Line(at, one) for at, one in seen), key=lambda line: line.at)
    last_s = lines[-1].at if end_s is None else end_s
    lines += [] if end_s is None else [Line(end_s, Told())]
    marks = [begin_s + (last_s - begin_s - 1.0) * number / 9 for number in range(10)]
    return Trace(Head(name, "scripted", works), tuple(lines), tuple((at, right) for at in marks))


def _looks(
    until_s: float, cpu: float = 0.0, own: float = 0.05, line: int = 0, owed: int = 1, lines: int = 1, written: int = 0
) -> Iterator[tuple[float, Evidence]]:
    """Looks at the processes, whose figures grow by so much from one to the next."""
    for number in range(1, int(until_s / LOOK_S) + 1):
        moved = 50_000 + line * number if lines else 0
        pulse = Pulse(3, round(cpu * number, 2), round(own * number, 2), written * number, lines, owed, moved)
        yield number * LOOK_S, pulse


def _retries(until_s: float) -> Iterator[tuple[float, Evidence]]:
    """Asked again with growing pauses, which a look sees now and then: as Gemini CLI was recorded."""
    for at, pulse in _looks(until_s, owed=0, lines=0):
        shown = int(at / LOOK_S) % 5 == 0
        yield at, Pulse(3, 0.4, 3.0, 0, 1, 0, 46_927) if shown else pulse


def _every(step_s: float, until_s: float, seen: Evidence) -> Iterator[tuple[float, Evidence]]:
    return ((number * step_s, seen) for number in range(1, int(until_s / step_s) + 1))
