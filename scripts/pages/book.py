"""Which pages there are, and which generated part is written by what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scripts.pages import commands, conformance, evidence, http, interface, observing, reference, states
from scripts.pages.markdown import Part, rewritten

ROOT: Final = Path(__file__).resolve().parents[2]

PARTS: Final[Mapping[str, Part]] = {
    "task-states": states.task_states,
    "task-drawing": states.task_drawing,
    "task-moves": states.task_moves,
    "reasons": states.reasons,
    "run-states": states.run_states,
    "run-drawing": states.run_drawing,
    "run-moves": states.run_moves,
    "queue-states": states.queue_states,
    "queue-drawing": states.queue_drawing,
    "queue-moves": states.queue_moves,
    "dependencies": states.dependencies,
    "attempts": states.attempts,
    "failure-classes": states.failure_classes,
    "prices": reference.prices,
    "obstacles": states.obstacles,
    "events": reference.events,
    "error-codes": reference.error_codes,
    "bounds": reference.bounds,
    "settings": reference.settings,
    "plan-fields": reference.plan_fields,
    "task-fields": reference.task_fields,
    "python-names": interface.names,
    "python-functions": interface.functions,
    "store-verbs": interface.store_verbs,
    "task-verbs": interface.task_verbs,
    "session-verbs": interface.session_verbs,
    "records": interface.records,
    "commands": commands.overview,
    "command-details": commands.details,
    "global-options": commands.global_options,
    "http-server": http.server,
    "http-run-tokens": http.reach,
    **http.tables(),
    "evidence": evidence.evidence,
    "metrics-counted": observing.counted_metrics,
    "metrics-looked-up": observing.looked_up_metrics,
    "metrics-bounds": observing.histogram_bounds,
    "moments": observing.moments,
    "agent-conformance": conformance.agent_conformance,
    "fix-and-review": lambda: example("fix-and-review.yaml"),
}


def example(name: str) -> str:
    """A file of ``examples/``, as a block that a story writes down."""
    return f"```yaml file={name}\n{(ROOT / 'examples' / name).read_text('utf-8')}```"


def pages() -> list[Path]:
    """Every page for readers: those at the top, and those in ``docs``."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")])


def fresh(page: Path) -> str:
    """A page with its generated parts as the code has them now."""
    return rewritten(page.read_text("utf-8"), PARTS)
