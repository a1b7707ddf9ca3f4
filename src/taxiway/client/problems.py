"""What a server refuses, raised as the error that it is: the same tree as in process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from taxiway.core.errors import Error, Invalid, Problem, Unavailable

SHOWN_CHARS_MAX: Final = 200
_OWN: Final = frozenset({"type", "title", "status", "detail", "code", "problems", "request", "self", "message"})


def _errors(kind: type[Error]) -> Iterator[type[Error]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _errors(inner)


def error_of(status: int, document: Any) -> Error:
    """The error that a problem document tells of; what is no problem document came from something in between."""
    if not isinstance(document, Mapping) or "code" not in document:
        return foreign(status, "")
    code, message = str(document["code"]), str(document.get("detail", ""))
    details = {str(name): value for name, value in document.items() if name not in _OWN}
    kind = next((one for one in _errors(Error) if one.code == code), None) or _by_status(status)
    if issubclass(kind, Invalid):
        error: Error = kind(message, _problems(document.get("problems")), **details)
    else:
        error = kind(message, **details)
    if "request" in document:
        error.add_note(f"the server's log knows it as {document['request']}")
    return error


def foreign(status: int, what: str) -> Unavailable:
    """Something answered that is no server of ours."""
    said = f" ({what[:SHOWN_CHARS_MAX]})" if what else ""
    return Unavailable(f"the server, or something before it, answered {status}{said}; is this a server of Taxiway?")


def _problems(given: Any) -> list[Problem]:
    """The faults that are told, as far as they are understood."""
    found = []
    for one in given if isinstance(given, list) else ():
        try:
            found.append(msgspec.convert(one, Problem))
        except msgspec.ValidationError:
            continue
    return found


def _by_status(status: int) -> type[Error]:
    """For a code that a newer server has: what has the same status here."""
    return next((one for one in _errors(Error) if one.http_status == status), Error)
