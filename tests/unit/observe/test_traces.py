"""Spans of runs, turns and tools, as an exporter gets them (OpenTelemetry, GenAI conventions)."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as words

from taxiway.observe.observer import Moment
from taxiway.observe.traces import RUNS_MAX, TOOLS_MAX, Traces


@pytest.fixture
def traced() -> tuple[Traces, InMemorySpanExporter]:
    """Traces, and what is exported of them."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traces(provider.get_tracer("test")), exporter


def spans(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """The finished ones by name."""
    return {span.name: span for span in exporter.get_finished_spans()}


def parent(span: ReadableSpan) -> int | None:
    """Whose it is part of."""
    return None if span.parent is None else span.parent.span_id


def test_a_run_holds_its_turn_and_the_turn_its_tools(traced) -> None:
    """Run, turn, tool; names and attributes are those of the conventions."""
    tell, exporter = traced
    tell(Moment.RUN_CLAIMED, run="r", task="t", attempt=1, work="agent", lane="main", waited_s=0.5)
    tell(Moment.TURN_BEGUN, run="r", agent="claude", model="m-1", session="sess_1", warm=False)
    tell(Moment.TOOL_CALLED, run="r", agent="claude", tool="shell", call="c1")
    tell(Moment.TOOL_CALLED, run="r", agent="claude", tool="read", call="c2")
    tell(Moment.TOOL_ANSWERED, run="r", call="c1", failed=True)
    tell(Moment.TURN_ENDED, run="r", agent="claude", end="completed", input_tokens=7, output_tokens=2, cached_tokens=3)
    tell(Moment.RUN_FINISHED, run="r", task="t", work="agent", outcome="completed", reason=None)
    found = spans(exporter)
    run, turn, shell = found["run agent"], found["invoke_agent claude"], found["execute_tool shell"]
    assert (parent(run), parent(turn), parent(shell)) == (None, run.context.span_id, turn.context.span_id)
    assert parent(found["execute_tool read"]) == turn.context.span_id
    assert dict(turn.attributes) == {
        words.GEN_AI_OPERATION_NAME: words.GenAiOperationNameValues.INVOKE_AGENT.value,
        words.GEN_AI_PROVIDER_NAME: words.GenAiProviderNameValues.ANTHROPIC.value,
        words.GEN_AI_AGENT_NAME: "claude",
        words.GEN_AI_REQUEST_MODEL: "m-1",
        words.GEN_AI_CONVERSATION_ID: "sess_1",
        words.GEN_AI_USAGE_INPUT_TOKENS: 7,
        words.GEN_AI_USAGE_OUTPUT_TOKENS: 2,
        words.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 3,
        "taxiway.warm": False,
    }
    assert dict(shell.attributes) == {
        words.GEN_AI_OPERATION_NAME: words.GenAiOperationNameValues.EXECUTE_TOOL.value,
        words.GEN_AI_TOOL_NAME: "shell",
        words.GEN_AI_TOOL_CALL_ID: "c1",
        "error.type": "tool_failed",
    }
    assert run.attributes["taxiway.task.id"] == "t"
    assert run.status.is_unset


def test_what_failed_says_so_and_nothing_stays_open(traced) -> None:
    """A run that is lost in its turn ends with everything below it."""
    tell, exporter = traced
    tell(Moment.RUN_CLAIMED, run="r", task="t", work="agent")
    tell(Moment.TURN_BEGUN, run="r", agent="a")
    tell(Moment.TOOL_CALLED, run="r", agent="a", tool=None, call=None)
    tell(Moment.LEASE_LOST, run="r")
    found = spans(exporter)
    assert set(found) == {"run agent", "invoke_agent a", "execute_tool unknown"}
    assert found["run agent"].attributes["error.type"] == "lease_lost"
    assert found["invoke_agent a"].attributes["error.type"] == "aborted"
    assert not found["run agent"].status.is_ok


def test_an_agent_cannot_open_spans_without_end(traced) -> None:
    """Bounds: tools of a turn, runs at once."""
    tell, exporter = traced
    tell(Moment.RUN_CLAIMED, run="r", task="t", work="agent")
    tell(Moment.TURN_BEGUN, run="r", agent="a")
    for number in range(TOOLS_MAX + 5):
        tell(Moment.TOOL_CALLED, run="r", agent="a", tool="x", call=str(number))
    for number in range(RUNS_MAX):
        tell(Moment.RUN_CLAIMED, run=f"run_{number}", task="t", work="job")
    assert len(exporter.get_finished_spans()) == TOOLS_MAX + 2


def test_moments_of_runs_that_nobody_began_are_passed_over(traced) -> None:
    """Another process's runs, and runs without a turn."""
    tell, exporter = traced
    for moment in Moment:
        if moment is not Moment.RUN_CLAIMED:
            tell(moment, run="unknown")
    assert exporter.get_finished_spans() == ()
