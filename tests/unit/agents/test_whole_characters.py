"""Output is cut between characters where it is text, and goes through unchanged where it is not."""

import pytest

from taxiway.agents.output import whole_characters

TEXT = "aé€𝄞\x00ß"


def test_every_cut_of_a_text_ends_at_a_character() -> None:
    """Fault 33: wherever a read happens to end, what is handed on decodes, and at most three bytes wait."""
    encoded = TEXT.encode()
    for end in range(len(encoded) + 1):
        cut = whole_characters(encoded[:end])
        assert TEXT.startswith(encoded[:cut].decode())
        assert end - cut <= 3


@pytest.mark.parametrize(
    "data", [b"\xff", b"\x80\x80\x80\x80", b"\xc3a", b"\xf8\x88", b"a\xff\xfe", b"", b"\xe2\x82\xac"]
)
def test_bytes_that_start_no_character_are_not_held_back_for_ever(data: bytes) -> None:
    """Fault 33: garbage is handed on; at most what may still become a character waits for the next read."""
    held = len(data) - whole_characters(data)
    assert held <= 3
    assert whole_characters(data + b"\n") == len(data) + 1
