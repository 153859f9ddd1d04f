"""`strayscan triage`: what still asks for somebody."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("triage")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--department", metavar="NAME", help="What belongs to this department alone.")
@click.option("--to", metavar="NAME", help="What is assigned to this one alone.")
@click.option("--limit", type=click.IntRange(0, 1_000_000), default=20, show_default=True, metavar="N", help="How many are listed.")
@json_option
@lang_option
def command(out: Path, department: str | None, to: str | None, limit: int, as_json: bool, say: Messages) -> int:
    """Say what of the findings in DIR still asks for somebody: what came back, is overdue, has changed since it was put aside, is new.

    Each line begins with the number by which `ignore`, `accept`, `assign` and `measure` know it.

    \b
    Exit status: 0 nothing is open; 1 stray findings are open; 3 something was
    not read or a scan is not complete, and nobody has decided about it.
    """
    from scanner import api
    from scanner.render.triage import print_overview

    told = api.triage(out, department=department, to=to, most=limit)
    if as_json:
        click.echo(json.dumps(told.to_json(), ensure_ascii=False))
    else:
        print_overview(told, sys.stdout, say)
    return told.exit_status
