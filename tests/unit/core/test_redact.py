"""Declared secrets never reach the store, however they are written or cut."""

import base64
import json
from urllib.parse import quote

import pytest

from taxiway.core.redact import MASK, Scrubber

SECRET = 'hunter2/"+&=?pass\\word'
FORMS = [
    SECRET,
    quote(SECRET, safe=""),
    json.dumps(SECRET)[1:-1],
    base64.b64encode(SECRET.encode()).decode(),
    base64.b64encode(b"u:" + SECRET.encode()).decode(),
    base64.b64encode(b"x" + SECRET.encode() + b"tail").decode(),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_masked_in_every_form_that_programs_write(form: str) -> None:
    """I11: raw, URL-encoded, JSON-escaped, base64 at each of its three offsets."""
    scrubbed = Scrubber([SECRET]).text(f"before {form} after")
    assert MASK in scrubbed
    assert SECRET not in scrubbed
    assert scrubbed.startswith("before ")
    assert scrubbed.endswith(" after")


def test_a_secret_that_is_split_between_pieces_is_masked_at_every_seam() -> None:
    """I11: split at every byte boundary, and into single bytes."""
    data = f"a {SECRET} b {SECRET}".encode()
    pieces = [[data[:cut], data[cut:]] for cut in range(len(data) + 1)]
    pieces.append([bytes([byte]) for byte in data])
    for parts in pieces:
        stream = Scrubber([SECRET]).stream()
        out = b"".join(stream.feed(part) for part in parts) + stream.flush()
        assert out == f"a {MASK} b {MASK}".encode()


def test_text_without_secrets_passes_unchanged_and_whole() -> None:
    """I11 must not cost what is no secret."""
    data = bytes(range(256)) * 10
    stream = Scrubber([SECRET]).stream()
    assert stream.feed(data) + stream.flush() == data
    assert Scrubber([]).data(data) is data


def test_a_very_short_value_is_not_masked_everywhere() -> None:
    """A secret of three characters would mask half of every text."""
    assert not Scrubber(["abc", ""]).active


def test_secrets_inside_json_values_are_masked_in_keys_and_items() -> None:
    """I11: specs, results and event data are JSON."""
    value = {"k": [f"x{SECRET}y", 3, None], SECRET: {"deep": SECRET}}
    scrubbed = Scrubber([SECRET]).value(value)
    assert scrubbed == {"k": [f"x{MASK}y", 3, None], MASK: {"deep": MASK}}


def test_the_longer_of_two_overlapping_secrets_is_masked_whole() -> None:
    """I11: a secret that begins like another one leaves no tail behind."""
    assert Scrubber(["password", "password-and-more"]).text("password-and-more") == MASK
