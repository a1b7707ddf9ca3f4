"""Where in a shell's text a value stands: bare, in double quotes, or where it could not be data.

A value travels in the environment and the text only holds ``${TAXIWAY_IN_n}``, so a wrong answer here could never run
it; this scanner makes it arrive whole, and refuses the places where a shell would not expand it (single quotes, a
quoted here-document) or would read it again as code (arithmetic, ``eval``, ``sh -c``, a command's own name). Where
``sh`` and ``bash`` read a text differently, or the text is not closed, it refuses rather than guesses.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

import msgspec

from taxiway.core.heredoc import ENDS_WORD, HereDocument, find_body, read_delimiter
from taxiway.core.shellwords import Command

SHELL: Final = "/bin/sh"  #: what reads such a text
HOLE: Final = "\0"  #: stands for a placeholder in the scanned text; a shell's text holds no NUL of its own

BY_ENVIRONMENT: Final = "give it through env, and use the variable in double quotes"
_DOUBLE: Final = "use double quotes, or none"
_QUOTING_OPERATOR: Final = re.compile(r"[A-Za-z0-9_]+(?:##?|%%?)")
_SUBSCRIPT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[[^\]]*\Z")


class Hole(msgspec.Struct, frozen=True):
    """One place: ``bare`` outside all quotes, ``comment`` where it is nothing to the shell; ``refusal`` continues a
    sentence that begins with the placeholder."""

    offset: int
    bare: bool = False
    comment: bool = False
    refusal: str = ""
    hint: str = ""


class _Kind(Enum):
    CODE = auto()  # the text itself, or $( … )
    DOUBLE = auto()  # " … "
    BRACE = auto()  # ${ … }
    ARITHMETIC = auto()  # $(( … )), (( … ))
    DOCUMENT = auto()  # the body of a here-document that expands


class _Frame(msgspec.Struct):
    kind: _Kind
    start: int
    depth: int = 0
    end: int = 0
    resume: int = 0
    quoted: bool = False
    reading: bool = False
    pending: list[HereDocument] = msgspec.field(default_factory=list)
    cases: list[int] = msgspec.field(default_factory=list)
    command: Command = msgspec.field(default_factory=Command)


def holes(text: str) -> tuple[Hole, ...]:
    """Judge every ``HOLE`` of a shell's text, in order. Linear in the text's length."""
    judged: dict[int, Hole] = {}
    for hole in _Scan(text).run():
        # Backquotes make a shell read a text twice, and so does the scan: what one reading refuses is refused.
        known = judged.get(hole.offset)
        if known is None or not known.refusal:
            judged[hole.offset] = hole
    return tuple(judged[offset] for offset in sorted(judged))


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._frames = [_Frame(_Kind.CODE, 0)]
        self._documents: list[int] = []
        self._found: list[Hole] = []
        self._doubt = ""

    def run(self) -> tuple[Hole, ...]:
        if HOLE not in self._text:
            return ()
        while self._at < len(self._text) or self._frames[-1].kind is _Kind.DOCUMENT:
            frame = self._frames[-1]
            if self._leave_document(frame):
                continue
            match frame.kind:
                case _Kind.CODE:
                    self._code(frame)
                case _Kind.DOUBLE:
                    self._double()
                case _Kind.BRACE:
                    self._brace(frame)
                case _Kind.ARITHMETIC:
                    self._arithmetic(frame)
                case _Kind.DOCUMENT:
                    self._expanding(self._text[self._at])
        return self._closed()

    def _closed(self) -> tuple[Hole, ...]:
        if len(self._frames) == 1:
            return tuple(self._found)
        start = self._frames[1].start
        line = self._text.count("\n", 0, start) + 1
        opener = self._text[start : start + 2].strip()
        why = f"stands after a {opener} (line {line} of the shell's text) that is never closed"
        return tuple(
            Hole(one.offset, refusal=why) if one.offset >= start and not one.refusal else one for one in self._found
        )

    # -- holes ---------------------------------------------------------------------------------------------------

    def _hole(self, refusal: str = "", hint: str = "", bare: bool = False, comment: bool = False) -> None:
        if not refusal and self._doubt:
            refusal, hint = self._doubt, BY_ENVIRONMENT
        self._found.append(Hole(self._at, bare and not refusal, comment, refusal, hint))
        self._at += 1

    def _expanded_hole(self, bare: bool) -> None:
        """A hole that the shell expands: refused where the command that it belongs to would read it as code."""
        frame = next(one for one in reversed(self._frames) if one.kind in (_Kind.CODE, _Kind.DOCUMENT))
        if frame.kind is _Kind.CODE:
            frame.command.open_word(self._at)
            sofar = self._text[frame.command.word or 0 : self._at]
            if _SUBSCRIPT.match(sofar):
                return self._hole("stands in an array's index, which a shell evaluates", BY_ENVIRONMENT)
            refusal, hint = frame.command.refusal(sofar)
            if refusal:
                return self._hole(refusal, hint)
        return self._hole(bare=bare)

    def _refuse_until(self, end: int, refusal: str, hint: str) -> None:
        while (found := self._text.find(HOLE, self._at, end)) >= 0:
            self._at = found
            self._hole(refusal, hint)
        self._at = end

    def _doubtful(self, why: str) -> None:
        if why and not self._doubt:
            self._doubt = f"stands after {why}, which shells read differently"

    # -- one step in each kind of frame ----------------------------------------------------------------------------

    def _code(self, frame: _Frame) -> None:
        if frame.reading and self._open_document(frame):
            return
        character = self._text[self._at]
        if character == HOLE:
            self._expanded_hole(bare=True)
        elif character in ENDS_WORD:
            self._operator(frame, character)
        elif character == "#" and frame.command.word is None:
            end = self._text.find("\n", self._at)
            end = len(self._text) if end < 0 else end
            while (found := self._text.find(HOLE, self._at, end)) >= 0:
                self._at = found
                self._hole(comment=True)
            self._at = end
        elif character == "\\" and self._text.startswith("\n", self._at + 1):
            self._at += 2
        else:
            frame.command.open_word(self._at)
            self._word_character(character)

    def _word_character(self, character: str) -> None:
        match character:
            case "'":
                self._single()
            case '"':
                self._push(_Kind.DOUBLE, 1)
            case "$" if self._text.startswith("'", self._at + 1):
                self._ansi()
            case _:
                self._expanding(character)

    def _double(self) -> None:
        character = self._text[self._at]
        if character == '"':
            self._frames.pop()
            self._at += 1
        else:
            self._expanding(character)

    def _brace(self, frame: _Frame) -> None:
        character = self._text[self._at]
        if character == HOLE:
            self._hole("stands inside ${ }, where a shell may read it as a pattern or a number", BY_ENVIRONMENT)
        elif character == "}":
            self._frames.pop()
            self._at += 1
        elif character == "'" and frame.quoted:
            self._quote_in_quoted_brace(frame)
        else:
            self._word_character(character)

    def _quote_in_quoted_brace(self, frame: _Frame) -> None:
        if _QUOTING_OPERATOR.match(self._text, frame.start + 2):
            return self._single()
        # sh takes it for itself in "${x:-it's}", bash begins a quote there.
        self._doubtful('a single quote inside "${ }"')
        self._at += 1
        return None

    def _arithmetic(self, frame: _Frame) -> None:
        character = self._text[self._at]
        if character == HOLE:
            self._hole("stands in arithmetic, which a shell evaluates as code", BY_ENVIRONMENT)
        elif character in "()":
            frame.depth += 1 if character == "(" else -1
            self._at += 1
            if frame.depth == 1 and character == ")" and not self._text.startswith(")", self._at):
                self._doubtful("(( that does not end with ))")
            if frame.depth == 0:
                self._frames.pop()
        else:
            if character in "'\n#":
                self._doubtful("a quote, a # or a new line inside (( ))")
            self._word_character(character)

    def _expanding(self, character: str) -> None:
        """What double quotes, here-documents and bare text have in common."""
        following = self._text[self._at + 1 : self._at + 2]
        if character == HOLE:
            self._expanded_hole(bare=False)
        elif character == "\\":
            self._at += 1
            if following == HOLE:
                self._hole("stands after a backslash, which takes the $ from it", "take the backslash away")
            else:
                self._at += 1
        elif character == "$" and following == HOLE:
            self._at += 1
            self._hole("stands after a $, which makes $$ of them", "take the $ away")
        elif character == "`":
            self._backquotes()
        elif character == "$" and following and following in "({[\\":
            self._expansion(following)
        else:
            self._at += 1

    def _expansion(self, following: str) -> None:
        if following == "{":
            self._push(_Kind.BRACE, 2)
        elif following == "(":
            nested = self._text.startswith("((", self._at + 1)
            self._push(_Kind.ARITHMETIC, 3, depth=2) if nested else self._push(_Kind.CODE, 2)
        else:
            if following == "[" or self._text.startswith("\n", self._at + 2):
                self._doubtful("$[ or a $ at the end of a continued line")
            self._at += 1

    # -- quotes ----------------------------------------------------------------------------------------------------

    def _single(self) -> None:
        start = self._at
        end = self._text.find("'", start + 1)
        if end < 0:
            self._push(_Kind.DOUBLE, 0)  # never closed: whatever follows is refused at the end
            end = len(self._text)
        self._refuse_until(end, "stands in single quotes, where a shell puts in nothing", _DOUBLE)
        self._at = min(end + 1, len(self._text))

    def _ansi(self) -> None:
        end = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL).match(self._text, self._at + 2)
        plain = self._text.find("'", self._at + 2)
        if end is None or end.end() - 1 != plain:
            self._doubtful("a $'…' with an escaped quote")
        self._at += 1
        if end is None:
            self._single()
        else:
            self._refuse_until(end.end(), "stands in single quotes, where a shell puts in nothing", _DOUBLE)

    def _backquotes(self) -> None:
        end = re.compile(r"(?:[^`\\]|\\.)*`", re.DOTALL).match(self._text, self._at + 1)
        if end is None:
            self._push(_Kind.DOUBLE, 0)
        stop = len(self._text) if end is None else end.end()
        self._refuse_until(stop, "stands in backquotes, which a shell reads twice", "use $( ) instead")

    def _push(self, kind: _Kind, width: int, depth: int = 0) -> None:
        above = self._frames[-1]
        quoted = above.kind in (_Kind.DOUBLE, _Kind.DOCUMENT) or (above.kind is _Kind.BRACE and above.quoted)
        self._frames.append(_Frame(kind, self._at, depth=depth, quoted=quoted))
        self._at += width

    # -- operators of bare text --------------------------------------------------------------------------------------

    def _operator(self, frame: _Frame, character: str) -> None:
        word = frame.command.close_word(self._text, self._at)
        if word == "case":
            frame.cases.append(frame.depth)
        elif word == "esac" and frame.cases:
            frame.cases.pop()
        match character:
            case "\n":
                frame.reading = bool(frame.pending)
                frame.command.end()
                self._at += 1
            case ";" | "|" | "&":
                if not (character in "|&" and self._text[self._at - 1 : self._at] in ("<", ">")):
                    frame.command.end()
                self._at += 1
            case "(":
                self._open_parenthesis(frame)
            case ")":
                self._close_parenthesis(frame)
            case "<" | ">":
                self._redirection(frame, character)
            case _:
                self._at += 1

    def _open_parenthesis(self, frame: _Frame) -> None:
        if self._text.startswith("((", self._at):
            self._push(_Kind.ARITHMETIC, 2, depth=2)
            return
        frame.depth += 1
        frame.command.end()
        if self._text[self._at - 1 : self._at] == "=":
            frame.command.name = "an array's list"
        self._at += 1

    def _close_parenthesis(self, frame: _Frame) -> None:
        frame.command.end()
        self._at += 1
        if frame.cases and frame.depth == frame.cases[-1]:
            return  # the end of a pattern
        if frame.depth:
            frame.depth -= 1
        elif len(self._frames) > 1:
            if frame.pending:
                self._doubtful("a here-document that begins inside $( ) and ends outside")
            self._frames.pop()

    def _redirection(self, frame: _Frame, character: str) -> None:
        frame.command.redirect()
        self._at += 1
        if self._text.startswith("\\\n", self._at):
            self._doubtful("an operator at the end of a continued line")
        if character == ">" or not self._text.startswith("<", self._at):
            return
        self._at += 1
        if self._text.startswith("<", self._at):
            self._at += 1
            return
        tabs = self._text.startswith("-", self._at)
        self._at += tabs
        self._delimiter(frame, tabs)

    # -- here-documents ------------------------------------------------------------------------------------------------

    def _delimiter(self, frame: _Frame, tabs: bool) -> None:
        frame.command.redirected()
        document = read_delimiter(self._text, self._at, tabs)
        self._refuse_until(document.end, "stands in a here-document's delimiter", "write the delimiter out")
        self._doubtful(document.doubt)
        frame.pending.append(document)

    def _open_document(self, frame: _Frame) -> bool:
        if not frame.pending:
            frame.reading = False
            return False
        document = frame.pending.pop(0)
        body = find_body(self._text, self._at, document)
        self._doubtful(body.doubt)
        if document.quoted:
            name = document.delimiter
            why = f"stands in a here-document whose delimiter is quoted ('{name}'), where a shell puts in nothing"
            self._refuse_until(body.end, why, f"write <<{name} without quotes")
            self._at = body.resume
        else:
            self._documents.append(len(self._frames))
            self._frames.append(_Frame(_Kind.DOCUMENT, self._at, end=body.end, resume=body.resume))
        return True

    def _leave_document(self, frame: _Frame) -> bool:
        if not self._documents or self._at < self._frames[self._documents[-1]].end:
            return False
        if frame.kind is not _Kind.DOCUMENT:
            self._doubtful("something in a here-document that is not closed there")
        place = self._documents.pop()
        self._at = self._frames[place].resume
        del self._frames[place:]
        return True
