"""`strayscan assign`: say who is to see to findings."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from scanner.cli._deciding import day_option, deciding, reason_option
from scanner.findings.decide import Wanted
from scanner.render.messages import Messages


@click.command("assign")
@deciding
@click.option("--to", metavar="NAME", help="Who is to see to it: a person, a team, an address.")
@click.option("--nobody", is_flag=True, help="Take the assignment back.")
@day_option("--due", "Last day in time; later it is overdue.")
@reason_option("What is to be done.", required=False)
def command(
    wanted: Wanted,
    out: Path,
    to: str | None,
    nobody: bool,
    due: datetime.date | None,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
    say: Messages,
) -> int:
    """Say who is to see to findings, and by when. They stay open.

    FINDING and the conditions are as for `ignore`.

    \b
    Example:
      strayscan assign --department Sales --to "Sales, team lead" --due 2027-03-31 --out findings
    """
    from scanner import api
    from scanner.render.triage import print_decided

    if nobody == (to is not None) or (nobody and due is not None):
        raise click.UsageError("give either --to, with --due if you like, or --nobody", click.get_current_context())
    with api.open_triage(out) as order:
        done = order.unassign(wanted, reason, dry_run=dry_run) if to is None else order.assign(wanted, to, due, reason, dry_run=dry_run)
    print_decided(done, sys.stdout, say, as_json=as_json)
    return 0
