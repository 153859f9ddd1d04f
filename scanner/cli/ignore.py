"""`strayscan ignore`: put findings aside that are no concern."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from scanner.cli._deciding import day_option, deciding, reason_option
from scanner.findings.decide import Wanted
from scanner.render.messages import Messages


@click.command("ignore")
@deciding
@reason_option("Why it is no concern; stands beside the finding.")
@day_option("--until", "Last day on which it holds; without it, as long as the values are the same.")
def command(wanted: Wanted, out: Path, reason: str, until: datetime.date | None, dry_run: bool, as_json: bool, say: Messages) -> int:
    """Put findings aside that are no concern: test data, a false alarm, a place that is being emptied.

    FINDING is a finding's number, or that of an object that could not be read, or the beginning of one (- reads them from standard input);
    or give conditions instead, all of which have to be met. An ignore covers the values that are there now: as soon as another one lies at
    the same place, the finding is open again. For kinds that are never fingerprinted (My Number, cards, ...) it is as soon as there are
    more of them.

    \b
    Examples:
      strayscan ignore 3f9ac2 --out findings --reason "test data" --until 2027-03-31
      strayscan ignore --path "test/**" --out findings --reason "test data" --dry-run
    """
    from scanner import api
    from scanner.render.triage import print_decided

    with api.open_triage(out) as order:
        print_decided(order.ignore(wanted, reason, until, dry_run=dry_run), sys.stdout, say, as_json=as_json)
    return 0
