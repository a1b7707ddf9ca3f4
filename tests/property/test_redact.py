"""Scrubbing in pieces gives what scrubbing the whole gives, wherever the pieces are cut (I11)."""

import base64
import json
from itertools import pairwise
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from taxiway.core.event import EventType
from taxiway.core.redact import MASK, Scrubber
from taxiway.engine.spoken import Spoken

SECRETS = st.lists(st.text(alphabet='abA/+"\\ \nü&<%=', min_size=4, max_size=12), min_size=1, max_size=4)
WRITINGS = (
    lambda value: value,
    lambda value: quote(value, safe=""),
    lambda value: quote(value),
    lambda value: quote_plus(value),
    lambda value: json.dumps(value)[1:-1],
    lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    lambda value: json.dumps(json.dumps(value))[3:-3],
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: base64.b64encode(b"x" + value.encode() + b"y").decode(),
    lambda value: base64.urlsafe_b64encode(b"xx" + value.encode() + b"yyy").decode(),
)


@st.composite
def said(draw: st.DrawFn) -> tuple[list[str], str, list[int]]:
    """Some secrets, a text that has them in some of their writings, whole or begun, and where it is cut."""
    secrets = draw(SECRETS)
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 6))):
        written = draw(st.sampled_from(WRITINGS))(draw(st.sampled_from(secrets)))
        parts.append(draw(st.text(alphabet="abA/+ \nü", max_size=5)))
        parts.append(written[: draw(st.integers(0, len(written)))] if draw(st.booleans()) else written)
    text = "".join(parts)
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=8))
    return secrets, text, [0, *sorted(cuts), len(text)]


@given(said())
def test_a_stream_in_pieces_is_scrubbed_like_the_whole(case: tuple[list[str], str, list[int]]) -> None:
    """I11: every writing of every secret, split anywhere, also within a character."""
    secrets, text, cuts = case
    scrubber, data = Scrubber(secrets), text.encode()
    stream = scrubber.stream()
    pieces = [data[start:end] for start, end in zip(cuts, [*cuts[1:], len(data)], strict=True)]
    out = b"".join(stream.feed(piece) for piece in pieces) + stream.flush()
    assert out == scrubber.data(data)


@given(said())
def test_a_message_in_deltas_is_scrubbed_like_the_whole(case: tuple[list[str], str, list[int]]) -> None:
    """I11: what an agent says in pieces, with other words of it in between; the first piece begins the message."""
    secrets, text, cuts = case
    spoken = Spoken(Scrubber(secrets))
    told = []
    for number, (start, end) in enumerate(pairwise(cuts)):
        data = {"text": text[start:end]} | ({"delta": True} if number else {})
        told += spoken.take(EventType.MESSAGE, data)
        told += spoken.take(EventType.THOUGHT, {"text": "between", "delta": True})
        told += spoken.take(EventType.TOOL_CALL, {"name": "look"})
    told += spoken.end()
    messages = [data for type, data in told if type is EventType.MESSAGE]
    assert "".join(data["text"] for data in messages) == Scrubber(secrets).text(text)
    assert [bool(data.get("delta")) for data in messages] == [number > 0 for number in range(len(messages))]


@given(SECRETS, st.sampled_from(WRITINGS), st.text(max_size=20), st.text(max_size=20))
def test_no_writing_of_a_secret_is_left(secrets: list[str], write, before: str, after: str) -> None:
    """I11: raw, URL, JSON (once and twice), base64 in each alignment."""
    written = write(secrets[0])
    kept = Scrubber(secrets).text(f"{before}|{written}|{after}")
    assert MASK in kept
    assert written not in kept or written in MASK
