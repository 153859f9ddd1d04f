"""Writes the pages of docs/reference that repeat what the program says of itself: commands, rules, limits.

python docs/generate.py            write them
python docs/generate.py --check    say which are out of date, status 1 if any is
"""

from __future__ import annotations

import dataclasses
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scanner.run.summary import RunSummary, UnreadGroup

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by docs/generate.py: edit that, or what it reads. -->"
WIDTH = 100

LIMITS = {
    "seconds": "seconds without any progress, after which a file is given up; a long file that keeps moving is not stopped",
    "total_seconds": "seconds for one file in all",
    "resident_bytes": "resident memory of a worker and its children; policed from outside the worker",
    "address_bytes": "address space of a worker; a backstop only",
    "output_bytes": "bytes that come out of one file's members, at all depths",
    "ratio": "output bytes per input byte of one compressed stream",
    "ratio_floor": "output bytes of a stream before its ratio is looked at",
    "members": "members of one file, at all depths",
    "depth": "containers within one another",
    "markup_depth": "tags or brackets within one another",
    "file_bytes": "size of a file; a larger one is not opened",
    "spool_bytes": "size up to which a member is kept in memory rather than in the private temporary folder",
    "temp_bytes": "bytes in the private temporary folder",
    "cells": "cells of one sheet, blank ones where a reader must pad",
}
POWERS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"))


def commands() -> str:
    """docs/reference/commands.md, from the `--help` of every command."""
    from scanner.cli._door import strayscan

    settings = {**strayscan.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    root = click.Context(strayscan, info_name="strayscan", **settings)
    parts = [NOTE, "# Commands", "", "What `--help` prints. How each ends: [exit status](exit-status.md)."]
    for path, text in _helps(root, strayscan):
        parts += ["", f"## {path}", "", "```text", text, "```"]
    return "\n".join(parts) + "\n"


def _helps(context: click.Context, command: click.Command) -> Iterator[tuple[str, str]]:
    yield context.command_path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _helps(
                    click.Context(inner, info_name=name, parent=context, terminal_width=WIDTH, max_content_width=WIDTH), inner
                )


def rules() -> str:
    """docs/reference/rules.md, from the YAML of every rule."""
    from detectors.rule import Rule
    from detectors.rule_packs import load_shipped

    packs: dict[str, list[Rule]] = {}
    for rule in load_shipped():
        packs.setdefault(rule.pack, []).append(rule)
    parts = [
        NOTE,
        "# Rules",
        "",
        "The rules that come with the program, by pack (a folder of `rules/`). A match is worth its score; more with a context word",
        "near it, less with a contrary one. What reaches the threshold of its entity type is reported: 0.5, unless",
        "`detect: {thresholds: ...}` in the policy says otherwise. A rule whose entity begins with `-` reports nothing: it takes",
        "overlapping claims of those types away. Person names and postal addresses are found by recognizers, not by rules:",
        "see [what a finding means](../explanation/what-a-finding-means.md).",
    ]
    for pack, members in sorted(packs.items()):
        parts += ["", f"## {pack}"]
        parts += [line for rule in members for line in _rule(rule)]
    return "\n".join(parts) + "\n"


def _rule(rule: object) -> Iterator[str]:
    from detectors.rule import Rule

    assert isinstance(rule, Rule)
    yield from ("", f"### {rule.id}", "")
    yield " ".join(rule.description.split())
    yield ""
    yield f"- entity: {_code([rule.entity]) if rule.entity else '-' + _code(rule.subtracts)}"
    yield f"- score: {rule.score:.2f}; with context {rule.context_score:.2f}; contrary {rule.contrary_score:.2f}"
    if rule.validator:
        yield f"- validator: `{rule.validator}`"
    if rule.context:
        yield f"- context: {_code(rule.context)}"
    if rule.contrary:
        yield f"- contrary: {_code(rule.contrary)}"
    if rule.known_misses:
        yield f"- known misses: {len(rule.known_misses)}"
    for reference in rule.references:
        yield f"- reference: <{reference}>" if reference.startswith("http") else f"- reference: {reference}"


def _code(words: object) -> str:
    return ", ".join(f"`{word}`" for word in words)  # type: ignore[attr-defined]


def limits() -> str:
    """docs/reference/limits.md, from `scanner.model.Limits`."""
    from scanner.model import Limits

    parts = [
        NOTE,
        "# Limits",
        "",
        "What one file of the share, with everything inside it, may cost. What a limit cuts off is said in the object's row: `partial` or",
        "`unreadable`, with a reason. Set them in the policy (`limits: {seconds: 60}`) or for one run (`--limit seconds=60`).",
        "",
        "| name | default | what it bounds |",
        "|---|---|---|",
    ]
    parts += [f"| `{field.name}` | {_amount(field.name, field.default)} | {LIMITS[field.name]} |" for field in dataclasses.fields(Limits)]
    return "\n".join(parts) + "\n"


def _amount(name: str, value: object) -> str:
    assert isinstance(value, int | float)
    if isinstance(value, float):
        return f"{value:,.0f}"
    if "bytes" in name or name == "ratio_floor":
        for power, unit in POWERS:
            if value >= power and value % power == 0:
                return f"{value:,} ({value // power} {unit})"
    return f"{value:,}"


PAGES = {"commands.md": commands, "rules.md": rules, "limits.md": limits}


def stale() -> list[str]:
    """Names of the pages that are not what they would be if they were written now."""
    return [name for name, page in PAGES.items() if not _says(REFERENCE / name, page())]


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


# --------------------------------------------------------------------------- the READMEs

READMES = {"README.md": "en", "README.ja.md": "ja"}
BEFORE, AFTER = "<!-- Written by docs/generate.py --readme -->\n```text\n", "```\n"
ROWS, REASONS = 6, 4


def write_summaries() -> None:
    """A scan of the sample share under its policy, as the command prints it in either language."""
    summary = _scanned()
    for name, lang in READMES.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEFORE)
        after = rest.partition(AFTER)[2]
        path.write_text(f"{before}{BEFORE}{_printed(summary, lang)}{AFTER}{after}", encoding="utf-8")


def _scanned() -> RunSummary:
    """The summary with fewer rows, and paths as they are below the source."""
    from scanner.api import scan

    with tempfile.TemporaryDirectory() as folder:
        out, key = Path(folder) / "findings", Path(folder) / "key"
        key.touch(mode=0o600)
        key.write_text("only for the documentation", encoding="utf-8")
        full = scan(ROOT / "sample_data", ROOT / "sample_data" / "policy.yaml", out=out, key_file=key)
    return dataclasses.replace(
        full,
        out="findings",
        policy="sample_data/policy.yaml",
        worst=tuple(dataclasses.replace(found, root="sample_data") for found in full.worst[:ROWS]),
        unread=tuple(dataclasses.replace(group, examples=group.examples[:1]) for group in _short(full)[:REASONS]),
    )


def _short(full: RunSummary) -> list[UnreadGroup]:
    """The reasons whose examples can be read at a glance."""
    return [group for group in full.unread if all(len(member or "") < 60 for _, _, member in group.examples)]


def _printed(summary: RunSummary, lang: str) -> str:
    from scanner.render.terminal import print_summary

    stream = io.StringIO()
    print_summary(summary, stream, lang)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def main(args: list[str]) -> int:
    if args == ["--readme"]:
        write_summaries()
        return 0
    if args == ["--check"]:
        old = stale()
        sys.stdout.writelines(f"docs/reference/{name} is out of date: run python docs/generate.py\n" for name in old)
        return 1 if old else 0
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
