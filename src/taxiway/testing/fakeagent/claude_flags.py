"""The flags of Claude Code, read and refused as the real one (2.1.330) does."""

from __future__ import annotations

import argparse
import os
from typing import Final, NamedTuple, NoReturn

from .ids import UUID
from .voice import Refused

MODES: Final = ("acceptEdits", "auto", "bypassPermissions", "manual", "dontAsk", "plan")
BYPASS: Final = "bypassPermissions"
WRITERS: Final = frozenset({"Edit", "Write"})
_ROOT: Final = "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons"


class Flags(NamedTuple):
    """What the program was started with. ``resume`` and ``session`` are ids of conversations."""

    resume: str | None
    session: str | None
    fork: bool
    mode: str
    partial: bool
    denied: frozenset[str]

    @property
    def writes(self) -> bool:
        """Whether files may be written without somebody being asked first, or after it."""
        return self.mode not in ("dontAsk", "plan") and not self.denied >= WRITERS


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"error: {message}")


def read_flags(arguments: list[str]) -> Flags:
    """What they mean. Raises ``Refused``."""
    found, unknown = _parser().parse_known_args(arguments)
    if unknown:
        raise Refused(f"error: unknown option '{unknown[0]}'")
    if found.output_format != "stream-json" or found.input_format != "stream-json" or not found.print:
        raise Refused("the fake agent speaks -p --input-format stream-json --output-format stream-json, nothing else")
    if not found.verbose:
        raise Refused("Error: When using --print, --output-format=stream-json requires --verbose")
    if found.permission_mode not in (None, *MODES):
        wrong = f"'--permission-mode <mode>' argument '{found.permission_mode}' is invalid"
        raise Refused(f"error: option {wrong}. Allowed choices are {', '.join(MODES)}.")
    if found.session_id is not None and not UUID.match(found.session_id):
        raise Refused("Error: Invalid session ID. Must be a valid UUID.")
    if found.session_id is not None and found.resume is not None and not found.fork_session:
        raise Refused("Error: --session-id with --continue or --resume also needs --fork-session.")
    mode = BYPASS if found.dangerously_skip_permissions else found.permission_mode or "default"
    if mode == BYPASS and os.geteuid() == 0 and os.environ.get("IS_SANDBOX") != "1":
        raise Refused(_ROOT)
    denied = frozenset(name.strip() for name in (found.disallowed_tools or "").split(","))
    return Flags(found.resume, found.session_id, found.fork_session, mode, found.include_partial_messages, denied)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("-p", "--print", action="store_true")
    for flag in ("--verbose", "--include-partial-messages", "--fork-session", "--dangerously-skip-permissions"):
        parser.add_argument(flag, action="store_true")
    for option in ("--input-format", "--output-format", "--permission-prompt-tool", "--permission-mode"):
        parser.add_argument(option)
    parser.add_argument("-r", "--resume")
    parser.add_argument("--session-id")
    parser.add_argument("--disallowedTools", "--disallowed-tools", dest="disallowed_tools")
    for option in ("--allowedTools", "--max-turns", "--max-budget-usd", "--append-system-prompt", "--settings"):
        parser.add_argument(option)  # they mean nothing here
    return parser
