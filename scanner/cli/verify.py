"""`strayscan verify`: is everything in a findings store what was written?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("verify")
@click.argument("out", metavar="DIR", type=file_type())
@json_option
@lang_option
def command(out: Path, as_json: bool, say: Messages) -> int:
    """Check that a findings store is whole, as after a restore.

    Every file of every run and of people's decisions in DIR is compared with the hash that was written down, and the logs with their
    chains. The number and hash of each log's last entry are printed, to be compared with those kept elsewhere. Reads the whole store,
    changes nothing.

    \b
    Exit status: 0 all is whole; 3 something is missing or damaged.

    \b
    Example:
      strayscan verify findings
    """
    from scanner import api
    from scanner.render.visible import visible

    found = api.verify(out)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
        return found.exit_status
    for problem in found.problems:
        click.echo(visible(problem))
    for log, (entries, head) in found.logs.items():
        click.echo(say("verify_log", log=log, entries=entries, head=head))
    click.echo(
        say("verify_whole" if not found.problems else "verify_faults", runs=found.runs, files=found.files, faults=len(found.problems))
    )
    return found.exit_status
