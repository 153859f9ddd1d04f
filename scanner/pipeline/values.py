"""Rows of the `values` table for one object: in a message while few, in a file of the run's staging folder when many."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from scanner.findings.publish import LOOK_UP_GROUP
from scanner.findings.schema import VALUES, VALUES_REPEATED

IN_MESSAGE = 200_000  # rows


class ValueRows:
    """Makes the `values` rows of an object in the store's schema, sorted by fingerprint."""

    def __init__(self, run_id: str, object_id: str, staging: Path) -> None:
        self._run_id = run_id
        self._object_id = object_id
        self._staging = staging

    def collect(self, tables: Iterator[pa.Table]) -> pa.RecordBatch | Path | None:
        held: list[pa.Table] = []
        rows = 0
        for table in tables:
            held.append(self._in_schema(table))
            rows += table.num_rows
            if rows > IN_MESSAGE:
                return self._to_file(held, tables)
        if not rows:
            return None
        return pa.concat_tables(held).combine_chunks().to_batches()[0]

    def _in_schema(self, table: pa.Table) -> pa.Table:
        count = table.num_rows
        columns: dict[str, Any] = {name: table[name] for name in table.column_names}
        columns["run_id"] = pa.repeat(pa.scalar(self._run_id), count)
        columns["object_id"] = pa.repeat(pa.scalar(self._object_id), count)
        return pa.table([columns[field.name] for field in VALUES], schema=VALUES)

    def _to_file(self, held: list[pa.Table], rest: Iterator[pa.Table]) -> Path:
        from pyarrow import parquet

        path = self._staging / f"values-{uuid.uuid4().hex}.parquet"
        with parquet.ParquetWriter(
            path, VALUES, compression="zstd", use_dictionary=VALUES_REPEATED, write_statistics=["fingerprint"]
        ) as writer:
            for table in held:
                writer.write_table(table, row_group_size=LOOK_UP_GROUP)
            held.clear()
            for table in rest:
                writer.write_table(self._in_schema(table), row_group_size=LOOK_UP_GROUP)
        return path
