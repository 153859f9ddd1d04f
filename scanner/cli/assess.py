"""`strayscan assess`: what leaked, of how many persons, and which thresholds of the laws that meets."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import LANGUAGES, Messages


def _moment(_: click.Context, __: click.Parameter, given: str | None) -> datetime.datetime | datetime.date | None:
    if given is None:
        return None
    try:
        return datetime.date.fromisoformat(given) if len(given) <= len("2026-11-28") else datetime.datetime.fromisoformat(given)
    except ValueError:
        raise click.BadParameter("a day such as 2026-11-28, or a moment such as 2026-11-28T09:30") from None


@click.command("assess")
@click.option("--out", type=file_type(), metavar="DIR", help="The findings store in which paths and stores are looked up.")
@click.option("--path", "paths", type=file_type(), metavar="PATH", multiple=True, help="A file or folder that leaked; may be given again.")
@click.option("--store", "stores", metavar="NAME", multiple=True, help="An approved store that leaked as a whole.")
@click.option("--release", "releases", metavar="ITEM", multiple=True, help="A file that the outbound gate sent; needs --hold.")
@click.option("--hold", type=file_type(), metavar="DIR", help="The hold folder of that gate.")
@click.option("--learned", callback=_moment, metavar="WHEN", help="The day, or moment, on which it became known; deadlines count from it.")
@click.option("--wrongful-purpose/--no-wrongful-purpose", default=None, help="It was, or may have been, done on purpose: theft, attack.")
@click.option("--property-damage/--no-property-damage", default=None, help="Misuse may do damage to property.")
@click.option("--public/--no-public", default=None, help="Many unspecified persons could read it.")
@click.option("--strongly-encrypted/--no-strongly-encrypted", default=None, help="It was under strong encryption, and the key is safe.")
@click.option("--law", "laws", metavar="NAME", multiple=True, help="Only this law: APPI, 'My Number Act' or GDPR; all of them by default.")
@click.option("--draft", type=file_type(), metavar="DIR", help="Write drafts of a report in both languages, and all facts as JSON, here.")
@json_option
@lang_option
def command(
    out: Path | None,
    paths: tuple[Path, ...],
    stores: tuple[str, ...],
    releases: tuple[str, ...],
    hold: Path | None,
    learned: datetime.datetime | datetime.date | None,
    laws: tuple[str, ...],
    draft: Path | None,
    as_json: bool,
    say: Messages,
    **circumstances: bool | None,
) -> int:
    """Assess a leak: kinds of data, persons, thresholds of the laws, deadlines.

    For files, folders or approved stores by the findings in DIR, or for files that the outbound gate sent. Each person is counted once,
    however many of the objects hold them. No file is read. What findings do not tell, such as a wrongful purpose, is left to people unless
    an option says it. No legal advice.

    \b
    Exit status: 0 nothing personal; 1 personal data, and everything was read;
    3 part of it was not read or is not in the findings.

    \b
    Examples:
      strayscan assess --path /srv/share/sales/list.xlsx --out findings --learned 2026-11-28
      strayscan assess --release 20261128-9f3a2c51b07d --hold /srv/hold --draft papers
    """
    from scanner import api
    from scanner.obligations.thresholds import law_names
    from scanner.render.assess import print_assessment

    if not (paths or stores or releases):
        raise click.UsageError("say what leaked: --path, --store or --release")
    if unknown := set(laws) - set(law_names()):
        raise click.UsageError(f"no law is called {sorted(unknown)[0]!r}: {', '.join(law_names())}")
    known = {name: told for name, told in circumstances.items() if told is not None}
    found = api.assess(out, paths=paths, stores=stores, releases=releases, hold=hold, learned=learned, circumstances=known, laws=laws)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        print_assessment(found, sys.stdout, say)
    if draft is not None:
        from scanner.render.assess import write_drafts

        files = write_drafts(found, draft, [Messages(lang) for lang in LANGUAGES])
        click.echo(say("assess_draft_written", files=", ".join(map(str, files))), err=True)
    return found.exit_status
