"""Hostile text can be read on a terminal, and can do nothing there."""

import json
import re

import pytest

from taxiway.cli.safe import SafeStream, cells, clipped, safe, safe_json, safe_line

#: What must never reach a terminal: C0 but line end and tab, DEL and C1, bidi controls, invisible and lone characters.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
    "|[\U000e0000-\U000e0fff]"
)

CORPUS = {
    "colour": "\x1b[31mred\x1b[0m",
    "colour in 256 and true colour": "\x1b[38;5;196mx\x1b[38:2:1:2:3my",
    "title": "\x1b]0;owned\x07after",
    "title ended by ST": "\x1b]2;owned\x1b\\after",
    "title in C1": "\x9d0;owned\x9cafter",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "hyperlink": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "an OSC that never ends": "a\x1b]0;" + "x" * 50,
    "device control": '\x1bP$q"p\x1b\\q',
    "application command": "\x1b_G\x1b\\x",
    "privacy message": "\x1b^secret\x1b\\x",
    "start of string": "\x1bXhidden\x1b\\x",
    "clear and home": "\x1b[2J\x1b[H",
    "cursor up and overwrite": "real\x1b[1A\x1b[2Kfake",
    "C1 CSI": "\x9b31mred",
    "report cursor": "\x1b[6n",
    "answerback": "\x05",
    "window operation": "\x1b[21t",
    "alternate screen": "\x1b[?1049h",
    "mouse on": "\x1b[?1000h",
    "bracketed paste": "\x1b[200~rm -rf\x1b[201~",
    "reset": "\x1bc",
    "charset": "\x1b(0lqqk",
    "a lone escape at the end": "end\x1b",
    "an unfinished CSI": "end\x1b[31",
    "backspace": "abc\b\b\bxyz",
    "carriage return hides": "rm -rf /\rls       ",
    "vertical tab and form feed": "a\x0bb\x0cc",
    "bell": "\x07\x07",
    "shift out": "\x0eabc\x0f",
    "NUL and DEL": "a\0b\x7fc",
    "bidi override": "user\u202egpj.exe",
    "bidi isolate": "\u2066x\u2069",
    "arabic letter mark": "a\u061cb",
    "left-to-right mark": "a\u200eb\u200f",
    "zero width": "pay\u200bpal",
    "line separator": "a\u2028b\u2029c",
    "byte order mark": "\ufeffx",
    "tag characters": "a\U000e0041\U000e0042",
    "lone surrogate": "a\ud800b",
    "escape inside an escape": "\x1b\x1b[31mx",
    "nested string": "\x1b]0;a\x1b]0;b\x07c",
    "next line": "a\x85b",
}


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS.keys())
def test_nothing_that_a_terminal_would_obey_or_hide_is_left(text: str) -> None:
    """CWE-150, CWE-1007: in whole texts, on one line, and however a stream is cut into pieces."""
    assert not FORBIDDEN.search(safe(text))
    assert not FORBIDDEN.search(safe_line(text))
    assert "\n" not in safe_line(text)
    data = text.encode("utf-8", "replace")
    for size in (1, 2, 3, 7):
        stream = SafeStream()
        shown = "".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) + stream.feed(b"", True)
        assert not FORBIDDEN.search(shown)
        assert "owned" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07after", "after"),
        ("a\tb\nc", "a\tb\nc"),
        ("10%\r20%\r\n", "10%\n20%\n"),
        ("user\u202egpj.exe", "user<U+202E>gpj.exe"),
        ("Grüße, 世界 👋", "Grüße, 世界 👋"),
    ],
)
def test_what_can_be_read_stays_readable(text: str, shown: str) -> None:
    """Escape sequences go whole, progress becomes lines, tricks are shown by their number, words stay."""
    assert safe(text) == shown


def test_a_stream_gives_text_at_once_and_holds_back_only_what_is_unfinished() -> None:
    """Live output must not wait for a line end; a sequence that never ends is not held for ever."""
    stream = SafeStream()
    assert stream.feed(b"50% done") == "50% done"
    assert stream.feed(b"x\x1b[3") == "x"
    assert stream.feed(b"1mred") == "red"
    assert stream.feed("ü".encode()[:1]) == ""
    assert stream.feed("ü".encode()[1:]) == "ü"
    assert stream.feed(b"\x1b]0;" + b"x" * 10_000) == ""  # let go of, as an escape that never ended
    assert stream.feed(b"seen") == "seen"


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS.keys())
def test_json_says_the_same_in_harmless_characters(text: str) -> None:
    """What a terminal could act on is escaped; whoever parses it gets the very text."""
    shown = safe_json(json.dumps({"output": text}, ensure_ascii=False))
    assert not FORBIDDEN.search(shown)
    assert json.loads(shown) == {"output": text}


def test_columns_are_counted_as_terminals_count_them() -> None:
    """Wide characters take two columns, combining ones none; what is cut off is marked."""
    assert (cells("abc"), cells("世界"), cells("e\u0301")) == (3, 4, 1)
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("世界世界", 5) == "世界…"
    assert clipped("abc", 3) == "abc"
    assert clipped("abc", 0) == ""
