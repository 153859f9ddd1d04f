"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from scanner.render.messages import LANGUAGES, Messages, choose_language

F = TypeVar("F", bound=Callable[..., Any])


def _messages(_: click.Context, __: click.Parameter, asked: str | None) -> Messages:
    return Messages(choose_language(asked))


def lang_option(function: F) -> F:
    """`--lang`; the command gets the catalogue as `say`."""
    help_text = "Language of messages; the locale's by default."
    return click.option("--lang", "say", type=click.Choice(LANGUAGES), callback=_messages, help=help_text)(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output instead of text.")(function)


def file_type() -> click.Path:
    return click.Path(path_type=Path)
