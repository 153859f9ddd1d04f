"""`strayscan hold list`: the files that wait for an approver."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import json_option, lang_option
from scanner.cli.hold._options import hold_option
from scanner.render.messages import Messages


@click.command("list")
@hold_option
@json_option
@lang_option
def command(hold: Path, as_json: bool, say: Messages) -> int:
    """List held files, the longest waiting first."""
    from scanner import api
    from scanner.render.outbound import print_held

    with api.open_desk(hold) as desk:
        print_held(desk, sys.stdout, say, as_json=as_json)
    return 0
