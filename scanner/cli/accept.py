"""`strayscan accept`: put findings aside as a risk that is borne."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from scanner.cli._deciding import day_option, deciding, reason_option
from scanner.findings.decide import Wanted
from scanner.render.messages import Messages


@click.command("accept")
@deciding
@reason_option("Why the risk is borne; stands beside the finding.")
@day_option("--until", "Last day on which it holds; without it, as long as the values are the same.")
def command(wanted: Wanted, out: Path, reason: str, until: datetime.date | None, dry_run: bool, as_json: bool, say: Messages) -> int:
    """Accept the risk of findings: they are real, known, and stay where they are.

    Like `ignore` in every respect, and told apart from it: what is ignored is no concern, what is accepted is one that somebody answers
    for.

    \b
    Example:
      strayscan accept 3f9ac2 --out findings --reason "needed for the audit" --until 2027-03-31
    """
    from scanner import api
    from scanner.render.triage import print_decided

    with api.open_triage(out) as order:
        print_decided(order.accept(wanted, reason, until, dry_run=dry_run), sys.stdout, say, as_json=as_json)
    return 0
