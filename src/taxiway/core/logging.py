"""What can be said of a server's log: how its lines look, and how loud what they tell must be."""

from __future__ import annotations

from enum import StrEnum


class LogFormat(StrEnum):
    """How a line looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """What is not as loud as this is left out."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
