"""Purging what old runs wrote: what holds now is told by the same words before, after, and whatever step was the last."""

from __future__ import annotations

import datetime
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scanner.findings import compact, decisions, purge, runs, snapshot
from scanner.findings.errors import StoreError
from scanner.findings.purge import Keep, Plan
from scanner.findings.read import open_findings
from scanner.findings.store import open_store
from tests.crash.killed_writer import die_at
from tests.unit.findings.deciding import TODAY, desk, object_number, scan, wanted
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, told


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def after(run_id: str) -> datetime.datetime:
    """A limit that takes this run for old, and no later one."""
    began = runs.started(run_id)
    assert began is not None
    return began + datetime.timedelta(microseconds=1)


def purged(out: Path, before: datetime.datetime, keep: Keep = Keep()) -> Plan:  # noqa: B008
    with purge.purging(out):
        planned = purge.plan(out, before, keep, verify=True)
        purge.carry_out(out, planned)
    return planned


def now(out: Path, today: datetime.date = TODAY) -> dict[str, list[str]]:
    """What holds now, as the views tell it, and what is gone from where."""
    with open_findings(out, today) as found:
        assert found.problems == []
        tables = {
            name: found.sql(f'SELECT * FROM "{name}"', arrow=True).to_pylist() for name in ("objects", "findings", "copies", "values")
        }
        aside = "SELECT * FROM closed_findings WHERE state <> 'closed'"
        with found.working() as connection:
            covering = connection.execute("SELECT * FROM covering").fetchall()
            covered = connection.execute(
                """SELECT k.* FROM covered_row k SEMI JOIN latest_decisions d USING (decision_id)
                WHERE k.finding_id IN (SELECT finding_id FROM finding_states WHERE state <> 'closed')
                AND k.decision_id = (SELECT max(decision_id) FROM latest_decisions l WHERE l.finding_id = k.finding_id AND l.part = 'aside')
                AND (SELECT any_value(action) FROM latest_decisions l WHERE l.decision_id = k.decision_id) <> 'reopen'"""
            ).fetchall()
        plain = {**tables, "aside": found.sql(aside, arrow=True).to_pylist(), "covering": covering, "covered": covered}
        return {name: sorted(map(str, rows)) for name, rows in plain.items()}


def every(out: Path, table: str) -> list[dict[str, Any]]:
    with open_findings(out) as found:
        return list(found.sql(f"SELECT * FROM all_{table} ORDER BY ALL", arrow=True).to_pylist())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """`a` stands, `b` was emptied, `c` was deleted, `d` came last; `a` was ignored."""
    folder = tmp_path / "out"
    scan(folder, {"a": {1, 2}, "b": {3}, "c": {4}})
    with desk(folder) as order:
        order.ignore(wanted("c"), "known")
        order.ignore(wanted("a"), "known")
    scan(folder, {"a": {1}, "b": {3}, "c": {4}})
    scan(folder, {"a": {1}, "b": set()})
    scan(folder, {"a": {1}, "b": set(), "d": {5}})
    return folder


def test_what_holds_stays_and_what_is_gone_goes(out: Path) -> None:
    before = now(out)
    planned = purged(out, after(runs.committed(out)[-2]))
    assert now(out) == before
    assert planned.rows == {"objects": 8, "findings": 6, "values": 8, "decisions": 1, "covered": 1}
    assert {row["path"] for row in every(out, "findings")} == {"a", "d"}
    assert {row["fingerprint"] for row in every(out, "values")} == {1, 5}
    assert [row["path"] for row in every(out, "decisions")] == ["a"]
    assert len(runs.committed(out)) == 2, "the first says since when a is known"
    assert not [path for path in out.rglob("*") if path.suffix == ".tmp" or path.name == compact.RECORD]
    assert purged(out, after(runs.committed(out)[-1])).is_empty or now(out) == before


def test_since_when_a_finding_is_known_outlives_the_rows_that_said_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = scan(out, {"a": {1}})
    for _ in range(3):
        scan(out, {"a": {1}})
    before = now(out)
    purged(out, after(runs.committed(out)[-1]))
    assert now(out) == before
    assert runs.committed(out)[0] == first, "no later row says since when"


