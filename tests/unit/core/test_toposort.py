"""Parents before children, otherwise as written."""

import pytest

from taxiway.core.toposort import parents_first


def test_what_waits_for_nothing_keeps_its_order() -> None:
    """A24: submission order is the order of the file."""
    assert parents_first({"c": [], "a": [], "b": []}) == ["c", "a", "b"]


def test_parents_are_drawn_before_their_children() -> None:
    """A20: whatever the list order; a diamond's top stands there once."""
    assert parents_first({"join": ["l", "r"], "x": [], "l": ["top"], "r": ["top"], "top": []}) == [
        "top",
        "l",
        "r",
        "join",
        "x",
    ]


def test_parents_from_elsewhere_are_none_of_its_business() -> None:
    """Of a part of a graph only the edges inside it count."""
    assert parents_first({2: [1], 3: [2, 9]}) == [2, 3]


def test_a_chain_of_a_hundred_thousand_needs_no_recursion() -> None:
    """A20: unlimited depth, written from its end."""
    chain = {place: [place - 1] for place in range(100_000, 0, -1)}
    assert parents_first(chain) == list(range(1, 100_001))


def test_a_circle_is_an_error_and_no_endless_walk() -> None:
    """DA4: it should have been refused long before."""
    for circle in ({1: [1]}, {1: [2], 2: [3], 3: [1]}, {0: [], 1: [0, 2], 2: [0, 1]}):
        with pytest.raises(ValueError, match="circle"):
            parents_first(circle)
