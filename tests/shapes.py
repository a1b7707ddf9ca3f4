"""The shapes of what a program writes in lines of JSON: for each kind of line its fields, and the types they had.

A shape says nothing of values, so that it can be kept: two programs that write the same protocol have the same shapes.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.claude import ClaudeSpeech
from taxiway.agents.codex_speech import CodexSpeech
from taxiway.agents.linedialogue import LineDialogue

SEEN = Path(__file__).parent / "faults" / "seen"  #: what the real programs wrote, by the names of their adapters
ABSENT = "absent"  #: as a type: not every line of the kind has the field
#: Below these is what a user, a model or a list of this or that version says.
OPAQUE = frozenset(
    {
        "input",
        "tool_input",
        "structured_output",
        "commands",
        "models",
        "config",
        "origins",
        "account",
        "permission_suggestions",
    }
)
Shapes = dict[str, dict[str, set[str]]]


def seen(name: str) -> Shapes:
    """What was kept of a program."""
    found = json.loads((SEEN / f"{name}.json").read_text("utf-8"))
    return {kind: {path: set(types.split()) for path, types in paths.items()} for kind, paths in found.items()}


def keep(name: str, shapes: Shapes) -> None:
    """Keep it."""
    texts = {kind: {path: " ".join(sorted(types)) for path, types in sorted(shapes[kind].items())} for kind in shapes}
    (SEEN / f"{name}.json").write_text(json.dumps(dict(sorted(texts.items())), indent=1) + "\n", "utf-8")


def listen(patch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """From now on, every line that is said to an agent or that it says, as a step."""
    found: list[dict[str, Any]] = []
    say = LineDialogue.say

    def said(self: LineDialogue, line: bytes) -> bool:
        found.append({"said": json.loads(line)})
        return say(self, line)

    patch.setattr(LineDialogue, "say", said)
    for speech in (CodexSpeech, ClaudeSpeech):

        def hears(self: Any, line: bytes, own: Any = speech.heard) -> None:
            found.append({"heard": json.loads(line)})
            own(self, line)

        patch.setattr(speech, "heard", hears)
    return found


def shapes_of(steps: Iterable[dict[str, Any]]) -> Shapes:
    """The shapes of a dialogue, of which each step is ``{"said": LINE}`` (by us) or ``{"heard": LINE}``."""
    asked: dict[Any, str] = {}
    found: Shapes = {}
    for step in steps:
        match step:
            case {"said": {"id": id, "method": method}}:
                asked[id] = method
            case {"said": {"request_id": id, "request": {"subtype": subtype}}}:
                asked[id] = subtype
            case {"heard": line}:
                _add(found, kind_of(line, asked), line)
    return found


def kind_of(line: dict[str, Any], asked: dict[Any, str]) -> str:
    """What kind of line it is: of Codex's app-server, or of Claude Code."""
    if "type" not in line:
        return _codex(line, asked)
    match line:
        case {"type": "stream_event", "event": event}:
            part = event.get("delta", {}).get("type") or event.get("content_block", {}).get("type")
            return " ".join(filter(None, ("stream_event", event["type"], part)))
        case {"type": "assistant", "message": {"content": [block, *_]}}:
            return f"assistant {'error' if 'error' in line else block['type']}"
        case {"type": "user", "message": {"content": [block, *_]}}:
            failed = " failed" if block.get("is_error") else ""
            return f"user {block['type']}{failed}"
        case {"type": "control_response", "response": response}:
            return f"control_response {asked.get(response['request_id'])} {response['subtype']}"
        case {"type": "control_request", "request": request}:
            return f"control_request {request['subtype']}"
        case {"type": "result"}:
            return f"result {line['subtype']} {line.get('terminal_reason')}"
        case {"type": "rate_limit_event", "rate_limit_info": info}:
            return f"rate_limit_event {info['status']}"
    return " ".join(filter(None, (line["type"], line.get("subtype"))))


def merged(one: Shapes, other: Shapes) -> Shapes:
    """Both together."""
    found = {kind: {path: set(types) for path, types in paths.items()} for kind, paths in one.items()}
    for kind, paths in other.items():
        known = found.setdefault(kind, {path: set(types) for path, types in paths.items()})
        for path in known.keys() | paths.keys():
            known[path] = known.get(path, {ABSENT}) | paths.get(path, {ABSENT})
    return found


def differences(fake: Shapes, real: Shapes) -> Iterator[str]:
    """What the first writes that the second never wrote, and what it leaves out that the second always wrote."""
    for kind, paths in sorted(fake.items()):
        if kind not in real:
            yield f"{kind}: never seen"
            continue
        for path, types in sorted(paths.items()):
            extra = types - real[kind].get(path, set())
            if path not in real[kind]:
                yield f"{kind}: {path} was never seen"
            elif extra - {ABSENT}:
                yield f"{kind}: {path} was never {sorted(extra)}"
        for path, types in sorted(real[kind].items()):
            held = path.rpartition(".")[0] in {"", *paths} and not path.endswith(("[]", "*"))
            if ABSENT not in types and path not in paths and held:
                yield f"{kind}: {path} is left out"


def _codex(line: dict[str, Any], asked: dict[Any, str]) -> str:
    if "method" not in line:
        return "error" if "error" in line else f"response {asked.get(line['id'])}"
    params = line["params"]
    item = params.get("item", {}).get("type")
    again = {True: "again", False: "final"}.get(params.get("willRetry"))
    turn = params.get("turn", {}).get("status")
    return " ".join(filter(None, (line["method"], item, again, turn)))


def _add(found: Shapes, kind: str, line: dict[str, Any]) -> None:
    paths: dict[str, set[str]] = {}
    for path, type in _paths(line, ""):
        paths.setdefault(path, set()).add(type)
    known = found.get(kind)
    found[kind] = paths if known is None else merged({kind: known}, {kind: paths})[kind]


def _paths(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if path:
        yield path, _type(value)
    if path.rpartition(".")[2] in OPAQUE:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            name = "*" if name.startswith("claude-") else name
            yield from _paths(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{path}[]")


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
    return "object"
