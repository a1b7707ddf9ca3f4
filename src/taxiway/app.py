"""The composition root: opens a store with every verb and, with ``runner``, what executes in this process."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from taxiway.agentreports import TRIALS_FILE, reports
from taxiway.agents.settle import boot_id
from taxiway.agents.treeuse import use_of
from taxiway.client.blocking import Blocking
from taxiway.client.handle import TaskHandle
from taxiway.client.session import Sent, SessionHandle
from taxiway.clock import Ids, SystemClock, new_secret, system_chance
from taxiway.config import Loaded, make_state_folder
from taxiway.config import store_path as store_path
from taxiway.core.redact import Scrubber
from taxiway.core.token import secret_hash
from taxiway.diagnosis import tag_prefix
from taxiway.doors import Doors, Speaking
from taxiway.engine.account_intake import AccountIntake
from taxiway.engine.approval_intake import ApprovalIntake
from taxiway.engine.engine import serving
from taxiway.engine.feed import Feed
from taxiway.engine.intake import Intake, Prompting
from taxiway.engine.reaper import Host, Reaper
from taxiway.engine.service import Service
from taxiway.engine.session_intake import SessionIntake
from taxiway.engine.signal_intake import SignalIntake
from taxiway.engine.statistics import StoreStatistics
from taxiway.engine.timekeeper import Timekeeper
from taxiway.engine.token_intake import TokenIntake
from taxiway.engine.turn_intake import TurnIntake
from taxiway.jobs import REGISTRY as REGISTRY
from taxiway.observe.log import log_moment
from taxiway.observe.observer import Observer, guarded
from taxiway.passes import FilePasses
from taxiway.planfile.project import project_of
from taxiway.runner import HostEvidence, Parts, with_runner, with_wakes
from taxiway.schemas.judge import SchemaJudge
from taxiway.secretsources import resolve_secrets, secrets_at_hand, variables_of
from taxiway.settings import Settings as Settings
from taxiway.store.protocol import ApprovalPage as ApprovalPage
from taxiway.store.protocol import PlanAdmitted as PlanAdmitted
from taxiway.store.protocol import SessionFilter as SessionFilter
from taxiway.store.protocol import SessionPage as SessionPage
from taxiway.store.protocol import Store
from taxiway.store.protocol import TaskFilter as TaskFilter
from taxiway.store.protocol import TaskPage as TaskPage
from taxiway.store.seams import Seams
from taxiway.store.sqlite.locks import tokens_of
from taxiway.store.sqlite.opening import OpenStore, open_sqlite
from taxiway.trials import Trials
from taxiway.verbs import Taxiway as Taxiway
from taxiway.workspaces.workshop import Workshop


@asynccontextmanager
async def open_with(store: str | Path, settings: Settings, observer: Observer = log_moment) -> AsyncIterator[Taxiway]:
    """Open a store by its path (or ``sqlite:///path``) with settings; see ``open``."""
    clock, observer = SystemClock(), guarded(observer)
    ids = Ids(clock, system_chance())
    seams = Seams(clock.now_ms, clock.elapsed_s, clock.pause, system_chance().random, Ids(clock, system_chance()).new)
    environment = dict(os.environ)
    opened = await open_sqlite(store_path(store), seams, ids.new("proc"), settings.main_size)
    try:
        mine = opened.store.of(settings.tenant)
        scrubber = Scrubber(settings.secrets.values())
        project = settings.project if settings.project is not None else str(project_of(Path.cwd()))
        declared = {name: name for name in settings.secrets} | dict(settings.secret_variables)
        judge = SchemaJudge()
        prompting = Prompting(settings.agent, settings.agent_idle_timeout_s, settings.mailbox, judge.faults)
        first = Intake(mine, ids, settings.actor, project, settings.defaults, scrubber, declared, prompting)
        feed = Feed(mine, opened.wakes)
        statistics = StoreStatistics(opened.store, clock, opened.store.path, use_of)

        def make_doors(who: Speaking) -> Doors:
            actor, ours = who.actor, who.tenant == settings.tenant
            place = project if who.project is None else who.project
            store = mine if ours else opened.store.of(who.tenant)
            following = feed if ours else Feed(store, opened.wakes)
            store = store if who.guard is None else store.guarded(who.guard)
            intake = first.speaking_as(actor, store, place, who.bounds)
            sessions = SessionIntake(store, intake, actor, place, settings.mailbox)
            again = who.guard is not None and who.guard.done
            turns = TurnIntake(store, intake, sessions, following, actor, scrubber, again)
            return Doors(
                store,
                intake,
                sessions,
                ApprovalIntake(store, intake, actor, scrubber),
                AccountIntake(store, clock, actor, place),
                turns,
                SignalIntake(store, sessions, turns, actor),
                TokenIntake(store, ids, actor, new_secret),
                following,
                statistics.of(who.tenant),
                statistics,
            )

        doors = make_doors(Speaking(actor=settings.actor, tenant=settings.tenant))
        agents = partial(reports, settings.agents, Trials(opened.folder / TRIALS_FILE))
        await _size_lanes(mine, doors.intake, settings.lanes)
        await _use_accounts(opened.store, settings)
        workshop = Workshop(opened.folder, environment, clock.now_ms, scrubber, secrets=settings.secrets)
        me = None if settings.slots < 1 else ids.new("runner")
        host, evidence = Host(socket.gethostname(), boot_id()), HostEvidence(opened.folder)
        reaper = Reaper(opened.store, clock, host, me, evidence, observer, settings.lease_s)
        services: list[Service] = [feed, Timekeeper(opened.store, clock), reaper]
        if me is None:
            async with serving(with_wakes(opened.wakes, services), observer):
                yield Taxiway(doors, make_doors, None, None, workshop, agents)
            return
        if settings.plan_first:
            await reaper.step()  # what the dead left running would refuse the plan's new text
        around = (environment, Path.cwd(), workshop, judge.broken)
        place = (opened.store, opened.wakes, opened.folder, tag_prefix(opened.store.path))
        passes = await _passes(opened, me, settings)
        parts = Parts(*place, settings, scrubber, observer, ids, clock, me, host, *around, passes)
        async with with_runner(parts, services) as crew:
            yield Taxiway(doors, make_doors, crew, me, workshop, agents)
    finally:
        await opened.close()


def open_configured(
    loaded: Loaded, wanted: Settings, observer: Observer = log_moment
) -> AbstractAsyncContextManager[Taxiway]:
    """Open the store that a configuration names, as it says; see ``configured``."""
    make_state_folder(loaded)
    return open_with(loaded.config.store.path, configured(loaded, wanted), observer)


def configured(loaded: Loaded, wanted: Settings) -> Settings:
    """What a configuration says; of ``wanted`` hold slots, scope, actor, project and jobs.

    All secrets are resolved where a runner is wanted (``slots`` above 0); elsewhere those that can be had at once, so
    that what is typed with one in it is scrubbed there too.
    """
    config = loaded.config
    return msgspec.structs.replace(
        wanted,
        lanes=config.lanes,
        agents=config.agents,
        accounts=config.accounts,
        prices=config.prices,
        agent=config.defaults.agent,
        tenant=config.store.tenant,
        agent_idle_timeout_s=config.defaults.agent_idle_timeout,
        mailbox=config.mailbox.policy,
        approvals=config.approvals.policy,
        stuck=config.stuck,
        defaults={"timeout_s": config.defaults.timeout, "idle_timeout_s": config.defaults.idle_timeout},
        secrets=(resolve_secrets if wanted.slots else secrets_at_hand)(config.secrets, os.environ),
        secret_variables=variables_of(config.secrets),
        ask_grace_s=config.runner.ask_grace,
        term_grace_s=config.runner.term_grace,
        run_output_bytes_max=config.limits.run_output_bytes,
        processes_max=config.limits.processes,
    )


def open(store: str | Path, *, slots: int = 2, **settings: Any) -> AbstractAsyncContextManager[Taxiway]:
    """Open (or make) a store, with a runner of ``slots`` slots in this process; use it with ``async with``.

    Leaving the block asks what still runs here to stop; it goes back to its queue, for the next time. Further
    keywords are the fields of ``Settings``. Raises ``StoreUnusable`` with one sentence when the file will not do.
    """
    return open_with(store, Settings(slots=slots, **settings))


def open_sync(store: str | Path, *, slots: int = 2, **settings: Any) -> Blocking[Taxiway]:
    """The same verbs without ``await``; use it with ``with``."""
    return Blocking(open(store, slots=slots, **settings), (TaskHandle, SessionHandle, Sent))


async def _passes(opened: OpenStore, runner: str, settings: Settings) -> FilePasses | None:
    """What hands runs their tokens, where there is a server that takes them."""
    if settings.server_url is None:
        return None
    key = await opened.store.run_key(secret_hash(new_secret()))
    return FilePasses(tokens_of(opened.folder, runner), settings.server_url, key)


async def _use_accounts(store: Store, settings: Settings) -> None:
    """Give accounts the limits, and agents the accounts, that the configuration says; where they have them, nothing."""
    if not settings.agents and not settings.accounts:
        return
    known = await store.accounts()
    limits = {name: kind.limit for name, kind in settings.accounts.items() if kind.limit is not None}
    agents = {name: kind.account or name for name, kind in settings.agents.items()}
    shared = {one.name: one.limit for one in known if one.shared}
    new_limits = dict(limits.items() - shared.items())
    used = {agent: one.name for one in known if one.shared for agent in one.agents}
    new_agents = {agent: account for agent, account in agents.items() if used.get(agent, agent) != account}
    if new_limits or new_agents:
        await store.use_accounts(new_limits, new_agents, settings.actor)


async def _size_lanes(store: Store, intake: Intake, sizes: Mapping[str, int | None]) -> None:
    """Give store-wide lanes the sizes that the configuration says."""
    known = {(lane.name, lane.size) for lane in await store.lanes() if lane.queue is None} if sizes else set()
    for name, size in sizes.items() - known:
        await intake.set_lane(name, size)
