"""Markdown from rows, and the marks between which a page's generated parts stand."""

import re
from collections.abc import Callable, Iterable, Mapping

Part = Callable[[], str]

_MARKED = re.compile(r"<!-- generated: ([a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)
_RULE = re.compile(r" \((?:rules? )?[ABDI]+\d[^)]*\)")  # a docstring's source, for those who read the code


class UnknownPart(ValueError):
    """A page asks for a part that nobody writes."""


def rewritten(page: str, parts: Mapping[str, Part]) -> str:
    """A page's text with every generated part written anew."""

    def write(mark: re.Match[str]) -> str:
        name = mark[1]
        if name not in parts:
            raise UnknownPart(f"no part is called '{name}'; there are {', '.join(sorted(parts))}")
        return f"<!-- generated: {name} -->\n{parts[name]().strip()}\n<!-- end -->"

    return _MARKED.sub(write, page)


def parts_of(page: str) -> list[str]:
    """The names of a page's generated parts, in order."""
    return [mark[1] for mark in _MARKED.finditer(page)]


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; cells may hold anything but a line's end, which becomes a space."""
    heads = list(heads)
    lines = [_line(heads), "|" + "---|" * len(heads), *(_line(row) for row in rows)]
    return "\n".join(lines)


def code(text: object) -> str:
    """A word as code."""
    return f"`{text}`"


def codes(texts: Iterable[object]) -> str:
    """Words as code, with commas; a dash for none."""
    return ", ".join(code(text) for text in texts) or "-"


def first_sentence(docstring: str | None) -> str:
    """The first paragraph of a docstring on one line, with its code marks in Markdown's way."""
    return " ".join(readable(docstring).split("\n\n")[0].split())


def readable(docstring: str | None) -> str:
    """A docstring with its code marks in Markdown's way, and without its sources."""
    return _RULE.sub("", (docstring or "").strip().replace("``", "`"))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
