"""The client's own tools: which of them runs a command or writes a file, and what its arguments look like."""

import json
import posixpath
import shlex
from collections.abc import Iterable
from typing import Any

from tests.stub_model.conversation import Call, Json, Offer, Request
from tests.stub_model.script import Action, Answer, Named, Shell, Write

# Tools that run a command: their name, and the argument that takes it. The first that a client offers is taken.
SHELLS = {
    "exec_command": "cmd",  # Codex
    "shell_command": "command",  # Codex, for other models
    "shell": "command",  # Codex, for other models: a list of words
    "run_shell_command": "command",  # Gemini CLI
    "Bash": "command",  # Claude Code
    "bash": "command",  # OpenCode
}
# Tools that write a file: the arguments that take its path and its text.
WRITERS = {
    "Write": ("file_path", "content"),  # Claude Code
    "write_file": ("file_path", "content"),  # Gemini CLI
    "write": ("filePath", "content"),  # OpenCode
}
PATCHER = "apply_patch"  # Codex, as free text
ANSWERER = "StructuredOutput"  # Claude Code: the structured answer is a call


def call(action: Action, request: Request, id: str) -> Call | None:
    """The call that carries out an action with the tools on offer; None where none of them can."""
    offers = {offer.name: offer for offer in request.offers}
    match action:
        case Named(name, arguments):
            return Call(id, name, arguments)
        case Answer(value) if ANSWERER in offers:
            return Call(id, ANSWERER, example(offers[ANSWERER].schema) if value is None else value)
        case Answer():
            return None
        case Shell(command):
            return shell(command, offers, id)
        case Write(path, text):
            return write(path, text, offers, id) or shell(as_command(path, text), offers, id)


def shell(command: str, offers: dict[str, Offer], id: str) -> Call | None:
    """A command, through the first shell tool on offer."""
    for name, argument in SHELLS.items():
        if name in offers:
            words = offers[name].schema.get("properties", {}).get(argument, {}).get("type") == "array"
            value = ["bash", "-lc", command] if words else command
            return Call(id, name, example(offers[name].schema) | {argument: value})
    return None


def write(path: str, text: str, offers: dict[str, Offer], id: str) -> Call | None:
    """A file, through the first tool on offer that writes one."""
    for name, (where, what) in WRITERS.items():
        if name in offers:
            return Call(id, name, example(offers[name].schema) | {where: path, what: text})
    if PATCHER in offers and offers[PATCHER].free:
        lines = [f"*** Add File: {path}", *(f"+{line}" for line in text.splitlines())]
        return Call(id, PATCHER, "\n".join(["*** Begin Patch", *lines, "*** End Patch"]))
    return None


def as_command(path: str, text: str) -> str:
    """A command that writes a file, for clients without a tool for it."""
    folder = shlex.quote(posixpath.dirname(path) or ".")
    return f"mkdir -p {folder} && printf '%s\\n' {shlex.quote(text)} > {shlex.quote(path)}"


def answer_text(action: Answer, schema: Json | None) -> str:
    """A structured answer as text: what the script gives, or an example of the schema."""
    return json.dumps(example(schema or {"type": "object"}) if action.value is None else action.value)


def first_answer(actions: Iterable[Action]) -> Answer | None:
    """The structured answer among actions, if there is one."""
    return next((action for action in actions if isinstance(action, Answer)), None)


def example(schema: Json) -> Any:
    """A small value that a JSON schema allows: what is required and no more, the first of each choice."""
    match schema:
        case {"const": value}:
            return value
        case {"enum": [first, *_]}:
            return first
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]} | {"allOf": [first, *_]}:
            return example(first)
        case _:
            return example_of_kind(schema)


def example_of_kind(schema: Json) -> Any:
    """A small value of the type that a schema names."""
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = str(kinds[0] if isinstance(kinds, list) else kinds).lower()
    match kind:
        case "object":
            properties: Json = schema.get("properties", {})
            required: Iterable[str] = schema.get("required", properties)
            return {name: example(properties.get(name, {})) for name in required}
        case "array":
            return [example(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "x" * max(schema.get("minLength", 0), 1)
