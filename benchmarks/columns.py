"""Columns of real municipal tables: `python benchmarks/columns.py [EVAL_FOLDER]` scans the tables as files and compares with their labels.

Every column that holds three or more addresses or phones should be found, and no other one. A column that holds part of an address
(`ADDRESS_PART`) and columns of fewer than three values count neither way. Fax columns count as phones: the labels know no other word.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import page

LEAST: Final = 3
KINDS: Final = ("ADDRESS", "PHONE_NUMBER")


@dataclass(frozen=True)
class Columns:
    """Columns of one kind: how many there are, how many of them were found, and what else was found, as table and header."""

    entity: str
    labelled: int
    missed: tuple[str, ...]
    invented: tuple[str, ...]

    @property
    def line(self) -> str:
        return f"| {self.entity} | {self.labelled} | {self.labelled - len(self.missed)} | {len(self.invented)} |"


HEAD: Final = "| columns of 31 municipal tables | labelled | found | invented |\n|---|---|---|---|"


def measure(folder: Path) -> list[Columns]:
    """The tables of `ja_yaizu_tables`, scanned; nothing if they are not there."""
    described = folder / "columns.json"
    if not described.is_file():
        return []
    found = _scanned(folder / "tables")
    tables = json.loads(described.read_text(encoding="utf-8"))
    labels = {(table["table"], column["header"]): column for table in tables for column in table["columns"]}
    measured = []
    for kind in KINDS:
        # a column without a label is wrong to find; one with another word for a place or with few values counts neither way
        wanted = {key for key, column in labels.items() if column["label"] == kind and column["filled"] >= LEAST}
        unlabelled = {key for key, column in labels.items() if column["label"] is None}
        here = {key for key, kinds in found.items() if kind in kinds}
        named = {name: sorted(" ".join(key) for key in keys) for name, keys in (("missed", wanted - here), ("invented", here & unlabelled))}
        measured.append(Columns(kind, len(wanted), tuple(named["missed"]), tuple(named["invented"])))
    return measured


def _scanned(tables: Path) -> dict[tuple[str, str], set[str]]:
    """(table, header) -> entity types that a scan reports in this column."""
    from scanner import api

    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("STRAYSCAN_KEY", "benchmark")
        api.scan([str(tables)], out=Path(folder) / "out")
        frame = api.open_findings(Path(folder) / "out").findings()
    found: dict[tuple[str, str], set[str]] = {}
    for path, column, kind in zip(frame["path"], frame["column"], frame["entity_type"], strict=True):
        if column is not None:
            found.setdefault((path, column), set()).add("PHONE_NUMBER" if kind == "FAX_NUMBER" else kind)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[2] / "shared" / "eval")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    options = parser.parse_args()
    measured = measure(options.folder / "ja_yaizu_tables")
    if not measured:
        print("the tables are not there", file=sys.stderr)
        return 2
    table = "\n".join((HEAD, *(item.line for item in measured)))
    print(table)
    if options.write:
        page.write(options.write, "columns.py", table)
    for item in measured:
        for name, columns in (("missed", item.missed), ("invented", item.invented)):
            print("\n".join(f"{item.entity} {name}: {column}" for column in columns), end="\n" if columns else "", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
