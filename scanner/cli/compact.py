"""`strayscan compact`: merge the small files of earlier runs."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli._options import file_type, lang_option
from scanner.render.messages import Messages


@click.command("compact")
@click.argument("out", metavar="DIR", type=file_type())
@click.option(
    "--older-than", type=click.FloatRange(0, 36_500), default=1.0, metavar="DAYS", show_default=True, help="Of runs that began so long ago."
)
@lang_option
def command(out: Path, older_than: float, say: Messages) -> int:
    """Merge small files of earlier runs.

    Every run leaves a few files in the findings store DIR, and queries slow down with their number. This puts the rows of many runs into
    few files; nothing is lost, readers see everything at every moment, and scans may run meanwhile.
    """
    from scanner import api

    done = api.compact(out, older_than_days=older_than)
    click.echo(say("compacted", before=done.files_before, after=done.files_after, runs=done.runs))
    return 0
