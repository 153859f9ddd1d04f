"""`strayscan init`: look at a share and draft a policy to edit."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli._options import file_type, lang_option
from scanner.render.messages import Messages
from scanner.render.visible import visible


@click.command("init")
@click.argument("root", type=file_type())
@click.option(
    "--policy", "file", type=file_type(), metavar="FILE", required=True, help="Where to write the draft; it must not be there yet."
)
@lang_option
def command(root: Path, file: Path, say: Messages) -> int:
    """Draft a policy for a share.

    Takes a short look at the names below ROOT (and at the first line of a few CSV files) and writes a commented policy to FILE: candidate
    stores, departments after the top folders, and what need not be opened. The draft approves nothing by itself.
    """
    from scanner.run.drafting import draft_text, look, write_new

    shown = visible(str(file))
    if file.exists() or file.is_symlink():
        raise click.ClickException(say("init_exists", file=shown))
    seen = look(root)
    try:
        write_new(file, draft_text(seen, file))
    except FileExistsError:
        raise click.ClickException(say("init_exists", file=shown)) from None
    except OSError as fault:
        raise click.ClickException(say("init_cannot_write", file=shown, why=(fault.strerror or "").lower())) from None
    click.echo(say("init_looked", files=seen.files, folders=len(seen.folders), root=visible(seen.root)), err=True)
    if seen.partial:
        click.echo(say("init_partial"), err=True)
    click.echo(say("init_written", file=shown))
    click.echo(say("init_stores", count=len(seen.candidates())))
    click.echo(say("init_next", file=shown))
    return 0
