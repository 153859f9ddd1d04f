"""Fingerprints in the files of a store: row groups whose statistics exclude all of them are not read, of the others one column at first.

A file of values is sorted by fingerprint, so each row group is a short range, and what is looked for is found in it by bisection.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from scanner.config import available_cores
from scanner.findings.schema import VALUES

_FINGERPRINT = "fingerprint"
_MOST_THREADS = 8

Tags = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Looked:
    """`rows`: in the schema of values, all that have one of the fingerprints. `damaged`, `missing`: files that could not be read."""

    rows: pa.Table
    damaged: tuple[Path, ...]
    missing: tuple[Path, ...]
    row_groups: int  # there are
    row_groups_read: int


def look_up(files: Sequence[Path], fingerprints: Tags, objects: pa.Array | None = None) -> Looked:
    """All rows of the files of values with one of `fingerprints`; with `objects` (ids), only theirs."""
    asked = np.unique(fingerprints)
    with ThreadPoolExecutor(min(available_cores(), _MOST_THREADS)) as pool:
        looked = list(pool.map(lambda path: _in_file(path, asked, objects), files))
    tables = [table for one in looked for table in one.tables]
    return Looked(
        rows=pa.concat_tables(tables) if tables else VALUES.empty_table(),
        damaged=tuple(one.path for one in looked if one.fault == "damaged"),
        missing=tuple(one.path for one in looked if one.fault == "missing"),
        row_groups=sum(one.groups for one in looked),
        row_groups_read=sum(one.read for one in looked),
    )


@dataclass(slots=True)
class _File:
    path: Path
    tables: list[pa.Table]
    groups: int = 0
    read: int = 0
    fault: str | None = None


def _in_file(path: Path, asked: Tags, objects: pa.Array | None) -> _File:
    found = _File(path, [])
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            _search(file, asked, objects, found)
    except FileNotFoundError:
        found.fault = "missing"
    except (OSError, pa.ArrowException, ValueError):
        found.fault = "damaged"
    return found


def _search(file: Any, asked: Tags, objects: pa.Array | None, found: _File) -> None:
    metadata = file.metadata
    found.groups = metadata.num_row_groups
    names = file.schema_arrow.names
    if _FINGERPRINT not in names:
        return
    column = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == _FINGERPRINT)
    for group in range(found.groups):
        low, high = _within(asked, metadata.row_group(group).column(column).statistics)
        if low == high:
            continue
        found.read += 1
        tags = file.read_row_group(group, [_FINGERPRINT], use_threads=False)[_FINGERPRINT].to_numpy()
        places = _places(tags, asked[low:high])
        if len(places):
            rows = file.read_row_group(group, [name for name in VALUES.names if name in names], use_threads=False).take(pa.array(places))
            found.tables.append(_of(_in_schema(rows), objects))


def _within(asked: Tags, statistics: Any) -> tuple[int, int]:
    """The slice of `asked` that a row group may hold; all of it where the file does not say."""
    if statistics is None or not statistics.has_min_max:
        return 0, len(asked)
    low = np.searchsorted(asked, np.uint64(statistics.min), side="left")
    return int(low), int(np.searchsorted(asked, np.uint64(statistics.max), side="right"))


def _places(tags: Tags, asked: Tags) -> npt.NDArray[np.int64]:
    """Where in `tags`, ascending or not, one of `asked` stands."""
    if (tags[1:] >= tags[:-1]).all():
        low, high = np.searchsorted(tags, asked, side="left"), np.searchsorted(tags, asked, side="right")
        return np.concatenate([np.arange(a, b) for a, b in zip(low, high, strict=True)]) if len(asked) else np.empty(0, np.int64)
    return np.flatnonzero(np.isin(tags, asked))


def _in_schema(rows: pa.Table) -> pa.Table:
    columns = [rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type) for field in VALUES]
    return pa.table(columns, schema=VALUES)


def _of(rows: pa.Table, objects: pa.Array | None) -> pa.Table:
    import pyarrow.compute as pc

    return rows if objects is None else rows.filter(pc.is_in(rows["object_id"], objects))
