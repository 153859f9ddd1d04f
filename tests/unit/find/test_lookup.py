"""Fingerprints in files: all rows that have them, row groups left alone that cannot, whatever wrote the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.find.lookup import look_up
from scanner.findings.publish import LOOK_UP_GROUP
from scanner.findings.schema import VALUES
from scanner.findings.store import open_store
from tests.unit.findings.samples import KEY_ID, ROOT, told


def _table(tags: list[int]) -> pa.Table:
    rows = [
        {
            "run_id": "r",
            "object_id": f"o{n}",
            "entity_type": "PERSON",
            "fingerprint": tag,
            "place": None,
            "column": "c",
            "rows": [n],
            "count": 1,
        }
        for n, tag in enumerate(tags)
    ]
    return pa.Table.from_pylist(rows, VALUES)


def _asked(tags: list[int]) -> np.ndarray:
    return np.array(tags, np.uint64)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=60), st.lists(st.integers(0, 45), max_size=10), st.booleans(), st.booleans())
def test_it_finds_what_a_plain_search_finds(
    tmp_path_factory: pytest.TempPathFactory, tags: list[int], asked: list[int], ordered: bool, statistics: bool
) -> None:
    path = tmp_path_factory.mktemp("values") / "a.parquet"
    table = _table(sorted(tags) if ordered else tags)
    pq.write_table(table, path, row_group_size=7, write_statistics=statistics)
    found = look_up([path], _asked(asked)).rows
    wanted = [row for row in table.to_pylist() if row["fingerprint"] in asked]
    key = lambda row: (row["fingerprint"], row["object_id"])  # noqa: E731
    assert sorted(found.to_pylist(), key=key) == sorted(wanted, key=key)


def test_the_writers_files_serve_a_look_up(tmp_path: Path) -> None:
    """Of a file of several row groups a search for one value reads one."""
    store = open_store(tmp_path, KEY_ID)
    run_id = store.new_run_id()
    count = 3 * LOOK_UP_GROUP
    tags = np.random.default_rng(1).permutation(count).astype(np.uint64)
    columns = [pa.array([run_id] * count), pa.array(["o"] * count), pa.array(["PERSON"] * count), pa.array(tags)]
    columns += [pa.nulls(count, pa.string()), pa.nulls(count, pa.string()), pa.array([[1]] * count, pa.list_(pa.int32()))]
    with store.begin(run_id, [ROOT]) as writer:
        writer.values(pa.RecordBatch.from_arrays([*columns, pa.array([1] * count, pa.int64())], schema=VALUES))
        writer.commit(told())
    looked = look_up(list((tmp_path / "values").glob("run=*/*.parquet")), _asked([5, 6, 2**60]))
    assert (looked.rows["fingerprint"].to_pylist(), looked.row_groups, looked.row_groups_read) == ([5, 6], 3, 1)


def test_only_the_objects_asked_for(tmp_path: Path) -> None:
    pq.write_table(_table([1, 1, 2]), tmp_path / "a.parquet")
    assert look_up([tmp_path / "a.parquet"], _asked([1, 2]), pa.array(["o1"])).rows["object_id"].to_pylist() == ["o1"]


def test_missing_and_damaged_files_and_columns(tmp_path: Path) -> None:
    pq.write_table(_table([1]).drop_columns(["place"]), tmp_path / "old.parquet")
    pq.write_table(_table([1]).drop_columns(["fingerprint"]), tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    names = ("old", "none", "bad", "gone")
    looked = look_up([tmp_path / f"{name}.parquet" for name in names], _asked([1]))
    assert (len(looked.rows), looked.rows.schema) == (1, VALUES)
    assert [path.stem for path in (*looked.damaged, *looked.missing)] == ["bad", "gone"]
