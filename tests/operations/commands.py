"""Command lines of the product, held against the commands that it really has; nothing is run."""

import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import click

from app.config import Settings

PREFIXES = (("flask", "--app", "wsgi", "mall"), ("mall",))


class Unknown(AssertionError):
    """No such command or option; the text says which."""


@cache
def mall() -> click.Group:
    """The product's own group of commands."""
    from wsgi import create_app

    app = create_app(Settings(data_dir=Path(mkdtemp(prefix="mall-commands-"))))
    app.extensions["mall.search"].close()
    group = app.cli.commands["mall"]
    assert isinstance(group, click.Group)
    return group


def words_of(line: str) -> list[str]:
    """A line of shell without its comment, cut into words."""
    return shlex.split(line, comments=True)


def of_the_mall(words: Sequence[str]) -> list[str] | None:
    """What stands behind `flask --app wsgi mall`, or None when this is no command of the product."""
    first = [Path(words[0]).name, *words[1:]] if words else []
    for prefix in PREFIXES:
        if tuple(first[: len(prefix)]) == prefix:
            return first[len(prefix) :]
    return None


def check(words: Sequence[str], *, whole: bool = True) -> click.Command:
    """Follow the words through groups, options and arguments; a mere mention (not `whole`) may leave arguments out. Raises Unknown."""
    command: click.Command = mall()
    rest = list(words)
    while True:
        context = click.Context(command, info_name=command.name)
        if {"--help"} & set(rest[:1]):
            return command
        try:
            given, rest, _order = command.make_parser(context).parse_args(rest)
            for parameter in command.params:
                value = given.get(parameter.name or "")
                if isinstance(value, str | tuple) and value:
                    if not isinstance(parameter.type, click.Path | click.File):  # a file of the reader's
                        parameter.type_cast_value(context, value)
                elif whole and isinstance(parameter, click.Argument) and parameter.required:
                    raise Unknown(f"{command.name}: {parameter.name} is missing")
        except click.ClickException as error:
            raise Unknown(f"{command.name}: {error.format_message()}") from error
        if not isinstance(command, click.Group):
            if rest:
                raise Unknown(f"{command.name}: nobody takes {' '.join(rest)}")
            return command
        if not rest:
            return command
        found = command.commands.get(rest[0])
        if found is None:
            raise Unknown(f"{command.name} has no command {rest[0]}")
        command, rest = found, rest[1:]
