"""Asking the program that judges what is wrong with schemas, and with results by them: an answer comes in any case."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from taxiway.core.fault import Fault, dotted

PROGRAM: Final = Path(__file__).parent
ANSWER_S_MAX: Final = 30.0  #: on a machine that is busy; the program itself has 3 s of work
SOUND_MAX: Final = 1_000  #: schemas that are remembered as good

_encode = msgspec.json.Encoder(order="sorted").encode


class _Said(msgspec.Struct, frozen=True):
    path: tuple[str | int, ...]
    message: str


class SchemaJudge:
    """Remembers which schemas were good. Everything here blocks for as long as the program takes, a fifth of a second
    at least, and may be asked from several threads."""

    def __init__(self) -> None:
        self._sound: set[bytes] = set()

    def faults(self, schemas: Sequence[Mapping[str, Any]]) -> list[Fault | None]:
        """What is wrong with each schema, with the path inside it."""
        texts = [_encode(schema) for schema in schemas]
        keys = [hashlib.sha256(text).digest() for text in texts]
        unknown = dict(item for item in zip(keys, texts, strict=True) if item[0] not in self._sound)
        found = self._asked(unknown) if unknown else {}
        if len(self._sound) > SOUND_MAX:
            self._sound.clear()
        self._sound.update(key for key in unknown if found[key] is None)
        return [found.get(key) for key in keys]

    def broken(self, schema: Mapping[str, Any], result: Any) -> str | None:
        """Where and how a result does not follow its schema, as a sentence; ``None`` when it does."""
        said = _answer({"schema": schema, "result": result}, _Said | None)
        if isinstance(said, str):
            return f"its result could not be judged by its result_schema: {said}"
        if said is None:
            return None
        where = f" at {dotted(said.path)}" if said.path else ""
        return f"its result does not follow its result_schema{where}: {said.message}"

    def _asked(self, unknown: Mapping[bytes, bytes]) -> dict[bytes, Fault | None]:
        said = _answer({"schemas": [msgspec.Raw(text) for text in unknown.values()]}, list[_Said | None])
        if isinstance(said, str):
            return dict.fromkeys(unknown, Fault((), f"cannot be judged: {said}"))
        faults = [None if one is None else Fault(one.path, one.message) for one in said]
        return dict(zip(unknown, faults, strict=True))


def _answer(question: object, kind: Any) -> Any:
    """What the program answers; a text where it gives no answer, which says why."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(PROGRAM)],
            input=_encode(question),
            capture_output=True,
            timeout=ANSWER_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"that took longer than {ANSWER_S_MAX:g} s"
    except OSError as error:
        return f"the program for it cannot be started: {error.strerror}"
    if done.returncode < 0:
        return "that took too much time or memory (an expression that searches without an end, or a very large schema)"
    try:
        return msgspec.json.decode(done.stdout, type=kind)
    except msgspec.MsgspecError:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return last[0][:200] if last else "the program for it gave no answer"
