"""``taxiway task steer`` and ``interrupt``: speak to the agent that works on a task now."""

from __future__ import annotations

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.given import standard_input
from taxiway.cli.options import task_argument
from taxiway.cli.output import answer, answer_json
from taxiway.cli.safe import safe_line
from taxiway.cli.verb import Verb
from taxiway.core.errors import Refused
from taxiway.core.ids import short_id
from taxiway.core.session import Receipt, Signal, SignalState
from taxiway.wire.documents import receipt_document

RECEIPT_S = 5.0
NO_WAIT = click.option("--no-wait", is_flag=True, help="Do not wait a moment for the receipt.")


@click.command(cls=Verb)
@task_argument
@click.argument("text")
@NO_WAIT
@pass_door
def steer(door: Door, ref: str, text: str, no_wait: bool) -> None:
    """Give the agent that works on a task a word (TEXT, or - for standard input), and say whether it took it.

    What it does not take is the next turn of the task's session; without a session it is refused.
    """
    words = standard_input(text) or ""
    _show(door, ref, door.use(lambda tw: tw.steer(ref, words, 0 if no_wait else RECEIPT_S)))


@click.command(cls=Verb)
@task_argument
@NO_WAIT
@pass_door
def interrupt(door: Door, ref: str, no_wait: bool) -> None:
    """Have the turn of the agent that works on a task ended: the task is cancelled, its conversation stays."""
    _show(door, ref, door.use(lambda tw: tw.interrupt(ref, 0 if no_wait else RECEIPT_S)))


def _show(door: Door, ref: str, receipt: Receipt) -> None:
    if receipt.state is SignalState.REFUSED and receipt.message is None and receipt.kind is Signal.STEER:
        raise Refused(f"task {ref} was told nothing: {receipt.why}", signal=receipt.signal, run=receipt.run)
    if door.wants_json:
        answer_json(receipt_document(receipt))
    else:
        answer(_words(receipt))


def _words(receipt: Receipt) -> str:
    """What became of it, in one sentence."""
    run = short_id(receipt.run or "")
    match receipt.state:
        case SignalState.APPLIED:
            return f"{receipt.kind} applied to run {run}"
        case SignalState.REFUSED if receipt.message is not None:
            why = safe_line(receipt.why or "")
            return f"{receipt.kind} not applied: {why}; it is message {short_id(receipt.message)}, the next turn"
        case SignalState.REFUSED:
            return f"{receipt.kind} not applied: {safe_line(receipt.why or '')}"
        case _:
            return f"{receipt.kind} offered to run {run}; its log will say whether it was applied"
