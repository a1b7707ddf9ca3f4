"""What must hold between the tasks of a plan: names, dependencies without cycles, lanes and templates.

Pure and iterative: a plan of 100,000 tasks in one chain costs linear time and no recursion. Sources: rules A15-A21,
DA4 (unknown, self and circular dependencies are refused), DA8 (duplicate names), DA17 (limits below 1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from taxiway.core.fault import Fault, Path
from taxiway.core.nearest import suggestion
from taxiway.core.specs import Draft
from taxiway.core.task import Dependency

MAIN_LANE: Final = "main"  #: it always exists
CYCLES_SHOWN_MAX: Final = 20  #: cycles reported in one go; breaking these shows the rest
CYCLE_NAMES_SHOWN_MAX: Final = 12  #: of a longer cycle only both ends are named
SUGGESTIONS_WORK_MAX: Final = 100_000  #: names compared for suggestions in one check; later faults go without


class Suggestions:
    """Nearest names, within a bound on the work for a whole plan."""

    def __init__(self) -> None:
        self._left = SUGGESTIONS_WORK_MAX

    def of(self, name: str, legal: Collection[str]) -> str:
        """A hint, or the empty text when no name is near or the bound is reached."""
        affordable = self._left > 0
        self._left -= len(legal)
        return suggestion(name, legal) if affordable else ""


def check_size(value: Any, path: Path, what: str) -> Fault | None:
    """The fault of a limit that is no whole number of 1 or more; ``None`` is unlimited (rule DA17)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        return Fault(path, f"{what} must be a whole number of 1 or more, or null for no limit")
    if value < 1:
        return Fault(path, f"{what} must be at least 1; {value} would let nothing start")
    return None


def check_between(drafts: Sequence[Draft], lanes: Collection[str]) -> list[Fault]:
    """Everything that is wrong between tasks; ``lanes`` are those of the plan and of the store.

    A task that is faulty in itself takes part with what could be read of it.
    """
    suggestions = Suggestions()
    names = {name for draft in drafts if (name := _name(draft)) is not None}
    faults = _duplicates(drafts)
    for draft in drafts:
        faults += _unknown_dependencies(draft, names, suggestions)
        faults += _unknown_lane(draft, lanes, suggestions)
    return faults + cycles(drafts)


def cycles(drafts: Sequence[Draft]) -> list[Fault]:
    """The circles among dependencies, each named from its first task in the plan's order: ``a -> b -> a``.

    A depth-first walk with its own stack; every edge back into the present path is a cycle.
    """
    edges: dict[str, list[str]] = {}
    paths: dict[str, Path] = {}
    for draft in drafts:
        if (name := _name(draft)) is not None and name not in edges:
            edges[name] = [edge.task for edge in _after(draft) if edge.task != name]
            paths[name] = draft.path
    rank = {name: place for place, name in enumerate(edges)}
    done: set[str] = set()
    faults: list[Fault] = []
    for start in edges:
        if start not in done and len(faults) < CYCLES_SHOWN_MAX:
            for circle in _walk(start, edges, done, CYCLES_SHOWN_MAX - len(faults)):
                first = min(range(len(circle)), key=lambda place: rank[circle[place]])
                circle = circle[first:] + circle[:first]
                message = f"waits for itself in a circle: {_shown(circle)}"
                faults.append(Fault((*paths[circle[0]], "after"), message, "take one of these dependencies away"))
    return faults


def _walk(start: str, edges: Mapping[str, list[str]], done: set[str], most: int) -> list[list[str]]:
    found: list[list[str]] = []
    place = {start: 0}
    trail = [start]
    stack = [iter(edges[start])]
    while stack:
        parent = next(stack[-1], None)
        if parent is None:
            stack.pop()
            name = trail.pop()
            del place[name]
            done.add(name)
        elif parent in place:
            if len(found) < most:
                found.append(trail[place[parent] :])
        elif parent in edges and parent not in done:
            place[parent] = len(trail)
            trail.append(parent)
            stack.append(iter(edges[parent]))
    return found


def _shown(circle: list[str]) -> str:
    if len(circle) > CYCLE_NAMES_SHOWN_MAX:
        half = CYCLE_NAMES_SHOWN_MAX // 2
        circle = [*circle[:half], f"… {len(circle) - 2 * half} more …", *circle[-half:]]
    return " -> ".join([*circle, circle[0]])


def _duplicates(drafts: Sequence[Draft]) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for draft in drafts:
        name = _name(draft)
        if name is not None and name in seen:
            faults.append(Fault(draft.path, f"a second task is called '{name}'; names are unique in a plan"))
        elif name is not None:
            seen.add(name)
    return faults


def _unknown_dependencies(draft: Draft, names: Collection[str], suggestions: Suggestions) -> list[Fault]:
    faults = []
    for edge in _after(draft):
        if edge.task == _name(draft):
            faults.append(Fault((*draft.path, "after"), "waits for itself", "take its own name away"))
        elif edge.task not in names:
            hint = suggestions.of(edge.task, names)
            faults.append(
                Fault((*draft.path, "after", edge.task), f"no task of the plan is called '{edge.task}'", hint)
            )
    return faults


def _unknown_lane(draft: Draft, lanes: Collection[str], suggestions: Suggestions) -> list[Fault]:
    lane = draft.fields.get("lane", MAIN_LANE)
    if lane == MAIN_LANE or lane in lanes:
        return []
    hint = suggestions.of(lane, {*lanes, MAIN_LANE}) or f"add it to the plan: lanes: {{{lane}: 2}}"
    return [Fault((*draft.path, "lane"), f"there is no lane '{lane}' in this plan or in the store", hint)]


def _name(draft: Draft) -> str | None:
    name: str | None = draft.fields.get("name")
    return name


def _after(draft: Draft) -> tuple[Dependency, ...]:
    edges: tuple[Dependency, ...] = draft.fields.get("after", ())
    return edges
