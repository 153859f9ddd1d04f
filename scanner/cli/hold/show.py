"""`strayscan hold show`: one held file, with everything needed to decide."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import json_option, lang_option
from scanner.cli.hold._options import hold_option
from scanner.render.messages import Messages


@click.command("show")
@click.argument("item", metavar="NUMBER")
@hold_option
@json_option
@lang_option
def command(item: str, hold: Path, as_json: bool, say: Messages) -> int:
    """Show a held file: who dropped it, what was found (masked), why it is held, who has agreed.

    NUMBER is the reference in the note and in `hold list`; its beginning will do.
    """
    from scanner import api
    from scanner.render.outbound import print_one

    with api.open_desk(hold) as desk:
        print_one(desk, desk.find(item), sys.stdout, say, as_json=as_json)
    return 0
