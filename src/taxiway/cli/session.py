"""``taxiway session``: conversations with agents, their mailboxes, and what they came to."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from taxiway.cli.door import Door, pass_door, reader_here
from taxiway.cli.given import PROMPT, folder_of, standard_input
from taxiway.cli.message import policy_of, policy_options, prompt_options
from taxiway.cli.missingrunner import note_missing_runner
from taxiway.cli.options import Duration
from taxiway.cli.output import answer, answer_json, coloured, note, page_document, table
from taxiway.cli.safe import safe_line
from taxiway.cli.sessionwords import EventLines, lines_of, policy_word, sent_words, stopped_words
from taxiway.cli.task import show_ended, status_of
from taxiway.cli.taskwords import task_label
from taxiway.cli.verb import ArgvVerb, Noun
from taxiway.cli.words import ago
from taxiway.client.verbs import Verbs
from taxiway.core.errors import NotFound
from taxiway.core.event import EventPage
from taxiway.core.ids import short_id
from taxiway.core.limits import LIST_PAGE_DEFAULT
from taxiway.core.policy import Box, Mode
from taxiway.core.session import Answer, Session, Stopped
from taxiway.core.task import Task
from taxiway.wire.documents import event_document, sent_document, session_document, task_document

KEY = click.argument("key", metavar="SESSION")


@click.group(cls=Noun)
def session() -> None:
    """Sessions: conversations with an agent, and their mailboxes.

    SESSION is a key, or an id, or four or more characters of its beginning or end.
    """


@session.command("list")
@click.option("--state", default="default", help="default (active or unread), all, running, unread, terminal or idle.")
@click.option("--reader", help="As whom. [default: you]")
@click.option("--agent", help="Only of this agent.")
@click.option("--archived", is_flag=True, help="Those that were put away.")
@click.option("--limit", type=int, default=LIST_PAGE_DEFAULT, show_default=True, help="How many at most, up to 100.")
@click.option("--cursor", help="Go on behind an earlier page.")
@pass_door
def list_sessions(
    door: Door, state: str, reader: str | None, agent: str | None, archived: bool, limit: int, cursor: str | None
) -> None:
    """Active sessions first, then unread ones, then by last activity."""
    reader = reader or reader_here()
    asked: dict[str, Any] = {"state": state, "reader": reader, "agent": agent, "archived": archived}
    page = door.use(lambda tw: tw.sessions(**asked, limit=limit, cursor=cursor))
    if door.wants_json:
        answer_json(page_document([session_document(one) for one in page.items], page.cursor) | asked)
        return
    now = door.clock.now_ms()
    rows = [
        [
            one.key,
            one.state,
            one.attention,
            one.agent or "",
            str(one.live),
            str(one.waiting + one.held - one.live),
            ago(one.active_at, now),
            one.title or "",
        ]
        for one in page.items
    ]
    answer(table(("SESSION", "STATE", "ATTENTION", "AGENT", "RUNS", "WAITS", "ACTIVE", "TITLE"), rows))
    if page.cursor is not None:
        note(f"there are more: --cursor {page.cursor}")


@session.command()
@KEY
@click.option("--reader", help="As whom. [default: you]")
@pass_door
def show(door: Door, key: str, reader: str | None) -> None:
    """One session, and what of it is open."""

    async def work(tw: Verbs) -> tuple[Session, list[Task]]:
        found = await tw.session_verbs.get(key, reader or reader_here())
        return found, await tw.session_verbs.tasks(found.id)

    found, tasks = door.use(work)
    if door.wants_json:
        answer_json(session_document(found) | {"tasks": [task_document(one) for one in tasks]})
        return
    for name, value in lines_of(found, door.clock.now_ms()):
        answer(f"{name:<10} {coloured(value) if name == 'state' else safe_line(value)}")
    if tasks:
        rows = [[short_id(one.id), one.state, _place(one), task_label(one)] for one in tasks]
        answer("\n" + table(("ID", "STATE", "PLACE", "TASK"), rows))


@session.command(cls=ArgvVerb)
@KEY
@click.argument("prompt", required=False)
@click.option("--shell", help="A text for sh, instead of a prompt.")
@prompt_options
@policy_options
@click.option("--cwd", help="Where to run. [default: here]")
@click.option("--timeout", type=Duration(), help="The total clock of a run.")
@click.option("--idempotency-key", help="The same key and work again: the same task.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit status 1 when it did not complete.")
@pass_door
def send(door: Door, /, key: str, prompt: str | None, wait: bool, **given: Any) -> int:
    """Send a message: PROMPT (- reads standard input), --shell, or ARGV. A session that is new is made.

    Flags of the policy hold for this message alone. Prints the task's id, and beside it what is known of the message.
    """
    argv = given.pop("argv")
    fields: dict[str, Any] = {"prompt": standard_input(prompt, PROMPT), "mailbox": policy_of(given) or None, **given}
    fields |= {"command": list(argv) or None, "cwd": folder_of(fields["cwd"])}
    return asyncio.run(_send(door, key, {name: one for name, one in fields.items() if one is not None}, wait))


@session.command()
@KEY
@click.argument("prompt")
@click.option("--cwd", help="Where to run, should it have to wait. [default: here]")
@pass_door
def steer(door: Door, key: str, prompt: str, cwd: str | None) -> int:
    """Give the running turn a word at its next safe point; where that cannot be, it waits in order."""
    fields = {"prompt": standard_input(prompt, PROMPT), "cwd": folder_of(cwd), "mailbox": {"mode": str(Mode.STEER)}}
    return asyncio.run(_send(door, key, fields, False))


@session.command()
@KEY
@click.argument("new", metavar="NEW")
@click.option("--title", help="Its title until its first turn. [default: the title of SESSION]")
@pass_door
def fork(door: Door, key: str, new: str, title: str | None) -> None:
    """Make a session NEW that begins as SESSION is at NEW's first turn; then each goes its own way."""
    found = door.use(lambda tw: tw.session_verbs.fork(key, new, title))
    if door.wants_json:
        answer_json(session_document(found))
    else:
        answer(f"session {found.key}: {policy_word(found.policy)}, agent {found.agent}; it begins as {safe_line(key)}")


