"""The observer that traces: a span for each run, in it one for each turn, in that one for each tool (OpenTelemetry).

Attributes follow the semantic conventions for GenAI agents where they have a word, and are ``taxiway.…`` elsewhere.
Where spans go is the business of the SDK that the process was started with; without one nothing is kept. Loaded only
where traces are wanted: it needs the extra ``taxiway[otel]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from taxiway import __version__
from taxiway.observe.observer import Moment

RUNS_MAX: Final = 10_000  #: runs that are traced at once; of more, the oldest is closed
TOOLS_MAX: Final = 1_000  #: open tools of one turn
PROVIDERS: Final = {"claude": "anthropic", "codex": "openai", "gemini": "gcp.gemini"}  #: of agents known by name
FINE: Final = frozenset({"completed", "cancelled", "released"})


class Traces:
    """Moments become spans."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        """``tracer``: that of the process, unless another one is given."""
        self._tracer = tracer or trace.get_tracer("taxiway", __version__)
        self._runs: dict[str, _Traced] = {}

    def __call__(self, moment: Moment, **facts: Any) -> None:
        """Begin or end what this moment begins or ends."""
        run = facts.get("run")
        if moment is Moment.RUN_CLAIMED:
            self._claimed(facts)
            return
        traced = self._runs.get(str(run))
        if traced is None:
            return
        match moment:
            case Moment.TURN_BEGUN:
                traced.turn_begun(facts)
            case Moment.TOOL_CALLED:
                traced.tool_called(facts)
            case Moment.TOOL_ANSWERED:
                traced.tool_answered(facts)
            case Moment.TURN_ENDED:
                traced.turn_ended(facts)
            case Moment.RUN_STOPPING:
                traced.span.add_event("stopping", {"taxiway.cause": str(facts.get("cause"))})
            case Moment.RUN_FINISHED:
                self._end(str(run), str(facts.get("outcome")), facts.get("reason"))
            case Moment.LEASE_LOST:
                self._end(str(run), "lost", "lease_lost")
            case _:
                pass

    def _claimed(self, facts: Mapping[str, Any]) -> None:
        if len(self._runs) >= RUNS_MAX:
            self._end(next(iter(self._runs)), "lost", "untold")
        attributes = {
            "taxiway.run.id": facts["run"],
            "taxiway.task.id": facts.get("task"),
            "taxiway.attempt": facts.get("attempt"),
            "taxiway.work": facts.get("work"),
            "taxiway.lane": facts.get("lane"),
            "taxiway.wait": facts.get("waited_s"),
        }
        span = self._tracer.start_span(f"run {facts.get('work')}", attributes=_known(attributes))
        self._runs[facts["run"]] = _Traced(self._tracer, span)

    def _end(self, run: str, outcome: str, reason: object) -> None:
        traced = self._runs.pop(run)
        traced.turn_ended({"end": "aborted"})
        traced.span.set_attribute("taxiway.outcome", outcome)
        _close(traced.span, None if outcome in FINE else str(reason or outcome))


class _Traced:
    """The open spans of one run."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self.span = span
        self._turn: Span | None = None
        self._tools: dict[str, Span] = {}

    def turn_begun(self, facts: Mapping[str, Any]) -> None:
        agent = str(facts.get("agent"))
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": PROVIDERS.get(agent, agent),
            "gen_ai.agent.name": agent,
            "gen_ai.request.model": facts.get("model"),
            "gen_ai.conversation.id": facts.get("session"),
            "taxiway.warm": facts.get("warm"),
        }
        self._turn = self._below(self.span, f"invoke_agent {agent}", attributes)

    def tool_called(self, facts: Mapping[str, Any]) -> None:
        if self._turn is None or len(self._tools) >= TOOLS_MAX:
            return
        tool = str(facts.get("tool") or "unknown")
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.call.id": facts.get("call"),
        }
        key = facts.get("call") or f"#{len(self._tools)}"
        _end_quietly(self._tools.pop(key, None))
        self._tools[key] = self._below(self._turn, f"execute_tool {tool}", attributes)

    def tool_answered(self, facts: Mapping[str, Any]) -> None:
        """Of a result that names no call it is the last one that was called."""
        key = facts.get("call") or next(reversed(self._tools), "")
        span = self._tools.pop(key, None)
        if span is not None:
            _close(span, "tool_failed" if facts.get("failed") else None)

    def turn_ended(self, facts: Mapping[str, Any]) -> None:
        for span in self._tools.values():
            span.end()
        self._tools.clear()
        turn, self._turn = self._turn, None
        if turn is None:
            return
        used = {
            "gen_ai.usage.input_tokens": facts.get("input_tokens"),
            "gen_ai.usage.output_tokens": facts.get("output_tokens"),
            "gen_ai.usage.cache_read.input_tokens": facts.get("cached_tokens"),
            "taxiway.usd": facts.get("usd"),
        }
        turn.set_attributes(_known(used))
        end = str(facts.get("end"))
        _close(turn, None if end == "completed" else end)

    def _below(self, parent: Span, name: str, attributes: Mapping[str, Any]) -> Span:
        context = trace.set_span_in_context(parent)
        return self._tracer.start_span(name, context, SpanKind.INTERNAL, attributes=_known(attributes))


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _close(span: Span, error: str | None) -> None:
    if error is not None:
        span.set_attribute("error.type", error)
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def _end_quietly(span: Span | None) -> None:
    if span is not None:
        span.end()
