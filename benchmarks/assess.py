"""Is each person counted once over many files? `python benchmarks/assess.py` scans constructed folders and assesses each as a leak.

Every folder holds tables of some of the same invented persons, under different columns, in other spellings and formats; whose records lie
in it is known. The error is the difference between persons counted and persons there, by persons there.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))
import persons

FORMS: Final = ("csv", "xlsx", "jsonl")
COLUMNS: Final = {
    "ja": {"name": "氏名", "mail": "メールアドレス", "mobile": "携帯電話", "home": "電話番号", "address": "住所", "born": "生年月日"},
    "en": {"name": "Name", "mail": "Email", "mobile": "Mobile", "home": "Phone", "address": "Address", "born": "Date of birth"},
}
MEETING: Final = (("name", "mobile", "mail"), ("mobile", "name", "address"), ("name", "born", "mobile"), ("name", "mobile", "home"))
ANY: Final = (
    ("name", "mail"),
    ("name", "mobile", "address"),
    ("name", "born"),
    ("name", "address"),
    ("mail", "mobile", "name"),
    ("name", "home"),
)
KINDS: Final = {"a list of all among them": (True, ANY), "tables that share columns": (False, MEETING), "any columns": (False, ANY)}
"""Name -> (is one table of everybody with every column among them, columns of the others). With any columns some tables have nothing in common
that tells whether two people of one name are one: then the count is too high by the rule itself."""


@dataclass(frozen=True)
class Folder:
    """A folder of files: persons in it, and what one would count by adding up its files."""

    path: Path
    persons: int
    added_up: int


def build(root: Path, kind: str, language: str, seed: int, files: int, people: int) -> Folder:
    """Write a folder of one of the `KINDS`."""
    has_list, choices = KINDS[kind]
    chance = random.Random(seed)
    everyone = persons.people(language, people, seed)
    master = chance.sample(everyone, people // 2)
    folder = root / kind / f"{language}-{seed}"
    there: set[str] = set()
    added_up = 0
    for number in range(files):
        is_list = has_list and number == 0
        some = master if is_list else chance.sample(master, chance.randrange(people // 20, people // 4))
        columns = tuple(COLUMNS[language]) if is_list else chance.choice(choices)
        other_spelling = number % 3 == 2
        rows = [tuple(_cell(person, column, language, other_spelling) for column in columns) for person in some]
        chance.shuffle(rows)
        persons.write(folder / f"{number}", [tuple(COLUMNS[language][column] for column in columns), *rows], FORMS[number % len(FORMS)])
        there |= {person.mail for person in some}
        added_up += len(some)
    return Folder(folder, len(there), added_up)


def _cell(person: persons.Person, column: str, language: str, other_spelling: bool) -> str:
    if column == "name":
        return persons.full(person, language, "　" if other_spelling and language == "ja" else " ")
    text = str(getattr(person, column))
    if other_spelling and column in ("mobile", "home"):
        return persons.wide(text)
    return text.upper() if other_spelling and column == "mail" else text


def measure(shares: Sequence[Folder], root: Path) -> list[tuple[Folder, int, int]]:
    """(folder, persons that an assessment of it counts, and the least there can be) for each."""
    from scanner import api

    os.environ.setdefault("STRAYSCAN_KEY", "benchmark")
    with tempfile.TemporaryDirectory() as out:
        api.scan([str(root)], out=Path(out) / "findings")
        found = [(share, api.assess(Path(out) / "findings", paths=[share.path])) for share in shares]
        return [(share, one.persons, one.persons_range.least) for share, one in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", type=int, default=10, help="folders of each language")
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--people", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        keys = [(kind, language, seed) for kind in KINDS for language in ("ja", "en") for seed in range(options.folders)]
        measured = measure([build(root, *key, options.files, options.people) for key in keys], root)
    print(
        "| folders | number | persons | added up file by file | counted once | at least | mean error | largest |\n|---|---|---|---|---|---|---|---|"
    )
    for kind in KINDS:
        mine = [pair for key, pair in zip(keys, measured, strict=True) if key[0] == kind]
        errors = [abs(counted - share.persons) / share.persons for share, counted, _ in mine]
        columns = zip(*((s.persons, s.added_up, counted, least) for s, counted, least in mine), strict=True)
        there, added, counted, least = (sum(numbers) for numbers in columns)
        mean = sum(errors) / len(errors)
        print(f"| {kind} | {len(mine)} | {there:,} | {added:,} | {counted:,} | {least:,} | {mean:.2%} | {max(errors):.2%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
