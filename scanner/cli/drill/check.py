"""`strayscan drill check`: how many of the planted records did the last scans find."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("check")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy; its `drill` names the folder.")
@json_option
@lang_option
def command(out: Path, policy: Path, as_json: bool, say: Messages) -> int:
    """Say how many of the planted files the findings in DIR hold as they should: found, traced, judged.

    Exit status: 0 all of them; 1 some were missed, each is named.
    """
    from scanner import api
    from scanner.render.terminal import drill_lines

    result = api.check_drill(out, policy)
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(result), "found": result.found}, ensure_ascii=False))
    else:
        click.echo("\n".join(drill_lines(result, say)))
    return 1 if result.missed else 0
