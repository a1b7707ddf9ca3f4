"""The simple command that a shell's scanner is in: which words it has so far, and what it would do with a value."""

from __future__ import annotations

import re
from typing import Final

import msgspec

#: Words after which a command may still begin.
_BEFORE_A_COMMAND: Final = frozenset(
    "if then elif else fi while until do done { } ! time esac command builtin exec".split()
)
#: Commands that read their arguments as code, now or later.
_READ_CODE: Final = frozenset({"eval", "let", "trap", "alias", "source", "."})
_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "busybox", "su"})
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_RUN_THIS: Final = re.compile(r"-[A-Za-z]*c\Z")


class Command(msgspec.Struct):
    """Words as they are written, quotes and all; ``word`` is where the present one began."""

    word: int | None = None
    name: str = ""
    words: list[str] = msgspec.field(default_factory=list)
    target: bool = False

    def open_word(self, at: int) -> None:
        """A word begins, unless one is already open."""
        if self.word is None:
            self.word = at

    def close_word(self, text: str, at: int) -> str:
        """A word ends before ``at``; gives it when it is a keyword that opens or closes a ``case``."""
        if self.word is None:
            return ""
        word, self.word = text[self.word : at], None
        if self.target:
            self.target = False
            return ""
        self.words.append(word)
        if self.name:
            return word if word == "esac" and self.words[-2] == "in" else ""
        if word not in _BEFORE_A_COMMAND and not _ASSIGNMENT.match(word):
            self.name = word
        return word if word in ("case", "esac") else ""

    def redirect(self) -> None:
        """The next word is a redirection's target."""
        self.target = True

    def redirected(self) -> None:
        """The redirection has taken its target."""
        self.target = False

    def end(self) -> None:
        """The command is over."""
        self.name, self.target = "", False
        self.words.clear()

    def refusal(self, sofar: str) -> tuple[str, str]:
        """Why the command may not have a value in its present word (``sofar`` of it is written), and what would be
        right; empty texts when it may."""
        if self.target:
            return "", ""
        if not self.name:
            if _ASSIGNMENT.match(sofar):
                return "", ""
            hint = 'give it through env as PROGRAM, say, and write "$PROGRAM", if you trust it to name a program'
            return "would be the name of the command to run", hint
        if self.name in _READ_CODE:
            return f"is an argument of {self.name}, which reads it as code", "write what you mean without it"
        if self.name == "[[":
            return "stands in [[ ]], which may evaluate it", "use [ ] and double quotes"
        shell = any(word.rpartition("/")[2] in _SHELLS for word in self.words)
        if shell and _RUN_THIS.match(self.words[-1]):
            hint = """write it as an argument: sh -c 'echo "$1"' sh ${{ name.output }}"""
            return f"is code for the shell after {self.words[-1]}", hint
        return "", ""
