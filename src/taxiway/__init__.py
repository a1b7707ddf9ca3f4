"""Taxiway: a durable scheduler and control plane for AI agent runs.

A name is loaded when it is first used: the command line imports this package too, and should not pay for all of it.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take this name for true; typing itself need not be loaded for it

if TYPE_CHECKING:
    from taxiway.app import Settings as Settings
    from taxiway.app import Taxiway as Taxiway
    from taxiway.app import open as open
    from taxiway.app import open_sync as open_sync
    from taxiway.client.connecting import connect as connect
    from taxiway.client.connecting import connect_sync as connect_sync
    from taxiway.client.handle import TaskHandle as TaskHandle
    from taxiway.client.session import Sent as Sent
    from taxiway.client.session import SessionHandle as SessionHandle
    from taxiway.core.approval import Approval as Approval
    from taxiway.core.approval import ApprovalPolicy as ApprovalPolicy
    from taxiway.core.approval import ApprovalState as ApprovalState
    from taxiway.core.errors import Ambiguous as Ambiguous
    from taxiway.core.errors import Archived as Archived
    from taxiway.core.errors import Conflict as Conflict
    from taxiway.core.errors import Error as Error
    from taxiway.core.errors import Exists as Exists
    from taxiway.core.errors import Forbidden as Forbidden
    from taxiway.core.errors import Full as Full
    from taxiway.core.errors import Gap as Gap
    from taxiway.core.errors import IdempotencyMismatch as IdempotencyMismatch
    from taxiway.core.errors import IllegalTransition as IllegalTransition
    from taxiway.core.errors import Invalid as Invalid
    from taxiway.core.errors import LeaseLost as LeaseLost
    from taxiway.core.errors import NoConversation as NoConversation
    from taxiway.core.errors import NotFound as NotFound
    from taxiway.core.errors import NotPending as NotPending
    from taxiway.core.errors import NoTurn as NoTurn
    from taxiway.core.errors import Refused as Refused
    from taxiway.core.errors import Unavailable as Unavailable
    from taxiway.core.event import Event as Event
    from taxiway.core.event import EventPage as EventPage
    from taxiway.core.event import EventType as EventType
    from taxiway.core.policy import MailboxPolicy as MailboxPolicy
    from taxiway.core.run import Run as Run
    from taxiway.core.session import Receipt as Receipt
    from taxiway.core.session import Session as Session
    from taxiway.core.task import Reason as Reason
    from taxiway.core.task import Task as Task
    from taxiway.core.task import TaskState as TaskState
    from taxiway.jobs import current_run as current_run
    from taxiway.jobs import job as job
    from taxiway.planfile.reading import read_plan as read_plan
    from taxiway.store.protocol import TaskFilter as TaskFilter

__version__ = "0.1.0"

#: Every public name by the module that holds it; what type checkers read stands above.
HOMES = {
    "taxiway.app": ("Settings", "Taxiway", "open", "open_sync"),
    "taxiway.client.connecting": ("connect", "connect_sync"),
    "taxiway.client.handle": ("TaskHandle",),
    "taxiway.client.session": ("Sent", "SessionHandle"),
    "taxiway.core.approval": ("Approval", "ApprovalPolicy", "ApprovalState"),
    "taxiway.core.errors": (
        "Ambiguous",
        "Archived",
        "Conflict",
        "Error",
        "Exists",
        "Forbidden",
        "Full",
        "Gap",
        "IdempotencyMismatch",
        "IllegalTransition",
        "Invalid",
        "LeaseLost",
        "NoConversation",
        "NotFound",
        "NotPending",
        "NoTurn",
        "Refused",
        "Unavailable",
    ),
    "taxiway.core.event": ("Event", "EventPage", "EventType"),
    "taxiway.core.policy": ("MailboxPolicy",),
    "taxiway.core.run": ("Run",),
    "taxiway.core.session": ("Receipt", "Session"),
    "taxiway.core.task": ("Reason", "Task", "TaskState"),
    "taxiway.jobs": ("current_run", "job"),
    "taxiway.planfile.reading": ("read_plan",),
    "taxiway.store.protocol": ("TaskFilter",),
}
__all__ = sorted(name for names in HOMES.values() for name in names)


def __getattr__(name: str) -> object:
    """The module attribute that is wanted for the first time (PEP 562)."""
    for home, names in HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module 'taxiway' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
