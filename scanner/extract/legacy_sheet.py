"""Reads xls (BIFF) and xlsb workbooks through calamine, and what calamine leaves out of an xls from its records."""

from __future__ import annotations

import contextlib
import datetime
import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from scanner.extract import sniff
from scanner.extract.grid import Row, sheet_items
from scanner.extract.number_format import plain
from scanner.extract.ooxml_package import Package, guarded, link_text, properties
from scanner.extract.prose import pieces
from scanner.extract.vba_project import macros
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Unreadable

_HEADER, _FOOTER, _CONTINUE, _TEXT_OBJECT, _NOTE, _LINK, _PASSWORD = 0x14, 0x15, 0x3C, 0x1B6, 0x1C, 0x1B8, 0x2F
_END, _DIMENSIONS = 0x0A, 0x200
_CELLS = {0x06, 0xBD, 0xBE, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E, 0x01, 0x02, 0x03, 0x04, 0x05, 0xD6}
_RUNS = {0xBD, 0xBE}  # MulRk, MulBlank: their last two bytes are the last column
_XLS_COLUMNS = 256
_RECTANGLE = 8_000_000
_WORKBOOK_BYTES = 512 * 2**20


class LegacySheets:
    """Workbooks of Excel 97 to 2003 ([MS-XLS]) and binary workbooks of Excel 2007 ([MS-XLSB]).

    calamine holds a sheet whole and may end the process on a hostile one: workers are isolated and limited for that.
    Places: each sheet's name; "sheet names", "macro MODULE", "comments", "header", "links", "properties" for the workbook
    (xls only: comments and macros of an xlsb are a `Gap` or a member).
    """

    media_types = frozenset({sniff.XLS, sniff.XLSB})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        stream = _sound_container(blob) if media_type == sniff.XLS else blob.open()
        try:
            yield from _book(stream, blob, budget)
        finally:
            stream.close()
        if media_type == sniff.XLS:
            yield from _records(blob)
            yield from guarded(macros(blob, budget), "macros")
            if _is_short(blob):
                yield Gap(Reason.TRUNCATED)
        else:
            yield from _beside_binary(blob, budget)


def _book(stream: BinaryIO, blob: Blob, budget: Budget) -> Iterator[Item]:
    import python_calamine as calamine

    try:
        with _panics_as_damage():
            book = calamine.CalamineWorkbook.from_filelike(stream)
            sheets = [sheet.name for sheet in book.sheets_metadata]
    except calamine.PasswordError:
        raise Unreadable(Reason.ENCRYPTED) from None
    except (calamine.CalamineError, calamine.XmlError, calamine.ZipError, OSError, ValueError):
        raise Unreadable(_cut_or_damaged(blob)) from None
    if not sheets:
        raise Unreadable(_cut_or_damaged(blob))
    for index, name in enumerate(sheets):
        yield from _sheet(book, index, name, budget)
    yield from pieces("\n".join(sheets), "sheet names")


