"""Forks: a new session that begins as another one's conversation is, and then goes its own way."""

from __future__ import annotations

from taxiway.core.change import ChangeKind
from taxiway.core.errors import Archived, Exists, NoConversation
from taxiway.store.tx import Tx
from taxiway.store.verbs import session_reading
from taxiway.store.verbs.sessions import row_of


def fork(tx: Tx, session: str, key: str, actor: str, title: str | None) -> str:
    """Write a new session that begins as this one; its id. Nothing is copied here: until its first turn it is a word
    about another conversation, and that one is taken as it is then."""
    row = row_of(tx, session)
    found = tx.one("forkable_session", session=row)
    assert found is not None
    name, origin, tenant, project, agent, archived, generation, thread = found
    if archived:
        raise Archived(
            f"session '{origin}' has been put away; take it back first with 'taxiway session archive {origin} --undo'",
            session=name,
        )
    known = tx.one("session_exact", tenant=tenant, project=project, key=key)
    if known is not None:
        raise Exists(f"there is a session '{key}' already; a fork is a new one", session=known[1])
    if agent is None or (thread is None and not session_reading.earlier_turns(tx, row, generation, 1)):
        why = "belongs to no agent" if agent is None else "has no turn yet that an agent has taken"
        raise NoConversation(f"session '{origin}' {why}, so there is no conversation to begin as", session=name)
    tx.known.clear()  # a project's own session comes before the one of no project
    made = tx.new_id("sess")
    version = tx.change(ChangeKind.SESSION, made, "idle", None, actor, f"forked from {name}")
    tx.run("fork_session", session=row, name=made, key=key, title=title, now=tx.now, version=version)
    return made
