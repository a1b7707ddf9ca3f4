"""``taxiway usage``: tokens and dollars of agents."""

from __future__ import annotations

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.options import Duration
from taxiway.cli.output import answer, answer_json, note, page_document, table
from taxiway.core.ids import short_id
from taxiway.core.usage import UsageBy, UsageLine
from taxiway.wire.documents import usage_document


@click.command()
@click.option("--by", type=click.Choice([str(one) for one in UsageBy]), default="agent", show_default=True)
@click.option("--last", type=Duration(), help="Only runs that began so long ago at most.")
@pass_door
def usage(door: Door, by: str, last: float | None) -> None:
    """What agents used, in tokens and dollars: reported by them, or computed from list prices (~)."""
    since = None if last is None else door.clock.now_ms() - int(last * 1000)
    found = door.use(lambda tw: tw.usage(by, since=since))
    if door.wants_json:
        answer_json(page_document(usage_document(one) for one in found))
        return
    heads = (by.upper(), "RUNS", "INPUT", "CACHED", "OUTPUT", "DOLLARS", "UNMEASURED", "UNPRICED")
    answer(table(heads, [_row(one) for one in found]))
    if any(one.usage.usd_computed for one in found):
        note("~ has dollars that were computed from tokens and list prices; a bill may say otherwise")


def _row(line: UsageLine) -> list[str]:
    used = line.usage
    name = line.name or "(none)"
    return [
        f"{name} ({short_id(line.id)})" if line.id else name,
        str(line.runs),
        _count(used.input_tokens),
        _count(used.cached_tokens),
        _count(used.output_tokens),
        "?" if used.usd is None else f"{'~' if used.usd_computed else ''}{used.usd:.4f}",
        str(line.unmeasured),
        str(line.unpriced),
    ]


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"
