"""Values of earlier tasks inside a later one: ``${{ lint.output }}`` and its kin, as text that is never code.

``${{ name.output }}``, ``${{ name.exit_code }}``, ``${{ name.diff }}`` and ``${{ name.result.path }}`` name a task of
``after``; ``$${{`` is a literal ``${{``. Source: semantics, "Templates".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from taxiway.core.errors import Invalid
from taxiway.core.limits import TEMPLATE_VALUE_BYTES_MAX
from taxiway.core.nearest import nearest, suggestion
from taxiway.core.shellscan import HOLE, Hole, holes
from taxiway.core.task import TaskSpec

INPUT_VARIABLE: Final = "TAXIWAY_IN_"  #: followed by 1, 2, 3 …: how a value reaches a ``shell``

_TOKEN: Final = re.compile(r"\$\$\{\{|\$\{\{(?:([^{}\n]*)\}\})?")
_FIELD: Final = re.compile(r"(output|exit_code|diff|result)((?<=result)(?:\.[A-Za-z0-9_-]+)+)?\Z")
_WRITTEN: Final = "write ${{ name.output }}, .exit_code, .diff or .result.path; $${{ is a literal ${{"


class Field(StrEnum):
    """What a placeholder may take of a task."""

    OUTPUT = "output"
    EXIT_CODE = "exit_code"
    DIFF = "diff"
    RESULT = "result"


class Ref(msgspec.Struct, frozen=True):
    """A placeholder: ``task`` as it stands in ``after``, and for a result the path inside it (empty: all of it)."""

    task: str
    field: Field
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "${{ " + ".".join((self.task, self.field, *self.path)) + " }}"


class Mistake(msgspec.Struct, frozen=True):
    """A placeholder that means nothing: a sentence, and what would be right."""

    message: str
    hint: str = ""


class Value(msgspec.Struct, frozen=True):
    """What an ended task has to give; ``None`` where it has none, which reads as the empty text."""

    output: str | None = None
    exit_code: int | None = None
    result: Any = None
    diff: str | None = None


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A spec's work with all values in their places; ``env`` also holds the inputs of a ``shell``."""

    command: tuple[str, ...] | None
    shell: str | None
    prompt: str | None
    args: dict[str, Any]
    env: dict[str, str]
    stdin: str | None


Part = str | Ref


def has_placeholder(text: str) -> bool:
    """Whether the text holds a placeholder or an escaped one."""
    return "${{" in text


def read(text: str, names: Collection[str], others: Collection[str] = ()) -> list[str | Ref | Mistake]:
    """Split a text into what stands there, placeholders, and placeholders that are wrong.

    ``names`` are the tasks of ``after``, ``others`` those that could be added to it. Where a name holds dots, the
    longest one that fits is meant.
    """
    parts: list[str | Ref | Mistake] = []
    literal, position = "", 0
    for token in _TOKEN.finditer(text):
        literal += text[position : token.start()]
        position = token.end()
        if token[0] == "$${{":
            literal += "${{"
            continue
        parts += [literal] if literal else []
        literal = ""
        parts.append(_placeholder(token[1], names, others))
    literal += text[position:]
    return parts + ([literal] if literal else [])


def parse(text: str, names: Collection[str]) -> tuple[Part, ...]:
    """The parts of a text, as ``read`` finds them. Raises ``Invalid`` with the first mistake."""
    parts: list[Part] = []
    for part in read(text, names):
        if isinstance(part, Mistake):
            raise Invalid(f"{part.message} ({part.hint})" if part.hint else part.message)
        parts.append(part)
    return tuple(parts)


def mistakes(text: str, names: Collection[str], others: Collection[str] = (), shell: bool = False) -> list[Mistake]:
    """Everything that is wrong with a text's placeholders; ``shell`` asks also where in a shell's text they stand."""
    parts = read(text, names, others)
    found = [part for part in parts if isinstance(part, Mistake)]
    if shell and any(isinstance(part, Ref) for part in parts):
        refs = [part for part in parts if not isinstance(part, str)]
        places = holes("".join(part if isinstance(part, str) else HOLE for part in parts))
        for ref, place in zip(refs, places, strict=True):
            if place.refusal and isinstance(ref, Ref):
                found.append(Mistake(f"{ref} {place.refusal}", place.hint))
    return found


