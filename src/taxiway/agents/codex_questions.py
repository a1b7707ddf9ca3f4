"""What Codex asks a person before it goes on, and what an answer is in its words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from taxiway.agents import codex_wire as wire
from taxiway.agents.codex_events import NAME_CHARS_MAX, OPEN_ITEMS_MAX, PATCH, SHELL, bounded_value, cut
from taxiway.agents.dialogue import Answer, Asked
from taxiway.core.limits import ERROR_CHARS_MAX

PERSON: Final = "request_user_input"  #: the tool by which the agent asks a person something
OPEN_MAX: Final = 100  #: questions that wait at once; what is more is declined
FILES_NAMED_MAX: Final = 10  #: in the sentence that a person reads


class NetworkPlace(wire.Record, frozen=True):
    """Where a command wants to connect to."""

    host: str = ""
    protocol: str = ""


class CommandAsked(wire.Record, frozen=True):
    """``item/commandExecution/requestApproval``."""

    command: str | None = None
    cwd: str | None = None
    reason: str | None = None
    kind: str = "command"
    network_approval_context: NetworkPlace | None = None


class FilesAsked(wire.Record, frozen=True):
    """``item/fileChange/requestApproval``; the files stand in its item."""

    item_id: str
    reason: str | None = None
    grant_root: str | None = None


class PermissionsAsked(wire.Record, frozen=True):
    """``item/permissions/requestApproval``."""

    permissions: dict[str, Any]
    cwd: str = ""
    reason: str | None = None


class ServerAsked(wire.Record, frozen=True):
    """``mcpServer/elicitation/request``: a tool's server wants to know something."""

    server_name: str
    message: str = ""
    mode: str = ""
    requested_schema: Any = None


class PersonOption(wire.Record, frozen=True):
    """An answer that is proposed."""

    label: str = ""


class PersonAsked(wire.Record, frozen=True):
    """One of the things that the agent wants to know."""

    id: str
    question: str = ""
    options: list[PersonOption] | None = None
    is_secret: bool = False


class WordsAsked(wire.Record, frozen=True):
    """``item/tool/requestUserInput``: the agent asks a person something."""

    questions: tuple[PersonAsked, ...] = ()


class _Open(msgspec.Struct, frozen=True):
    """``words`` are the ids of what a text answers."""

    request: wire.Id
    allow: dict[str, Any]
    deny: dict[str, Any]
    words: tuple[str, ...] = ()


_YES: Final = {"decision": "accept"}
_NO: Final = {"decision": "decline"}
_SERVER_YES: Final = {"action": "accept", "content": {}}
_NO_WORDS: Final[dict[str, Any]] = {"answers": {}}
_SERVER_NO: Final = {"action": "decline", "content": None}


