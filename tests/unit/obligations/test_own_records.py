"""Purging our own records by the policy's limits."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from scanner.findings import runs
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.obligations import own_records
from scanner.obligations.own_records import LOG, NothingToKeep, purge_records
from scanner.policy import PolicyError, load
from scanner.policy.keep import KeepPolicy
from scanner.policy.policy import Policy
from scanner.run import audit
from tests.crash.killed_writer import die_at
from tests.unit.findings.deciding import object_number, scan
from tests.unit.findings.samples import KEY_ID

LATER = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=400)
YEAR = Policy(keep=KeepPolicy(findings_days=365, cases_days=365, register_days=365, audit_days=365), digest="d1")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def case(out: Path, name: str, path: str, status: int | None) -> None:
    """A case about a file; `status`: of its last check."""
    told: dict[str, Any] = {"version": 1, "key_id": KEY_ID, "opened_at": "2020-01-01T00:00:00+00:00", "terms": [], "newest_run": ""}
    told["matches"] = [
        {"object_id": object_number(path), "place": None, "column": "c", "entity_type": "PERSON", "fingerprint": "1", "root": "/share"}
    ]
    told["checks"] = [] if status is None else [{"checked_at": "2020-02-01T00:00:00+00:00", "exit_status": status}]
    (out / "cases").mkdir(exist_ok=True)
    (out / "cases" / f"{name}.json").write_text(json.dumps(told))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    scan(folder, {"stays": {1}, "left": {2}, "asked": {3}})
    scan(folder, {"stays": {1}})
    case(folder, "closed", "left", 0)
    case(folder, "open", "asked", 1)
    case(folder, "unchecked", "asked", None)
    (folder / "register").mkdir()
    for year in (2020, 2021):
        (folder / "register" / f"{year}0101T000000.000000Z.parquet").write_bytes(b"x")
    audit.append(folder, "reveals", {"who": "alice"})
    return folder


def test_a_dry_run_tells_and_touches_nothing(out: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    told = purge_records(out, YEAR, now=LATER)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert not told.applied and told.bytes is None and told.entry is None
    done = purge_records(out, YEAR, apply=True, now=LATER)
    assert done.counts() == told.counts()


def test_each_by_its_limit_and_what_is_in_hand_stays(out: Path) -> None:
    done = purge_records(out, YEAR, apply=True, now=LATER)
    assert (done.cases, done.open_cases, done.registers, done.logs) == (1, 2, 1, {"reveals": 1})
    assert sorted(path.stem for path in (out / "cases").iterdir()) == ["open", "unchecked"]
    assert [path.name[:4] for path in (out / "register").iterdir()] == ["2021"]
    with open_findings(out) as found:
        assert {row["path"] for row in found.sql("SELECT * FROM all_objects", arrow=True).to_pylist()} == {"stays", "asked"}
        assert {row["fingerprint"] for row in found.sql("SELECT * FROM all_values", arrow=True).to_pylist()} == {1}
    assert purge_records(out, YEAR, apply=True, now=LATER).rows == {}


def test_the_record_says_what_who_and_by_which_policy(out: Path) -> None:
    done = purge_records(out, YEAR, apply=True, now=LATER)
    begun, ended = [json.loads(line) for line in (out / "audit" / f"{LOG}.jsonl").read_bytes().splitlines()]
    assert done.entry == 2 and audit.check(out, LOG)[2] == []
    assert (begun["what"], ended["what"], ended["policy"], ended["limits"]) == ("begun", "done", "d1", YEAR.keep.limits())
    assert begun["planned"] == {name: ended[name] for name in ("rows", "runs", "cases", "registers", "log_entries")}
    assert ended["bytes"] == done.bytes and ended["who"]
    assert ended["rows"] == dict(done.rows) and sum(ended["rows"].values())


def test_only_what_the_policy_names(out: Path) -> None:
    done = purge_records(out, Policy(keep=KeepPolicy(register_days=1)), apply=True, now=LATER)
    assert done.counts() == {"rows": {}, "runs": 0, "cases": 0, "registers": 1, "log_entries": {}}
    with pytest.raises(NothingToKeep, match="no limit"):
        purge_records(out, Policy())


def test_nothing_to_do_leaves_no_record(out: Path) -> None:
    done = purge_records(out, Policy(keep=KeepPolicy(findings_days=365)), apply=True)
    assert done.is_empty and done.entry is None
    assert not (out / "audit" / f"{LOG}.jsonl").exists()


def test_a_log_that_was_tampered_with_is_left_whole_and_said(out: Path) -> None:
    file = out / "audit" / "reveals.jsonl"
    file.write_bytes(file.read_bytes().replace(b"alice", b"bobby"))
    done = purge_records(out, YEAR, apply=True, now=LATER)
    assert (done.exit_status, done.logs) == (3, {})
    assert "reveals.jsonl is left as it is" in done.problems[0]
    assert b"bobby" in file.read_bytes()


def test_a_damaged_case_is_an_error_before_anything_goes(out: Path) -> None:
    (out / "cases" / "open.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        purge_records(out, YEAR, apply=True, now=LATER)
    assert len(runs.committed(out)) == 2 and (out / "cases" / "closed.json").exists()


def test_keys_of_the_policy(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nkeep: {findings_days: 730, audit_days: 10}\n")
    policy = load(file)
    assert policy.keep == KeepPolicy(findings_days=730, audit_days=10)
    assert policy.keep.limits() == {"findings_days": 730, "audit_days": 10}
    digest = policy.digest
    file.write_text("version: 1\n")
    assert load(file).digest == digest, "no file is judged anew for it"
    for text, wanted in (
        ("{finding_days: 1}", 'keep.finding_days: unknown key; did you mean "findings_days"'),
        ("{findings_days: 0}", "must be 1 or more"),
        ("{findings_days: 99999999}", "must be 36500 or less"),
        ("{findings_days: soon}", "expected a whole number"),
        ("[1]", "expected a block of keys"),
    ):
        file.write_text(f"version: 1\nkeep: {text}\n")
        with pytest.raises(PolicyError, match=r"policy\.yaml:2: keep") as fault:
            load(file)
        assert wanted in str(fault.value)


def test_killed_at_every_step(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it died, the logs are whole, what is in hand is there, and another purge brings it to its end with an entry."""
    limit = LATER - datetime.timedelta(days=365)
    planned = own_records._plan_of_findings(out, limit, [object_number("asked")], verify=False)
    died = 0
    for step in range(1, 300):
        copy = tmp_path / f"{step:03}"
        shutil.copytree(out, copy)
        child = os.fork()
        if child == 0:
            try:
                monkeypatch.setattr(own_records, "_plan_of_findings", lambda *_, **__: planned)  # without DuckDB, which starts threads
                die_at(step, copy)
                purge_records(copy, YEAR, apply=True, now=LATER)
            finally:
                os._exit(0)
        ended = not os.WIFSIGNALED(os.waitpid(child, 0)[1])
        assert {path.stem for path in (copy / "cases").glob("*.json")} >= {"open", "unchecked"}
        assert (copy / "register" / "20210101T000000.000000Z.parquet").exists()
        assert [audit.check(copy, name)[2] for name in audit.names(copy)] == [[] for _ in audit.names(copy)], step
        if step % 12 == 0 or ended:
            purge_records(copy, YEAR, apply=True, now=LATER)
            assert {path.stem for path in (copy / "cases").glob("*.json")} == {"open", "unchecked"}
            assert len(list((copy / "register").iterdir())) == 1
            assert [line["what"] for line in audit.read(copy, LOG).entries][-1] == "done"
            assert audit.read(copy, "reveals").entries[0]["what"] == "sealed"
        shutil.rmtree(copy)
        if ended:
            break
        died += 1
    assert died > 30
