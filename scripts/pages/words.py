"""What the code's names mean, in a sentence each. A name without its sentence stops the generator."""

from typing import Final

from taxiway.core.event import EventType
from taxiway.core.queue import QueueState
from taxiway.core.readiness import ObstacleKind
from taxiway.core.run import RunState
from taxiway.core.task import Reason, TaskState

T, R, Q = TaskState, RunState, QueueState

TASK_STATES: Final = {
    T.SCHEDULED: "may not start before a time that is stored with it",
    T.BLOCKED: "waits for other tasks",
    T.QUEUED: "may start: waits for its turn and for room; `explain` says for what",
    T.RUNNING: "a run of it is live, also while that is being stopped",
    T.WAITING: "a run of it waits for a person, and holds no slot: see [approvals](approvals.md)",
    T.COMPLETED: "done; final",
    T.FAILED: "ended without success and without an attempt left; final",
    T.CANCELLED: "ended because somebody or some rule said so; final",
}

REASONS: Final = {
    Reason.DELAY: "its `delay` is not over",
    Reason.BACKOFF: "an attempt failed, the next one waits",
    Reason.RATE_LIMIT: "its account's limit must reset first: [accounts](accounts.md)",
    Reason.DEPENDENCY: "a task in its `after` has not ended",
    Reason.CANCELLING: "it was asked to end, and its processes are not all gone",
    Reason.APPROVAL: "a person must allow something",
    Reason.INPUT: "a person must answer something",
    Reason.EXIT_CODE: "the program exited with another status than 0",
    Reason.SIGNAL: "the program was killed by a signal that was not ours",
    Reason.TIMEOUT: "a run took longer than `timeout`",
    Reason.STALLED: "a run was silent for longer than `idle_timeout`, or its turn [stood still](stuck.md)",
    Reason.LOST: "a run's end was never seen; see how runs are lost",
    Reason.SPAWN_ERROR: "there is no such program or folder, no permission or workspace, or a template that cannot be"
    " filled in",
    Reason.AGENT_ERROR: "a job raised an exception or returned no JSON; later also: an agent reported an error",
    Reason.AUTH: "the agent's account was refused",
    Reason.QUOTA: "the account's quota is used up, and nobody said when it resets, or `on_limit` says not to wait",
    Reason.PROVIDER: "the model's provider failed",
    Reason.BUDGET: "the task's `budget` is used up",
    Reason.GAVE_UP: "the agent says that it cannot go on",
    Reason.POISONED: "too many runs of it ended without a report",
    Reason.INTERNAL: "Taxiway itself failed while it ran this; please report it",
    Reason.REQUESTED: "somebody cancelled it",
    Reason.DEPENDENCY_FAILED: "a task that it needed failed or was cancelled",
    Reason.DROPPED: "a full mailbox dropped it",
    Reason.STALE: "a newer message made it pointless",
    Reason.INTERRUPTED: "an interrupt took its place",
    Reason.RESET: "its plan was run anew, or its queue was reset, before it started",
    Reason.QUEUE_STOPPED: "its queue was stopped",
    Reason.EXPIRED: "it could not start before `expires`",
    Reason.SKIPPED: "its condition cannot be met, and that is no failure",
    Reason.CARRIED: "it was merged into another task, which was cancelled",
}

LATER_REASONS: Final = frozenset(
    {
        *(
            Reason.INPUT,
            Reason.AUTH,
            Reason.PROVIDER,
            Reason.GAVE_UP,
            Reason.DROPPED,
            Reason.STALE,
            Reason.INTERRUPTED,
            Reason.CARRIED,
        ),
    }
)

