"""From rows of the `values` table to the cells of an index: the tag of a value, the record it stands in, the column it came from.

A record is a row of a table. In running text it is what one name begins: the lines from one with a name up to the next such line, a gap of
more than three lines, or twelve lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.config import StoreTracing
from scanner.copies.kinds import identifies

CELL = np.dtype([("tag", "<u8"), ("record", "<u4"), ("column", "<u2")])
"""One cell of an index: 14 bytes."""

GAP, SPAN = 3, 12  # lines of text
MOST_COLUMNS = 2**16 - 1
MOST_RECORDS = 2**32 - 1

Ints = npt.NDArray[np.int64]


class TooLarge(Exception):
    """More records or columns than an index of one store can number."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a store, or (without a name) a kind of value in its running texts."""

    entity_type: str
    name: str | None

    @property
    def label(self) -> str:
        return self.name or self.entity_type


@dataclass
class Numbering:
    """Numbers the records of some sources: every source has a range of its own, every place in it a range of that. Two passes over the same
    tables, `survey` and then `cells`; tables are in the schema of `values`."""

    object_ids: Sequence[str]
    tracing: StoreTracing = field(default_factory=StoreTracing)
    columns: list[Column] = field(default_factory=list)
    skipped_columns: set[str] = field(default_factory=set)
    cells_kept: int = 0
    _last_row: dict[tuple[int, str | None, bool], int] = field(default_factory=dict)
    _lines: dict[tuple[int, str | None], list[Ints]] = field(default_factory=dict)
    _starts: dict[tuple[int, str | None, bool], int] = field(default_factory=dict)
    _groups: dict[tuple[int, str | None], Ints] = field(default_factory=dict)
    _column_numbers: dict[Column, int] = field(default_factory=dict)
    first_records: list[int] = field(default_factory=list)  # of each source, in the order of `object_ids`
    total: int = 0  # record numbers given out
    _met: npt.NDArray[np.bool_] | None = None

    def survey(self, tables: Iterator[pa.Table], alive: Callable[[], None] = lambda: None) -> None:
        """First pass: how many rows every place has, and where in the texts records begin."""
        for table in tables:
            alive()
            for part in self._parts(table):
                key = (part.source, part.place, part.is_text)
                self._last_row[key] = max(self._last_row.get(key, 0), int(part.rows.max()))
                if part.is_text:
                    marked = part.rows * 2 + (part.column.entity_type == "PERSON")
                    self._lines.setdefault((part.source, part.place), []).append(np.unique(marked))
        for (source, place), pieces in self._lines.items():
            self._groups[source, place] = text_records(np.unique(np.concatenate(pieces)))
        self._lines.clear()
        self._lay_out()

    def _lay_out(self) -> None:
        by_source: dict[int, list[tuple[int, str | None, bool]]] = {}
        for key in self._last_row:
            by_source.setdefault(key[0], []).append(key)
        for number in range(len(self.object_ids)):
            self.first_records.append(self.total)
            for key in sorted(by_source.get(number, ()), key=lambda k: (k[1] or "", k[2])):
                self._starts[key] = self.total
                self.total += self._extent(key)
        if self.total > MOST_RECORDS:
            raise TooLarge
        self._met = np.zeros(self.total, np.bool_)

    def _extent(self, key: tuple[int, str | None, bool]) -> int:
        source, place, is_text = key
        return len(self._groups[source, place]) if is_text else self._last_row[key] + 1

    def cells(self, tables: Iterator[pa.Table], alive: Callable[[], None] = lambda: None) -> Iterator[npt.NDArray[Any]]:
        """Second pass: the cells, in the order of the tables."""
        assert self._met is not None, "survey() comes first"
        for table in tables:
            alive()
            for part in self._parts(table):
                start = self._starts[part.source, part.place, part.is_text]
                block = np.empty(len(part.rows), CELL)
                block["tag"] = part.tags
                rows = part.rows
                if part.is_text:
                    begins = self._groups[part.source, part.place]
                    rows = np.searchsorted(begins, rows, side="right") - 1
                block["record"] = start + rows
                block["column"] = self._column(part.column)
                self._met[block["record"]] = True
                self.cells_kept += len(block)
                yield block

    @property
    def records(self) -> int:
        """Records with at least one cell; right after the second pass."""
        return 0 if self._met is None else int(np.count_nonzero(self._met))

    def records_of(self, source: int) -> int:
        """The same of one source."""
        assert self._met is not None
        end = self.first_records[source + 1] if source + 1 < len(self.first_records) else self.total
        return int(np.count_nonzero(self._met[self.first_records[source] : end]))

    def _column(self, column: Column) -> int:
        if column not in self._column_numbers:
            if len(self.columns) >= MOST_COLUMNS:
                raise TooLarge
            self._column_numbers[column] = len(self.columns)
            self.columns.append(column)
        return self._column_numbers[column]

    def __post_init__(self) -> None:
        self._numbers = {name: number for number, name in enumerate(self.object_ids)}

    def _parts(self, table: pa.Table) -> Iterator[_Part]:
        for object_id, kind, place, column, part in by_claim(table):
            if object_id in self._numbers and identifies(kind):
                if not self._wanted(column):
                    self.skipped_columns.add(column or kind)
                    continue
                tags, rows = exploded(part)
                if len(rows):
                    yield _Part(self._numbers[object_id], place, Column(kind, column), column is None, tags, rows)

    def _wanted(self, column: str | None) -> bool:
        if column is None:
            return not self.tracing.keys
        names = {plain_name(column), *(plain_name(part) for part in column.split(" + "))}
        if names & {plain_name(name) for name in self.tracing.leave_out}:
            return False
        return not self.tracing.keys or bool(names & {plain_name(name) for name in self.tracing.keys})


