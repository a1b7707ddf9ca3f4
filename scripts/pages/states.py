"""Parts of the lifecycle page: states, reasons and moves as the tables of ``core`` have them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from scripts.pages.markdown import code, codes, table
from scripts.pages.words import (
    LATER_REASONS,
    OBSTACLES,
    QUEUE_STATES,
    QUEUE_STEPS,
    REASONS,
    RUN_STATES,
    RUN_STEPS,
    TASK_STATES,
    TASK_STEPS,
)
from taxiway.core.dependency import VERDICTS
from taxiway.core.duration import format_duration
from taxiway.core.failureclass import TREATMENTS
from taxiway.core.limits import CRASHES_MAX
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.queue import QUEUE_MOVES, QueueState
from taxiway.core.readiness import ObstacleKind
from taxiway.core.retry import RETRIED_BY_DEFAULT, RETRY_ON_LEGAL, Next, Standing, settle
from taxiway.core.run import (
    RUN_MOVES,
    Cancelled,
    Completed,
    Deferred,
    Failed,
    Limited,
    Lost,
    Outcome,
    Released,
    RunState,
)
from taxiway.core.task import TASK_MOVES, TASK_REASONS, Condition, Reason, TaskSpec, TaskState

State = TypeVar("State", bound=StrEnum)


def task_states() -> str:
    """Every state of a task with its reasons."""
    rows = [[code(state), TASK_STATES[state], codes(_listed(TASK_REASONS[state], Reason))] for state in TaskState]
    return table(["state", "meaning", "reasons"], rows)


def reasons() -> str:
    """Every reason, and in which state it is found."""
    rows = []
    for reason in Reason:
        states = [state for state in TaskState if reason in TASK_REASONS[state]]
        later = "; comes with agents" if reason in LATER_REASONS else ""
        rows.append([code(reason), codes(states), REASONS[reason] + later])
    return table(["reason", "state", "meaning"], rows)


def task_drawing() -> str:
    """The moves of a task, drawn."""
    births = [f"  [*] --> {state}" for state in (TaskState.QUEUED, TaskState.BLOCKED, TaskState.SCHEDULED)]
    return _drawing(TASK_MOVES, TASK_STEPS, births)


def task_moves() -> str:
    """The moves of a task as a table."""
    return _moves(TASK_MOVES, TASK_STEPS)


def run_states() -> str:
    """Every state of a run."""
    return table(["state", "meaning"], [[code(state), RUN_STATES[state]] for state in RunState])


def run_drawing() -> str:
    """The moves of a run, drawn."""
    return _drawing(RUN_MOVES, RUN_STEPS, [f"  [*] --> {RunState.STARTING}"])


def run_moves() -> str:
    """The moves of a run as a table."""
    return _moves(RUN_MOVES, RUN_STEPS)


def queue_states() -> str:
    """Every state of a queue."""
    return table(["state", "meaning"], [[code(state), QUEUE_STATES[state]] for state in QueueState])


def queue_drawing() -> str:
    """The moves of a queue, drawn."""
    births = [f"  [*] --> {QueueState.IDLE}", f"  [*] --> {QueueState.RUNNING}"]
    return _drawing(QUEUE_MOVES, QUEUE_STEPS, births)


def queue_moves() -> str:
    """The moves of a queue as a table."""
    return _moves(QUEUE_MOVES, QUEUE_STEPS)


def dependencies() -> str:
    """What a parent's end means for its dependents."""
    rows = []
    for parent in dict.fromkeys(key for key, _ in VERDICTS):
        ended = "cancelled as `skipped`" if parent == "skipped" else code(parent)
        verdicts = [VERDICTS[parent, condition] for condition in Condition]
        rows.append([ended, *(f"cancelled: {code(why)}" if why else "**met**" for why in verdicts)])
    return table(["the parent ended", *(f"wanted {code(condition)}" for condition in Condition)], rows)


def attempts() -> str:
    """What becomes of a task when its run has ended, as the one deciding function says it."""
    failures = [reason for reason in Reason if reason in TASK_REASONS[TaskState.FAILED]]
    rows = [_ending("completed", Completed())]
    for reason in failures:
        if reason not in (Reason.LOST, Reason.POISONED):
            rows.append(_ending(f"failed: {code(reason)}", Failed(reason, "…"), _again(reason)))
    rows.append(_ending("cancelled", Cancelled(Reason.REQUESTED)))
    rows.append(_ending("could not be made for a passing cause", Deferred("…")))
    met = Limited(ProviderLimit(kind=LimitKind.RATE), "…")
    rows.append(_ending("refused for a limit that resets", met))
    rows.append(_ending("drained: shutdown, Ctrl-C", Released()))
    rows.append(_ending("lost: runner, guardian or host died", Lost()))
    rows.append(_ending(f"lost for the {CRASHES_MAX}rd time", Lost(), crashes=CRASHES_MAX - 1))
    heads = ["a run ended as", "attempts", "crashes", "an attempt is left", "none is left", "tried again"]
    return table(heads, rows)


def obstacles() -> str:
    """What keeps a task from running, as ``explain`` names it."""
    return table(["kind", "meaning"], [[code(kind), OBSTACLES[kind]] for kind in ObstacleKind])


def failure_classes() -> str:
    """How providers fail, and what is done about it unasked."""
    rows = []
    for kind, treatment in TREATMENTS.items():
        backoff = treatment.backoff
        waits = f"{format_duration(backoff.first_s)}, doubled, at most {format_duration(backoff.max_s)}"
        again = [waits, f"{treatment.times} times"] if treatment.times else ["-", "-"]
        rows.append([code(kind), treatment.text, "yes" if treatment.passes else "no", *again])
    return table(["class", "what happened", "passes by itself", "waits", "taken again unasked"], rows)


def _ending(words: str, outcome: Outcome, again: str = "-", crashes: int = 0) -> list[str]:
    standing = Standing(attempt=0, fence=1, crashes=crashes)
    left, last = (settle(TaskSpec(retries=retries), standing, outcome, 0.5) for retries in (1, 0))
    more = [f"+{count}" if count else "-" for count in (left.attempt, left.crashes - crashes)]
    return [words, *more, _next(left), _next(last), again]


def _next(after: Next) -> str:
    return code(after.state) + (f" ({code(after.reason)})" if after.reason else "")


def _again(reason: Reason) -> str:
    if reason in RETRIED_BY_DEFAULT:
        return "yes"
    return "if `retry_on` names it" if reason in RETRY_ON_LEGAL else "no"


def _drawing(
    moves: Mapping[State, frozenset[State]], words: Mapping[tuple[State, State], str], births: list[str]
) -> str:
    lines = [
        f"  {start} --> {end}: {words[start, end]}" for start, ends in moves.items() for end in _listed(ends, moves)
    ]
    ends = [f"  {state} --> [*]" for state, others in moves.items() if not others]
    return "\n".join(["```mermaid", "stateDiagram-v2", *births, *lines, *ends, "```"])


def _moves(moves: Mapping[State, frozenset[State]], words: Mapping[tuple[State, State], str]) -> str:
    rows = []
    for start, ends in moves.items():
        listed = _listed(ends, moves)
        rows.append(
            [code(start), "; ".join(f"{code(end)}: {words[start, end]}" for end in listed) or "none: it is final"]
        )
    return table(["from", "to"], rows)


def _listed(members: frozenset[State], order: "Mapping[State, object] | type[State]") -> list[State]:
    """The members in the order in which the code lists them."""
    return [one for one in order if one in members]
