"""A terminal without a window: what programs write becomes text, what they ask is answered. Source: ECMA-48, xterm."""

import pytest

from taxiway.agents.terminal.emulator import ANSWER_BYTES_MAX, HISTORY_CHARS_MAX, Emulator
from taxiway.agents.terminal.screen import lines_of


def shown(written: str, columns: int = 10, rows: int = 4) -> list[str]:
    """The rows of a screen on which this was written, without blank ones at the end."""
    terminal = Emulator(columns, rows)
    terminal.feed(written.encode())
    found = [terminal.screen.text_of(y).rstrip() for y in range(rows)]
    while found and not found[-1]:
        found.pop()
    return found


WRITTEN = {
    "lines": ("one\r\ntwo", ["one", "two"]),
    "a line feed keeps the column": ("one\ntwo", ["one", "   two"]),
    "a long line flows over": ("0123456789abc", ["0123456789", "abc"]),
    "the last column waits for the next character": ("0123456789\rX", ["X123456789"]),
    "without wrapping the last column is written again": ("\x1b[?7l0123456789abc", ["012345678c"]),
    "what scrolls off is gone from the screen": ("1\r\n2\r\n3\r\n4\r\n5", ["2", "3", "4", "5"]),
    "backspace moves only": ("abc\b\bX", ["aXc"]),
    "tabs": ("a\tb", ["a       b"]),
    "a tab stop of its own": ("abc\x1bH\r\tX", ["abcX"]),
    "no tab stops": ("\x1b[3ga\tX", ["a        X"]),
    "back by a tab": ("123456789\x1b[ZX", ["12345678X"]),
    "move to a place": ("\x1b[2;3Hx\x1b[Hy", ["y", "  x"]),
    "places beyond the edge are at the edge": ("\x1b[99;99Hx", ["", "", "", "         x"]),
    "up, down, left, right": ("\x1b[2Bx\x1b[1A\x1b[2Cy\x1b[9Dz", ["", "z  y", "x"]),
    "next and previous line": ("a\x1b[2Eb\x1b[1Fc", ["a", "c", "b"]),
    "column and row": ("\x1b[3Gx\x1b[3dy", ["  x", "", "   y"]),
    "erase to the end of the line": ("abcdef\x1b[3D\x1b[K", ["abc"]),
    "erase to the begin of the line": ("abcdef\x1b[3D\x1b[1K", ["    ef"]),
    "erase the line": ("abc\r\ndef\x1b[2K", ["abc"]),
    "erase below": ("a\r\nb\r\nc\x1b[2;1H\x1b[J", ["a"]),
    "erase above": ("a\r\nb\r\nc\x1b[2;1H\x1b[1J", ["", "", "c"]),
    "erase all": ("a\r\nb\x1b[2Jc", ["", " c"]),
    "erase characters": ("abcdef\r\x1b[2X", ["  cdef"]),
    "insert characters": ("abc\r\x1b[2@x", ["x abc"]),
    "delete characters": ("abcdef\r\x1b[2P", ["cdef"]),
    "insert mode": ("abc\r\x1b[4hxy\x1b[4lz", ["xyzbc"]),
    "insert lines": ("a\r\nb\x1b[H\x1b[Lx", ["x", "a", "b"]),
    "delete lines": ("a\r\nb\r\nc\x1b[H\x1b[M", ["b", "c"]),
    "scroll up and down": ("a\r\nb\x1b[S\x1b[2T", ["", "", "b"]),
    "a region scrolls alone": ("1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nx", ["1", "3", "x", "4"]),
    "reverse line feed": ("a\r\nb\x1b[H\x1bMx", ["x", "a", "b"]),
    "origin mode": ("\x1b[2;3r\x1b[?6h\x1b[1;1Hx\x1b[9;1Hy", ["", "x", "y"]),
    "save and restore": ("ab\x1b7\x1b[3;3Hx\x1b8c", ["abc", "", "  x"]),
    "repeat": ("-\x1b[5bx", ["------x"]),
    "line drawing": ("\x1b(0lqk\x1b(Bq", ["┌─┐q"]),
    "line drawing by shifts": ("\x1b)0a\x0eq\x0fb", ["a─b"]),
    "the alternate screen is another one": ("main\x1b[?1049hother\x1b[?1049l!", ["main!"]),
    "what the alternate screen shows": ("main\x1b[?1049h\x1b[Hother", ["other"]),
    "wide characters": ("漢字x", ["漢字x"]),
    "a wide character does not fit at the edge": ("123456789漢", ["123456789", "漢"]),
    "a wide character before the cursor stays": ("漢\x1b[@x", ["漢x"]),
    "half of a wide character is none": ("漢字\x1b[2Gx", [" x字"]),
    "marks stand on their character": ("e\u0301 q\u0323\u0307", ["é q\u0323\u0307"]),
    "a mark on a wide character": ("漢\u3099x", ["漢\u3099x"]),
    "a mark on nothing": ("\u0301x", ["x"]),
    "colours": ("\x1b[1;38;5;196mred\x1b[38:2::1:2:3mx\x1b[m", ["redx"]),
    "titles, links and clipboards": ("\x1b]0;t\x07\x1b]8;;u\x1b\\a\x1b]52;c;eA==\x1b\\", ["a"]),
    "strings of devices and applications": ("\x1bPq#0\x1b\\\x1b_G\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\a", ["a"]),
    "a string that is broken off": ("\x1b]0;title\x18a\x1b]0;t\x1b[1mb", ["ab"]),
    "a sequence that is broken off": ("\x1b[12\x1b[2Cx", ["  x"]),
    "unknown sequences": ("\x1b[1;2;3A\x1b[>4;2m\x1b[?1;2m\x1b[=5u\x1b[2 q\x1b#8\x1b%Ga", ["a"]),
    "soft reset": ("ab\x1b[4h\x1b[!pc\rx", ["xbc"]),
    "reset": ("abc\x1bcx", ["x"]),
    "8-bit controls are no controls": ("a\x9b31mb", ["a31mb"]),
    "control characters without a meaning here": ("a\0\x05\x07\x11\x7fb", ["ab"]),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_a_screen_shows_what_was_written(what: str) -> None:
    """The text view of a terminal, for the sequences that common programs use."""
    written, expected = WRITTEN[what]
    assert shown(written) == expected


ASKED = {
    "cursor position": ("ab\r\nc\x1b[6n", "\x1b[2;2R"),
    "cursor position at the edge": ("0123456789\x1b[6n", "\x1b[1;10R"),
    "extended cursor position": ("\x1b[?6n", "\x1b[?1;1;1R"),
    "status": ("\x1b[5n", "\x1b[0n"),
    "device attributes": ("\x1b[c\x1b[0c", "\x1b[?62;22c" * 2),
    "secondary attributes": ("\x1b[>c", "\x1b[>1;10;0c"),
    "name": ("\x1b[>q", "\x1bP>|taxiway\x1b\\"),
    "size": ("\x1b[18t", "\x1b[8;4;10t"),
    "a mode that is set": ("\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"),
    "modes that are not, or not known": ("\x1b[?1049$p\x1b[?4711$p\x1b[4$p", "\x1b[?1049;2$y\x1b[?4711;0$y\x1b[4;0$y"),
    "colours": ("\x1b]11;?\x1b\\", "\x1b]11;rgb:0000/0000/0000\x1b\\"),
    "settings and capabilities": ("\x1bP$qm\x1b\\\x1bP+q544e\x1b\\", "\x1bP0$r\x1b\\\x1bP0+r\x1b\\"),
    "the clipboard": ("\x1b]52;c;?\x1b\\", ""),
    "the title": ("\x1b]0;rm -rf /\x07\x1b[21t", ""),
    "answers that come back as an echo": ("\x1b[2;2R\x1b[0n\x1b[?62;22c\x1b[>1;10;0c\x1b[8;4;10t", ""),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_question_is_answered_without_repeating_it(what: str) -> None:
    """CWE-150: no answer carries what the program said, and none begets another."""
    asked, expected = ASKED[what]
    answer = Emulator(10, 4).feed(asked.encode())
    assert answer.decode() == expected
    assert Emulator(10, 4).feed(answer) == b""


def test_answers_to_one_piece_have_a_bound() -> None:
    """I18: a program that asks without end is not served without end."""
    assert len(Emulator(10, 4).feed(b"\x1b[6n" * 100_000)) <= ANSWER_BYTES_MAX


def test_history_keeps_the_last_text_within_its_bound() -> None:
    """I18: and lines that flowed over are one line again."""
    terminal = Emulator(10, 4)
    terminal.feed(b"0123456789abcde\r\n" * 100_000)
    assert terminal.screen.scrolled_chars <= HISTORY_CHARS_MAX
    lines = lines_of(terminal.screen)
    assert set(lines[1:]) == {"0123456789abcde"}
    assert len(lines) > 10_000
    terminal.screen.forget_scrolled()
    assert len(lines_of(terminal.screen)) == 2


@pytest.mark.parametrize(
    "hostile",
    [
        "x" + "\u0301" * 50_000,
        "\x1b]0;" + "a" * 1_000_000,
        "\x1b[" + "1;" * 500_000,
        "\x1b" * 200_000,
        "\x1b[9999999999999999999999L\x1b[99999999S\x1b[99999999b\x1b[99999999@\x1b[9999999P\x1b[9999I" * 1_000,
        "\x1b[?1049h\x1b[?1049l" * 5_000,
    ],
    ids=["marks", "string", "numbers", "escapes", "large numbers", "screens"],
)
def test_nothing_that_a_program_writes_costs_much_memory(hostile: str) -> None:
    """I18: what is held of text that does not end has a bound, and a cell holds a bounded number of marks."""
    terminal = Emulator(80, 24)
    for start in range(0, len(hostile), 4_000):
        terminal.feed(hostile[start : start + 4_000].encode())
    tokens = terminal._tokens
    assert len(tokens._held) + len(tokens._string) <= 2_000
    assert sum(len(line) for line in lines_of(terminal.screen)) < 300_000
    assert all(len(row) == 80 for row in terminal.screen.cells)


def test_many_kinds_of_marked_characters_are_told_apart() -> None:
    """More than there are codes for: those on the screen stay right, forgotten ones make room."""
    terminal = Emulator(40, 4)
    for number in range(3_000):
        base, mark = chr(0x4E00 + number // 50), chr(0x300 + number % 50)
        terminal.feed(f"{base}{mark}\r\n".encode())
        assert terminal.screen.text_of(min(number, 2)) == f"{base}{mark}"


def test_a_smaller_window_keeps_the_cursors_row_and_a_larger_one_what_was_there() -> None:
    """What a window does when it is resized, but that text is not set anew."""
    terminal = Emulator(10, 4)
    terminal.feed("1\r\n2\r\n3漢字漢字\r\n4".encode())
    terminal.resize(6, 2)
    assert [terminal.screen.text_of(y) for y in range(2)] == ["3漢字", "4"]
    assert lines_of(terminal.screen) == ["1", "2", "3漢字", "4"]
    terminal.resize(12, 5)
    terminal.feed(b"x" * 12)
    assert [terminal.screen.text_of(y).rstrip() for y in range(3)] == ["3漢字", "4xxxxxxxxxxx", "x"]
    terminal.resize(1, 1)
    terminal.feed("漢a".encode())
    assert terminal.screen.text_of(0) == "a"
