"""Options that the commands of an approver share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from scanner.cli._options import file_type

F = TypeVar("F", bound=Callable[..., Any])


def hold_option(function: F) -> F:
    words = "The watch's hold folder (or STRAYSCAN_HOLD)."
    return click.option("--hold", type=file_type(), metavar="DIR", required=True, envvar="STRAYSCAN_HOLD", help=words)(function)


def policy_option(function: F) -> F:
    return click.option("--policy", type=file_type(), metavar="FILE", help="A policy instead of the one the watch was started with.")(
        function
    )
