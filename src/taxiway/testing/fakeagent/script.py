"""The script of a fake agent: which turn is answered by which steps. It is checked whole before anything is done."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from .values import Reader, Wrong, anything, forever, number, one_of, pattern, seconds, signals, table, text, truth
from .values import whole as whole_number

NEEDED: Final = object()  # the default of a field that must be given

STEERS: Final = ("accept", "decline", "ignore")


class Step(NamedTuple):
    """One thing to do; ``fields`` are complete, defaults filled in."""

    kind: str
    fields: dict[str, Any]


class Turn(NamedTuple):
    """Answers the turn of this number, or one whose text the pattern is found in; of two conditions both must hold."""

    number: int | None
    found: re.Pattern[str] | None
    steps: tuple[Step, ...]
    on_steer: tuple[Step, ...]


class Script(NamedTuple):
    """A whole script. ``start`` is done before the agent is ready, ``end`` when it is told to leave."""

    turns: tuple[Turn, ...]
    default: Turn
    start: tuple[Step, ...]
    end: tuple[Step, ...]
    steers: str
    interrupts: bool
    prompt: str

    def turn(self, number: int, said: str) -> tuple[Turn, dict[str, str]]:
        """The first turn that fits, else the default; and the groups of its pattern by name and number."""
        for turn in self.turns:
            match = turn.found.search(said) if turn.found is not None else None
            if turn.number in (None, number) and (turn.found is None or match is not None):
                return turn, _groups(match)
        return self.default, {}


class ScriptError(Exception):
    """A script that cannot be followed; ``problems`` are sentences, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Kind(NamedTuple):
    """A kind of step: its fields with reader and default, and the field that a bare value stands for."""

    fields: dict[str, tuple[Reader, Any]]
    main: str | None = None


_TOKENS: Final = (whole_number, None)
_FOR: Final = {"seconds": (seconds, 60.0), "deaf": (truth, False)}

#: Every kind of step.
KINDS: Final[dict[str, Kind]] = {
    "say": Kind({"text": (text, NEEDED), "delta": (truth, False)}, "text"),
    "think": Kind({"text": (text, NEEDED)}, "text"),
    "tool": Kind(
        {
            "name": (text, NEEDED),
            "input": (anything, {}),
            "output": (anything, "ok"),
            "takes": (seconds, 0.0),
            "failed": (truth, False),
        },
        "name",
    ),
    "stream": Kind({"text": (text, "word {chunk} "), "chunks": (whole_number, 10), "every": (seconds, 0.05)}, "chunks"),
    "sleep": Kind({"seconds": (seconds, NEEDED)}, "seconds"),
    "await": Kind({"file": (text, NEEDED)}, "file"),
    "hang": Kind({"seconds": (forever, None)}, "seconds"),
    "flood": Kind(
        {
            "mb": (number, NEEDED),
            "to": (one_of("stdout", "stderr"), "stdout"),
            "line_bytes": (whole_number, 100),
            "messages": (truth, False),
        },
        "mb",
    ),
    "exit": Kind({"status": (whole_number, 0)}, "status"),
    "crash": Kind({"signal": (signals, signals("SIGSEGV"))}, "signal"),
    "ignore": Kind({"signals": (signals, NEEDED)}, "signals"),
    "daemon": Kind({**_FOR, "holds": (truth, True)}, "seconds"),
    "child": Kind({**_FOR}, "seconds"),
    "write": Kind({"file": (text, NEEDED), "text": (text, ""), "append": (truth, False)}),
    "usage": Kind(
        {
            "input_tokens": _TOKENS,
            "output_tokens": _TOKENS,
            "cached_tokens": _TOKENS,
            "usd": (number, None),
            "context_tokens": _TOKENS,
            "context_window": _TOKENS,
        }
    ),
    "rate_limit": Kind(
        {
            "resets_in": (seconds, None),
            "text": (text, "slow down"),
            "fail": (truth, True),
            "kind": (one_of("rate", "quota", "overload", "warning"), "rate"),
        },
        "resets_in",
    ),
    "ask": Kind(
        {
            "text": (text, NEEDED),
            "id": (text, "ask-1"),
            "tool": (text, None),
            "input": (anything, None),
            "waits": (truth, True),
            "words": (truth, False),
        },
        "text",
    ),
    "withdraw": Kind({"id": (text, "ask-1")}, "id"),
    "fail": Kind(
        {"reason": (text, NEEDED), "error": (text, "the script says so"), "passing": (truth, False)}, "reason"
    ),
    "done": Kind({"text": (text, None), "result": (anything, None)}, "text"),
    "steers": Kind({"policy": (one_of(*STEERS), NEEDED), "why": (text, "the script says so")}, "policy"),
    "thread": Kind({"id": (text, NEEDED)}, "id"),
    "send": Kind({"message": (table, NEEDED)}, "message"),
    "raw": Kind({"text": (text, NEEDED)}, "text"),
    "close": Kind({"stream": (one_of("stdin", "stdout", "stderr"), NEEDED)}, "stream"),
    "query": Kind({"text": (text, NEEDED), "seconds": (seconds, 2.0)}, "text"),
    "repeat": Kind({"times": (whole_number, NEEDED), "steps": (anything, NEEDED)}),
}
_NESTED: Final = "repeat"
_TURN_KEYS: Final = ("turn", "match", "steps", "on_steer")
_KEYS: Final = ("turns", "default", "start", "end", "steers", "interrupts", "prompt")
_ECHO: Final = [{"say": "{text}"}]


