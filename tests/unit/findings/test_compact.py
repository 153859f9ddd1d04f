"""Merging the files of many runs: the same rows before, after, and whatever step was the last."""

from __future__ import annotations

import datetime
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scanner.findings import compact, merge, snapshot
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from tests.crash.killed_writer import die_at
from tests.unit.findings.samples import finding_row, object_row, publish

NOW = datetime.timedelta(0)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    for number in range(6):
        publish(folder, [object_row("a"), object_row(f"f{number}")], [finding_row(f"f{number}")], fingerprints=[9 - number, number])
    return folder


def everything(out: Path) -> dict[str, list[str]]:
    """All rows of all runs, and the latest state."""
    with open_findings(out) as found:
        assert found.problems == []
        tables = ("all_objects", "all_findings", "all_values", "objects", "findings", "values")
        rows = {table: sorted(map(str, found.sql(f"SELECT * FROM {table}", arrow=True).to_pylist())) for table in tables}
        runs = found.runs()[["run_id", "objects", "findings", "values"]]
        return {**rows, "runs": [str(row) for row in runs.itertuples(index=False)]}


def files(out: Path) -> list[str]:
    return sorted(
        path.relative_to(out).as_posix()
        for table in ("objects", "findings", "values")
        for path in (out / table).rglob("*")
        if path.is_file()
    )


def test_few_files_same_rows(out: Path) -> None:
    before = everything(out)
    assert len(files(out)) == 18
    done = compact.compact(out, NOW)
    assert (done.files_before, done.files_after, done.runs) == (18, 3, 6)
    assert len(files(out)) == 3
    assert everything(out) == before
    with open_findings(out) as found:
        assert found.verify() == []
    values = pq.read_table(next((out / "values").rglob("*.parquet")), partitioning=None)["fingerprint"].to_pylist()
    assert values == sorted(values)
    assert compact.compact(out, NOW).runs == 0, "nothing is left to merge"


def test_a_new_run_and_a_second_merge(out: Path) -> None:
    compact.compact(out, NOW)
    publish(out, [object_row("new")], [finding_row("new")], fingerprints=[77])
    before = everything(out)
    assert compact.compact(out, NOW).files_after == 3
    assert everything(out) == before


def test_young_runs_and_large_files_stay(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compact.compact(out, datetime.timedelta(days=1)).runs == 0
    monkeypatch.setattr(merge, "SMALL", 10)
    assert compact.compact(out, NOW).runs == 0
    assert len(files(out)) == 18


def test_damaged_files_are_left_alone(out: Path) -> None:
    victim = next((out / "findings").rglob("*.parquet"))
    data = bytearray(victim.read_bytes())
    data[10] ^= 1
    victim.write_bytes(data)
    compact.compact(out, NOW)
    assert victim.exists()
    with open_findings(out) as found:
        assert len(found.verify()) == 1
        assert len(found.sql("SELECT * FROM all_findings")) == 5


def test_a_reader_that_was_there_before(out: Path) -> None:
    with open_findings(out) as found:
        wanted = len(found.sql("SELECT * FROM all_objects"))
        compact.compact(out, NOW)
        assert len(found.sql("SELECT * FROM all_objects")) == wanted
        assert len(found.sql("SELECT * FROM all_findings")) == 6
        assert found.problems == []


def test_killed_at_every_step(out: Path, tmp_path: Path) -> None:
    before = everything(out)
    there = 0
    for step in range(1, 300):
        copy = tmp_path / f"{step:03}"
        shutil.copytree(out, copy)
        child = os.fork()
        if child == 0:
            die_at(step, copy)
            compact.compact(copy, NOW)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        looked = snapshot.take(copy)
        assert looked.problems == ()
        rows = sum(pq.read_metadata(path).num_rows for path in looked.files["objects"])
        assert rows == 12, f"step {step}"
        if step % 9 == 0:
            assert everything(copy) == before
        assert compact.compact(copy, NOW).files_after == 3
        assert not (copy / compact.RECORD).exists()
        assert len(files(copy)) == 3
        if not os.WIFSIGNALED(status):
            break
        there += 1
        shutil.rmtree(copy)
    assert there > 25
    assert everything(copy) == before


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b'{"a": {"x": 1}}'])
def test_a_damaged_record_is_an_error_not_a_loss(out: Path, content: bytes) -> None:
    (out / compact.RECORD).write_bytes(content)
    with pytest.raises(StoreError, match="cannot be read"):
        compact.compact(out, NOW)
    assert len(files(out)) == 18


def test_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no findings"):
        compact.compact(tmp_path, NOW)


def test_one_at_a_time(out: Path) -> None:
    with compact.alone(out), pytest.raises(StoreError, match="already"):
        compact.compact(out, NOW)


def test_groups() -> None:
    parts = [(merge.SMALL, 1), (10, 1), (10, 1), (merge.MOST_BYTES - 1, 1), (10, merge.MOST_ROWS), (10, 1), (5, 1)]
    assert list(merge.groups(parts, lambda part: part)) == [[(10, 1), (10, 1)], [(10, 1), (5, 1)]]
