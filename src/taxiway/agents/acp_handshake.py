"""From an agent's start to its first turn over ACP: who it is, which conversation it holds, what it may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from acp import schema
from msgspec import Raw
from pydantic import BaseModel

from taxiway.agents import acp_wire as wire
from taxiway.agents.acp_presets import AcpPreset, mode_for
from taxiway.agents.acp_verdict import verdict_of
from taxiway.agents.acp_wire import Fault, Unreadable
from taxiway.agents.dialogue import TurnEnded
from taxiway.agents.lines_wire import THREAD_CHARS_MAX
from taxiway.core.agent import Access
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.task import Reason

NAME_CHARS_MAX: Final = 200

Then = Callable[[Raw | Fault], None]
Ask = Callable[[str, BaseModel, Then], bool]
Step = tuple[str, BaseModel, str]  #: method, request, and what is said when it fails
SessionOpened = schema.NewSessionResponse | schema.LoadSessionResponse | schema.ResumeSessionResponse


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is opened for. ``model`` is only what has to be chosen over the protocol."""

    preset: AcpPreset
    version: str
    cwd: str
    access: Access
    thread: str | None = None
    model: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``bound``: the program was seen to be kept to this access by what was set."""

    session: str
    agent: str | None = None
    version: str | None = None
    mode: str | None = None
    bound: bool = False


class Handshake:
    """One handshake: ends with ``ready`` or with ``failed``, and with nothing when the process ends."""

    def __init__(
        self,
        wish: Wish,
        ask: Ask,
        ready: Callable[[Standing], None],
        failed: Callable[[TurnEnded], None],
    ) -> None:
        self._wish = wish
        self._ask = ask
        self._ready = ready
        self._failed = failed
        self._standing = Standing(session=wish.thread or "")
        self._steps: Iterator[Step] = iter(())

    def begin(self) -> None:
        """Say hello."""
        self._ask("initialize", wire.greeting(self._wish.version), self._greeted)

    def _greeted(self, result: Raw | Fault) -> None:
        hello = self._read(schema.InitializeResponse, result, "its greeting failed")
        if hello is None:
            return
        if hello.protocol_version != wire.VERSION:
            said = hello.protocol_version
            self._fail(f"it speaks version {said} of the Agent Client Protocol, and Taxiway version {wire.VERSION}")
            return
        if hello.agent_info is not None:
            self._standing = msgspec.structs.replace(
                self._standing,
                agent=hello.agent_info.name[:NAME_CHARS_MAX],
                version=hello.agent_info.version[:NAME_CHARS_MAX],
            )
        self._open(hello.agent_capabilities or schema.AgentCapabilities())

    def _open(self, able: schema.AgentCapabilities) -> None:
        wish, thread = self._wish, self._wish.thread
        sessions = able.session_capabilities
        if thread is None:
            self._ask("session/new", schema.NewSessionRequest(cwd=wish.cwd, mcp_servers=[]), self._named)
        elif sessions is not None and sessions.resume is not None:
            request = schema.ResumeSessionRequest(cwd=wish.cwd, session_id=thread, mcp_servers=[])
            self._ask("session/resume", request, lambda result: self._resumed(schema.ResumeSessionResponse, result))
        elif able.load_session:
            load = schema.LoadSessionRequest(cwd=wish.cwd, session_id=thread, mcp_servers=[])
            self._ask("session/load", load, lambda result: self._resumed(schema.LoadSessionResponse, result))
        else:
            self._fail("the agent cannot go on with a conversation: it offers neither session/resume nor session/load")

    def _named(self, result: Raw | Fault) -> None:
        opened = self._read(schema.NewSessionResponse, result, "it could not open a conversation")
        if opened is None:
            return
        if not is_name(opened.session_id):
            self._fail("it named its conversation by what is no name: one word of at most 500 characters is one")
            return
        self._standing = msgspec.structs.replace(self._standing, session=opened.session_id)
        self._settle(opened)

    def _resumed(self, model: type[SessionOpened], result: Raw | Fault) -> None:
        if isinstance(result, Raw) and bytes(result) == b"null":
            result = Raw(b"{}")  # the models demand an object; what the protocol demands of it is nothing
        opened = self._read(model, result, f"it could not go on with conversation {self._wish.thread}")
        if opened is not None:
            self._settle(opened)

    def _settle(self, opened: SessionOpened) -> None:
        """Choose the mode and the model, one after the other."""
        wish, session = self._wish, self._standing.session
        modes = [mode.id for mode in opened.modes.available_modes] if opened.modes is not None else []
        current = opened.modes.current_mode_id[:NAME_CHARS_MAX] if opened.modes is not None else None
        choices = {
            found.category or found.id: found.id for found in opened.config_options or () if found.type == "select"
        }
        mode = mode_for(wish.preset, wish.access, iter(modes))
        steps: list[Step] = []
        if mode is not None and mode in modes:
            change = schema.SetSessionModeRequest(session_id=session, mode_id=mode)
            steps.append(("session/set_mode", change, f"it does not take mode '{mode}'"))
        elif mode is not None and "mode" in choices:
            steps.append(_choice(session, choices["mode"], mode))
        bound = wish.access in wish.preset.bound and (mode is None or bool(steps))
        self._standing = msgspec.structs.replace(self._standing, mode=mode if steps else current, bound=bound)
        if wish.model is not None:
            if "model" not in choices:
                self._fail(f"it offers no way to choose model '{wish.model}'; put {{model}} into the agent's command")
                return
            steps.append(_choice(session, choices["model"], wish.model))
        self._steps = iter(steps)
        self._step()

    def _step(self) -> None:
        step = next(self._steps, None)
        if step is None:
            self._ready(self._standing)
            return
        method, request, complaint = step
        self._ask(method, request, lambda result: self._stepped(result, complaint))

    def _stepped(self, result: Raw | Fault, complaint: str) -> None:
        if isinstance(result, Fault):
            self._fail(f"{complaint}: {result.message}")
        else:
            self._step()

    def _read(self, model: type[wire.Model], result: Raw | Fault, complaint: str) -> wire.Model | None:
        """The response; ``None``: it was a failure, and that has been told."""
        if isinstance(result, Fault):
            judged = verdict_of(result)
            error = f"{complaint}: {judged.error}"[:ERROR_CHARS_MAX]
            self._failed(msgspec.structs.replace(judged, error=error))
            return None
        read = wire.read_as(model, result)
        if isinstance(read, Unreadable):
            self._fail(f"{complaint}: {read.why}")
            return None
        return read

    def _fail(self, error: str) -> None:
        self._failed(TurnEnded(Reason.AGENT_ERROR, error[:ERROR_CHARS_MAX]))


def is_name(session: str) -> bool:
    """Whether it may be an agent's own id of a conversation: it can come into a command line later."""
    head = session[:1]
    plain = all("!" <= letter <= "~" for letter in session)
    return len(session) <= THREAD_CHARS_MAX and plain and (head == "_" or (head.isascii() and head.isalnum()))


def _choice(session: str, option: str, value: str) -> Step:
    change = schema.SetSessionConfigOptionSelectRequest(session_id=session, config_id=option, value=value)
    return "session/set_config_option", change, f"it does not take {option} '{value}'"
