"""``taxiway account``: allowances of providers that agents share."""

from __future__ import annotations

from datetime import datetime

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.lane import size_word
from taxiway.cli.options import Amount, Duration
from taxiway.cli.output import answer, answer_json, note, page_document, table
from taxiway.cli.safe import safe_line
from taxiway.cli.verb import Noun
from taxiway.cli.words import ago, day_and_time, span
from taxiway.core.account import Account, Phase
from taxiway.wire.documents import account_document


@click.group(cls=Noun)
def account() -> None:
    """Accounts: what providers let through, and what waits for a reset."""


@account.command("list")
@pass_door
def list_accounts(door: Door) -> None:
    """Every account: its state, how many of its runs go at once, and who uses it."""
    found = door.use(lambda tw: tw.accounts())
    if door.wants_json:
        answer_json(page_document(account_document(one) for one in found))
        return
    now = door.clock.now_ms()
    rows = [
        [one.name, _state(one, now), str(one.live), size_word(one.size), size_word(one.limit), ", ".join(one.agents)]
        for one in found
    ]
    answer(table(("ACCOUNT", "STATE", "RUNNING", "NOW", "LIMIT", "AGENTS"), rows))


@account.command()
@click.argument("name")
@pass_door
def show(door: Door, name: str) -> None:
    """One account: since when and until when it is parked, and why."""
    _show(door, door.use(lambda tw: tw.account(name)))


@account.command()
@click.argument("name")
@click.option("--for", "for_s", type=Duration(), help="How long. [default: until it is released]")
@click.option("--until", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M", "%H:%M"]), help="Until when.")
@click.option("--why", default="", help="For those who wonder.")
@pass_door
def park(door: Door, name: str, for_s: float | None, until: datetime | None, why: str) -> None:
    """Start nothing of an account; what runs goes on to its end."""
    end = None if until is None else _next(until, door.clock.now_ms())
    _show(door, door.use(lambda tw: tw.park_account(name, until=end, for_s=for_s, why=why)))


@account.command()
@click.argument("name")
@pass_door
def release(door: Door, name: str) -> None:
    """Wait no longer for its reset; where its provider had refused, one run goes first."""
    _show(door, door.use(lambda tw: tw.release_account(name)))


@account.command("set")
@click.argument("name")
@click.option("--limit", type=Amount(), metavar="N|unlimited", required=True, help="Runs at once at most.")
@pass_door
def set_account(door: Door, name: str, limit: int) -> None:
    """Change how many of its runs may go at once: raising starts more at once, lowering ends nothing."""
    found: Account = door.use(lambda tw: tw.limit_account(name, limit or None))
    configured = door.loaded.config.accounts.get(name)
    if door.url is None and configured is not None and configured.limit not in (None, found.limit):
        origin = door.loaded.origins[f"accounts.{name}.limit"]
        note(f"note: {origin} gives account '{name}' a limit of {configured.limit} again whenever the store is opened")
    _show(door, found)


def _next(until: datetime, now_ms: int) -> int:
    """The moment that is meant: a time of day is today's, or tomorrow's if that has passed."""
    if until.year == 1900:
        today = datetime.fromtimestamp(now_ms / 1000).astimezone()
        until = today.replace(hour=until.hour, minute=until.minute, second=0, microsecond=0)
        if until <= today:
            return int(until.timestamp() * 1000) + 86_400_000
    return int(until.timestamp() * 1000)


def _show(door: Door, found: Account) -> None:
    if door.wants_json:
        answer_json(account_document(found))
        return
    now = door.clock.now_ms()
    answer(f"account {found.name}: {_state(found, now)}, {found.live} running, limit {size_word(found.limit)}")
    if found.since is not None:
        answer(f"since {day_and_time(found.since)} ({ago(found.since, now)})")
    if found.until is not None:
        answer(f"until {day_and_time(found.until)} (in {span((found.until - now) / 1_000)}), then one run goes first")
    if found.why:
        answer(f"because: {safe_line(found.why)}")
    if found.agents:
        answer(f"agents {', '.join(found.agents)}")


def _state(found: Account, now: int) -> str:
    match found.phase:
        case Phase.PARKED:
            when = "" if found.until is None else f" for {span((found.until - now) / 1_000)}"
            return f"parked by hand{when}" if found.by_hand else f"{found.kind} limit{when}"
        case Phase.PROBING:
            return "one run probes"
        case Phase.OPEN:
            return f"widening ({found.width})" if found.narrow else "open"
