"""The table of what agents were seen to do, from what the conformance suite has kept."""

import json
from pathlib import Path
from typing import Any

from scripts.pages.markdown import table
from taxiway.testing.agent_conformance.cases import Case

RECORD = Path(__file__).resolve().parents[2] / "docs" / "agent-conformance.json"


def agent_conformance() -> str:
    """Rows are cases, columns agents; why one cannot stands below, by number."""
    columns: dict[str, dict[str, Any]] = json.loads(RECORD.read_text("utf-8"))
    heads = ["case", *(f"{name} {column['version']}" for name, column in columns.items())]
    reasons: dict[str, int] = {}
    rows = [["tried on", *(column["date"] for column in columns.values())]]
    for case in Case:
        rows.append([case.value, *(_shown(column["cells"][case.name], reasons) for column in columns.values())])
    notes = "\n".join(f"{number}. {reason}" for reason, number in reasons.items())
    return f"{table(heads, rows)}\n\n{notes}"


def _shown(cell: dict[str, str], reasons: dict[str, int]) -> str:
    [(word, reason)] = cell.items()
    if not reason:
        return word
    number = reasons.setdefault(reason, len(reasons) + 1)
    return f"{'not tried' if word == 'untried' else word} ({number})"