@dataclass(frozen=True, slots=True)
class _Part:
    source: int
    place: str | None
    column: Column
    is_text: bool
    tags: npt.NDArray[np.uint64]
    rows: Ints


def plain_name(column: str) -> str:
    """A column's name as the policy may spell it: width, case and blanks do not matter."""
    return "".join(unicodedata.normalize("NFKC", column).casefold().split())


def by_claim(table: pa.Table) -> Iterator[tuple[str, str, str | None, str | None, pa.Table]]:
    """(object_id, entity type, place, column, its rows) for each combination that stands in a table in the schema of `values`."""
    if not table.num_rows:
        return
    codes = np.zeros(table.num_rows, np.int64)
    dictionaries = []
    for name in ("object_id", "entity_type", "place", "column"):
        encoded = table[name].combine_chunks().dictionary_encode("encode")
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        words = encoded.dictionary.to_pylist()
        dictionaries.append(words)
        codes = codes * len(words) + encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(codes[order]) != 0]))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        code, words = int(codes[order[start]]), []
        for dictionary in reversed(dictionaries):
            code, index = divmod(code, len(dictionary))
            words.append(dictionary[index])
        column, place, kind, object_id = words
        rows = table if end - start == len(order) else table.take(pa.array(order[start:end]))
        yield object_id, kind, place, column, rows


def exploded(table: pa.Table) -> tuple[npt.NDArray[np.uint64], Ints]:
    """Tag and row of every place where a value stands: `rows` of `values` unfolded."""
    rows = table["rows"].combine_chunks()
    rows = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    lengths = pc.list_value_length(rows).fill_null(0).to_numpy(zero_copy_only=False)
    tags = table["fingerprint"].to_numpy()
    return np.repeat(tags, lengths), pc.list_flatten(rows).to_numpy(zero_copy_only=False).astype(np.int64)


def text_records(marked: Ints) -> Ints:
    """The first line of each record of a text. `marked`: twice the line, plus one where a name stands; ascending."""
    lines = marked // 2
    named = np.unique(lines[marked % 2 == 1])
    lines = np.unique(lines)
    apart = np.concatenate([[True], np.diff(lines) > GAP])
    named_here = np.isin(lines, named)
    group = np.cumsum(apart)
    first_of_group = np.flatnonzero(apart)[group - 1]
    so_far: Ints = np.cumsum(named_here)
    names_before = so_far - np.where(first_of_group > 0, so_far[first_of_group - 1], 0)
    begins = apart | (named_here & (names_before > 1))
    piece = np.cumsum(begins)
    start = lines[np.flatnonzero(begins)[piece - 1]]
    begins |= (lines - start) // SPAN != np.concatenate([[0], ((lines - start) // SPAN)[:-1]])
    begins[0] = True
    return lines[begins]
