"""What is recorded: which agent, what its model plays, for how long, and what the right answer is at which moments."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from taxiway.core.agent import Adapter
from taxiway.core.vitals import QUIET_S, Situation

LONG_S: Final = QUIET_S + 70.0
MARK_EVERY_S: Final = 10.0


class Mark(NamedTuple):
    """From ``begin_s`` to ``end_s`` after the first evidence of kind ``since``, ``right`` is the right answer."""

    since: str
    begin_s: float
    end_s: float
    right: Situation


class Scenario(NamedTuple):
    """One recording. ``works``: the turn is in order, so that nobody may end it. ``question``: it asks for something,
    and nobody answers."""

    name: str
    cli: str
    adapter: Adapter
    play: str
    seconds: float
    works: bool
    marks: tuple[Mark, ...]
    patient: bool = False  # with the retries that the program has of itself
    question: bool = False
    mute: bool = False  # another program stands in its place, which never says a word


#: A tenth of a core in a child, and not a word.
BUSY: Final = 'python3 -c "import time; [(sum(range(3000000)), time.sleep(0.9)) for _ in range(400)]"'
#: Like a compiler under make: many short children, each with a little CPU.
COMPILE: Final = 'for i in $(seq 4000); do python3 -c "sum(range(2000000))"; sleep 0.7; done'
#: Like tests that print as they go, and mostly wait.
TESTS: Final = "for i in $(seq 400); do echo test $i ok; sleep 3; done"
SLEEP: Final = "python3 -c 'import time; time.sleep(400)'"

THINKS: Final = (Mark("turn", 5, 60, Situation.THINKING),)
WORKS: Final = (Mark("tool.began", 5, LONG_S, Situation.WORKING),)
STANDS: Final = (
    Mark("tool.began", 5, QUIET_S - 10, Situation.WORKING),
    Mark("tool.began", QUIET_S + 20, LONG_S, Situation.STANDING),
)
STALLS: Final = (
    Mark("turn", 5, QUIET_S - 10, Situation.THINKING),
    Mark("turn", QUIET_S + 30, LONG_S, Situation.SILENT),
)
ASKS: Final = (Mark("asked", 5, 150, Situation.ASKING),)
STARTS: Final = (Mark("started", 5, 100, Situation.STARTING),)
RETRIES: Final = (Mark("turn", 5, LONG_S, Situation.THINKING),)
PAUSES: Final = (
    Mark("turn", 5, QUIET_S - 20, Situation.THINKING),
    Mark("turn", QUIET_S + 40, LONG_S, Situation.PAUSING),
)

_CODEX_ASK: Final = '{"cmd": "echo x > y", "sandbox_permissions": "require_escalated", "justification": "I need it"}'

_CLAUDE_TESTS: Final = f'{{"command": "{TESTS}", "timeout": 600000}}'
_CLAUDE_SLEEP: Final = f'{{"command": "{SLEEP}", "timeout": 600000}}'


def _in_codex(command: str) -> str:
    """Codex goes on after 30 s, and its command as well; its model then says nothing for less than a minute."""
    arguments = msgspec.json.encode({"cmd": command, "yield_time_ms": 30000}).decode()
    return f"tool exec_command {arguments} ;; wait 55 ;; sh true ;; wait 55 ;; sh true ;; wait 55"


SCENARIOS: Final = (
    Scenario("codex-long-think", "codex", Adapter.CODEX, "wait 50 ;; say done", 48, True, THINKS),
    Scenario("codex-compile", "codex", Adapter.CODEX, _in_codex(COMPILE), 140, True, WORKS),
    Scenario("codex-tests", "codex", Adapter.CODEX, _in_codex(TESTS), 140, True, WORKS),
    Scenario("codex-busy-tool", "codex", Adapter.CODEX, _in_codex(BUSY), 140, True, WORKS),
    Scenario("codex-asks", "codex", Adapter.CODEX, f"tool exec_command {_CODEX_ASK}", 160, True, ASKS, question=True),
    Scenario("codex-start", "codex", Adapter.CODEX, "", 100, False, STARTS, mute=True),
    Scenario("claude-long-think", "claude", Adapter.CLAUDE, "wait 100 ;; say done", 98, True, THINKS),
    Scenario("claude-compile", "claude", Adapter.CLAUDE, f"sh {COMPILE}", 110, True, WORKS),
    Scenario("claude-busy-tool", "claude", Adapter.CLAUDE, f"sh {BUSY}", 110, True, WORKS),
    Scenario("claude-tests", "claude", Adapter.CLAUDE, f"tool Bash {_CLAUDE_TESTS}", LONG_S, True, WORKS),
    Scenario("claude-sleep", "claude", Adapter.CLAUDE, f"tool Bash {_CLAUDE_SLEEP}", LONG_S, True, STANDS),
    Scenario("claude-hang", "claude", Adapter.CLAUDE, "hang", LONG_S, False, STALLS),
    Scenario("claude-hang-body", "claude", Adapter.CLAUDE, "hang body", LONG_S, False, STALLS),
    Scenario("claude-asks", "claude", Adapter.CLAUDE, "sh python3 -c 1", 160, True, ASKS, question=True),
    Scenario("claude-start", "claude", Adapter.CLAUDE, "", 100, False, STARTS, mute=True),
    Scenario("claude-429", "claude", Adapter.CLAUDE, "err 429 times=all", LONG_S, True, RETRIES, patient=True),
    Scenario("gemini-429", "gemini", Adapter.ACP, "err 429 times=all", LONG_S, True, RETRIES, patient=True),
    Scenario("gemini-500", "gemini", Adapter.ACP, "err 500 times=all", LONG_S, True, RETRIES, patient=True),
    Scenario("gemini-hang", "gemini", Adapter.ACP, "hang", LONG_S, False, STALLS),
    Scenario("gemini-sleep", "gemini", Adapter.ACP, f"sh {SLEEP}", LONG_S, True, STANDS),
    Scenario("opencode-500", "opencode", Adapter.ACP, "err 500 times=all", 100, True, RETRIES),
    Scenario("opencode-429-long", "opencode", Adapter.ACP, "err 429 times=all retry=900", LONG_S, True, PAUSES),
    Scenario("opencode-hang", "opencode", Adapter.ACP, "hang", LONG_S, False, STALLS),
    Scenario("opencode-compile", "opencode", Adapter.ACP, f"sh {COMPILE}", 110, True, WORKS),
)
