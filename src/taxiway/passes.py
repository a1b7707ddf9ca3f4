"""Where runs find their tokens: a file of its own for each process tree, in a folder that goes with its runner."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from taxiway.core.runtoken import run_token
from taxiway.store.protocol import Claimed

URL_VARIABLE: Final = "TAXIWAY_URL"
TOKEN_VARIABLE: Final = "TAXIWAY_TOKEN"  # noqa: S105  (a variable's name)
FILE_VARIABLE: Final = "TAXIWAY_TOKEN_FILE"
_OURS: Final = (URL_VARIABLE, TOKEN_VARIABLE, FILE_VARIABLE)


class FilePasses:
    """Hands runs their tokens for the server at ``url``: computed with the store's ``key`` where that is at hand, else
    as they came with the claim."""

    def __init__(self, folder: Path, url: str, key: bytes | None = None) -> None:
        self._folder = folder
        self._url = url
        self._key = key

    def of(self, claim: Claimed) -> str | None:
        """The token of a run that is a program; a job is none."""
        if claim.spec.job is not None:
            return None
        return claim.token if self._key is None else run_token(self._key, claim.run, claim.fence)

    def variables(self, claim: Claimed, asked: Mapping[str, str]) -> dict[str, str]:
        """What its program is told. One whose task names a server, or a token, gets no other: neither is shown to
        where it does not belong."""
        if self.of(claim) is None or any(name in asked for name in _OURS):
            return {}
        return {URL_VARIABLE: self._url, FILE_VARIABLE: str(self._path(claim))}

    async def hand(self, claim: Claimed) -> None:
        """Lay its token down, for its owner's eyes only."""
        token = self.of(claim)
        if token is not None:
            await asyncio.to_thread(_write, self._path(claim), token)

    async def take_back(self, claim: Claimed) -> None:
        """The file goes, unless it is the next turn's already."""
        token = self.of(claim)
        if token is not None:
            await asyncio.to_thread(_remove, self._path(claim), token)

    def close(self) -> None:
        """The folder goes."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, claim: Claimed) -> Path:
        """A session's process outlives its turns: its environment names the session."""
        turn = claim.spec.prompt is not None and claim.seat is not None
        return self._folder / (claim.seat.session if turn and claim.seat is not None else claim.run)


def _write(path: Path, token: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_suffix(f".{token[4:30]}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(token + "\n")
    fresh.replace(path)


def _remove(path: Path, token: str) -> None:
    try:
        if path.read_text("ascii").strip() == token:
            path.unlink()
    except FileNotFoundError:
        return
