"""How well persons are counted: `python benchmarks/persons.py` scans constructed files whose persons are known, and publishes the error.

Documents: every text of `benchmarks/documents` as a file of its own. Tables: the same invented persons in many forms and formats, with
people who come twice, names split or read in kana, families who share a phone and an address.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCUMENTS: Final = Path(__file__).parent / "documents"
sys.path.insert(0, str(DOCUMENTS))

import page  # noqa: E402
import values_en  # noqa: E402
import values_ja  # noqa: E402
from fill import read_values  # noqa: E402

Rows = list[tuple[str, ...]]
PEOPLE: Final = 200


@dataclass(frozen=True)
class Counted:
    """Files of one kind: persons there are, persons counted, files whose count is exact, mean error a file against the persons in it."""

    kind: str
    files: int
    true: int
    counted: int
    exact: int
    error: float

    @property
    def line(self) -> str:
        return f"| {self.kind} | {self.files:,} | {self.true:,} | {self.counted:,} | {self.exact / self.files:.0%} | {self.error:.1%} |"


HEAD: Final = "| files | number | persons | counted | exact | mean error |\n|---|---|---|---|---|---|"


def compared(kind: str, pairs: Sequence[tuple[int, int]]) -> Counted:
    """`pairs`: (true, counted) of each file. The error is the sum of differences by the sum of persons."""
    true = sum(pair[0] for pair in pairs)
    wrong = sum(abs(one - two) for one, two in pairs)
    return Counted(kind, len(pairs), true, sum(pair[1] for pair in pairs), sum(one == two for one, two in pairs), wrong / max(true, 1))


# ---------------------------------------------------------------------- tables


@dataclass(frozen=True)
class Person:
    surname: str
    given: str
    kana: str
    mail: str
    mobile: str
    home: str
    address: str
    born: str


def people(language: str, count: int, seed: int) -> list[Person]:
    """Invented persons, no two with the same name."""
    chance = random.Random(seed)
    lists = read_values(DOCUMENTS / "values" / f"{language}.checking.toml")
    found: dict[tuple[str, str], Person] = {}
    while len(found) < count:
        source = values_ja.Source(lists, "checking", chance) if language == "ja" else values_en.Source(lists, "checking", chance)
        number = len(found)
        surname, given = source.value("p1", "sur").text, source.value("p1", "given").text
        kana = source.value("p1", "kana").text if language == "ja" else ""
        home, address = source.value("o1", "tel").text, source.value("p1", "addr").text
        mobile = f"090-{1000 + number:04}-{chance.randrange(10_000):04}" if language == "ja" else f"(917) 555-{number:04}"
        born = f"19{chance.randrange(40, 99)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        found.setdefault((surname, given), Person(surname, given, kana, f"user{number}@example.com", mobile, home, address, born))
    return list(found.values())


def full(person: Person, language: str, blank: str = " ") -> str:
    return f"{person.surname}{blank}{person.given}" if language == "ja" else f"{person.given} {person.surname}"


def wide(text: str) -> str:
    return text.translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))


def tables(language: str, seed: int) -> dict[str, tuple[int, Rows]]:
    """name -> (persons, rows with their header)."""
    everyone = people(language, PEOPLE, seed)
    ja = language == "ja"
    name, first, last, kana = ("氏名", "名", "姓", "フリガナ") if ja else ("Name", "First name", "Last name", "Nickname")
    mail, mobile, home, address, born = (
        ("メールアドレス", "携帯電話", "電話番号", "住所", "生年月日") if ja else ("Email", "Mobile", "Phone", "Address", "Date of birth")
    )
    again = everyone[: PEOPLE // 4]
    families = [(child, everyone[number - number % 3]) for number, child in enumerate(everyone)]
    found: dict[str, tuple[int, Rows]] = {
        "each once": (PEOPLE, [(name, mail, mobile), *((full(p, language), p.mail, p.mobile) for p in everyone)]),
        "names split": (PEOPLE, [(last, first, address, mobile), *((p.surname, p.given, p.address, p.mobile) for p in everyone)]),
        "names alone": (PEOPLE, [(name,), *((full(p, language),) for p in everyone)]),
        "mails alone": (PEOPLE, [(mail,), *((p.mail,) for p in everyone)]),
        "twice, written otherwise": (
            PEOPLE,
            [(name, mail, mobile), *((full(p, language), p.mail, p.mobile) for p in everyone),
             *((full(p, language, "　"), p.mail.upper(), wide(p.mobile)) for p in again)],
        ),
        "twice, by name and birth date": (
            PEOPLE,
            [(name, born, address), *((full(p, language), p.born, p.address) for p in everyone),
             *((full(p, language, ""), p.born, wide(p.address)) for p in again)],
        ),
        "families of three share phone and address": (
            PEOPLE, [(name, home, address), *((full(p, language), head.home, head.address) for p, head in families)],
        ),
        "orders, three a person": (
            PEOPLE,
            [("No", name, address, home), *((str(n), full(p, language), p.address, p.home) for n, p in enumerate(everyone * 3))],
        ),
    }  # fmt: skip
    if ja:
        found["with reading"] = (PEOPLE, [(name, kana, mobile), *((full(p, language), p.kana, p.mobile) for p in everyone)])
        found["names alone, with reading"] = (PEOPLE, [(name, kana), *((full(p, language), p.kana) for p in everyone)])
    return found


def write(folder: Path, rows: Rows, form: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if form == "csv":
        import csv

        with folder.with_suffix(".csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
    elif form == "xlsx":
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet("Sheet1")
        for row in rows:
            sheet.append(row)
        book.save(folder.with_suffix(".xlsx"))
    else:
        lines = (json.dumps(dict(zip(rows[0], row, strict=True)), ensure_ascii=False) for row in rows[1:])
        folder.with_suffix(".jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


# ---------------------------------------------------------------------- the run


def persons_in(root: Path) -> dict[str, int]:
    """path -> persons that a scan of the folder counts."""
    from scanner import api

    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("STRAYSCAN_KEY", "benchmark")
        api.scan([str(root)], out=Path(folder) / "out")
        frame = api.open_findings(Path(folder) / "out").objects()
    return {path: int(persons or 0) for path, persons in zip(frame["path"], frame["persons"], strict=True)}


def measure_tables(seed: int) -> tuple[list[Counted], dict[str, tuple[int, int]]]:
    true: dict[str, tuple[str, int]] = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for language in ("ja", "en"):
            for number, (kind, (count, rows)) in enumerate(tables(language, seed).items()):
                for form in ("csv", "xlsx", "jsonl"):
                    write(root / language / f"{number}", rows, form)
                    true[f"{language}/{number}.{form}"] = (f"tables {language}: {kind}", count)
        counted = persons_in(root)
    kinds: dict[str, list[tuple[int, int]]] = {}
    for path, (kind, count) in true.items():
        kinds.setdefault(kind, []).append((count, counted.get(path, 0)))
    each = {f"{kind} ({path.rpartition('.')[2]})": (count, counted.get(path, 0)) for path, (kind, count) in true.items()}
    return [compared(kind, pairs) for kind, pairs in kinds.items()], each


def measure_documents(half: str) -> tuple[list[Counted], dict[str, list[tuple[int, int]]]]:
    measured, templates = [], {}
    for language in ("ja", "en"):
        rows = [json.loads(line) for line in (DOCUMENTS / f"{language}.{half}.jsonl").read_text(encoding="utf-8").split("\n") if line]
        with tempfile.TemporaryDirectory() as name:
            for row in rows:
                (Path(name) / f"{row['id']}.txt").write_text(row["text"], encoding="utf-8")
            counted = persons_in(Path(name))
        pairs = [(row["persons"], counted.get(f"{row['id']}.txt", 0)) for row in rows]
        measured.append(compared(f"documents {language}, as text files", pairs))
        for row, pair in zip(rows, pairs, strict=True):
            templates.setdefault(f"{language} {row['template']}", []).append(pair)
    return measured, templates


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("checking", "development"), default="checking")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="say how every table and every template did, on stderr")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    options = parser.parse_args()
    documents, templates = measure_documents(options.half)
    of_tables, each = measure_tables(options.seed)
    table = "\n".join((HEAD, *(item.line for item in (*documents, *of_tables))))
    print(table)
    if options.write:
        page.write(options.write, "persons.py", table)
    if options.each:
        for name, pairs in templates.items():
            print(compared(name, pairs).line, file=sys.stderr)
        for name, pair in each.items():
            print(name, pair, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
