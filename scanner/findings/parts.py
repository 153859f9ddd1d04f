"""Rows on their way to Parquet in bounded memory: checked dicts into one streamed file, values into sorted files."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.findings.errors import StoreError
from scanner.findings.publish import LOOK_UP_GROUP, ROW_GROUP, PartWriter

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK = 4_096  # rows kept as dicts, which are large, before they become Arrow
_GROUP_BYTES = 32 * 2**20
_PART_ROWS = 8_000_000
_SORTED_ROWS = 1_000_000
_SORTED_BYTES = 96 * 2**20


class RowPart:
    """Rows as dicts, streamed into ``part-00001.parquet`` and on; each is checked against the schema, name for name.

    A row has exactly the schema's columns; `run_id` may be left out. Times are aware datetimes or seconds since the epoch.
    """

    def __init__(
        self, folder: Path, schema: pa.Schema, run_id: str, tidy: Callable[[dict[str, Any]], dict[str, Any]] = dict, name: str = "part"
    ) -> None:
        self._folder = folder
        self._name = name
        self._schema = schema
        self._run_id = run_id
        self._tidy = tidy
        self._names = frozenset(schema.names)
        self._dicts: list[dict[str, Any]] = []
        self._batches: list[Any] = []
        self._waiting = (0, 0)  # rows, bytes
        self._writer: PartWriter | None = None
        self.paths: list[Path] = []

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            self._dicts.append(self._tidy(self._checked(row)))
            if len(self._dicts) >= _CHUNK:
                self._to_arrow()

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Rows that are in the schema already. Raises `StoreError` if they are not."""
        if not batch.schema.equals(self._schema):
            raise StoreError("rows are not in the schema of their table")
        self._take(batch)

    def close(self) -> None:
        """Write and publish what is left. More rows may follow, into a further file."""
        self._to_arrow()
        self._flush()
        if self._writer is not None:
            self.paths.append(self._writer.close())
            self._writer = None

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def _checked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        full = {"run_id": self._run_id, **row}
        if full.keys() != self._names:
            wrong = sorted(map(str, full.keys() ^ self._names))
            raise StoreError(f"a row does not have the columns of its table: {', '.join(wrong)}")
        if full["run_id"] != self._run_id:
            raise StoreError("a row is of another run")
        if full["object_id"] is None:
            raise StoreError("a row names no object")
        return full

    def _to_arrow(self) -> None:
        if not self._dicts:
            return
        batch = to_batch(self._dicts, self._schema)
        self._dicts = []
        self._take(batch)

    def _take(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._waiting = (self._waiting[0] + batch.num_rows, self._waiting[1] + batch.nbytes)
        if self._waiting[0] >= ROW_GROUP or self._waiting[1] >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._batches:
            return
        if self._writer is not None and self._writer.rows >= _PART_ROWS:
            self.paths.append(self._writer.close())
            self._writer = None
        if self._writer is None:
            self._writer = PartWriter(self._folder / f"{self._name}-{len(self.paths) + 1:05d}.parquet", self._schema)
        self._writer.write(pa.Table.from_batches(self._batches, self._schema))
        self._batches, self._waiting = [], (0, 0)


class SortedParts:
    """Rows of `values`, gathered up to a million (or 96 MiB), sorted by fingerprint and published as a file of their own.

    The pipeline uses it in a worker's staging folder, the store for what arrives in messages.
    """

    def __init__(self, folder: Path, name: str = "part") -> None:
        self._folder = folder
        self._name = name
        self._batches: list[Any] = []
        self._waiting = (0, 0)
        self.paths: list[Path] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """`batch` is in the schema `VALUES`. Raises `StoreError` if not, OSError if it cannot be written."""
        from scanner.findings.schema import VALUES

        if not batch.schema.equals(VALUES):
            raise StoreError("rows of values are not in the schema of their table")
        self._batches.append(batch)
        self._waiting = (self._waiting[0] + batch.num_rows, self._waiting[1] + batch.nbytes)
        if self._waiting[0] >= _SORTED_ROWS or self._waiting[1] >= _SORTED_BYTES:
            self._flush()

    def close(self) -> list[Path]:
        """Publish the rest; all files written, in order. More rows may follow, into a further file."""
        self._flush()
        return self.paths

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        from scanner.findings.schema import VALUES, VALUES_REPEATED

        if not self._waiting[0]:
            return
        table = pa.Table.from_batches(self._batches, VALUES)
        self._batches, self._waiting = [], (0, 0)
        order = pc.sort_indices(table, sort_keys=[("fingerprint", "ascending"), ("object_id", "ascending")])
        with PartWriter(
            self._folder / f"{self._name}-{len(self.paths) + 1:05d}.parquet", VALUES, VALUES_REPEATED, group=LOOK_UP_GROUP
        ) as part:
            for start in range(0, len(order), ROW_GROUP):
                part.write(table.take(order.slice(start, ROW_GROUP)))
        self.paths.append(part.path)


# --------------------------------------------------------------------------- dicts to Arrow


def to_batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """`rows`, which have the schema's columns, as a record batch. A misfit raises `StoreError` naming the column, never its content."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([_column([row[field.name] for row in rows], field) for field in schema], schema=schema)


def _column(values: list[Any], field: Any) -> Any:
    import pyarrow as pa

    try:
        if pa.types.is_timestamp(field.type):
            return pa.array([_micros(value) for value in values], pa.int64()).cast(field.type)
        return _array(values, field.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        raise StoreError(f"column {field.name} was given something that is no {field.type}") from None


def _array(values: list[Any], kind: Any) -> Any:
    """A name with lone surrogates is no Unicode text; it is written escaped, so that one odd file name does not cost the run."""
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([_escaped(value) for value in values], kind)


def _escaped(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_escaped(item) for item in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


_LONGEST = 253_402_300_799.0  # seconds to the end of year 9999; file systems keep stranger dates than calendars do


def _micros(value: Any) -> int | None:
    """Microseconds since the epoch; None for what no calendar holds."""
    if value is None:
        return None
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise TypeError("naive datetime")
        return (value - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1)
    seconds = float(value)
    return round(seconds * 1_000_000) if math.isfinite(seconds) and abs(seconds) <= _LONGEST else None
