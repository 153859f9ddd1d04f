"""The page on backups does what it says: a store copied while runs end, decisions are made and files would be merged is whole."""

from __future__ import annotations

import contextlib
import datetime
import multiprocessing
import os
import shutil
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from scanner import api
from scanner.findings import compact
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.run import audit
from tests.docs.blocks import ROOT, Block, blocks, run
from tests.unit.findings.deciding import desk, scan, wanted
from tests.unit.findings.samples import finding_row, object_row, publish

PAGE = ROOT / "docs" / "how-to" / "back-up-and-restore.md"


def _scans(out: Path, stop: Event, began: Event) -> None:
    while not stop.is_set():
        publish(out, [object_row("a"), object_row("b")], [finding_row("a")], fingerprints=range(50))
        began.set()
        stop.wait(0.1)


def _merges(out: Path, stop: Event) -> None:
    """As often as the locks let it."""
    while not stop.is_set():
        with contextlib.suppress(StoreError):
            compact.compact(out, datetime.timedelta(0))
        stop.wait(0.1)


@pytest.fixture
def at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    out = tmp_path / "findings"
    for number in range(3):
        scan(out, {"a": {1, number}, "b": {2}})
        with desk(out) as order:
            order.ignore(wanted("a"), "known")
    audit.append(out, "log", {"what": "done"})
    return tmp_path


def test_a_copy_of_a_store_at_work_is_whole(at_work: Path) -> None:
    out = at_work / "findings"
    copy, restore = [block for block in blocks(PAGE) if block.language == "sh"]
    lenient = Block(copy.page, copy.line, "sh", copy.text.replace("strayscan verify backup", ""))
    processes = multiprocessing.get_context("fork")
    stop, began = processes.Event(), processes.Event()
    workers = [processes.Process(target=_scans, args=(out, stop, began)), processes.Process(target=_merges, args=(out, stop))]
    for worker in workers:
        worker.start()
    try:
        assert began.wait(60)
        for number in range(2):
            run(lenient, at_work)
            (at_work / "backup").rename(at_work / f"backup-{number}")
    finally:
        stop.set()
        for worker in workers:
            worker.join(60)
    for number in range(2):
        _is_a_copy(at_work / f"backup-{number}", out, f"copy {number}")
    (at_work / "backup-1").rename(at_work / "backup")
    for folder in ("objects", "findings", "copies", "values"):  # what the next scan would clear away
        for leftover in (at_work / "backup" / folder).glob("run=*"):
            name = leftover.name.removeprefix("run=")
            if not (at_work / "backup" / "runs" / f"{name}.json").exists():
                shutil.rmtree(leftover)
    assert "Whole" in run(restore, at_work)
    assert (at_work / "findings.restored").stat().st_mode & 0o777 == 0o700
    scan(at_work / "findings.restored", {"a": {1}})


def test_nothing_is_merged_while_the_copy_is_made_and_manifests_come_first(at_work: Path) -> None:
    copy = next(block for block in blocks(PAGE) if block.language == "sh")
    tried = copy.text.replace("for part in", "! strayscan compact findings --older-than 0 || exit 9\n  for part in")
    assert "compacted or purged already" in run(Block(copy.page, copy.line, "sh", tried), at_work)
    order = copy.text.split("for part in ")[1].split(";")[0].split()
    assert max(map(order.index, (".strayscan.json", "runs"))) < min(map(order.index, ("objects", "findings", "copies", "values")))
    assert order.index("decisions") < order.index("covered")


def _is_a_copy(backup: Path, out: Path, which: str) -> None:
    """Every run in the copy has all the rows it has in the store."""
    checked = api.verify(backup)
    assert [text for text in checked.problems if "was not finished" not in text] == [], which
    assert checked.runs >= 3 and checked.logs["log"][0] == 1
    query = "SELECT run_id, count(*) AS n FROM all_{table} GROUP BY ALL ORDER BY ALL"
    with open_findings(backup) as copied, open_findings(out) as source:
        for table in ("objects", "findings", "values"):
            there = {row["run_id"]: row["n"] for row in source.sql(query.format(table=table), arrow=True).to_pylist()}
            here = {row["run_id"]: row["n"] for row in copied.sql(query.format(table=table), arrow=True).to_pylist()}
            assert here == {run_id: count for run_id, count in there.items() if run_id in here} and len(here) == checked.runs, which
        assert len(copied.decisions(every=True)) == 3
        assert copied.sql("SELECT count(*) AS n FROM standing_findings")["n"][0] >= 1


def test_damage_is_named(at_work: Path) -> None:
    out = at_work / "findings"
    assert api.verify(out).problems == ()
    victim = next((out / "covered").glob("*.parquet"))
    victim.write_bytes(victim.read_bytes().replace(b"PAR1", b"PAR2"))
    log = out / "audit" / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"done", b"gone"))
    checked = api.verify(out)
    assert checked.exit_status == 3
    assert [text.split(":")[0].split(" ")[0].split("/")[0] for text in checked.problems] == ["covered", "audit"]
    with pytest.raises(StoreError, match="no findings"):
        api.verify(at_work)
