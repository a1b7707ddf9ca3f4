"""``taxiway submit``: put a task, or a plan, in the store and print its id."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import click

from taxiway.app import PlanAdmitted
from taxiway.cli.door import Door, pass_door
from taxiway.cli.following import Following
from taxiway.cli.given import folder_of, standard_input
from taxiway.cli.message import policy_of, policy_options, prompt_options
from taxiway.cli.missingrunner import note_missing_runner
from taxiway.cli.options import Duration, Json, pairs, workspace_option
from taxiway.cli.output import answer, answer_json, note
from taxiway.cli.plain import PlainView
from taxiway.cli.planning import announced, plan_of
from taxiway.cli.summary import exit_status, summary
from taxiway.cli.task import show_ended, status_of
from taxiway.cli.verb import ArgvVerb
from taxiway.client.verbs import Verbs
from taxiway.core.errors import Ambiguous, NotFound
from taxiway.core.task import Condition, Task
from taxiway.wire.documents import queue_document, task_document

PLAN_ENDINGS: Final = (".yaml", ".yml", ".toml", ".json")
DEFAULT_QUEUE: Final = "default"


@click.command(cls=ArgvVerb)
@click.argument("plan", required=False)
@click.option("--name", help="The task's name.")
@click.option("--queue", help="[default: default]")
@click.option("--lane", help="[default: main]")
@click.option("--priority", type=int, help="Higher goes first. [default: 0]")
@click.option("--position", type=int, help="Among equal priorities lower goes first. [default: 0]")
@click.option("--shell", help="A text for sh, instead of ARGV.")
@click.option("--job", help="A registered Python job, instead of ARGV.")
@click.option("--prompt", help="Words for an agent, instead of ARGV; - reads standard input.")
@prompt_options
@click.option("--session", help="The key of the conversation that it belongs to.")
@policy_options
@click.option("--args", type=Json(), help="Arguments of the job, as a JSON object.")
@click.option("--after", multiple=True, metavar="TASK[=CONDITION]", help="completed (default), failed or finished.")
@click.option("--cwd", help="Where to run. [default: here]")
@workspace_option
@click.option("--env", multiple=True, metavar="K=V", help="A variable.")
@click.option("--stdin", help="Text (UTF-8) for standard input; - reads ours.")
@click.option("--timeout", type=Duration(), help="The total clock of a run.")
@click.option("--idle-timeout", type=Duration(), help="How long a run may say nothing.")
@click.option("--expires", type=Duration(), help="The latest start, from now.")
@click.option("--delay", type=Duration(), help="The earliest start, from now.")
@click.option("--retries", type=int, help="Further attempts after the first. [default: 0]")
@click.option(
    "--backoff", metavar="FIRST|JSON", help="Before the second attempt; or {first, factor, max, jitter} as JSON."
)
@click.option("--retry-on", multiple=True, metavar="REASON", help="Which failures are tried again.")
@click.option("--accept", multiple=True, metavar="SHELL", help="Must pass before it counts as completed.")
@click.option("--safe-to-retry", is_flag=True, default=None, help="Take a turn again also after a tool was used in it.")
@click.option("--on-limit", type=click.Choice(["wait", "fail"]), help="When a provider's limit ends the turn.")
@click.option("--budget", type=Json(), help="What all its runs may use up, {usd, tokens, wall_s} as JSON.")
@click.option("--no-wait", is_flag=True, default=None, help="Refuse at once what cannot start now.")
@click.option("--idempotency-key", help="The same key and work again: the same task.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="By which it can be found.")
@click.option("--metadata", type=Json(), help="Whatever you like to keep with it, as a JSON object.")
@click.option("--set", "overrides", multiple=True, metavar="K=V", help="Lay a value over a plan.")
@click.option("--fresh", is_flag=True, help="Run everything of a plan anew.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit status 1 when it did not complete.")
@pass_door
def submit(door: Door, /, plan: str | None, wait: bool, **given: Any) -> int:
    """Put a task (ARGV, --shell, --prompt or --job) or a plan in the store; print its id.

    A runner takes it from there: `taxiway runner start`.
    """
    argv, overrides, fresh = given.pop("argv"), given.pop("overrides"), given.pop("fresh")
    if plan is not None:
        if not plan.endswith(PLAN_ENDINGS):
            raise click.UsageError(f"'{plan}' is no plan file; write a command behind --: taxiway submit -- {plan}")
        asked = [name for name, value in given.items() if value not in (None, (), False)]
        if argv or asked:
            raise click.UsageError(f"a plan says all of that itself: leave out {'ARGV' if argv else asked[0]}")
        return asyncio.run(_submit_plan(door, plan, overrides, fresh, wait))
    if not argv and all(given[work] is None for work in ("shell", "job", "prompt")):
        raise click.UsageError(
            "write the command behind --: taxiway submit -- ls -l (or give --shell, --prompt, --job or a plan)"
        )
    if overrides or fresh:
        raise click.UsageError("--set and --fresh are for plans")
    return asyncio.run(_submit_task(door, _fields(argv, given), wait))


async def _submit_task(door: Door, fields: dict[str, Any], wait: bool) -> int:
    async with door.open() as tw:
        if "after" in fields:
            queue = fields.get("queue", DEFAULT_QUEUE)
            fields["after"] = [{await _parent(tw, word, queue): on} for word, on in fields["after"]]
        handle = await tw.submit(**fields)
        await note_missing_runner(door, tw)
        if wait:
            ended = await handle.wait()
            show_ended(door, [ended])
            return status_of([ended])
        found: Task = await handle.get()
        if door.wants_json:
            answer_json(task_document(found) | {"created": handle.created})
        else:
            answer(found.id)
        return 0


async def _submit_plan(door: Door, path: str, overrides: tuple[str, ...], fresh: bool, wait: bool) -> int:
    plan = await asyncio.to_thread(plan_of, door, path, overrides)
    began = door.clock.elapsed_s()
    async with door.open(project=plan.project) as tw:
        admitted = await tw.run_plan(plan, fresh)
        note(announced(plan, admitted))
        await note_missing_runner(door, tw)
        following = Following(tw, plan.queue, plan.project)
        if not wait:
            return _show_admitted(door, admitted)
        ended = await following.to_the_end(PlainView(note))
        tasks = [task async for task in following.tasks()]
        if door.wants_json:
            items = [task_document(task) for task in tasks]
            answer_json({"queue": queue_document(ended), "exit_status": exit_status(ended), "items": items})
        else:
            answer(await summary(tw, tasks, ended, door.clock.elapsed_s() - began))
        return exit_status(ended)


def _show_admitted(door: Door, admitted: PlanAdmitted) -> int:
    if door.wants_json:
        answer_json({name: getattr(admitted, name) for name in admitted.__struct_fields__})
    else:
        answer("\n".join(f"{task}  {name}" for name, task in admitted.ids.items()))
    return 0


def _fields(argv: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    """The flags as the fields of a plan's task."""
    fields = {name: value for name, value in given.items() if value is not None and value != ()}
    if argv:
        fields["command"] = list(argv)
    for name in ("env", "labels"):
        if name in fields:
            fields[name] = pairs(fields[name], "--" + name.removesuffix("s"))
    if "after" in fields:
        fields["after"] = [_edge(word) for word in fields["after"]]
    if "retry_on" in fields:
        fields["retry_on"] = [reason for word in fields["retry_on"] for reason in word.split(",")]
    if "backoff" in fields:
        fields["backoff"] = _backoff(fields["backoff"])
    for name in ("stdin", "prompt"):
        if name in fields:
            fields[name] = standard_input(fields[name], name)
    if policy := policy_of(fields):
        fields["mailbox"] = policy
    if "job" not in fields or "cwd" in fields:
        fields["cwd"] = folder_of(fields.get("cwd"))
    return fields


def _edge(word: str) -> tuple[str, str]:
    name, equals, condition = word.partition("=")
    return name, condition if equals else str(Condition.COMPLETED)


async def _parent(tw: Verbs, word: str, queue: str) -> str:
    """What a task waits for: a name in its own queue as it stands, anything else by the id that it means."""
    try:
        named = await tw.task(f"{queue}/{word}")
    except NotFound:
        return (await tw.task(word)).id
    except Ambiguous:  # in queues of several projects; which one is meant, a submit knows
        return word
    return word if named.spec.name == word else named.id


def _backoff(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        return dict(Json().convert(text, None, None))
    return {"first": text}
