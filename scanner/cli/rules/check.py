"""`strayscan rules check`: run every rule's own examples."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli._options import file_type, lang_option
from scanner.render.messages import Messages
from scanner.render.visible import visible

USAGE = 2


@click.command("check")
@click.argument("folder", type=file_type(), required=False)
@lang_option
def command(folder: Path | None, say: Messages) -> int:
    """Run the examples that rules carry.

    Checks the rules of FOLDER (or of one rule file), else those that came with the program. Ends with 0 if every example holds, with 2 if
    one does not or a rule cannot be read; each failure is told with file and line, without the example's text.
    """
    from detectors.rule_examples import check
    from detectors.rule_files import load_folder
    from detectors.rule_packs import load_shipped

    rules = load_shipped() if folder is None else load_folder(folder)
    results = check(rules)
    failures = [result for result in results if not result.ok]
    for result in failures:
        click.echo(visible(f"{result.file}:{result.line}: {result.name}: {result.message}"), err=True)
    click.echo(say("rules_checked", examples=len(results), rules=len(rules), failures=len(failures)))
    return USAGE if failures else 0
