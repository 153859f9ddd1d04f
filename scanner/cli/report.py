"""`strayscan report`: the findings as one self-contained page that a manager can read."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, lang_option
from scanner.render.messages import Messages


@click.command("report")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--html", "file", type=file_type(), metavar="FILE", required=True, help="Write the page here.")
@click.option("--department", metavar="NAME", help="Only what this department of the policy answers for.")
@click.option("--all-departments", is_flag=True, help="A page for each department and an index; FILE is then a folder.")
@lang_option
def command(out: Path, file: Path, department: str | None, all_departments: bool, say: Messages) -> int:
    """Write the findings in DIR as one page for people with five minutes.

    What to do by Friday, worst first; what lies where it must not, whose, of how many persons, since when and open to whom; copies with
    their store; what could not be read. The page loads nothing from the network and can be filtered, sorted and printed. It names files
    and people: it is readable by you alone (mode 0600).

    \b
    Exit status: 0 written; 3 written, but part of the findings could not be
    used, as the page and standard error say; 2 not written.

    \b
    Examples:
      strayscan report findings --html report.html
      strayscan report findings --html pages --all-departments --lang ja
    """
    from scanner import api
    from scanner.render.visible import file_size, visible

    if department is not None and all_departments:
        raise click.UsageError("--department asks for one page and --all-departments for all: give one of them")
    written = api.report(out, file, lang=say.lang, department=department, all_departments=all_departments)
    for problem in written.problems:
        click.echo(say("error", message=visible(problem)), err=True)
    shown = visible(str(written.file))
    if all_departments:
        click.echo(say("report_written_pages", count=written.pages, file=shown), file=sys.stderr)
    else:
        click.echo(say("report_written", file=shown, size=file_size(written.size)), file=sys.stderr)
    return written.exit_status
