"""``taxiway approval``: what agents ask of a person, and the person's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from taxiway.app import ApprovalPage
from taxiway.cli.door import Door, pass_door
from taxiway.cli.options import page_options
from taxiway.cli.output import answer, answer_json, coloured, note, page_document, table
from taxiway.cli.safe import safe_line
from taxiway.cli.verb import Noun
from taxiway.cli.words import ago, day_and_time, span
from taxiway.core.approval import Approval, ApprovalState
from taxiway.core.ids import short_id
from taxiway.core.safe import safe
from taxiway.wire.documents import approval_document

REF = click.argument("ref", metavar="APPROVAL")
REASON = click.option("--reason", help="What the agent is told with it.")
STATES = ("all", *(str(state) for state in ApprovalState))


@click.group(cls=Noun)
def approval() -> None:
    """Approvals: what agents ask of a person; meanwhile their tasks wait.

    APPROVAL is an id, or four or more characters of its beginning or end.
    """


@approval.command("list")
@click.option("--state", type=click.Choice(STATES), default="pending", show_default=True, help="Those in this state.")
@click.option("--task", metavar="TASK", help="Only of this task.")
@page_options
@pass_door
def list_approvals(door: Door, state: str, task: str | None, limit: int, cursor: str | None) -> None:
    """Who asks what, the first that asked first."""
    page: ApprovalPage = door.use(lambda tw: tw.approvals(state=state, task=task, limit=limit, cursor=cursor))
    if door.wants_json:
        answer_json(page_document([approval_document(one) for one in page.items], page.cursor))
        return
    if not page.items:
        note("nobody asks anything" if state == "pending" and cursor is None else "there are no more like that")
        return
    now = door.clock.now_ms()
    rows = [
        [
            short_id(one.id),
            str(one.state),
            label_of(one),
            ago(one.created_at, now),
            _left(one, now),
            one.tool or "",
            one.text,
        ]
        for one in page.items
    ]
    answer(table(("ID", "STATE", "TASK", "ASKED", "LEFT", "TOOL", "QUESTION"), rows))
    if page.cursor is not None:
        note(f"there are more: --cursor {page.cursor}")


@approval.command()
@REF
@pass_door
def show(door: Door, ref: str) -> None:
    """One question, whole: its text, the tool and its input, and what was said."""
    found: Approval = door.use(lambda tw: tw.approval(ref))
    if door.wants_json:
        answer_json(approval_document(found))
        return
    for name, value in _lines(found, door.clock.now_ms()):
        answer(f"{name:<9} {coloured(value) if name == 'state' else safe_line(value)}")
    answer(f"\n{safe(found.text)}")
    if found.input is not None:
        answer(f"\n{safe(json.dumps(found.input, indent=2, ensure_ascii=False))}")


@approval.command()
@REF
@REASON
@click.option("--text", help="The answer to a question that wants words.")
@pass_door
def allow(door: Door, ref: str, reason: str | None, text: str | None) -> None:
    """Allow it, or answer it; the agent goes on as soon as its lane has room again, ahead of what has not started."""
    if text is not None and reason is not None:
        raise click.UsageError("--text is the answer, and --reason goes with a permission: say one of them")
    _decided(door, door.use(lambda tw: tw.allow(ref, reason if text is None else text)))


@approval.command()
@REF
@REASON
@pass_door
def deny(door: Door, ref: str, reason: str | None) -> None:
    """Deny it; the agent is told, with the reason, and goes on without it."""
    _decided(door, door.use(lambda tw: tw.deny(ref, reason)))


def label_of(approval: Approval) -> str:
    """Whose question it is: the task's name with the short id that commands take."""
    named = approval.name or approval.session or approval.agent or "task"
    return f"{named} ({short_id(approval.task)})"


def _decided(door: Door, found: Approval) -> None:
    if door.wants_json:
        answer_json(approval_document(found))
    else:
        answer(f"{short_id(found.id)} {found.state}: {label_of(found)} goes on when it has its slot again")


def _left(approval: Approval, now: int) -> str:
    """How long there is for an answer."""
    if approval.state is not ApprovalState.PENDING or approval.expires_at is None:
        return ""
    return span((approval.expires_at - now) / 1_000)


def _lines(found: Approval, now: int) -> Iterator[tuple[str, str]]:
    yield "approval", found.id
    yield "state", str(found.state)
    yield "task", f"{found.task}" + (f" ({found.name})" if found.name else "")
    yield "run", found.run
    known = {"session": found.session, "agent": found.agent, "tool": found.tool, "decided by": found.actor}
    yield from ((name, value) for name, value in known.items() if value)
    yield "asked", f"{day_and_time(found.created_at)} ({ago(found.created_at, now)})"
    if found.expires_at is not None and found.decided_at is None:
        yield "expires", f"{day_and_time(found.expires_at)} (in {_left(found, now)}); then it counts as denied"
    if found.decided_at is not None:
        yield "decided", day_and_time(found.decided_at)
    if found.words:
        yield "wants", "an answer in words"
    if found.why:
        yield ("answer" if found.words and found.state is ApprovalState.ALLOWED else "reason"), found.why
