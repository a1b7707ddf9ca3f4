"""Speaks `lines`: the words of a script are its own words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .voice import Heard, LineVoice, line_of


class LinesVoice(LineVoice):
    """Speaks `lines` on standard input and output."""

    def tell(self, kind: str, /, **fields: Any) -> None:
        """One object, without what is not known."""
        self._write({"type": kind, **{name: value for name, value in fields.items() if value is not None}})

    def piece(self, text: str) -> str:
        """A message."""
        return line_of({"type": "message", "text": text})

    def _meant(self, message: dict[str, Any]) -> Iterable[Heard]:
        known = {name: message[name] for name in Heard._fields if name in message and name != "what"}
        return (Heard(message["type"], **known),)
