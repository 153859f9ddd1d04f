"""`strayscan trace`: whose records does this file hold, from which store, where else do they lie."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("trace")
@click.argument("file", metavar="FILE", type=file_type())
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy that names the approved stores.")
@click.option("--out", type=file_type(), metavar="DIR", help="Findings of earlier scans: where else the same records lie.")
@click.option("--no-refresh", is_flag=True, help="Take the index of the stores as it is.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the fingerprints, instead of your own configuration's.")
@json_option
@lang_option
def command(file: Path, policy: Path, out: Path | None, no_refresh: bool, key_file: Path | None, as_json: bool, say: Messages) -> int:
    """Say what a file holds and where it came from.

    For a file that came back from outside, was lost or was found: what personal data it holds, of how many persons, from which approved
    store and which columns, and where the same records lie according to the findings in DIR. Reads the file and, if they have changed,
    the stores; the share is not scanned. Nothing is written but the stores' index.

    \b
    Exit status: 0 nothing personal; 1 personal data, and everything was read;
    3 something was not read, or copies of a store could not be traced.

    \b
    Example:
      strayscan trace returned.xlsx --policy policy.yaml --out findings
    """
    from scanner import api
    from scanner.render.trace import print_answer

    answer = api.trace(file, policy, out=out, refresh=not no_refresh, key_file=key_file)
    if as_json:
        click.echo(json.dumps(answer.to_json(), ensure_ascii=False))
    else:
        print_answer(answer, sys.stdout, say)
    return answer.exit_status
