"""`strayscan register`: the register of personal information, from policy and findings."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("register")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy that names the approved stores.")
@click.option("--write", "files", type=file_type(), metavar="FILE", multiple=True, help="Write it here: .xlsx or .csv; may be given again.")
@click.option("--parquet", type=file_type(), metavar="FILE", help="Write the rows as Parquet too.")
@click.option("--dry-run", is_flag=True, help="Show what is to be looked at, and write nothing.")
@json_option
@lang_option
def command(out: Path, policy: Path, files: tuple[Path, ...], parquet: Path | None, dry_run: bool, as_json: bool, say: Messages) -> int:
    """Write and reconcile the register of personal information (個人情報管理台帳).

    One row an approved store of the policy, and one for every folder that holds personal data and is in no register, from the findings in
    DIR. Says what is new, grown, kept too long, empty or overdue since the last time. Columns of your own in FILE are kept, and so is what
    you wrote in the columns for people.

    \b
    Exit status: 0 nothing to be looked at; 1 something is; 3 not everything was
    read, so the register may lack something.

    \b
    Example:
      strayscan register findings --policy policy.yaml --write register.xlsx
    """
    from scanner import api
    from scanner.render.register import print_register, to_json
    from scanner.render.sheets import SheetError, read_hand, write_sheet

    for file in files:
        if file.suffix.lower() not in (".xlsx", ".csv"):
            raise click.UsageError(f"{file}: the ending tells how to write it, .xlsx or .csv")
    hand = next((read_hand(file) for file in files if file.exists()), None)
    register = api.register(out, policy, hand=hand, keep=not dry_run)
    if not dry_run:
        try:
            for file in files:
                write_sheet(file, register, say)
            if parquet is not None:
                from scanner.obligations.register import write_parquet

                write_parquet(parquet, register)
        except OSError as fault:
            raise SheetError(f"{fault.filename or 'the file'}: cannot be written: {fault.strerror}") from None
    written = [] if dry_run else [*files, *([parquet] if parquet else [])]
    if as_json:
        click.echo(json.dumps(to_json(register), ensure_ascii=False))
    else:
        print_register(register, written, sys.stdout, say)
    return register.exit_status