class Questions:
    """The questions of one process; they are numbered here, for the app-server's own numbers may be anything."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._asked = 0
        self._files: dict[str, list[str]] = {}

    def patch_begun(self, item: str, paths: list[str]) -> None:
        """Remember which files an item wants to change."""
        self._files[item] = paths
        if len(self._files) > OPEN_ITEMS_MAX:
            del self._files[next(iter(self._files))]

    def ask(self, request: wire.Request) -> Asked | bytes:
        """The question that a request is, or the line that answers it at once. Raises ``msgspec.DecodeError``."""
        match request.method:
            case "item/commandExecution/requestApproval":
                return self._command(request, wire.read(request.params, CommandAsked))
            case "item/fileChange/requestApproval":
                return self._change(request, wire.read(request.params, FilesAsked))
            case "item/permissions/requestApproval":
                return self._permissions(request, wire.read(request.params, PermissionsAsked))
            case "mcpServer/elicitation/request":
                return self._server(request, wire.read(request.params, ServerAsked))
            case "item/tool/requestUserInput":
                return self._words(request, wire.read(request.params, WordsAsked))
            case _:
                return wire.refusal_line(request.id, request.method)

    def wants_words(self, id: str) -> bool:
        """Whether the text of an answer is the answer."""
        found = self._open.get(id)
        return found is not None and bool(found.words)

    def answer(self, answer: Answer) -> bytes | None:
        """The line that brings an answer; ``None``: nobody waits for it."""
        found = self._open.pop(answer.id, None)
        if found is None:
            return None
        if answer.allow and found.words:
            return wire.result_line(found.request, _answers(found.words, answer.text or ""))
        return wire.result_line(found.request, found.allow if answer.allow else found.deny)

    def resolved(self, request: wire.Id) -> str | None:
        """The app-server does not wait any more: which question that was."""
        id = next((id for id, waits in self._open.items() if waits.request == request), None)
        if id is not None:
            del self._open[id]
        return id

    def withdraw(self) -> Iterator[str]:
        """Forget all that are open: their turn has ended."""
        gone, self._open = tuple(self._open), {}
        self._files.clear()
        yield from gone

    def _command(self, request: wire.Request, asked: CommandAsked) -> Asked | bytes:
        place = asked.network_approval_context
        command = cut(asked.command or "")
        if place is not None:
            what = f"connect to {place.host} ({place.protocol or 'network'})"
        else:
            what = f"run {command}" if asked.kind == "command" else f"{asked.kind[:NAME_CHARS_MAX]}: {command}"
        input = {"command": command, "cwd": (asked.cwd or "")[:ERROR_CHARS_MAX]}
        return self._ask(request, _sentence(what, asked.reason), SHELL, input, (_YES, _NO))

    def _change(self, request: wire.Request, asked: FilesAsked) -> Asked | bytes:
        paths = self._files.get(asked.item_id, [])
        more = f" and {len(paths) - FILES_NAMED_MAX} more" if len(paths) > FILES_NAMED_MAX else ""
        what = f"change {', '.join(paths[:FILES_NAMED_MAX]) or 'files'}{more}"
        input: dict[str, Any] = {"paths": paths}
        if asked.grant_root is not None:
            what += f", and from then on anything below {asked.grant_root}"
            input["grant_root"] = asked.grant_root[:ERROR_CHARS_MAX]
        return self._ask(request, _sentence(what, asked.reason), PATCH, input, (_YES, _NO))

    def _permissions(self, request: wire.Request, asked: PermissionsAsked) -> Asked | bytes:
        wanted = {name: value for name, value in asked.permissions.items() if value is not None}
        answers = ({"permissions": wanted, "scope": "turn"}, {"permissions": {}, "scope": "turn"})
        what = f"have more permissions until its turn ends: {cut(str(bounded_value(wanted)))}"
        return self._ask(request, _sentence(what, asked.reason), "permissions", bounded_value(wanted), answers)

    def _server(self, request: wire.Request, asked: ServerAsked) -> Asked | bytes:
        schema = asked.requested_schema
        if asked.mode == "url" or (isinstance(schema, dict) and schema.get("properties")):
            return wire.result_line(request.id, _SERVER_NO)  # it wants more than a yes
        text = f"{asked.server_name[:NAME_CHARS_MAX]} asks: {asked.message}"[:ERROR_CHARS_MAX]
        return self._ask(request, text, asked.server_name[:NAME_CHARS_MAX], None, (_SERVER_YES, _SERVER_NO))

    def _words(self, request: wire.Request, asked: WordsAsked) -> Asked | bytes:
        """What is a secret is never asked for: an answer is stored."""
        ids = tuple(one.id for one in asked.questions)
        if not ids or len(ids) > OPEN_MAX or any(one.is_secret for one in asked.questions):
            return wire.result_line(request.id, _NO_WORDS)
        lines = [one.question + _choices(one.options or []) for one in asked.questions]
        told = self._ask(request, "\n".join(lines)[:ERROR_CHARS_MAX], PERSON, None, (_NO_WORDS, _NO_WORDS))
        if isinstance(told, Asked):
            self._open[told.id] = msgspec.structs.replace(self._open[told.id], words=ids)
            told = msgspec.structs.replace(told, words=True)
        return told

    def _ask(
        self, request: wire.Request, text: str, tool: str, input: Any, answers: tuple[dict[str, Any], dict[str, Any]]
    ) -> Asked | bytes:
        allow, deny = answers
        if len(self._open) >= OPEN_MAX:
            return wire.result_line(request.id, deny)
        self._asked += 1
        id = f"ask-{self._asked}"
        self._open[id] = _Open(request.id, allow, deny)
        return Asked(id, text, tool, input)


def _choices(options: list[PersonOption]) -> str:
    return f" ({', '.join(option.label for option in options)})" if options else ""


def _answers(ids: tuple[str, ...], text: str) -> dict[str, Any]:
    return {"answers": {id: {"answers": [text]} for id in ids}}


def _sentence(what: str, reason: str | None) -> str:
    text = f"it wants to {what}"
    return (f"{text}: {reason}" if reason else text)[:ERROR_CHARS_MAX]
