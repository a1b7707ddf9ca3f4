"""Sessions: found or made by their key, their policy, their life from turn to turn."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Ambiguous, Conflict, Invalid, LeaseLost, NotFound, Problem
from taxiway.core.mailbox import changed, mistakes, title_of
from taxiway.core.nearest import nearest
from taxiway.core.policy import MailboxChange, MailboxPolicy
from taxiway.core.run import Outcome
from taxiway.core.task import OnLimit, TaskSpec, Usage
from taxiway.core.usage import added
from taxiway.store.protocol import Message, Seat, TurnFacts, WarmProcess
from taxiway.store.tx import Topic, Tx
from taxiway.store.verbs import gates, mailbox
from taxiway.store.verbs.finding import find
from taxiway.store.verbs.runners import may_take

_decode_spec = msgspec.json.Decoder(TaskSpec).decode
_decode_usage = msgspec.json.Decoder(Usage).decode
_encode = msgspec.json.Encoder().encode
SUMMARY_CHARS: int = 200


def session_for(tx: Tx, key: str, project: str, agent: str | None, policy: MailboxPolicy, actor: str) -> int:
    """The session that work of a project means by a key, made when there is none. Raises ``Conflict`` when it belongs
    to another agent."""
    known = tx.known.sessions.get((tx.tenant, project, key))
    if known is None:
        row = tx.one("session_named", tenant=tx.tenant, project=project, key=key)
        if row is None:
            return make(tx, key, "", agent, policy, actor)
        known = tx.known.sessions[tx.tenant, project, key] = row
    found, name, bound = known
    check_agent(key, name, bound, agent)
    if agent is not None and bound is None:
        _bind(tx, found, agent)
    assert isinstance(found, int)
    return found


def _bind(tx: Tx, session: int, agent: str) -> None:
    """It belongs to this agent from now on."""
    tx.run("bind_agent", session=session, agent=agent)
    tx.known.clear()
    fit(tx, session)


def make(
    tx: Tx, key: str, project: str, agent: str | None, policy: MailboxPolicy, actor: str, title: str | None = None
) -> int:
    """Write a new session; its row."""
    check_policy(MailboxChange(**msgspec.structs.asdict(policy)))
    tx.known.clear()  # a project's own session comes before the one of no project
    name = tx.new_id("sess")
    version = tx.change(ChangeKind.SESSION, name, "idle", None, actor, "made")
    row = tx.one(
        "insert_session",
        name=name,
        tenant=tx.tenant,
        project=project,
        key=key,
        agent=agent,
        title=title,
        now=tx.now,
        version=version,
        **_columns(policy),
    )
    assert row is not None
    made: int = row[0]
    return made


def make_or_find(
    tx: Tx, key: str, project: str, agent: str | None, policy: MailboxPolicy, actor: str, title: str | None
) -> str:
    """The id of the session of this key in just this project, made when it is new."""
    row = tx.one("session_exact", tenant=tx.tenant, project=project, key=key)
    if row is None:
        made = make(tx, key, project, agent, policy, actor, title)
        return mailbox.load(tx, made).name
    check_agent(key, row[1], row[2], agent)
    if agent is not None and row[2] is None:
        _bind(tx, row[0], agent)
    name: str = row[1]
    return name


def check_agent(key: str, name: str, bound: str | None, agent: str | None) -> None:
    """A session belongs to one agent; work for another one is refused."""
    if agent is not None and bound is not None and bound != agent:
        raise Conflict(
            f"session '{key}' belongs to agent '{bound}', not '{agent}'; use another session", session=name, agent=bound
        )


def check_policy(change: MailboxChange) -> None:
    """Raise ``Invalid`` with every field that is out of bounds (SQ-12)."""
    wrong = mistakes(change)
    if wrong:
        problems = [Problem(text, field=f"mailbox.{field.removesuffix('_s')}") for field, text in wrong]
        raise Invalid(f"this is no policy of a mailbox: {problems[0].field} {problems[0].message}", problems)


def find_session(tx: Tx, ref: str, project: str | None) -> str:
    """The whole id that ``ref`` (a key, an id, or a unique part of one) stands for."""
    rows = tx.all("sessions_with_key", tenant=tx.tenant, key=ref)
    if project is not None:
        rows = [row for row in rows if row[1] == project] or [row for row in rows if row[1] == ""]
    if len(rows) > 1:
        places = ", ".join(row[1] or "no project" for row in rows)
        raise Ambiguous(f"several projects have a session '{ref}' ({places})", candidates=[row[0] for row in rows])
    if rows:
        name: str = rows[0][0]
        return name
    try:
        return find(tx, ref, "sess")
    except (NotFound, Invalid) as error:
        if isinstance(error, Ambiguous):
            raise
        hint = nearest(ref, [row[0] for row in tx.all("session_keys", tenant=tx.tenant)])
        raise NotFound(
            f"there is no session '{ref}'" + (f"; did you mean '{hint}'?" if hint else ""), session=ref, nearest=hint
        ) from None


def row_of(tx: Tx, session: str) -> int:
    """A session's row; raises ``NotFound``."""
    row = tx.one("session_rowid", tenant=tx.tenant, name=session)
    if row is None:
        raise NotFound(f"there is no session {session}", id=session)
    found: int = row[0]
    return found


