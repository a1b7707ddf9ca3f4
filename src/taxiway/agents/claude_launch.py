"""How Claude Code is started: its flags, its environment, and the ids that are chosen for it."""

from __future__ import annotations

import hashlib
from typing import Final

from taxiway.agents.dialogue import Opening
from taxiway.core.agent import Access, AgentKind, argv_of

PROTOCOL: Final = (
    "-p",
    *("--input-format", "stream-json"),
    *("--output-format", "stream-json"),
    "--verbose",
    "--include-partial-messages",
    *("--permission-prompt-tool", "stdio"),
)
#: What each access adds. Nothing for `auto`: the program's own settings, and what the command says, hold.
ACCESS: Final = {
    Access.ANALYSIS: ("--permission-mode", "dontAsk", "--disallowedTools=Edit,Write,NotebookEdit"),
    Access.WRITE: ("--permission-mode", "acceptEdits"),
    Access.AUTO: (),
}
#: Laid under the environment: waiting for a provider is Taxiway's to do, a version stays while a session lasts, and a
#: turn is stored before it begins, so that it can be gone on with from then on (else that is some 0.1 s later).
ENVIRONMENT: Final = {"CLAUDE_CODE_MAX_RETRIES": "2", "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_EAGER_FLUSH": "1"}
BYPASS: Final = "--dangerously-skip-permissions"
BYPASS_MODE: Final = "bypassPermissions"


def argv(kind: AgentKind, opening: Opening) -> tuple[str, ...]:
    """The configured command with everything that the protocol and the opening want. The last of two flags holds."""
    model = opening.model or kind.model
    return (
        *argv_of(kind, opening.access, opening.thread, model),
        *PROTOCOL,
        *(("--model", model) if model else ()),
        *ACCESS[opening.access],
        *_conversation(opening),
    )


def _conversation(opening: Opening) -> tuple[str, ...]:
    """Go on with one, or begin one, under an id that is chosen for it."""
    going_on = ("--resume", opening.thread) if opening.thread else ()
    if opening.thread and not opening.fork:
        return going_on
    return (*going_on, *(("--fork-session",) if going_on else ()), "--session-id", derived_uuid(opening.tag, "session"))


def why_not(command: tuple[str, ...], access: Access, env: dict[str, str], root: bool) -> str | None:
    """Why such a command would be refused or would break what was asked for; ``None``: nothing speaks against it."""
    bypasses = BYPASS in command or f"--permission-mode={BYPASS_MODE}" in command or BYPASS_MODE in command
    if bypasses and access is not Access.AUTO:
        return f"access {access} and a command that skips all permissions ({BYPASS}) contradict each other"
    if bypasses and root and env.get("IS_SANDBOX") != "1":
        return f"the agent refuses {BYPASS} to root; use another user, or IS_SANDBOX=1 in its env within a sandbox"
    return None


def derived_uuid(tag: str, what: str) -> str:
    """A UUID (version 8) that belongs to one process, as its tag does: it is known before the process is started, and
    can be found out again afterwards."""
    digest = bytearray(hashlib.sha256(f"{tag}/{what}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
