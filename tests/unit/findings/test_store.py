"""Writing runs: what is published, what is refused, who is kept out."""

from __future__ import annotations

import datetime
import json
import os
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.findings import lock, runs
from scanner.findings.errors import RootBusy, StoreError
from scanner.findings.parts import SortedParts
from scanner.findings.schema import FINDINGS, TABLES, VALUES
from scanner.findings.store import open_store
from tests.unit.findings.samples import KEY_ID, finding_row, object_row, publish, row, told, value_batch


def _files(out: Path) -> set[str]:
    return {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}


def test_a_run_is_whole_files_and_a_manifest(tmp_path: Path) -> None:
    run_id = publish(tmp_path / "out", [object_row("a")], [finding_row("a")], fingerprints=[3, 1, 2])
    out = tmp_path / "out"
    assert _files(out) == {
        ".strayscan.json",
        ".locks/mutex",
        f"runs/{run_id}.json",
        *(f"{table}/run={run_id}/part-00001.parquet" for table in ("objects", "findings", "values")),
    }
    manifest = runs.read(runs.manifest_path(out, run_id))
    assert (manifest.key_id, manifest.schema, manifest.outcome, manifest.reached) == (KEY_ID, 1, "complete", ("/share",))
    assert manifest.told["rows"] == {"objects": 1, "findings": 1, "values": 3}
    for part in manifest.parts:
        assert pq.read_schema(out / part.path).equals(TABLES[part.table])
        assert (out / part.path).stat().st_size == part.size_bytes
    assert stat.S_IMODE(out.stat().st_mode) == 0o700


def test_values_are_sorted_with_statistics(tmp_path: Path) -> None:
    run_id = publish(tmp_path, fingerprints=[2**63 + 1, 5, 2**64 - 1, 0])
    file = pq.ParquetFile(tmp_path / "values" / f"run={run_id}" / "part-00001.parquet")
    assert file.read().column("fingerprint").to_pylist() == [0, 5, 2**63 + 1, 2**64 - 1]
    column = file.metadata.row_group(0).column(3)
    assert (column.compression, column.statistics.max) == ("ZSTD", 2**64 - 1)


def test_workers_files_are_moved_in(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    run_id = store.new_run_id()
    with store.begin(run_id, ["/share"]) as writer:
        assert stat.S_IMODE(writer.staging.parent.stat().st_mode) == 0o700
        folder = writer.staging / "job-7"
        folder.mkdir()
        parts = SortedParts(folder)
        parts.add(value_batch(run_id, [9, 8]))
        parts.close()
        writer.values_file(folder)
        assert SortedParts(writer.staging, "none").close() == []
        writer.commit(told())
    manifest = runs.read(runs.manifest_path(tmp_path, run_id))
    assert [(p.path.rpartition("/")[2], p.rows) for p in manifest.parts] == [("worker-00001.parquet", 2)]


def test_sorted_parts_flush_at_their_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.findings.parts._SORTED_ROWS", 10)
    parts = SortedParts(tmp_path)
    for start in range(0, 40, 4):
        parts.add(value_batch("r", range(start + 4, start, -1)))
    paths = parts.close()
    assert len(paths) == 4
    assert sorted(f for p in paths for f in pq.read_table(p).column("fingerprint").to_pylist()) == list(range(1, 41))


def test_many_rows_stream_into_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.findings.parts._CHUNK", 10)
    monkeypatch.setattr("scanner.findings.parts.ROW_GROUP", 30)
    monkeypatch.setattr("scanner.findings.parts._PART_ROWS", 60)
    run_id = publish(tmp_path, (object_row(str(n)) for n in range(205)))
    files = sorted((tmp_path / "objects" / f"run={run_id}").iterdir())
    assert [pq.read_metadata(f).num_rows for f in files] == [60, 60, 60, 25]
    assert [f.name for f in files] == [f"part-{n:05d}.parquet" for n in (1, 2, 3, 4)]


def test_times_are_aware_datetimes_or_seconds(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 4, 1, 9, 30, 0, 123456, tzinfo=datetime.timezone(datetime.timedelta(hours=9)))
    rows = [
        row("objects", object_id=str(n), modified_at=value)
        for n, value in enumerate([moment, moment.timestamp(), None, -1e300, float("nan"), 0])
    ]
    run_id = publish(tmp_path, rows)
    read = pq.read_table(tmp_path / "objects" / f"run={run_id}").column("modified_at").to_pylist()
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert read == [moment, moment, None, None, None, epoch]


def test_names_that_are_no_text_do_not_cost_the_run(tmp_path: Path) -> None:
    run_id = publish(tmp_path, [object_row("a", member="x\udce9.txt")])
    assert pq.read_table(tmp_path / "objects" / f"run={run_id}").column("member").to_pylist() == ["x\\udce9.txt"]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"value": "山田太郎"}, "columns of its table: value"),
        ({"run_id": "other"}, "another run"),
        ({"object_id": None}, "no object"),
        ({"count": "山田太郎"}, "column count"),
        ({"first_seen": datetime.datetime(2026, 1, 1)}, "column first_seen"),
        ({"path": 7}, "column path"),
    ],
)
def test_rows_that_do_not_fit_are_refused_without_quoting_them(tmp_path: Path, bad: dict[str, object], says: str) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), ["/share"]) as writer, pytest.raises(StoreError, match=says) as caught:
        writer.findings([finding_row("a") | bad])
        writer.commit(told())
    assert "山田" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert runs.committed(tmp_path) == []


