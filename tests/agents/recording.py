"""A plugin of pytest that keeps what the conformance suite of agents showed: ``--conformance-record FILE``.

A column of the table, which is one agent, is written whole or not at all: only when every case has passed, or failed
as it had to. Columns of agents that were not run stay as they were.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taxiway.testing.agent_conformance.bench import PROPERTY
from taxiway.testing.agent_conformance.cases import Case
from tests.agents.faked import FAKES
from tests.agents.scripted import CLIS

SUBJECTS = {subject.name: subject for subject in (*CLIS, *FAKES)}
PASSES = "passes"
CANNOT = "cannot"
UNTRIED = "untried"

Cell = dict[str, str]


class Recorder:
    """What every test of the suite showed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cells: dict[str, dict[str, Cell]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test showed."""
        about = dict(report.user_properties).get(PROPERTY)
        if about is None:
            return
        name, _, case = str(about).partition("\n")
        cells = self._cells.setdefault(name, {})
        if report.failed:
            cells[case] = {"failed": report.when or ""}
        elif report.when == "call" and "failed" not in cells.get(case, {}):
            if report.passed:
                cells[case] = {PASSES: ""}
            elif hasattr(report, "wasxfail"):
                cells[case] = {CANNOT: report.wasxfail}
        elif report.when == "setup" and report.skipped and isinstance(report.longrepr, tuple):
            cells[case] = {UNTRIED: report.longrepr[2].removeprefix("Skipped: ")}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the columns that are whole."""
        kept = json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}
        for name, cells in self._cells.items():
            if {case for case, cell in cells.items() if "failed" not in cell} == {case.name for case in Case}:
                kept[name] = {
                    "version": SUBJECTS[name].version(),
                    "pin": SUBJECTS[name].pin(),
                    "date": datetime.now(UTC).date().isoformat(),
                    "cells": {case.name: cells[case.name] for case in Case},
                }
        ordered = {name: kept[name] for name in SUBJECTS if name in kept}
        self._path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    parser.addoption("--conformance-record", type=Path, help="keep here what the conformance suite of agents showed")


def pytest_configure(config: pytest.Config) -> None:
    """Record when asked to."""
    path = config.getoption("--conformance-record")
    if path is not None:
        config.pluginmanager.register(Recorder(path))