def set_policy(tx: Tx, session: str, change: MailboxChange, actor: str) -> None:
    """Change a policy: what fits by it starts at once, what runs is never cancelled (SQ-15, SQ-16)."""
    check_policy(change)
    row = row_of(tx, session)
    box = mailbox.load(tx, row)
    policy = changed(box.policy, change)
    version = tx.change(ChangeKind.SESSION, session, "set", None, actor, "policy")
    tx.run("set_policy", session=row, now=tx.now, version=version, **_columns(policy))
    mailbox.forget(tx, row)
    fit(tx, row)


def set_on_limit(tx: Tx, session: str, on_limit: OnLimit | None, actor: str) -> None:
    """What its messages do from now on when a provider's limit ends their turn, if they say nothing themselves."""
    row = row_of(tx, session)
    version = tx.change(ChangeKind.SESSION, session, "set", None, actor, f"on_limit {on_limit}")
    tx.run("set_session_on_limit", session=row, on_limit=on_limit, version=version)


def fit(tx: Tx, session: int) -> None:
    """Make what is admitted fit the capacity as it is now: those that have not started, or would start again, keep
    their slots in their order; who has none must wait again, and one that backs off is asked when that is over."""
    box = mailbox.load(tx, session)
    if box.held > box.capacity and box.held > box.live:
        for _, gate in tx.all("demote_unstarted", session=session, free=max(0, box.capacity - box.live)):
            mailbox.count(tx, session, waiting=1, held=-1)
            gates.note_gone(tx, gate)
    mailbox.pump(tx, session)


def archive(tx: Tx, session: str, archived: bool, actor: str) -> None:
    """Put a session away, or take it back; not while something of it runs or waits."""
    row = row_of(tx, session)
    box = mailbox.load(tx, row)
    if archived and (box.held or box.waiting):
        raise Conflict(
            f"session '{box.key}' has {box.live} running and {box.waiting + box.held - box.live} waiting; "
            "stop it first with 'taxiway session stop-all'",
            session=session,
        )
    version = tx.change(ChangeKind.SESSION, session, "archived" if archived else "idle", None, actor, "archive")
    tx.run("set_archived", session=row, archived=int(archived), now=tx.now, version=version)
    mailbox.forget(tx, row)
    tx.note(Topic.SIGNAL)


def mark_read(tx: Tx, session: str, reader: str) -> None:
    """Store the current version as what this reader has seen (C32)."""
    row = tx.one("session_rowid", tenant=tx.tenant, name=session)
    if row is None:
        raise NotFound(f"there is no session {session}", id=session)
    tx.run("put_read_mark", session=row[0], reader=reader, version=row[1])


