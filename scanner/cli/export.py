"""`strayscan export`: hand findings to other systems."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, lang_option
from scanner.findings.records import VERDICTS
from scanner.render.export import FORMATS, PARQUET, SHEET_ROWS
from scanner.render.messages import Messages
from scanner.render.visible import visible


@click.command("export")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--format", "fmt", type=click.Choice(FORMATS), required=True, help="What to write.")
@click.option("--output", type=file_type(), metavar="PATH", help="A file instead of standard output; the folder of ocsf-parquet.")
@click.option("--run", metavar="RUN", help="As this run wrote it, instead of what holds now.")
@click.option("--since", metavar="RUN|TIME", help="Only what was found, closed or not read since this run or time.")
@click.option("--verdict", "verdicts", type=click.Choice(VERDICTS), multiple=True, help="Findings of these verdicts; stray by default.")
@click.option("--closed", is_flag=True, help="Closed and ignored findings too; with --since they always are.")
@click.option("--department", "departments", metavar="NAME", multiple=True, help='Of these departments alone; "" for what has none.')
@click.option("--mask-locators", is_flag=True, help="Paths, members, sheets, columns, owners as shapes with keyed tags.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the tags, instead of your own configuration's.")
@lang_option
def command(
    out: Path,
    fmt: str,
    output: Path | None,
    run: str | None,
    since: str | None,
    verdicts: tuple[str, ...],
    closed: bool,
    departments: tuple[str, ...],
    mask_locators: bool,
    key_file: Path | None,
    say: Messages,
) -> int:
    """Hand findings to other systems.

    Writes what the findings store in DIR holds: one record for each finding, and one for each object that was not fully read. By default
    the stray findings that are open now.

    \b
    ocsf          OCSF 1.8 events, class Data Security Finding (2006), as JSON lines
    ocsf-parquet  the same as Parquet, by day and sorted by time; needs --output
    csv           for spreadsheets: UTF-8 with BOM, formulas defused
    jsonl         every column of a record, one JSON object a line

    \b
    Exit status: 0 everything was handed over; 2 wrong usage; 3 part of the store
    could not be used, or the newest run over a root is not complete.

    \b
    Examples:
      strayscan export findings --format csv > findings.csv
      strayscan export findings --format ocsf --since 2026-11-28 | collector
    """
    from scanner import api

    if fmt == PARQUET and output is None:
        raise click.UsageError(f"{PARQUET} needs --output, a folder that is empty or not there")
    if run is not None and (since is not None or closed):
        raise click.UsageError("--run is one run as it was: leave --since and --closed out")
    done = api.export(
        out,
        sys.stdout.buffer if output is None else output,
        fmt,
        run=run,
        since=since,
        verdicts=verdicts or ("stray",),
        closed=closed,
        departments=departments,
        mask_locators=mask_locators,
        key_file=key_file,
    )
    if output is None:
        sys.stdout.buffer.flush()
    for problem in done.problems:
        click.echo(say("export_problem", problem=visible(problem)), err=True)
    for root, short_run, outcome in done.short:
        click.echo(say("export_short", root=visible(root), run=short_run, outcome=say.word("outcome", outcome)), err=True)
    if fmt == "csv" and done.findings + done.unread >= SHEET_ROWS:
        click.echo(say("export_too_many_rows", rows=SHEET_ROWS), err=True)
    click.echo(say("exported", findings=done.findings, unread=done.unread), err=True)
    return 0 if done.whole else 3
