"""A plan file's text, and the document that its ending says it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from taxiway.core.errors import Invalid, Problem
from taxiway.core.limits import NAME_CHARS_MAX, PLAN_BYTES_MAX
from taxiway.planfile.document import Document, refused
from taxiway.planfile.from_json import from_json
from taxiway.planfile.from_toml import from_toml
from taxiway.planfile.from_yaml import from_yaml

_READERS: Final = {".yaml": from_yaml, ".yml": from_yaml, ".toml": from_toml, ".json": from_json}


def read_document(source: Path) -> Document:
    """What a plan file says. Raises ``Invalid`` when it cannot be read, or is not what its ending says."""
    file = str(source)
    reader = _READERS.get(source.suffix.lower())
    if reader is None:
        raise _refused(file, "is no plan file by its name", "name it .yaml, .toml or .json")
    return reader(_text(source, file), file)


def queue_name(source: Path) -> str:
    """A queue's name made of the file's stem: what a name may not hold becomes ``-``."""
    legal = re.sub(r"[^A-Za-z0-9._-]+", "-", source.stem).strip("-.")
    return legal[:NAME_CHARS_MAX] or "plan"


def _text(source: Path, file: str) -> str:
    try:
        with source.open("rb") as stream:
            data = stream.read(PLAN_BYTES_MAX + 1)
    except FileNotFoundError:
        raise _refused(file, "there is no such file") from None
    except IsADirectoryError:
        raise _refused(file, "is a folder, and a plan is a file") from None
    except OSError as error:
        raise _refused(file, f"cannot be read: {error.strerror}") from None
    if len(data) > PLAN_BYTES_MAX:
        raise _refused(file, f"is longer than {PLAN_BYTES_MAX} bytes, the most that a plan may have")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise _refused(file, f"is no UTF-8: the byte 0x{data[error.start]:02x}", "", line, column) from None


def _refused(file: str, message: str, hint: str = "", line: int | None = None, column: int | None = None) -> Invalid:
    return refused(Problem(message, "", file, line, column, hint))
