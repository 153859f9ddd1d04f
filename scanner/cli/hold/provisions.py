"""`strayscan hold provisions`: draft records of what was given to third parties."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scanner.cli._options import file_type
from scanner.cli.hold._options import hold_option


@click.command("provisions")
@hold_option
@click.option("--recipient", metavar="TEXT", help="Part of the recipient's name.")
@click.option("--name", metavar="TEXT", help="Only files in which this person's name was found.")
@click.option("--phone", metavar="TEXT", help="... this phone number.")
@click.option("--email", metavar="TEXT", help="... this e-mail address.")
@click.option("--address", metavar="TEXT", help="... this address.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the fingerprints, instead of your own configuration's.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of CSV.")
def command(hold: Path, recipient: str | None, key_file: Path | None, as_json: bool, **person: str | None) -> int:
    """Print the draft records of provisions to third parties as CSV.

    Every released file in which personal data was found has one: when, to whom, for what, which kinds, of how many persons, who
    agreed. The same lies as provisions.parquet and provisions.csv in the hold folder. Whose data a file held is looked up in the
    findings by keyed fingerprints; values given here are written nowhere (a `-` is read from standard input, to keep them out of the
    shell's history).
    """
    from scanner import api
    from scanner.find.query import Subject
    from scanner.outbound.records import provisions_csv

    wanted = {name: sys.stdin.readline().strip() if value == "-" else value for name, value in person.items() if value is not None}
    with api.open_desk(hold) as desk:
        found = desk.provisions(recipient, Subject(**wanted) if wanted else None, key_file)
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n" if as_json else provisions_csv(found))
    return 0
