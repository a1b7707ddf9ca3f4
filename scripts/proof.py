"""Runs the long evidence in stages, keeps what each one showed, and writes docs/proof.md from that.

A stage has one or more parts. Each part that passed is recorded in the state folder and is not run again, so an
interrupted proof goes on with what is missing; a part that failed is run again. `--fresh` forgets everything first.

What a part showed is the last line of its output that is a JSON object (`{"schedules": 1000, "violations": 0}`), or
else pytest's closing line.
"""

import argparse
import json
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q", "-m", "proof")
AGENTS = "codex claude gemini opencode"
ALL_AGENTS = f'scripts/agents {AGENTS} && MUST_HAVE_AGENTS="{AGENTS}" exec "$@"'
SIMULATOR = (PYTHON, "-m", "tests.simulation")


@dataclass(frozen=True)
class Stage:
    """One kind of evidence: what it shows, and the command for one part of it (``{seed}`` is that part's seed)."""

    name: str
    shows: str
    command: tuple[str, ...]
    parts: int = 1


# stage -> command. PROOF_SEED in the environment is the part's seed too, for tests that draw their own moments.
STAGES = (
    Stage(
        "kills",
        "kill -9 at random moments of a running plan, then run again",
        (*PYTEST, "tests/faults", "--ignore=tests/faults/test_server_kills.py"),
    ),
    Stage(
        "server-kills",
        "kill -9 of the server under clients with keys and watchers",
        (*PYTEST, "tests/faults/test_server_kills.py"),
    ),
    Stage(
        "contract",
        "whatever HTTP allows and forbids, sent to a server, and bytes that are no HTTP",
        (*PYTEST, "tests/server"),
    ),
    Stage(
        "schedules",
        "seeded schedules of the simulator",
        (*SIMULATOR, "--schedules", "1000", "--seed", "{seed}"),
        parts=3,
    ),
    Stage("mutants", "planted bugs that the simulator must find", (*SIMULATOR, "--mutants", "--seed", "{seed}")),
    Stage(
        "walks",
        "long random walks beside models, and processes on one file",
        (*PYTEST, "tests/store", "tests/property"),
    ),
    Stage(
        "agents",
        "every real agent CLI that we know, against the stub model",
        ("bash", "-c", ALL_AGENTS, "agents", PYTHON, "-m", "pytest", "-q", "-m", "agents", "tests"),
    ),
)

Record = dict[str, Any]


class Evidence:
    """The state folder: one JSON record and one log for each part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def record(self, stage: Stage, part: int) -> Record | None:
        """What is known about a part, or None."""
        path = self.folder / f"{stage.name}-{part}.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else None

    def keep(self, stage: Stage, part: int, record: Record) -> None:
        """Write a record whole or not at all: a kill in between leaves the part to be run again."""
        path = self.folder / f"{stage.name}-{part}.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        draft.replace(path)

    def run(self, stage: Stage, part: int) -> Record:
        """Run one part and keep what it showed."""
        seed = secrets.randbelow(1 << 31)
        command = [word.replace("{seed}", str(seed)) for word in stage.command]
        log = self.folder / f"{stage.name}-{part}.log"
        started = time.monotonic()
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PROOF_SEED": str(seed)},
                check=False,
            )
        record: Record = {
            "passed": done.returncode == 0,
            "showed": shown(log.read_text("utf-8", "replace")),
            "seed": seed,
            "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "seconds": round(time.monotonic() - started, 1),
            "commit": commit(),
        }
        self.keep(stage, part, record)
        return record


def shown(output: str) -> str:
    """What an output shows: its last JSON object as words, else pytest's closing line, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("{") and line.endswith("}"):
            try:
                return ", ".join(f"{name} {value}" for name, value in json.loads(line).items())
            except ValueError:
                continue
    for line in reversed(lines):
        if re.search(r"\d+ (passed|failed|error|deselected)|no tests ran", line):
            return line.strip("= ")
    return lines[-1][:200] if lines else "nothing"


def commit() -> str:
    """The commit that was proven, with a + when files were changed since."""
    named = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=False).stdout
    others = [line for line in changed.splitlines() if not line.endswith("docs/proof.md")]
    return (named.stdout.strip() or "no commit") + ("+" if others else "")


def page(evidence: Evidence, stages: tuple[Stage, ...]) -> str:
    """docs/proof.md: every part, also those that failed or are missing."""
    rows = []
    for stage in stages:
        for part in range(1, stage.parts + 1):
            name = stage.name if stage.parts == 1 else f"{stage.name} {part}/{stage.parts}"
            record = evidence.record(stage, part)
            if record is None:
                rows.append(f"| {name} | {stage.shows} | not run yet | | | | |")
                continue
            verdict = "passed" if record["passed"] else "**failed**"
            showed = str(record["showed"]).replace("|", "\\|")
            rows.append(
                f"| {name} | {stage.shows} | {verdict}: {showed} | {record['at']} | {record['seconds']} s "
                f"| {record['seed']} | {record['commit']} |"
            )
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    )
    return PAGE.format(machine=machine, rows="\n".join(rows))


PAGE = """# Proof

Written by `scripts/proof`; do not edit. Each row is one run of the long evidence: the tests marked `proof`, the
simulator's schedules, the planted bugs. A `+` after a commit says that files were changed in the working tree. A tenth
of it runs in `scripts/test` with every change.

Machine: {machine}.

| stage | what | what it showed | when | took | seed | commit |
|---|---|---|---|---|---|---|
{rows}
"""


def prove(evidence: Evidence, stages: tuple[Stage, ...]) -> bool:
    """Run every part that has not passed yet; whether all have passed now."""
    all_passed = True
    for stage in stages:
        for part in range(1, stage.parts + 1):
            record = evidence.record(stage, part)
            if record is not None and record["passed"]:
                print(
                    f"{stage.name} {part}/{stage.parts}: passed before, {record['at']}, commit {record['commit']}",
                    flush=True,
                )
                continue
            print(f"{stage.name} {part}/{stage.parts}: {stage.shows} …", flush=True)
            record = evidence.run(stage, part)
            verdict = "passed" if record["passed"] else f"FAILED (see {evidence.folder}/{stage.name}-{part}.log)"
            print(f"  {verdict} in {record['seconds']} s: {record['showed']}", flush=True)
            all_passed = all_passed and record["passed"]
    return all_passed


def main() -> int:
    """Read the arguments, prove, write the page. Exit status 1 when something failed."""
    names = [stage.name for stage in STAGES]
    parser = argparse.ArgumentParser(
        prog="scripts/proof", description="Runs the long evidence; goes on where it stopped."
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"only these: {', '.join(names)}")
    parser.add_argument("--fresh", action="store_true", help="forget what has passed before and run all of it")
    parser.add_argument("--state", type=Path, default=Path(".proof"), help="the state folder (default .proof)")
    arguments = parser.parse_args()
    if unknown := set(arguments.stages) - set(names):
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    if arguments.fresh and arguments.state.exists():
        shutil.rmtree(arguments.state)
    evidence = Evidence(arguments.state)
    passed = prove(evidence, tuple(stage for stage in STAGES if stage.name in (arguments.stages or names)))
    target = Path("docs/proof.md")
    target.parent.mkdir(exist_ok=True)
    target.write_text(page(evidence, STAGES), "utf-8")
    print(f"Written: {target}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
