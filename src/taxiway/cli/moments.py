"""What the engine notices beside the work, told to whoever sits at the command line."""

from __future__ import annotations

from typing import Any

from taxiway.cli.output import note
from taxiway.cli.safe import safe_line
from taxiway.core.ids import short_id


def tell(moment: str, **facts: Any) -> None:
    """Say the moments that a person should know of; all others are the business of logs and metrics."""
    match moment:
        case "runner.lost":
            note(
                f"runner {short_id(str(facts.get('runner')))} is gone ({facts.get('why')}); what it ran is queued again"
            )
        case "tree.uncertain":
            run = short_id(str(facts.get("run")))
            note(f"a process of run {run} may be left ({safe_line(str(facts.get('why')))}); see 'taxiway orphans'")
        case "service.failed":
            note(f"{facts.get('service')} stumbled and goes on: {safe_line(str(facts.get('error')))}")
        case _:
            pass
