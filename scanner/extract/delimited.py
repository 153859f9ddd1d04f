"""Reads delimited text (CSV, TSV, ...) as one table, at Arrow's speed and in memory that does not depend on its length.

The decoded text is cut into blocks at row ends. Where every row of a block is regular, Arrow parses it whole; what is
irregular is looked at row by row, and what is no row at all is kept as text with its line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from scanner.extract import dialect, sniff
from scanner.extract.charset import TextStream
from scanner.extract.dialect import Dialect
from scanner.extract.text import PIECE, pieces
from scanner.model import Batch, Blob, Budget, Decoded, Item, Table, Text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BLOCK = 4 << 20
_MAX_RECORD = 1 << 20  # a longer record is an unclosed quote or no table
_MAX_IRREGULAR = 1 << 16  # how far a quote is followed where quotes are not in order
_MAX_ODD = 4 << 20  # bytes of text kept aside before the table is interrupted for them
_BATCH_ROWS = 1 << 16
_NEWLINE, _QUOTE = 10, 34


@dataclass(slots=True)
class _Odd:
    """A line that is no row of the table, in UTF-8; `continues` the one before (of one very long line)."""

    line: int
    data: bytes
    continues: bool = False


@dataclass(slots=True)
class _Cut:
    """The whole rows of a block: `data` is regular CSV in UTF-8 of as many rows as `rows` and `lines` are long."""

    data: bytes
    rows: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    odd: list[_Odd] = field(default_factory=list)


class _Cutter:
    """Cuts blocks of UTF-8 into rows, keeping count of records and physical lines across blocks."""

    def __init__(self, layout: Dialect, row: int, line: int) -> None:
        self._delimiter = ord(layout.delimiter)
        self._columns = layout.columns
        self._quoted = layout.quoted
        self._layout = layout
        self._row = row
        self._line = line
        self._rest = b""
        self._in_long_line = False
        mark = re.escape(layout.delimiter.encode())
        plain = rb"[^\r\n" + mark + rb"]*+"
        value = rb'(?:"[^"]*+(?:""[^"]*+)*+"(?=' + mark + rb"|[\r\n]|\Z)|(?!\")" + plain + rb")" if layout.quoted else plain
        self._record = re.compile(value + rb"(?:" + mark + value + rb")*+(?:\r?\n|\Z)")

    def feed(self, block: bytes, final: bool = False) -> _Cut:
        """The rows that end within what was fed so far; with `final`, all of them."""
        if self._in_long_line:
            return self._long_line(block)
        data = self._rest + block
        self._rest = b""
        if final and data and not data.endswith(b"\n"):
            data += b"\n"
        cut = self._regular(data)
        if cut is None or (final and self._rest) or len(self._rest) > _MAX_RECORD:
            if cut is not None:  # the regular rows stand; only the tail is looked at row by row
                data, self._rest = self._rest, b""
                return _joined(cut, self._irregular(data, final))
            return self._irregular(data, final)
        return cut

    def _regular(self, data: bytes) -> _Cut | None:
        """The vectorised way; None where quotes or carriage returns are not in order."""
        import numpy as np

        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            return None if not data.endswith(b"\r") or data.count(b"\r") - 1 != data.count(b"\r\n") else self._regular_but_last(data)
        array = np.frombuffer(data, np.uint8)
        newlines = np.flatnonzero(array == _NEWLINE)
        marks = np.flatnonzero(array == self._delimiter)
        ends = newlines
        if self._quoted and b'"' in data:
            quotes = np.flatnonzero(array == _QUOTE)
            if not self._in_order(array, quotes):
                return None
            ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
            marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
        if not len(ends):
            self._rest = data
            return _nothing()
        last = int(ends[-1]) + 1
        self._rest = data[last:]
        starts = np.concatenate(([0], ends[:-1] + 1))
        lengths = ends - starts
        widths = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
        blank = (lengths == 0) | ((lengths == 1) & (array[starts] == 13))
        good = (widths == self._columns) & ~blank
        rows = self._row + np.arange(len(ends), dtype=np.int64)
        lines = self._line + np.searchsorted(newlines, starts).astype(np.int64)
        self._row += len(ends)
        self._line += int(np.searchsorted(newlines, last))
        odd = [_Odd(int(lines[at]), data[int(starts[at]) : int(ends[at]) + 1]) for at in np.flatnonzero(~good & ~blank)]
        body = data[:last] if not odd else b"".join(_kept(data, starts, ends, good))
        return _Cut(body, rows[good], lines[good], odd)

    def _regular_but_last(self, data: bytes) -> _Cut | None:
        """A carriage return at the very end belongs to a line end that is not here yet."""
        cut = self._regular(data[:-1])
        self._rest += b"\r"
        return cut

    def _in_order(self, array: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64]) -> bool:
        """Every opening quote begins a field, every closing one ends it; doubled ones stand side by side."""
        import numpy as np

        opening, closing = quotes[::2], quotes[1::2]
        before = array[opening[opening > 0] - 1]
        after = array[closing[closing < len(array) - 1] + 1]
        return bool(
            np.isin(before, (self._delimiter, _NEWLINE, _QUOTE)).all() and np.isin(after, (self._delimiter, _NEWLINE, 13, _QUOTE)).all()
        )

    def _irregular(self, data: bytes, final: bool) -> _Cut:
        """Row by row; a line that cannot be read so is parsed leniently, and kept as text if it has not the table's width."""
        import numpy as np

        good: list[bytes] = []
        rows: list[int] = []
        lines: list[int] = []
        odd: list[_Odd] = []
        at = 0
        while at < len(data):
            end = data.find(b"\n", at) + 1
            if not end and not final:
                break
            found = self._record.match(data, at, min(len(data), at + _MAX_IRREGULAR)) if end else None
            if found is not None and data[found.end() - 1] == _NEWLINE:
                end = found.end()
            elif data.count(b'"', at, end) % 2 and len(data) - at < _MAX_IRREGULAR and not final:
                break  # its quote may close in the next block
            end = end or len(data)
            record = data[at:end]
            row = record if found is not None and self._is_row(record) else self._leniently(record)
            if row is not None:
                good.append(row)
                rows.append(self._row)
                lines.append(self._line)
            elif record.strip(b"\r\n"):
                odd.append(_Odd(self._line, record))
            self._row += 1
            self._line += record.count(b"\n")
            at = end
        self._rest = data[at:]
        if len(self._rest) > _MAX_RECORD and b"\n" not in self._rest:
            odd.append(_Odd(self._line, self._rest))
            self._rest, self._in_long_line = b"", True
        return _Cut(b"".join(good), np.array(rows, np.int64), np.array(lines, np.int64), odd)

    def _is_row(self, record: bytes) -> bool:
        if record in (b"\n", b"\r\n"):
            return False
        if self._quoted and b'"' in record:
            return len(self._fields(record)) == self._columns
        return record.count(self._layout.delimiter.encode()) == self._columns - 1

    def _fields(self, record: bytes) -> list[str]:
        text = record.decode("utf-8", "replace").replace("\x00", "\ufffd")
        try:
            rows = list(
                csv.reader(io.StringIO(text, newline=""), delimiter=self._layout.delimiter, quoting=dialect.quoting(self._layout.quoted))
            )
        except csv.Error:  # a field beyond the module's limit, a lone carriage return
            return []
        return rows[0] if len(rows) == 1 else []

    def _leniently(self, record: bytes) -> bytes | None:
        """A record with stray quotes or carriage returns, written anew in good order; None if it has not the table's width."""
        if not record.strip(b"\r\n"):
            return None
        # A lone carriage return would end a row for csv and Arrow alike: it is a blank within its field.
        record = re.sub(rb"\r(?!\n)", b" ", record)
        fields = self._fields(record)
        if len(fields) != self._columns:
            mark = self._layout.delimiter.encode()
            raw = record.rstrip(b"\r\n").split(mark)
            fields = [part.decode("utf-8", "replace") for part in raw]
        if len(fields) != self._columns:
            return None
        if not self._quoted:
            return self._layout.delimiter.join(fields).encode() + b"\n"
        return self._layout.delimiter.join('"' + value.replace('"', '""') + '"' for value in fields).encode() + b"\n"

    def _long_line(self, block: bytes) -> _Cut:
        end = block.find(b"\n") + 1
        odd = _Odd(self._line, block[:end] if end else block, continues=True)
        cut = _nothing()
        if end:
            self._in_long_line = False
            self._row += 1
            self._line += 1
            cut = self.feed(block[end:])
        cut.odd.insert(0, odd)
        return cut


