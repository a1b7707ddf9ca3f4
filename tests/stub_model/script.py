"""The script that a prompt carries: what the stub model says and does, one turn after the other.

``[[stub: STEP ;; STEP ;; …]]``; a line break parts steps as well as ``;;`` does, and a step that begins with ``#`` is a
remark. A step either ends a turn (an act) or says something about the turn that comes next (a modifier).

Acts:
    say TEXT                    a final answer
    huge N                      a final answer of N characters
    answer [JSON]               the structured answer that the client demands; without JSON an example of its schema
    sh COMMAND                  a call of the client's own shell tool
    write PATH TEXT             a call of the client's own tool for files, or its shell tool; ``\\n`` breaks lines
    tool NAME [JSON]            a call of the tool NAME with these arguments
    and sh|write|tool …         one more call in the turn before it
    hang [body]                 no answer ever; ``body``: after the head and the first events
    cut [TEXT]                  half of an answer, then the connection drops

Modifiers:
    think TEXT                  reasoning before the turn
    note TEXT                   text beside a call
    wait SECONDS                a pause before the first byte
    drip MS                     a pause between the pieces of a stream
    usage in=N out=N cached=N   the tokens that the turn reports
    header NAME VALUE           a header of the response
    window used=PERCENT reset=SECONDS   how full the account's window is, in the provider's own headers
    err STATUS [times=N|all] [retry=SECONDS] [reset=SECONDS] [kind=NAME] [msg="TEXT"] [where=stream]
                                fail N times (once, unless said) before the turn is played; ``where=stream``: after the
                                answer began, as an event of the stream
    limit [times=N|all] [reset=SECONDS] [msg="TEXT"]
                                the same, in the provider's words for "the plan is used up until then"
"""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

MARK = re.compile(r"\[\[stub:(.*?)\]\]", re.DOTALL)
STEPS = re.compile(r"\n|;;")
PAIRS = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')
HUGE_LINE = "line {number} of a huge answer\n"  #: each is another one: agents end a model's turn that repeats itself
CUT_TEXT = "this answer is cut off before its end"
BROKEN_TEXT = "this answer breaks off before its end"


class ScriptError(ValueError):
    """A step that the language does not have; the message quotes it."""


@dataclass(frozen=True)
class Shell:
    """A command for whatever shell tool the client offers."""

    command: str


@dataclass(frozen=True)
class Write:
    """A file to write, with whatever tool the client offers for it."""

    path: str
    text: str


@dataclass(frozen=True)
class Named:
    """A call of a tool by its name; ``arguments`` is text for a tool that takes free text."""

    name: str
    arguments: dict[str, Any] | str


@dataclass(frozen=True)
class Answer:
    """A structured answer; ``value`` None: an example of what the client demands."""

    value: Any = None


Action = Shell | Write | Named | Answer


@dataclass(frozen=True)
class Failure:
    """An answer that is an error; ``times`` None: for ever."""

    status: int
    times: int | None = 1
    retry_s: float | None = None
    reset_s: float | None = None
    kind: str | None = None
    message: str | None = None
    plan: bool = False  #: the account's plan is used up, not only its rate
    inside: bool = False  #: the error comes after half of an answer, in its stream


@dataclass(frozen=True)
class Window:
    """How much of an account's window is used, in percent, and in how many seconds it begins anew."""

    used_percent: float
    reset_s: float


@dataclass(frozen=True)
class Turn:
    """One turn of the model."""

    text: str = ""
    thinking: str = ""
    actions: tuple[Action, ...] = ()
    failures: tuple[Failure, ...] = ()
    wait_s: float = 0.0
    drip_s: float = 0.0
    usage: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    window: Window | None = None
    hang: str | None = None  #: "head": before anything; "body": after the first events
    cut: bool = False


def script_in(text: str) -> str | None:
    """The last script in a text, or None."""
    found = MARK.findall(text)
    return found[-1] if found else None


