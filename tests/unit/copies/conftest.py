"""Values of invented objects, made directly: these tests are about the index and the comparison, not about detection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from scanner.config import CopySettings, StoreTracing
from scanner.copies.index import Index, SourceObject, StoreCounts, update
from scanner.copies.matching import Matcher
from scanner.findings.schema import VALUES
from scanner.redact import Fingerprinter, Key

KEY = "key-1"
FINGERPRINTS = Fingerprinter(Key.from_secret(bytes(32)))

Cell = tuple[str, str | None, int, str]
"""Entity type, column (None in text), row or line, value."""


def values(object_id: str, cells: Sequence[Cell], place: str | None = None) -> pa.Table:
    """Rows of `values` for these cells of one object, sorted by fingerprint."""
    groups: dict[tuple[str, int, str | None], list[int]] = {}
    for kind, column, row, value in cells:
        tag = FINGERPRINTS.one(kind, value) if kind != "JP_MY_NUMBER" else 7
        groups.setdefault((kind, tag, column), []).append(row)
    ordered = sorted(groups.items(), key=lambda item: item[0][1])
    return pa.table(
        {
            "run_id": ["r"] * len(ordered),
            "object_id": [object_id] * len(ordered),
            "entity_type": [kind for (kind, _, _), _ in ordered],
            "fingerprint": pa.array([tag for (_, tag, _), _ in ordered], pa.uint64()),
            "place": pa.array([place] * len(ordered), pa.string()),
            "column": pa.array([column for (_, _, column), _ in ordered], pa.string()),
            "rows": pa.array([sorted(set(rows)) for _, rows in ordered], pa.list_(pa.int32())),
            "count": pa.array([len(rows) for _, rows in ordered], pa.int64()),
        },
        schema=VALUES,
    )


def batch(table: pa.Table) -> pa.RecordBatch:
    (one,) = table.combine_chunks().to_batches()
    return one


def people(count: int, first: int = 0, names: int = 10_000) -> list[Cell]:
    """A table of invented people, one a row from row 2."""
    cells: list[Cell] = []
    for number in range(first, first + count):
        row = number - first + 2
        cells += [
            ("PERSON", "氏名", row, f"試験 太郎{number % names}"),
            ("ADDRESS", "住所", row, f"見本市例町{number}-{number % 9 + 1}"),
            ("PHONE_NUMBER", "電話", row, f"0900000{number:04}"),
            ("EMAIL_ADDRESS", "メール", row, f"user{number}@example.com"),
        ]
    return cells


class Share:
    """Stores and objects of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables: dict[str, pa.Table] = {}
        self.asked: list[str] = []

    def read(self, object_ids: Collection[str]) -> Iterator[pa.Table]:
        self.asked += sorted(object_ids)
        yield from (self.tables[object_id] for object_id in sorted(object_ids))

    def update(
        self, store: str, objects: dict[str, Sequence[Cell]], tracing: StoreTracing | None = None, rows: int = 10, versions: str = "1"
    ) -> StoreCounts:
        self.tables |= {name: values(name, cells) for name, cells in objects.items()}
        sources = [SourceObject(name, f"/s/{name}", versions, f"hash of {name}", 1_000, rows) for name in objects]
        return update(self.folder, store, KEY, tracing or StoreTracing(), sources, self.read, self.folder)

    def matcher(self, *stores: str, settings: CopySettings | None = None) -> Matcher:
        return Matcher(Index.open(self.folder, KEY, stores), settings or CopySettings(), self.folder)


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(tmp_path)


@pytest.fixture
def object_of() -> Callable[[Sequence[Cell]], pa.RecordBatch]:
    return lambda cells: batch(values("object", cells))