def test_a_column_that_lacks_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    short = finding_row("a")
    del short["samples"]
    with store.begin(store.new_run_id(), ["/share"]) as writer, pytest.raises(StoreError, match="samples"):
        writer.findings([short])


def test_an_unmasked_sample_is_masked_at_the_last_door(tmp_path: Path) -> None:
    run_id = publish(tmp_path, [], [finding_row("a") | {"samples": ["山田太郎", "###-####", "x@example.com", "one too many"]}])
    data = pq.read_table(tmp_path / "findings" / f"run={run_id}")
    assert data.column("samples").to_pylist() == [["○○○○", "###-####", "*@*******.***"]]


@pytest.mark.parametrize("manifest", [{}, {"outcome": "fine", "roots": {}}, {"outcome": "complete", "roots": {"asked": "x"}}])
def test_a_manifest_must_make_sense(tmp_path: Path, manifest: dict[str, object]) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), ["/share"]) as writer, pytest.raises(StoreError):
        writer.commit(manifest)
    assert runs.committed(tmp_path) == []


def test_workers_files_from_elsewhere_or_of_another_shape_are_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "out", KEY_ID)
    with store.begin(store.new_run_id(), ["/share"]) as writer:
        pq.write_table(VALUES.empty_table(), tmp_path / "v.parquet")
        with pytest.raises(StoreError, match="outside"):
            writer.values_file(tmp_path / "v.parquet")
        pq.write_table(FINDINGS.empty_table(), writer.staging / "f.parquet")
        with pytest.raises(StoreError, match="schema"):
            writer.values_file(writer.staging / "f.parquet")
        (writer.staging / "g.parquet").write_bytes(b"PAR1 but no more")
        with pytest.raises(StoreError, match="schema"):
            writer.values_file(writer.staging / "g.parquet")
        with pytest.raises(StoreError, match="schema"):
            writer.values(pa.RecordBatch.from_pylist([{"fingerprint": 1}]))


# --------------------------------------------------------------------------- whose store it is


def test_another_key_is_refused_and_both_are_named(tmp_path: Path) -> None:
    publish(tmp_path)
    with pytest.raises(StoreError, match=f"{KEY_ID}.*ffff"):
        open_store(tmp_path, "ffff")
    (tmp_path / ".strayscan.json").unlink()
    with pytest.raises(StoreError, match=f"{KEY_ID}.*ffff"):
        open_store(tmp_path, "ffff")
    publish(tmp_path)
    assert json.loads((tmp_path / ".strayscan.json").read_text()) == {"schema": 1, "key_id": KEY_ID}


def test_two_first_runs_with_different_keys_do_not_mix(tmp_path: Path) -> None:
    one, other = open_store(tmp_path, KEY_ID), open_store(tmp_path, "ffff")
    with one.begin(one.new_run_id(), ["/a"]), pytest.raises(StoreError, match="under key"):
        other.begin(other.new_run_id(), ["/b"])


