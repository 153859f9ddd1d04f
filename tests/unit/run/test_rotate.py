"""Another key for a store: what goes on, what does not, and that nothing is taken for gone or looked through that was not."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pytest

from scanner import api
from scanner.find.query import Subject
from scanner.findings import purge, runs, store
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.redact.key import KeyFileError, load_key
from scanner.run import audit
from scanner.run.rotate import LOG, rotate
from tests.unit.findings.deciding import TODAY, desk, object_number, scan, states, wanted
from tests.unit.findings.samples import ROOT, publish

MAIL = "hanako@example.co.jp"
WHO = Subject(email=MAIL)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("old", "new"):
        (tmp_path / name).write_text(f"the {name} key of these tests, long enough to be one")
        (tmp_path / name).chmod(0o600)
    return tmp_path / "old", tmp_path / "new"


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "share" / name).write_text(f"氏名,メール\n山田 花子,{MAIL}\n", encoding="utf-8")
    return tmp_path / "share"


def test_from_one_key_to_the_next(share: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = keys
    out = tmp_path / "out"
    api.scan(share, out=out, key_file=old, jobs=1)
    with open_findings(out) as found:
        query = "SELECT finding_id, first_seen FROM findings WHERE entity_type = 'EMAIL_ADDRESS' ORDER BY path"
        mail = found.sql(query, arrow=True).to_pylist()
        with api.open_triage(out) as order:
            from scanner.findings.decide import Wanted

            order.ignore(Wanted((mail[0]["finding_id"], mail[1]["finding_id"])), "known")
    api.search(out, WHO, key_file=old, case="7")
    done = rotate(out, old, new)
    assert (done.runs, done.ignores, done.cases, done.made, done.roots) == (1, 2, 1, False, (str(share),))
    assert done.values > 0

    asked = api.search(out, WHO, key_file=new)
    assert (asked.matches, asked.exit_status) == ((), 3), "nothing was looked through, and that is said"
    assert "under the former key" in asked.problems[0]
    both = api.search(out, WHO, key_file=new, former=[old])
    assert {match.path for match in both.matches} == {"a.csv", "b.csv"} and both.problems == ()
    with pytest.raises(StoreError, match="was rotated"):
        api.scan(share, out=out, key_file=old, jobs=1)
    with pytest.raises(StoreError, match="before the key was rotated"):
        api.verify_case(out, "7")
    with pytest.raises(StoreError, match="under the present key"):
        api.search(out, WHO, key_file=new, former=[old], case="8")

    (share / "b.csv").write_text(f"氏名,メール\n鈴木 一郎,ichiro@example.co.jp\n山田 花子,{MAIL}\n", encoding="utf-8")
    summary = api.scan(share, out=out, key_file=new, jobs=1)
    assert summary.by_status == {"scanned": 2}, "everything is read anew"
    with open_findings(out) as found:
        assert found.problems == []
        rows = found.sql("SELECT path, first_seen FROM standing_findings WHERE entity_type = 'EMAIL_ADDRESS' ORDER BY path", arrow=True)
        assert [row["first_seen"] for row in rows.to_pylist()] == [row["first_seen"] for row in mail]
        state = "SELECT path, state, reopened FROM (FROM findings UNION ALL FROM closed_findings) WHERE entity_type = 'EMAIL_ADDRESS'"
        told = {row["path"]: (row["state"], row["reopened"]) for row in found.sql(state, arrow=True).to_pylist()}
    assert told == {"a.csv": ("ignored", None), "b.csv": ("open", "cannot_compare")}
    asked = api.search(out, WHO, key_file=new)
    assert {match.path for match in asked.matches} == {"a.csv", "b.csv"} and asked.exit_status == 1
    assert len(api.search(out, WHO, key_file=new, former=[old]).matches) == 2, "each once"
    assert api.scan(share, out=out, key_file=new, jobs=1).by_status == {"unchanged": 2}
    assert api.verify(out).problems == ()
    for path in out.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert MAIL.encode() not in data and b"key of these tests" not in data


def test_what_is_refused(keys: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = keys
    out = tmp_path / "out"
    publish(out, key_id=load_key(old).key_id)
    with pytest.raises(StoreError, match="under key"):
        rotate(out, new, old)
    with pytest.raises(StoreError, match="give a new one"):
        rotate(out, old, old)
    with pytest.raises(KeyFileError, match="inside the findings folder"):
        rotate(out, old, out / "key")
    writer = store.open_store(out, load_key(old).key_id).begin("20260101T000000.000000Z-aaaaaa", [ROOT])
    with pytest.raises(StoreError, match="a scan is running"):
        rotate(out, old, new)
    writer.abort()
    assert [entry["what"] for entry in audit.read(out, LOG).entries] == ["begun", "refused"]
    rotate(out, old, new)
    with pytest.raises(StoreError, match="give a new one"):
        rotate(out, new, old)
    with pytest.raises(StoreError, match="was rotated"):
        rotate(out, old, tmp_path / "third")


def test_a_store_of_the_gate_is_refused(keys: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    held = store.open_store(out, load_key(keys[0]).key_id)
    with held.begin(held.new_run_id(), [ROOT]) as writer:
        writer.commit({"kind": "watch", "outcome": "complete", "roots": {"asked": [ROOT], "reached": [], "not_reached": []}})
    with pytest.raises(StoreError, match="outbound gate"):
        rotate(out, *keys)


def test_a_new_key_is_made_and_never_shown(keys: tuple[Path, Path], tmp_path: Path) -> None:
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    publish(out, key_id=load_key(keys[0]).key_id)
    done = rotate(out, keys[0], fresh)
    assert done.made and fresh.stat().st_mode & 0o777 == 0o600
    secret = fresh.read_text().strip()
    assert secret not in json.dumps(done.to_json()) + (out / "audit" / f"{LOG}.jsonl").read_text()


def test_one_that_died_is_brought_to_its_end(keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    publish(out, key_id=load_key(keys[0]).key_id)
    real = store.rotate

    def dies_before(*_: object) -> None:
        raise KeyboardInterrupt

    def dies_after(*given: object) -> None:
        real(*given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    for death in (dies_before, dies_after):
        monkeypatch.setattr(store, "rotate", death)
        with pytest.raises(KeyboardInterrupt):
            rotate(out, *keys)
    monkeypatch.setattr(store, "rotate", real)
    assert rotate(out, *keys).runs == 1
    entries = audit.read(out, LOG).entries
    assert [entry["what"] for entry in entries] == ["begun", "begun", "rotated"]
    assert store.former_keys(out) == (load_key(keys[0]).key_id,)
    assert audit.check(out, LOG)[2] == []


def test_values_of_a_former_key_are_left_out_and_go_with_their_runs(keys: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(out, {"a": {1, 2}, "b": {3}})
    with desk(out) as order:
        order.ignore(wanted("a"), "known")
    store.rotate(out, "00112233aabbccdd", "1" * 16)
    with open_findings(out, TODAY) as found:
        assert len(found.problems) == 1 and "its values are left out" in found.problems[0]
        assert len(found.values()) == 0 and len(found.findings()) == 1
    with purge.purging(out), pytest.raises(StoreError, match="nothing is purged"):
        purge.plan(out, datetime.datetime.now(datetime.UTC))
    monkey = pytest.MonkeyPatch()
    monkey.setattr("tests.unit.findings.deciding.KEY_ID", "1" * 16)
    try:
        scan(out, {"a": {11}, "b": {13}})
    finally:
        monkey.undo()
    assert states(out) == {"a": ("open", "cannot_compare"), "b": ("open", None)}
    with open_findings(out, TODAY) as found:
        assert found.problems == []
        assert sorted(found.values()["fingerprint"]) == [11, 13]
        assert set(found.objects()["object_id"]) == {object_number("a"), object_number("b")}
    last = runs.started(runs.committed(out)[-1])
    assert last is not None
    with purge.purging(out):
        planned = purge.plan(out, last, verify=True)
        purge.carry_out(out, planned)
    assert planned.rows["values"] == 3
    assert len(list((out / "values").rglob("*.parquet"))) == 1
    assert states(out) == {"a": ("open", "cannot_compare"), "b": ("open", None)}


def test_a_key_that_the_store_never_had_is_still_a_problem(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(out)
    (out / store.MARKER).write_text(json.dumps({"schema": 1, "key_id": "2" * 16}))
    with open_findings(out) as found:
        assert "is under key" in found.problems[0]
    (out / store.MARKER).write_text(json.dumps({"schema": 1, "key_id": "2" * 16, "former": [3]}))
    assert store.former_keys(out) == ()
