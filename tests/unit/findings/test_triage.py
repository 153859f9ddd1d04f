"""What people decided: what it covers, how long it holds, and what brings a finding back."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scanner.findings import compact, decisions
from scanner.findings.decide import DecisionError, Wanted
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.findings.schema import COVERED, DECISIONS
from scanner.findings.store import open_store
from tests.unit.findings.deciding import TODAY, desk, number, object_number, one, one_object, scan, states, wanted
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, told

DAY = datetime.timedelta(days=1)


def ignore(out: Path, *paths: str, until: datetime.date | None = None) -> None:
    with desk(out) as order:
        order.ignore(wanted(*paths), "known", until)


# --------------------------------------------------------------------------- what an ignore covers


def test_an_ignored_finding_is_not_open_and_is_told_with_who_and_why(tmp_path: Path) -> None:
    run = scan(tmp_path, {"a": {1, 2}, "b": {3}})
    assert states(tmp_path) == {"a": ("open", None), "b": ("open", None)}
    with desk(tmp_path) as order:
        done = order.ignore(wanted("a"), "  test\n data ", TODAY + 30 * DAY)
        assert (done.findings, done.objects) == (1, 0)
    assert states(tmp_path) == {"a": ("ignored", None), "b": ("open", None)}
    row = one(tmp_path, "a")
    assert (row["decided_by"], row["decided_why"], row["until"]) == ("alice (1001)", "test data", TODAY + 30 * DAY)
    assert row["decided_at"].tzinfo is not None
    with open_findings(tmp_path, TODAY) as found:
        assert found.findings()["path"].tolist() == ["b"]
        assert found.findings(run=run).set_index("path")["state"].to_dict() == {"a": "ignored", "b": "open"}
        assert (
            found.sql("SELECT state FROM standing_findings s JOIN all_findings USING (finding_id)")["state"].tolist().count("ignored") == 1
        )
        (told_row,) = found.decisions().to_dict("records")
        assert (told_row["action"], told_row["state"], told_row["fingerprints"], told_row["run_id"]) == ("ignore", "ignored", 2, run)


def test_findings_themselves_are_never_touched(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1, 2}})
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ignore(tmp_path, "a")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("later", "expected"),
    [({1, 2}, ("ignored", None)), ({1}, ("ignored", None)), ({1, 2, 9}, ("open", "new_values")), ({9}, ("open", "new_values"))],
)
def test_another_value_in_the_same_place_reopens(tmp_path: Path, later: set[int], expected: tuple[str, str | None]) -> None:
    scan(tmp_path, {"a": {1, 2}})
    ignore(tmp_path, "a")
    scan(tmp_path, {"a": later})
    assert states(tmp_path) == {"a": expected}


def test_once_the_new_value_is_gone_the_ignore_holds_again(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1, 2}})
    ignore(tmp_path, "a")
    scan(tmp_path, {"a": {1, 3}})
    scan(tmp_path, {"a": {2}})
    assert states(tmp_path) == {"a": ("ignored", None)}


def test_a_value_of_another_place_does_not_help(tmp_path: Path) -> None:
    """The set belongs to the finding: 3 was known in b, and is new in a."""
    scan(tmp_path, {"a": {1}, "b": {3}})
    ignore(tmp_path, "a", "b")
    scan(tmp_path, {"a": {1, 3}, "b": {3}})
    assert states(tmp_path) == {"a": ("open", "new_values"), "b": ("ignored", None)}


def test_another_ignore_covers_what_came_since(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    ignore(tmp_path, "a")
    scan(tmp_path, {"a": {1, 2}})
    ignore(tmp_path, "a")
    scan(tmp_path, {"a": {2}})
    assert states(tmp_path) == {"a": ("ignored", None)}


@pytest.mark.parametrize(("later", "expected"), [({5}, ("ignored", None)), ({1, 2}, ("ignored", None)), ({1, 2, 3}, ("open", "grown"))])
def test_a_grown_number_of_values_reopens_what_is_never_fingerprinted(tmp_path: Path, later: set[int], expected: tuple[str, Any]) -> None:
    scan(tmp_path, {"a": {1, 2}}, kind="JP_MY_NUMBER")
    ignore(tmp_path, "a")
    assert not list((tmp_path / "covered").glob("*"))
    scan(tmp_path, {"a": later}, kind="JP_MY_NUMBER")
    assert states(tmp_path) == {"a": expected}


def test_values_that_cannot_be_compared_leave_the_finding_open(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1, 2}})
    ignore(tmp_path, "a")
    run = scan(tmp_path, {"a": {1, 2}})
    next((tmp_path / "values" / f"run={run}").iterdir()).unlink()
    with open_findings(tmp_path, TODAY) as found:
        assert found.findings()["reopened"].tolist() == ["cannot_compare"]


def test_the_same_bytes_read_by_the_same_engine_need_no_comparison(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1, 2}}, hashes={"a": "h"})
    ignore(tmp_path, "a")
    run = scan(tmp_path, {"a": {1, 2}}, hashes={"a": "h"})
    next((tmp_path / "values" / f"run={run}").iterdir()).unlink()
    with open_findings(tmp_path, TODAY) as found:
        assert found.findings(closed=True)["state"].tolist() == ["ignored"]


def test_without_what_it_covered_everything_is_new(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1, 2}})
    ignore(tmp_path, "a")
    next((tmp_path / "covered").iterdir()).unlink()
    scan(tmp_path, {"a": {1, 2}})
    assert states(tmp_path) == {"a": ("open", "new_values")}


def test_an_unchanged_object_that_is_judged_anew_has_the_values_of_its_last_reading(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1, 2}})
    ignore(tmp_path, "a")
    found = {"entity_type": "PERSON", "column": "c", "distinct": 2, "verdict": "stray"}
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), [ROOT]) as writer:
        writer.objects([object_row("a", status="unchanged")])
        writer.findings([finding_row("a") | found])
        writer.commit(told())
    assert states(tmp_path) == {"a": ("ignored", None)}


# --------------------------------------------------------------------------- how long it holds


def test_an_expired_ignore_comes_back(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    ignore(tmp_path, "a", until=TODAY + DAY)
    assert states(tmp_path, TODAY + DAY) == {"a": ("ignored", None)}
    assert states(tmp_path, TODAY + 2 * DAY) == {"a": ("open", "expired")}


def test_a_decision_that_is_taken_back(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}, "b": {2}})
    ignore(tmp_path, "a")
    with desk(tmp_path) as order:
        with pytest.raises(DecisionError, match="neither ignored nor accepted"):
            order.reopen(wanted("b"), "wrong")
        order.reopen(wanted("a"), "wrong")
    assert states(tmp_path) == {"a": ("open", "withdrawn"), "b": ("open", None)}
    with desk(tmp_path) as order:
        order.accept(wanted("a"), "borne")
    assert states(tmp_path)["a"] == ("accepted", None)
    with open_findings(tmp_path) as found:
        assert found.decisions(every=True)["action"].tolist() == ["ignore", "reopen", "accept"]
        assert found.decisions()["action"].tolist() == ["accept"]


def test_a_closed_finding_stays_closed_and_comes_back_ignored_if_it_is_the_same(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    ignore(tmp_path, "a")
    scan(tmp_path, {})
    assert states(tmp_path) == {"a": ("closed", None)}
    scan(tmp_path, {"a": {1}})
    assert states(tmp_path) == {"a": ("ignored", None)}


# --------------------------------------------------------------------------- whose it is


def test_assigned_due_overdue(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    with desk(tmp_path) as order:
        order.assign(wanted("a"), "Sales", TODAY + DAY)
    row = one(tmp_path, "a")
    assert (row["state"], row["assigned_to"], row["due"], row["overdue"]) == ("open", "Sales", TODAY + DAY, False)
    assert one(tmp_path, "a", TODAY + 2 * DAY)["overdue"] is True
    ignore(tmp_path, "a")
    assert one(tmp_path, "a", TODAY + 2 * DAY)["overdue"] is False
    with desk(tmp_path) as order:
        order.unassign(wanted("a"))
        assert one(tmp_path, "a")["assigned_to"] is None
    with desk(tmp_path) as order, pytest.raises(DecisionError, match="assigned to nobody"):
        order.unassign(wanted("a"))


# --------------------------------------------------------------------------- measures


def measure(out: Path, path: str = "a", due: datetime.date = TODAY + DAY) -> None:
    with desk(out) as order:
        order.measure(wanted(path), "export left behind", "delete after sending", due)


def test_only_a_complete_scan_without_it_closes_a_measure(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}, "b": {2}})
    measure(tmp_path)
    assert one(tmp_path, "a")["measure_state"] == "pending"
    assert one(tmp_path, "a", TODAY + 2 * DAY)["measure_state"] == "overdue"
    scan(tmp_path, {"a": set(), "b": {2}}, outcome="incomplete")
    assert (one(tmp_path, "a")["state"], one(tmp_path, "a")["measure_state"]) == ("closed", "pending")
    scan(tmp_path, {"a": "permission", "b": {2}})
    assert one(tmp_path, "a")["measure_state"] == "pending"
    scan(tmp_path, {"a": set(), "b": {2}})
    assert (one(tmp_path, "a")["state"], one(tmp_path, "a")["measure_state"]) == ("closed", "closed")
    scan(tmp_path, {"a": {1}, "b": {2}})
    row = one(tmp_path, "a")
    assert (row["state"], row["measure_state"], row["reopened"]) == ("open", "recurred", "recurred")
    measure(tmp_path)
    assert one(tmp_path, "a")["measure_state"] == "pending"


def test_a_file_that_is_gone_closes_the_measure_only_where_the_scan_could_look(tmp_path: Path) -> None:
    scan(tmp_path, {"in/a": {1}, "b": {2}})
    measure(tmp_path, "in/a")
    scan(tmp_path, {"b": {2}, "in/": "permission"})
    assert one(tmp_path, "in/a")["measure_state"] == "pending"
    scan(tmp_path, {"x": set()}, root="/elsewhere")
    assert one(tmp_path, "in/a")["measure_state"] == "pending"
    scan(tmp_path, {"b": {2}})
    assert one(tmp_path, "in/a")["measure_state"] == "closed"
    scan(tmp_path, {"b": {2}, "in/a": {7}})
    assert one(tmp_path, "in/a")["measure_state"] == "recurred"


def test_an_unchanged_file_closes_a_measure_only_after_a_reading_without_it(tmp_path: Path) -> None:
    def unchanged() -> None:
        store = open_store(tmp_path, KEY_ID)
        with store.begin(store.new_run_id(), [ROOT]) as writer:
            writer.objects([object_row("a", status="unchanged")])
            writer.commit(told())

    scan(tmp_path, {"a": {1}})
    measure(tmp_path)
    unchanged()
    assert one(tmp_path, "a")["measure_state"] == "pending"
    scan(tmp_path, {"a": set()}, outcome="stopped")
    assert one(tmp_path, "a")["measure_state"] == "pending"
    unchanged()
    assert one(tmp_path, "a")["measure_state"] == "closed"


def test_a_run_that_had_begun_before_the_measure_does_not_close_it(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    store = open_store(tmp_path, KEY_ID)
    begun = store.new_run_id()
    measure(tmp_path)
    with store.begin(begun, [ROOT]) as writer:
        writer.objects([object_row("a")])
        writer.commit(told())
    assert (one(tmp_path, "a")["state"], one(tmp_path, "a")["measure_state"]) == ("closed", "pending")


def test_a_member_is_gone_once_its_archive_was_read_without_it(tmp_path: Path) -> None:
    def archive(status: str, *members: str) -> None:
        store = open_store(tmp_path, KEY_ID)
        with store.begin(store.new_run_id(), [ROOT]) as writer:
            reason = "encrypted" if status == "partial" else None
            writer.objects([object_row("z.zip", status=status, reason=reason), *(object_row("z.zip", member) for member in members)])
            writer.findings([finding_row("z.zip", member=member) | {"verdict": "stray"} for member in members])
            writer.commit(told())

    archive("scanned", "m")
    with desk(tmp_path) as order:
        order.measure(Wanted((f"{ROOT}|z.zip|m|r",)), "cause", "measure", TODAY)
    archive("partial")
    assert one(tmp_path, "z.zip")["measure_state"] == "pending"
    archive("scanned")
    assert one(tmp_path, "z.zip")["measure_state"] == "closed"


def test_a_measure_can_be_taken_back(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    measure(tmp_path)
    with desk(tmp_path) as order:
        order.unmeasure(wanted("a"), "another is better")
    assert one(tmp_path, "a")["measure"] is None
    with desk(tmp_path) as order, pytest.raises(DecisionError, match="without a measure"):
        order.unmeasure(wanted("a"), "again")


# --------------------------------------------------------------------------- unread objects


def test_an_unread_object_is_triaged_alike(tmp_path: Path) -> None:
    scan(tmp_path, {"a": "encrypted", "b": "encrypted", "c": {1}}, hashes={"a": "h"})
    assert [one_object(tmp_path, path)["state"] for path in "abc"] == ["open", "open", None]
    with desk(tmp_path) as order:
        done = order.ignore(Wanted((object_number("a"),)), "the board's minutes")
        assert (done.findings, done.objects) == (0, 1)
    assert one_object(tmp_path, "a")["state"] == "ignored"
    scan(tmp_path, {"a": "encrypted", "b": "encrypted", "c": {1}}, hashes={"a": "h"})
    assert one_object(tmp_path, "a")["state"] == "ignored"
    scan(tmp_path, {"a": "encrypted"}, hashes={"a": "another"})
    assert (one_object(tmp_path, "a")["state"], one_object(tmp_path, "a")["reopened"]) == ("open", "other_content")
    scan(tmp_path, {"a": "damaged"}, hashes={"a": "h"})
    assert (one_object(tmp_path, "a")["state"], one_object(tmp_path, "a")["reopened"]) == ("open", "other_reason")
    scan(tmp_path, {"a": {4}})
    assert one_object(tmp_path, "a")["state"] is None
    assert states(tmp_path)["a"] == ("open", None), "what it holds was never judged"
    with open_findings(tmp_path) as found:
        assert found.decisions()["state"].tolist() == ["closed"]


def test_a_container_is_put_aside_with_its_unread_members(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), [ROOT]) as writer:
        for archive in ("y.zip", "z.zip"):
            writer.objects([object_row(archive, status="partial", reason="member_unread"), object_row(archive, "ok")])
            writer.objects([object_row(archive, member, status="unreadable", reason="encrypted") for member in ("m", "n")])
        writer.commit(told())
    with desk(tmp_path) as order:
        order.ignore(Wanted(tuple(f"{ROOT}|{name}" for name in ("y.zip|m", "y.zip|n", "z.zip|m"))), "known")
    with open_findings(tmp_path) as found:
        state = {(row["path"], row["member"]): row["state"] for row in found.objects(arrow=True).to_pylist()}
    assert state == {
        ("y.zip", None): "ignored",
        ("y.zip", "ok"): None,
        ("y.zip", "m"): "ignored",
        ("y.zip", "n"): "ignored",
        ("z.zip", None): "open",
        ("z.zip", "ok"): None,
        ("z.zip", "m"): "ignored",
        ("z.zip", "n"): "open",
    }


def test_what_the_policy_excuses_is_not_open(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), [ROOT]) as writer:
        writer.objects([object_row("a", status="unreadable", reason="image_only") | {"excused": True}])
        writer.commit(told())
    assert one_object(tmp_path, "a")["state"] == "excused"


def test_a_measure_about_an_unread_object(tmp_path: Path) -> None:
    scan(tmp_path, {"a": "permission", "b": set()})
    with desk(tmp_path) as order:
        order.measure(Wanted((object_number("a"),)), "no rights", "give the scanner's account the right to read", TODAY)
    assert one_object(tmp_path, "a")["measure_state"] == "pending"
    scan(tmp_path, {"a": "permission", "b": set()})
    assert one_object(tmp_path, "a")["measure_state"] == "pending"
    scan(tmp_path, {"a": set(), "b": set()})
    assert one_object(tmp_path, "a")["measure_state"] == "closed"
    scan(tmp_path, {"a": "permission", "b": set()})
    assert one_object(tmp_path, "a")["measure_state"] == "recurred"


# --------------------------------------------------------------------------- a baseline


def test_a_baseline_takes_only_what_was_read(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}, "b": {2}, "u": "encrypted", "old": {5}})
    scan(tmp_path, {"a": {1}, "b": {2}, "c": {3}, "u": "encrypted", "old": "permission"}, outcome="incomplete")
    with desk(tmp_path) as order:
        rehearsed = order.baseline("first look", dry_run=True)
        done = order.baseline("first look")
    assert rehearsed.decision_id is None and rehearsed.left_out == done.left_out
    assert (done.findings, done.objects) == (0, 0), "of what can be read now, all newest rows are of a run that did not come to its end"
    assert done.left_out["not_in_a_complete_run"] == 3
    scan(tmp_path, {"a": {1}, "b": {2}, "u": "encrypted", "old": "permission"})
    with desk(tmp_path) as order:
        done = order.baseline("first look")
    assert (done.findings, done.objects) == (2, 0)
    assert done.left_out == {"not_in_a_complete_run": 0, "no_longer_readable": 1, "unread_objects": 2}
    assert states(tmp_path) == {"a": ("ignored", None), "b": ("ignored", None), "c": ("closed", None), "old": ("open", None)}
    scan(tmp_path, {"a": {1}, "b": {2, 4}, "d": {1}, "u": {8}})
    found = {path: state for path, (state, _) in states(tmp_path).items()}
    assert found == {"a": "ignored", "b": "open", "c": "closed", "d": "open", "old": "closed", "u": "open"}


# --------------------------------------------------------------------------- which ones are meant


def test_numbers_may_be_cut_short_while_they_are_one(tmp_path: Path) -> None:
    scan(tmp_path, {"first": {1}, "second": {2}, "u": "encrypted"})
    with desk(tmp_path) as order:
        assert order.ignore(Wanted((f"{ROOT}|first|None|",)), "known").findings == 1
        with pytest.raises(DecisionError, match="ambiguous: the numbers of 3"):
            order.ignore(Wanted((f"{ROOT}|",)), "known")
        with pytest.raises(DecisionError, match="too short"):
            order.ignore(Wanted((ROOT[:3],)), "known")
        with pytest.raises(DecisionError, match="holds no finding"):
            order.ignore(Wanted(("nothing",)), "known")
        with pytest.raises(DecisionError, match="and not both"):
            order.ignore(Wanted((number("first"),), paths=("*",)), "known")
        with pytest.raises(DecisionError, match="and not both"):
            order.ignore(Wanted(), "known")
    scan(tmp_path, {"second": {2}})
    with desk(tmp_path) as order, pytest.raises(DecisionError, match="is closed"):
        order.ignore(wanted("first"), "known")


def test_conditions_choose_open_stray_findings(tmp_path: Path) -> None:
    scan(tmp_path, {"sales/a.csv": {1}, "sales/deep/b.csv": {2}, "hr/c.csv": {3}, "hr/u": "encrypted", "sales/u": "encrypted"})

    def chosen(**conditions: Any) -> tuple[int, int]:
        with desk(tmp_path) as order:
            done = order.ignore(Wanted(**conditions), "known", dry_run=True)
            assert done.decision_id is None
            return done.findings, done.objects

    assert chosen(paths=("sales/**",)) == (2, 0)
    assert chosen(paths=("sales/*.csv",)) == (1, 0)
    assert chosen(paths=(f"{ROOT}/hr/**",)) == (1, 0)
    assert chosen(departments=("sales",), entities=("PERSON",)) == (2, 0)
    assert chosen(entities=("ADDRESS",)) == (0, 0)
    assert chosen(unread=True) == (0, 2)
    assert chosen(unread=True, paths=("hr/**",)) == (0, 1)
    assert not (tmp_path / "decisions").exists()
    ignore(tmp_path, "sales/a.csv")
    assert chosen(paths=("sales/**",)) == (1, 0)
    with desk(tmp_path) as order:
        assert order.reopen(Wanted(paths=("**",)), "all back").findings == 1
        with pytest.raises(DecisionError, match="glob"):
            order.ignore(Wanted(paths=("[",)), "known")
        with pytest.raises(DecisionError, match="no kinds"):
            order.ignore(Wanted(entities=("PERSON",), unread=True), "known")


def test_what_says_nothing_or_has_passed_is_refused(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    with desk(tmp_path) as order:
        with pytest.raises(DecisionError, match="reason is needed"):
            order.ignore(wanted("a"), " \n")
        with pytest.raises(DecisionError, match="2026-04-30 has passed"):
            order.ignore(wanted("a"), "known", TODAY - DAY)
        with pytest.raises(DecisionError, match="2026-04-30 has passed"):
            order.assign(wanted("a"), "Sales", TODAY - DAY)
        with pytest.raises(DecisionError, match="too long"):
            order.ignore(wanted("a"), "x" * 2_001)
    assert not (tmp_path / "decisions").exists()


# --------------------------------------------------------------------------- files


def test_the_files_are_in_the_schema_and_readable_by_anyone(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1, 2}, "b": {7}})
    ignore(tmp_path, "a", "b")
    (rows,) = (tmp_path / "decisions").glob("*.parquet")
    (covered,) = (tmp_path / "covered").glob("*.parquet")
    assert pq.read_schema(rows).equals(DECISIONS)
    assert pq.read_schema(covered).equals(COVERED)
    table = pq.read_table(covered).to_pylist()
    assert sorted((row["finding_id"], row["fingerprint"]) for row in table) == [(number("a"), 1), (number("a"), 2), (number("b"), 7)]


def test_a_damaged_file_of_decisions_is_said_and_costs_no_more_than_itself(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}, "b": {2}})
    ignore(tmp_path, "a")
    ignore(tmp_path, "b")
    first, second = sorted((tmp_path / "decisions").glob("*.parquet"))
    first.write_bytes(first.read_bytes()[:-9])
    with open_findings(tmp_path) as found:
        assert found.problems == [f"decisions/{first.name} is left out: it is damaged"]
        assert found.findings()["path"].tolist() == ["a"]
    data = bytearray(second.read_bytes())
    data[60] ^= 0xFF
    second.write_bytes(data)
    with open_findings(tmp_path) as found:
        assert f"decisions/{second.name} is left out: its content is damaged" in found.verify()
        assert sorted(found.findings()["path"]) == ["a", "b"]


def test_decisions_of_a_newer_version_are_said_and_left_out(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}})
    ignore(tmp_path, "a")
    (path,) = (tmp_path / "decisions").glob("*.parquet")
    table = pq.read_table(path).replace_schema_metadata({b"strayscan.schema": b"2"})
    pq.write_table(table, path)
    with open_findings(tmp_path) as found:
        assert found.problems == [f"decisions/{path.name} is left out: it was written by a newer version (schema 2)"]
        assert found.findings()["state"].tolist() == ["open"]


def test_a_store_that_cannot_be_decided_about(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no findings"):
        desk(tmp_path)
    scan(tmp_path, {"a": {1}})
    (tmp_path / ".strayscan.json").write_text('{"schema": 99, "key_id": "x"}')
    with pytest.raises(StoreError, match="newer version"):
        desk(tmp_path)


def test_many_files_of_decisions_become_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MERGED_FROM", 3)
    paths = [f"f{number}" for number in range(8)]
    scan(tmp_path, {path: {place, 100} for place, path in enumerate(paths)})
    for path in paths:
        ignore(tmp_path, path)
    assert len(list((tmp_path / "decisions").iterdir())) <= 4
    scan(tmp_path, {path: {place} for place, path in enumerate(paths)})
    assert set(states(tmp_path).values()) == {("ignored", None)}
    with open_findings(tmp_path) as found:
        assert found.verify() == []
        assert len(found.decisions(every=True)) == 8
    assert decisions.new_id(tmp_path) > max(pq.read_table(tmp_path / "decisions", partitioning=None)["decision_id"].to_pylist())


def test_compacting_a_store_merges_decisions_too(tmp_path: Path) -> None:
    scan(tmp_path, {"a": {1}, "b": {2}})
    ignore(tmp_path, "a")
    ignore(tmp_path, "b")
    done = compact.compact(tmp_path, datetime.timedelta(days=1))
    assert (done.files_before - done.files_after, done.runs) == (2, 0)
    scan(tmp_path, {"a": {1}, "b": {2}})
    assert set(states(tmp_path).values()) == {("ignored", None)}
