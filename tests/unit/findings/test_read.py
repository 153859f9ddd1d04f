"""Reading back: what is there now, what is closed, and that damage is said and costs no more than itself."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.findings import runs
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.findings.schema import TABLES
from scanner.findings.store import open_store
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, publish, row, told


def _paths(out: Path) -> list[str]:
    with open_findings(out) as found:
        return sorted(p if pd.isna(m) else f"{p}!{m}" for p, m in found.objects()[["path", "member"]].itertuples(index=False))


def _states(out: Path) -> dict[str, str]:
    with open_findings(out) as found:
        frames = [found.findings(), found.findings(closed=True)]
        return {i.split("|", 1)[1]: s for f in frames for i, s in f[["finding_id", "state"]].itertuples(index=False)}


def _part(out: Path, table: str, run_id: str) -> Path:
    return out / table / f"run={run_id}" / "part-00001.parquet"


# --------------------------------------------------------------------------- frames


def test_an_empty_store_gives_empty_frames_with_the_right_columns(tmp_path: Path) -> None:
    with open_findings(tmp_path) as found:
        for table in TABLES:
            frame = getattr(found, table)()
            assert len(frame) == 0
            assert list(frame.columns)[: len(TABLES[table].names)] == TABLES[table].names
        assert len(found.runs()) == 0
        assert found.sql("SELECT count(*) AS n FROM findings")["n"].tolist() == [0]
        assert found.problems == []
    assert list(tmp_path.iterdir()) == []


def test_types_do_not_depend_on_the_rows(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("a"), object_row("b") | {"persons": 3, "excused": True, "modified_at": 0.5}])
    with open_findings(tmp_path) as found, open_findings(tmp_path / "objects") as empty:
        full = found.objects()
        assert full.dtypes.to_dict() == empty.objects().dtypes.to_dict()
        assert (str(full["persons"].dtype), str(full["excused"].dtype), str(full["modified_at"].dtype)) == (
            "Int64", "boolean", "datetime64[us, UTC]",
        )  # fmt: skip
        assert found.sql("SELECT * FROM all_objects", arrow=True).schema.equals(TABLES["objects"])
        assert found.values(arrow=True).schema.equals(TABLES["values"])


def test_a_missing_folder_and_a_missing_run_are_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a folder"):
        open_findings(tmp_path / "none")
    publish(tmp_path)
    with open_findings(tmp_path) as found, pytest.raises(StoreError, match="no run"):
        found.objects(run="x' OR 1=1 --")


def test_runs_tell_their_manifest(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    run_id = store.new_run_id()
    with store.begin(run_id, [ROOT]) as writer:
        writer.commit(
            told("incomplete", start="2026-04-01T09:00:00+09:00", end="2026-04-01T09:30:00+09:00", host="files", counts={"status": {}})
        )
    with open_findings(tmp_path) as found:
        (told_row,) = found.runs().to_dict("records")
        assert (told_row["run_id"], told_row["outcome"], told_row["host"], told_row["objects"]) == (run_id, "incomplete", "files", 0)
        assert told_row["started_at"] == pd.Timestamp("2026-04-01T00:00:00Z")
        assert list(told_row["roots_reached"]) == [ROOT]
        assert json.loads(told_row["manifest"])["counts"] == {"status": {}}
        assert found.sql("SELECT date_diff('minute', started_at, ended_at) AS took FROM runs")["took"].tolist() == [30]


# --------------------------------------------------------------------------- the latest state


def test_a_file_is_gone_only_after_a_complete_run(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("a"), object_row("b")], [finding_row("a"), finding_row("b")])
    publish(tmp_path, [object_row("a")], [finding_row("a")], outcome="incomplete")
    assert _paths(tmp_path) == ["a", "b"]
    assert _states(tmp_path) == {"a|None|r": "open", "b|None|r": "open"}
    publish(tmp_path, [object_row("a")], [finding_row("a")], root="/other")
    assert _paths(tmp_path) == ["a", "b"]
    publish(tmp_path, [object_row("a")], [finding_row("a")])
    assert _paths(tmp_path) == ["a"]
    assert _states(tmp_path) == {"a|None|r": "open", "b|None|r": "closed"}
    publish(tmp_path, [object_row("b")], [finding_row("b")], outcome="stopped")
    assert _states(tmp_path) == {"a|None|r": "open", "b|None|r": "open"}


def test_a_root_that_was_not_reached_is_not_empty(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("a")])
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), [ROOT]) as writer:
        writer.commit({"outcome": "complete", "roots": {"asked": [ROOT], "reached": [], "not_reached": [ROOT]}})
    assert _paths(tmp_path) == ["a"]


def test_nested_roots_supersede_each_other(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("x", root="/share/hr"), object_row("y", root="/share/hr")], root="/share/hr")
    publish(tmp_path, [object_row("hr/x"), object_row("hr-old/x")])
    assert _paths(tmp_path) == ["hr-old/x", "hr/x"]
    publish(tmp_path, [object_row("x", root="/share/hr")], root="/share/hr")
    assert _paths(tmp_path) == ["hr-old/x", "x"]


def test_what_lies_in_a_folder_that_could_not_be_read_is_not_gone(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("hr/x"), object_row("hr-old/x"), object_row("it/x")])
    publish(tmp_path, [object_row("hr/", status="unreadable"), object_row("it/", status="excluded")])
    assert _paths(tmp_path) == ["hr/", "hr/x", "it/"]


def test_members_go_with_their_file(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("z"), object_row("z", "one"), object_row("z", "two")], [finding_row("z", member="two")])
    publish(tmp_path, [object_row("z", status="unchanged")])
    assert _paths(tmp_path) == ["z", "z!one", "z!two"]
    publish(tmp_path, [object_row("z", status="unreadable", reason="locked")])
    assert _paths(tmp_path) == ["z", "z!one", "z!two"]
    publish(tmp_path, [object_row("z"), object_row("z", "one")], outcome="incomplete")
    assert _paths(tmp_path) == ["z", "z!one"]
    assert _states(tmp_path) == {"z|two|r": "closed"}
    publish(tmp_path, [])
    assert _paths(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "reason", "state"),
    [
        ("scanned", None, "closed"),
        ("no_text", None, "closed"),
        ("partial", "image_only", "closed"),
        ("partial", "timeout", "open"),
        ("unreadable", "locked", "open"),
        ("unchanged", None, "open"),
        ("excluded", "policy", "ignored"),
    ],
)
def test_a_finding_is_closed_by_a_full_reading_only(tmp_path: Path, status: str, reason: str | None, state: str) -> None:
    publish(tmp_path, [object_row("a")], [finding_row("a")])
    publish(tmp_path, [object_row("a", status=status, reason=reason)])
    assert _states(tmp_path) == {"a|None|r": state}


def test_first_and_last_seen(tmp_path: Path) -> None:
    first = publish(tmp_path, [object_row("a")], [finding_row("a")])
    second = publish(tmp_path, [object_row("a")], [finding_row("a"), finding_row("a", "new")])
    third = publish(tmp_path, [object_row("a", status="unchanged")])
    with open_findings(tmp_path) as found:
        frame = found.findings().set_index("rule_id")
        assert frame["run_id"].tolist() == [second, second]
        times = {run: pd.Timestamp(runs.started(run)) for run in (first, second, third)}
        assert frame.loc["r", "first_seen"] == times[first]
        assert frame.loc["new", "first_seen"] == times[second]
        assert frame["last_seen"].tolist() == [times[third], times[third]]
        assert len(found.findings(run=first)) == 1
        assert len(found.sql("SELECT * FROM all_findings")) == 3


def test_values_and_copies_follow_their_object(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("a")], fingerprints=[1, 2])
    publish(tmp_path, [object_row("a")], fingerprints=[2**64 - 1])
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), ["/elsewhere"]) as writer:
        writer.copies([row("copies", object_id=object_row("a")["object_id"], store="crm", columns=["name"], score=1.0)])
        writer.commit(told(roots=["/elsewhere"]))
    with open_findings(tmp_path) as found:
        assert found.values()["fingerprint"].tolist() == [2**64 - 1]
        assert found.copies()["store"].tolist() == ["crm"]
        assert len(found.sql(f"SELECT * FROM values WHERE fingerprint = {2**64 - 1}")) == 1
        assert len(found.sql("SELECT * FROM all_values")) == 3
    publish(tmp_path, [])
    with open_findings(tmp_path) as found:
        assert len(found.values()) == len(found.copies()) == 0


# --------------------------------------------------------------------------- damage


@pytest.fixture
def two_runs(tmp_path: Path) -> tuple[Path, str, str]:
    first = publish(tmp_path, [object_row("a")], [finding_row("a")], fingerprints=[1])
    return tmp_path, first, publish(tmp_path, [object_row("b", root="/b")], [finding_row("b", root="/b")], fingerprints=[2], root="/b")


@pytest.mark.parametrize("keep", [0, 10, 2000])
def test_a_cut_file_is_named_and_the_rest_answers(two_runs: tuple[Path, str, str], keep: int) -> None:
    out, first, _ = two_runs
    path = _part(out, "objects", first)
    path.write_bytes(path.read_bytes()[:keep])
    with open_findings(out) as found:
        assert found.objects()["path"].tolist() == ["b"]
        (problem,) = found.problems
        assert f"objects/run={first}/part-00001.parquet" in problem


def test_a_file_damaged_inside_is_found_when_it_is_read(two_runs: tuple[Path, str, str]) -> None:
    out, first, second = two_runs
    path = _part(out, "findings", first)
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    with open_findings(out) as found:
        assert found.findings(run=second)["path"].tolist() == ["b"]
        assert any(f"findings/run={first}" in problem and "damaged" in problem for problem in found.problems)
        assert sorted(found.objects()["path"]) == ["a", "b"]


def test_verify_finds_a_changed_byte(two_runs: tuple[Path, str, str]) -> None:
    out, first, _ = two_runs
    path = _part(out, "values", first)
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    with open_findings(out) as found:
        assert found.problems == []
        assert [p for p in found.verify() if f"values/run={first}" in p]
        assert found.sql("SELECT fingerprint FROM all_values")["fingerprint"].tolist() == [2]


def test_missing_file_manifest_and_key_are_named(two_runs: tuple[Path, str, str]) -> None:
    out, first, second = two_runs
    _part(out, "findings", first).unlink()
    lost = publish(out, [object_row("c", root="/c")], root="/c")
    runs.manifest_path(out, lost).unlink()
    manifest = runs.manifest_path(out, second)
    manifest.write_text(manifest.read_text().replace(KEY_ID, "ffff"))
    (out / "runs" / "odd.json").write_text("[1, 2")
    (out / "runs" / "odd2.json").write_text("{}")
    with open_findings(out) as found:
        text = "\n".join(found.problems)
        assert f"findings/run={first}/part-00001.parquet is left out: it is missing" in text
        assert f"run {lost} has no manifest" in text
        assert f"run {second} is under key ffff, the store under {KEY_ID}" in text
        assert "runs/odd.json cannot be read" in text and "runs/odd2.json cannot be read" in text
        assert sorted(found.objects()["path"]) == ["a", "b"]
        assert found.values()["fingerprint"].tolist() == [1]


def _rewrite(out: Path, table: str, run_id: str, changed: pa.Table) -> None:
    """Another program's idea of a part, as the manifest would tell it."""
    path = _part(out, table, run_id)
    pq.write_table(changed, path)
    manifest = runs.manifest_path(out, run_id)
    told_now = json.loads(manifest.read_text())
    for part in told_now["parts"]:
        if part["path"].startswith(table):
            part["size_bytes"] = path.stat().st_size
    manifest.write_text(json.dumps(told_now))


