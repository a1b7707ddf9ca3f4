"""Running a plan again: what stays, what goes on, what is made anew."""

from taxiway.core.rerun import Fate, Known, fates
from taxiway.core.task import Condition, Dependency, Reason, TaskSpec, TaskState

OLD, NEW = b"old", b"new"


def spec(name: str, *after: str | tuple[str, Condition]) -> TaskSpec:
    edges = [Dependency(edge) if isinstance(edge, str) else Dependency(*edge) for edge in after]
    return TaskSpec(name=name, command=("true",), after=tuple(edges))


def known(state: TaskState, reason: Reason | None = None, handled: bool = False) -> Known:
    return Known(state, reason, OLD, handled)


DONE = known(TaskState.COMPLETED)
FAILED = known(TaskState.FAILED, Reason.EXIT_CODE)
FELL = known(TaskState.CANCELLED, Reason.DEPENDENCY_FAILED)
SKIPPED = known(TaskState.CANCELLED, Reason.SKIPPED)
WAITS = known(TaskState.BLOCKED, Reason.DEPENDENCY)


def decide(
    specs: list[TaskSpec], store: dict[str, Known], changed: set[str] = frozenset(), fresh: bool = False
) -> dict:
    hashes = [NEW if item.name in changed else OLD for item in specs]
    return fates(specs, hashes, store, fresh)


CHAIN = [spec("a"), spec("b", "a"), spec("c", "b")]


def test_a_plan_that_was_never_run_is_made_anew() -> None:
    """Semantics, "Running a plan"."""
    assert set(decide(CHAIN, {}).values()) == {Fate.ANEW}


def test_completed_and_unchanged_tasks_stay() -> None:
    """Surface: completed tasks are not run again."""
    assert set(decide(CHAIN, {"a": DONE, "b": DONE, "c": DONE}).values()) == {Fate.KEEP}


def test_a_changed_task_and_everything_after_it_runs_anew() -> None:
    """Semantics: changed, and everything after it, runs anew."""
    assert decide(CHAIN, {"a": DONE, "b": DONE, "c": DONE}, {"b"}) == {"a": Fate.KEEP, "b": Fate.ANEW, "c": Fate.ANEW}


def test_a_failed_task_is_replaced_with_what_fell_with_it() -> None:
    """Semantics: failed, cancelled or skipped tasks are replaced, with everything that fell with them."""
    assert decide(CHAIN, {"a": DONE, "b": FAILED, "c": FELL}) == {"a": Fate.KEEP, "b": Fate.ANEW, "c": Fate.ANEW}


def test_waiting_tasks_go_on() -> None:
    """Semantics: waiting ones go on."""
    running = known(TaskState.RUNNING)
    assert decide(CHAIN, {"a": DONE, "b": running, "c": WAITS}) == {"a": Fate.KEEP, "b": Fate.GO_ON, "c": Fate.GO_ON}


def test_a_waiting_task_whose_parent_is_replaced_waits_for_the_new_parent() -> None:
    """A task that waits for two, one of which failed with ``finished`` and is replaced."""
    plan = [spec("a"), spec("b"), spec("c", ("a", Condition.FINISHED), ("b", Condition.FINISHED))]
    assert decide(plan, {"a": FAILED, "b": known(TaskState.RUNNING), "c": WAITS})["c"] is Fate.ANEW


def test_a_failure_that_was_handled_stays_and_so_does_its_skip() -> None:
    """A plan that completed does nothing when it is run again."""
    plan = [spec("lint"), spec("fix", ("lint", Condition.FAILED)), spec("never", ("fix", Condition.FAILED))]
    store = {"lint": known(TaskState.FAILED, Reason.EXIT_CODE, handled=True), "fix": DONE, "never": SKIPPED}
    assert set(decide(plan, store).values()) == {Fate.KEEP}


def test_a_failure_that_is_replaced_takes_its_handler_with_it() -> None:
    """A handler stands for a failure that may not come again; what completed after it for another reason stays."""
    plan = [
        spec("fetch"),
        spec("apology", ("fetch", Condition.FAILED)),
        spec("count", "fetch"),
        spec("report", ("fetch", Condition.FINISHED)),
    ]
    store = {"fetch": FAILED, "apology": DONE, "count": FELL, "report": DONE}
    decided = decide(plan, store)
    assert decided == {"fetch": Fate.ANEW, "apology": Fate.ANEW, "count": Fate.ANEW, "report": Fate.KEEP}


def test_a_failure_that_is_just_being_handled_stays_and_its_handler_goes_on() -> None:
    """Semantics: waiting ones go on; what runs cannot be replaced, so neither can what it came from."""
    plan = [spec("a"), spec("h", ("a", Condition.FAILED)), spec("tell", "h"), spec("c", "a")]
    fate = decide(plan, {"a": FAILED, "h": DONE, "tell": known(TaskState.RUNNING), "c": FELL})
    assert fate == {"a": Fate.KEEP, "h": Fate.KEEP, "tell": Fate.GO_ON, "c": Fate.ANEW}


def test_a_cleanup_that_runs_goes_on_while_its_failed_parent_is_tried_again() -> None:
    """Semantics: it wanted nothing of its parent but the end, as if it had completed already."""
    plan = [spec("a"), spec("tidy", ("a", Condition.FINISHED))]
    fate = decide(plan, {"a": FAILED, "tidy": known(TaskState.RUNNING)})
    assert fate == {"a": Fate.ANEW, "tidy": Fate.GO_ON}


def test_fresh_runs_everything_anew() -> None:
    """Surface: ``--fresh``."""
    assert set(decide(CHAIN, {"a": DONE, "b": DONE, "c": DONE}, fresh=True).values()) == {Fate.ANEW}


def test_the_order_of_the_file_does_not_matter() -> None:
    """DA5: a chain listed leaf first is judged like any other."""
    backwards = list(reversed(CHAIN))
    assert decide(backwards, {"a": DONE, "b": DONE, "c": DONE}, {"a"}) == dict.fromkeys("cba", Fate.ANEW)


def test_a_chain_of_fifty_thousand_tasks_is_decided_without_recursion() -> None:
    """Unlimited depth."""
    chain = [spec("t0")] + [spec(f"t{number}", f"t{number - 1}") for number in range(1, 50_000)]
    assert decide(chain, {"t0": DONE})["t49999"] is Fate.ANEW
