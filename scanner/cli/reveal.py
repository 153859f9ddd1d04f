"""`strayscan reveal`: show a finding's value on a terminal, and log that it was."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, lang_option
from scanner.render.messages import Messages


@click.command("reveal")
@click.argument("finding", metavar="[FINDING]", required=False)
@click.option("--out", type=file_type(), metavar="DIR", required=True, help="Findings of earlier scans.")
@click.option("--policy", type=file_type(), metavar="FILE", help="The policy, whose `reveal` must allow it.")
@click.option("--reason", metavar="TEXT", help="Why the value has to be seen; stands in the log.")
@click.option("--most", type=click.IntRange(1, 100), default=3, metavar="NUMBER", help="Distinct values to show; 3 by default.")
@click.option("--check-log", is_flag=True, help="Check the log of what was shown instead.")
@lang_option
def command(finding: str | None, out: Path, policy: Path | None, reason: str | None, most: int, check_log: bool, say: Messages) -> int:
    """Show a finding's values on this terminal.

    FINDING is a finding_id, or its first characters. The source is read again with your own rights; findings hold no value. The policy
    must allow it (`reveal:`), and who saw which finding, when and why is logged in DIR/audit/reveals.jsonl before anything is shown. The
    value is never written: standard output must be a terminal.

    \b
    Exit status: 0 shown; 1 the values are not there any more, or the log is not
    whole; 2 not allowed, or not on a terminal; 3 the source could not be read to
    its end.

    \b
    Example:
      strayscan reveal 3f9a1c --out findings --policy policy.yaml --reason "is this a test number?"
    """
    from scanner import api

    if check_log:
        count, head, faults = api.reveals_log(out)
        for fault in faults:
            click.echo(fault)
        click.echo(say("reveal_log_whole", count=count, seq=count, hash=head))
        return 1 if faults else 0
    if finding is None or policy is None or reason is None:
        raise click.UsageError("give a finding, --policy and --reason (or --check-log)")
    if not sys.stdout.isatty():
        raise click.UsageError("values are shown on a terminal only, and standard output is none")
    from scanner.render.reveal import print_revealed

    revealed = api.reveal(out, finding, policy, reason=reason, most=most)
    print_revealed(revealed, sys.stdout, say)
    if revealed.reason is not None:
        return 3
    return 0 if revealed.values else 1
