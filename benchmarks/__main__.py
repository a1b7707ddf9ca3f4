"""``python -m benchmarks``: run all scenarios or those named, print a table, keep the figures as JSON."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from benchmarks import (
    claiming,
    conversations,
    draining,
    graphs,
    latency,
    limits,
    mailboxes,
    programs,
    recovering,
    requests,
    sharing,
    sleepers,
    slow_disk,
    streams,
    submitting,
    turns,
    warmth,
    watchers,
)
from benchmarks.figure import Figure
from benchmarks.machine import Machine, processor_time, this_machine
from benchmarks.page import page, table
from benchmarks.place import Place, place_on_disk

Scenario = Callable[[Place], Awaitable[list[Figure]]]

SCENARIOS: dict[str, Scenario] = {
    "submit-one": submitting.one_caller,
    "submit-many": submitting.many_callers,
    "slow-disk": slow_disk.slow_flushes,
    "drain": draining.drains,
    "two-processes": sharing.two_processes,
    "claim-depth": claiming.depths,
    "claim-groups": claiming.groups,
    "claim-accounts": claiming.accounts,
    "admission": mailboxes.admission,
    "claim-sessions": mailboxes.many_sessions,
    "session-start": conversations.starts,
    "steer": conversations.steers,
    "session-stop": conversations.stopping,
    "turn-share": turns.shares,
    "turn-warm": warmth.second_turns,
    "agent-streams": streams.streaming,
    "limit-trace": limits.trace,
    "graphs": graphs.wide,
    "latency": latency.dispatch,
    "programs": programs.short_programs,
    "output": programs.output,
    "http-submit": requests.submits,
    "http-reads": requests.reads,
    "http-watchers": watchers.watched,
    "http-sleepers": sleepers.sleeping,
    "http-tax": requests.tax,
    "recovery": recovering.recovery,
    "memory": recovering.memory,
}
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


class Results(msgspec.Struct, frozen=True):
    """A run's figures, the machine that they were taken on, and the share of it that the host kept back meanwhile."""

    machine: Machine
    stolen: float
    figures: list[Figure]


def main() -> int:
    """Run; the exit status says whether every goal was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[[], *SCENARIOS], help="default: all of them")
    parser.add_argument("--folder", help="where the data goes: a folder on a real disk (default: /var/tmp)")
    parser.add_argument("--json", type=Path, help="write the figures there as JSON")
    parser.add_argument("--from-json", type=Path, help="take the figures from there instead of measuring")
    parser.add_argument(
        "--page", action="store_true", help=f"write the results page {PAGE.relative_to(PAGE.parents[1])}"
    )
    options = parser.parse_args()
    if options.from_json:
        results = msgspec.json.decode(options.from_json.read_bytes(), type=Results)
    else:
        results = _measure(options.scenario or list(SCENARIOS), options.folder)
    encoded = msgspec.json.format(msgspec.json.encode(results), indent=1)
    if options.json:
        options.json.write_bytes(encoded)
    else:
        print(encoded.decode())
    print("\n" + table(results.figures))
    if options.page:
        PAGE.write_text(page(results.machine, results.stolen, results.figures), encoding="utf-8")
    return int(any(figure.missed for figure in results.figures))


def _measure(names: list[str], folder: str | None) -> Results:
    figures: list[Figure] = []
    with place_on_disk(folder) as place:
        machine, before = this_machine(place.folder), processor_time()
        for name in names:
            began = time.monotonic()
            figures += asyncio.run(SCENARIOS[name](place))  # type: ignore[arg-type]
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return Results(machine, processor_time().stolen_since(before), figures)


if __name__ == "__main__":
    raise SystemExit(main())
