"""Metrics in Prometheus's text format, judged by the parser of its own client."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from taxiway.observe.instruments import Instrument, Kind, Label, Metric, exposition


@given(st.text(max_size=30), st.text(max_size=30), st.floats(0, 1e12))
def test_whatever_a_label_holds_the_text_can_be_read(value: str, meaning: str, amount: float) -> None:
    """The exposition format: backslashes, quotes, line ends, braces, halves of characters."""
    instrument = Instrument(Metric("x_total", Kind.COUNTER, meaning, (Label("named", "anything"),)))
    instrument.add(amount, named=value)
    families = text_string_to_metric_families(exposition([instrument]).decode())
    [sample] = [sample for family in families for sample in family.samples]
    assert (sample.name, sample.value) == ("x_total", amount)
    assert sample.labels == {"named": value.encode("utf-8", "replace").decode()}
