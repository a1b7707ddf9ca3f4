"""One frame of the live view: a pure function from what is known to lines that fit the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from rich.text import Text

from taxiway.cli.board import Board, Row
from taxiway.cli.safe import clipped, safe_line
from taxiway.cli.taskwords import attempt_now
from taxiway.cli.words import count, span
from taxiway.core.lane import Lane
from taxiway.core.queue import Queue, QueueState
from taxiway.core.task import Reason, TaskState

LABEL_COLUMNS: Final = 9
NAME_COLUMNS_MAX: Final = 28
BAR_COLUMNS_MAX: Final = 40
FAILED_SHOWN_MAX: Final = 6
ASKING_SHOWN_MAX: Final = 3
BASIS_COLUMNS_MIN: Final = 90  #: on a narrower screen the estimate does not say what it rests on
STYLES: Final = {TaskState.COMPLETED: "green", TaskState.FAILED: "red", TaskState.CANCELLED: "yellow"}


class Scene(msgspec.Struct, frozen=True):
    """What a frame shows. ``lines`` are last lines of output by task; sizes are those of the screen."""

    queue: Queue
    board: Board
    lanes: Sequence[Lane]
    slots: int
    lines: Mapping[str, str]
    now_ms: int
    began_ms: int
    width: int
    height: int


def frame(scene: Scene) -> Text:
    """The lines of the view, each cut to the screen's width, never more than its height allows."""
    head = [_bar(scene), *_asking(scene), _lanes(scene)]
    tail = [*_waiting(scene), *_failed(scene)]
    if scene.queue.state is not QueueState.RUNNING:
        tail.append(_labelled("queue", Text(f"is {scene.queue.state}", "yellow")))
    room = max(1, scene.height - 1 - len(head) - len(tail))
    lines = [*head, *_running(scene, room), *tail][: max(1, scene.height - 1)]
    for line in lines:
        line.truncate(scene.width, overflow="ellipsis")
    return Text("\n").join(lines)


def _bar(scene: Scene) -> Text:
    """``release  ━━━━━╸─────  123 of 200, 3 failed · 1m12s · about 45s left …``."""
    board = scene.board
    said = [f"{board.ended} of {board.total}"]
    said += [
        f"{board.counts[state]} {state}" for state in (TaskState.FAILED, TaskState.CANCELLED) if board.counts[state]
    ]
    text = f"  {', '.join(said)} · {span((scene.now_ms - scene.began_ms) / 1_000)}{_estimate(scene)}"
    name = clipped(scene.queue.name, NAME_COLUMNS_MAX)
    room = min(BAR_COLUMNS_MAX, scene.width - len(name) - len(text) - 2)
    line = Text(f"{name}  ", "bold")
    if room >= 10 and board.total:
        filled = 0
        for state, style in STYLES.items():
            until = round(room * (filled + board.counts[state]) / board.total) - round(room * filled / board.total)
            line.append("━" * until, style)
            filled += board.counts[state]
        line.append("─" * (room - round(room * filled / board.total)), "dim")
    return line.append(text)


def _estimate(scene: Scene) -> str:
    """What is left, with what it rests on; nothing while there is no basis."""
    seconds = scene.board.seconds_left(scene.now_ms)
    if seconds is None or not scene.board.total - scene.board.ended:
        return ""
    basis = f" (pace of the last {scene.board.basis} runs)" if scene.width >= BASIS_COLUMNS_MIN else ""
    return f" · about {span(seconds)} left{basis}"


