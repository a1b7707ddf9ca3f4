"""A home for each real agent CLI, in which it knows the stub model and nobody else.

A fake key, no telemetry, no updates, few retries, nothing of the person who runs the tests; whatever asks for another
host than this one is sent to a closed port. Each has a folder for temporary files of its own, too: Codex wants a home
that is not below the folder for temporary files.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.agents.installed import program

KEY = "sk-stub"
PATH = "/usr/local/bin:/usr/bin:/bin"
NOWHERE = "http://127.0.0.1:9"  #: the port that discards; nobody listens there
RETRIES = 2

Build = Callable[[Path, str], "Home"]


@dataclass(frozen=True)
class Home:
    """One CLI in its home: ``argv`` starts it in any mode; ``headless`` with a prompt behind it runs one turn."""

    folder: Path
    argv: tuple[str, ...]
    headless: tuple[str, ...]
    environ: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        """A folder to work in."""
        return self.folder / "work"

    def lay(self) -> "Home":
        """Make the folders and write the files."""
        for name in ("tmp", "work"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self


def environ(folder: Path, **more: str) -> dict[str, str]:
    """The whole environment of a CLI."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    own = {
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
    }
    return own | nowhere | {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"} | more


CODEX_CONFIG = """\
model = "gpt-5.5"
model_provider = "stub"
check_for_update_on_startup = false
[analytics]
enabled = false
[features]
plugins = false
apps = false
[model_providers.stub]
name = "stub"
base_url = "{url}/v1"
env_key = "STUB_API_KEY"
wire_api = "responses"
request_max_retries = {retries}
stream_max_retries = {retries}
"""


def codex(folder: Path, url: str, key: str = KEY) -> Home:
    """Codex: a provider of its own in config.toml. Its sandbox is the caller's to choose."""
    argv = (str(program("codex")),)
    return Home(
        folder,
        argv,
        headless=(*argv, "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write"),
        environ=environ(folder, STUB_API_KEY=key, CODEX_HOME=str(folder / ".codex")),
        files={".codex/config.toml": CODEX_CONFIG.format(url=url, retries=RETRIES)},
    )


def claude(
    folder: Path, url: str, key: str = KEY, allow: tuple[str, ...] = ("Bash", "Write"), plan: bool = False
) -> Home:
    """Claude Code: it asks before every tool that is not in ``allow``. With ``plan`` it has a subscription, no key."""
    argv = (str(program("claude")),)
    account = {"CLAUDE_CODE_OAUTH_TOKEN": f"sk-ant-oat01-{key}"} if plan else {"ANTHROPIC_API_KEY": key}
    return Home(
        folder,
        argv,
        headless=(*argv, "-p", "--output-format", "stream-json", "--verbose"),
        environ=environ(
            folder,
            ANTHROPIC_BASE_URL=url,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            CLAUDE_CODE_MAX_RETRIES=str(RETRIES),
            DISABLE_AUTOUPDATER="1",
            DISABLE_TELEMETRY="1",
            **account,
        ),
        files={".claude/settings.json": json.dumps({"permissions": {"allow": list(allow)}})},
    )


def gemini(folder: Path, url: str, key: str = KEY) -> Home:
    """Gemini CLI: one process, no relaunch; the model is named, since it would ask another one which to take."""
    argv = (str(program("gemini")), "-m", "gemini-3.1-pro-preview")
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"disableAutoUpdate": True, "maxAttempts": RETRIES},
    }
    return Home(
        folder,
        argv,
        headless=(*argv, "--output-format", "stream-json", "--yolo", "-p"),
        environ=environ(folder, GEMINI_API_KEY=key, GOOGLE_GEMINI_BASE_URL=url, GEMINI_CLI_NO_RELAUNCH="true"),
        files={".gemini/settings.json": json.dumps(settings)},
    )


def opencode(folder: Path, url: str, key: str = KEY) -> Home:
    """OpenCode: a provider that speaks Chat Completions, with prices."""
    argv = (str(program("opencode")),)
    models = {
        "stub-1": {
            "name": "stub-1",
            "limit": {"context": 100_000, "output": 8_000},
            "cost": {"input": 3, "output": 15, "cache_read": 0.3},
        },
        "stub-small": {"name": "stub-small"},
    }
    options = {"baseURL": f"{url}/v1", "apiKey": key}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "Stub", "options": options, "models": models}
    settings = {
        "autoupdate": False,
        "share": "disabled",
        "model": "stub/stub-1",
        "small_model": "stub/stub-small",
        "provider": {"stub": provider},
    }
    return Home(
        folder,
        argv,
        headless=(*argv, "run", "--format", "json", "--auto"),
        environ=environ(folder, OPENCODE_DISABLE_MODELS_FETCH="1", OPENCODE_DISABLE_AUTOUPDATE="1"),
        files={".config/opencode/opencode.json": json.dumps(settings)},
    )


HOMES: dict[str, Build] = {"codex": codex, "claude": claude, "gemini": gemini, "opencode": opencode}
