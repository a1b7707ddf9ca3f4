"""What an agent asks while somebody sits at the terminal: shown, and answered right there with y or n."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from taxiway.app import Taxiway
from taxiway.cli.output import note
from taxiway.cli.safe import safe_line
from taxiway.core.errors import NotPending
from taxiway.core.event import Event, EventType
from taxiway.core.ids import short_id

ANSWERS = {"y": True, "yes": True, "n": False, "no": False}


class Asking:
    """The open questions of one task, the oldest first. ``here``: a person is at the keyboard."""

    def __init__(self, tw: Taxiway, here: bool) -> None:
        self._tw = tw
        self._here = here
        self._open: dict[str, str] = {}
        self._words: set[str] = set()  # those that want an answer in words
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def hear(self, event: Event) -> None:
        """Show what is asked, and what was said to it, by whomever."""
        approval = str(event.data.get("approval", ""))
        if event.type is EventType.APPROVAL_REQUESTED and approval:
            tool = event.data.get("tool")
            self._open[approval] = f"{tool}: {event.data.get('text')}" if tool else str(event.data.get("text"))
            if event.data.get("words"):
                self._words.add(approval)
            note(f"it asks: {safe_line(self._open[approval])}")
            self._prompt()
        elif event.type is EventType.APPROVAL_DECIDED and self._open.pop(approval, None) is not None:
            by, why = event.data.get("by"), event.data.get("why")
            note(f"{event.data.get('state')} by {safe_line(str(by))}" + (f": {safe_line(str(why))}" if why else ""))
            self._prompt()

    def typed(self) -> None:
        """A line can be read."""
        line = sys.stdin.readline()
        if not line:
            asyncio.get_running_loop().remove_reader(sys.stdin)
        self._lines.put_nowait(line.strip())

    async def answer_on(self) -> None:
        """Answer the oldest open question with each line, until cancelled."""
        while True:
            line = await self._lines.get()
            approval = next(iter(self._open), None)
            if approval is None:
                continue
            words = approval in self._words
            if not line or (not words and line.lower() not in ANSWERS):
                self._prompt()
                continue
            try:
                if words:
                    await self._tw.allow(approval, line)
                else:
                    await (self._tw.allow(approval) if ANSWERS[line.lower()] else self._tw.deny(approval))
            except NotPending as error:
                self._open.pop(approval, None)
                note(error.message)

    def _prompt(self) -> None:
        approval = next(iter(self._open), None)
        if approval is not None:
            short = short_id(approval)
            words = approval in self._words
            asked = "your answer, then Enter" if words else "allow it? y or n, then Enter"
            how = asked if self._here else "answer with"
            elsewhere = f"taxiway approval allow {short}{' --text ANSWER' if words else ''} (or deny)"
            note(f"{how} (elsewhere: {elsewhere})" if self._here else f"{how} {elsewhere}")


@contextmanager
def asking(tw: Taxiway, wants_json: bool, group: asyncio.TaskGroup) -> Iterator[Asking]:
    """Take answers from the keyboard, where there is one, for as long as the block lasts."""
    here = not wants_json and _at_a_terminal()
    made = Asking(tw, here)
    if not here:
        yield made
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, made.typed)
    answering = group.create_task(made.answer_on(), name="answer")
    try:
        yield made
    finally:
        answering.cancel()
        loop.remove_reader(sys.stdin)


def _at_a_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()
