"""What must hold between the tasks of a plan."""

import pytest

from taxiway.core.fault import Fault, dotted
from taxiway.core.plancheck import check_between, check_size, cycles
from taxiway.core.specs import Draft, read_task


def drafts(edges: dict[str, list[str]]) -> list[Draft]:
    return [read_task({"name": name, "shell": "x", "after": after}, ("tasks", name)) for name, after in edges.items()]


def said(faults: list[Fault]) -> list[tuple[str, str, str]]:
    return [(dotted(fault.path), fault.message, fault.hint) for fault in faults]


def test_a_plan_in_order_has_no_faults() -> None:
    """A15-A19: whatever the order in which the tasks are written."""
    assert check_between(drafts({"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}), {"main"}) == []


def test_a_dependency_on_an_unknown_task_is_refused_with_the_nearest_name() -> None:
    """A21, DA4: never blocked for ever."""
    faults = check_between(drafts({"lint": [], "test": ["lnt", "zzz"]}), ())
    assert said(faults) == [
        ("tasks.test.after.lnt", "no task of the plan is called 'lnt'", "did you mean 'lint'?"),
        ("tasks.test.after.zzz", "no task of the plan is called 'zzz'", ""),
    ]


def test_a_task_that_waits_for_itself_is_refused() -> None:
    """A21, DA4."""
    (fault,) = check_between(drafts({"a": ["a"]}), ())
    assert said([fault])[0][:2] == ("tasks.a.after", "waits for itself")


def test_a_cycle_is_named_from_its_first_task() -> None:
    """A21, DA4: a -> b -> a reads "a waits for b, which waits for a"."""
    faults = check_between(drafts({"start": [], "a": ["b", "start"], "b": ["c"], "c": ["a"], "end": ["c"]}), ())
    assert [fault.message for fault in faults] == ["waits for itself in a circle: a -> b -> c -> a"]
    assert faults[0].path == ("tasks", "a", "after")


def test_every_cycle_is_named_in_one_go() -> None:
    """Also one that can be reached from another."""
    faults = cycles(drafts({"a": ["b"], "b": ["a", "x"], "x": ["y"], "y": ["x"], "lone": []}))
    assert sorted(fault.message.partition(": ")[2] for fault in faults) == ["a -> b -> a", "x -> y -> x"]


def test_a_long_cycle_is_shown_by_its_ends() -> None:
    """A sentence stays a sentence."""
    size = 100_000
    (fault,) = cycles(drafts({f"t{n}": [f"t{(n + 1) % size}"] for n in range(size)}))
    assert fault.message.startswith("waits for itself in a circle: t0 -> t1 -> ")
    assert "99988 more" in fault.message
    assert len(fault.message) < 200


def test_a_dense_knot_of_cycles_does_not_explode() -> None:
    """Every task waits for every other: few circles are shown, and breaking them shows the rest."""
    names = [f"t{n}" for n in range(300)]
    assert 1 <= len(cycles(drafts({name: [other for other in names if other != name] for name in names}))) <= 20


def test_a_chain_of_100_000_tasks_needs_no_recursion() -> None:
    """A19: unlimited depth; DA15: linear in tasks and edges."""
    chain = drafts({f"t{n}": [f"t{n - 1}"] if n else [] for n in range(100_000)})
    assert check_between(chain, ()) == []
    assert check_between(chain[::-1], ()) == []


def test_a_duplicate_name_is_refused() -> None:
    """DA8: the seed ran both."""
    twice = [*drafts({"a": []}), read_task({"name": "a", "shell": "y"}, ("tasks", 1))]
    assert said(check_between(twice, ())) == [
        ("tasks[1]", "a second task is called 'a'; names are unique in a plan", "")
    ]


def test_an_unknown_lane_is_refused_with_the_nearest_one() -> None:
    """Semantics, "Queues": lanes of the plan, store-wide lanes that exist, and main."""
    lanes = [
        read_task({"name": name, "shell": "x", "lane": lane}, ("tasks", name))
        for name, lane in {"a": "main", "b": "tests", "c": "tets", "d": "gpu"}.items()
    ]
    assert said(check_between(lanes, {"tests"})) == [
        ("tasks.c.lane", "there is no lane 'tets' in this plan or in the store", "did you mean 'tests'?"),
        ("tasks.d.lane", "there is no lane 'gpu' in this plan or in the store", "add it to the plan: lanes: {gpu: 2}"),
    ]


@pytest.mark.parametrize(
    ("value", "fine"), [(1, True), (None, True), (0, False), (-1, False), ("2", False), (True, False)]
)
def test_a_limit_below_one_is_refused(value: object, fine: bool) -> None:
    """DA17: it would freeze what it limits."""
    assert (check_size(value, ("slots",), "slots") is None) is fine


def test_thousands_of_wrong_names_cost_a_bounded_search_for_hints() -> None:
    """The first get suggestions, the rest are still named."""
    faults = check_between(drafts({f"task-{n}": [f"tusk-{n}"] for n in range(5_000)}), ())
    assert len(faults) == 5_000
    assert faults[0].hint == "did you mean 'task-0'?"
    assert faults[-1].hint == ""
