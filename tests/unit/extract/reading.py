"""What a reader gave, written plainly so that tests can compare it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scanner.extract import registry
from scanner.extract.budget import FileBudget
from scanner.model import Blob, Decoded, Gap, Table, Text


@dataclass
class Sheet:
    header: tuple[str, ...] | None
    place: str | None
    cells: list[list[str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # rows where a batch says that they are equal


@dataclass
class Reading:
    sheets: list[Sheet] = field(default_factory=list)
    texts: list[tuple[int | None, str]] = field(default_factory=list)
    pieces: list[Text] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    encoding: str = ""
    undecoded: int = 0

    @property
    def sheet(self) -> Sheet:
        assert len(self.sheets) == 1
        return self.sheets[0]

    @property
    def all_text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def sheet_of(table: Table) -> Sheet:
    sheet = Sheet(table.header, table.place)
    for batch in table.batches:
        columns: list[list[Any]] = [column.to_pylist() for column in batch.columns.columns]
        sheet.cells.extend(list(row) for row in zip(*columns, strict=True))
        sheet.rows.extend(batch.rows.tolist())
        sheet.lines.extend((batch.rows if batch.lines is None else batch.lines).tolist())
    return sheet


def read(blob: Blob, media_type: str, budget: FileBudget) -> Reading:
    """Everything the reader of `media_type` makes of the blob."""
    extractor = registry.for_media_type(media_type)
    assert extractor is not None
    reading = Reading()
    for item in extractor.extract(blob, media_type, budget):
        if isinstance(item, Table):
            reading.sheets.append(sheet_of(item))
        elif isinstance(item, Text):
            reading.pieces.append(item)
            reading.texts.append((item.first_line, item.text))
        elif isinstance(item, Gap):
            reading.gaps.append(item.reason.value)
        elif isinstance(item, Decoded):
            reading.encoding, reading.undecoded = item.encoding, item.undecoded
    return reading