def script_of(value: Any) -> Script:
    """The script that a file's value means. Raises ``ScriptError`` with every problem."""
    check = _Check()
    top = check.keys({} if value is None else value, "the script", _KEYS)
    turns = top.get("turns", [])
    if not isinstance(turns, list):
        check.problems.append("turns: must be a list")
        turns = []
    script = Script(
        turns=tuple(check.turn(turn, f"turns[{place}]") for place, turn in enumerate(turns)),
        default=Turn(None, None, check.steps(top.get("default", _ECHO), "default"), ()),
        start=check.steps(top.get("start", []), "start"),
        end=check.steps(top.get("end", []), "end"),
        steers=check.read(one_of(*STEERS), top.get("steers", "accept"), "steers"),
        interrupts=check.read(truth, top.get("interrupts", True), "interrupts"),
        prompt=check.read(text, top.get("prompt", "> "), "prompt"),
    )
    if check.problems:
        raise ScriptError(check.problems)
    return script


class _Check:
    """Reads on after a problem, so that all of them are told at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, reader: Reader, value: Any, place: str) -> Any:
        try:
            return reader(value)
        except Wrong as wrong:
            self.problems.append(f"{place}: {wrong}")
            return None

    def keys(self, value: Any, place: str, legal: tuple[str, ...]) -> dict[str, Any]:
        found = self.read(table, value, place) or {}
        for key in found:
            if key not in legal:
                self.problems.append(f"{place}: '{key}' is no key here; {_meant(key, legal)}")
        return found

    def turn(self, value: Any, place: str) -> Turn:
        found = self.keys(value, place, _TURN_KEYS)
        return Turn(
            self.read(whole_number, found["turn"], f"{place}.turn") if "turn" in found else None,
            self.read(pattern, found["match"], f"{place}.match") if "match" in found else None,
            self.steps(found.get("steps", []), f"{place}.steps"),
            self.steps(found.get("on_steer", []), f"{place}.on_steer"),
        )

    def steps(self, value: Any, place: str) -> tuple[Step, ...]:
        if not isinstance(value, list):
            self.problems.append(f"{place}: must be a list of steps")
            return ()
        made = [self._step(item, f"{place}[{number}]") for number, item in enumerate(value)]
        return tuple(step for step in made if step is not None)

    def _step(self, value: Any, place: str) -> Step | None:
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict) or len(value) != 1:
            self.problems.append(f"{place}: must be one step, such as {{say: hello}}")
            return None
        ((name, content),) = value.items()
        kind = KINDS.get(name)
        if kind is None:
            self.problems.append(f"{place}: '{name}' is no step; {_meant(str(name), tuple(KINDS))}")
            return None
        fields = self._fields(kind, content, f"{place}.{name}")
        if name == _NESTED:
            fields["steps"] = self.steps(fields.get("steps"), f"{place}.{name}.steps")
        return Step(name, fields)

    def _fields(self, kind: Kind, content: Any, place: str) -> dict[str, Any]:
        bare = kind.main is not None and (not isinstance(content, dict) or kind.fields[kind.main][0] is table)
        given = {kind.main: content} if bare else self.keys(content, place, tuple(kind.fields))
        fields = {}
        for name, (reader, default) in kind.fields.items():
            if name in given:
                fields[name] = self.read(reader, given[name], place if bare else f"{place}.{name}")
            elif default is NEEDED:
                self.problems.append(f"{place}: lacks '{name}'")
            else:
                fields[name] = default
        return fields


def _meant(word: str, legal: tuple[str, ...]) -> str:
    near = get_close_matches(word, legal, 1)
    return f"did you mean '{near[0]}'?" if near else f"there are {', '.join(legal)}"


def _groups(match: re.Match[str] | None) -> dict[str, str]:
    if match is None:
        return {}
    numbered = {str(number): group or "" for number, group in enumerate(match.groups(), 1)}
    return {**numbered, **{name: group or "" for name, group in match.groupdict().items()}}