TASK_STEPS: Final = {
    (T.SCHEDULED, T.QUEUED): "its time has come",
    (T.SCHEDULED, T.CANCELLED): "cancelled, expired",
    (T.BLOCKED, T.QUEUED): "dependencies met",
    (T.BLOCKED, T.SCHEDULED): "dependencies met, delay not over",
    (T.BLOCKED, T.CANCELLED): "cancelled, expired, a condition cannot be met",
    (T.QUEUED, T.RUNNING): "claimed",
    (T.QUEUED, T.SCHEDULED): "a limit must reset",
    (T.QUEUED, T.COMPLETED): "the task whose turn it joined succeeded",
    (T.QUEUED, T.FAILED): "the task whose turn it joined failed",
    (T.QUEUED, T.CANCELLED): "cancelled, expired",
    (T.RUNNING, T.QUEUED): "drained or lost",
    (T.RUNNING, T.SCHEDULED): "failed, an attempt is left",
    (T.RUNNING, T.WAITING): "asks a person",
    (T.RUNNING, T.COMPLETED): "succeeded",
    (T.RUNNING, T.FAILED): "failed, no attempt left",
    (T.RUNNING, T.CANCELLED): "stopped, and every process gone",
    (T.WAITING, T.RUNNING): "answered",
    (T.WAITING, T.QUEUED): "drained or lost",
    (T.WAITING, T.SCHEDULED): "failed, an attempt is left",
    (T.WAITING, T.COMPLETED): "its agent did not wait for the answer, and succeeded",
    (T.WAITING, T.FAILED): "failed, no attempt left",
    (T.WAITING, T.CANCELLED): "cancelled",
}

RUN_STATES: Final = {
    R.STARTING: "claimed; its process, if it has one, is not written down yet and executes nothing",
    R.RUNNING: "its process is written down and may work",
    R.WAITING: "waits for a person; its process is kept, its slots are free",
    R.STOPPING: "was asked to end; it keeps its slots until its processes are gone",
    R.ENDED: "has its one outcome; final",
}

RUN_STEPS: Final = {
    (R.STARTING, R.RUNNING): "process recorded",
    (R.STARTING, R.STOPPING): "a stop came first",
    (R.STARTING, R.ENDED): "could not start, or lost",
    (R.RUNNING, R.WAITING): "asks a person",
    (R.RUNNING, R.STOPPING): "asked to end",
    (R.RUNNING, R.ENDED): "ended by itself, or lost",
    (R.WAITING, R.RUNNING): "answered",
    (R.WAITING, R.STOPPING): "asked to end",
    (R.WAITING, R.ENDED): "ended by itself, or lost",
    (R.STOPPING, R.ENDED): "every process gone",
}

QUEUE_STATES: Final = {
    Q.IDLE: "takes tasks and starts none",
    Q.RUNNING: "takes tasks and starts them; a standing queue stays so when it is empty",
    Q.PAUSED: "takes tasks and starts none; what runs goes on",
    Q.STOPPING: "takes nothing; what waited was cancelled, what runs goes on to its end",
    Q.COMPLETED: "all its tasks have ended, and no failure is left unhandled",
    Q.FAILED: "all its tasks have ended, and a failure or what fell with one is left",
}

QUEUE_STEPS: Final = {
    (Q.IDLE, Q.RUNNING): "start",
    (Q.RUNNING, Q.PAUSED): "pause",
    (Q.RUNNING, Q.STOPPING): "stop",
    (Q.RUNNING, Q.COMPLETED): "a plan's last task ended",
    (Q.RUNNING, Q.FAILED): "the same, with a failure left",
    (Q.PAUSED, Q.RUNNING): "resume",
    (Q.PAUSED, Q.STOPPING): "stop",
    (Q.STOPPING, Q.COMPLETED): "what ran has ended",
    (Q.STOPPING, Q.FAILED): "the same, with a failure left",
    (Q.COMPLETED, Q.IDLE): "reset",
    (Q.COMPLETED, Q.RUNNING): "its plan is run again",
    (Q.FAILED, Q.IDLE): "reset",
    (Q.FAILED, Q.RUNNING): "its plan is run again, or a task retried",
}

