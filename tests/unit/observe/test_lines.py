"""Lines of the log: fields, redaction, no control characters, and nobody waits for a stream."""

import io
import json
import logging
import threading

import pytest

from taxiway.core.logging import LogFormat, LogLevel
from taxiway.core.redact import Scrubber
from taxiway.observe.lines import WAITING_MAX, LogLines, logged
from taxiway.observe.log import LOGGER, level_of, log_moment
from taxiway.observe.observer import Moment

SECRET = "hunter2-hunter2"


def written(format: LogFormat, level: LogLevel = LogLevel.DEBUG) -> list[str]:
    """What a few moments look like."""
    stream = io.StringIO()
    with logged(format, level, stream, Scrubber([SECRET])):
        log_moment(Moment.REQUEST_SERVED, method="GET", route="/v1/tasks", status=200, seconds=0.0012345678, actor=None)
        log_moment(Moment.SERVICE_FAILED, service="reaper", error=f"a\n{SECRET}\x1b[31m\x9b2J\x00 b\u202e")
        log_moment(Moment.TURN_BEGUN, run="run_1", agent="a")
        try:
            raise ValueError(SECRET)
        except ValueError:
            LOGGER.exception("it %s", SECRET)
    return stream.getvalue().splitlines()


def test_a_line_is_one_object_with_its_facts_as_fields() -> None:
    """JSON logs: time, level, logger, event, then the moment's own facts; numbers stay numbers."""
    served, failed, begun, raised = map(json.loads, written(LogFormat.JSON))
    assert served["time"].endswith("Z")
    del served["time"]
    fields = {"level": "debug", "logger": "taxiway", "event": "request.served", "method": "GET", "route": "/v1/tasks"}
    assert served == fields | {"status": 200, "seconds": 0.001235}
    assert (failed["level"], failed["error"]) == ("error", "a\n[redacted] b<U+202E>")
    assert begun["level"] == "debug"
    assert raised["event"] == "it [redacted]"
    assert "ValueError: [redacted]" in raised["trace"]


@pytest.mark.parametrize("format", LogFormat)
def test_no_line_holds_a_secret_or_a_control_character(format: LogFormat) -> None:
    """I11, CWE-117: whatever was logged is one line, and does nothing to a terminal."""
    lines = written(format)
    assert len(lines) == 4
    for line in lines:
        assert SECRET not in line
        assert line.isprintable()


def test_what_is_less_than_the_level_is_left_out_and_the_loggers_are_as_before() -> None:
    """`[log] level`."""
    before = logging.getLogger().handlers, LOGGER.level
    assert [json.loads(line)["event"] for line in written(LogFormat.JSON, LogLevel.ERROR)] == [
        "service.failed",
        f"it {'[redacted]'}",
    ]
    assert (logging.getLogger().handlers, LOGGER.level) == before


def test_a_stream_that_takes_nothing_holds_nobody_up() -> None:
    """Reliability, row 52: lines are dropped and counted; who logs does not wait."""
    gate = threading.Event()

    class Blocked(io.StringIO):
        def write(self, text: str) -> int:
            gate.wait()
            return super().write(text)

    stream = Blocked()
    lines = LogLines(stream, LogFormat.JSON, Scrubber())
    record = logging.LogRecord("taxiway", logging.INFO, "", 0, "x", None, None)
    for _ in range(WAITING_MAX + 100):
        lines.emit(record)
    assert 99 <= lines.dropped <= 100
    gate.set()
    lines.close()
    assert len(stream.getvalue().splitlines()) == WAITING_MAX + 100 - lines.dropped


def test_a_stream_that_is_closed_costs_lines_and_nothing_else() -> None:
    """Reliability, row 52: a pipe without a reader."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    lines = LogLines(Broken(), LogFormat.TEXT, Scrubber())
    lines.emit(logging.LogRecord("taxiway", logging.INFO, "", 0, "x", None, None))
    lines.close()
    assert lines.dropped == 1


def test_every_moment_has_a_level() -> None:
    """What is wrong is loud, what happens a thousand times a second is not."""
    loud = {moment for moment in Moment if level_of(moment) >= logging.WARNING}
    assert {Moment.STORE_FAILED, Moment.REQUEST_FAILED, Moment.RUNNER_LOST} <= loud
    assert level_of(Moment.RUN_CLAIMED) == logging.DEBUG
    assert level_of(Moment.REQUEST_SERVED, 200) == logging.DEBUG
    assert level_of(Moment.REQUEST_SERVED, 401) == logging.INFO
