"""References to secrets: what bears a secret's name holds a reference, never a value (semantics, "Configuration")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from taxiway.core.errors import Invalid, Problem
from taxiway.core.task import TaskSpec
from taxiway.core.template import has_placeholder

REFERENCE: Final = "secret://"  #: followed by the secret's name


def literal_secrets(spec: TaskSpec, declared: Mapping[str, str]) -> list[Problem]:
    """Variables in a task's ``env`` that belong to a secret (``declared``: its name by variable) and hold a text.

    The empty text hides nothing, and what a placeholder takes of another task has been scrubbed. No value stands in a
    problem.
    """
    return [
        Problem(
            f"belongs to the declared secret '{declared[variable]}', so no value of it is written into a task",
            f"env.{variable}",
            hint=f"write {REFERENCE}{declared[variable]}",
        )
        for variable, value in spec.env.items()
        if variable in declared and value and not _refers(value, spec.template)
    ]


def _refers(value: str, template: bool) -> bool:
    return value.startswith(REFERENCE) or (template and has_placeholder(value))


def secret_in(value: str, secrets: Mapping[str, str]) -> str:
    """The value of a variable, which may name one of the runner's secrets. Raises ``Invalid`` where there is none."""
    name = value.removeprefix(REFERENCE)
    if name == value:
        return value
    if name not in secrets:
        raise Invalid(f"there is no secret '{name}' on this runner; declare it under [secrets] in its configuration")
    return secrets[name]
