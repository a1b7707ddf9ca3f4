"""What a store is opened with, by whatever door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from taxiway.core.accountfields import AccountKind
from taxiway.core.agent import AgentKind
from taxiway.core.approval import ApprovalPolicy
from taxiway.core.ladder import StuckRules
from taxiway.core.limits import CANCEL_GRACE_S, LEASE_S, RUN_OUTPUT_BYTES_MAX, TERM_GRACE_S
from taxiway.core.policy import MailboxPolicy
from taxiway.core.price import Prices
from taxiway.core.readiness import Scope
from taxiway.core.task import TaskSpec
from taxiway.core.tenant import DEFAULT_TENANT


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What ``open`` needs to know. ``slots`` 0 opens the store without a runner in this process.

    ``tenant`` is whose everything is that is asked for, changed and read. The runner executes for all tenants, unless
    ``scope`` names some; queues that it names are this tenant's.

    ``agents`` are those that this runner may drive, by name, and ``processes_max`` is how many processes of theirs it
    may have at once (``None``: twice its slots). ``accounts`` are what is configured for accounts, by name, and
    ``prices`` those of models that are laid over the list prices that come along.
    ``defaults`` are spec fields for tasks that leave them open (``timeout_s``, ``idle_timeout_s``); ``agent`` works on
    prompts that name nobody, ``agent_idle_timeout_s`` is how long an agent may be silent (``None``: as any other work),
    ``mailbox`` the policy of new sessions, ``approvals`` what is done when an agent asks for a permission, ``stuck``
    what is done about turns of agents that stand still; ``lanes`` are sizes that store-wide lanes get at opening
    (``None``: unlimited); ``secrets`` are values by name, referred to as ``secret://NAME`` in a task's ``env`` and
    scrubbed from everything stored; a variable of that ``NAME``, or one of ``secret_variables`` (with the name of the
    secret that it belongs to), takes such references only; ``lease_s`` is
    how long a runner that is not heard of keeps its runs; ``plan_first`` has the runner take nothing before
    ``run_plan`` has admitted a plan, of which it could otherwise start an older text; ``before_run`` is asked right
    before each run, with its slots taken: it gets the claim, may give another spec of the same kind of work, and what
    it raises is the run's failure; ``server_url`` is where runs find a server that answers for this store, which takes
    their own tokens.
    """

    slots: int = 2
    plan_first: bool = False
    scope: Scope = Scope()
    actor: str = "python"
    tenant: str = DEFAULT_TENANT
    project: str | None = None
    main_size: int = 4
    lanes: Mapping[str, int | None] = {}
    defaults: Mapping[str, Any] = msgspec.field(default_factory=lambda: {"timeout_s": 3600.0})
    agents: Mapping[str, AgentKind] = {}
    accounts: Mapping[str, AccountKind] = {}
    prices: Prices = {}
    processes_max: int | None = None
    agent: str | None = None
    agent_idle_timeout_s: float | None = None
    mailbox: MailboxPolicy = MailboxPolicy()
    approvals: ApprovalPolicy = ApprovalPolicy()
    stuck: StuckRules = StuckRules()
    secrets: Mapping[str, str] = {}
    secret_variables: Mapping[str, str] = {}
    ask_grace_s: float = CANCEL_GRACE_S  # read when a program can be asked to end; a plain process gets SIGTERM at once
    term_grace_s: float = TERM_GRACE_S
    run_output_bytes_max: int = RUN_OUTPUT_BYTES_MAX
    lease_s: float = LEASE_S
    jobs: Mapping[str, Callable[..., Any]] | None = None
    server_url: str | None = None
    before_run: Callable[[Any], Awaitable[TaskSpec | None]] | None = None
