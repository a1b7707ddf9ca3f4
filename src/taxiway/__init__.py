"""Taxiway: a durable scheduler and control plane for AI agent runs."""

from taxiway.app import Settings as Settings
from taxiway.app import Taxiway as Taxiway
from taxiway.app import open as open
from taxiway.app import open_sync as open_sync
from taxiway.client.handle import TaskHandle as TaskHandle
from taxiway.core.errors import Ambiguous as Ambiguous
from taxiway.core.errors import Conflict as Conflict
from taxiway.core.errors import Error as Error
from taxiway.core.errors import Forbidden as Forbidden
from taxiway.core.errors import Full as Full
from taxiway.core.errors import Gap as Gap
from taxiway.core.errors import IdempotencyMismatch as IdempotencyMismatch
from taxiway.core.errors import IllegalTransition as IllegalTransition
from taxiway.core.errors import Invalid as Invalid
from taxiway.core.errors import LeaseLost as LeaseLost
from taxiway.core.errors import NotFound as NotFound
from taxiway.core.errors import Unavailable as Unavailable
from taxiway.core.event import Event as Event
from taxiway.core.event import EventType as EventType
from taxiway.core.run import Run as Run
from taxiway.core.task import Reason as Reason
from taxiway.core.task import Task as Task
from taxiway.core.task import TaskState as TaskState
from taxiway.jobs import current_run as current_run
from taxiway.jobs import job as job
from taxiway.planfile import read_plan as read_plan
from taxiway.store.protocol import TaskFilter as TaskFilter

__version__ = "0.1.0"
