"""`strayscan stores list`: the approved stores and the state of their index."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


@click.command("list")
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy that names the stores.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the fingerprints, instead of your own configuration's.")
@json_option
@lang_option
def command(policy: Path, key_file: Path | None, as_json: bool, say: Messages) -> int:
    """Show the approved stores and what is fingerprinted of them.

    Reads the index alone, not the stores. Ends with status 3 if copies of a store cannot, or not wholly, be traced.
    """
    from scanner import api
    from scanner.render.stores import print_stores

    stores = api.list_stores(policy, key_file=key_file)
    print_stores(stores, sys.stdout, say, as_json=as_json)
    return stores.exit_status
