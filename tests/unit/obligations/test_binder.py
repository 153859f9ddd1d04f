"""The audit binder: what belongs to a period, what became of decisions, and everything that is missing or was tampered with."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scanner import api
from scanner.findings.decide import Triage, Wanted
from scanner.findings.errors import StoreError
from scanner.obligations.binder.model import BinderError, Period
from scanner.obligations.binder.pieces import MANIFEST, PAGE
from scanner.obligations.binder.schema import SECTIONS
from scanner.policy.drill import STORE
from scanner.render.binder.writing import Bound
from scanner.run import audit
from tests.unit.outbound.gated import SATO, Gated, install
from tests.unit.render.report.stores import publish as publish_run
from tests.unit.render.report.stores import stray, unread

UTC = datetime.UTC
DAY = datetime.date(2026, 6, 15)
NOON = datetime.datetime(2026, 6, 15, 12, tzinfo=UTC)
NOW = datetime.datetime(2026, 11, 28, 9, tzinfo=UTC)
FIRST, LAST = datetime.date(2026, 4, 1), datetime.date(2026, 10, 31)


def publish(out: Path, *things: Any, start: datetime.datetime = NOON, told: Mapping[str, Any] | None = None, **more: Any) -> str:
    """A run that began at `start`."""
    return publish_run(out, things, told={"start": start.isoformat(), **(told or {})}, **more)


def bound(out: Path, first: datetime.date = FIRST, last: datetime.date = LAST, zone: str | None = "UTC", **more: Any) -> Bound:
    """A binder in a new folder beside the store."""
    number = sum(path.name.startswith("binder") for path in out.parent.iterdir())
    return api.audit(out, out.parent / f"binder{number}", first=first, last=last, zone=zone, **{"now": NOW, **more})


def these_days(out: Path, **more: Any) -> Bound:
    """A binder over what is done while a test runs."""
    now = datetime.datetime.now(UTC)
    return bound(out, now.date() - datetime.timedelta(days=2), now.date(), now=now, **more)


def gaps(made: Bound) -> list[str]:
    return [gap.what for gap in made.binder.gaps]


def page(made: Bound) -> str:
    return (made.folder / PAGE).read_text(encoding="utf-8")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "store"


# --------------------------------------------------------------------------- the period


@pytest.mark.parametrize(
    ("zone", "start", "end", "offsets"),
    [
        ("UTC", "2026-03-31T00:00+00:00", "2026-04-02T00:00+00:00", ("+00:00",)),
        ("Asia/Tokyo", "2026-03-30T15:00+00:00", "2026-04-01T15:00+00:00", ("+09:00",)),
        ("America/New_York", "2026-03-31T04:00+00:00", "2026-04-02T04:00+00:00", ("-04:00",)),
    ],
)
def test_days_begin_and_end_where_their_zone_says(zone: str, start: str, end: str, offsets: tuple[str, ...]) -> None:
    period = Period.of(datetime.date(2026, 3, 31), datetime.date(2026, 4, 1), zone, NOW)
    assert (period.start, period.end) == (datetime.datetime.fromisoformat(start), datetime.datetime.fromisoformat(end))
    assert period.offsets == offsets
    moment = datetime.timedelta(microseconds=1)
    assert [period.holds(at) for at in (period.start - moment, period.start, period.end - moment, period.end)] == [False, True, True, False]


def test_a_day_on_which_clocks_are_changed_is_as_long_as_it_is() -> None:
    day = datetime.date(2026, 3, 29)
    period = Period.of(day, day, "Europe/London", NOW)
    assert period.end.astimezone(UTC) - period.start.astimezone(UTC) == datetime.timedelta(hours=23)
    assert period.offsets == ("+00:00", "+01:00")


def test_without_a_zone_the_machine_s_days_count(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        period = Period.of(DAY, DAY, None, NOW)
        assert (period.start.astimezone(UTC), period.offsets) == (datetime.datetime(2026, 6, 14, 15, tzinfo=UTC), ("+09:00",))
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("first", "last", "zone", "words"),
    [
        (LAST, FIRST, "UTC", "before it begins"),
        (FIRST, NOW.date() + datetime.timedelta(days=1), "UTC", "still to come"),
        (FIRST, NOW.date(), "Pacific/Honolulu", "still to come"),  # there it is the day before
        (FIRST, LAST, "Mars/Olympus", "no time zone"),
        (FIRST, LAST, "../../etc/passwd", "no time zone"),
        (datetime.date.min, LAST, "Asia/Tokyo", "no calendar"),
    ],
)
def test_periods_that_cannot_be(first: datetime.date, last: datetime.date, zone: str, words: str) -> None:
    with pytest.raises(BinderError, match=words):
        Period.of(first, last, zone, datetime.datetime(2026, 11, 28, 5, tzinfo=UTC))


def test_a_run_belongs_to_the_day_on_which_it_began_in_that_zone(out: Path) -> None:
    """Half past midnight in Tokyo is still the day before in London; two periods side by side share no run and lose none."""
    early = datetime.datetime(2026, 6, 14, 15, 30, tzinfo=UTC)
    first = publish(out, stray("a.csv"), start=early)
    second = publish(out, stray("a.csv"), start=early - datetime.timedelta(hours=1))
    assert list(bound(out, DAY, DAY, "Asia/Tokyo").binder.runs) == [first]
    assert list(bound(out, DAY - datetime.timedelta(days=1), DAY - datetime.timedelta(days=1), "Asia/Tokyo").binder.runs) == [second]
    assert list(bound(out, DAY, DAY, "Europe/London").binder.runs) == []


# --------------------------------------------------------------------------- runs


def test_an_empty_store_is_said_to_be_one(out: Path) -> None:
    (out / "runs").mkdir(parents=True)
    made = bound(out)
    assert (made.exit_status, gaps(made)) == (3, ["no_run"])
    states = {section.name: section.state for section in made.binder.sections}
    assert {name for name, state in states.items() if state == "not_given"} == {"excuses", "outbound", "provisions"}
    assert {name for name, state in states.items() if state != "not_given"} == {n for n, state in states.items() if state == "never"}
    assert page(made).count("Nothing was ever recorded in this store.") == 2 * 15  # in the contents, and in each section
    assert "No run began in this period" in page(made)


def test_what_lies_outside_the_period_is_not_told_as_never(out: Path) -> None:
    publish(out, stray("a.csv"))
    made = bound(out, datetime.date(2026, 7, 1))
    assert (made.binder.section("runs").state, made.exit_status) == ("not_in_period", 3)
    (root,) = made.binder.rows("roots")
    assert (root["root"], root["runs"], root["in_period"]) == ("/share", 0, False)
    assert "not scanned in this period" in page(made)


def test_the_last_run_over_a_root_must_have_come_to_its_end(out: Path) -> None:
    publish(out, stray("a.csv"), outcome="stopped")
    publish(out, stray("a.csv"), roots=["/share", "/b"])
    assert (made := bound(out)).exit_status == 0, gaps(made)
    assert "Runs; not complete: 1" in page(made)
    stopped = publish(out, stray("a.csv"), outcome="stopped")
    made = bound(out)
    assert [(gap.what, gap.about["root"], gap.about["run"]) for gap in made.binder.gaps] == [("run_not_complete", "/share", stopped)]
    assert "stopped before its end" in page(made)


def test_a_root_that_was_not_reached_is_a_gap(out: Path) -> None:
    publish(
        out,
        stray("a.csv"),
        told={"roots": {"asked": ["/share", "/gone"], "reached": ["/share"], "not_reached": ["/gone"]}},
        outcome="incomplete",
    )
    made = bound(out)
    assert sorted(gaps(made)) == ["root_not_reached", "run_not_complete"]
    assert {row["root"]: row["not_reached"] for row in made.binder.rows("roots")} == {"/gone": 1, "/share": 0}


def test_coverage_is_counted_for_each_run_and_the_last_is_marked(out: Path) -> None:
    one, other = publish(out, stray("a.csv"), others=[unread("u", "encrypted")]), publish(out, stray("a.csv"), stray("b.csv"))
    counted = {(row["run_id"], row["status"]): (row["objects"], row["last"]) for row in bound(out).binder.rows("coverage")}
    assert counted == {(one, "scanned"): (1, False), (one, "unreadable"): (1, False), (other, "scanned"): (2, True)}


def test_unread_objects_are_gaps_unless_the_policy_or_a_person_says_why(out: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\nexcuse:\n  - {reason: image_only, paths: ['/share/photos/**'], why: product pictures, until: 2026-10-30}\n"
        "  - {reason: encrypted, paths: ['/share/none/**'], why: nothing there}\n",
        encoding="utf-8",
    )
    digest = api_policy_digest(policy)
    objects = [unread("photos/a.png", "image_only", excused=True), unread("x.zip"), unread("y.zip")]
    publish(out, stray("a.csv"), others=objects, told={"digests": {"policy": digest}})
    with Triage(out, today=DAY) as triage:
        triage.ignore(Wanted(paths=("y.zip",), unread=True), "known archive")
    made = bound(out, policy=policy)
    assert [gap.to_json() for gap in made.binder.gaps] == [{"what": "unread", "count": 1}]
    told = {row["path"]: (row["excused_why"], row["state_now"], row["decided_why"]) for row in made.binder.rows("unread")}
    assert told == {
        "photos/a.png": ("product pictures", "excused", None),
        "x.zip": (None, "open", None),
        "y.zip": (None, "ignored", "known archive"),
    }
    assert [(row["why"], row["expired"], row["objects"]) for row in made.binder.rows("excuses")] == [
        ("product pictures", True, 1),
        ("nothing there", False, 0),
    ]
    assert made.binder.policy is not None and made.binder.policy["digest"] == digest
    policy.write_text("version: 1\nstores: [{name: s, paths: ['/share/s/**'], allow: ['*']}]\n", encoding="utf-8")
    assert gaps(bound(out, policy=policy)) == ["unread", "policy_differs"]


def api_policy_digest(file: Path) -> str:
    from scanner.policy import load

    return load(file).digest


def test_rules_and_policies_are_told_over_the_runs_in_which_they_held(out: Path) -> None:
    """A change with the first run of the period is seen, since the run before it is looked at; what nobody can compare is no change."""

    def run(day: int, policy: str, program: str = "strayscan 1", **more: Any) -> str:
        told = {"program": program, "digests": {"policy": policy}, "packs": {"jp": "1"}, **more}
        return publish(out, stray("a.csv"), start=NOON.replace(day=day), told=told)

    run(1, "A")
    two, three = run(10, "B"), run(11, "B", packs={})
    four = run(12, "A")
    made = bound(out, datetime.date(2026, 6, 10), datetime.date(2026, 6, 12))
    rows = [(r["component"], r["value"], r["first_run"], r["last_run"], r["runs"], r["changed"]) for r in made.binder.rows("rules")]
    assert [row for row in rows if row[0] == "policy"] == [("policy", "B", two, three, 2, True), ("policy", "A", four, four, 1, True)]
    assert [row for row in rows if row[0] == "program"] == [("program", "strayscan 1", two, four, 3, False)]
    assert [row[1:] for row in rows if row[0] == "pack jp"] == [
        ("1", two, two, 1, False),
        (None, three, three, 1, True),
        ("1", four, four, 1, True),
    ]
    whole = bound(out, datetime.date(2026, 6, 1), datetime.date(2026, 6, 12)).binder.rows("rules")
    assert [row["changed"] for row in whole if row["component"] == "policy"] == [False, True, True]


def test_stores_say_whether_copies_were_traced_and_whose_review_is_late(out: Path) -> None:
    stores = [
        {"name": "crm", "owner": "Sales", "traced": True, "why": None, "reason": None, "records": 9},
        {"name": "hr", "owner": None, "traced": False, "why": "its paths match nothing", "reason": "missing", "records": 0},
    ]
    publish(out, stray("a.csv"), told={"stores": stores, "overdue": [{"store": "crm", "review_by": "2026-05-01"}]})
    made = bound(out)
    assert [(row["name"], row["traced"], row["overdue"]) for row in made.binder.rows("stores")] == [
        ("crm", True, True),
        ("hr", False, False),
    ]
    assert gaps(made) == ["store_not_traced"]
    publish(out, stray("a.csv"), told={"stores": [*stores[:1], {"name": STORE, "traced": False, "why": "x", "reason": "unread"}]})
    assert [row["name"] for row in bound(out).binder.rows("stores")] == ["crm"]


def test_damage_to_the_store_is_said_and_the_rest_is_told(out: Path) -> None:
    run, other = publish(out, stray("a.csv")), publish(out, stray("b.csv"))
    (file,) = (out / "findings" / f"run={run}").glob("*.parquet")
    data = bytearray(file.read_bytes())
    data[20] ^= 0xFF
    file.write_bytes(data)
    (out / "runs" / f"{other}.json").write_text("{", encoding="utf-8")
    made = bound(out)
    assert made.exit_status == 3
    told = " ".join(str(gap.about["fault"]) for gap in made.binder.gaps if gap.what == "problem")
    assert "content is damaged" in told and f"runs/{other}.json cannot be read" in told
    assert list(made.binder.runs) == [run]


def test_a_folder_without_findings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BinderError, match="there are no findings"):
        bound(tmp_path / "out")


# --------------------------------------------------------------------------- people


def test_decisions_of_the_period_and_those_that_still_hold(out: Path) -> None:
    publish(out, stray("a.csv", kinds=["PERSON"]), stray("b.csv", kinds=["PERSON"]), stray("c.csv", kinds=["PERSON"]))
    with Triage(out) as triage:
        triage.ignore(Wanted(paths=("a.csv",)), "test data")
        triage.accept(Wanted(paths=("b.csv",)), "borne")
        triage.assign(Wanted(paths=("c.csv",)), "Sales")
    with Triage(out) as triage:
        triage.reopen(Wanted(ids=("/share|b.csv|None|PERSON",)), "not borne any more")
    made = these_days(out)
    told = {
        (row["action"], row["path"]): (row["why"], row["stands"], row["state_now"], row["entity_type"])
        for row in made.binder.rows("decisions")
    }
    assert told == {
        ("ignore", "a.csv"): ("test data", True, "ignored", "PERSON"),
        ("accept", "b.csv"): ("borne", False, None, "PERSON"),
        ("reopen", "b.csv"): ("not borne any more", True, "open", "PERSON"),
        ("assign", "c.csv"): (None, True, "open", "PERSON"),
    }
    later = datetime.datetime.now(UTC) + datetime.timedelta(days=40)
    days = (later - datetime.timedelta(days=20)).date(), later.date()
    after = bound(out, *days, now=later).binder.rows("decisions")
    assert [(row["action"], row["path"], row["in_period"]) for row in after] == [("ignore", "a.csv", False)]
    before = bound(out).binder.section("decisions")
    assert (len(before.rows), before.state) == (0, "not_in_period")


def test_measures_with_cause_due_and_what_became_of_them(out: Path) -> None:
    due = datetime.date.today() + datetime.timedelta(days=5)
    things = [stray(f"{name}.csv", kinds=["PERSON"]) for name in ("closed", "open", "back", "other", "twice")]
    now = datetime.datetime.now(UTC)
    publish(out, *things, start=now)
    with Triage(out) as triage:
        for name in ("closed", "open", "back", "other", "twice"):
            triage.measure(Wanted(paths=(f"{name}.csv",)), f"cause of {name}", "to be moved", due)
        triage.measure(Wanted(paths=("other.csv",)), "another cause", "to be deleted", due)
    closing = publish(out, things[1], things[3], start=now)
    publish(out, things[1], things[2], things[3], things[4], start=now)
    again = publish(out, things[1], things[2], things[3], start=now)
    rows = these_days(out).binder.rows("measures")
    told = {(row["path"], row["cause"]): (row["outcome"], row["closed_by"]) for row in rows}
    assert told == {
        ("closed.csv", "cause of closed"): ("closed", closing),
        ("twice.csv", "cause of twice"): ("closed", again),
        ("open.csv", "cause of open"): ("pending", None),
        ("back.csv", "cause of back"): ("recurred", None),
        ("other.csv", "cause of other"): ("replaced", None),
        ("other.csv", "another cause"): ("pending", None),
    }
    later = now + datetime.timedelta(days=40)  # the due day has passed, and what was closed before the period is left out
    after = bound(out, (later - datetime.timedelta(days=20)).date(), later.date(), now=later).binder.rows("measures")
    assert {(row["path"], row["outcome"], row["in_period"]) for row in after} == {
        ("open.csv", "overdue", False),
        ("back.csv", "recurred", False),
        ("other.csv", "overdue", False),
    }


def test_requests_are_numbers_alone(out: Path) -> None:
    publish(out, stray("a.csv"))
    (out / "cases").mkdir()
    check = {
        "checked_at": "2026-06-20T00:00:00+00:00",
        "counts": {"gone_value": 1, "gone_object": 2, "left": 0, "unread": 1, "not_looked": 3, "new": 4},
    }
    case = {"opened_at": "2026-03-31T23:59:59+00:00", "case": "yamada-hanako", "matches": [{"path": "a"}, {"path": "b"}], "checks": [check]}
    (out / "cases" / "yamada-hanako.json").write_text(json.dumps(case), encoding="utf-8")
    (out / "cases" / "b.json").write_text(json.dumps({**case, "opened_at": "2026-05-01T00:00:00+00:00", "checks": []}), encoding="utf-8")
    (out / "cases" / "old.json").write_text(json.dumps({**case, "checks": []}), encoding="utf-8")
    (out / "cases" / "bad.json").write_text('{"opened_at": 1, "checks": []}', encoding="utf-8")
    made = bound(out)
    assert [(row["number"], row["places"], row["checks"], row["not_looked"]) for row in made.binder.rows("requests")] == [
        (1, 2, 1, 3),
        (2, 2, 0, None),
    ]
    assert [gap.to_json() for gap in made.binder.gaps] == [{"what": "record_unreadable", "records": "cases/*.json", "count": 1}]
    assert b"hanako" not in b"".join(file.read_bytes() for file in made.folder.iterdir())


# --------------------------------------------------------------------------- records


def test_registers_moves_and_deletions(out: Path, tmp_path: Path) -> None:
    publish(out, stray("a.csv"))
    (tmp_path / "policy.yaml").write_text("version: 1\n", encoding="utf-8")
    api.register(out, tmp_path / "policy.yaml", hand={})
    records = out / "cleanup" / "records"
    records.mkdir(parents=True)
    one = {
        "item": "1",
        "action": "delete",
        "path": "/share/a.csv",
        "to": None,
        "kinds": ["PERSON"],
        "persons": 3,
        "who": "sato (1)",
        "reason": "no longer needed",
        "at": "2026-06-01T00:00:00+00:00",
        "how": "in_place",
        "source": "removed",
        "digest": "d",
    }
    for name, done in (("in", "2026-06-01T00:00:00.5+00:00"), ("out", "2026-03-31T23:59:59+00:00")):
        (records / f"{name}.json").write_text(json.dumps({**one, "done_at": done}), encoding="utf-8")
    made = bound(out)
    assert [(row["path"], row["persons"], row["who"], row["how"]) for row in made.binder.rows("cleanup")] == [
        ("/share/a.csv", 3, "sato (1)", "in_place")
    ]
    assert "overwritten where it lay" in page(made)
    assert (made.exit_status, made.binder.section("register").state) == (0, "not_in_period")
    (records / "bad.json").write_text("[]", encoding="utf-8")
    (out / "cleanup" / "orders").mkdir()
    (out / "cleanup" / "orders" / "1.json").write_text("{}", encoding="utf-8")
    (out / "register" / "20260601T000000.000000Z.parquet").write_bytes(b"PAR1")
    made = these_days(out)
    assert len(made.binder.rows("register")) == 1
    assert sorted(gaps(made)) == ["no_run", "orders_open", "record_unreadable", "record_unreadable"]


def test_logs_of_the_store_and_their_chains(out: Path) -> None:
    publish(out, stray("a.csv"), start=datetime.datetime.now(UTC))
    audit.append(
        out,
        "reveals",
        {
            "who": "sato (1)",
            "why": "a hit?",
            "finding_id": "f",
            "entity_type": "PERSON",
            "root": "/share",
            "path": "a.csv",
            "member": None,
            "shown": 2,
            "refused": False,
            "policy": "p",
        },
    )
    audit.append(
        out, "drills", {"run_id": "r", "planted": 20, "found": 19, "missed": [{"path": "x.csv", "what": "not_found", "kinds": []}]}
    )
    audit.append(out, "purge", {"who": "sato (1)", "what": "purged", "rows": 12})
    made = these_days(out)
    assert (made.exit_status, [row["missed"] for row in made.binder.rows("drills")]) == (0, [["x.csv: not_found"]])
    assert [(row["who"], row["shown"]) for row in made.binder.rows("reveals")] == [("sato (1)", 2)]
    (other,) = made.binder.rows("logs")
    assert (other["log"], json.loads(other["entry"])) == ("purge", {"who": "sato (1)", "what": "purged", "rows": 12})
    assert {row["log"]: (row["entries"], row["whole"]) for row in made.binder.rows("chains")} == {
        "audit/drills": (1, True),
        "audit/purge": (1, True),
        "audit/reveals": (1, True),
    }
    file = out / "audit" / "purge.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace('"rows": 12', '"rows": 11') + "no JSON\n", encoding="utf-8")
    made = these_days(out)
    assert [(gap.what, gap.about["fault"]) for gap in made.binder.gaps] == [
        ("chain", "entry 1 was changed"),
        ("chain", "entry 2 cannot be read"),
    ]
    assert (made.exit_status, "entry 1 was changed" in page(made)) == (3, True)


def test_what_a_purge_removed_of_the_period_is_said(out: Path) -> None:
    now = datetime.datetime.now(UTC)
    publish(out, stray("a.csv"), start=now)
    for number in range(3):
        audit.append(out, "reveals", {"who": "sato (1)", "why": f"{number}", "shown": 1})
    entry = {
        "what": "done",
        "who": "sato (1)",
        "limits": {"findings_days": 1, "cases_days": 30, "register_days": 1},
        "rows": {"objects": 3},
    }
    audit.append(out, "purge", {**entry, "runs": 0, "cases": 2, "registers": 0, "log_entries": {}})
    made = these_days(out)
    assert [gap.to_json() for gap in made.binder.gaps] == [
        {"what": "purged_findings", "day": (now - datetime.timedelta(days=1)).date().isoformat()}
    ]  # the limit of cases lies before the period, and no register went
    audit.cut(out, "reveals", 2, "sato (1)")
    made = these_days(out)
    assert gaps(made) == ["log_cut", "purged_findings"]
    assert "audit/reveals: 2 entries, the last of" in page(made)
    assert [row["why"] for row in made.binder.rows("reveals")] == ["2"]
    later = now + datetime.timedelta(days=300)
    assert gaps(bound(out, (later - datetime.timedelta(days=9)).date(), later.date(), now=later)) == ["no_run"]


def test_the_gate_its_log_and_its_provisions(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    install(monkeypatch)
    (tmp_path / "gate").mkdir()
    gated = Gated(tmp_path / "gate")
    item = gated.hold_one()
    with gated.desk(SATO) as desk:
        desk.release(item, "contract C-1")
    publish(out, stray("a.csv"), start=datetime.datetime.now(UTC))
    made = these_days(out, hold=gated.hold)
    assert made.exit_status == 0, made.binder.gaps
    steps = {row["what"]: row for row in made.binder.rows("outbound")}
    assert {"hold", "held", "approve", "sent"} <= set(steps)
    assert (steps["approve"]["why"], steps["sent"]["by"], steps["sent"]["kinds"]) == ("contract C-1", ["sato (4321)"], ["PERSON"])
    assert [(row["path"], row["approved_by"], row["held"]) for row in made.binder.rows("provisions")] == [
        ("leak.txt", ["sato (4321)"], True)
    ]
    assert {row["log"]: row["whole"] for row in made.binder.rows("chains")} == {"hold": True}
    assert b"SECRET" not in b"".join(file.read_bytes() for file in made.folder.iterdir())
    gated.policy.unlink()  # then the held files cannot be checked, and that is said
    made = these_days(out, hold=gated.hold)
    assert gaps(made) == ["desk"] and "not checked" in page(made)
    with sqlite3.connect(gated.hold / ".gate" / "state.sqlite") as database:
        database.execute("UPDATE log SET who = 'nobody' WHERE what = 'approve'")
    database.close()
    made = these_days(out, hold=gated.hold)
    assert "chain" in gaps(made) and made.exit_status == 3
    with pytest.raises(BinderError, match="no watch has held files"):
        these_days(out, hold=tmp_path)


# --------------------------------------------------------------------------- pieces


def test_the_manifest_names_every_piece_and_a_check_finds_what_differs(out: Path) -> None:
    run = publish(out, stray("a.csv"))
    made = bound(out)
    told = json.loads((made.folder / MANIFEST).read_bytes())
    assert {piece["path"] for piece in told["pieces"]} == {PAGE} | {f"{name}.parquet" for name in SECTIONS}
    assert {path.name for path in made.folder.iterdir()} == {piece["path"] for piece in told["pieces"]} | {MANIFEST}
    for piece in told["pieces"]:
        path = made.folder / piece["path"]
        assert (path.stat().st_size, path.stat().st_mode & 0o777) == (piece["size_bytes"], 0o600)
        if piece["rows"] is not None:
            assert (pq.read_metadata(path).num_rows, pq.read_schema(path)) == (piece["rows"], SECTIONS[path.stem])
            assert f"{piece['blake3']}" in page(made)
    assert (told["key_ids"], told["complete"], [one["run_id"] for one in told["runs"]]) == (["00112233aabbccdd"], True, [run])
    assert told["period"]["start"] == "2026-04-01T00:00:00+00:00"
    assert made.folder.stat().st_mode & 0o777 == 0o700
    checked = api.verify_audit(made.folder)
    assert (checked.exit_status, checked.manifest, checked.complete, set(checked.pieces.values())) == (0, made.manifest, True, {"whole"})

    (made.folder / "extra.txt").write_text("x")
    (made.folder / "runs.parquet").unlink()
    (made.folder / "logs.parquet").rename(out / "logs.parquet")  # the same bytes, and yet no piece: it may be another tomorrow
    (made.folder / "logs.parquet").symlink_to(out / "logs.parquet")
    (made.folder / PAGE).write_text(page(made).replace("recorded", "RECORDED", 1), encoding="utf-8")
    checked = api.verify_audit(made.folder)
    odd = {name: state for name, state in checked.pieces.items() if state != "whole"}
    assert (checked.exit_status, odd) == (3, {"extra.txt": "extra", "runs.parquet": "missing", "logs.parquet": "differs", PAGE: "differs"})


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[]",
        '{"version": 99, "complete": true, "pieces": []}',
        '{"version": 1, "complete": true, "pieces": [{"path": "../x"}]}',
        '{"version": 1, "complete": true, "pieces": [{"path": "a/b", "size_bytes": 1, "blake3": ""}]}',
    ],
)
def test_a_manifest_that_cannot_be_read_verifies_nothing(tmp_path: Path, data: str) -> None:
    (tmp_path / MANIFEST).write_text(data)
    checked = api.verify_audit(tmp_path)
    assert (checked.manifest, checked.exit_status) == (None, 3)


def test_a_pipe_in_the_place_of_a_piece_is_not_waited_for(out: Path) -> None:
    publish(out, stray("a.csv"))
    made = bound(out)
    (made.folder / "runs.parquet").unlink()
    os.mkfifo(made.folder / "runs.parquet")
    assert api.verify_audit(made.folder).pieces["runs.parquet"] == "differs"


def test_a_binder_is_written_whole_or_not_at_all(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(out, stray("a.csv"))
    made = bound(out)
    with pytest.raises(BinderError, match="exists already"):
        api.audit(out, made.folder, first=FIRST, last=LAST, now=NOW)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BinderError, match="exists already"):
        api.audit(out, tmp_path / "link", first=FIRST, last=LAST, now=NOW)
    before = sorted(tmp_path.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        bound(out)
    assert sorted(tmp_path.iterdir()) == before