OBSTACLES: Final = {
    ObstacleKind.ENDED: "it has ended",
    ObstacleKind.RUNNING: "it runs already",
    ObstacleKind.STUCK: "it is running, and its turn stands still: [stuck](stuck.md)",
    ObstacleKind.DELAY: "its time has not come; `until` says when",
    ObstacleKind.BACKOFF: "its next attempt waits; `until` says how long",
    ObstacleKind.RATE_LIMIT: "its agent's account waits for a reset, or for the one run that probes it",
    ObstacleKind.ACCOUNT_PARKED: "its agent's account was parked by hand",
    ObstacleKind.ACCOUNT_FULL: "its agent's account has every slot taken",
    ObstacleKind.DEPENDENCY: "a task in its `after` has not ended; `holders` names it",
    ObstacleKind.CANCEL_ALL: "all of its queue or of the store is being cancelled; nothing starts before that is done",
    ObstacleKind.QUEUE_STATE: "its queue is not running",
    ObstacleKind.QUEUE_FULL: "its queue has every slot taken; `holders` names the tasks",
    ObstacleKind.LANE_FULL: "its lane has every slot taken; `holders` names the tasks",
    ObstacleKind.NO_RUNNER: "no runner is alive on this store",
    ObstacleKind.RUNNER_SCOPE: "no living runner takes such work",
    ObstacleKind.RUNNER_FULL: "every runner that takes it is busy",
    ObstacleKind.TURN: "other ready tasks take the room first, through whatever queue or lane",
    ObstacleKind.SESSION: "its session is busy, or others of it come first; `holders` names the tasks",
    ObstacleKind.QUIET: "its session has to be quiet first; `until` says how long",
    ObstacleKind.CARRIED: "it is a part of another message's turn, which `holders` names",
    ObstacleKind.STEERING: "it has been offered to the running turn of its session",
    ObstacleKind.APPROVAL: "it asks a person, or was answered and is about to go on; `holders` names the approval, or"
    " the runner that has no free slot",
}

#: Type: what it says, what stands in ``data``, and whether a run writes it today.
EVENTS: Final = {
    EventType.RUN_STARTED: ("the run was claimed; always number 1", "attempt, fence, runner", True),
    EventType.MESSAGE: ("text of an agent; with `delta` it goes on where the last one stopped", "text, delta", True),
    EventType.THOUGHT: ("reasoning of an agent", "text, delta", True),
    EventType.TOOL_CALL: ("an agent uses a tool", "name, id, input", True),
    EventType.TOOL_RESULT: ("what the tool gave", "id, name, output, failed", True),
    EventType.OUTPUT: ("what the program wrote, in order of arrival", "stream (stdout, stderr, pty), text", True),
    EventType.DIFF: (
        "a change of a file by an agent, as a unified diff; or, with `source: workspace`, what differs from a"
        " workspace's base when the run has ended",
        "path, text; source, base, files, changed, added, removed, size, digest, truncated, scrubbed, left_out",
        True,
    ),
    EventType.TODO: ("an agent's own plan, whole", "items (text, done)", True),
    EventType.USAGE: (
        "what the turn has consumed so far, and how full the conversation is",
        "input_tokens, output_tokens, cached_tokens, usd, usd_computed, context_tokens, context_window",
        True,
    ),
    EventType.RATE_LIMIT: (
        "a provider's limit was met, or is near",
        "kind (rate, quota, overload, warning), resets_at (ms), resets_in_s, used, window, text",
        True,
    ),
    EventType.APPROVAL_REQUESTED: (
        "a person is asked; without `approval` an agent only said that it asks",
        "approval, text, tool, input",
        True,
    ),
    EventType.APPROVAL_DECIDED: (
        "a person, a rule or time has answered, or nobody needs to any more",
        "approval, state (allowed, denied, expired, void), by, why",
        True,
    ),
    EventType.SIGNAL_RECEIVED: ("a message was offered to the running turn", "signal, kind, task, actor", True),
    EventType.SIGNAL_SETTLED: (
        "it went in, or it waits in its place",
        "signal, kind, state (applied, refused), why",
        True,
    ),
    EventType.SESSION_UPDATED: ("the agent's own id of its conversation", "thread", True),
    EventType.STATUS: (
        "a phase of the run: `rendered` (templates filled in), `output` (how much was not stored), `late_result` (an"
        " outcome that came after the run had been settled; kept, not applied), `turn` (an agent's process takes it),"
        " `resumed` (it waited for a person, and goes on), `stuck` (its turn stands still, or gets `over` that),"
        " `workspace` (made, or found again), `setup` (its command runs), `diff` (why there is none), `workspace_left`,"
        " `agent` (which agent it is, and whether it was seen to keep to the access that was asked for: `bound`)",
        "phase, situation, for_s, action, ages_s, processes, tools, skipped, nudge, over, command, dropped_bytes,"
        " outcome, process, warm, kind, path, cwd, base, branch, changed, copied, reused,"
        " kept, text, snapshot, error, agent, version, access, mode, bound",
        True,
    ),
    EventType.ERROR: ("a job's traceback, or trouble that an agent tells of", "text", True),
    EventType.LOG_TRUNCATED: ("from here on output is read but not stored", "limit_bytes", True),
    EventType.RUN_FINISHED: (
        "the outcome; only a late result may follow",
        "outcome, reason, error, exit_code, signal",
        True,
    ),
}

