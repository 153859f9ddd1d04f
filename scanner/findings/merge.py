"""Several Parquet files of one table as one, in bounded memory: what fits a part, values sorted by fingerprint, absent columns null."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from scanner.findings.publish import LOOK_UP_GROUP, ROW_GROUP, PartWriter

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

SMALL = 32 * 2**20
"""Bytes: a larger file is left as it is."""
MOST_BYTES = 96 * 2**20  # of the files that become one
MOST_ROWS = 2_000_000


def groups(parts: Iterable[T], measure: Callable[[T], tuple[int, int]]) -> Iterator[list[T]]:
    """Neighbours that are small and become one file of a reasonable size; `measure` gives bytes and rows. Only groups of two or more."""
    group: list[T] = []
    size = count = 0
    for part in parts:
        part_bytes, part_rows = measure(part)
        if part_bytes >= SMALL:
            continue
        if group and (size + part_bytes > MOST_BYTES or count + part_rows > MOST_ROWS):
            if len(group) > 1:
                yield group
            group, size, count = [], 0, 0
        group.append(part)
        size, count = size + part_bytes, count + part_rows
    if len(group) > 1:
        yield group


def merge(sources: Sequence[Path], target: Path, table: str, named: Callable[[Path], str] | None = None) -> Path:
    """Write the rows of `sources` into `target` (`named` as for `PartWriter`), which comes back. Raises OSError and
    pyarrow.ArrowException; nothing is there then."""
    from scanner.findings.schema import DECIDED, TABLES, VALUES_REPEATED

    schema = (TABLES | DECIDED)[table]
    repeated, group = (VALUES_REPEATED, LOOK_UP_GROUP) if table == "values" else (None, ROW_GROUP)
    with PartWriter(target, schema, repeated, named, group) as part:
        for rows in _sorted(sources) if table == "values" else _in_order(sources, schema):
            part.write(rows)
    return part.path


def _in_order(sources: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """Row groups, small ones gathered."""
    import pyarrow as pa
    from pyarrow import parquet

    waiting: list[pa.Table] = []
    for path in sources:
        with parquet.ParquetFile(path) as source:
            for batch in source.iter_batches(ROW_GROUP):
                waiting.append(in_schema(pa.Table.from_batches([batch]), schema))
                if sum(map(len, waiting)) >= ROW_GROUP:
                    yield pa.concat_tables(waiting)
                    waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _sorted(sources: Sequence[Path]) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    from scanner.findings.schema import VALUES

    everything = pa.concat_tables([in_schema(parquet.read_table(path, partitioning=None), VALUES) for path in sources])
    order = pc.sort_indices(everything, sort_keys=[("fingerprint", "ascending"), ("object_id", "ascending")])
    for start in range(0, len(order), ROW_GROUP):
        yield everything.take(order.slice(start, ROW_GROUP))


def in_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the columns of the schema, in its order; those that are not there are null."""
    import pyarrow as pa

    columns = [rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type) for field in schema]
    return pa.table(columns, schema=schema)
