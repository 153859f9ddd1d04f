"""Reads xls (BIFF) and xlsb workbooks through calamine, and what calamine leaves out of an xls from its records."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from typing import Any

from scanner.extract import sniff
from scanner.extract.grid import Row, sheet_items
from scanner.extract.number_format import plain
from scanner.extract.ooxml_package import Package, link_text, properties
from scanner.extract.prose import pieces
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Unreadable

_HEADER, _FOOTER, _CONTINUE, _TEXT_OBJECT, _NOTE, _LINK, _PASSWORD = 0x14, 0x15, 0x3C, 0x1B6, 0x1C, 0x1B8, 0x2F
_WORKBOOK_BYTES = 512 * 2**20


class LegacySheets:
    """Workbooks of Excel 97 to 2003 ([MS-XLS]) and binary workbooks of Excel 2007 ([MS-XLSB]).

    calamine holds a sheet whole and may end the process on a hostile one: workers are isolated and limited for that.
    Places: sheet names; "comments", "header", "links", "properties" for the workbook (xls only: comments of an xlsb are a `Gap`).
    """

    media_types = frozenset({sniff.XLS, sniff.XLSB})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        import python_calamine as calamine

        stream = blob.open()
        try:
            try:
                book = calamine.CalamineWorkbook.from_filelike(stream)
                sheets = [sheet.name for sheet in book.sheets_metadata]
            except calamine.PasswordError:
                raise Unreadable(Reason.ENCRYPTED) from None
            except (calamine.CalamineError, calamine.XmlError, calamine.ZipError, OSError, ValueError):
                raise Unreadable(_why_not(blob)) from None
            for index, name in enumerate(sheets):
                yield from _sheet(book, index, name, budget)
        finally:
            stream.close()
        if media_type == sniff.XLS:
            yield from _records(blob)
        else:
            yield from _beside_binary(blob, budget)


def _beside_binary(blob: Blob, budget: Budget) -> Iterator[Item]:
    """What an xlsb holds beside its cells: properties are read, binary comments are said to be unread."""
    with Package(blob, budget) as package:
        yield from properties(package)
        if any("comments" in name.lower() and name.endswith(".bin") for name in package.names):
            yield Gap(Reason.UNKNOWN_FORMAT, "comments")


def _why_not(blob: Blob) -> Reason:
    """A password shows in the records; an OLE file shorter than its header says was cut."""
    import olefile

    with blob.open() as stream:
        try:
            with olefile.OleFileIO(stream) as ole:
                if any(kind == _PASSWORD for kind, _ in _walk(_book_stream(ole))):
                    return Reason.ENCRYPTED
        except (OSError, ValueError, struct.error, IndexError):
            return Reason.TRUNCATED if _is_short(blob) else Reason.DAMAGED
    return Reason.TRUNCATED if _is_short(blob) else Reason.DAMAGED


def _is_short(blob: Blob) -> bool:
    """Whether an OLE file ends before the sectors that its allocation table takes up ([MS-CFB] 2.2)."""
    with blob.open() as stream:
        head = stream.read(512)
        size = stream.seek(0, 2)
    if len(head) < 512 or not head.startswith(b"\xd0\xcf\x11\xe0"):
        return len(head) < 512
    shift = struct.unpack_from("<H", head, 30)[0]
    table_sectors = struct.unpack_from("<I", head, 44)[0]
    first = [struct.unpack_from("<I", head, 76 + 4 * index)[0] for index in range(min(table_sectors, 109))]
    last = max((sector for sector in first if sector < 0xFFFFFFFA), default=0)
    return bool(size < (last + 2) << min(shift, 16))


def _sheet(book: Any, index: int, name: str, budget: Budget) -> Iterator[Item]:
    import python_calamine as calamine

    try:
        sheet = book.get_sheet_by_index(index)
    except (calamine.CalamineError, ValueError, OSError):
        yield Gap(Reason.DAMAGED, name)
        return
    if sheet.start is not None:
        yield from sheet_items(_rows(sheet), name, budget)


def _rows(sheet: Any) -> Iterator[Row]:
    """Rows with the sheet's own numbers: calamine's begin at its first cell that holds anything."""
    first_row, first_column = sheet.start
    for offset, values in enumerate(sheet.to_python(skip_empty_area=True)):
        cells = {first_column + column + 1: text for column, value in enumerate(values) if value != "" and (text := shown(value))}
        if cells:
            yield first_row + offset + 1, cells


def shown(value: object) -> str:
    """A cell of calamine as text: dates in ISO form, whole numbers without a point."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return plain(repr(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    return str(value)


