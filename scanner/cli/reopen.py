"""`strayscan reopen`: take back an ignore or an acceptance."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._deciding import deciding, reason_option
from scanner.findings.decide import Wanted
from scanner.render.messages import Messages


@click.command("reopen")
@deciding
@reason_option("Why; stands beside the finding.")
def command(wanted: Wanted, out: Path, reason: str, dry_run: bool, as_json: bool, say: Messages) -> int:
    """Open findings again that are ignored or accepted.

    FINDING and the conditions are as for `ignore`; the conditions choose among what is ignored or accepted.
    """
    from scanner import api
    from scanner.render.triage import print_decided

    with api.open_triage(out) as order:
        print_decided(order.reopen(wanted, reason, dry_run=dry_run), sys.stdout, say, as_json=as_json)
    return 0
