"""``taxiway token``: who may ask a server for what."""

from __future__ import annotations

import click

from taxiway.cli.door import Door, pass_door
from taxiway.cli.output import answer, answer_json, note, page_document, table
from taxiway.cli.verb import Noun
from taxiway.cli.words import ago
from taxiway.client.address import login_link, shown_host
from taxiway.core.duration import parse_duration
from taxiway.core.ids import short_id
from taxiway.core.token import Token, TokenScope
from taxiway.wire.documents import token_document


@click.group(cls=Noun)
def token() -> None:
    """Tokens: who may ask a server for what."""


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([str(scope) for scope in (TokenScope.VIEWER, TokenScope.OPERATOR, TokenScope.ADMIN)]),
    default=str(TokenScope.OPERATOR),
    show_default=True,
    help="What its bearer may: look, work with tasks and sessions too, or settle everything.",
)
@click.option("--expires", metavar="DURATION", help="When it opens nothing any more, as in 30d. [default: never]")
@pass_door
def create(door: Door, name: str, scope: str, expires: str | None) -> None:
    """Make a token, and print it: nobody can tell it again."""
    expires_s = None if expires is None else parse_duration(expires)
    made, text = door.use(lambda tw: tw.make_token(name, TokenScope(scope), expires_s))
    if door.wants_json:
        answer_json({"token": token_document(made), "text": text})
        return
    answer(text)
    note(f"a token of {name} with the scope {scope}; it is shown only now")


@token.command()
@pass_door
def link(door: Door) -> None:
    """Print a link that signs a browser in, once and within a minute.

    With --url as the bearer of the token that is shown, else as the owner of the store, at the address of [server].
    """
    server = door.loaded.config.server
    url = door.url or f"http://{shown_host(server.host)}:{server.port}"
    address = login_link(url, door.use(lambda tw: tw.login_code()))
    if door.wants_json:
        answer_json({"link": address})
        return
    answer(address)


@token.command("list")
@pass_door
def list_tokens(door: Door) -> None:
    """Every token, without what it opens."""
    found = door.use(lambda tw: tw.tokens())
    if door.wants_json:
        answer_json(page_document(token_document(one) for one in found))
        return
    if not found:
        note("there is no token; one is made with: taxiway token create NAME")
        return
    now = door.clock.now_ms()
    rows = [
        [
            short_id(one.id),
            one.name,
            str(one.scope) + (" (browser)" if one.browser is not None else ""),
            _state(one, now),
            "never" if not one.used_at else ago(one.used_at, now),
        ]
        for one in found
    ]
    answer(table(("ID", "NAME", "SCOPE", "STATE", "USED"), rows))


@token.command()
@click.argument("ref", metavar="TOKEN")
@pass_door
def revoke(door: Door, ref: str) -> None:
    """Have a token open nothing any more; by its id, a part of it, or its bearer's name."""
    found = door.use(lambda tw: tw.revoke_token(ref))
    if door.wants_json:
        answer_json(token_document(found))
        return
    answer(f"token {short_id(found.id)} of {found.name} opens nothing any more")


def _state(one: Token, now: int) -> str:
    if one.revoked_at is not None:
        return "revoked"
    return "live" if one.holds(now) else "expired"
