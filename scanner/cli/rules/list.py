"""`strayscan rules list`: which rules there are, by pack."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages
from scanner.render.visible import visible

if TYPE_CHECKING:
    from detectors.rule import Rule
    from detectors.rule_packs import Pack


@click.command("list")
@click.option("--folder", type=file_type(), metavar="FOLDER", help="Your own rules instead of those that came with the program.")
@json_option
@lang_option
def command(folder: Path | None, as_json: bool, say: Messages) -> int:
    """List the detection rules.

    By pack, with its version, its law, the days between which that is in force, and its sources. One line a rule: its id, the entity
    type it finds (a rule that takes false claims away has `-` before the type), its score and what it is for.
    """
    from detectors.rule_files import load_folder
    from detectors.rule_packs import load_shipped, packs

    rules = load_shipped() if folder is None else load_folder(folder)
    known = packs() if folder is None else ()
    if as_json:
        click.echo(json.dumps({"packs": [_told(pack, rules) for pack in known], "rules": [_rule(r) for r in rules]}, ensure_ascii=False))
        return 0
    widths = (max((len(rule.id) for rule in rules), default=0), max((len(_finds(rule)) for rule in rules), default=0))
    for pack in known:
        for line in _heading(pack, say):
            sys.stdout.write(visible(line) + "\n")
        for rule in rules:
            if rule.pack == pack.id:
                sys.stdout.write(visible(_line(rule, widths)) + "\n")
        sys.stdout.write("\n")
    for rule in rules if folder is not None else ():
        sys.stdout.write(visible(_line(rule, widths)) + "\n")
    return 0


def _heading(pack: Pack, say: Messages) -> Iterator[str]:
    yield say("pack_line", id=pack.id, version=pack.version, name=pack.name)
    yield "  " + say("pack_law", law=pack.law)
    if pack.valid_from is not None:
        until = pack.valid_until
        key = "pack_since" if until is None else "pack_between"
        yield "  " + say(key, since=pack.valid_from.isoformat(), until=None if until is None else until.isoformat())
        if not pack.in_force(datetime.datetime.now(datetime.UTC).date()):
            yield "  " + say("pack_not_in_force")
    yield "  " + say("pack_sources", sources=" ".join(pack.sources))
    if pack.listed:
        yield "  " + say("pack_listed", rules=", ".join(pack.listed))


def _line(rule: Rule, widths: tuple[int, int]) -> str:
    words = " ".join(rule.description.split())
    return f"  {rule.id:<{widths[0]}}  {_finds(rule):<{widths[1]}}  {rule.score:.2f}  {words}"


def _told(pack: Pack, rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "id": pack.id,
        "name": pack.name,
        "version": pack.version,
        "region": pack.region,
        "law": pack.law,
        "valid_from": None if pack.valid_from is None else pack.valid_from.isoformat(),
        "valid_until": None if pack.valid_until is None else pack.valid_until.isoformat(),
        "sources": list(pack.sources),
        "entities": sorted({rule.entity for rule in rules if rule.entity is not None and pack.holds(rule)}),
        "rules": [rule.id for rule in rules if pack.holds(rule)],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "pack": rule.pack,
        "entity": rule.entity,
        "subtracts": rule.subtracts,
        "score": rule.score,
        "near": rule.near,
        "description": rule.description,
        "references": rule.references,
    }


def _finds(rule: Rule) -> str:
    kinds = rule.subtracts
    return rule.entity or (f"-{kinds[0]}" if len(kinds) == 1 else f"-({len(kinds)} types)")
