"""Turns the updates of one turn over ACP into events of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, assert_never

import msgspec
from acp import schema

from taxiway.agents.dialogue import DialogueEvent, Said
from taxiway.agents.lines_events import pieces_of
from taxiway.agents.onehunk import one_hunk
from taxiway.core.event import EventType

CALLS_MAX: Final = 200  #: tool calls of one turn that are followed; of each more only what one update says is known
DIFFS_MAX: Final = 100  #: changes of one tool call that are told
DIFF_CHARS_MAX: Final = 60_000  #: of one change
VALUE_BYTES_MAX: Final = 60_000  #: of what a tool was given, or gave, as JSON; of more the beginning is kept, as text
CONTENT_CHARS_MAX: Final = 60_000  #: of what a tool gave as text
TODO_ITEMS_MAX: Final = 200
NAME_CHARS_MAX: Final = 500

_encode = msgspec.json.Encoder().encode

Content = (
    schema.TextContentBlock
    | schema.ImageContentBlock
    | schema.AudioContentBlock
    | schema.ResourceContentBlock
    | schema.EmbeddedResourceContentBlock
)
ToolContent = schema.ContentToolCallContent | schema.FileEditToolCallContent | schema.TerminalToolCallContent
Talk = schema.AgentMessageChunk | schema.AgentThoughtChunk
Calling = schema.ToolCallStart | schema.ToolCallProgress | schema.ToolCallUpdate
Told = Talk | schema.ToolCallStart | schema.ToolCallProgress | schema.AgentPlanUpdate


class Call(msgspec.Struct):
    """A tool call, as far as it is known. ``told``: the name under which it was told; ``over``: its result too."""

    id: str
    name: str = ""
    kind: str | None = None
    input: Any = None
    output: Any = None
    text: str | None = None
    diffs: Sequence[tuple[str, str]] = ()
    told: str | None = None
    over: bool = False


class Narrator:
    """Tells what the agent does in one turn. A call is told once its input is known, its result once it is over, and
    what it changed only when it has."""

    def __init__(self, tell: Callable[[DialogueEvent], None]) -> None:
        self._tell = tell
        self._calls: dict[str, Call] = {}
        self._talk: dict[EventType, str | None] = {}  # what was being said, since the last that was done
        self.worked = False  #: a tool was called
        self.last_words = ""  #: the last message, or its end

    def take(self, update: Told) -> None:
        """Tell an update."""
        match update:
            case schema.AgentMessageChunk():
                self._said(EventType.MESSAGE, update)
            case schema.AgentThoughtChunk():
                self._said(EventType.THOUGHT, update)
            case schema.ToolCallStart() | schema.ToolCallProgress():
                self._called(update)
            case schema.AgentPlanUpdate():
                self._planned(update)
            case _:
                assert_never(update)

    def asked(self, update: schema.ToolCallUpdate) -> Call:
        """A permission is asked for this call: it is told before the question."""
        self._talk.clear()
        self.worked = True
        call = self._call(update)
        self._tell_call(call)
        return call

    def close(self) -> None:
        """The turn is over: what was called and never ran is told all the same."""
        for call in self._calls.values():
            self._tell_call(call)

    def _said(self, type: EventType, chunk: Talk) -> None:
        text = text_of(chunk.content)
        if not text:
            return
        goes_on = type in self._talk and self._talk[type] == chunk.message_id
        if chunk.message_id is None:  # then another kind of talk is the only end that there is
            self._talk.clear()
        self._talk[type] = chunk.message_id
        if type is EventType.MESSAGE:
            self.last_words = ((self.last_words if goes_on else "") + text)[-CONTENT_CHARS_MAX:]
        for number, piece in enumerate(pieces_of(text)):
            self._tell(Said(type, {"text": piece, "delta": True} if number or goes_on else {"text": piece}))

    def _called(self, update: schema.ToolCallStart | schema.ToolCallProgress) -> None:
        self._talk.clear()
        self.worked = True
        call = self._call(update)
        ended = update.status in ("completed", "failed")
        grown = isinstance(update, schema.ToolCallProgress) and call.input  # what it begins with may be half of it
        if grown or update.status not in (None, "pending"):
            self._tell_call(call)
        if ended and not call.over:
            call.over = True
            self._tell_result(call, failed=update.status == "failed")

    def _call(self, update: Calling) -> Call:
        """The call with what is known of it now."""
        id = update.tool_call_id[:NAME_CHARS_MAX]
        call = self._calls.get(id)
        if call is None:
            call = Call(id)
            if len(self._calls) < CALLS_MAX:
                self._calls[id] = call
        call.name = update.title[:NAME_CHARS_MAX] if update.title else call.name
        call.kind = update.kind or call.kind
        call.input = kept(update.raw_input) if update.raw_input else call.input
        call.output = call.output if update.raw_output is None else kept(update.raw_output)
        if update.content is not None:
            call.text = shown(update.content)
            call.diffs = diffs_of(update.content) or call.diffs
        return call

    def _tell_call(self, call: Call) -> None:
        if call.told is None:
            call.told = call.name or call.kind or "tool"
            data = {"name": call.told, "id": call.id, "kind": call.kind, "input": call.input}
            self._tell(Said(EventType.TOOL_CALL, _known(data)))

    def _tell_result(self, call: Call, failed: bool) -> None:
        if not failed:
            for path, text in call.diffs:
                self._tell(Said(EventType.DIFF, {"text": text, "path": path}))
        output = call.output if call.output is not None else call.text
        data = {"id": call.id, "name": call.told, "output": output, "failed": failed or None}
        self._tell(Said(EventType.TOOL_RESULT, _known(data)))
        call.text, call.diffs, call.output = None, (), None  # they may be large, and are not needed any more

    def _planned(self, plan: schema.AgentPlanUpdate) -> None:
        items = [{"text": item.content, "done": item.status == "completed"} for item in plan.entries[:TODO_ITEMS_MAX]]
        self._talk.clear()
        self._tell(Said(EventType.TODO, {"items": items}))


def text_of(content: Content) -> str:
    """A block of content as text; what is no text is named."""
    match content:
        case schema.TextContentBlock():
            return content.text
        case schema.ImageContentBlock() | schema.AudioContentBlock():
            return f"[{content.type}: {content.mime_type[:NAME_CHARS_MAX]}]"
        case schema.ResourceContentBlock():
            return f"[{content.name[:NAME_CHARS_MAX]}]({content.uri[:NAME_CHARS_MAX]})"
        case schema.EmbeddedResourceContentBlock():
            resource = content.resource
            return resource.text if isinstance(resource, schema.TextResourceContents) else f"[{resource.uri}]"
        case _:
            assert_never(content)


def shown(content: Sequence[ToolContent]) -> str | None:
    """The texts among what a tool gave."""
    texts = [text_of(item.content) for item in content if isinstance(item, schema.ContentToolCallContent)]
    return "\n".join(texts)[:CONTENT_CHARS_MAX] or None


def diffs_of(content: Sequence[ToolContent]) -> list[tuple[str, str]]:
    """The changes of files among what a tool gave: path and unified diff, cut where it is long."""
    edits = [item for item in content if isinstance(item, schema.FileEditToolCallContent)][:DIFFS_MAX]
    named = [(item.path[:NAME_CHARS_MAX], item) for item in edits]
    diffs = [(path, one_hunk(path, item.old_text, item.new_text)[:DIFF_CHARS_MAX]) for path, item in named]
    return [(path, text) for path, text in diffs if text]


def kept(value: Any) -> Any:
    """A value that the agent gave, as it may be told: such that it can be written down, and not too large."""
    try:
        encoded = _encode(value)
    except (OverflowError, ValueError, TypeError, RecursionError):  # whole numbers of any size, in an older msgspec
        return repr(value)[:VALUE_BYTES_MAX]
    return value if len(encoded) <= VALUE_BYTES_MAX else encoded[:VALUE_BYTES_MAX].decode("utf-8", "ignore")


def _known(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}
