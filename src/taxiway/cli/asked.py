"""Which server is asked, and with which token; and which commands cannot be asked of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import click

from taxiway.cli.flags import Flags
from taxiway.client.address import base_of, checked_token, is_loopback
from taxiway.core.errors import Invalid, Unauthorized

URL: Final = "TAXIWAY_URL"
TOKEN: Final = "TAXIWAY_TOKEN"  # noqa: S105  (a variable's name)
TOKEN_FILE: Final = "TAXIWAY_TOKEN_FILE"  # noqa: S105  (a variable's name: as a run is given one)

_HERE: Final = "leave out --url"
#: Commands that need the store's own machine, or are about this one; and what to do instead.
ONLY_HERE: Final[Mapping[str, str]] = {
    "up": "start it where the store is",
    "run": "hand the plan in and wait for it: taxiway submit PLAN --wait",
    "ask": "send it to a session: taxiway session send KEY PROMPT --wait",
    "do": "submit it: taxiway submit --wait -- ARGV",
    "task apply": "fetch the patch with taxiway task diff TASK --output FILE, then: git apply FILE",
    "runner drain": "ask on the runner's own machine",
    "workspace list": "look where the store is",
    "workspace remove": "do so where the store is",
    "agent list": _HERE,
    "agent probe": _HERE,
    "db check": "check it where the store is",
    "db migrate": "do so where the store is",
    "db backup": "do so where the store is",
    "db prune": "do so where the store is",
    "orphans": "look where the store is",
    "doctor": f"look where the store is, or {_HERE}",
}


class Asked(NamedTuple):
    """A server, and what is shown to it."""

    url: str
    token: str


def url_of(flags: Flags, environ: Mapping[str, str]) -> str | None:
    """The server that is to be asked, if one is; ``--store`` goes before ``TAXIWAY_URL``."""
    if flags.url is not None and flags.store is not None:
        raise click.UsageError("--url asks a server, and --store opens a file: say one of them")
    url = flags.url if flags.url is not None else None if flags.store is not None else environ.get(URL) or None
    if url is not None:
        base_of(url)
    return url


def token_of(flags: Flags, environ: Mapping[str, str], url: str, owners: Callable[[], Path]) -> str:
    """The token to show: of ``--token-file``, else of the environment, else, to a server on this machine, the one in
    the file that ``owners`` names, which ``taxiway up`` writes for whoever owns the store."""
    given = named_token(flags) or token_around(environ)
    if given is not None:
        return given
    if is_loopback(url) and owners().is_file():
        return checked_token(_read(owners()))
    where = f", and {owners()} is not there" if is_loopback(url) else ""
    raise Unauthorized(f"a token is needed for {url}: set {TOKEN}, or name a file with --token-file{where}")


def named_token(flags: Flags) -> str | None:
    """The token in the file of ``--token-file``, if one is named."""
    return None if flags.token_file is None else checked_token(_read(Path(flags.token_file)))


def token_around(environ: Mapping[str, str]) -> str | None:
    """The token in the environment, or in the file that it names, if one is there."""
    if environ.get(TOKEN):
        return checked_token(environ[TOKEN])
    return checked_token(_read(Path(environ[TOKEN_FILE]))) if environ.get(TOKEN_FILE) else None


def check_askable(command: str, url: str) -> None:
    """Raise ``Invalid`` for a command that no server can do."""
    instead = ONLY_HERE.get(command)
    if instead is not None:
        raise Invalid(f"'taxiway {command}' is for this machine, and {url} is a server: {instead}")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Invalid(f"the token file {path} cannot be read: {why}") from None
