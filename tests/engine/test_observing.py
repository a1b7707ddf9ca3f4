"""What observers hear of real work: moments of runs, turns and tools, as metrics and as spans."""

from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from taxiway.observe.catalogue import CLAIM_WAIT, RUNS_FINISHED, TOKENS, TOOL_CALLS, TURNS
from taxiway.observe.metrics import Metrics
from taxiway.observe.observer import Moment, each
from taxiway.observe.traces import Traces
from tests.engine.acting import Stage
from tests.engine.conftest import Bench, ended

STEPS: list[dict[str, Any]] = [
    {"tool": {"name": "shell", "input": {"command": "ls"}, "output": "a"}},
    {"usage": {"input_tokens": 100, "output_tokens": 20}},
    {"say": "done"},
]


async def test_a_turn_is_counted_and_traced_as_it_happened(bench: Bench, stage: Stage) -> None:
    """Run, turn and tool of a real agent: one span within the other, and the numbers of each."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    metrics, traces = Metrics(), Traces(provider.get_tracer("test"))
    kind = stage.agent({"default": STEPS})
    async with bench.open(agents={"fake": kind}, observer=each(metrics, traces)) as tw:
        assert (await ended(await tw.submit(prompt="go", agent="fake"))).state == "completed"
        assert (await ended(await tw.submit(command=["false"]))).reason == "exit_code"
    names = {span.name: span for span in exporter.get_finished_spans()}
    run, turn, tool = names["run agent"], names["invoke_agent fake"], names["execute_tool shell"]
    assert (turn.parent.span_id, tool.parent.span_id) == (run.context.span_id, turn.context.span_id)
    assert turn.attributes["gen_ai.usage.input_tokens"] == 100
    assert names["run program"].attributes["error.type"] == "exit_code"
    assert metrics[RUNS_FINISHED].value(work="agent", outcome="completed", reason=None) == 1
    assert metrics[RUNS_FINISHED].value(work="program", outcome="failed", reason="exit_code") == 1
    assert metrics[TURNS].value(agent="fake", end="completed") == 1
    assert metrics[TOOL_CALLS].value(agent="fake") == 1
    assert metrics[TOKENS].value(agent="fake", direction="output") == 20
    assert metrics[CLAIM_WAIT].value(lane="main") >= 0


async def test_a_claim_tells_since_when_its_task_could_have_run(bench: Bench) -> None:
    """Queue time of every attempt: from the change that made it ready, not from its submission."""
    waited: list[float] = []

    def observer(moment: Moment, **facts: Any) -> None:
        if moment is Moment.RUN_CLAIMED:
            waited.append(facts["waited_s"])

    async with bench.open(slots=1, observer=observer) as tw:
        handle = await tw.submit(command=["false"], retries=1, backoff={"first": 0})
        await ended(handle)
        changes = [change for change in await tw.store.changes(0, 100) if change.id == handle.id]
    ready = [change.at for change in changes if change.state == "queued"]
    claimed = [change.at for change in changes if change.state == "running"]
    assert waited == [(end - start) / 1000 for start, end in zip(ready, claimed, strict=True)]
    assert len(waited) == 2
