"""Paths whose parts may hold a slash: ``/v1/tasks/build%2Flint`` is the task ``build/lint``, no path of three parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

SLASH: Final = "\udc2f"  #: stands for one inside a part while it is routed: no address decodes to it


def by_segments(inner: ASGIApp) -> ASGIApp:
    """The application, with paths that were taken apart before they were decoded."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes = scope.get("raw_path") or b""
        if b"%2f" in raw.lower():
            parts = raw.partition(b"?")[0].decode("ascii", "replace").split("/")
            scope = {**scope, "path": "/".join(unquote(part).replace("/", SLASH) for part in parts)}
        await inner(scope, receive, send)

    return routed


def whole(path: str) -> str:
    """A path, or a part of one, as it was meant."""
    return path.replace(SLASH, "/")


def whole_parts(parts: Mapping[str, str]) -> dict[str, str]:
    """Every part as it was meant."""
    return {name: whole(part) for name, part in parts.items()}
