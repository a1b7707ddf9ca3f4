"""The simulator as a program: `python -m tests.simulation --schedules N --seed S`, or `--mutants`, or `--replay SEED`.

The last line printed is a JSON object; the exit status is 1 when an invariant broke or a planted bug was not found.
"""

import argparse
import json
import sys
import time

from taxiway.testing.simulator.report import explain
from tests.simulation.garden import Mutant, simulate
from tests.simulation.mutants import MUTANTS

TRIES_MAX = 1_000


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description="Seeded schedules of whole systems."
    )
    parser.add_argument("--schedules", type=int, default=1_000, help="how many schedules (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; the others follow it")
    parser.add_argument("--mutants", action="store_true", help="plant every bug, and count the schedules that find it")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run one seed and tell all of it")
    parser.add_argument("--planted", metavar="NAME", help="with --replay: with this bug planted")
    arguments = parser.parse_args()
    named = {mutant.__name__: mutant for mutant in MUTANTS}
    if arguments.replay is not None:
        return replay(arguments.replay, named[arguments.planted] if arguments.planted else None)
    if arguments.mutants:
        return hunt(arguments.seed)
    return survey(arguments.seed, arguments.schedules)


def replay(seed: int, mutant: Mutant | None) -> int:
    """Tell one schedule whole."""
    report = simulate(seed, mutant)
    for note in report.notes:
        print(f"{note.at_s:10.3f}  {note.who:20}  {note.what}")
    print(explain(report, command(seed, mutant)))
    print(json.dumps({"seed": seed, "violations": len(report.violations), "digest": report.digest}))
    return 0 if report.held else 1


def survey(first: int, schedules: int) -> int:
    """Run many schedules; every one must hold."""
    began, broken, virtual_s = time.monotonic(), 0, 0.0
    totals: dict[str, int] = {}
    for seed in range(first, first + schedules):
        report = simulate(seed)
        virtual_s += report.virtual_s
        for name, count in report.counts.items():
            totals[name] = totals.get(name, 0) + count
        if not report.held:
            broken += 1
            print(explain(report, command(seed, None)), flush=True)
    seconds = time.monotonic() - began
    shown = {"schedules": schedules, "violations": broken, "virtual hours": round(virtual_s / 3600, 1)}
    print(json.dumps({**shown, "schedules a second": round(schedules / seconds, 1), **totals}))
    return 1 if broken else 0


def hunt(first: int) -> int:
    """Plant each bug and look how many schedules it takes to find it."""
    found: dict[str, int | str] = {}
    for mutant in MUTANTS:
        tries = tries_until_found(mutant, first, TRIES_MAX)
        found[mutant.__name__] = tries or "not found"
        print(f"{mutant.__name__}: {f'found by schedule {tries}' if tries else 'NOT FOUND'}", flush=True)
    missed = sum(1 for tries in found.values() if tries == "not found")
    most = max((tries for tries in found.values() if isinstance(tries, int)), default=0)
    print(json.dumps({"mutants": len(found), "missed": missed, "most schedules": most}))
    return 1 if missed else 0


def tries_until_found(mutant: Mutant, first: int, most: int) -> int | None:
    """How many schedules it took to find a bug, or ``None``."""
    for tries in range(1, most + 1):
        report = simulate(first + tries - 1, mutant)
        if not report.held:
            violation = report.violations[0]
            print(f"  {violation.invariant}: {violation.text}", flush=True)
            return tries
    return None


def command(seed: int, mutant: Mutant | None) -> str:
    """How to see a schedule again."""
    planted = f" --planted {mutant.__name__}" if mutant else ""
    return f"{sys.executable} -m tests.simulation --replay {seed}{planted}"


if __name__ == "__main__":
    sys.exit(main())
