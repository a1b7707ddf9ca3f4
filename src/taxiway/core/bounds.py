"""What a run may ask for in its turn: as much as it may itself, and no more (reliability 4.5).

Only what leaves the task's own hands is bounded here: a run that may do anything where it is (a command, an agent with
access ``auto``) is not kept from anything by what its children there are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from taxiway.core.agent import Access
from taxiway.core.errors import Forbidden
from taxiway.core.secretrefs import REFERENCE
from taxiway.core.task import TaskSpec
from taxiway.core.template import has_placeholder

_WIDTH: Final = {Access.ANALYSIS: 0, Access.WRITE: 1, Access.AUTO: 2}
_PLACE: Final = ("cwd", "workspace")  #: where an agent with bounds works, its children work


class Bounds(msgspec.Struct, frozen=True):
    """Who asks: a live ``run`` of the task ``task``, whose ``spec`` is what it may do itself."""

    run: str
    task: str
    spec: TaskSpec

    @property
    def access(self) -> Access:
        """What its agent may do; anything, where it is no agent."""
        return self.spec.access if self.spec.prompt is not None else Access.AUTO

    def filled(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of a task with what they leave open and its parent has bounds for. Keys are its own: another's key
        leads to another's work."""
        mine = dict(fields)
        key, own = mine.get("idempotency_key"), f"{self.task}:"
        if isinstance(key, str) and not key.startswith(own):
            mine["idempotency_key"] = own + key
        mine.setdefault("queue", self.spec.queue)
        mine.setdefault("lane", self.spec.lane)
        if self.spec.priority < 0:
            mine.setdefault("priority", self.spec.priority)
        if mine.get("prompt") is None:
            return mine
        if self.spec.budget is not None:
            limits = {"usd": self.spec.budget.usd, "tokens": self.spec.budget.tokens, "wall_s": self.spec.budget.wall_s}
            mine.setdefault("budget", {name: value for name, value in limits.items() if value is not None})
        if self.access is not Access.AUTO:
            mine.setdefault("access", str(self.access))
            for name in _PLACE:
                if getattr(self.spec, name) is not None:
                    mine.setdefault(name, msgspec.to_builtins(getattr(self.spec, name)))
        return mine

    def check(self, child: TaskSpec) -> None:
        """Raises ``Forbidden`` with what goes beyond."""
        for fault in (_of_place(self.spec, child), _of_secrets(self.spec, child), _of_budget(self.spec, child)):
            if fault is not None:
                raise Forbidden(f"a run asks for no more than it may itself: {fault}", run=self.run)
        if self.access is not Access.AUTO and (fault := _of_access(self.spec, child)) is not None:
            raise Forbidden(f"a run with access {self.access} asks for no more than that: {fault}", run=self.run)


def _of_place(own: TaskSpec, child: TaskSpec) -> str | None:
    """Its place in line, and the sessions that it speaks in. Queues and lanes are what runners are told apart by: by
    another one it would get to a machine that is not for it."""
    for name in ("queue", "lane"):
        if getattr(child, name) != getattr(own, name):
            return f"its {name} is '{getattr(own, name)}'"
    if child.job is not None:
        return "a job is a function of the runner's own, and not for runs to call"
    if child.priority > own.priority:
        return f"its priority is {own.priority}, and {child.priority} goes before it"
    if child.session is not None and child.session != own.session:
        return "it speaks in its own session, and in no other"
    return None if child.mailbox is None else "the policy of a mailbox is not for it to change"


def _of_secrets(own: TaskSpec, child: TaskSpec) -> str | None:
    """Secrets that its own task does not name. What a placeholder brings could name one."""
    for variable, value in child.env.items():
        if child.template and has_placeholder(value):
            return f"env.{variable} has a placeholder in it"
        if value.startswith(REFERENCE) and value not in own.env.values():
            return f"env.{variable} names a secret that its own task does not"
    token = None if child.workspace is None else child.workspace.token
    if token is not None and (own.workspace is None or token != own.workspace.token):
        return "workspace.token names a secret that its own task does not"
    return None


def _of_budget(own: TaskSpec, child: TaskSpec) -> str | None:
    if own.budget is None or child.prompt is None:
        return None
    for name in ("usd", "tokens", "wall_s"):
        most, asked = getattr(own.budget, name), getattr(child.budget, name, None)
        if most is not None and (asked is None or asked > most):
            return f"its budget.{name} is {most:g}"
    return None


def _of_access(own: TaskSpec, child: TaskSpec) -> str | None:
    """An agent that may not do everything asks for agents that may do no more, in the place where it works."""
    if child.prompt is None:
        return f"a {child.kind} is not bound by it"
    if _WIDTH[child.access] > _WIDTH[own.access]:
        return f"access {child.access} is more"
    if child.accept is not None:
        return "accept runs commands"
    for name in _PLACE:
        if getattr(child, name) != getattr(own, name):
            return f"{name} is another one than its own"
    if not child.env.items() <= own.env.items():
        return "env has variables that its own task does not have"
    return None
