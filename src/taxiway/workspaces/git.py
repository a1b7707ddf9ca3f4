"""git, asked by argv in a clean environment: no hooks, no helpers, no prompts, no configuration but the repository's.

What a repository itself can bring along (``.git/config``, ``.gitattributes``) is written by strangers: whatever in it
names a command is overruled. Source: CWE-88, CVE-2022-24439, CVE-2025-48384.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.safe import safe_line
from taxiway.workspaces.credential import Credential

OUTPUT_BYTES_MAX: Final = 16 << 20
ERRORS_BYTES_MAX: Final = 64 << 10
ERROR_CHARS_SHOWN: Final = 400
CHUNK_BYTES: Final = 1 << 16
LOCAL_S_MAX: Final = 120.0  #: how long one command on this machine may take
REMOTE_S_MAX: Final = 900.0  #: and one that fetches
KILLED_S_MAX: Final = 10.0
STALLED_S_MAX: Final = 30  #: how long a server may say nothing; a git whose runner was killed ends by this

#: What git is handed of the runner's environment: how to find programs, people's keys, and the way out.
PASSED_ON: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "LD_LIBRARY_PATH"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    }
)
_FIXED: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_EDITOR": "false",
    "GIT_PAGER": "cat",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_AUTHOR_NAME": "Taxiway",
    "GIT_AUTHOR_EMAIL": "taxiway@localhost",
    "GIT_COMMITTER_NAME": "Taxiway",
    "GIT_COMMITTER_EMAIL": "taxiway@localhost",
    "LC_ALL": "C",
}
_OVERRULED: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.sshCommand": "ssh -oBatchMode=yes",
    "core.askPass": "false",
    "core.quotePath": "true",
    "core.excludesFile": "/dev/null",
    "core.attributesFile": "/dev/null",
    "credential.helper": "",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "checkout.workers": "1",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": str(STALLED_S_MAX),
    "safe.bareRepository": "explicit",
    "gc.auto": "0",
    "core.compression": "1",
    "maintenance.auto": "false",
    "commit.gpgSign": "false",
    "color.ui": "false",
    "diff.noprefix": "false",
    "diff.mnemonicPrefix": "false",
    "diff.submodule": "short",
    "diff.ignoreSubmodules": "none",
    "apply.whitespace": "nowarn",
    "apply.ignoreWhitespace": "no",
    "status.showUntrackedFiles": "all",
    "advice.detachedHead": "false",
}


class Answered(msgspec.Struct, frozen=True):
    """How a command of git ended. ``cut``: it wrote more than was wanted, so it was ended."""

    status: int
    out: bytes
    errors: str
    cut: bool = False

    @property
    def text(self) -> str:
        """Its output without the last line end."""
        return os.fsdecode(self.out).rstrip("\n")

    @property
    def words(self) -> list[str]:
        """Its output as a list that was parted by NUL."""
        return [os.fsdecode(one) for one in self.out.split(b"\0") if one]


class Git:
    """Runs git. ``hold`` is a file that is open in every command, so that its lock lasts until the last one ended;
    ``overruled`` are further settings that hold over the repository's own; ``credential`` is what one place is told."""

    def __init__(
        self,
        environment: Mapping[str, str],
        protocols: str = "https:ssh",
        overruled: Mapping[str, str] | None = None,
        hold: int | None = None,
        credential: Credential | None = None,
    ) -> None:
        self._environment = {name: value for name, value in environment.items() if name in PASSED_ON}
        self._protocols = protocols
        self._overruled = {**_OVERRULED, **(overruled or {})}
        self._hold = hold
        self._credential = credential

    def holding(self, hold: int | None) -> Git:
        """The same with a file held open."""
        return Git(self._environment, self._protocols, self._overruled, hold, self._credential)

    def overruling(self, settings: Mapping[str, str]) -> Git:
        """The same with more settings overruled."""
        return Git(self._environment, self._protocols, {**self._overruled, **settings}, self._hold, self._credential)

    def lending(self, credential: Credential | None) -> Git:
        """The same with a credential for one place."""
        return Git(self._environment, self._protocols, self._overruled, self._hold, credential)

    async def ask(
        self,
        folder: str,
        *words: str,
        given: bytes | None = None,
        env: Mapping[str, str] | None = None,
        limit: int = OUTPUT_BYTES_MAX,
        seconds: float = LOCAL_S_MAX,
    ) -> Answered:
        """Run ``git words…`` in ``folder`` (an absolute path); raises ``WorkspaceRefused`` when it cannot be run, or
        takes too long."""
        if self._credential is None:
            return await self._asked(folder, words, given, env or {}, limit, seconds)
        fd = self._credential.open()
        try:
            told = self.overruling(self._credential.settings(fd))
            return await told._asked(folder, words, given, env or {}, limit, seconds, (fd,))
        finally:
            os.close(fd)

    async def _asked(
        self,
        folder: str,
        words: Sequence[str],
        given: bytes | None,
        env: Mapping[str, str],
        limit: int,
        seconds: float,
        lent: tuple[int, ...] = (),
    ) -> Answered:
        try:
            process = await asyncio.create_subprocess_exec(
                *("git", "-C", folder, *words),
                env=self._whole(env),
                cwd="/",
                stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                pass_fds=lent if self._hold is None else (*lent, self._hold),
            )
        except FileNotFoundError:
            raise WorkspaceRefused("git is not installed here, and a workspace needs it") from None
        except OSError as error:
            raise WorkspaceRefused(f"git could not be started: {error.strerror}") from None
        except ValueError:
            raise WorkspaceRefused("git cannot be given a NUL") from None
        try:
            async with asyncio.timeout(seconds):
                return await _conversed(process, given, limit)
        except TimeoutError:
            raise WorkspaceRefused(f"git {words[0]} took longer than {seconds:g} s and was ended") from None
        finally:
            await _gone(process)

    async def must(
        self,
        folder: str,
        *words: str,
        given: bytes | None = None,
        env: Mapping[str, str] | None = None,
        limit: int = OUTPUT_BYTES_MAX,
        seconds: float = LOCAL_S_MAX,
    ) -> Answered:
        """The same for what has to succeed, and to say all that it has to say; else ``WorkspaceRefused``."""
        found = await self.ask(folder, *words, given=given, env=env, limit=limit, seconds=seconds)
        if found.cut:
            raise WorkspaceRefused(f"git {words[0]} answered with more than {limit} bytes")
        if found.status:
            raise WorkspaceRefused(failure(words, found))
        return found

    def _whole(self, more: Mapping[str, str]) -> dict[str, str]:
        settings = {
            name: text
            for place, (key, value) in enumerate(self._overruled.items())
            for name, text in ((f"GIT_CONFIG_KEY_{place}", key), (f"GIT_CONFIG_VALUE_{place}", value))
        }
        count = {"GIT_CONFIG_COUNT": str(len(self._overruled)), "GIT_ALLOW_PROTOCOL": self._protocols}
        return {**self._environment, **_FIXED, **settings, **count, **more}


