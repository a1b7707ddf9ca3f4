"""The `claude` adapter: Claude Code, driven by its own stream of JSON lines in both directions."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final, assert_never

from taxiway.agents import claude_launch as launch
from taxiway.agents import claude_wire as wire
from taxiway.agents.claude_end import Asked as Wanted
from taxiway.agents.claude_end import Judge, error_of, limit_of_retry
from taxiway.agents.claude_events import Telling, told_of_conditions, told_of_notice, told_of_retry
from taxiway.agents.claude_owner import owner_of
from taxiway.agents.claude_questions import DENIED, Questions
from taxiway.agents.claude_turn import Course
from taxiway.agents.claude_usage import Tally
from taxiway.agents.dialogue import Answer, AskWithdrawn, Limited, Opening, Said, Steer, Turn, TurnEnded
from taxiway.agents.linedialogue import LineDialogue, launch_of
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import SpawnFailure
from taxiway.agents.speech import Floor
from taxiway.core.agent import Abilities, AgentKind
from taxiway.core.limits import ERROR_CHARS_MAX
from taxiway.core.task import Reason

#: What names a conversation: it is put into a command line later.
THREAD: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
LINE_BYTES_MAX: Final = 8 << 20  #: a file that is edited stands in a line several times, and a picture is megabytes
CAN_USE_TOOL: Final = "can_use_tool"
ABILITIES: Final = Abilities(
    resume=True,
    fork=True,
    steer=True,
    interrupt=True,
    approvals=True,
    usage=True,
    rate_limits=True,
    structured=True,
    mcp=True,
)


class ClaudeAgent:
    """A kind of agent that is Claude Code; its processes are guarded like any other."""

    def __init__(self, kind: AgentKind, process: ProcessAgent) -> None:
        """``process`` starts the programs."""
        self._kind = kind
        self._process = process

    @property
    def abilities(self) -> Abilities:
        """What it can do."""
        return ABILITIES

    async def open(self, opening: Opening) -> LineDialogue | SpawnFailure:
        """Step one of a start."""
        argv, env = launch.argv(self._kind, opening), launch.ENVIRONMENT | opening.env
        refused = launch.why_not(argv, opening.access, env, root=os.geteuid() == 0)
        if refused is not None:
            return SpawnFailure(refused)
        if opening.thread is not None and not opening.fork:
            owner = await asyncio.to_thread(owner_of, opening.thread, env)
            if owner is not None:
                return SpawnFailure(f"conversation {opening.thread} is open in process {owner} already", passing=True)
        opened = await self._process.open(launch_of(opening, argv, env))
        if isinstance(opened, SpawnFailure):
            return opened
        return LineDialogue(opened, partial(ClaudeSpeech, tag=opening.tag, schema=opening.schema), LINE_BYTES_MAX)


class ClaudeSpeech:
    """Stream-json, spoken on one process."""

    def __init__(self, floor: Floor, tag: str, schema: dict[str, Any] | None = None) -> None:
        """``tag`` is the process's own; results follow ``schema``, where there is one."""
        self._floor = floor
        self._tag = tag
        self._schema = schema
        self._ready = False
        self._requests = 0
        self._course: Course | None = None
        self._conditions: Said | None = None
        self._tasks: tuple[str, ...] = ()  # what goes on in the background
        self._stops: set[str] = set()  # requests that end such, and have no answer yet
        self._hushed = False  # they have been made
        self._telling = Telling()
        self._tally = Tally()
        self._judge = Judge()
        self._questions = Questions()

    # -- what the dialogue has said ---------------------------------------------------------------------------------
    def greet(self) -> None:
        """Begin; it is ready when it has answered."""
        self._floor.say(wire.initialize_line(self._schema))

    def begin(self, turn: Turn) -> bool:
        """Have the open turn taken."""
        if turn.schema != self._schema:
            why = "the form of a result is settled when the agent is started, and this one was started for another"
            self._floor.end_turn(TurnEnded(Reason.AGENT_ERROR, why))
            return True
        assert self._floor.turn is not None, "only an open turn is begun"
        message = launch.derived_uuid(self._tag, f"turn {self._floor.turn.number}")
        self._course = Course(message)
        self._conditions = None
        self._stops, self._hushed = set(), False
        self._judge.begin()
        return self._floor.say(wire.user_line(message, turn.text))

    def steer(self, steer: Steer) -> bool:
        """Bring text to the open turn; it is applied when the model gets to see it."""
        course = self._course
        if course is None or course.over:
            self._floor.settle(steer.signal, applied=False, why="the turn had ended already")
            return True
        message = launch.derived_uuid(self._tag, f"steer {steer.signal}")
        course.steer(message, steer.signal)
        return self._floor.say(wire.user_line(message, steer.text))

    def interrupt(self) -> None:
        """Have the open turn ended, and what waits behind it forgotten."""
        self._floor.say(wire.interrupt_line(self._request()))

    def answer(self, answer: Answer) -> None:
        """Bring an answer."""
        line = self._questions.answer(answer)
        if line is not None:
            self._floor.say(line)

    def bye(self) -> None:
        """The end of its input is its goodbye."""

    # -- what the program says ----------------------------------------------------------------------------------------
    def heard(self, line: bytes) -> None:
        """What the program said with a line."""
        message = wire.read_line(line)
        match message:
            case None:
                pass
            case wire.Unreadable(why, ends_turn):
                self._floor.complain(why, line)
                if ends_turn:
                    self._end_now(TurnEnded(Reason.AGENT_ERROR, f"the agent ended its turn unreadably: {why}"))
            case wire.Result():
                self._result(message)
            case wire.ControlRequest():
                self._wish(message)
            case wire.ControlCancel(request_id):
                if self._questions.withdraw(request_id):
                    self._floor.tell(AskWithdrawn(request_id))
            case wire.ControlResponse(reply):
                self._replied(reply)
            case wire.Lifecycle():
                self._lifecycle(message)
            case wire.TasksChanged(tasks):
                self._tasks = tuple(task.task_id for task in tasks)
            case _:
                self._told(message)

    def _told(self, message: wire.Told) -> None:
        """What is told as it is."""
        floor = self._floor
        match message:
            case wire.Began():
                self._began(message)
            case wire.Assistant():
                if message.error is not None or message.is_api_error_message:
                    self._judge.failed(message.error)
                self._say(self._telling.assistant(message))
            case wire.User():
                self._say(self._telling.user(message))
            case wire.Stream():
                self._say(self._telling.stream(message))
                used = self._tally.stream(message)
                if used is not None and floor.turn is not None:
                    floor.tell(used)
            case wire.Retried():
                self._say([told_of_retry(message)])
                self._limited(limit_of_retry(message))
            case wire.RateLimit():
                self._limited(self._judge.limited(message))
            case wire.Notice():
                self._say([told_of_notice(message)])
            case _:
                assert_never(message)

    def _began(self, message: wire.Began) -> None:
        if self._floor.turn is None:
            if self._ready:  # it takes a turn by itself, at somebody's expense
                self.interrupt()
            return
        self._named(message.session_id)
        self._tally.model = message.model
        conditions = told_of_conditions(message)
        if conditions != self._conditions:
            self._conditions = conditions
            self._say([conditions])

    def _result(self, message: wire.Result) -> None:
        used, course = self._tally.result(message), self._course
        if not self._ready:
            self._floor.end_turn(TurnEnded(Reason.AGENT_ERROR, error_of(message)))
        elif course is None or self._floor.turn is None:
            return
        elif course.has_result(message):
            self._named(message.session_id)
            self._floor.tell(used)
            wanted = Wanted(structured=self._schema is not None, interrupted=self._floor.turn.interrupted)
            course.ended(self._judge.end(message, wanted))
            if course.waits and course.failed:
                self.interrupt()  # text for a turn that has failed is not taken as a turn of its own
            self._finish()

    def _lifecycle(self, message: wire.Lifecycle) -> None:
        settled = None if self._course is None else self._course.lifecycle(message)
        if settled is not None:
            self._floor.settle(settled.signal, settled.applied, settled.why)
        self._finish()

    def _wish(self, message: wire.ControlRequest) -> None:
        """It waits for an answer, so it gets one."""
        if message.request.subtype != CAN_USE_TOOL:
            self._floor.say(wire.unsupported_line(message.request_id, message.request.subtype))
            return
        asked = None if self._floor.turn is None else self._questions.ask(message)
        if asked is None:
            self._floor.say(wire.deny_line(message.request_id, DENIED))
        else:
            self._floor.tell(asked)

    def _replied(self, reply: wire.Reply) -> None:
        if reply.request_id == wire.INITIALIZE and not self._ready:
            if reply.subtype == "success":
                self._ready = True
                self._floor.ready()
            else:
                why = f"the agent refuses to begin: {reply.error}"
                self._floor.end_turn(TurnEnded(Reason.AGENT_ERROR, why[:ERROR_CHARS_MAX]))
        elif reply.request_id in self._stops:
            self._stops.discard(reply.request_id)
            self._finish()

    # -- inside -------------------------------------------------------------------------------------------------------
    def _finish(self) -> None:
        """End the turn when everything that was brought to it has its result, and nothing goes on in the background:
        else the program would take a turn by itself when that ends."""
        course = self._course
        if course is None or course.end is None or not course.over:
            return
        if not self._hushed:
            self._hushed = True
            for task in self._tasks:
                request = self._request()
                self._stops.add(request)
                self._floor.say(wire.stop_task_line(request, task))
        if not self._stops:
            self._end_now(course.end)

    def _end_now(self, end: TurnEnded) -> None:
        self._course = None
        self._questions.forget()
        self._tally.over()
        if self._floor.turn is not None:
            self._floor.end_turn(end)

    def _request(self) -> str:
        self._requests += 1
        return f"taxiway-{self._requests}"

    def _named(self, thread: str) -> None:
        """The id of the conversation, which a turn begins or ends with: by then there is something to go on with."""
        if self._floor.turn is not None and THREAD.fullmatch(thread):
            self._floor.named(thread)

    def _limited(self, limited: Limited | None) -> None:
        if limited is not None and self._floor.turn is not None:
            self._floor.tell(limited)

    def _say(self, events: Iterable[Said]) -> None:
        for said in events:  # also where nobody listens: what came in pieces has to be known
            if self._floor.turn is not None:
                self._floor.tell(said)