# -- from turn to turn ------------------------------------------------------------------------------------------------
def begin_turn(tx: Tx, session: int, task: str, seq: int, run: int, spec: TaskSpec, actor: str) -> Seat:
    """A run of a session begins: its title, and what its turn is made of."""
    prompted = spec.prompt is not None
    if prompted:
        mailbox.take_along(tx, session, seq)
    version = tx.change(ChangeKind.SESSION, mailbox.load(tx, session).name, "running", None, actor, "claim")
    row = tx.one(
        "begin_turn",
        session=session,
        prompted=int(prompted),
        title=title_of(spec.prompt) if spec.prompt is not None else None,
        run=run,
        now=tx.now,
        version=version,
    )
    assert row is not None
    mailbox.forget(tx, session)
    name, key, generation, thread, process, held, live, waiting, forked, fork_thread = row
    messages = (_message(task, spec), *_riding(tx, seq)) if prompted else ()
    dropped: Sequence[str] = ()
    if prompted:
        tx.run("take_dropped", session=session, task=seq)
        dropped = [line[0] for line in tx.all("dropped_lines", session=session, task=seq)]
    if waiting and held == live:
        mailbox.pump(tx, session)
    return Seat(
        session=name,
        key=key,
        generation=generation,
        thread=thread,
        process=process,
        messages=messages,
        dropped=tuple(dropped),
        forked=bool(forked),
        fork_thread=fork_thread,
    )


def end_turn(tx: Tx, session: int, generation: int, seq: int, outcome: Outcome, ended: bool, actor: str) -> None:
    """A run of a session has ended. What it tells of the conversation counts in its own generation only (SQ-50)."""
    row = tx.one("session_usage", session=session)
    assert row is not None
    used = getattr(outcome, "usage", None)
    output = getattr(outcome, "output", None) if ended else None
    version = tx.change(ChangeKind.SESSION, row[1], "terminal", None, actor, "turn ended")
    tx.run(
        "end_turn",
        session=session,
        generation=generation,
        summary=" ".join(output[-4 * SUMMARY_CHARS :].split())[:SUMMARY_CHARS] if output else None,
        usage=None if used is None else _encode(_with(row[0], used)).decode(),
        now=tx.now,
        version=version,
    )
    mailbox.forget(tx, session)
    if ended:
        tx.run("delete_dropped", session=session, task=seq)


def tell(tx: Tx, run: int, facts: TurnFacts) -> None:
    """Store what a live turn tells; tokens may throttle the session from now on, or let it go on (SQ-70 to SQ-72)."""
    row = tx.one("session_of_run", run=run)
    if row is None or row[0] is None:
        return
    session, generation = row
    if facts.steerable is not None:
        tx.run("set_steerable", run=run, steerable=int(facts.steerable))
    if facts.thread is None and facts.context_tokens is None and facts.context_window is None:
        return
    tx.run(
        "tell_thread",
        session=session,
        generation=generation,
        thread=facts.thread,
        tokens=facts.context_tokens,
        window=facts.context_window,
        now=tx.now,
    )
    mailbox.forget(tx, session)
    if facts.context_tokens is not None:
        fit(tx, session)


def opened_process(tx: Tx, process: WarmProcess) -> None:
    """Write down a session's process before its program runs (I7): the conversation is held by it from now on."""
    runner = tx.one("runner_row", name=process.runner)
    if not may_take(runner):
        raise LeaseLost(f"runner {process.runner} is not registered any more, so it may open nothing")
    mark = _encode(process.mark).decode()
    tx.run("insert_warm", name=process.id, session=process.session, runner=process.runner, mark=mark, now=tx.now)
    tx.run("hold_conversation", session=process.session, process=process.id)
    tx.note(Topic.SIGNAL)


def closed_process(tx: Tx, process: str) -> None:
    """It is confirmed gone."""
    gone = tx.one("delete_warm", name=process)
    if gone is not None:
        tx.run("let_go_conversation", session=gone[0], process=process)


def outdated_processes(tx: Tx, runner: str) -> list[str]:
    """Those of a runner that hold no conversation any more."""
    return [row[0] for row in tx.all("outdated_processes", runner=runner)]


def _riding(tx: Tx, seq: int) -> list[Message]:
    return [_message(task, _decode_spec(body)) for task, body in tx.all("rider_specs", seq=seq)]


def _message(task: str, spec: TaskSpec) -> Message:
    return Message(task, spec.prompt or "", spec.metadata)


def _columns(policy: MailboxPolicy) -> dict[str, object]:
    wait = policy.max_debounce_wait_s
    return {
        "mode": policy.mode,
        "cap": policy.cap,
        "overflow": policy.drop,
        "debounce_ms": int(policy.debounce_s * 1000),
        "wait_ms": None if wait is None else int(wait * 1000),
        "max_concurrent": policy.max_concurrent,
    }


def _with(stored: str | None, used: Usage) -> Usage:
    return used if stored is None else added(_decode_usage(stored), used)
