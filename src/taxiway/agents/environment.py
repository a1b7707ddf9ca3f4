"""Builds the environment of a program: a short list of the runner's variables, the task's own laid over them (DB19)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from taxiway.agents.protocol import TAG_VARIABLE

#: What a program needs to find itself, its user, its language, its terminal and its trust anchors; no credentials.
ALLOWED_NAMES: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL"),
        *("LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "NO_COLOR", "TERMINFO"),
        *("TMPDIR", "TEMP", "TMP"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_SSL_CERT_FILE", "GIT_SSL_CAINFO"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        *("SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"),
        *("LD_LIBRARY_PATH", "LOCALE_ARCHIVE", "VIRTUAL_ENV"),
    }
)
ALLOWED_PREFIXES: Final = ("LC_", "XDG_")
#: Without these nothing behind a proxy works, but their addresses may hold a password: kept only without an "@".
PROXY_NAMES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})


def child_environment(base: Mapping[str, str], overlay: Mapping[str, str], tag: str) -> dict[str, str]:
    """The complete environment of a child: the allowed part of ``base``, ``overlay`` over it, and the tag over both.

    Secrets in the runner's environment stay there; what a program shall have is named in its task. An overlay cannot
    change the tag, because the tag is how a lost process is found.
    """
    kept = {name: value for name, value in base.items() if _allowed(name, value)}
    return {**kept, **overlay, TAG_VARIABLE: tag}


def _allowed(name: str, value: str) -> bool:
    if name.upper() in PROXY_NAMES:
        return "@" not in value
    return name in ALLOWED_NAMES or name.startswith(ALLOWED_PREFIXES)