#: Setting: what it means. Defaults come from the code.
SETTINGS: Final = {
    "store.path": "the store: a file, or `sqlite:///path`; in a file of settings, seen from that file's folder",
    "store.tenant": "the tenant: whose everything is that is done with the store",
    "runner.slots": "runs at once in one process",
    "runner.ask_grace": "from asking a program with a protocol to SIGTERM; plain programs get SIGTERM at once",
    "runner.term_grace": "from SIGTERM to SIGKILL",
    "defaults.timeout": "the `timeout` of a task that has none; `none` for no limit",
    "defaults.idle_timeout": "the `idle_timeout` of a task that has none; `none` for no limit",
    "defaults.agent": "who works on a prompt that names nobody, in a session that belongs to nobody",
    "defaults.agent_idle_timeout": "the `idle_timeout` of a prompt that has none; `none` for that of other tasks",
    "lanes": "a table: sizes of store-wide lanes by name, a whole number or `unlimited`",
    "mailbox.mode": "what a mailbox does with an arrival: `queue`, `followup`, `collect`, `steer`, `interrupt`",
    "mailbox.cap": "how many messages may wait in a mailbox",
    "mailbox.drop": "what a full mailbox does: `new` refuses, `old` and `summarize` let the oldest go",
    "mailbox.debounce": "how long it must have been quiet before what waits may start",
    "mailbox.max_debounce_wait": "the most that this may hold the first message back",
    "mailbox.max_concurrent": "how many messages of a session may be worked on at once",
    "limits.run_output_bytes": "how much output of one run is stored; what is more is read, counted and let go",
    "approvals.analysis": "what is done when an agent that may only read asks for a permission: `ask` a person, `allow`"
    " or `deny`",
    "approvals.write": "the same for an agent with the access `write`",
    "approvals.auto": "the same for an agent with the access `auto`",
    "approvals.expires": "how long a person has for an answer, then it counts as denied; `none` for ever",
    "server.host": "the address that `taxiway up` listens on; off loopback only with `server.insecure`",
    "server.port": "its port; 0 takes one that is free",
    "server.hosts": "further names by which the server may be called, as a proxy before it has them",
    "server.insecure": "listen off loopback without TLS: whoever is on the way can read tokens and answers",
    "server.open_tasks": "how many tasks of a tenant may be open when more are submitted over HTTP (a plan is whole)",
    "stuck.quiet": "signs of life that are younger say that something moves",
    "stuck.resumes": "how often in a task's life `resume` may stop its agent's process",
    "stuck.nudge": "what a nudge says to the agent",
    "stuck.starting": "what is done, and when, while its process has taken no turn yet; an empty list for nothing",
    "stuck.thinking": "while the model has the word and something moves, but the agent tells nothing",
    "stuck.silent": "while the model has the word, its provider owes an answer, and nothing moves",
    "stuck.pausing": "while the model has the word, and no answer is due: the agent waits by itself",
    "stuck.chattering": "while bytes come, and none of them says anything",
    "stuck.working": "while a tool is at work, and the agent tells nothing",
    "stuck.standing": "while a tool is in use, and neither its processes nor its lines move",
    "server.metrics_open": "`/metrics` needs no token, where the server listens on loopback",
    "server.traces": "hand spans of runs, turns and tools to OpenTelemetry; needs the extra `taxiway[otel]`",
    "log.format": "how lines of the log of `taxiway up`, and of a runner elsewhere, look: `text`, or `json`, one object"
    " a line",
    "log.level": "what is less than this is left out: `debug`, `info`, `warning`, `error`",
    "limits.processes": "how many processes of agents a runner may have at once; when there are as many, the longest"
    " idle one has to go",
    "secrets.NAME.env": "the secret is the value of this variable of the runner",
    "secrets.NAME.file": "the secret is the content of this file",
    "secrets.NAME.command": "the secret is what this command prints (a list of texts; no shell)",
    "agents.NAME.preset": "the known agent whose settings hold where nothing is said: `codex`, `claude`, `gemini` or"
    " `opencode`; an agent of one of these names needs not say it",
    "agents.NAME.adapter": "how the program is spoken to: `lines`, `acp`, `codex`, `claude`, or `pty` for programs on a"
    " terminal",
    "agents.NAME.command": "the program and its arguments; `{thread}`, `{model}` and `{access}` are put in, and what"
    " names one that is not known is left out",
    "agents.NAME.env": "a table: variables laid over the allowed part of the runner's; `secret://NAME` stands for a"
    " secret",
    "agents.NAME.model": "the model of a task that names none",
    "agents.NAME.account": "the account whose allowance it uses; one of its own name, if none is said",
    "agents.NAME.warm": "how long an idle process is kept for the session's next turn; 0 ends it with its turn",
    "agents.NAME.start_timeout": "how long it may take until it takes its first turn",
    "agents.NAME.context_window": "the model's window in tokens, for an agent that does not tell it",
    "agents.NAME.ready": "`pty`: a regular expression that the screen's last line matches when the program takes input",
    "agents.NAME.quiet": "`pty`: without `ready`, so long a silence means the same",
    "agents.NAME.columns": "`pty`: the width of the window",
    "agents.NAME.rows": "`pty`: its height",
    "agents.NAME.stuck": "a table: what holds for this agent instead of what `[stuck]` says",
    "accounts.NAME.limit": "how many runs of all its agents go at once at most",
    "accounts.NAME.env": "a table: variables for its agents' programs, under each agent's own; `secret://NAME` stands"
    " for a secret",
    "prices.NAME.input": "dollars for a million tokens that the model of this name reads",
    "prices.NAME.output": "dollars for a million tokens that it writes",
    "prices.NAME.cached": "dollars for a million tokens that it reads from a cache; as `input`, if not said",
    "prices.NAME.source": "where this price stands; a note",
    "prices.NAME.date": "when it stood there; a note",
}

#: Defaults that depend on the machine.
COMPUTED_DEFAULTS: Final = {
    "store.path": "`taxiway.db` in the user's state folder",
    "runner.slots": "as many as processors, at least 2",
    "limits.processes": "twice the slots",
    "mailbox.max_debounce_wait": "2s, or four times `debounce` if that is longer",
    "agents.NAME.command": "required",
    "prices.NAME.input": "required",
    "prices.NAME.output": "required",
    "prices.NAME.source": "none",
    "prices.NAME.date": "none",
    "stuck.nudge": "a sentence or two",
    "agents.NAME.stuck": "none",
}

#: Bounds whose comment in the code would only repeat their name.
BOUNDS: Final = {
    "LABELS_PER_TASK_MAX": "labels of one task",
    "RETRIES_MAX": "`retries` of one task",
    "ERROR_CHARS_MAX": "a task's `error`, and a job's traceback",
    "EVENTS_PAGE_MAX": "events in one page",
    "LIST_PAGE_MAX": "tasks in one page of a list",
    "LIST_PAGE_DEFAULT": "tasks in a page when nobody says how many",
    "CHANGES_PAGE_MAX": "changes in one page",
    "HEARTBEAT_S": "how often a runner renews its lease",
}
