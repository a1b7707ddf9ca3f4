"""The code blocks of a page, and the story that some of them tell when they are run one after the other.

A block says what it is behind its language: ``run`` is run, ``file=NAME`` is written to a file that later blocks use,
and each line of ``shows`` must be part of what the block before it printed.
"""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One code block: its language, the words behind it, its text, and the line of the page where it begins."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that it is written to."""
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)

    @property
    def runs(self) -> bool:
        """Whether it is run."""
        return "run" in self.words

    @property
    def shows(self) -> bool:
        """Whether its lines are what the block before it printed."""
        return "shows" in self.words

    def missing(self, printed: str) -> list[str]:
        """Its lines that were not printed."""
        return [line for line in self.text.splitlines() if line.strip() not in printed]

    def argv(self, python: str) -> list[str]:
        """How it is run."""
        match self.language:
            case "python":
                return [python, "-W", "error", "-c", self.text]
            case "sh":
                return ["bash", "-euo", "pipefail", "-c", self.text]
            case _:
                raise ValueError(
                    f"line {self.line}: nobody knows how to run {self.language or 'a block without a language'}"
                )


def blocks(page: str) -> list[Block]:
    """Every code block of a page, in order."""
    found = []
    for fence in _FENCE.finditer(page):
        language, *words = fence["info"].split() or [""]
        found.append(Block(language, tuple(words), fence["text"], page.count("\n", 0, fence.start()) + 1))
    return found


def story(page: str) -> list[Block]:
    """The blocks that are written, run, or shown to have been right."""
    return [block for block in blocks(page) if block.runs or block.file or block.shows]
