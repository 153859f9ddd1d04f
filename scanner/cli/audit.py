"""`strayscan audit`: what was recorded in a period, gathered for an auditor, and the check of such a binder."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

import click

from scanner.cli._deciding import day_option
from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("audit")
@click.argument("out", metavar="[DIR]", type=file_type(), required=False)
@day_option("--from", "The first day of the period.", name="first")
@day_option("--to", "The last day of the period; today at the latest.", name="last")
@click.option("--out", "folder", type=file_type(), metavar="FOLDER", help="Write the binder here; the folder must not exist.")
@click.option("--policy", type=file_type(), metavar="FILE", help="The policy: its excuses and stores with their reasons.")
@click.option("--hold", type=file_type(), metavar="DIR", help="The hold folder of the outbound gate: releases, rejections, provisions.")
@click.option("--zone", metavar="NAME", help="Time zone of the days, such as Asia/Tokyo; this machine's by default.")
@click.option("--verify", "checked", type=file_type(), metavar="FOLDER", help="Check the pieces of a binder against its manifest instead.")
@json_option
@lang_option
def command(
    out: Path | None,
    first: datetime.date | None,
    last: datetime.date | None,
    folder: Path | None,
    policy: Path | None,
    hold: Path | None,
    zone: str | None,
    checked: Path | None,
    as_json: bool,
    say: Messages,
) -> int:
    """Gather for an auditor what the findings in DIR recorded in a period.

    Roots reached and not, coverage and what stayed unread and why, policy and rules by hash, decisions, corrective measures and their
    outcome, releases and provisions, deletions, registers, drills, values shown. One HTML page that prints, the Parquet behind every
    section, and a manifest with the hash of each piece. What is missing is said on the first page. It names files and people: you alone
    can read it.

    \b
    Exit status: 0 written, or verified; 3 written, but something that belongs in
    it is missing or not whole, or a piece is not what the manifest says; 2 not
    written.

    \b
    Examples:
      strayscan audit findings --from 2026-04-01 --to 2026-11-28 --policy policy.yaml --out binder
      strayscan audit --verify binder
    """
    from scanner import api
    from scanner.render.binder.terminal import print_bound, print_checked

    if checked is not None:
        if any(given is not None for given in (out, first, last, folder, policy, hold, zone)):
            raise click.UsageError("--verify takes the folder of a binder and nothing else")
        result = api.verify_audit(checked)
        click.echo(json.dumps(result.to_json(), ensure_ascii=False)) if as_json else print_checked(result, sys.stdout, say)
        return result.exit_status
    if out is None or first is None or last is None or folder is None:
        raise click.UsageError("give the findings, the period and a new folder: DIR --from DATE --to DATE --out FOLDER")
    bound = api.audit(out, folder, first=first, last=last, policy=policy, hold=hold, zone=zone, lang=say.lang)
    click.echo(json.dumps(bound.to_json(), ensure_ascii=False)) if as_json else print_bound(bound, sys.stdout, say)
    return bound.exit_status