def test_a_newer_store_and_a_broken_marker_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".strayscan.json").write_text('{"schema": 99, "key_id": "x"}')
    with pytest.raises(StoreError, match="newer version"):
        open_store(tmp_path, "x")
    (tmp_path / ".strayscan.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        open_store(tmp_path, "x")


def test_an_out_that_is_no_folder_is_refused_and_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(StoreError, match="not a folder"):
            open_store(out, KEY_ID)
    assert _files(tmp_path) == {"file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        for out in (tmp_path, tmp_path / "new"):
            with pytest.raises(StoreError, match="may not write"):
                open_store(out, KEY_ID)
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *rest: object) -> int:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        with pytest.raises(StoreError, match="read-only"):
            open_store(tmp_path / "new", KEY_ID)
    assert list(tmp_path.iterdir()) == []


def test_run_names(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    for bad in ("", "../x", ".hidden", "a/b", "a\nb", "x" * 81):
        with pytest.raises(StoreError, match="name"):
            store.begin(bad, ["/share"])
    run_id = publish(tmp_path)
    with pytest.raises(StoreError, match="already"):
        store.begin(run_id, ["/share"])


def test_names_sort_even_if_the_clock_is_set_back(tmp_path: Path) -> None:
    ahead = "29991231T235959.999998Z-abcdef"
    later = runs.new_run_id(after=ahead)
    assert later > ahead
    assert runs.new_run_id(after="by-hand").startswith("2")
    assert runs.started(ahead) == datetime.datetime(2999, 12, 31, 23, 59, 59, 999998, tzinfo=datetime.UTC)


# --------------------------------------------------------------------------- one run per root


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("/a", "/a", True),
        ("/a", "/a/", True),
        ("/a", "/a/b", True),
        ("/a/b", "/a", True),
        ("/", "/x", True),
        ("/hr", "/hr-old", False),
        ("s3://bucket/a", "s3://bucket/a/b", True),
        ("s3://bucket", "s3://bucket2", False),
    ],
)
def test_roots_overlap(one: str, other: str, shared: bool) -> None:
    assert lock.overlap(one, other) is shared


def test_a_second_scan_of_an_overlapping_root_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), ["/other", "/share/hr"]) as first:
        for roots in (["/share/hr"], ["/share"], ["/free", "/share/hr/deep"]):
            with pytest.raises(RootBusy, match=rf"/share/hr.*since 2.*process {os.getpid()} on .*{first.run_id}"):
                store.begin(store.new_run_id(), roots)
        with store.begin(store.new_run_id(), ["/share/hr-old"]) as second:  # a neighbour may run
            second.objects([object_row("b", root="/share/hr-old")])
            second.commit(told(roots=["/share/hr-old"]))
        first.commit(told(roots=["/share/hr"]))
    with store.begin(store.new_run_id(), ["/share"]):
        pass
    assert len(runs.committed(tmp_path)) == 2
    assert {p.name for p in (tmp_path / ".locks").iterdir()} == {"mutex"}


def test_a_lock_nobody_can_read_blocks_no_root_and_is_cleared_when_free(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / ".locks" / "odd.lock").write_text("{half")
    publish(tmp_path)
    assert {p.name for p in (tmp_path / ".locks").iterdir()} == {"mutex"}


def test_what_another_host_holds_on_a_network_mount_is_not_taken_for_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path)
    holder = {"run_id": "far", "roots": ["/share"], "pid": 1, "host": "another.example.com", "started": "today"}
    path = tmp_path / ".locks" / "far.lock"
    path.write_text(json.dumps(holder))
    store = open_store(tmp_path, KEY_ID)
    with monkeypatch.context() as patched:
        patched.setattr(lock, "_on_network", lambda device: True)
        with pytest.raises(RootBusy, match=r"another\.example\.com"):
            store.begin(store.new_run_id(), ["/share"])
        os.utime(path, (0, 0))
        with store.begin(store.new_run_id(), ["/share"]):
            pass
    path.write_text(json.dumps(holder))
    with store.begin(store.new_run_id(), ["/share"]):  # a local disk: the kernel would know
        pass


def test_a_run_that_is_over_takes_no_rows(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    writer = store.begin(store.new_run_id(), ["/share"])
    writer.commit(told())
    with pytest.raises(StoreError, match="over"):
        writer.objects([object_row("a")])
    with pytest.raises(StoreError, match="over"):
        writer.commit(told())
    writer.abort()
    assert len(runs.committed(tmp_path)) == 1
