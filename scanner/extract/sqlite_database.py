"""SQLite databases: every table, read from a private copy, so that neither the file nor its log is touched.

Rows that SQLite itself has deleted (free pages) are outside what is read.
"""

from __future__ import annotations

import io
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from scanner.extract import charset
from scanner.extract.binary_cell import KEY_BYTES, cell_text
from scanner.extract.budget import CHUNK
from scanner.extract.member_names import Steps, shown
from scanner.model import Batch, Blob, Budget, Gap, Item, Location, Reason, Table, Unreadable

_MAGIC = b"SQLite format 3\0"
_WAL = 2
_BATCH_ROWS = 16_384
_BATCH_BYTES = 8 * 2**20
_FETCH_ROWS = 512
_LENGTH = 128 * 2**20
"""What one row may hold; SQLite refuses a longer one, and the table ends there with a gap."""
_FILES = (
    b"%PDF-",
    b"PK\x03\x04",
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    b"BZh",
    b"PAR1",
    b"II*\0",
    b"MM\0*",
    _MAGIC,
)


class SqliteDatabase:
    """Reader of SQLite files: one table per table, blobs that are files as members ``table/column/rowid``."""

    media_types = frozenset({"application/vnd.sqlite3"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with tempfile.TemporaryDirectory(dir=budget.temp_dir) as folder:
            copy = Path(folder) / "copy.db"
            faults = _copy(blob, copy, budget)
            connection = sqlite3.connect(copy, isolation_level=None)
            try:
                _prepare(connection, cut=Reason.TRUNCATED in faults)
                yield from _Reading(connection, blob.location, budget).items()
            finally:
                connection.close()
            yield from map(Gap, faults)


# --------------------------------------------------------------------------- the copy


def _copy(blob: Blob, target: Path, budget: Budget) -> list[Reason]:
    """Copy the database and, in WAL mode, its log beside it. What may be missing from the copy is returned."""
    with blob.open() as source:
        head = source.read(100)
        if not head.startswith(_MAGIC):
            raise Unreadable(Reason.DAMAGED)
        if len(head) < 100:
            raise Unreadable(Reason.TRUNCATED)
        source.seek(0)
        copied = _copy_stream(source, target, budget)
    faults = []
    page_bytes = 65_536 if head[16:18] == b"\0\1" else int.from_bytes(head[16:18], "big")
    in_header_size = int.from_bytes(head[28:32], "big") * page_bytes
    if head[24:28] == head[92:96] and copied < in_header_size:  # the header's size counts only if these two agree
        faults.append(Reason.TRUNCATED)
    sibling = blob.sibling
    if _WAL in (head[18], head[19]):
        if sibling is None:
            faults.append(Reason.LIVE_DATABASE)  # its log, if there is one, is out of reach
        elif not _copy_log(sibling, "-wal", target, budget):
            faults.append(Reason.LIVE_DATABASE)
    elif sibling is not None and not _copy_log(sibling, "-journal", target, budget):
        faults.append(Reason.LIVE_DATABASE)
    return faults


def _copy_log(sibling: Callable[[str], BinaryIO | None], suffix: str, target: Path, budget: Budget) -> bool:
    """Whether the log is copied whole, or there is none. A log that is being written cannot be."""
    log = sibling(suffix)
    if log is None:
        return True
    with log:
        before = log.seek(0, 2)
        log.seek(0)
        _copy_stream(log, target.with_name(target.name + suffix), budget)
        return log.seek(0, 2) == before


def _copy_stream(source: BinaryIO, target: Path, budget: Budget) -> int:
    total = 0
    with target.open("wb") as out:
        while chunk := source.read(CHUNK):
            total += len(chunk)
            if total > budget.limits.temp_bytes:
                raise Unreadable(Reason.TOO_LARGE)
            try:
                out.write(chunk)
            except OSError:
                raise Unreadable(Reason.IO_ERROR) from None
    return total


def _prepare(connection: sqlite3.Connection, cut: bool) -> None:
    """Nothing in the schema may run more than a query, and no row may cost more than a worker has."""
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LENGTH)
    try:
        if cut:
            connection.execute("PRAGMA writable_schema=ON")  # else SQLite refuses a file shorter than its header says
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA mmap_size=0")
        connection.execute("PRAGMA cache_size=-8192")
    except sqlite3.Error:
        raise Unreadable(Reason.DAMAGED) from None


# --------------------------------------------------------------------------- tables


class _Reading:
    """The tables of one open database, in the order of its schema."""

    def __init__(self, connection: sqlite3.Connection, location: Location, budget: Budget) -> None:
        self._connection = connection
        self._location = location
        self._budget = budget
        self._steps = Steps()

    def items(self) -> Iterator[Item]:
        for name, kind in self._tables():
            place = shown(name)
            try:
                columns = self._columns(name)
            except (sqlite3.Error, UnicodeError):
                # The module of a virtual table is not built in, or its schema is broken.
                yield Gap(Reason.UNKNOWN_FORMAT if kind == "virtual" else Reason.DAMAGED, place)
                continue
            rows = _Rows(self._connection, name, columns, self._budget)
            yield Table(tuple(map(_readable, columns)), rows.batches(), place)
            for column in sorted(rows.file_columns):
                yield from self._files(name, columns[column])
            yield from (Gap(reason, place) for reason in sorted(rows.faults))

    def _tables(self) -> list[tuple[str, str]]:
        """(name, type) of what holds rows; a shadow table's content comes out of the virtual table that it serves."""
        query = (
            "SELECT l.name, l.type FROM pragma_table_list AS l LEFT JOIN sqlite_schema AS s ON s.name = l.name "
            "WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY s.rowid"
        )
        try:
            return self._connection.execute(query).fetchall()
        except (sqlite3.Error, UnicodeError):
            raise Unreadable(Reason.DAMAGED) from None

    def _columns(self, table: str) -> list[str]:
        """Names of the columns that a query can ask for, generated ones included, a virtual table's hidden ones not."""
        cursor = self._connection.execute(f"SELECT * FROM {_quoted(table)} LIMIT 0")
        return [description[0] for description in cursor.description]

    def _files(self, table: str, column: str) -> Iterator[Item]:
        """The cells of a column that are files (a scanned form, a picture): members, since they are objects of their own."""
        name = _quoted(column)
        query = f"SELECT CASE WHEN typeof({name}) = 'blob' AND length({name}) > {KEY_BYTES} THEN {name} END FROM {_quoted(table)}"
        try:
            for row, (cell,) in enumerate(self._connection.execute(query), start=2):
                if isinstance(cell, bytes) and _is_file(cell):
                    self._budget.enter_member()
                    location = self._location.inside(self._steps.unique(f"{shown(table)}/{shown(column)}/row {row}"))
                    yield Blob(location, len(cell), partial(io.BytesIO, cell))
        except (sqlite3.Error, UnicodeError):
            return  # the table's own reading met the same page, and said so


class _Rows:
    """The rows of one table as batches of strings; `faults` and `file_columns` are known once they are read."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: list[str], budget: Budget) -> None:
        self.faults: set[Reason] = set()
        self.file_columns: set[int] = set()
        self._connection = connection
        self._query = f"SELECT * FROM {_quoted(table)}"
        self._width = len(columns)
        self._budget = budget

    def batches(self) -> Iterator[Batch]:
        first = 2  # the header is row 1
        for rows in self._row_groups():
            yield self._batch(rows, first)
            first += len(rows)

    def _row_groups(self) -> Iterator[list[tuple[Any, ...]]]:
        group: list[tuple[Any, ...]] = []
        weight = 0
        try:
            cursor = self._connection.execute(self._query)
            while rows := cursor.fetchmany(_FETCH_ROWS if weight < _BATCH_BYTES // 8 else 16):
                group += rows
                weight += sum(len(cell) for row in rows for cell in row if isinstance(cell, str | bytes))
                if len(group) >= _BATCH_ROWS or weight >= _BATCH_BYTES:
                    yield group
                    group, weight = [], 0
        except (sqlite3.Error, UnicodeError) as error:
            self.faults.add(Reason.TOO_LARGE if isinstance(error, sqlite3.DataError) else Reason.DAMAGED)
        if group:
            yield group

    def _batch(self, rows: list[tuple[Any, ...]], first: int) -> Batch:
        import pyarrow as pa

        arrays = [self._column(index, list(cells)) for index, cells in enumerate(zip(*rows, strict=True))]
        columns = pa.RecordBatch.from_arrays(arrays, names=[str(index) for index in range(self._width)])
        self._budget.spend_output(columns.nbytes)
        return Batch(columns, np.arange(first, first + len(rows), dtype=np.int64))

    def _column(self, index: int, cells: list[Any]) -> Any:
        import pyarrow as pa

        if not set(map(type, cells)) <= {str, type(None)}:
            cells = [self._cell(index, cell) for cell in cells]
        try:
            return pa.array(cells, pa.string())
        except UnicodeEncodeError:  # surrogates stand for bytes that are not UTF-8
            return pa.array([cell and _readable(cell) for cell in cells], pa.string())

    def _cell(self, index: int, cell: Any) -> str | None:
        if cell is None:
            return None
        if isinstance(cell, str):
            return _readable(cell)
        if isinstance(cell, bytes):
            return self._blob(index, cell)
        if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))  # a phone number in a REAL column
        return str(cell)

    def _blob(self, index: int, cell: bytes) -> str | None:
        if _is_file(cell):
            self.file_columns.add(index)
            return None
        text = cell_text(cell)
        if text is None and len(cell) > KEY_BYTES:
            self.faults.add(Reason.UNKNOWN_FORMAT)
        return text


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_file(cell: bytes) -> bool:
    return len(cell) > KEY_BYTES and cell.startswith(_FILES)


def _readable(text: str) -> str:
    """A text that is not UTF-8 (programs write CP932 into TEXT columns all the same) by its look."""
    if text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return charset.decode(raw)[0]


EXTRACTORS = (SqliteDatabase(),)