def _kept(data: bytes, starts: Any, ends: Any, good: Any) -> Iterator[bytes]:
    """Runs of neighbouring good rows as slices."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate(([0], good.astype(np.int8), [0]))))
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        yield data[int(starts[first]) : int(ends[after - 1]) + 1]


def _nothing() -> _Cut:
    import numpy as np

    return _Cut(b"", np.zeros(0, np.int64), np.zeros(0, np.int64))


def _joined(first: _Cut, second: _Cut) -> _Cut:
    import numpy as np

    rows, lines = np.concatenate((first.rows, second.rows)), np.concatenate((first.lines, second.lines))
    return _Cut(first.data + second.data, rows, lines, first.odd + second.odd)


class _Parser:
    """Regular CSV in UTF-8 -> string columns, by Arrow; by the csv module where Arrow sees other rows than we do."""

    def __init__(self, layout: Dialect) -> None:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        self._layout = layout
        self._names = [str(at) for at in range(layout.columns)]
        self._parse = arrow_csv.ParseOptions(
            delimiter=layout.delimiter, quote_char='"' if layout.quoted else False, double_quote=True, newlines_in_values=layout.quoted
        )
        self._convert = arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(self._names, pa.string()), strings_can_be_null=False, check_utf8=False
        )

    def batches(self, cut: _Cut) -> Iterator[Batch]:
        from pyarrow import ArrowInvalid

        try:
            columns = self._by_arrow(cut.data)
        except ArrowInvalid:
            columns = None
        if columns is None or columns.num_rows != len(cut.rows):
            columns = self._by_csv(cut)
        lines = None if (cut.rows == cut.lines).all() else cut.lines
        for start in range(0, columns.num_rows, _BATCH_ROWS):
            end = start + _BATCH_ROWS
            yield Batch(columns.slice(start, _BATCH_ROWS), cut.rows[start:end], lines[start:end] if lines is not None else None)

    def _by_arrow(self, data: bytes) -> Any:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        options = arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1024, column_names=self._names)
        table = arrow_csv.read_csv(pa.BufferReader(data), options, self._parse, self._convert).combine_chunks()
        return table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], table.schema)

    def _by_csv(self, cut: _Cut) -> Any:
        import pyarrow as pa

        text = cut.data.decode("utf-8", "replace").replace("\x00", "\ufffd")
        found = [
            row
            for row in csv.reader(
                io.StringIO(text, newline=""), delimiter=self._layout.delimiter, quoting=dialect.quoting(self._layout.quoted)
            )
            if row
        ]
        width = self._layout.columns
        # One row for each number, whatever happened: a wider row keeps its tail in the last column, so that no cell is lost.
        rows = [[*row[: width - 1], self._layout.delimiter.join(row[width - 1 :])] + [""] * (width - max(len(row), 1)) for row in found]
        rows = rows[: len(cut.rows)] + [[""] * width] * (len(cut.rows) - len(rows))
        return pa.RecordBatch.from_arrays([pa.array([row[at] for row in rows], pa.string()) for at in range(width)], names=self._names)


class Delimited:
    """One table, its title lines before it and its broken lines after it as text."""

    media_types = frozenset({sniff.CSV})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            stream = TextStream(raw, blob.declared_charset)
            chunks = stream.chunks(_BLOCK)
            head, whole = _head(chunks)
            suffix = blob.location.name.rsplit(".", 1)[-1].lower() if "." in blob.location.name else ""
            old_mac = "\r" in head and "\n" not in head
            text = head.replace("\r", "\n") if old_mac else head
            layout = dialect.detect(text, whole, suffix)
            if old_mac:
                chunks = (chunk.replace("\r", "\n") for chunk in chunks)
            rest = chain((text,), chunks)
            yield from pieces(rest) if layout is None else _table_items(layout, text, chunks)
            yield Decoded(stream.encoding, stream.undecoded)


def _head(chunks: Iterator[str]) -> tuple[str, bool]:
    """Enough text to see the layout, and whether that is all there is."""
    text = ""
    for chunk in chunks:
        text += chunk
        if len(text) >= 1 << 16:
            return text, False
    return text, True


def _table_items(layout: Dialect, head: str, chunks: Iterator[str]) -> Iterator[Item]:
    first_records = layout.preamble + (layout.header is not None)
    titles, at, lines = _leading(head, layout, layout.preamble)
    if titles.strip():
        yield from pieces((titles,))
    if layout.header is not None:
        _, at, lines = _leading(head, layout, first_records)
    cutter = _Cutter(layout, row=first_records + 1, line=lines + 1)
    cuts = _cuts(cutter, head[at:], chunks)
    parser = _Parser(layout)
    empty = True
    for cut in cuts:
        odd = list(cut.odd)
        if len(cut.rows):
            batches = _batches(parser, cut, cuts, odd)
            yield Table(layout.header, batches)
            for _ in batches:  # rows that nobody asked for must not hide what comes after them
                pass
            empty = False
        yield from _odd_texts(odd)
    if empty and layout.header is not None:  # names of columns alone are still to be seen
        yield Text(layout.delimiter.join(layout.header) + "\n", None, lines)


def _leading(head: str, layout: Dialect, count: int) -> tuple[str, int, int]:
    """The first `count` records as they stand, the offset behind them, and how many lines they take."""
    if not count:
        return "", 0, 0
    lines = head.replace("\x00", " ").split("\n")
    reader = csv.reader(
        (line.replace("\r", " ") + "\n" for line in lines), delimiter=layout.delimiter, quoting=dialect.quoting(layout.quoted)
    )
    try:
        for _ in range(count):
            next(reader, None)
    except csv.Error:
        pass
    taken = reader.line_num
    offset = min(len(head), sum(len(line) + 1 for line in lines[:taken]))
    return head[:offset], offset, taken


def _cuts(cutter: _Cutter, head: str, chunks: Iterator[str]) -> Iterator[_Cut]:
    for text in chain((head,), chunks):
        yield cutter.feed(text.encode("utf-8", "replace"))
    yield cutter.feed(b"", final=True)


def _batches(parser: _Parser, cut: _Cut, cuts: Iterator[_Cut], odd: list[_Odd]) -> Iterator[Batch]:
    """Batches of this and the following cuts, until `odd` has gathered so much that it must be told in between."""
    yield from parser.batches(cut)
    size = sum(len(one.data) for one in odd)
    while size < _MAX_ODD:
        following = next(cuts, None)
        if following is None:
            return
        odd.extend(following.odd)
        size += sum(len(one.data) for one in following.odd)
        if len(following.rows):
            yield from parser.batches(following)


def _odd_texts(odd: list[_Odd]) -> Iterator[Text]:
    """Lines kept aside as text: neighbours together, at most about PIECE each."""
    run: list[_Odd] = []
    size = after = 0
    for one in odd:
        if run and (one.line != after or size + len(one.data) > PIECE):
            yield from _run_text(run)
            run, size = [], 0
        run.append(one)
        size += len(one.data)
        after = one.line + one.data.count(b"\n")
    if run:
        yield from _run_text(run)


def _run_text(run: list[_Odd]) -> Iterator[Text]:
    text = b"".join(one.data for one in run).decode("utf-8", "replace")
    return pieces((text,), None, run[0].line, run[0].continues)


EXTRACTORS = (Delimited(),)
