"""Parts of the command line's page, from click's own tree of commands."""

from collections.abc import Iterator

import click

from scripts.pages.markdown import code, table
from taxiway.cli.main import root


def overview() -> str:
    """Every command, with what it does."""
    rows = [
        [code(_typed(path, command)), command.get_short_help_str(200)] for path, command in _leaves(root, "taxiway")
    ]
    return table(["command", "what it does"], rows)


def details() -> str:
    """Every command with its usage, its text and its options."""
    return "\n\n".join(_section(path, command) for path, command in _leaves(root, "taxiway"))


def global_options() -> str:
    """The options that stand before any command."""
    return _options(root, click.Context(root, info_name="taxiway"))


def _leaves(group: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, child in getattr(group, "commands", {}).items():
        if child.hidden:
            continue
        if not getattr(child, "commands", {}) or getattr(child, "invoke_without_command", False):
            yield f"{path} {name}", child
        yield from _leaves(child, f"{path} {name}")


def _typed(path: str, command: click.Command) -> str:
    pieces = command.collect_usage_pieces(click.Context(command, info_name=path))
    return " ".join([path, *(piece for piece in pieces if piece != "[OPTIONS]")])


def _section(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    text = "\n".join(line.strip() for line in (command.help or "").replace("\b", "").strip().splitlines())
    return "\n\n".join(
        part for part in (f"### `{path}`", f"```\n{usage}\n```", text, _options(command, context)) if part
    )


def _options(command: click.Command, context: click.Context) -> str:
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            rows.append([code(record[0]), record[1]])
    return table(["option", "meaning"], rows) if rows else ""
