"""Refusals on the wire: problem details (RFC 9457) with our stable codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

from taxiway.core.errors import Error

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1  #: where nobody knows better
STATUS_LINES: Final = {int(status): f"HTTP/1.1 {int(status)} {status.phrase}" for status in HTTPStatus}

_encode = msgspec.json.Encoder(enc_hook=str).encode


def problem_document(error: Error, request: str) -> dict[str, Any]:
    """``type``, ``title``, ``status``, ``detail``, ``code``, every problem with its path, and the ids concerned;
    ``request`` is the id under which the server's log knows the call."""
    details = {name: value for name, value in error.to_json().items() if name not in ("code", "message")}
    status = error.http_status
    return {
        **details,
        "type": f"urn:taxiway:error:{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "code": error.code,
        "request": request,
    }


def problem_reply(error: Error, request: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a refusal."""
    headers = {"content-type": CONTENT_TYPE}
    if error.http_status in (429, 503):
        headers["retry-after"] = str(error.details.get("retry_after_s", RETRY_AFTER_S))
    if error.http_status == 401:
        headers["www-authenticate"] = 'Bearer realm="taxiway"'
    return error.http_status, _encode(problem_document(error, request)), headers
