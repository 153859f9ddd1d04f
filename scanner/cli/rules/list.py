"""`strayscan rules list`: which rules there are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from scanner.cli._options import file_type, json_option
from scanner.render.visible import visible


@click.command("list")
@click.option("--folder", type=file_type(), metavar="FOLDER", help="Your own rules instead of those that came with the program.")
@json_option
def command(folder: Path | None, as_json: bool) -> int:
    """List the detection rules.

    One line a rule: its id, the entity type it finds (a rule that takes false claims away has `-` before the type), its score and
    what it is for.
    """
    from detectors.rule_files import load_folder, load_shipped

    rules = load_shipped() if folder is None else load_folder(folder)
    finds = {rule.id: rule.entity or _subtracted(rule.subtracts) for rule in rules}
    if as_json:
        data = [{"id": r.id, "entity": r.entity, "subtracts": r.subtracts, "score": r.score, "description": r.description} for r in rules]
        click.echo(json.dumps({"rules": data}, ensure_ascii=False))
        return 0
    widths = (max((len(rule.id) for rule in rules), default=0), max(map(len, finds.values()), default=0))
    for rule in rules:
        words = " ".join(rule.description.split())
        sys.stdout.write(visible(f"{rule.id:<{widths[0]}}  {finds[rule.id]:<{widths[1]}}  {rule.score:.2f}  {words}") + "\n")
    return 0


def _subtracted(kinds: tuple[str, ...]) -> str:
    return f"-{kinds[0]}" if len(kinds) == 1 else f"-({len(kinds)} types)"
