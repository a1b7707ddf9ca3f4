"""The fake agent's own command line, and its exit status."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Final

from .acp_voice import AcpVoice
from .claude_flags import read_flags
from .claude_voice import ClaudeVoice
from .codex_voice import CodexVoice
from .lines_voice import LinesVoice
from .memory import Journal, Memory, NoSuchThread
from .performer import Performer
from .reading import read_script
from .script import Script, ScriptError
from .terminal import TerminalVoice
from .voice import Refused, Voice

PROTOCOLS: Final = ("lines", "acp", "codex", "claude", "terminal")
#: Of these the conversation is named over the protocol, or by flags of the program that is imitated.
NAMES_ITSELF: Final = ("codex", "claude")
BAD_SCRIPT_STATUS: Final = 2
NO_THREAD_STATUS: Final = 3
UNHEARD_STATUS: Final = 141  # what a shell reports of a program that nobody reads from any more


def main(arguments: list[str]) -> int:
    """Live by the script; 2 for a script or an option that cannot be used, 3 for an unknown thread."""
    options = _options()
    given, flags = options.parse_known_args(arguments)
    if flags and given.protocol != "claude":
        options.error(f"unrecognized arguments: {' '.join(flags)}")
    if given.thread is not None and given.protocol in NAMES_ITSELF:
        options.error(f"--thread is not for --protocol {given.protocol}: who speaks it names the conversation")
    memory = Memory(given.memory)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        script = read_script(given.script)
        journal = Journal(given.journal)
        voice = _voice(given, flags, script, memory)
    except NoSuchThread as error:
        return _refused(str(error), NO_THREAD_STATUS)
    except (ScriptError, OSError) as error:
        return _refused(str(error), BAD_SCRIPT_STATUS)
    except Refused as refused:
        return _said(refused)
    journal.note("start", memory.thread, argv=arguments, cwd=os.getcwd(), resumed=memory.resumed, turns=memory.turns)
    try:
        return Performer(script, voice, memory, journal, given.model).live()
    except BrokenPipeError:
        return UNHEARD_STATUS
    except Refused as refused:
        return _said(refused)
    finally:
        voice.close()


def _voice(given: argparse.Namespace, flags: list[str], script: Script, memory: Memory) -> Voice:
    """What it speaks, about the conversation that was named. Raises ``NoSuchThread`` and ``Refused``."""
    if given.protocol == "codex":
        return CodexVoice(memory, given.model)
    if given.protocol == "claude":
        return ClaudeVoice(memory, given.model, read_flags(flags))
    if given.thread is not None:
        memory.go_on(given.thread)
    else:
        memory.begin(f"fake-{os.urandom(6).hex()}")
    match given.protocol:
        case "terminal":
            return TerminalVoice(script.prompt)
        case "acp":
            return AcpVoice(memory.resumed)
        case _:
            return LinesVoice()


def _options() -> argparse.ArgumentParser:
    about = "A scripted agent that is a real program."
    parser = argparse.ArgumentParser(prog="taxiway fake-agent", description=about, allow_abbrev=False)
    parser.add_argument("--script", metavar="FILE")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="lines")
    parser.add_argument("--thread", metavar="ID")
    parser.add_argument("--model", metavar="NAME", default="")
    parser.add_argument("--memory", metavar="FOLDER")
    parser.add_argument("--journal", metavar="FILE")
    return parser


def _said(refused: Refused) -> int:
    """As the imitated program would say it."""
    sys.stderr.write(f"{refused.text}\n")
    return refused.status


def _refused(text: str, status: int) -> int:
    sys.stderr.write(f"taxiway fake-agent: {text}\n")
    return status
