"""`strayscan stores refresh`: fingerprint the approved stores."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("refresh")
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy that names the stores.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Worker processes; by default as many as there are cores.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the fingerprints, instead of your own configuration's.")
@click.option("--nice", type=click.IntRange(0, 19), metavar="N", help="Niceness of the workers: 19 leaves the processor to all others.")
@json_option
@lang_option
def command(policy: Path, as_json: bool, say: Messages, **settings: Any) -> int:
    """Bring the index of the approved stores up to date.

    Reads what has changed in the stores of the policy and keeps keyed fingerprints of their rows and texts, nothing in clear. Every scan
    does this first; the command is for doing it at another time, or from another place.
    """
    from scanner import api
    from scanner.render.progress import ProgressBar
    from scanner.render.stores import print_stores

    given = {name: value for name, value in settings.items() if value is not None}
    with ProgressBar(sys.stderr, say.lang) as progress:
        refreshed = api.refresh_stores(policy, on_progress=progress, **given)
    print_stores(refreshed, sys.stdout, say, as_json=as_json, told_read=True)
    return refreshed.exit_status
