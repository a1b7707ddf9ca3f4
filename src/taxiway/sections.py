"""The sections of a configuration: what can be set in each, and what holds where nothing is said."""

from __future__ import annotations

import msgspec

from taxiway.core.approval import EXPIRES_S, ApprovalPolicy, Rule
from taxiway.core.limits import CANCEL_GRACE_S, RUN_OUTPUT_BYTES_MAX, TERM_GRACE_S
from taxiway.core.logging import LogFormat, LogLevel
from taxiway.core.policy import Drop, MailboxPolicy, Mode
from taxiway.core.tenant import DEFAULT_TENANT


class StoreSection(msgspec.Struct, frozen=True):
    """``path``: the store's file, or ``sqlite:///path``; ``tenant``: whose everything is that is done with it."""

    path: str
    tenant: str = DEFAULT_TENANT


class RunnerSection(msgspec.Struct, frozen=True):
    """``slots``: runs at once. A run that is to end is asked, gets SIGTERM after ``ask_grace`` seconds, and SIGKILL
    ``term_grace`` seconds later."""

    slots: int
    ask_grace: float = CANCEL_GRACE_S
    term_grace: float = TERM_GRACE_S


class DefaultsSection(msgspec.Struct, frozen=True):
    """What a task that says nothing gets: ``timeout`` (of a run) and ``idle_timeout`` (of its silence; of an agent's,
    ``agent_idle_timeout``) in seconds, and the ``agent`` that works on a prompt."""

    timeout: float | None = 3600.0
    idle_timeout: float | None = None
    agent: str | None = None
    agent_idle_timeout: float | None = None


class LimitsSection(msgspec.Struct, frozen=True):
    """``run_output_bytes``: how much output of one run is stored; what is more is drained and counted. ``processes``:
    how many processes of agents a runner may have at once (``None``: twice its slots)."""

    run_output_bytes: int = RUN_OUTPUT_BYTES_MAX
    processes: int | None = None


class MailboxSection(msgspec.Struct, frozen=True):
    """What the mailbox of a new session does; durations in seconds. ``max_debounce_wait`` left out: 2 s or four times
    the debounce, whichever is longer."""

    mode: Mode = Mode.QUEUE
    cap: int = MailboxPolicy().cap
    drop: Drop = Drop.NEW
    debounce: float = 0.0
    max_debounce_wait: float | None = None
    max_concurrent: int = 1

    @property
    def policy(self) -> MailboxPolicy:
        """The same as a policy."""
        return MailboxPolicy(
            mode=self.mode,
            cap=self.cap,
            drop=self.drop,
            debounce_s=self.debounce,
            max_debounce_wait_s=self.max_debounce_wait,
            max_concurrent=self.max_concurrent,
        )


class ApprovalsSection(msgspec.Struct, frozen=True):
    """What a runner does when an agent asks for a permission, by the access of its task: ``ask`` a person, ``allow`` or
    ``deny``. ``expires``: how long a person has for an answer, in seconds; then it counts as denied."""

    analysis: Rule = ApprovalPolicy().analysis
    write: Rule = ApprovalPolicy().write
    auto: Rule = ApprovalPolicy().auto
    expires: float | None = EXPIRES_S

    @property
    def policy(self) -> ApprovalPolicy:
        """The same as a policy."""
        return ApprovalPolicy(analysis=self.analysis, write=self.write, auto=self.auto, expires_s=self.expires)


class ServerSection(msgspec.Struct, frozen=True):
    """Where ``taxiway up`` listens. ``hosts`` are further names by which it may be called, ``insecure`` lets it listen
    off loopback without TLS, ``metrics_open`` lets everybody who reaches it on loopback read ``/metrics``. ``traces``
    hands spans of runs, turns and tools to OpenTelemetry (the extra ``taxiway[otel]``). ``open_tasks``: how many tasks
    of a tenant may be open at once when it submits more over HTTP; a plan is admitted whole."""

    host: str = "127.0.0.1"
    port: int = 8787
    hosts: tuple[str, ...] = ()
    insecure: bool = False
    metrics_open: bool = False
    traces: bool = False
    open_tasks: int = 10_000


class LogSection(msgspec.Struct, frozen=True):
    """The log that ``taxiway up`` writes to standard error: ``format`` is ``text`` or ``json``, one object a line;
    what is less than ``level`` is left out."""

    format: LogFormat = LogFormat.TEXT
    level: LogLevel = LogLevel.INFO
