"""`strayscan scan`: crawl the roots, write findings, print a summary a person can read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages


def _limits(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    """`NAME=NUMBER`, as often as given."""
    limits: dict[str, float] = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not equals:
            raise click.BadParameter("expected NAME=NUMBER, as in --limit seconds=60")
        limits[name.strip()] = _number(name.strip(), number.strip())
    return limits


def _number(name: str, text: str) -> float:
    from dataclasses import asdict

    from scanner.model import Limits
    from scanner.policy.document import did_you_mean

    known: dict[str, type[int] | type[float]] = {limit: type(default) for limit, default in asdict(Limits()).items()}
    if name not in known:
        raise click.BadParameter(f'there is no limit "{name}"{did_you_mean(name, known) or "; known are " + ", ".join(known)}')
    try:
        value = known[name](text)
    except ValueError:
        raise click.BadParameter(f"{name} wants a {'whole ' if known[name] is int else ''}number") from None
    if not 0 < value < float("inf"):
        raise click.BadParameter(f"{name} must be more than 0")
    return float(value) if known[name] is float else value


def _checked(name: str, check: str, text: str | None) -> str | None:
    """`check` of module `name` raises ValueError with a sentence; the module is imported only if the option is given."""
    if text is not None:
        import importlib

        try:
            getattr(importlib.import_module(f"scanner.run.{name}"), check)(text)
        except ValueError as fault:
            raise click.BadParameter(str(fault)) from None
    return text


def _window(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    return _checked("window", "check_window", given)


def _command(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    return _checked("afterwards", "check_command", given)


def _url(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    return _checked("afterwards", "check_url", given)


@click.command("scan")
@click.argument("roots", metavar="ROOT...", nargs=-1, required=True, type=file_type())
@click.option("--policy", type=file_type(), metavar="FILE", help="The policy; without one, every finding is stray.")
@click.option("--out", type=file_type(), metavar="DIR", required=True, help="The findings store; made if it is not there, else added to.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Worker processes; by default as many as there are cores.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the fingerprints, instead of your own configuration's.")
@click.option(
    "--limit", "limits", multiple=True, metavar="NAME=NUMBER", callback=_limits, help="What a file may cost; before the policy's limits."
)
@click.option("--full", is_flag=True, help="Read every file, whatever earlier runs know of it.")
@click.option(
    "--recheck",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of the unchanged files whose content is compared all the same; 0.01 by default.",
)
@click.option("--max-seconds", type=click.FloatRange(0, min_open=True), metavar="N", help="Stop after so long; the next run goes on.")
@click.option("--window", callback=_window, metavar="FROM-TO", help="Stop when these hours are over, as in 22:00-06:00, local time.")
@click.option(
    "--max-mb-per-second", type=click.FloatRange(0, min_open=True), metavar="N", help="Read no faster than so many megabytes a second."
)
@click.option("--nice", type=click.IntRange(0, 19), metavar="N", help="Niceness of the workers: 19 leaves the processor to all others.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="json: events as JSON lines on standard error.")
@click.option("--metrics", type=file_type(), metavar="FILE", help="Write Prometheus metrics (text format) when the run ends.")
@click.option("--notify-command", callback=_command, metavar="COMMAND", help="Call this when the run ends, the summary on its input.")
@click.option("--webhook", callback=_url, metavar="URL", help="Post the summary to this address when the run ends.")
@json_option
@lang_option
def command(roots: tuple[Path, ...], policy: Path | None, out: Path, as_json: bool, say: Messages, **settings: Any) -> int:
    """Scan folders and write what was found.

    Crawls every ROOT (a folder or a file), reads what it holds without changing anything, and appends one run to the findings store
    in DIR: every object met, what personal data it holds where, and what could not be read. The summary goes to standard output,
    progress to standard error.

    Files that an earlier run into DIR has read are not read again while they, the rules and the readers stay as they were; what could
    not be read is tried again.

    \b
    Examples:
      strayscan scan /srv/share --policy policy.yaml --out findings
      strayscan scan sales hr --out findings --json > summary.json
    """
    from scanner import api
    from scanner.render.progress import ProgressBar
    from scanner.render.terminal import print_summary

    given = {name: value for name, value in settings.items() if value not in (None, False, {})}
    bar = settings["log_format"] != "json"
    with ProgressBar(sys.stderr if bar else io.StringIO(), say.lang) as progress:
        summary = api.scan(list(roots), policy=policy, out=out, on_progress=progress, lang=say.lang, **given)
    if as_json:
        click.echo(json.dumps(summary.to_json(), ensure_ascii=False))
    else:
        print_summary(summary, sys.stdout, say.lang)
    return summary.exit_status
