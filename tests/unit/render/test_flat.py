"""CSV and JSON lines: nothing runs, nothing steers, nothing is lost without a word."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.findings import runs
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.findings.records import COLUMNS, LOCATORS, Choice, moment
from scanner.findings.store import open_store
from scanner.redact import Key
from scanner.render.export import FORMATS, export
from scanner.render.flat import defused, json_line
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, publish, row, told
from tests.unit.render.exporting import NASTY, hostile, stray, written

_STARTS = "=+-@＝＋－＠\t\r\n"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\U000e0041]")


def cells(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_csv_is_what_excel_opens(tmp_path: Path) -> None:
    hostile(tmp_path)
    data, exported = written(tmp_path, "csv")
    assert data.count(b"\n") == data.count(b"\r\n") == 1 + exported.findings + exported.unread == 1 + 2 * len(NASTY)
    found = cells(data)
    assert tuple(found[0]) == COLUMNS
    texts = [text for line in found for text in line.values() if text]
    assert not [text for text in texts if text.lstrip().startswith(tuple(_STARTS))]
    assert not [text for text in texts if re.search(r"[;,|\"]\s*[=+\-@]", text)]
    assert not _CONTROL.search(data.decode("utf-8-sig"))
    assert "営業部" in {line["department"] for line in found}
    by_path = {line["path"] for line in found}
    assert {"'+1+1.txt", "not\\xffutf8\\\\.txt", "new\\x0aline\\x0d\\x0a=x.txt", "txt.\\u202egpj\\u2066.exe"} <= by_path


@given(st.text(st.characters(codec="utf-8"), max_size=12) | st.text(" =+-@＝;,|\"\t\r\n'a", max_size=8))
def test_no_text_becomes_a_formula_or_a_control_character(text: str) -> None:
    cell = defused(text)
    assert not cell.lstrip().startswith(tuple(_STARTS))
    assert not re.search(r"[;,|\"]\s*[=+\-@＝＋－＠]", cell)
    assert not _CONTROL.search(cell)
    assert len(cell.splitlines()) <= 1


def test_json_lines_lose_nothing_and_steer_nothing(tmp_path: Path) -> None:
    hostile(tmp_path)
    data, _ = written(tmp_path, "jsonl")
    found = [json.loads(line) for line in data.split(b"\n") if line]
    assert {line["path"] for line in found} == set(NASTY)
    assert {line["column"] for line in found if line["record"] == "finding"} == set(NASTY)
    assert not _CONTROL.search(data.decode("utf-8"))
    assert all(tuple(line) == COLUMNS for line in found)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", found[0]["time"])


@given(st.text())
def test_json_says_the_same_text(text: str) -> None:
    assert json.loads(json_line({"path": text}))["path"] == text


# --------------------------------------------------------------------------- which records


def _paths(out: Path, choice: Choice) -> list[str]:
    return [json.loads(line)["path"] for line in written(out, "jsonl", choice)[0].splitlines()]


def test_verdicts_states_departments_and_runs(tmp_path: Path) -> None:
    first = publish(
        tmp_path,
        [object_row(path) for path in ("a", "b", "c")] + [object_row("u", status="unreadable", reason="locked") | {"department": "HR"}],
        [stray("a") | {"department": "HR"}, stray("b"), stray("c") | {"verdict": "info"}],
    )
    second = publish(tmp_path, [object_row("a"), object_row("c", status="unchanged")], [stray("a") | {"department": "HR"}, stray("a", "n")])
    assert _paths(tmp_path, Choice()) == ["a", "a"]
    assert _paths(tmp_path, Choice(verdicts=("info",))) == ["c"]
    assert _paths(tmp_path, Choice(closed=True)) == ["a", "a", "b"]
    assert _paths(tmp_path, Choice(departments=("HR",))) == ["a"]
    assert _paths(tmp_path, Choice(departments=("",))) == ["a"]
    assert _paths(tmp_path, Choice(run=first)) == ["a", "b", "u"]
    assert _paths(tmp_path, Choice(run=first, departments=("HR",))) == ["a", "u"]
    with open_findings(tmp_path) as store:
        assert _paths(tmp_path, Choice(since=moment(store, second))) == ["a", "a", "b"]
        assert _paths(tmp_path, Choice(since=moment(store, "2999-01-01"))) == []
        for nonsense in ("yesterday", "'; DROP TABLE runs; --"):
            with pytest.raises(StoreError, match="neither a run"):
                moment(store, nonsense)
        with pytest.raises(StoreError, match="no run"):
            written(tmp_path, "csv", Choice(run="'x"))


@pytest.mark.parametrize("fmt", [f for f in FORMATS if f != "ocsf-parquet"])
def test_an_empty_store_exports_nothing_and_is_whole(tmp_path: Path, fmt: str) -> None:
    data, exported = written(tmp_path, fmt)
    assert (exported.findings, exported.unread, exported.whole) == (0, 0, True)
    assert len(data.splitlines()) == (1 if fmt == "csv" else 0)


# --------------------------------------------------------------------------- what is wrong with the store


def test_a_file_damaged_inside_is_named_and_the_rest_is_exported(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    first = publish(tmp_path, [object_row("a")], [stray("a")])
    publish(tmp_path, [object_row("b", root="/b")], [finding_row("b", root="/b") | {"verdict": "stray"}], root="/b")
    path = tmp_path / "findings" / f"run={first}" / "part-00001.parquet"
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    for fmt in ("jsonl", "ocsf", "csv"):
        data_out, exported = written(tmp_path, fmt)
        assert exported.findings == 1
        assert [problem for problem in exported.problems if f"findings/run={first}" in problem]
        assert not exported.whole
        assert b"/b" in data_out


def test_a_root_whose_newest_run_is_not_complete_is_said(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("a")])
    publish(tmp_path, [object_row("x", root="/other")], root="/other", outcome="stopped")
    assert [(root, outcome) for root, _, outcome in written(tmp_path, "csv")[1].short] == [("/other", "stopped")]
    publish(tmp_path, [object_row("x", root="/other")], root="/other")
    assert written(tmp_path, "csv")[1].whole


def test_other_faults_of_a_store_are_named(tmp_path: Path) -> None:
    publish(tmp_path, [object_row("a")], [stray("a")])
    second = publish(tmp_path, [object_row("b", root="/b")], root="/b")
    manifest = runs.manifest_path(tmp_path, second)
    text = manifest.read_text()
    manifest.write_text(text.replace('"schema": 1', '"schema": 99'))
    assert [p for p in written(tmp_path, "csv")[1].problems if "newer version" in p]
    manifest.write_text(text.replace(KEY_ID, "f" * 16))
    assert [p for p in written(tmp_path, "csv")[1].problems if "under key" in p]
    manifest.unlink()
    exported = written(tmp_path, "csv")[1]
    assert [p for p in exported.problems if "no manifest" in p]
    assert exported.findings == 1


def test_copies_are_told_once(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), [ROOT]) as writer:
        writer.objects([object_row("a")])
        writer.findings([stray("a")])
        copy = row("copies", object_id=object_row("a")["object_id"], columns=["name"], score=1.0)
        writer.copies([copy | {"store": "=crm"}, copy | {"store": "hr"}])
        writer.commit(told())
    (line,) = written(tmp_path, "jsonl")[0].splitlines()
    assert json.loads(line)["copy_of"] == ["=crm", "hr"]
    assert cells(written(tmp_path, "csv")[0])[0]["copy_of"] == "'=crm; hr"


# --------------------------------------------------------------------------- files and masks


def test_a_file_appears_whole_and_private(tmp_path: Path) -> None:
    hostile(tmp_path / "out")
    target = tmp_path / "findings.csv"
    with open_findings(tmp_path / "out") as store:
        export(store, target, "csv", Choice())
    assert target.read_bytes() == written(tmp_path / "out", "csv")[0]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["findings.csv", "out"]
    with open_findings(tmp_path / "out") as store:
        with pytest.raises(StoreError, match="cannot write"):
            export(store, tmp_path / "none" / "x.csv", "csv", Choice())
        with pytest.raises(StoreError, match="not an empty folder"):
            export(store, tmp_path / "out", "ocsf-parquet", Choice())


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "ocsf"])
def test_masked_locators_show_no_name_and_meet_where_they_are_equal(tmp_path: Path, fmt: str) -> None:
    names = {
        "root": "/srv/人事秘密",
        "path": "採用/Yamamoto.xlsx",
        "member": "給与!Tanaka.csv",
        "place": "佐藤シート",
        "column": "鈴木列",
        "owner": "hayashi",
    }
    base = object_row(names["path"], names["member"], root=names["root"]) | {
        "owner": names["owner"],
        "verdict": "stray",
        "severity": "high",
    }
    found = finding_row(names["path"], root=names["root"], member=names["member"]) | {"verdict": "stray"}
    publish(
        tmp_path,
        [base, object_row("採用/page 1", status="unreadable", reason="locked", root=names["root"])],
        [
            found | {name: names[name] for name in ("place", "column")},
            found | {"finding_id": "second", "place": "page 3", "column": "column 2"},
        ],
        root=names["root"],
    )
    key, other = Key.random(), Key.random()
    data = written(tmp_path, fmt, key=key)[0]
    text = data.decode("utf-8")
    for word in ("人事秘密", "採用", "Yamamoto", "給与", "Tanaka", "佐藤", "鈴木", "hayashi", "srv"):
        assert word in written(tmp_path, fmt)[0].decode() and word not in text
    assert str(base["object_id"]) not in text and str(found["finding_id"]) not in text
    assert data == written(tmp_path, fmt, key=key)[0]
    assert data != written(tmp_path, fmt, key=other)[0]
    if fmt == "jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        assert len({line["path"].split("/")[0] for line in lines}) == 1, "equal folders meet"
        assert {"page 3", "column 2"} <= {line[name] for line in lines for name in LOCATORS}
        shapes = {re.sub("~[0-9a-f]{8}", "", line["path"]) for line in lines}
        assert shapes == {"○○/********.****", "○○/**** #"}