def parse(source: str) -> list[Turn]:
    """The turns of a script. A modifier with no act behind it makes a turn of its own. Raises ScriptError."""
    turns: list[Turn] = []
    coming = Turn()
    for raw in STEPS.split(source):
        step = raw.strip()
        if not step or step.startswith("#"):
            continue
        word, _, rest = step.partition(" ")
        try:
            if word == "and":
                turns[-1] = replace(turns[-1], actions=(*turns[-1].actions, action(rest)))
            elif word in MODIFIERS:
                coming = MODIFIERS[word](coming, rest.strip())
            else:
                turns.append(act(coming, word, rest.strip()))
                coming = Turn()
        except (ValueError, IndexError, KeyError) as error:
            raise ScriptError(f"the stub cannot play the step {step!r}: {error}") from error
    if coming != Turn():
        turns.append(coming)
    return turns


def act(turn: Turn, word: str, rest: str) -> Turn:
    """The turn that ends with this act."""
    match word:
        case "say":
            return replace(turn, text=rest)
        case "huge":
            return replace(turn, text=huge(int(rest)))
        case "answer":
            return replace(turn, actions=(Answer(json.loads(rest) if rest else None),))
        case "hang" if rest in ("", "body"):
            return replace(turn, hang=rest or "head")
        case "cut":
            return replace(turn, text=rest or CUT_TEXT, cut=True)
        case _:
            return replace(turn, actions=(action(f"{word} {rest}"),))


def huge(size: int) -> str:
    """A text of so many characters."""
    lines = size // len(HUGE_LINE.format(number="")) + 1
    return "".join(HUGE_LINE.format(number=number) for number in range(lines))[:size]


def action(step: str) -> Action:
    """A call: ``sh …``, ``write …``, ``tool …``."""
    word, _, rest = step.strip().partition(" ")
    head, _, tail = rest.strip().partition(" ")
    match word:
        case "sh" if head:
            return Shell(rest.strip())
        case "write" if head:
            return Write(head, tail.replace("\\n", "\n"))
        case "tool" if head:
            return Named(head, json.loads(tail or "{}"))
    raise ValueError("no such act")


def pairs(text: str) -> dict[str, str]:
    """``name=value name="a b"`` as a mapping."""
    return {name: quoted or bare for name, quoted, bare in PAIRS.findall(text)}


def failure(status: int, options: dict[str, str], plan: bool = False) -> Failure:
    """A failure from what stands behind ``err`` or ``limit``."""
    times = options.get("times", "1")
    return Failure(
        status=status,
        times=None if times == "all" else int(times),
        retry_s=float(options["retry"]) if "retry" in options else None,
        reset_s=float(options["reset"]) if "reset" in options else None,
        kind=options.get("kind"),
        message=options.get("msg"),
        plan=plan,
        inside=options.get("where") == "stream",
    )


def with_error(turn: Turn, rest: str) -> Turn:
    """``err STATUS …``."""
    status, _, options = rest.partition(" ")
    return replace(turn, failures=(*turn.failures, failure(int(status), pairs(options))))


def with_limit(turn: Turn, rest: str) -> Turn:
    """``limit …``: a window of the plan is used up."""
    return replace(turn, failures=(*turn.failures, failure(429, pairs(rest), plan=True)))


def with_header(turn: Turn, rest: str) -> Turn:
    """``header NAME VALUE``."""
    name, _, value = rest.partition(" ")
    return replace(turn, headers=turn.headers | {name.lower(): value.strip()})


def with_window(turn: Turn, rest: str) -> Turn:
    """``window used=92 reset=3600``."""
    said = pairs(rest)
    return replace(turn, window=Window(float(said["used"]), float(said["reset"])))


MODIFIERS = {
    "think": lambda turn, rest: replace(turn, thinking=rest),
    "note": lambda turn, rest: replace(turn, text=rest),
    "wait": lambda turn, rest: replace(turn, wait_s=float(rest)),
    "drip": lambda turn, rest: replace(turn, drip_s=float(rest) / 1000),
    "usage": lambda turn, rest: replace(turn, usage={name: int(value) for name, value in pairs(rest).items()}),
    "header": with_header,
    "window": with_window,
    "err": with_error,
    "limit": with_limit,
}
