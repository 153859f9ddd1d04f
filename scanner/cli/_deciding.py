"""Options of the commands by which people decide about findings."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.findings.decide import Wanted

F = TypeVar("F", bound=Callable[..., Any])


def _day(_: click.Context, __: click.Parameter, given: datetime.datetime | None) -> datetime.date | None:
    return None if given is None else given.date()


def day_option(option: str, help_text: str, *, required: bool = False, name: str | None = None) -> Callable[[F], F]:
    """A day as YYYY-MM-DD, which the command gets as a date, called `name` if the option's own name is no name in Python."""
    kind = click.DateTime(formats=["%Y-%m-%d"])
    return click.option(option, *([name] if name else []), type=kind, metavar="DATE", callback=_day, required=required, help=help_text)


def reason_option(help_text: str, *, required: bool = True) -> Callable[[F], F]:
    return click.option("--reason", required=required, metavar="TEXT", help=help_text + " Write no personal data into it.")


def deciding(function: F) -> F:
    """FINDING..., --out and the conditions, which the command gets as `wanted`; --dry-run, --json, --lang."""

    def command(
        finding: tuple[str, ...],
        paths: tuple[str, ...],
        entities: tuple[str, ...],
        departments: tuple[str, ...],
        unread: bool,
        **given: Any,
    ) -> int:
        ids = tuple(one for name in finding for one in (sys.stdin.read().split() if name == "-" else [name]))
        status: int = function(wanted=Wanted(ids, paths, entities, departments, unread), **given)
        return status

    command.__doc__ = function.__doc__
    command.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        lang_option,
        json_option,
        click.option("--dry-run", is_flag=True, help="Say how many it would be, and write nothing."),
        click.option("--unread", is_flag=True, help="Open unread objects instead of findings."),
        click.option("--department", "departments", multiple=True, metavar="NAME", help="All open stray findings of this department."),
        click.option("--entity", "entities", multiple=True, metavar="TYPE", help="All of this entity type."),
        click.option("--path", "paths", multiple=True, metavar="GLOB", help="All whose path matches, as in a policy: from the root down."),
        click.option("--out", type=file_type(), metavar="DIR", required=True, help="The findings store."),
        click.argument("finding", metavar="[FINDING]...", nargs=-1),
    ):
        command = option(command)
    return command  # type: ignore[return-value]
