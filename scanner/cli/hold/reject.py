"""`strayscan hold reject`: refuse the release of a held file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import json_option, lang_option
from scanner.cli.hold._options import hold_option, policy_option
from scanner.render.messages import Messages


@click.command("reject")
@click.argument("item", metavar="NUMBER")
@click.option("--reason", required=True, metavar="TEXT", help="Why it must not leave; stands in the log.")
@hold_option
@policy_option
@json_option
@lang_option
def command(item: str, reason: str, hold: Path, policy: Path | None, as_json: bool, say: Messages) -> int:
    """Refuse a held file: it goes back to its place with a note, or is destroyed, as the policy says (`outbound.rejected`)."""
    from scanner import api
    from scanner.render.outbound import print_answer

    with api.open_desk(hold, policy=policy) as desk:
        print_answer(desk.reject(item, reason), sys.stdout, say, as_json=as_json)
    return 0
