"""A plan as a Mermaid flowchart: one box for a task, one arrow for a dependency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from taxiway.core.plan import Plan
from taxiway.core.task import Condition, TaskSpec

WORK_CHARS_SHOWN_MAX: Final = 40

#: Characters that mean something to Mermaid or to the page around it.
_MEANINGFUL: Final = frozenset("\"'`#;&<>{}[]()|\\%*_~:$")


def plan_graph(plan: Plan) -> str:
    """Mermaid text for a plan: tasks with the beginning of their work, lanes (where there are several) as frames, and
    arrows from parent to dependent, with the condition on those that want another ending than ``completed``."""
    ids = {spec.name or "": f"t{place}" for place, spec in enumerate(plan.tasks)}
    lines = [f"%% {_comment(plan.queue)}", "flowchart LR"]
    lanes: dict[str, list[TaskSpec]] = {}
    for spec in plan.tasks:
        lanes.setdefault(spec.lane, []).append(spec)
    for place, (lane, specs) in enumerate(lanes.items()):
        boxes = [f'{ids[spec.name or ""]}["{_label(spec)}"]' for spec in specs]
        lines += boxes_in_lane(f"lane{place}", lane, boxes) if len(lanes) > 1 else [f"  {box}" for box in boxes]
    lines += _arrows(plan.tasks, ids)
    return "\n".join(lines) + "\n"


def boxes_in_lane(identifier: str, lane: str, boxes: Iterable[str]) -> list[str]:
    """The boxes of one lane in a frame that bears its name."""
    return [f'  subgraph {identifier}["{escaped(lane)}"]', *(f"    {box}" for box in boxes), "  end"]


def escaped(text: str) -> str:
    """Text that can mean nothing to Mermaid or HTML: every such character as its number."""
    spaced = " ".join(text.split())
    return "".join(f"#{ord(one)};" if one in _MEANINGFUL or not one.isprintable() else one for one in spaced)


def _label(spec: TaskSpec) -> str:
    work = " ".join(spec.command) if spec.command is not None else spec.shell or spec.prompt or f"job {spec.job}"
    work = " ".join(work.split())
    if len(work) > WORK_CHARS_SHOWN_MAX:
        work = work[: WORK_CHARS_SHOWN_MAX - 1] + "…"
    return f"{escaped(spec.name or '')}<br/>{escaped(work)}"


def _arrows(tasks: Iterable[TaskSpec], ids: dict[str, str]) -> list[str]:
    lines = []
    for spec in tasks:
        for edge in spec.after:
            arrow = "-->" if edge.on is Condition.COMPLETED else f"-->|{edge.on}|"
            lines.append(f"  {ids[edge.task]} {arrow} {ids[spec.name or '']}")
    return lines


def _comment(text: str) -> str:
    return "".join(one if one.isalnum() or one in "._-/" else "-" for one in text)
