"""What a screen has gained, without echo and prompt; and how a text is typed so that it can give no commands."""

import re

from taxiway.agents.terminal.emulator import Emulator
from taxiway.agents.terminal.gained import gained
from taxiway.agents.terminal.keyboard import pasted, typed
from taxiway.agents.terminal.prompt import prompts_of, shows_prompt, without_prompt


def test_lines_that_came_after_the_old_ones_are_gained() -> None:
    """Also when they say the same as old ones."""
    assert gained(["$ echo hi"], ["$ echo hi", "hi", "$"]) == ["hi", "$"]
    assert gained(["hi", "$ echo hi"], ["hi", "$ echo hi", "hi", "$"]) == ["hi", "$"]
    assert gained([], ["", "a", "", "b", ""]) == ["a", "", "b"]
    assert gained(["a", "b"], ["a", "b"]) == []
    assert gained(["a", "b"], []) == []


def test_lines_between_old_ones_are_gained_when_all_was_drawn_anew() -> None:
    """Full-screen programs put what they say above their input."""
    before = ["Agent", "", "+--+", "|> hello|", "+--+", "status"]
    after = ["Agent", "", "> hello", "* hi", "+--+", "|>      |", "+--+", "status"]
    assert gained(before, after) == ["> hello", "* hi", "", "|>      |"] or gained(before, after)[:2] == [
        "> hello",
        "* hi",
    ]


def test_a_very_long_answer_is_gained_in_reasonable_time() -> None:
    """I18: only the first lines are compared."""
    assert len(gained(["y"] * 40, ["n"] + ["y"] * 100_000)) > 99_000


def test_a_prompt_is_the_cursors_row_or_the_last_one_that_is_not_empty() -> None:
    """The agent's `ready`."""
    terminal = Emulator(20, 5)
    terminal.feed(b"hello\r\n$ ")
    assert prompts_of(terminal.screen) == ("$ ", "$", "$")
    assert shows_prompt(terminal.screen, re.compile(r"\$ $"))
    terminal.feed(b"sleep 5\r\n")
    assert prompts_of(terminal.screen) == ("", "", "$ sleep 5")
    assert not shows_prompt(terminal.screen, re.compile(r"\$ $"))
    terminal.feed(b"\x1b[2J\x1b[H| > |\r\n  ready\x1b[1;5H")
    assert prompts_of(terminal.screen) == ("| > ", "| > |", "  ready")


def test_the_prompt_after_an_answer_is_no_part_of_it() -> None:
    """Also where the answer did not end its line; text that only looks alike further up stays."""
    assert without_prompt(["a", "$"], "$ ", []) == ["a", ""]
    assert without_prompt(["a$"], "$ ", []) == ["a"]
    assert without_prompt(["$", "a", "", ">>>"], "", [">>> "]) == ["$", "a"]
    assert without_prompt(["a"], "", []) == ["a"]
    assert without_prompt([], "$ ", ["$ "]) == []


def test_a_text_is_pasted_or_typed_without_keys_in_it() -> None:
    """CWE-150: neither the end of the paste nor a control key can come out of a text."""
    hostile = "a\x1b[201~b\x03\x04\x7f\x9b\r\nc\rd\te\ud800"
    assert pasted(hostile) == b"\x1b[200~a[201~b\nc\nd\te?\x1b[201~"
    assert typed(hostile) == b"a[201~b\nc\nd    e?"
