"""The values of secrets: read on the runner from a variable, a file or a command, and nowhere else."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from taxiway.config import SecretSource
from taxiway.core.errors import Invalid, Problem
from taxiway.core.fieldtypes import Bad
from taxiway.core.redact import SECRET_CHARS_MIN

SECRET_CHARS_MAX: Final = 64 << 10
COMMAND_S_MAX: Final = 30.0


def resolve_secrets(sources: Mapping[str, SecretSource], environ: Mapping[str, str]) -> dict[str, str]:
    """The values of secrets, read on the runner; one trailing line end is taken off.

    Raises ``Invalid`` with every secret that cannot be had, or is too short to be told from other text. Values never
    stand in an error.
    """
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for name, source in sources.items():
        try:
            value = _secret(source, environ)
            _check_length(value)
            values[name] = value
        except Bad as bad:
            problems.append(Problem(bad.message, f"secrets.{name}", hint=bad.hint))
    if problems:
        raise Invalid("a secret of the configuration cannot be had", problems)
    return values


def secrets_at_hand(sources: Mapping[str, SecretSource], environ: Mapping[str, str]) -> dict[str, str]:
    """Those that a door without a runner can have at once: of variables and plain files that are there.

    No command is run, and what cannot be had is left out: the runner that needs it may be elsewhere.
    """
    values: dict[str, str] = {}
    for name, source in sources.items():
        if source.command is not None or (source.file is not None and not Path(source.file).expanduser().is_file()):
            continue
        with suppress(Bad):
            value = _secret(source, environ)
            _check_length(value)
            values[name] = value
    return values


def variables_of(sources: Mapping[str, SecretSource]) -> dict[str, str]:
    """Variables that bear a secret's name, or are the one that it comes from, with the secret's name."""
    return {name: name for name in sources} | {source.env: name for name, source in sources.items() if source.env}


def _secret(source: SecretSource, environ: Mapping[str, str]) -> str:
    if source.env is not None:
        if source.env not in environ:
            raise Bad(f"the variable {source.env} is not set on this runner")
        return environ[source.env]
    if source.file is not None:
        return _of_file(Path(source.file).expanduser())
    return _of_command(source.command or ())


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return _decoded(stream.read(SECRET_CHARS_MAX * 4 + 2))
    except OSError as error:
        raise Bad(f"the file {path} cannot be read: {error.strerror}") from None


def _of_command(argv: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S_MAX, check=False)
    except subprocess.TimeoutExpired:
        raise Bad(f"the command {argv[0]} took longer than {COMMAND_S_MAX:g} s") from None
    except OSError as error:
        raise Bad(f"the command {argv[0]} cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise Bad(f"the command {argv[0]} ended with status {done.returncode}")
    return _decoded(done.stdout)


def _decoded(data: bytes) -> str:
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Bad("its value is no UTF-8 text") from None


def _check_length(value: str) -> None:
    if len(value) < SECRET_CHARS_MIN:
        raise Bad(
            f"its value has {len(value)} characters; {SECRET_CHARS_MIN} are the fewest that can be taken out of output"
        )
    if len(value) > SECRET_CHARS_MAX:
        raise Bad(f"its value is longer than {SECRET_CHARS_MAX} characters")
    if "\0" in value:
        raise Bad("its value holds a NUL, which no program can be given")
