"""`strayscan hold verify`: is the log whole, and is every held file as it was scanned?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import json_option, lang_option
from scanner.cli.hold._options import hold_option
from scanner.render.messages import Messages


def _heads(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[int, str]:
    heads = {}
    for text in given:
        number, colon, digest = text.partition(":")
        if not colon or not number.isdigit() or not digest:
            raise click.BadParameter("expected NUMBER:HASH, as `log_head` events and this command tell it")
        heads[int(number)] = digest
    return heads


@click.command("verify")
@hold_option
@click.option("--head", "heads", multiple=True, callback=_heads, metavar="NUMBER:HASH", help="An entry of the log as it was told outside.")
@json_option
@lang_option
def command(hold: Path, heads: dict[int, str], as_json: bool, say: Messages) -> int:
    """Check the log and the held files; status 1 if anything is missing or was changed.

    The entries of the log are chained by hash, so a changed or missing one shows. Whoever can write to the hold folder could rewrite
    the whole chain: give the entries that were told outside (the daily `log_head` events) with --head.
    """
    from scanner import api
    from scanner.render.outbound import print_check

    with api.open_desk(hold) as desk:
        check = desk.verify(heads)
    print_check(check, sys.stdout, say, as_json=as_json)
    return 1 if check.faults else 0
