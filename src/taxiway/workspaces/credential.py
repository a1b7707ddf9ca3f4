"""A token for one place, lent to git through a file without a name: it stands in no argument, variable or file."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlsplit

import msgspec

from taxiway.core.errors import WorkspaceRefused

ANYBODY: Final = "x-access-token"  #: who logs in, where the address does not say it; the hosts of git look at the token


class Credential(msgspec.Struct, frozen=True):
    """What git may say to ``origin`` (scheme, host and port), and to nobody else, also after a redirection."""

    origin: str
    answer: bytes

    def open(self) -> int:
        """A new descriptor from which the answer can be read, by whoever is handed it; the caller closes it."""
        fd = os.memfd_create("credential")
        os.write(fd, self.answer)
        return fd

    def settings(self, fd: int) -> dict[str, str]:
        """What tells git where the answer is: a helper that reads it anew each time it is asked."""
        return {f"credential.{self.origin}.helper": f'!f() {{ test "$1" = get && cat /dev/fd/{fd}; }}; f'}


def credential_for(repo: str, token: str, named: str) -> Credential:
    """The credential for the host of an address; ``named`` is what the token is called in an error. Raises
    ``WorkspaceRefused`` for what cannot be one."""
    if not token or not token.isprintable() or not token.isascii():
        raise WorkspaceRefused(f"{named} holds what cannot be a token: it is one line of printable ASCII")
    parts = urlsplit(repo)
    user = "" if parts.username else f"username={ANYBODY}\n"
    return Credential(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", f"{user}password={token}\n".encode())
