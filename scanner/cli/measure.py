"""`strayscan measure`: write down what is done so that findings go and stay away."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from scanner.cli._deciding import day_option, deciding, reason_option
from scanner.findings.decide import Wanted
from scanner.render.messages import Messages


@click.command("measure")
@deciding
@click.option("--cause", metavar="TEXT", help="Why the data came to lie there.")
@click.option("--measure", metavar="TEXT", help="What is done so that it goes and does not come back.")
@day_option("--due", "Last day in time; later it is overdue.")
@click.option("--withdraw", is_flag=True, help="Take the measure back, with --reason.")
@reason_option("With --withdraw: why.", required=False)
def command(
    wanted: Wanted,
    out: Path,
    cause: str | None,
    measure: str | None,
    due: datetime.date | None,
    withdraw: bool,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
    say: Messages,
) -> int:
    """Write down a corrective measure: the cause, what is done about it, and by when.

    Nobody closes a measure by hand: it is closed by a later complete scan that no longer finds what it is about. Should that come back, it
    says `recurred`. FINDING and the conditions are as for `ignore`.

    \b
    Example:
      strayscan measure 3f9ac2 --out findings --cause "export kept after sending" --measure "export deletes itself" --due 2027-03-31
    """
    from scanner import api
    from scanner.render.triage import print_decided

    if withdraw and (cause is not None or measure is not None or due is not None or reason is None):
        raise click.UsageError("--withdraw takes --reason, and neither --cause, --measure nor --due", click.get_current_context())
    if not withdraw and (cause is None or measure is None or due is None or reason is not None):
        raise click.UsageError("a measure has --cause, --measure and --due", click.get_current_context())
    with api.open_triage(out) as order:
        if cause is None or measure is None or due is None:
            done = order.unmeasure(wanted, reason or "", dry_run=dry_run)
        else:
            done = order.measure(wanted, cause, measure, due, dry_run=dry_run)
    print_decided(done, sys.stdout, say, as_json=as_json)
    return 0
