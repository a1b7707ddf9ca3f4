"""What a server refuses, raised as the error that it is: the same tree as in process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from taxiway.core.errors import Error, Invalid, Problem, Unavailable

_OWN: Final = frozenset({"type", "title", "status", "detail", "code", "problems"})


def _errors(kind: type[Error]) -> Iterator[type[Error]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _errors(inner)


def error_of(status: int, document: Any) -> Error:
    """The error that a problem document tells of; what is no problem document came from something in between."""
    if not isinstance(document, Mapping) or "code" not in document:
        return Unavailable(f"the server, or something before it, answered {status}")
    code, message = str(document["code"]), str(document.get("detail", ""))
    details = {name: value for name, value in document.items() if name not in _OWN}
    kind = next((one for one in _errors(Error) if one.code == code), None) or _by_status(status)
    if issubclass(kind, Invalid):
        problems = [msgspec.convert(one, Problem) for one in document.get("problems", ())]
        return kind(message, problems, **details)
    return kind(message, **details)


def _by_status(status: int) -> type[Error]:
    """For a code that a newer server has: what has the same status here."""
    return next((one for one in _errors(Error) if one.http_status == status), Error)
