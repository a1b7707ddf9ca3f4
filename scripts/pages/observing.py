"""Parts of the page on observing: every metric and every moment, from the code that tells them."""

import io
import tokenize
from logging import getLevelName
from pathlib import Path

from scripts.pages.markdown import code, table
from taxiway.observe import observer
from taxiway.observe.catalogue import COUNTED, LOOKED_UP
from taxiway.observe.instruments import NAMED_MAX, SECONDS, Label, Metric
from taxiway.observe.log import level_of
from taxiway.observe.observer import Moment

SHOWN_MAX = 12  #: values of a label that are named one by one


def counted_metrics() -> str:
    """What is counted as it happens."""
    return _metrics(COUNTED)


def looked_up_metrics() -> str:
    """What is looked up when it is asked for."""
    return _metrics(LOOKED_UP)


def histogram_bounds() -> str:
    """The bounds of every histogram."""
    return "Histograms have the bounds " + ", ".join(f"{bound:g}" for bound in SECONDS) + " seconds."


def moments() -> str:
    """What the log has an event for, how loud it is, and its facts."""
    facts = _facts()
    rows = [[code(moment), getLevelName(level_of(moment)).lower(), facts[moment.name]] for moment in Moment]
    return table(["event", "level", "fields"], rows)


def _metrics(metrics: tuple[Metric, ...]) -> str:
    rows = [
        [code(metric.name), metric.kind, "; ".join(map(_label, metric.labels)) or "-", metric.meaning.replace("|", "/")]
        for metric in metrics
    ]
    return table(["metric", "kind", "labels", "meaning"], rows)


def _label(label: Label) -> str:
    if label.values is None:
        bound = f" (the first {label.most})" if label.most == NAMED_MAX else ""
        return f"{code(label.name)}: {label.meaning}{bound}"
    few = len(label.values) <= SHOWN_MAX and "`" not in label.meaning
    return f"{code(label.name)}: {label.meaning}" + (f" ({', '.join(sorted(label.values))})" if few else "")


def _facts() -> dict[str, str]:
    """The comment beside each moment."""
    text = Path(observer.__file__).read_text("utf-8")
    found: dict[str, str] = {}
    name = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in Moment.__members__:
            name = token.string
        elif token.type == tokenize.COMMENT and token.string.startswith("#: ") and name:
            found[name] = token.string.removeprefix("#: ")
    return found
