"""`strayscan baseline`: ignore what is there today, so that only what is new is open."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from scanner.cli._deciding import day_option, reason_option
from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("baseline")
@click.argument("out", metavar="DIR", type=file_type())
@reason_option("Why what is there is put aside; stands beside every finding.")
@day_option("--until", "Last day on which it holds; better than for ever.")
@click.option("--dry-run", is_flag=True, help="Say how many it would be, and write nothing.")
@json_option
@lang_option
def command(out: Path, reason: str, until: datetime.date | None, dry_run: bool, as_json: bool, say: Messages) -> int:
    """Ignore every open stray finding in the store DIR as it is now, so that from here on only new ones are open.

    Takes only what was read: objects that could not be read stay open, and so do findings that no complete scan has met. Both are counted.
    What an ignore covers: `strayscan ignore --help`.
    """
    from scanner import api
    from scanner.render.triage import print_decided

    with api.open_triage(out) as order:
        print_decided(order.baseline(reason, until, dry_run=dry_run), sys.stdout, say, as_json=as_json)
    return 0
