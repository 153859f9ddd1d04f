"""`strayscan hold release`: agree to the release of a held file."""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path

import click

from scanner.cli._options import json_option, lang_option
from scanner.cli.hold._options import hold_option, policy_option
from scanner.render.messages import Messages

_SPAN = re.compile(r"(\d{1,6})([mhd])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}


def _moment(_: click.Context, __: click.Parameter, given: str | None) -> float | None:
    """`2h`, `30m`, `3d` from now, or a date with or without a time, local if it names no zone."""
    if given is None:
        return None
    now = datetime.datetime.now(datetime.UTC)
    if span := _SPAN.fullmatch(given):
        return now.timestamp() + int(span[1]) * _SECONDS[span[2]]
    try:
        return datetime.datetime.fromisoformat(given).astimezone().timestamp()
    except ValueError:
        raise click.BadParameter("expected a time from now such as 2h or 3d, or a date such as 2026-12-31T18:00") from None


@click.command("release")
@click.argument("item", metavar="NUMBER")
@click.option("--reason", required=True, metavar="TEXT", help="Why it may leave; stands in the log.")
@click.option("--expires", callback=_moment, metavar="WHEN", help="From when on this agreement counts no more (2h, 3d, a date).")
@hold_option
@policy_option
@json_option
@lang_option
def command(item: str, reason: str, expires: float | None, hold: Path, policy: Path | None, as_json: bool, say: Messages) -> int:
    """Agree to the release of a held file. It goes as soon as enough people have agreed.

    Nobody can release a file of their own. Where the sender cannot be told, two people must agree; --expires withdraws an agreement that
    others have not joined by then. What goes is byte for byte what was scanned; nothing in the release folder is overwritten. Status 3
    where the disk refuses it now: the order stands, and the watch or the next order carries it out.
    """
    from scanner import api
    from scanner.render.outbound import print_answer

    with api.open_desk(hold, policy=policy) as desk:
        print_answer(desk.release(item, reason, expires), sys.stdout, say, as_json=as_json)
    return 0