@session.command()
@KEY
@pass_door
def stop(door: Door, key: str) -> None:
    """Ask that its oldest run ends; what waits goes on."""
    stopped: Task | None = door.use(lambda tw: tw.session_verbs.stop(key))
    if door.wants_json:
        answer_json({"stopped": None if stopped is None else task_document(stopped)})
    elif stopped is None:
        answer("nothing runs")
    else:
        answer(f"{short_id(stopped.id)} {task_label(stopped)} is being stopped")


@session.command("stop-all")
@KEY
@pass_door
def stop_all(door: Door, key: str) -> None:
    """Stop what runs and cancel what waits."""
    _show_stopped(door, door.use(lambda tw: tw.session_verbs.stop_all(key)))


@session.command()
@KEY
@click.option("--discard", is_flag=True, help="Cancel what waits too.")
@pass_door
def reset(door: Door, key: str, discard: bool) -> None:
    """Begin a new conversation: what runs is stopped, what waits is kept."""
    _show_stopped(door, door.use(lambda tw: tw.session_verbs.reset(key, discard)))


@session.command("set")
@KEY
@click.option("--agent", help="Whom it belongs to, where it belongs to nobody yet.")
@click.option("--on-limit", type=click.Choice(["wait", "fail"]), help="When a provider's limit ends a turn.")
@policy_options
@pass_door
def set_session(door: Door, /, key: str, agent: str | None, on_limit: str | None, **given: Any) -> None:
    """Change a session's policy, or make a session: more may start at once, what runs is never cancelled."""
    policy = policy_of(given)

    async def work(tw: Verbs) -> Session:
        try:
            return await tw.session_verbs.set(key, policy, agent)
        except NotFound as error:
            if error.details.get("nearest") is not None:
                raise
            return await tw.session_verbs.make(key, agent, policy)

    async def and_limits(tw: Verbs) -> Session:
        made = await work(tw)
        if on_limit is not None:
            await tw.set_on_limit(on_limit, session=made.id)
        return made

    found = door.use(and_limits)
    if door.wants_json:
        answer_json(session_document(found))
    else:
        answer(f"session {found.key}: {policy_word(found.policy)}" + (f", agent {found.agent}" if found.agent else ""))


