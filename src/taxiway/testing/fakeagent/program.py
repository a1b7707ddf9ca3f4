"""The fake agent's own command line, and its exit status."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Final

from .acp_voice import AcpVoice
from .memory import Journal, Memory, NoSuchThread
from .performer import Performer
from .reading import read_script
from .script import Script, ScriptError
from .terminal import TerminalVoice
from .voice import LinesVoice, Voice

PROTOCOLS: Final = ("lines", "acp", "terminal")
BAD_SCRIPT_STATUS: Final = 2
NO_THREAD_STATUS: Final = 3
UNHEARD_STATUS: Final = 141  # what a shell reports of a program that nobody reads from any more


def main(arguments: list[str]) -> int:
    """Live by the script; 2 for a script or an option that cannot be used, 3 for an unknown thread."""
    given = _options().parse_args(arguments)
    try:
        script = read_script(given.script)
        memory = Memory(given.memory, given.thread)
        journal = Journal(given.journal)
    except ScriptError as error:
        return _refused(str(error), BAD_SCRIPT_STATUS)
    except NoSuchThread as error:
        return _refused(str(error), NO_THREAD_STATUS)
    except OSError as error:
        return _refused(str(error), BAD_SCRIPT_STATUS)
    journal.note("start", memory.thread, argv=arguments, cwd=os.getcwd(), resumed=memory.resumed, turns=memory.turns)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    voice = _voice(given.protocol, script, memory)
    try:
        return Performer(script, voice, memory, journal, given.model).live()
    except BrokenPipeError:
        return UNHEARD_STATUS
    finally:
        voice.close()


def _voice(protocol: str, script: Script, memory: Memory) -> Voice:
    if protocol == "terminal":
        return TerminalVoice(script.prompt)
    return AcpVoice(memory.resumed) if protocol == "acp" else LinesVoice()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="taxiway fake-agent", description="A scripted agent that is a real program.")
    parser.add_argument("--script", metavar="FILE")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="lines")
    parser.add_argument("--terminal", dest="protocol", action="store_const", const="terminal")
    parser.add_argument("--thread", metavar="ID")
    parser.add_argument("--model", metavar="NAME", default="")
    parser.add_argument("--memory", metavar="FOLDER")
    parser.add_argument("--journal", metavar="FILE")
    return parser


def _refused(text: str, status: int) -> int:
    sys.stderr.write(f"taxiway fake-agent: {text}\n")
    return status
