"""`strayscan key rotate`: another key for a findings store."""

from __future__ import annotations

import json
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("rotate")
@click.argument("out", metavar="DIR", type=file_type())
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key in force, instead of your own configuration's.")
@click.option("--new-key-file", type=file_type(), metavar="FILE", required=True, help="The key to come; made if it is not there.")
@json_option
@lang_option
def command(out: Path, key_file: Path | None, new_key_file: Path, as_json: bool, say: Messages) -> int:
    """Put the findings store DIR under another key.

    Fingerprints cannot be made anew without the values. What runs so far wrote stays as it is, under the former key; the next scan of each
    root reads every file, under the new one, and until it is complete `find` says that something was not looked through. Objects,
    findings, since when they are known, decisions and measures go on. What cannot be carried over is said.

    \b
    Example:
      strayscan key rotate findings --new-key-file ~/.config/strayscan/key-2027
    """
    from scanner import api
    from scanner.render.visible import visible

    done = api.rotate_key(out, key_file=key_file, new_key_file=new_key_file)
    if as_json:
        click.echo(json.dumps(done.to_json(), ensure_ascii=False))
        return 0
    click.echo(say("key_rotated", old=done.old, new=done.new))
    if done.made:
        click.echo(say("key_made", path=visible(str(new_key_file))))
    click.echo(say("key_values", runs=done.runs, values=done.values))
    for root in done.roots:
        click.echo(say("key_scan", root=visible(root)))
    if done.ignores:
        click.echo(say("key_ignores", count=done.ignores))
    if done.cases:
        click.echo(say("key_cases", count=done.cases))
    click.echo(say("key_index"))
    return 0
