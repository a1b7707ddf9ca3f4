"""What is counted, and its text, judged by the parser of Prometheus's own client."""

from prometheus_client.parser import text_string_to_metric_families

from taxiway.observe.catalogue import CATALOGUE, CLAIM_WAIT, RUNS_FINISHED, SERVICE_FAILURES, TOKENS, TURNS
from taxiway.observe.instruments import NAMED_MAX, SECONDS, Instrument, Kind, exposition
from taxiway.observe.metrics import Metrics
from taxiway.observe.observer import Moment, each


def read(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_histogram_is_cumulative_and_ends_with_everything() -> None:
    """Buckets count what took at most so long; the last one has no bound."""
    instrument = Instrument(CLAIM_WAIT)
    for seconds in (0.001, 0.005, 0.3, 5000.0):
        instrument.observe(seconds, lane="main")
    found = read(exposition([instrument]))
    name, lane = "taxiway_claim_wait_seconds", ("lane", "main")
    of = {
        bound: found[name + "_bucket", frozenset({lane, ("le", bound)})] for bound in ("0.005", "0.5", "3600", "+Inf")
    }
    assert of == {"0.005": 2, "0.5": 3, "3600": 3, "+Inf": 4}
    assert found[name + "_count", frozenset({lane})] == 4
    assert found[name + "_sum", frozenset({lane})] == 5000.306
    assert len(SECONDS) + 3 == sum(key[0].startswith(name) for key in found)


def test_a_label_never_has_more_values_than_are_named() -> None:
    """Cardinality: closed sets say `other` for what is none of theirs, open ones for what comes late or is long."""
    lanes = Instrument(CLAIM_WAIT)
    for number in range(1000):
        lanes.observe(1.0, lane=f"lane-{number}")
    lanes.observe(1.0, lane="x" * 1000)
    series = {dict(labels)["lane"] for (name, labels) in read(exposition([lanes])) if name.endswith("_count")}
    assert len(series) == NAMED_MAX + 1
    assert "other" in series
    turns = Instrument(TURNS)
    turns.add(agent="a", end="<script>")
    assert turns.value(agent="a", end="other") == 1


def test_every_metric_of_the_catalogue_is_named_as_prometheus_asks() -> None:
    """Counters end in `_total`, durations are in seconds, every name is our own and said once."""
    names = [metric.name for metric in CATALOGUE]
    assert len(set(names)) == len(names)
    for metric in CATALOGUE:
        assert metric.name.startswith("taxiway_")
        assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER), metric.name
        assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds")
        assert metric.meaning.endswith(".")


def test_no_label_of_any_metric_can_hold_an_id() -> None:
    """Bounded label sets: what has no closed set is a name of the configuration, or a route's template."""
    open_labels = {label.name for metric in CATALOGUE for label in metric.labels if label.values is None}
    assert open_labels == {"lane", "agent", "service", "route", "status"}


def test_moments_become_numbers() -> None:
    """Per-reason counters, queue and run times, turns and tokens."""
    metrics = Metrics()
    tell = each(metrics)
    tell(Moment.RUN_CLAIMED, run="run_1", task="t", attempt=1, work="agent", lane="main", waited_s=0.2)
    tell(Moment.RUN_CLAIMED, run="run_2", task="t", attempt=2, work="job", lane="main", waited_s=None)
    tell(Moment.RUN_FINISHED, run="run_1", work="agent", outcome="failed", reason="timeout", seconds=3.0)
    tell(Moment.TURN_ENDED, run="run_1", agent="a", end="completed", seconds=1, input_tokens=10, output_tokens=3)
    tell(Moment.SERVICE_FAILED, service="reaper", error="secret words")
    assert metrics[RUNS_FINISHED].value(work="agent", outcome="failed", reason="timeout") == 1
    assert metrics[TOKENS].value(agent="a", direction="input") == 10
    assert metrics[SERVICE_FAILURES].value(service="reaper") == 1
    assert b"secret words" not in metrics.text()
    assert b"run_1" not in metrics.text()
    assert read(metrics.text())["taxiway_claim_wait_seconds_count", frozenset({("lane", "main")})] == 1


def test_an_observer_that_fails_keeps_nobody_from_hearing(caplog) -> None:
    """A46: neither the engine nor the other observers."""
    heard = []

    def fails(moment: Moment, **facts: object) -> None:
        raise RuntimeError("of its own")

    each(fails, lambda moment, **_: heard.append(moment))(Moment.RUNNER_LOST, runner="r")
    assert heard == [Moment.RUNNER_LOST]
    assert "an observer failed" in caplog.text
