"""A trace: evidence with its moments, and what the right answer is at some of them. One JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from taxiway.core.ladder import Action, Climb, StuckRules
from taxiway.core.vitals import Evidence, Situation, Vitals

if TYPE_CHECKING:
    from tests.traces.scenarios import Mark

FOLDER: Final = Path(__file__).parent / "corpus"
MARK_EVERY_S: Final = 10.0
_decode = msgspec.json.Decoder(Evidence).decode


class Head(NamedTuple):
    """Its name, whether it was ``recorded`` or ``scripted``, and whether the turn is in order: nobody may end it."""

    name: str
    how: str
    works: bool


class Line(NamedTuple):
    """Evidence at a moment (seconds)."""

    at: float
    seen: Evidence


class Trace(NamedTuple):
    """A whole trace; ``marks`` are moments with the right answer."""

    head: Head
    lines: tuple[Line, ...]
    marks: tuple[tuple[float, Situation], ...]


def write(path: Path, head: Head, lines: Sequence[Line], marks: Iterable[Mark]) -> None:
    """Write a trace, with a mark every 10 s where something is known to be right."""
    rows: list[tuple[float, dict[str, object]]] = [
        (line.at, {"at": line.at, **msgspec.to_builtins(line.seen)}) for line in lines
    ]
    end_s = max(line.at for line in lines)
    for mark in marks:
        since = next((line.at for line in lines if _tag(line.seen) == mark.since), None)
        if since is None:
            raise ValueError(f"{head.name}: nothing of kind '{mark.since}' was seen")
        at = since + mark.begin_s
        while at <= min(since + mark.end_s, end_s):
            rows.append((at, {"at": round(at, 2), "right": mark.right}))
            at += MARK_EVERY_S
    rows.sort(key=lambda row: row[0])
    text = [{"trace": head.name, "how": head.how, "works": head.works}, *(row for _, row in rows)]
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in text))


def read(path: Path) -> Trace:
    """Read a trace."""
    head, *rows = (msgspec.json.decode(line) for line in path.read_bytes().splitlines())
    lines, marks = [], []
    for row in rows:
        if "right" in row:
            marks.append((row["at"], Situation(row["right"])))
        else:
            at = row.pop("at")
            lines.append(Line(at, _decode(msgspec.json.encode(row))))
    return Trace(Head(head["trace"], head["how"], head["works"]), tuple(lines), tuple(marks))


def answers(trace: Trace) -> Iterator[tuple[float, Situation, Situation]]:
    """At each mark: the moment, the right answer, and the one that was given."""
    vitals, waiting = Vitals(), list(trace.lines)
    for at, right in trace.marks:
        while waiting and waiting[0].at <= at:
            line = waiting.pop(0)
            vitals.take(line.seen, line.at)
        yield at, right, vitals.finding(at).situation


def climbed(trace: Trace, rules: StuckRules, look_s: float) -> list[tuple[float, Situation, Action]]:
    """What the ladders would have done, looking so often."""
    vitals, climb, found = Vitals(rules.quiet), Climb(rules), []
    waiting, at, end_s = list(trace.lines), 0.0, max(line.at for line in trace.lines)
    while at <= end_s:
        while waiting and waiting[0].at <= at:
            line = waiting.pop(0)
            vitals.take(line.seen, line.at)
        finding = vitals.finding(at)
        rung = climb.due(finding, at)
        if rung is not None:
            found.append((at, finding.situation, rung.do))
        at += look_s
    return found


def _tag(seen: Evidence) -> str:
    return str(type(seen).__struct_config__.tag)
