"""Durations survive being written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.core.duration import format_duration, parse_duration
from taxiway.core.errors import Invalid
from taxiway.core.limits import DURATION_S_MAX


@given(st.integers(0, DURATION_S_MAX * 1000))
def test_what_is_shown_reads_back_to_the_same_milliseconds(millis: int) -> None:
    """format_duration and parse_duration are each other's inverse."""
    assert round(parse_duration(format_duration(millis / 1000)) * 1000) == millis


@given(st.one_of(st.text(max_size=12), st.text("0123456789.dhms- ", max_size=12), st.floats(), st.integers()))
def test_anything_is_either_seconds_within_the_bounds_or_refused_in_one_sentence(value: object) -> None:
    """Bad input: nothing else comes out, whatever goes in."""
    try:
        said: float | str = parse_duration(value)
    except Invalid as error:
        said = error.message
    assert (0 <= said <= DURATION_S_MAX) if isinstance(said, float) else (said and "\n" not in said)


@given(st.floats(max_value=-1e-9, allow_infinity=False))
def test_no_negative_number_gets_through(value: float) -> None:
    """However small."""
    with pytest.raises(Invalid):
        parse_duration(value)