def _asking(scene: Scene) -> list[Text]:
    """Who waits for a person, the longest first: that comes before all else."""
    rows = sorted(scene.board.asking.values(), key=lambda row: row.since)
    if not rows:
        return []
    room = max(1, min(ASKING_SHOWN_MAX, scene.height // 4))
    shown = [f"{clipped(row.name, NAME_COLUMNS_MAX)} {span((scene.now_ms - row.since) / 1_000)}" for row in rows[:room]]
    more = f" and {len(rows) - room} more" if len(rows) > room else ""
    return [_labelled("asks you", Text(f"{', '.join(shown)}{more} · taxiway approval list", "bold magenta"))]


def _lanes(scene: Scene) -> Text:
    """Slots used here, then every lane that this plan uses or that belongs to it."""
    board = scene.board
    running = len(board.running)
    used = {row.lane for row in board.rows.values()} if len(board.rows) <= 1_000 else set(board.queued_by_lane)
    own = {lane.name for lane in scene.lanes if lane.queue == scene.queue.name}
    parts = []
    if scene.queue.slots is not None:
        parts.append(f"plan {running}/{scene.queue.slots}")
    for lane in scene.lanes:
        if lane.queue == scene.queue.name or (lane.queue is None and lane.name in used and lane.name not in own):
            size = "∞" if lane.size is None else str(lane.size)
            parts.append(f"{lane.name} {_live(scene, lane)}/{size}")
    return _labelled("lanes", Text(f"{'  '.join(parts)}  (runner {count(scene.slots, 'slot')})"))


def _running(scene: Scene, room: int) -> list[Text]:
    """What runs since when, the longest first, with its last line of output."""
    rows = sorted(scene.board.running.values(), key=lambda row: row.begun or 0)
    shown = rows if len(rows) <= room else rows[: room - 1]
    width = min(NAME_COLUMNS_MAX, max((len(row.name) for row in shown), default=0))
    lines = [_running_line(scene, row, width) for row in shown]
    if len(rows) > len(shown):
        lines.append(Text(f"and {len(rows) - len(shown)} more"))
    return [_labelled("running" if place == 0 else "", line) for place, line in enumerate(lines)]


def _running_line(scene: Scene, row: Row, width: int) -> Text:
    line = Text(clipped(row.name, width).ljust(width), "cyan")
    line.append(f" {span((scene.now_ms - (row.begun or scene.now_ms)) / 1_000):>6}", "bold")
    attempt = attempt_now(row.attempt, row.state)
    if attempt > 1:
        line.append(f" try {attempt}/{row.attempts}", "yellow")
    if row.reason is Reason.CANCELLING:
        line.append(" stopping", "yellow")
    return line.append(f"  {scene.lines.get(row.id, '')}", "dim")


def _waiting(scene: Scene) -> list[Text]:
    """What waits and why, in groups."""
    board = scene.board
    held: Counter[str] = Counter()
    for lane, number in board.queued_by_lane.items():
        held[_held_by(scene, lane)] += number
    parts = [f"{number} for {word}" for word, number in sorted(held.items()) if number]
    if board.counts[TaskState.BLOCKED]:
        parts.append(f"{board.counts[TaskState.BLOCKED]} for other tasks")
    due = board.next_due()
    until = f", the next in {span((due - scene.now_ms) / 1_000)}" if due is not None else ""
    for reason, word in (
        (Reason.DELAY, "delayed"),
        (Reason.BACKOFF, "backing off"),
        (Reason.RATE_LIMIT, "rate limited"),
    ):
        if board.reasons[reason]:
            parts.append(f"{board.reasons[reason]} {word}{until}")
            until = ""
    return [_labelled("waiting", Text(" · ".join(parts)))] if parts else []


def _held_by(scene: Scene, lane: str) -> str:
    """What ready tasks of a lane wait for."""
    if scene.queue.state is not QueueState.RUNNING:
        return f"the queue, which is {scene.queue.state}"
    if scene.queue.slots is not None and len(scene.board.running) >= scene.queue.slots:
        return "a slot of the plan"
    sizes = {one.name: one for one in scene.lanes if one.queue in (None, scene.queue.name)}
    sizes |= {one.name: one for one in scene.lanes if one.queue == scene.queue.name}
    found = sizes.get(lane)
    if found is not None and found.size is not None and _live(scene, found) >= found.size:
        return f"lane {lane}"
    return "a free slot"


def _live(scene: Scene, lane: Lane) -> int:
    """Runs in a lane: the board knows those of the plan's own lanes, and the store those that others share."""
    return scene.board.running_by_lane()[lane.name] if lane.queue == scene.queue.name else lane.live


def _failed(scene: Scene) -> list[Text]:
    """What failed with its reason, the latest last."""
    rows = sorted(scene.board.failed.values(), key=lambda row: row.since)
    room = max(1, min(FAILED_SHOWN_MAX, scene.height // 4))
    lines = [Text(f"{row.name}  {row.reason}: {safe_line(row.error or '')}", "red") for row in rows[-room:]]
    if len(rows) > room:
        lines[0] = Text(f"{len(rows) - room + 1} earlier ones", "red")
    return [_labelled("failed" if place == 0 else "", line) for place, line in enumerate(lines)]


def _labelled(label: str, line: Text) -> Text:
    return Text(label.ljust(LABEL_COLUMNS), "bold").append_text(line)
