"""Taking in what comes as the body of a request: as it is, and no more than there is room for (row 38, I18)."""

from __future__ import annotations

from typing import Final

from starlette.requests import ClientDisconnect, Request

from taxiway.core.errors import Malformed, TooLarge, Unavailable

BODY_BYTES_MAX: Final = 1 << 20  #: of a request
LARGE_BODY_BYTES_MAX: Final = 8 << 20  #: of one that may hold a list of a thousand tasks, or a megabyte of words
BODIES_BYTES_MAX: Final = 256 << 20  #: of all that are coming now


class Bodies:
    """All that are coming now. How long one may take is the listener's affair."""

    def __init__(self, most: int = BODIES_BYTES_MAX) -> None:
        self._left = most

    async def read(self, request: Request, large: bool) -> bytes:
        """The whole body, unless it is too large, packed, or there are too many others."""
        most = LARGE_BODY_BYTES_MAX if large else BODY_BYTES_MAX
        headers = request.scope["state"]["headers"]
        coding = headers.get("content-encoding", "identity").lower()
        if coding != "identity":
            raise Malformed(f"a body is taken as it is, without Content-Encoding: {coding[:80]}")
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdecimal() and int(length[:20]) > most:
            raise TooLarge(f"the body has {length} bytes; {most} are the most")
        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    raise TooLarge(f"the body has more than {most} bytes")
                self._left -= len(piece)
                pieces.append(piece)
                if self._left < 0:
                    raise Unavailable("too much is being sent at the same time; send it again in a moment")
        except ClientDisconnect:
            raise Malformed("the body was cut off") from None
        finally:
            self._left += sum(map(len, pieces))
        return b"".join(pieces)
