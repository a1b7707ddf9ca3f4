"""Laws of the terminal over all inputs, and a second opinion (pyte's) on what it shows."""

import re

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from taxiway.agents.terminal.emulator import Emulator
from taxiway.agents.terminal.gained import gained
from taxiway.agents.terminal.screen import lines_of

COLUMNS, ROWS = 12, 5
NUMBER = st.integers(0, 14).map(str) | st.just("")
#: What both know alike: text, motion, erasing, inserting and deleting, scrolling by line feeds, tabs, saving.
ALIKE = st.one_of(
    st.text("abcdefgh 0123456789", min_size=1, max_size=30),
    st.sampled_from(["\r", "\n", "\r\n", "\b", "\t", "é", "\x1b7", "\x1b8", "\x1bD", "\x1bM", "\x1bH"]),
    st.builds("\x1b[{}{}".format, NUMBER, st.sampled_from(list("@ABCDEFGLMPXade"))),
    st.builds("\x1b[{}{}".format, st.sampled_from(["", "0", "1", "2"]), st.sampled_from(list("JK"))),
    st.sampled_from(["\x1b[g", "\x1b[3g"]),
    st.builds("\x1b[{};{}H".format, NUMBER, NUMBER),
    st.builds("\x1b[{}m".format, NUMBER),
    st.sampled_from(["\x1b[4h", "\x1b[4l", "\x1b[?7h", "\x1b[?7l"]),
)
#: Not for the second opinion: in a region pyte puts a cursor that stands outside elsewhere than xterm does.
REGION = st.builds("\x1b[{};{}r".format, st.integers(1, 3), st.integers(4, 5))
ANYTHING = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")),
    (ALIKE | REGION).map(str.encode),
    st.sampled_from(
        [
            b"\x1b[?1049h",
            b"\x1b[?1049l",
            b"\x1b]0;t\x07",
            b"\x1bP$q",
            b"\x1b\\",
            b"\x1b[",
            b"\x1b",
            b"\x1bc",
            b"\x1b[?6h",
        ]
    ),
    st.builds(lambda n, f: f"\x1b[{n}{f}".encode(), st.integers(0, 99_999), st.sampled_from(list("@ABCDLMPSTXZbnrt"))),
)


def shown(terminal: Emulator) -> tuple[list[str], int, int, bytes]:
    """Everything that one could see of it."""
    screen = terminal.screen
    return lines_of(screen), screen.x, screen.y, terminal.feed(b"\x1b[6n\x1b[?2004$p")


@settings(max_examples=300)
@given(st.lists(ANYTHING, max_size=30), st.data())
def test_it_does_not_matter_how_output_is_cut_into_pieces(pieces: list[bytes], data: st.DataObject) -> None:
    """B10: characters, sequences and strings may be split anywhere."""
    whole = b"".join(pieces)
    at_once, in_pieces = Emulator(COLUMNS, ROWS), Emulator(COLUMNS, ROWS)
    answers = at_once.feed(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    cut = b"".join(
        in_pieces.feed(whole[first:last]) for first, last in zip([0, *cuts], [*cuts, len(whole)], strict=True)
    )
    assert cut == answers
    assert shown(in_pieces) == shown(at_once)


@settings(max_examples=300)
@given(st.lists(ANYTHING | st.tuples(st.integers(1, 20), st.integers(1, 9)), max_size=40))
def test_nothing_that_a_program_writes_breaks_the_screen(steps: list[bytes | tuple[int, int]]) -> None:
    """I18: every row has its width, the cursor stays inside, and no control character gets into the text."""
    terminal = Emulator(COLUMNS, ROWS)
    for step in steps:
        if isinstance(step, bytes):
            terminal.feed(step)
        else:
            terminal.resize(*step)
        screen = terminal.screen
        assert {len(row) for row in screen.cells} == {screen.columns}
        assert len(screen.cells) == len(screen.goes_on) == screen.rows
        assert 0 <= screen.x <= screen.columns
        assert 0 <= screen.top <= screen.bottom < screen.rows
        assert 0 <= screen.y < screen.rows
    assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "".join(lines_of(terminal.screen)))


@settings(max_examples=500)
@given(st.lists(ALIKE, max_size=40))
def test_a_screen_shows_what_another_terminal_shows(steps: list[str]) -> None:
    """A second opinion: rows and cursor agree with pyte's after every step, where both know the sequence.

    Behind the last column pyte counts otherwise than xterm, so there only text, or a carriage return, may come next.
    """
    ours = Emulator(COLUMNS, ROWS)
    theirs = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(theirs)
    for wanted in steps:
        step = wanted if ours.screen.x < COLUMNS or wanted.isprintable() else "\r" + wanted
        ours.feed(step.encode())
        stream.feed(step)
        rows = [ours.screen.text_of(y).rstrip() for y in range(ROWS)]
        assert rows == [row.rstrip() for row in theirs.display], step
        assert (ours.screen.x, ours.screen.y) == (theirs.cursor.x, theirs.cursor.y), step


@given(
    st.lists(st.text("abc ", max_size=4), max_size=12), st.lists(st.text("xyz", min_size=1, max_size=4), max_size=12)
)
def test_what_is_written_below_is_what_was_gained(before: list[str], new: list[str]) -> None:
    """All of it, and nothing else; and nothing is gained by drawing the same again."""
    assert gained(before, [*before, *new]) == new
    assert gained(before, before) == []
