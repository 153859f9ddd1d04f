"""Are copies of approved stores found, in every disguise, and nothing else? `python benchmarks/copies.py` builds a share and scores a scan.

The share is `benchmarks/copies_material.py`'s. Records: of each disguise, 1, 10, 300 and 2,000 records are copied (10,000 with `--large`); recall is
the share of them that the scan reports, precision the share of what it reports that was copied, strangers among them included. Texts: excerpts
of 300 characters of documents, as they are and lightly changed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from copies_material import (
    DISGUISES,
    FORM,
    HEADER,
    SWITCHBOARD,
    WEAK,
    contract,
    delimited,
    english,
    japanese,
    lightly_changed,
    mail,
)
from material import docx

POLICY = """version: 1
stores:
  - {name: members, paths: ["share/stores/members/**"], owner: Sales, allow: ["*"]}
  - {name: clients, paths: ["share/stores/clients/**"], owner: Export, allow: ["*"]}
  - {name: contracts, paths: ["share/stores/contracts/**"], owner: Legal, allow: ["*"]}
"""
DOCUMENTS = 40


@dataclass(frozen=True, slots=True)
class Expected:
    """What one file of the share holds: of which store, in which disguise, how many records."""

    path: str
    store: str
    disguise: str
    records: int


def build(folder: Path, sizes: tuple[int, ...], stored: int, excerpts: int) -> list[Expected]:
    """Write the share and its policy; what is to be found in it."""
    share = folder / "share"
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    members, clients = japanese(stored), english(max(stored // 4, 200))
    _write(share / "stores/members/master.csv", delimited([HEADER, *(p.row for p in members)]).encode("cp932"))
    rows = [
        ("Member ID", "Full name", "Address", "Phone", "Email"),
        *((p.row[0], f"{p.given} {p.surname}", p.address, p.mobile, p.email) for p in clients),
    ]
    _write(share / "stores/clients/clients.csv", delimited(rows).encode())
    for number in range(DOCUMENTS):
        _write(share / f"stores/contracts/c{number:02}.docx", docx([FORM, *contract(number).split("\n")]))
    _write(share / "stores/contracts/seal.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3)
    return [*_records(share, members, sizes), *_clients(share, clients), *_texts(share, excerpts), *_decoys(share)]


def _records(share: Path, members: list, sizes: tuple[int, ...]) -> list[Expected]:
    found, rng = [], random.Random(5)
    for disguise, (ending, make) in DISGUISES.items():
        for size in sizes:
            path = f"copies/{disguise.replace(' ', '-').replace(',', '')}-{size}.{ending}"
            _write(share / path, make(rng.sample(members, size)))
            found.append(Expected(path, "members", disguise, 0 if disguise in WEAK and size == 1 else size))
    return found


def _clients(share: Path, clients: list) -> list[Expected]:
    some = clients[20:120]
    rows = [("Name", "E-mail"), *((f"{p.surname}, {p.given}", p.email.upper()) for p in some)]
    _write(share / "copies/english.csv", delimited(rows).encode())
    lines = [f"Please contact {p.given} {p.surname} at {p.email} before Friday." for p in some[:10]]
    _write(share / "copies/english.eml", mail("\n\n".join(lines)))
    return [Expected("copies/english.csv", "clients", "English table", 100), Expected("copies/english.eml", "clients", "English mail", 10)]


def _texts(share: Path, count: int) -> list[Expected]:
    found, rng = [], random.Random(6)
    for number in range(count):
        text = contract(number % DOCUMENTS)
        start = rng.randrange(0, len(text) - 700)
        plain = _excerpt(text, start)
        for disguise, excerpt in (("excerpt", plain), ("excerpt, lightly changed", lightly_changed(plain, number))):
            path = f"copies/texts/{disguise.replace(' ', '-').replace(',', '')}-{number}.txt"
            _write(share / path, f"会議のメモです。\n{contract(5000 + number, 5)}\n{excerpt}\n以上、よろしくお願いします。\n".encode())
            found.append(Expected(path, "contracts", disguise, 0))
    _write(share / "copies/seal-copy.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3)
    return [*found, Expected("copies/seal-copy.png", "contracts", "the same bytes", 0)]


def _excerpt(text: str, start: int) -> str:
    """From `start`, so much that 300 letters and digits are in it."""
    end, counted = start, 0
    while counted < 300:
        counted += text[end].isalnum()
        end += 1
    return text[start:end]


def _decoys(share: Path) -> list[Expected]:
    """400 strangers with the members' surnames, given names, towns and prefixes; forms; an own number in signatures; short quotations."""
    strangers = japanese(400, 700_000, seed=77)
    _write(share / "others/strangers.csv", delimited([HEADER, *(p.row for p in strangers)]).encode())
    lines = [f"{p.name}様 {p.address} {p.mobile}" for p in strangers]
    _write(share / "others/strangers.txt", "\n".join(lines).encode())
    _write(share / "others/names.csv", delimited([HEADER[1:2], *((p.name,) for p in japanese(300, seed=1))]).encode())
    _write(share / "others/form.docx", docx([FORM, *contract(9001).split("\n")]))
    _write(share / "others/quotation.txt", f"引用です。{contract(3)[200:300]}以上。{contract(9002)}".encode())
    _write(share / "others/signatures.eml", mail("お世話になっております。\n--\n総務部\n代表電話 " + SWITCHBOARD + "\n"))
    names = ("strangers.csv", "strangers.txt", "names.csv", "form.docx", "quotation.txt", "signatures.eml")
    return [Expected(f"others/{name}", "", "strangers and forms", 0) for name in names]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@dataclass
