"""Halves of characters, as programs that count in UTF-16 write them, cost a character and never a line."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.agents.linecutter import without_halves

LONE = re.compile("[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")


@given(st.text(st.characters() | st.sampled_from('\ud83d\ude00\\u"d8')))
def test_a_line_of_json_with_halves_of_characters_is_read(text: str) -> None:
    """I18: each half becomes U+FFFD; whole pairs, and backslashes that only look like an escape, stay as they are."""
    line = json.dumps({"type": "message", "text": text}).encode()
    wanted = LONE.sub("\N{REPLACEMENT CHARACTER}", text).encode("utf-16", "surrogatepass").decode("utf-16")
    assert msgspec.json.decode(without_halves(line))["text"] == wanted


@pytest.mark.parametrize("line", [b"\\", b"\\u", b"\\ud8", b"\\ud83d\\", b"\\ud83d\\ud", b"\\UD83D", b'{"a": "\\ud83'])
def test_half_an_escape_is_left_for_the_reader_to_refuse(line: bytes) -> None:
    """Nothing is made up."""
    found = without_halves(line)
    assert found in (line, line.replace(b"\\ud83d", b"\\ufffd"))
