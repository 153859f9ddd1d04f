"""`strayscan purge`: remove the program's own records that the policy's `keep` lets go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("purge")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy whose `keep` says how long what is kept.")
@click.option("--apply", is_flag=True, help="Do it. Without, it is only said what would go.")
@json_option
@lang_option
def command(out: Path, policy: Path, apply: bool, as_json: bool, say: Messages) -> int:
    """Remove what the findings store DIR need not remember any more.

    Rows of old runs that say nothing about what holds now, what is known of files long gone, closed cases, earlier registers and old log
    entries, each by its limit in the policy. What holds now reads the same afterwards; what is still asked for or decided about stays. A
    record of the purge is left in DIR. Scans may run meanwhile.

    \b
    Exit status: 0 done, or would be; 3 something is damaged and was left as it is.

    \b
    Examples:
      strayscan purge findings --policy policy.yaml
      strayscan purge findings --policy policy.yaml --apply
    """
    from scanner import api
    from scanner.render.purge import print_purged

    done = api.purge(out, policy, apply=apply)
    if as_json:
        click.echo(json.dumps(done.to_json(), ensure_ascii=False))
    else:
        print_purged(done, sys.stdout, say)
    return done.exit_status