# --------------------------------------------------------------------------- what lies beside the cells of an xls


def _book_stream(ole: Any) -> bytes:
    for name in ("Workbook", "Book"):
        if ole.exists(name):
            return bytes(ole.openstream(name).read(_WORKBOOK_BYTES))
    return b""


def _walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of each record ([MS-XLS] 2.1.4)."""
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        yield kind, data[at + 4 : at + 4 + size]
        at += 4 + size


def _records(blob: Blob) -> Iterator[Item]:
    """Comments and text boxes, headers and footers, links, and the document's properties."""
    import olefile

    found: dict[str, list[str]] = {"comments": [], "header": [], "links": [], "properties": []}
    with blob.open() as stream:
        try:
            with olefile.OleFileIO(stream) as ole:
                _read_records(_book_stream(ole), found)
                _read_properties(ole, found["properties"])
        except (OSError, ValueError, struct.error, IndexError):
            yield Gap(Reason.DAMAGED, "comments")
    for place, lines in found.items():
        yield from pieces("\n".join(dict.fromkeys(filter(str.strip, lines))), place)


def _read_records(data: bytes, found: dict[str, list[str]]) -> None:
    wanted = 0
    for kind, body in _walk(data):
        if kind == _TEXT_OBJECT and len(body) >= 12:
            wanted = struct.unpack_from("<H", body, 10)[0]
        elif kind == _CONTINUE and wanted and body:
            text = _characters(body, 1, bool(body[0] & 1), wanted)
            found["comments"].append(text)
            wanted = 0
        elif kind in (_HEADER, _FOOTER) and len(body) > 3:
            found["header"].append(_characters(body, 3, bool(body[2] & 1), struct.unpack_from("<H", body)[0]))
        elif kind == _NOTE and len(body) > 11:
            found["comments"].append(_characters(body, 11, bool(body[10] & 1), struct.unpack_from("<H", body, 8)[0]))
        elif kind == _LINK:
            found["links"].extend(_link_strings(body))


def _characters(body: bytes, start: int, wide: bool, count: int) -> str:
    """An XLUnicodeString's characters: UTF-16 or its low bytes."""
    if wide:
        return body[start : start + 2 * count].decode("utf-16-le", "replace")
    return body[start : start + count].decode("latin-1")


def _link_strings(body: bytes) -> Iterator[str]:
    """URLs of a hyperlink object: UTF-16 text between zeros, ``mailto:`` taken off."""
    for start in (0, 1):
        for run in body[start:].decode("utf-16-le", "replace").split("\x00"):
            text = "".join(char for char in run if char.isprintable())
            if text.isascii() and ("@" in text or "://" in text):
                yield link_text(text[text.find("mailto:") :] if "mailto:" in text else text)


def _read_properties(ole: Any, lines: list[str]) -> None:
    meta = ole.get_metadata()
    for name in ("author", "last_saved_by", "title", "subject", "keywords", "comments", "manager", "company", "category"):
        value = getattr(meta, name, None)
        if isinstance(value, bytes):
            from scanner.extract.charset import decode

            value = decode(value)[0]
        if value:
            lines.append(f"{name.replace('_', ' ')}: {value}")


EXTRACTORS: tuple[Extractor, ...] = (LegacySheets(),)