def test_nothing_is_old_enough(out: Path) -> None:
    with purge.purging(out):
        assert purge.plan(out, datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)).is_empty


def test_what_was_met_within_the_limit_stays(out: Path) -> None:
    """`c` was last met by the second run: while that one is young, all that says what it was is there."""
    purged(out, after(runs.committed(out)[0]))
    assert [row["fingerprint"] for row in every(out, "values") if row["object_id"] == object_number("c")] == [4]
    assert {row["path"] for row in every(out, "decisions")} == {"a", "c"}


def test_a_compacted_store(out: Path) -> None:
    """Files hold rows of several runs, and lie in the folder of one that goes."""
    compact.compact(out, datetime.timedelta(0))
    scan(out, {"a": {1}, "b": set(), "d": {5}})
    before = now(out)
    purged(out, after(runs.committed(out)[-2]))
    assert now(out) == before
    assert len(runs.committed(out)) == 3, "a since the first, d since the fourth, and the newest"
    scan(out, {"a": {1}, "b": set(), "d": {5}})
    with open_findings(out) as found:
        assert found.verify() == []


def test_a_measure_that_is_not_closed_keeps_everything(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(out, {"a": {1}, "b": set()})
    with desk(out) as order:
        order.measure(wanted("a"), "cause", "measure", TODAY)
    scan(out, {"a": {1}, "b": set()})
    scan(out, {"b": set()}, outcome="incomplete")
    before = now(out), every(out, "values")
    purged(out, after(runs.committed(out)[-1]))
    assert (now(out), every(out, "values")) == before


def test_a_case_keeps_the_row_that_it_asks_for_and_no_value(out: Path) -> None:
    purged(out, after(runs.committed(out)[-2]), Keep(objects=[object_number("c")]))
    assert [row["object_id"] for row in every(out, "objects")].count(object_number("c")) == 1
    assert object_number("c") not in {row["object_id"] for table in ("findings", "values") for row in every(out, table)}


def test_what_ended_counts_as_gone_but_for_what_is_held(tmp_path: Path) -> None:
    """The gate's runs reach no root, so that nothing of the transfer folder is ever gone."""
    out = tmp_path / "out"
    store = open_store(out, KEY_ID)
    for path in ("sent", "held"):
        with store.begin(store.new_run_id(), [ROOT]) as writer:
            writer.objects([object_row(path)])
            writer.findings([finding_row(path)])
            writer.commit(told() | {"roots": {"asked": [ROOT], "reached": [], "not_reached": []}, "kind": "watch"})
    assert purged(out, after(runs.committed(out)[-1])).is_empty, "records of releases ask for it"
    purged(out, after(runs.committed(out)[-1]), Keep(ended=ROOT, held=["held"]))
    assert [row["path"] for row in every(out, "findings")] == ["held"]


def test_a_file_that_could_not_be_read_since_keeps_its_last_reading(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(out, {"a": {1}})
    for _ in range(3):
        scan(out, {"a": "permission"})
    before = now(out)
    planned = purged(out, after(runs.committed(out)[-2]))
    assert planned.rows == {"objects": 2}
    assert now(out) == before
    assert {row["fingerprint"] for row in every(out, "values")} == {1}


def test_the_run_that_found_a_share_empty_stays_though_it_has_no_rows(tmp_path: Path) -> None:
    """Else what it showed to be gone would be back: the runs after it reach no part of the share."""
    out = tmp_path / "out"
    scan(out, {"a": {1}}, root="/share/x")
    empty = scan(out, {}, root="/share/x")
    for _ in range(2):
        scan(out, {"b": {1}}, root="/share/y")
    purged(out, after(empty), Keep(objects=[object_number("a", "/share/x")]))
    purged(out, after(runs.committed(out)[-1]), Keep(objects=[object_number("a", "/share/x")]))
    assert empty in runs.committed(out)
    with open_findings(out) as found:
        assert [row["path"] for row in found.objects(arrow=True).to_pylist()] == ["b"], "a has a row, which a case asks for, and is gone"


def test_what_was_judged_anew_unread_stays_closed(tmp_path: Path) -> None:
    """`a` was read with two findings, judged without one of them, and read in part since."""
    out = tmp_path / "out"
    for status, rules in (("scanned", "xy"), ("unchanged", "x"), ("partial", "x"), ("partial", "x")):
        store = open_store(out, KEY_ID)
        with store.begin(store.new_run_id(), [ROOT]) as writer:
            writer.objects([object_row("a", status=status, reason="timeout" if status == "partial" else None)])
            writer.findings([finding_row("a", rule) for rule in rules])
            writer.commit(told())
    before = now(out)
    assert [row.count("'rule_id': 'x'") for row in before["findings"]] == [1]
    purged(out, after(runs.committed(out)[-2]))
    assert now(out) == before


def test_an_unreadable_folder_keeps_what_lies_below_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(out, {"f/a": {1}})
    for _ in range(2):
        store = open_store(out, KEY_ID)
        with store.begin(store.new_run_id(), [ROOT]) as writer:
            writer.objects([object_row("f/", status="unreadable", reason="permission")])
            writer.commit(told())
    before = now(out)
    assert before["findings"]
    purged(out, after(runs.committed(out)[-1]))
    assert now(out) == before


def test_a_store_that_is_not_whole_is_left_alone(out: Path) -> None:
    victim = next((out / "values").rglob("*.parquet"))
    data = bytearray(victim.read_bytes())
    data[10] ^= 1
    victim.write_bytes(data)
    with pytest.raises(StoreError, match="nothing is purged"):
        purged(out, after(runs.committed(out)[-1]))
    victim.unlink()
    with purge.purging(out), pytest.raises(StoreError, match="nothing is purged"):
        purge.plan(out, after(runs.committed(out)[-1]))
    with pytest.raises(StoreError, match="no findings"), purge.purging(out / "nowhere"):
        pass


def test_one_at_a_time(out: Path) -> None:
    with purge.purging(out), pytest.raises(StoreError, match="already"):
        compact.compact(out, datetime.timedelta(0))


def rows_read(out: Path) -> dict[str, set[str]]:
    """The rows that a reader is given, by what its snapshot tells: quicker than asking for what holds."""
    looked = snapshot.take(out)
    assert looked.problems == ()
    tables = {}
    for table, paths in looked.files.items():
        rows = [str(row) for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]
        assert table in ("decisions", "covered") or len(rows) == len(set(rows)), "each row stands once"
        tables[table] = set(rows)
    return tables


def test_killed_at_every_step(out: Path, tmp_path: Path) -> None:
    """Every death leaves the rows of before or those of after, which tell the same; a purge after it brings it to its end."""
    compact.compact(out, datetime.timedelta(0))
    scan(out, {"a": {1}, "b": set(), "d": {5}})
    scan(out, {"a": {1}, "b": set(), "d": {5}})
    limit = after(runs.committed(out)[-2])
    planned = purge.plan(out, limit)
    whole = tmp_path / "whole"
    shutil.copytree(out, whole)
    purged(whole, limit)
    assert now(whole) == now(out)
    full, reduced = rows_read(out), rows_read(whole)
    died = 0
    for step in range(1, 400):
        copy = tmp_path / f"{step:03}"
        shutil.copytree(out, copy)
        child = os.fork()
        if child == 0:
            try:
                die_at(step, copy)
                with purge.purging(copy):  # without DuckDB, which starts threads in a forked process
                    purge.carry_out(copy, planned)
            finally:
                os._exit(0)
        ended = not os.WIFSIGNALED(os.waitpid(child, 0)[1])
        found = rows_read(copy)
        assert {t: found[t] for t in purge.TABLES} in ({t: full[t] for t in purge.TABLES}, {t: reduced[t] for t in purge.TABLES}), step
        assert all(reduced[t] <= found[t] <= full[t] for t in decisions.TABLES)
        if step % 16 == 0 or ended:
            purged(copy, limit)
            assert rows_read(copy) == reduced
            assert runs.committed(copy) == runs.committed(whole)
            assert not [path for path in copy.rglob("*") if path.suffix == ".tmp" or path.name == compact.RECORD]
        shutil.rmtree(copy)
        if ended:
            break
        died += 1
    assert died > 30