@contextlib.contextmanager
def _panics_as_damage() -> Iterator[None]:
    """A panic of calamine's Rust comes as `pyo3_runtime.PanicException`, which has no importable name and is no
    `Exception`, so that nobody's net would hold it."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise Unreadable(Reason.DAMAGED) from None
        raise


def _beside_binary(blob: Blob, budget: Budget) -> Iterator[Item]:
    """What an xlsb holds beside its cells: properties are read, binary comments are said to be unread."""
    with Package(blob, budget) as package:
        yield from properties(package)
        if any("comments" in name.lower() and name.endswith(".bin") for name in package.names):
            yield Gap(Reason.UNKNOWN_FORMAT, "comments")


def _sound_container(blob: Blob) -> BinaryIO:
    """The workbook's records in an OLE container of our own making: calamine follows a damaged allocation table in
    circles until memory ends, while olefile does not."""
    import olefile

    with blob.open() as stream:
        try:
            with olefile.OleFileIO(stream) as ole:
                data = _book_stream(ole)
                name = "Workbook" if ole.exists("Workbook") else "Book"
        except (OSError, ValueError, struct.error, IndexError, RecursionError):
            raise Unreadable(_cut_or_damaged(blob)) from None
    if any(kind == _PASSWORD for kind, _ in _walk(data[:65_536])):
        raise Unreadable(Reason.ENCRYPTED)
    _refuse_vast(data)
    return container(name, _without_dimensions(data))


def _without_dimensions(data: bytes) -> bytes:
    """The sheets' claims of their own size (Dimensions records) set to nothing: calamine reserves memory for them unseen,
    and finds the size in the cells anyway."""
    out = bytearray(data)
    at = 0
    for kind, body in _walk(data):
        if kind == _DIMENSIONS:
            out[at + 4 : at + 4 + len(body)] = bytes(len(body))
        at += 4 + len(body)
    return bytes(out)


def container(name: str, data: bytes) -> io.BytesIO:
    """An OLE file ([MS-CFB], version 4, sectors of 4,096 bytes) that holds the one stream `name`."""
    size = 4_096
    data_sectors = max(1, -(-len(data) // size))
    fat_sectors = -(-(data_sectors + 2) // (size // 4 - 1))
    free, end, fat_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    first = fat_sectors + 1
    table = [fat_mark] * fat_sectors + [end] + [*range(first + 1, first + data_sectors), end, end]
    table += [free] * (fat_sectors * (size // 4) - len(table))
    header = struct.pack("<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 4, 0xFFFE, 12, 6, 1, fat_sectors,
                         fat_sectors, 0, 4_096, end, 0, end, 0)  # fmt: skip
    header += struct.pack("<109I", *range(fat_sectors), *[free] * (109 - fat_sectors))
    out = io.BytesIO()
    out.write(header.ljust(size, b"\0"))
    out.write(struct.pack(f"<{len(table)}I", *table))
    entries = _entry("Root Entry", 5, 1, first + data_sectors, 64) + _entry(name, 2, free, first, max(len(data), 4_096))
    out.write(entries + _entry("", 0, free, 0, 0) * 30)
    out.write(data.ljust((data_sectors + 1) * size, b"\0"))  # and a sector of small streams: calamine wants one
    out.seek(0)
    return out


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    raw = (name + "\0").encode("utf-16-le") if name else b""
    none = 0xFFFFFFFF
    return struct.pack("<64sHBBIII36xIQ", raw, len(raw), kind, 1, none, none, child, start, size)


def _refuse_vast(data: bytes) -> None:
    """calamine pads a sheet to the rectangle of its cells: two cells far apart, or a column no xls can have, would take
    the machine's memory. Such a workbook is refused before calamine sees it."""
    rows, columns = [0xFFFF, 0], [0xFFFF, 0]
    for kind, body in _walk(data):
        if kind == _END:
            rows, columns = [0xFFFF, 0], [0xFFFF, 0]
        elif kind in _CELLS and len(body) >= 6:
            row, column = struct.unpack_from("<HH", body)
            last = struct.unpack_from("<H", body, len(body) - 2)[0] if kind in _RUNS else column
            rows = [min(rows[0], row), max(rows[1], row)]
            columns = [min(columns[0], column), max(columns[1], last)]
            if columns[1] >= _XLS_COLUMNS:
                raise Unreadable(Reason.DAMAGED)
            if (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) > _RECTANGLE:
                raise Unreadable(Reason.MEMORY)


def _cut_or_damaged(blob: Blob) -> Reason:
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
        with _panics_as_damage():
            sheet = book.get_sheet_by_index(index)
    except Unreadable as error:
        yield Gap(error.reason, name)
        return
    except (calamine.CalamineError, ValueError, OSError):
        yield Gap(Reason.DAMAGED, name)
        return
    if sheet.start is not None:
        yield from sheet_items(_rows(sheet), name, budget)


def _rows(sheet: Any) -> Iterator[Row]:
    """Rows with the sheet's own numbers: calamine's begin at its first cell that holds anything."""
    first_row, first_column = sheet.start
    with _panics_as_damage():
        rows = sheet.to_python(skip_empty_area=True)
    for offset, values in enumerate(rows):
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
