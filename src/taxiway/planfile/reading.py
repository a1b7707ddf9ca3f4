"""A plan file becomes a checked plan, or every problem in it at once, each with its line.

``read_plan`` reads as the story of that: text, document, overrides, drafts of tasks, checks between them, specs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from taxiway.core.errors import Invalid, Problem
from taxiway.core.plan import Plan
from taxiway.core.policy import MailboxPolicy
from taxiway.planfile.document import Document
from taxiway.planfile.drafting import Drafting, House
from taxiway.planfile.project import project_of
from taxiway.planfile.text import queue_name, read_document


def read_plan(
    path: Path | str,
    *,
    overrides: Sequence[str] = (),
    lanes: Collection[str] = frozenset(),
    agent: str | None = None,
    mailbox: MailboxPolicy | None = None,
) -> Plan:
    """The plan in a YAML, TOML or JSON file, checked whole.

    ``overrides`` are ``--set`` pairs such as ``tasks.lint.timeout=5m``; ``lanes`` are the store-wide lanes that exist
    (``main`` always does); ``agent`` works on prompts that name nobody, and ``mailbox`` is the policy of sessions that
    do not say another one (the configuration's, where there is one). Raises ``Invalid`` with every problem: file, line,
    column, field, and what would be right.
    """
    source = Path(path)
    document = read_document(source)
    house = House(frozenset(lanes), agent, mailbox or MailboxPolicy())
    drafting = Drafting(document, str(source), source.resolve().parent, house)
    parts = drafting.read(queue_name(source), overrides)
    if drafting.problems:
        raise refusal(str(source), drafting.problems)
    return Plan(
        queue=parts.queue,
        project=project_of(source),
        source=str(source.resolve()),
        tasks=tuple(parts.tasks),
        slots=parts.slots,
        lanes=parts.lanes,
        sessions=tuple(parts.sessions.values()),
    )


def plan_of(value: Any, queue: str, folder: Path, house: House) -> Plan:
    """The plan that a document means, as a plan file's that is named after ``queue`` and lies in ``folder``."""
    name = queue_name(Path(queue))
    drafting = Drafting(Document(value, _nowhere), name, folder, house)
    parts = drafting.read(name, ())
    if drafting.problems:
        raise refusal(name, drafting.problems)
    return Plan(
        queue=parts.queue,
        project=project_of(folder),
        source=name,
        tasks=tuple(parts.tasks),
        slots=parts.slots,
        lanes=parts.lanes,
        sessions=tuple(parts.sessions.values()),
    )


def _nowhere(path: object) -> None:  # noqa: ARG001  (a value that was not read from a text has no places)
    return None


def refusal(file: str, problems: Sequence[Problem]) -> Invalid:
    """The error that carries them all, in the order of the file."""
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    count = "1 problem" if len(ordered) == 1 else f"{len(ordered)} problems"
    return Invalid(f"{file} is no plan that can run: {count}", ordered)