class Score:
    """Of one disguise: records (or texts) copied, found, and reported that were not copied."""

    copied: int = 0
    found: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.copied if self.copied else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0


def scored(folder: Path, expected: list[Expected]) -> tuple[dict[str, Score], dict[str, object]]:
    """Scan the share, and count by disguise."""
    from scanner import api

    began = time.perf_counter()
    summary = api.scan(folder / "share", folder / "policy.yaml", out=folder / "out")
    seconds = time.perf_counter() - began
    told: dict[str, dict[str, int]] = {}
    for row in api.open_findings(folder / "out").copies(arrow=True).to_pylist():
        weight = max(row["matched_records"], 1) if row["evidence"] == "records" else 1
        told.setdefault(row["path"], {}).setdefault(row["store"], 0)
        told[row["path"]][row["store"]] += weight
    scores: dict[str, Score] = {}
    for one in expected:
        score = scores.setdefault(one.disguise, Score())
        copied = one.records or (1 if one.store and one.disguise not in WEAK else 0)
        found = told.get(one.path, {})
        score.copied += copied
        score.found += min(copied, found.get(one.store, 0))
        score.wrong += max(0, found.get(one.store, 0) - copied) + sum(n for store, n in found.items() if store != one.store)
    return scores, {"objects": summary.objects, "seconds": round(seconds, 1), "stores": {s.name: s.records for s in summary.stores}}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--large", action="store_true", help="a store of 20,000 records, and 10,000 of them copied as well")
    options.add_argument("--excerpts", type=int, default=200)
    asked = options.parse_args()
    sizes = (1, 10, 300, 2_000, 10_000) if asked.large else (1, 10, 300, 2_000)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = str(Path(folder) / "data")
        os.environ["XDG_CONFIG_HOME"] = str(Path(folder) / "config")
        expected = build(Path(folder), sizes, 20_000 if asked.large else 2_000, asked.excerpts)
        scores, told = scored(Path(folder), expected)
    print("| disguise | copied | recall | precision |\n|---|---|---|---|")
    for name, score in scores.items():
        print(f"| {name} | {score.copied:,} | {score.recall:.4f} | {score.precision:.4f} |")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
