"""Builds small documents by hand, and reads an extractor's items with their tables drained, for the tests beside it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scanner.extract.registry import for_media_type
from scanner.model import Blob, Budget, Gap, Item, Location, Table, Text, Unread


@dataclass
class Read:
    """Everything one document gave: texts by place, cells by (place, row, column), the rest in order."""

    texts: dict[str | None, str]
    cells: dict[tuple[str | None, int, int], str]
    headers: dict[str | None, tuple[str, ...] | None]
    lines: dict[tuple[str | None, int], int]
    first_lines: dict[str | None, int | None]
    gaps: list[tuple[str, str | None]]
    members: dict[str, bytes]
    items: list[Item]

    @property
    def everything(self) -> str:
        return "\n".join([*self.texts.values(), *self.cells.values()])


def blob_of(data: bytes, name: str = "file") -> Blob:
    return Blob(Location("/share", name), len(data), lambda: io.BytesIO(data))


def read(data: bytes, media_type: str, budget: Budget) -> Read:
    extractor = for_media_type(media_type)
    assert extractor is not None, media_type
    result = Read({}, {}, {}, {}, {}, [], {}, [])
    for item in extractor.extract(blob_of(data), media_type, budget):
        result.items.append(item)
        _note(item, result)
    return result


def _note(item: Item, result: Read) -> None:
    if isinstance(item, Text):
        result.texts[item.place] = "\n".join(filter(None, [result.texts.get(item.place), item.text]))
        result.first_lines.setdefault(item.place, item.first_line)
    elif isinstance(item, Table):
        result.headers.setdefault(item.place, item.header)
        for cell in _cells(item, result):
            result.cells[cell[0]] = cell[1]
    elif isinstance(item, Gap):
        result.gaps.append((item.reason.value, item.place))
    elif isinstance(item, Blob):
        with item.open() as stream:
            result.members[item.location.member[-1]] = stream.read()
    elif isinstance(item, Unread):
        result.gaps.append((item.reason.value, item.location.member[-1]))


def _cells(table: Table, result: Read) -> Iterator[tuple[tuple[str | None, int, int], str]]:
    width = None
    for batch in table.batches:
        assert width in (None, batch.columns.num_columns), "every batch has the same columns"
        width = batch.columns.num_columns
        assert batch.columns.num_rows == len(batch.rows)
        if table.header is not None:
            assert len(table.header) == width
        for index, column in enumerate(batch.columns.columns):
            for row, value in zip(batch.rows.tolist(), column.to_pylist(), strict=True):
                if value:
                    yield (table.place, row, table.first_column + index), value
        if batch.lines is not None:
            for row, line in zip(batch.rows.tolist(), batch.lines.tolist(), strict=True):
                result.lines[(table.place, row)] = line


def zipped(parts: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def saved(document: Any) -> bytes:
    """What openpyxl, python-docx, python-pptx and xlwt write."""
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


_SHEET_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def hand_made_xlsx(sheet_data: str, *, strings: str = "", after: str = "", extra: dict[str, str | bytes] | None = None) -> bytes:
    """A workbook of one sheet named "S" around the given ``sheetData`` content and ``si`` elements."""
    return zipped(
        {
            "_rels/.rels": f'<Relationships><Relationship Id="a" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook {_SHEET_NS}><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{_REL}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f"<worksheet {_SHEET_NS}><sheetData>{sheet_data}</sheetData>{after}</worksheet>",
            "xl/sharedStrings.xml": f"<sst {_SHEET_NS}>{strings}</sst>",
            **(extra or {}),
        }
    )
