"""What agents were seen to do on this machine, kept in a file beside the store."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe of one agent showed. ``tried``: ability -> whether it worked (``start`` and ``turn`` among them).

    ``at`` is milliseconds since 1970 UTC, ``ready_s`` how long the program took until it took turns.
    """

    version: str | None
    at: int
    ready_s: float | None = None
    tried: dict[str, bool] = {}
    error: str | None = None


class Trials:
    """What was tried before, in a file beside the store."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Trial]:
        """By the agent's name; empty where nothing was tried, or the file is not readable any more."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Trial])
        except (OSError, msgspec.DecodeError):
            return {}

    def keep(self, name: str, trial: Trial) -> None:
        """Lay a trial over the last one of that name; what that one showed of the same version is still known."""
        known = self.read()
        last = known.get(name)
        if last is not None and last.version == trial.version:
            trial = msgspec.structs.replace(trial, tried={**last.tried, **trial.tried})
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode({**known, name: trial})))
        draft.chmod(0o600)
        draft.replace(self._path)