def text_of(ref: Ref, value: Value) -> str:
    """The text that a placeholder stands for: one trailing newline less, no NUL, at most 64 KiB.

    Of a longer output the end is kept. A longer result or diff is refused with ``Invalid``, since a part of it would
    mean something else, as is a path that is not in a result.
    """
    match ref.field:
        case Field.OUTPUT:
            text = value.output or ""
        case Field.EXIT_CODE:
            text = "" if value.exit_code is None else str(value.exit_code)
        case Field.DIFF:
            text = value.diff or ""
        case Field.RESULT:
            text = _result_text(ref, value.result)
    text = text.removesuffix("\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) <= TEMPLATE_VALUE_BYTES_MAX and text.isascii():
        return text
    if len(encoded) > TEMPLATE_VALUE_BYTES_MAX and ref.field in (Field.RESULT, Field.DIFF):
        raise Invalid(f"{ref} is {len(encoded)} bytes long, and a placeholder takes {TEMPLATE_VALUE_BYTES_MAX} at most")
    whole = encoded.decode("utf-8", "replace")
    while len(cut := whole.encode()) > TEMPLATE_VALUE_BYTES_MAX:
        whole = cut[-TEMPLATE_VALUE_BYTES_MAX:].decode("utf-8", "ignore")
    return whole


def render(spec: TaskSpec, values: Mapping[str, Value]) -> Rendered:
    """Put the values of ended tasks (by their names in ``after``) into a spec's work.

    In ``command``, ``prompt``, ``env``, ``stdin`` and the texts of ``args`` a value is put in as text. In ``shell``
    each placeholder becomes a variable, in double quotes of its own where it stands bare: so it is always one word, as
    in ``command``, and never split or taken for a pattern. Raises ``Invalid`` where a value cannot be given.
    """
    if not spec.template:
        return Rendered(
            command=spec.command,
            shell=spec.shell,
            prompt=spec.prompt,
            args=spec.args,
            env=spec.env,
            stdin=spec.stdin,
        )
    filler = _Filler(frozenset(edge.task for edge in spec.after), values)
    shell, inputs = (None, {}) if spec.shell is None else filler.shell(spec.shell)
    return Rendered(
        command=None if spec.command is None else tuple(filler.text(item) for item in spec.command),
        shell=shell,
        prompt=None if spec.prompt is None else filler.text(spec.prompt),
        args={key: filler.deep(item) for key, item in spec.args.items()},
        env={key: filler.text(item) for key, item in spec.env.items()} | inputs,
        stdin=None if spec.stdin is None else filler.text(spec.stdin),
    )


class _Filler:
    def __init__(self, names: frozenset[str], values: Mapping[str, Value]) -> None:
        self._names = names
        self._values = values

    def value(self, ref: Ref) -> str:
        if ref.task not in self._values:
            raise Invalid(f"{ref} cannot be filled in: nothing is known of '{ref.task}'")
        return text_of(ref, self._values[ref.task])

    def text(self, text: str) -> str:
        if not has_placeholder(text):
            return text
        return "".join(part if isinstance(part, str) else self.value(part) for part in parse(text, self._names))

    def deep(self, item: Any) -> Any:
        match item:
            case str():
                return self.text(item)
            case dict():
                return {key: self.deep(inner) for key, inner in item.items()}
            case list() | tuple():
                return [self.deep(inner) for inner in item]
            case _:
                return item

    def shell(self, text: str) -> tuple[str, dict[str, str]]:
        parts = parse(text, self._names) if has_placeholder(text) else (text,)
        places = iter(holes("".join(part if isinstance(part, str) else HOLE for part in parts)))
        numbers: dict[Ref, int] = {}
        written = ""
        for part in parts:
            if isinstance(part, str):
                written += part
            else:
                number = numbers.setdefault(part, len(numbers) + 1)
                written += _variable(part, next(places), number)
        return written, {f"{INPUT_VARIABLE}{number}": self.value(ref) for ref, number in numbers.items()}


def _variable(ref: Ref, place: Hole, number: int) -> str:
    if place.refusal:
        raise Invalid(f"{ref} {place.refusal}")
    variable = f"${{{INPUT_VARIABLE}{number}}}"
    return f'"{variable}"' if place.bare else variable


def _placeholder(inner: str | None, names: Collection[str], others: Collection[str]) -> Ref | Mistake:
    if inner is None:
        return Mistake("a ${{ is not closed by }} on its line", _WRITTEN)
    path = inner.strip()
    dots = [position for position, character in enumerate(path) if character == "."]
    for dot in reversed(dots):
        if path[:dot] in names and (field := _FIELD.match(path, dot + 1)):
            return Ref(path[:dot], Field(field[1]), tuple((field[2] or "").split(".")[1:]))
    return _unknown(path, dots, names, others)


def _unknown(path: str, dots: list[int], names: Collection[str], others: Collection[str]) -> Mistake:
    shown = "${{ " + path[:200] + " }}"
    known = [path[:dot] for dot in dots if path[:dot] in names]
    if known:
        wanted = path[len(known[-1]) + 1 :]
        near = nearest(wanted.partition(".")[0], list(Field))
        hint = f"did you mean '{known[-1]}.{near}'?" if near is not None else _WRITTEN
        return Mistake(f"{shown}: a task has output, exit_code, diff and result, and no '{wanted}'", hint)
    fields = [dot for dot in dots if _FIELD.match(path, dot + 1)]
    if not fields:
        return Mistake(f"{shown} is no placeholder", _WRITTEN)
    name = next((path[:dot] for dot in fields if path[:dot] in others), path[: fields[0]])
    hint = "" if name in others else suggestion(name, names)
    hint = hint or f"add '{name}' to after"
    return Mistake(f"{shown} names '{name}', which is not in after", hint)


def _result_text(ref: Ref, result: Any) -> str:
    if result is None:
        return ""
    for depth, step in enumerate(ref.path):
        if isinstance(result, dict) and step in result:
            result = result[step]
        elif isinstance(result, list | tuple) and step.isdecimal() and int(step) < len(result):
            result = result[int(step)]
        else:
            above = ".".join((ref.task, ref.field, *ref.path[:depth]))
            near = suggestion(step, result) if isinstance(result, dict) else ""
            raise Invalid(f"{ref} cannot be filled in: {above} has no '{step}'" + (f" ({near})" if near else ""))
    return result if isinstance(result, str) else msgspec.json.encode(result).decode()
