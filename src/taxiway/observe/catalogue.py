"""Every metric that there is: its name, kind, labels and meaning. The page of metrics is made of this."""

from __future__ import annotations

from http import HTTPMethod
from typing import Final

from taxiway.core.account import Phase
from taxiway.core.approval import ApprovalState
from taxiway.core.change import ChangeKind
from taxiway.core.providerlimit import LimitKind
from taxiway.core.queue import QueueState
from taxiway.core.run import RunState, StopCause
from taxiway.core.task import Reason, TaskState
from taxiway.observe.instruments import Kind, Label, Metric

RUNNER_STATES: Final = frozenset({"live", "draining", "lost", "gone"})
OUTCOMES: Final = frozenset({"completed", "failed", "cancelled", "deferred", "limited", "released", "lost"})
OF_SESSIONS_AND_TOKENS: Final = frozenset(
    {"idle", "set", "archived", "running", "terminal", "made", "revoked", "removed"}
)
STATES: Final = OF_SESSIONS_AND_TOKENS.union(TaskState, QueueState, ApprovalState, Phase, RUNNER_STATES)
ROUTES_MAX: Final = 1_000  #: more than there are
METHODS: Final = frozenset({*map(str, HTTPMethod), "WEBSOCKET"})

WORK: Final = Label("work", "`agent`, `job` or `program`", frozenset({"agent", "job", "program"}))
LANE: Final = Label("lane", "the lane")
AGENT: Final = Label("agent", "the agent, as it is configured")
REASON: Final = Label("reason", "why, one of the closed set of reasons", frozenset(map(str, Reason)))
ROUTE: Final = Label("route", "the route's template, as `/v1/tasks/{task}`; `other` for what is none", most=ROUTES_MAX)
METHOD: Final = Label("method", "the method; `WEBSOCKET` for a connection of that kind", METHODS)


def _of(label: str, meaning: str, values: frozenset[str]) -> Label:
    return Label(label, meaning, values)


