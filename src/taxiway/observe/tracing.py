"""Traces, where they are wanted: what makes them is an extra, and loaded only then."""

from __future__ import annotations

from importlib import import_module

from taxiway.core.errors import Invalid
from taxiway.observe.observer import Observer


def traces() -> Observer:
    """What traces to wherever the SDK that this process was started with sends it. Raises ``Invalid`` where the extra
    is not installed."""
    try:
        made: Observer = import_module("taxiway.observe.traces").Traces()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        raise Invalid("[server] traces needs OpenTelemetry, which is not installed: install 'taxiway[otel]'") from None
    return made
