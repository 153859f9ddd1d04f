"""`strayscan find`: where does this person's data lie."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages

if TYPE_CHECKING:
    from scanner.find.query import Subject


@click.command("find")
@click.option("--out", type=file_type(), metavar="DIR", required=True, help="Findings of earlier scans.")
@click.option("--name", metavar="TEXT", help="The person's name, in kanji, kana or Latin letters.")
@click.option("--phone", metavar="TEXT", help="A phone or fax number.")
@click.option("--email", metavar="TEXT", help="An e-mail address.")
@click.option("--address", metavar="TEXT", help="An address with its house number.")
@click.option("--query-file", metavar="FILE", type=file_type(), help="The same from a file of `key: value` lines; - is standard input.")
@click.option("--case", metavar="ID", help="Keep what is found under this name, for --verify later.")
@click.option("--verify", "again", is_flag=True, help="Check the case again: what is gone, what is left. Needs no query and no key.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the fingerprints, instead of your own configuration's.")
@click.option(
    "--former-key-file", "former", type=file_type(), metavar="FILE", multiple=True, help="A key from before `key rotate`, to look up too."
)
@json_option
@lang_option
def command(
    out: Path,
    query_file: Path | None,
    case: str | None,
    again: bool,
    key_file: Path | None,
    former: tuple[Path, ...],
    as_json: bool,
    say: Messages,
    **given: str | None,
) -> int:
    """Say where one person's data lies.

    Looks up the keyed fingerprints of all writing forms of what is given in the findings in DIR; the share is not read. A name counts
    together with a phone number, e-mail or postal address where both stand in one row, or at most 5 lines apart in a text.

    Values given as options stand in the shell's history. To keep them out, write lines such as `name: ...` and `phone: ...` (YAML or
    JSON; keys name, phone, email, address) to --query-file, or to standard input with `--query-file -`. Nothing of the query is printed,
    logged or written.

    \b
    Strength of a match:
      strong  an e-mail address or mobile number, or the name beside
              something else that was asked for
      medium  a fixed line, an address or an office's mailbox alone
      weak    the name alone

    With --case, the places found are kept as DIR/cases/ID.json, with keyed fingerprints and no value. After a later scan, `--case ID
    --verify` tells what is proved to be gone, what is left, and what nobody has looked at since.

    \b
    Exit status: 0 nothing found; 1 found, and everything was read;
    3 something was not read, whatever was found. With --verify: 0 everything
    is gone; 1 something is left or new; 3 of something nothing is known.

    \b
    Example:
      strayscan find --out findings --query-file -
    """
    from scanner import api
    from scanner.render.find import print_answer, print_verified

    if again:
        if case is None or query_file is not None or any(value is not None for value in given.values()):
            raise click.UsageError("--verify wants the --case to check, and no query")
        checked = api.verify_case(out, case)
        if as_json:
            click.echo(json.dumps(checked.to_json(), ensure_ascii=False))
        else:
            print_verified(checked, sys.stdout, say)
        return checked.exit_status
    person = _person(query_file, given)
    if query_file is None and sys.stderr.isatty():
        click.echo(say("find_warn_arguments"), err=True)
    answer = api.search(out, person, key_file=key_file, former=former, case=case)
    if as_json:
        click.echo(json.dumps(answer.to_json(), ensure_ascii=False))
    else:
        print_answer(answer, sys.stdout, say)
    if case is not None:
        click.echo(say("find_case_kept", case=case), err=True)
    return answer.exit_status


def _person(query_file: Path | None, given: dict[str, str | None]) -> Subject:
    from scanner.find.query import MOST_BYTES, QueryError, Subject, read_person

    if query_file is None:
        return Subject(**given)
    if any(value is not None for value in given.values()):
        raise click.UsageError("give either --query-file or the values, not both")
    try:
        with sys.stdin.buffer if str(query_file) == "-" else query_file.open("rb") as stream:
            return read_person(stream.read(MOST_BYTES + 1))
    except OSError as fault:
        raise QueryError(f"{query_file} cannot be read ({(fault.strerror or 'input/output error').lower()})") from None
