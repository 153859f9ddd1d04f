"""When a finding was first written: looked up in the runs that the store already holds."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from scanner.findings import runs


class FirstSeen:
    """finding_id -> moment, as two sorted arrays of 8 bytes each: 16 bytes a finding ever seen."""

    def __init__(self, ids: Any, moments: Any) -> None:
        self._ids = ids
        self._moments = moments

    @classmethod
    def of(cls, out: Path, but: str) -> FirstSeen:
        """From every committed run of the store except `but`. A part that cannot be read is passed over: its findings count as new."""
        import numpy as np
        import pyarrow as pa
        from pyarrow import parquet

        ids, moments = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        read: set[str] = set()
        for run_id in runs.committed(out):
            if run_id == but:
                continue
            try:
                listed = runs.read(runs.manifest_path(out, run_id)).parts
                parts = [part for part in listed if part.table == "findings" and part.path not in read]
                read |= {part.path for part in parts}
                for part in parts:
                    table = parquet.read_table(out / part.path, columns=["finding_id", "first_seen"], partitioning=None)
                    ids.append(np.array([_short(text) for text in table["finding_id"].to_pylist()], np.uint64))
                    moments.append(table["first_seen"].cast(pa.int64()).to_numpy())
            except (OSError, ValueError, KeyError, pa.ArrowException):
                continue
        every, when = np.concatenate(ids), np.concatenate(moments)
        order = np.lexsort((when, every))
        every, when = every[order], when[order]
        first = np.ones(len(every), np.bool_)
        first[1:] = every[1:] != every[:-1]
        return cls(every[first], when[first])

    def __call__(self, finding_id: str) -> datetime.datetime | None:
        """The moment in UTC, None for a finding never seen."""
        if not len(self._ids):
            return None
        short = _short(finding_id)
        at = int(self._ids.searchsorted(short))
        if at >= len(self._ids) or int(self._ids[at]) != short:
            return None
        return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=int(self._moments[at]))


def _short(finding_id: str) -> int:
    return int(finding_id[:16], 16)
