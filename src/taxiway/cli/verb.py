"""Commands and groups of the command line: each takes the global flags, wherever they are typed."""

from __future__ import annotations

from typing import Any, Final

import click

from taxiway.cli.flags import Flags
from taxiway.core.nearest import suggestion

HELP_CHARS_MAX: Final = 200


def _wants_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Flags).wants_json = True


def _store(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Flags).store = value


def _url(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Flags).url = value


def _token_file(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Flags).token_file = value


def _global_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--store"],
            metavar="PATH",
            expose_value=False,
            callback=_store,
            help="The store's file, or sqlite:///path. [TAXIWAY_STORE; default: one in your state folder]",
        ),
        click.Option(
            ["--url"],
            metavar="URL",
            expose_value=False,
            callback=_url,
            help="Ask a server instead of a store. [TAXIWAY_URL]",
        ),
        click.Option(
            ["--token-file"],
            metavar="FILE",
            expose_value=False,
            callback=_token_file,
            help="What holds the token for the server; a token itself is never typed, for everybody on a machine can "
            "read what was. [TAXIWAY_TOKEN is one; default, for a server on this machine: the file beside your store]",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_wants_json,
            help="Answer with one JSON document (streams: one a line).",
        ),
    ]


class Verb(click.Command):
    """One command."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        fields["params"] = [*(fields.get("params") or []), *_global_options()]
        super().__init__(*args, **fields)


class ArgvVerb(Verb):
    """A command whose ``ARGV`` stands behind ``--`` and is taken as it is; it arrives as the parameter ``argv``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Cut at the first ``--``; what stands before it are flags."""
        cut = args.index("--") if "--" in args else len(args)
        ctx.params["argv"] = tuple(args[cut + 1 :])
        return super().parse_args(ctx, args[:cut])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line names what stands behind ``--`` too."""
        return [*super().collect_usage_pieces(ctx), "-- ARGV..."]


class Noun(click.Group):
    """A group of verbs; a mistyped one is answered with the nearest."""

    command_class = Verb
    group_class = type

    def __init__(self, *args: Any, **fields: Any) -> None:
        fields["params"] = [*(fields.get("params") or []), *_global_options()]
        super().__init__(*args, **fields)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a better sentence when there is no such command."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            hint = suggestion(args[0], self.list_commands(ctx))
            legal = hint or f"there are {', '.join(self.list_commands(ctx))}"
            raise click.UsageError(f"{ctx.command_path} has no command '{args[0]}'; {legal}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with its whole first sentence: half of one helps nobody."""
        rows = [(name, self.commands[name].get_short_help_str(HELP_CHARS_MAX)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """In the order in which they were written."""
        return list(self.commands)