CHANGES: Final = Metric(
    "taxiway_changes_total",
    Kind.COUNTER,
    "What became what, in the whole store, whoever did it: lines of the change log since this server began.",
    (
        _of("kind", "what changed", frozenset(map(str, ChangeKind))),
        _of("state", "the state that it came into", STATES),
        REASON,
    ),
)
CLAIM_WAIT: Final = Metric(
    "taxiway_claim_wait_seconds",
    Kind.HISTOGRAM,
    "How long tasks that this process claimed could have run before.",
    (LANE,),
)
RUN_SECONDS: Final = Metric(
    "taxiway_run_seconds", Kind.HISTOGRAM, "How long runs of this process took, from claim to stored outcome.", (WORK,)
)
RUNS_FINISHED: Final = Metric(
    "taxiway_runs_finished_total",
    Kind.COUNTER,
    "Runs of this process that ended.",
    (WORK, _of("outcome", "how the run ended", OUTCOMES), REASON),
)
RUNS_STOPPED: Final = Metric(
    "taxiway_runs_stopped_total",
    Kind.COUNTER,
    "Runs of this process that were told to stop.",
    (_of("cause", "why", frozenset(map(str, StopCause))),),
)
RUNS_SETTLED: Final = Metric(
    "taxiway_runs_settled_total", Kind.COUNTER, "Runs of dead runners that this process settled."
)
RUNNERS_LOST: Final = Metric("taxiway_runners_lost_total", Kind.COUNTER, "Runners that this process found dead.")
LEASES_LOST: Final = Metric("taxiway_leases_lost_total", Kind.COUNTER, "Runs, or the runner, that others took over.")
TREES_UNCERTAIN: Final = Metric(
    "taxiway_trees_uncertain_total", Kind.COUNTER, "Times that it could not be proven that nothing of a tree is left."
)
SERVICE_FAILURES: Final = Metric(
    "taxiway_service_failures_total",
    Kind.COUNTER,
    "Steps of a service that failed and are tried again.",
    (Label("service", "which part of the engine"),),
)
STORE_FAILURES: Final = Metric("taxiway_store_failures_total", Kind.COUNTER, "Times that the store failed for good.")
TURNS: Final = Metric(
    "taxiway_turns_total",
    Kind.COUNTER,
    "Turns of agents that ended.",
    (
        AGENT,
        _of(
            "end",
            "`completed`, `interrupted`, `died`, `aborted`, a reason, or the cause of a stop",
            frozenset(
                {"completed", "interrupted", "died", "aborted", *map(str, Reason), *map(str, StopCause)},
            ),
        ),
    ),
)
TURN_SECONDS: Final = Metric("taxiway_turn_seconds", Kind.HISTOGRAM, "How long turns of agents took.", (AGENT,))
TOOL_CALLS: Final = Metric("taxiway_tool_calls_total", Kind.COUNTER, "Tools that agents told of.", (AGENT,))
TOOL_FAILURES: Final = Metric("taxiway_tool_failures_total", Kind.COUNTER, "Tools that failed.")
TOKENS: Final = Metric(
    "taxiway_tokens_total",
    Kind.COUNTER,
    "Tokens that agents reported for their turns.",
    (
        AGENT,
        _of("direction", "`input`, `output`, or `cached` (of the input)", frozenset({"input", "output", "cached"})),
    ),
)
DOLLARS: Final = Metric("taxiway_dollars_total", Kind.COUNTER, "What turns cost, as far as it is known.", (AGENT,))
LIMITS: Final = Metric(
    "taxiway_provider_limits_total",
    Kind.COUNTER,
    "Limits that providers told of.",
    (_of("kind", "what is limited", frozenset(map(str, LimitKind))),),
)
REQUESTS: Final = Metric(
    "taxiway_http_requests_total",
    Kind.COUNTER,
    "Requests that were answered.",
    (METHOD, ROUTE, Label("status", "the status code")),
)
REQUEST_SECONDS: Final = Metric(
    "taxiway_http_request_seconds",
    Kind.HISTOGRAM,
    "How long requests took; of a live stream, how long it was followed.",
    (METHOD, ROUTE),
)
REQUEST_FAILURES: Final = Metric(
    "taxiway_http_defects_total", Kind.COUNTER, "Requests that met a defect of the server's own."
)
LOG_DROPPED: Final = Metric(
    "taxiway_log_lines_dropped", Kind.GAUGE, "Lines of the log that its stream did not take, since this server began."
)
OPEN_TASKS: Final = Metric("taxiway_tasks_open", Kind.GAUGE, "Tasks that have not ended.")
READY_TASKS: Final = Metric(
    "taxiway_tasks_ready", Kind.GAUGE, "Tasks that could start if there were a slot; counting ends at 10,000."
)
SCHEDULED_TASKS: Final = Metric(
    "taxiway_tasks_scheduled", Kind.GAUGE, "Tasks that wait for a time; counting ends at 10,000."
)
LIVE_RUNS: Final = Metric(
    "taxiway_runs_live",
    Kind.GAUGE,
    "Runs that have not ended.",
    (_of("state", "their state", frozenset(map(str, RunState))),),
)
RUNNERS: Final = Metric(
    "taxiway_runners", Kind.GAUGE, "Runners that are not gone.", (_of("state", "their state", RUNNER_STATES),)
)
SLOTS: Final = Metric("taxiway_slots", Kind.GAUGE, "Slots of all live runners.")
APPROVALS: Final = Metric(
    "taxiway_approvals_pending", Kind.GAUGE, "Questions of agents that wait for a person; counting ends at 10,000."
)
ACCOUNTS: Final = Metric(
    "taxiway_accounts", Kind.GAUGE, "Accounts of agents.", (_of("phase", "their phase", frozenset(map(str, Phase))),)
)
STORE_BYTES: Final = Metric("taxiway_store_bytes", Kind.GAUGE, "The size of the store's file and its log.")
TREE_PROCESSES: Final = Metric(
    "taxiway_run_processes", Kind.GAUGE, "Processes of live runs on this host, their guardians among them."
)
TREE_MEMORY: Final = Metric("taxiway_run_memory_bytes", Kind.GAUGE, "Resident memory of these processes.")
TREE_CPU: Final = Metric(
    "taxiway_run_cpu_seconds", Kind.GAUGE, "Processor time that these processes have used; it falls as runs end."
)

COUNTED: Final = (
    CHANGES,
    CLAIM_WAIT,
    RUN_SECONDS,
    RUNS_FINISHED,
    RUNS_STOPPED,
    RUNS_SETTLED,
    RUNNERS_LOST,
    LEASES_LOST,
    TREES_UNCERTAIN,
    SERVICE_FAILURES,
    STORE_FAILURES,
    TURNS,
    TURN_SECONDS,
    TOOL_CALLS,
    TOOL_FAILURES,
    TOKENS,
    DOLLARS,
    LIMITS,
    REQUESTS,
    REQUEST_SECONDS,
    REQUEST_FAILURES,
    LOG_DROPPED,
)
LOOKED_UP: Final = (
    OPEN_TASKS,
    READY_TASKS,
    SCHEDULED_TASKS,
    LIVE_RUNS,
    RUNNERS,
    SLOTS,
    APPROVALS,
    ACCOUNTS,
    STORE_BYTES,
    TREE_PROCESSES,
    TREE_MEMORY,
    TREE_CPU,
)
CATALOGUE: Final = (*COUNTED, *LOOKED_UP)