def test_a_missing_column_is_empty_and_a_foreign_type_is_left_out(two_runs: tuple[Path, str, str]) -> None:
    out, first, second = two_runs
    table = pq.ParquetFile(_part(out, "objects", first)).read()
    _rewrite(out, "objects", first, table.drop_columns(["owner", "persons"]))
    table = pq.ParquetFile(_part(out, "objects", second)).read()
    _rewrite(out, "objects", second, table.set_column(table.schema.get_field_index("persons"), "persons", pa.array(["many"])))
    with open_findings(out) as found:
        assert found.objects()["path"].tolist() == ["a"]
        assert found.objects()["persons"].isna().tolist() == [True]
        text = "\n".join(found.problems)
        assert f"objects/run={first}/part-00001.parquet has no column owner, persons" in text
        assert f"objects/run={second}/part-00001.parquet is left out: column persons is of another type" in text


def test_a_newer_runs_schema_is_left_out(two_runs: tuple[Path, str, str]) -> None:
    out, _, second = two_runs
    manifest = runs.manifest_path(out, second)
    manifest.write_text(manifest.read_text().replace('"schema": 1', '"schema": 2'))
    with open_findings(out) as found:
        assert found.objects()["path"].tolist() == ["a"]
        assert "newer version" in found.problems[0]


