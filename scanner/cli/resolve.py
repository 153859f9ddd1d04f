"""`strayscan resolve`: move stray files into approved places, or delete them, from an explicit list."""

from __future__ import annotations

import json
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("resolve")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--policy", type=file_type(), metavar="FILE", help="The policy that names the approved stores; needed with --list.")
@click.option("--draft", "drafting", is_flag=True, help="Print a list of the stray files, worst first, to be filled in.")
@click.option("--below", type=file_type(), metavar="PATH", multiple=True, help="With --draft: files below this path alone.")
@click.option("--list", "listed", type=file_type(), metavar="FILE", help="The list: CSV with columns action (move, delete), path, to.")
@click.option("--reason", metavar="TEXT", default="", help="Why; stands in the record of each file.")
@click.option("--apply", is_flag=True, help="Do it. Without, it is only said what would be done.")
@click.option("--erase", is_flag=True, help="Overwrite before removing; regulated and sensitive kinds always are.")
@click.option("--records", "show_records", is_flag=True, help="Print what was moved and deleted so far, as JSON lines.")
@json_option
@lang_option
def command(
    out: Path,
    policy: Path | None,
    drafting: bool,
    below: tuple[Path, ...],
    listed: Path | None,
    reason: str,
    apply: bool,
    erase: bool,
    show_records: bool,
    as_json: bool,
    say: Messages,
) -> int:
    """Clean up: move stray files into approved places, or delete them.

    Only files of a list are touched, and only if they still are what was scanned, byte for byte. A move makes a verified copy first and
    never overwrites; a note is left in place; every move and deletion leaves a record in DIR. Without --apply nothing is changed.

    \b
    Exit status: 0 everything was, or would be, done; 3 some lines were not.

    \b
    Examples:
      strayscan resolve findings --draft > list.csv
      strayscan resolve findings --policy policy.yaml --list list.csv
      strayscan resolve findings --policy policy.yaml --list list.csv --reason "yearly clean-up" --apply
    """
    from scanner import api
    from scanner.obligations.cleanup import DONE, WOULD
    from scanner.render.cleanup import outcome_line, to_json

    if sum((drafting, listed is not None, show_records)) != 1:
        raise click.UsageError("one of --draft, --list and --records")
    if drafting:
        click.echo(api.draft_cleanup(out, below=below), nl=False)
        return 0
    if show_records:
        for one in api.cleanup_records(out):
            click.echo(json.dumps(one, ensure_ascii=False))
        return 0
    if policy is None or listed is None:
        raise click.UsageError("--list needs --policy, which says what is an approved place")
    if apply and not reason.strip():
        raise click.UsageError("--apply needs a --reason")
    finished, outcomes = api.clean_up(out, policy, listed, reason=reason, erase=erase, apply=apply)
    if as_json:
        click.echo(json.dumps({"applied": apply, "finished": to_json(finished), "files": to_json(outcomes)}, ensure_ascii=False))
    else:
        if finished:
            click.echo(say("resolve_finished"))
        lines = [outcome_line(outcome, say) for outcome in (*finished, *outcomes)]
        click.echo("\n".join(lines) if lines else say("resolve_none"))
        if not apply:
            click.echo(say("resolve_rehearsal"))
    return 0 if all(outcome.what in (DONE, WOULD) for outcome in (*finished, *outcomes)) else 3