@session.command()
@KEY
@click.option("--reader", help="As whom. [default: you]")
@pass_door
def read(door: Door, key: str, reader: str | None) -> None:
    """Mark a session as seen, as it is now."""
    found = door.use(lambda tw: tw.session_verbs.read(key, reader or reader_here()))
    if door.wants_json:
        answer_json(session_document(found))
    else:
        answer(f"session {found.key} is {found.attention} for {safe_line(reader or reader_here())}")


@session.command()
@KEY
@click.option("--undo", is_flag=True, help="Take it back.")
@pass_door
def archive(door: Door, key: str, undo: bool) -> None:
    """Put a session away; not while something of it runs or waits."""
    found = door.use(lambda tw: tw.session_verbs.archive(key, not undo))
    if door.wants_json:
        answer_json(session_document(found))
    else:
        answer(f"session {found.key} is {'archived' if found.archived else 'back'}")


def _paging(verb: str, text: str) -> None:
    """``trace`` and ``output``: pages of one run's events."""

    @session.command(verb, help=text)
    @KEY
    @click.option("--run", help="Of this run. [default: the live one, else the last]")
    @click.option("--after", type=int, default=0, help="Go on behind this number.")
    @click.option(
        "--limit", type=int, default=LIST_PAGE_DEFAULT, show_default=True, help="How many at most, up to 100."
    )
    @pass_door
    def page(door: Door, key: str, run: str | None, after: int, limit: int) -> None:
        async def work(tw: Verbs) -> EventPage:
            if verb == "trace":
                return await tw.session_verbs.trace(key, run, after, limit)
            return await tw.session_verbs.output(key, run, after, limit)

        found = door.use(work)
        if door.wants_json:
            items = [event_document(one) for one in found.items]
            answer_json({"run": found.run, "items": items, "cursor": found.cursor})
            return
        EventLines().show(found.items, verb == "output")
        if found.cursor is not None and len(found.items) >= limit:
            note(f"there are more: --after {found.cursor}")


_paging("trace", "All events of a run.")
_paging("output", "What a run wrote: messages, output, diffs, errors and the end.")


async def _send(door: Door, key: str, fields: dict[str, Any], wait: bool) -> int:
    async with door.open() as tw:
        sent = await _sent(tw, key, fields)
        if wait:
            note(sent_words(sent))
            await note_missing_runner(door, tw)
            ended = await tw.wait(sent.id)
            show_ended(door, [ended])
            return status_of([ended])
        if door.wants_json:
            answer_json(sent_document(await tw.task(sent.id), sent))
        else:
            answer(sent.id)
            note(sent_words(sent))
        await note_missing_runner(door, tw)
        return 0


async def _sent(tw: Verbs, key: str, fields: dict[str, Any]) -> Answer:
    """Send it to the session of a key or an id; one that is new is made with it."""
    try:
        found = (await tw.session_verbs.get(key)).id
    except NotFound as error:
        if error.details.get("nearest") is not None:
            raise
        return await tw.admit({**fields, "session": key})
    return await tw.session_verbs.send(found, fields)


def _place(task: Task) -> str:
    """Where it is in its mailbox, which a server does not tell."""
    return "" if task.box is Box.OUT else task.box.name.lower()


def _show_stopped(door: Door, stopped: Stopped) -> None:
    if door.wants_json:
        answer_json({"running": stopped.running, "waiting": stopped.waiting})
    else:
        answer(stopped_words(stopped))