def test_a_manifest_cannot_reach_out_of_the_store(two_runs: tuple[Path, str, str]) -> None:
    out, first, _ = two_runs
    manifest = runs.manifest_path(out, first)
    manifest.write_text(manifest.read_text().replace(f"objects/run={first}", f"../{out.name}-else/run={first}"))
    with open_findings(out) as found:
        assert "outside the store" in found.problems[0]


# --------------------------------------------------------------------------- SQL


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE runs",
        "SELECT 1; SELECT 2",
        "",
        "COPY (SELECT 1) TO 'x.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "ATTACH 'x.db'",
        "CREATE TABLE t AS SELECT 1",
    ],
)
def test_only_one_select(tmp_path: Path, query: str) -> None:
    with open_findings(tmp_path) as found, pytest.raises(StoreError, match="one SELECT"):
        found.sql(query)


def test_a_query_reaches_the_store_and_nothing_else(tmp_path: Path) -> None:
    publish(tmp_path / "out", [object_row("a")])
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    with open_findings(tmp_path / "out") as found:
        for query in (f"SELECT * FROM '{tmp_path / 'secret.csv'}'", "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM glob('/*')"):
            with pytest.raises(duckdb.Error):
                found.sql(query)
        with pytest.raises(duckdb.Error):
            found.sql("SELECT nothing FROM objects")
        assert found.sql("SELECT path FROM objects")["path"].tolist() == ["a"]


def test_odd_names_are_no_trouble(tmp_path: Path) -> None:
    out = tmp_path / "it's 日本 [a]*"
    publish(out, [object_row("a")])
    with open_findings(out) as found:
        assert found.objects()["path"].tolist() == ["a"]
        assert found.problems == []


def test_other_programs_read_the_tables(tmp_path: Path) -> None:
    """Without this program: the whole folder as one hive-partitioned data set."""
    first = publish(tmp_path, [object_row("a")], [finding_row("a")])
    publish(tmp_path, [object_row("b")])
    assert sorted(pq.read_table(tmp_path / "objects").column("path").to_pylist()) == ["a", "b"]
    query = f"SELECT path, run FROM read_parquet('{tmp_path}/findings/*/*.parquet', hive_partitioning = true)"
    assert duckdb.connect().execute(query).fetchall() == [("a", first)]
