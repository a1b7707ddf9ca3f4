"""Every bound, with its unit in its name."""

from __future__ import annotations

from typing import Final

SPEC_BYTES_MAX: Final = 1 << 20  #: a task's whole spec, encoded
PROMPT_BYTES_MAX: Final = 1 << 20  #: the words of one message
NAME_CHARS_MAX: Final = 200  #: names of tasks, queues, lanes, sessions, labels
ARGV_ITEMS_MAX: Final = 10_000  #: arguments of one command
LABELS_PER_TASK_MAX: Final = 64
PLAN_TASKS_MAX: Final = 100_000  #: tasks in one plan
PLAN_BYTES_MAX: Final = 64 << 20  #: a plan file
SUBMIT_BATCH_MAX: Final = 1_000  #: tasks in one list submit
WORKSPACE_PATHS_MAX: Final = 100  #: globs and paths in one list of a workspace
RETRIES_MAX: Final = 1_000
PRIORITY_MAX: Final = 1_000_000  #: and its negative is the least
MAILBOX_COUNT_MAX: Final = 1_000_000  #: a mailbox's cap, and how many of a session go at once
OPEN_TASKS_MAX: Final = 1_000_000_000  #: the most that a server can be told to let a tenant have open
POSITION_MAX: Final = (1 << 53) - 1  #: what every JSON reader keeps exactly; its negative is the least
DURATION_S_MAX: Final = 10 * 365 * 86_400  #: ten years; longer is a typing error

EVENT_BYTES_MAX: Final = 64 << 10  #: one event's payload; longer output is split
RUN_OUTPUT_BYTES_MAX: Final = 64 << 20  #: stored output of one run; more is drained and counted
TASK_OUTPUT_BYTES_MAX: Final = 64 << 10  #: a task's ``output``: the tail of its stdout
TEMPLATE_VALUE_BYTES_MAX: Final = 64 << 10  #: one value put in by ``${{ }}``
RESULT_BYTES_MAX: Final = 1 << 20  #: a job's JSON result
ERROR_CHARS_MAX: Final = 4_000

DIFF_BYTES_MAX: Final = 16 << 20  #: the patch of one run; of a longer one the beginning is kept
DIFF_FILE_BYTES_MAX: Final = 8 << 20  #: a larger file is named in the diff and left out of it
DIFF_FILES_NAMED_MAX: Final = 200  #: changed files that are named one by one
SNAPSHOT_FILE_BYTES_MAX: Final = 1 << 30  #: a workspace with a larger file that was not committed is not removed
INCLUDE_FILES_MAX: Final = 20_000  #: files copied into a worktree
INCLUDE_BYTES_MAX: Final = 2 << 30  #: and what is in them
PROMPT_REFERENCE_BYTES_MAX: Final = 16 << 10  #: one file of a bundle that goes before a prompt
PREFACE_BYTES_MAX: Final = 64 << 10  #: all of them together, with the prompt
SKILL_SUMMARY_CHARS_MAX: Final = 600  #: what is said of a skill before a prompt

SUBTASK_DEPTH_MAX: Final = 5  #: of tasks that runs submit: children of children
SUBTASKS_PER_RUN_MAX: Final = 64  #: tasks that one run submits
CRASHES_MAX: Final = 3  #: runs that ended without a report before a task counts as poisoned
CASCADE_ROWS_MAX: Final = 1_000  #: rows that one transaction of a cascade touches
CLAIM_TASKS_MAX: Final = 64  #: tasks that one claim takes
WRITER_BATCH_OPS_MAX: Final = 64  #: operations in one transaction of the writer
WRITER_BATCH_S_MAX: Final = 0.010  #: how long one transaction may gather work
WRITER_BACKLOG_OPS_MAX: Final = 4_096  #: operations that wait for the writer before callers must wait

EVENTS_PAGE_MAX: Final = 500
LIST_PAGE_MAX: Final = 500
LIST_PAGE_DEFAULT: Final = 50
LIST_COUNT_MAX: Final = 10_000  #: so far a list is counted, to say how much more there is
CHANGES_PAGE_MAX: Final = 1_000
SESSIONS_PAGE_MAX: Final = 100  #: larger pages are cut down to it
COUNTED_TASKS_MAX: Final = 1_000  #: ready tasks that are counted, before a turn or in a lane; more are "1,000+"

LEASE_S: Final = 30.0  #: a runner that was not heard of for this long loses its runs, also one that was only stopped
LEASE_MARGIN_S: Final = 5.0  #: what guardians get beyond it to end their trees before others take over
HEARTBEAT_S: Final = 8.0
REAP_EVERY_S: Final = 0.5  #: how often a living process looks for dead runners of its host
SAFETY_POLL_S: Final = 1.0  #: wake-ups are hints; this poll is what nothing depends on but everything survives by
CANCEL_GRACE_S: Final = 10.0  #: between asking and SIGTERM
TERM_GRACE_S: Final = 5.0  #: between SIGTERM and SIGKILL