def failure(words: Sequence[str], found: Answered) -> str:
    """What git said when it failed, in one line."""
    said = safe_line(found.errors.removeprefix("fatal: ").removeprefix("error: "))[:ERROR_CHARS_SHOWN]
    return f"git {words[0]} failed: {said or f'status {found.status}'}"


async def _conversed(process: asyncio.subprocess.Process, given: bytes | None, limit: int) -> Answered:
    async with asyncio.TaskGroup() as group:
        out = group.create_task(_read(process, process.stdout, limit))
        errors = group.create_task(_read(process, process.stderr, ERRORS_BYTES_MAX, drain=True))
        if given is not None:
            group.create_task(_feed(process.stdin, given))
    status = await process.wait()
    said, cut = out.result()
    return Answered(status, said, errors.result()[0].decode("utf-8", "replace"), cut)


async def _read(
    process: asyncio.subprocess.Process, stream: asyncio.StreamReader | None, limit: int, drain: bool = False
) -> tuple[bytes, bool]:
    """What it writes, up to ``limit``; behind that it is ended, or (``drain``) not listened to."""
    assert stream is not None
    gathered = bytearray()
    cut = False
    while piece := await stream.read(CHUNK_BYTES):
        gathered += piece[: limit - len(gathered)] if not cut else b""
        if len(gathered) >= limit and not cut:
            cut = bool(await stream.read(1)) if len(piece) < CHUNK_BYTES else True
            if cut and not drain:
                _kill(process)
    return bytes(gathered), cut


async def _feed(stream: asyncio.StreamWriter | None, given: bytes) -> None:
    assert stream is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(given)
        await stream.drain()
    stream.close()


async def _gone(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        _kill(process)
        with suppress(TimeoutError):
            async with asyncio.timeout(KILLED_S_MAX):
                await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
