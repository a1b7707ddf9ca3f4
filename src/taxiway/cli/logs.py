"""``taxiway task logs``: what a task's runs wrote and did, also live."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.options import task_argument
from taxiway.cli.output import answer_json_line, note
from taxiway.cli.safe import safe_line
from taxiway.cli.speech import Speech
from taxiway.cli.streams import Streams
from taxiway.cli.stuckwords import stuck_words
from taxiway.cli.taskwords import end_word, task_label
from taxiway.cli.verb import Verb
from taxiway.cli.words import clock_time
from taxiway.client.verbs import Verbs
from taxiway.core.event import Event, EventType
from taxiway.core.ids import short_id
from taxiway.core.limits import EVENTS_PAGE_MAX
from taxiway.core.run import Run
from taxiway.core.task import Task
from taxiway.wire.documents import event_document

FAILED_STATUS: Final = 1


@click.command("logs", cls=Verb)
@task_argument
@click.option("-f", "--follow", is_flag=True, help="Go on live until the task has ended.")
@click.option("--run", "last_only", is_flag=True, help="Only the last attempt.")
@pass_door
def logs(door: Door, ref: str, follow: bool, last_only: bool) -> None:
    """What a task's runs wrote: its standard output here, its standard error on standard error."""

    async def work(tw: Verbs) -> None:
        found = await tw.task(ref)
        printer = Printer(door.wants_json, found)
        if follow:
            async for event in tw.events(found.id):
                printer.show(event)
        else:
            await _stored(tw, found, printer, last_only)
        printer.end(await tw.task(found.id))

    door.use(work)


async def _stored(tw: Verbs, found: Task, printer: Printer, last_only: bool) -> None:
    """What has been written by now."""
    runs: list[Run] = await tw.runs(found.carrier or found.id)
    for run in runs[-1:] if last_only else runs:
        after = 0
        while page := await tw.run_log(run.id, after, EVENTS_PAGE_MAX):
            after = page[-1].seq
            for event in page:
                printer.show(event)
            await asyncio.sleep(0)


class Printer:
    """Writes events as they come: output as it is, everything else as notes on standard error."""

    def __init__(self, wants_json: bool, task: Task) -> None:
        self._json = wants_json
        self._task = task
        self._run = ""
        self._streams = Streams()
        self._speech = Speech(self._streams)

    def show(self, event: Event) -> None:
        """One event."""
        if self._json:
            answer_json_line(event_document(event))
            return
        if event.run != self._run:
            self._speech.end()
            self._streams.flush()
            if self._run:
                note(f"-- run {short_id(event.run)}, {clock_time(event.at)} --")
            self._run = event.run
        match event.type:
            case EventType.OUTPUT:
                self._streams.write(str(event.data.get("stream")), event.body)
            case EventType.MESSAGE:
                self._speech.show(event)
            case EventType.LOG_TRUNCATED:
                self._streams.flush()
                note("-- more output was not kept --")
            case EventType.ERROR:
                self._streams.flush()
                note(f"-- {safe_line(str(event.data))} --")
            case EventType.STATUS if stuck := stuck_words(event):
                self._streams.flush()
                note(f"-- {stuck} --")
            case _:
                pass

    def end(self, task: Task) -> None:
        """Everything is written; whoever sits at a terminal is told how it stands."""
        self._speech.end()
        self._streams.flush()
        if not self._json and sys.stderr.isatty():
            note(f"-- {task_label(task)} is {end_word(task)} --")
