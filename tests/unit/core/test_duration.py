"""Durations as people write them."""

import math

import pytest

from taxiway.core.duration import format_duration, parse_duration
from taxiway.core.errors import Invalid
from taxiway.core.limits import DURATION_S_MAX


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("800ms", 0.8),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("1d2h3m4s5ms", 93_784.005),
        ("1.5h", 5400.0),
        ("0.1s", 0.1),
        ("30", 30.0),
        ("0.5", 0.5),
        (" 5m ", 300.0),
        (30, 30.0),
        (0.5, 0.5),
        (0, 0.0),
        ("0s", 0.0),
        ("3650d", float(DURATION_S_MAX)),
    ],
)
def test_a_duration_means_the_seconds_that_its_text_says(written: object, seconds: float) -> None:
    """Surface, "The nouns": 800ms, 30s, 5m, 1h30m or a number of seconds."""
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    ("nonsense", "said"),
    [
        ("", "no duration"),
        ("soon", "no duration"),
        ("5 m", "no duration"),
        ("5M", "no duration"),
        ("1h30", "no duration"),
        ("5w", "no duration"),
        ("1e3s", "no duration"),
        ("٣s", "no duration"),
        ("30m1h", "from large to small"),
        ("1h1h", "from large to small"),
        ("-5s", "negative"),
        (-1, "negative"),
        (-0.5, "negative"),
        (math.nan, "must have an end"),
        (math.inf, "must have an end"),
        ("3651d", "longer than the longest"),
        (10**30, "longer than the longest"),
        ("9" * 40 + "d", "no duration"),
        (True, "true or false"),
        (None, "nothing"),
        ([5], "a list"),
        ({"s": 5}, "a table"),
    ],
)
def test_what_is_no_duration_is_refused_with_a_sentence(nonsense: object, said: str) -> None:
    """Bad input: an impossible duration."""
    with pytest.raises(Invalid, match=said):
        parse_duration(nonsense)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0001, "0s"),
        (0.8, "800ms"),
        (2.5, "2.5s"),
        (59.9996, "1m"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (86_400, "1d"),
        (86_461.25, "1d1m1.25s"),
    ],
)
def test_a_duration_is_shown_in_the_way_that_it_is_written(seconds: float, text: str) -> None:
    """To the millisecond, without empty units."""
    assert format_duration(seconds) == text
