"""What an agent says always fits into an event, and is always text."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxiway.core.limits import EVENT_BYTES_MAX
from taxiway.engine.sayings import fitting


@pytest.mark.parametrize("data", [{}, {"text": "hello"}, {"a": [1, None, {"b": "\x00é"}], "c": 1.5, "d": True}])
def test_what_fits_is_kept_as_it_is(data: dict[str, Any]) -> None:
    """I18: nothing is lost that there is room for."""
    assert fitting(data) == (data, len(msgspec.json.encode(data)))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.sampled_from(["x", "é", "\x01", "\N{ROCKET}"]), st.integers(20_000, 200_000))
def test_long_texts_are_cut_until_they_fit(texts: int, character: str, length: int) -> None:
    """I18: an event has at most 64 KiB, whatever its characters cost; it says that it was cut."""
    found, size = fitting({str(number): character * length for number in range(texts)})
    assert size == len(msgspec.json.encode(found)) <= EVENT_BYTES_MAX
    assert found.get("truncated") is True or size == len(msgspec.json.encode(dict.fromkeys(found, character * length)))


def test_what_is_large_by_its_number_of_parts_is_left_out_and_says_so() -> None:
    """I18."""
    assert fitting({"all": list(range(100_000))}) == ({"truncated": True}, 18)


def test_halves_of_characters_and_endless_nesting_are_no_reason_to_fail() -> None:
    """I18: what an agent says is hostile."""
    nested: list = []
    for _ in range(900):
        nested = [nested]
    found, _ = fitting({"half \ud800": "\ud800", "nested": nested})
    assert found["half ?"] == "?"
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
