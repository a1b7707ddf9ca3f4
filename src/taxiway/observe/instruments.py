"""Instruments: counters, gauges and histograms with closed sets of labels, and their text for Prometheus.

A label's value is one of a set that is known, or one of the first so many that were met; whatever else comes is
``other``. So no id and no text of a program can ever make a series of its own.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec

OTHER: Final = "other"
NAMED_MAX: Final = 50  #: values of a label whose set is open (lanes, agents); what comes later is ``other``
VALUE_CHARS_MAX: Final = 80
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)


class Kind(StrEnum):
    """What an instrument measures."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Label(msgspec.Struct, frozen=True):
    """A label: what it says, and the values that it may have (``None``: the first ``most`` that are met)."""

    name: str
    meaning: str
    values: frozenset[str] | None = None
    most: int = NAMED_MAX


class Metric(msgspec.Struct, frozen=True):
    """What is known of a metric before anything is measured."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[Label, ...] = ()


Labels = tuple[str, ...]


class Instrument:
    """One metric with its series. Several threads may use it."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._lock = threading.Lock()
        self._met: list[set[str]] = [set() for _ in metric.labels]
        self._values: dict[Labels, float] = {}
        self._buckets: dict[Labels, list[int]] = {}

    def add(self, amount: float = 1.0, /, **labels: object) -> None:
        """Count."""
        with self._lock:
            key = self._key(labels)
            self._values[key] = self._values.get(key, 0.0) + amount

    def set(self, value: float, /, **labels: object) -> None:
        """Say how it is now."""
        with self._lock:
            self._values[self._key(labels)] = value

    def clear(self) -> None:
        """Forget every series; the next ``set`` says how it is."""
        with self._lock:
            self._values.clear()

    def observe(self, seconds: float, /, **labels: object) -> None:
        """One duration more."""
        with self._lock:
            key = self._key(labels)
            buckets = self._buckets.setdefault(key, [0] * (len(SECONDS) + 1))
            buckets[bisect_left(SECONDS, seconds)] += 1
            self._values[key] = self._values.get(key, 0.0) + seconds

    def value(self, **labels: object) -> float:
        """What one series says; 0 where there is none."""
        with self._lock:
            return self._values.get(self._key(labels), 0.0)

    def lines(self) -> Iterator[str]:
        """Its part of the text."""
        name, kind = self.metric.name, self.metric.kind
        yield f"# HELP {name} {_escaped(self.metric.meaning, quotes=False)}"
        yield f"# TYPE {name} {kind}"
        names = [label.name for label in self.metric.labels]
        with self._lock:
            for key, value in self._values.items():
                pairs = list(zip(names, key, strict=True))
                if kind is Kind.HISTOGRAM:
                    yield from _histogram(name, pairs, self._buckets[key], value)
                else:
                    yield f"{name}{_braces(pairs)} {_number(value)}"

    def _key(self, labels: Mapping[str, object]) -> Labels:
        """The series that these labels mean."""
        assert labels.keys() == {label.name for label in self.metric.labels}, f"{self.metric.name}: {sorted(labels)}"
        places = enumerate(self.metric.labels)
        return tuple(self._bounded(number, label, labels[label.name]) for number, label in places)

    def _bounded(self, number: int, label: Label, value: object) -> str:
        text = "" if value is None else str(value)
        if label.values is not None:
            return text if text in label.values or not text else OTHER
        met = self._met[number]
        if text not in met:
            if len(met) >= label.most or len(text) > VALUE_CHARS_MAX:
                return OTHER
            met.add(text)
        return text


def exposition(instruments: Iterable[Instrument]) -> bytes:
    """Everything that was measured, as Prometheus reads it."""
    return ("\n".join(line for instrument in instruments for line in instrument.lines()) + "\n").encode()


def _histogram(name: str, pairs: list[tuple[str, str]], buckets: list[int], total: float) -> Iterator[str]:
    count = 0
    for bound, hits in zip((*map(_number, SECONDS), "+Inf"), buckets, strict=True):
        count += hits
        yield f"{name}_bucket{_braces([*pairs, ('le', bound)])} {count}"
    yield f"{name}_sum{_braces(pairs)} {_number(total)}"
    yield f"{name}_count{_braces(pairs)} {count}"


def _braces(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}" if pairs else ""


def _escaped(text: str, quotes: bool = True) -> str:
    plain = text.encode("utf-8", "replace").decode().replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quotes else plain


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
