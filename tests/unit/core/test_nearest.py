"""The nearest legal name."""

from taxiway.core.nearest import nearest, suggestion

FIELDS = ("command", "shell", "timeout", "idle_timeout", "retries", "retry_on", "after")


def test_a_typing_error_finds_the_name_that_was_meant() -> None:
    """Bad input: an error names the nearest legal name."""
    assert nearest("timeot", FIELDS) == "timeout"
    assert nearest("comand", FIELDS) == "command"
    assert nearest("retires", FIELDS) == "retries"
    assert nearest("AFTER", FIELDS) == "after"
    assert nearest("idletimeout", FIELDS) == "idle_timeout"


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    """A far-fetched hint would only confuse."""
    assert nearest("colour", FIELDS) is None
    assert nearest("", FIELDS) is None
    assert nearest("x", ()) is None
    assert suggestion("colour", FIELDS) == ""


def test_of_equally_near_names_the_answer_does_not_depend_on_their_order() -> None:
    """Hints are the same from run to run, though names come out of sets."""
    assert nearest("ac", ["ab", "ad"]) == nearest("ac", ["ad", "ab"])


def test_a_very_long_name_costs_no_more_than_a_long_one() -> None:
    """A megabyte of a name is compared by its beginning."""
    assert nearest("timeout" * 200_000, FIELDS) is None
