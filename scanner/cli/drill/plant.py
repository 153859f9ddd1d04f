"""`strayscan drill plant`: write the invented records."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli._options import file_type, lang_option
from scanner.render.messages import Messages


@click.command("plant")
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy; its `drill` names the folder.")
@click.option("--remove", is_flag=True, help="Take away what was planted instead.")
@lang_option
def command(policy: Path, remove: bool, say: Messages) -> int:
    """Plant the drill: 20 files of invented people in the folder that the policy's `drill` names, in many forms and encodings.

    They are copies of a small store that lies beside them. Every scan that reads the folder then says how many it found, traced to that
    store and judged as planted; none of it counts as a finding. The folder must be the drill's own.
    """
    from scanner import api

    folder, count = api.plant_drill(policy, remove=remove)
    click.echo(say("drill_removed", folder=folder) if remove else say("drill_planted", count=count, folder=folder))
    return 0
