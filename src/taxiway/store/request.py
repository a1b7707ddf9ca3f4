"""Whose request a write is part of: whoever serves requests says it, and the change log keeps it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

#: The id of the request that the running code answers.
REQUEST: Final[ContextVar[str | None]] = ContextVar("taxiway_request", default=None)
