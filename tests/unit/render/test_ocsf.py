"""Every event is one that the pinned OCSF schema accepts, and says what the record says."""

from __future__ import annotations

import datetime
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest

from scanner.findings.decide import Triage, Wanted
from scanner.findings.read import open_findings
from scanner.findings.records import Choice
from scanner.render import ocsf
from scanner.render.export import export
from tests.unit.findings import deciding
from tests.unit.findings.samples import ROOT, object_row, publish
from tests.unit.render.exporting import NASTY, hostile, stray, written

PINNED = Path(__file__).with_name("ocsf-1.8.0-data-security-finding.json")


@cache
def validator() -> Any:
    schema = json.loads(PINNED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def faults(event: dict[str, Any]) -> list[str]:
    return [f"{list(fault.path)}: {fault.validator}" for fault in validator().iter_errors(event)]


def events(out: Path, choice: Choice | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(out, "ocsf", choice)[0].splitlines()]


@pytest.fixture
def three_runs(tmp_path: Path) -> Path:
    """`kept` found twice, `new` in the second run, `gone` deleted, `read` cleaned, `excluded` excluded; `locked` and `photo` unread."""
    paths = ("kept.txt", "gone.txt", "read.txt", "excluded.txt")
    publish(tmp_path, [object_row(path) for path in paths], [stray(path) for path in paths])
    publish(
        tmp_path,
        [
            object_row("kept.txt") | {"severity": "critical", "persons": 40, "exposure": "everyone", "modified_at": 1.5, "owner": "me"},
            object_row("read.txt"),
            object_row("new.txt") | {"severity": "low"},
            object_row("excluded.txt", status="excluded", reason="policy"),
            object_row("locked.xlsx", status="unreadable", reason="encrypted"),
            object_row("photo.png", status="partial", reason="image_only") | {"excused": True},
        ],
        [
            stray("kept.txt") | {"place": "page 7", "column": "column 3", "first_line": 9},
            stray("new.txt") | {"entity_type": "JP_MY_NUMBER", "store": "hr", "reason": "kind_not_allowed"},
            stray("new.txt", "approved") | {"verdict": "approved", "reason": None, "score": None, "detector": None, "rule_id": None},
            stray("new.txt", "mine") | {"verdict": "info", "reason": "known"},
        ],
    )
    return tmp_path


def test_every_event_fits_the_pinned_schema(three_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    everything = Choice(verdicts=("stray", "approved", "info"), closed=True)
    found = events(three_runs, everything)
    assert len(found) == 9
    hostile(out := tmp_path_factory.mktemp("hostile"))
    found += events(out, everything)
    assert [fault for event in found for fault in faults(event)] == []


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        (("severity_id",), 7),
        (("class_uid",), 2004),
        (("time",), "2026-11-28"),
        (("finding_info", "uid"), None),
        (("file", "type_id"), None),
        (("file", "colour"), "red"),
        (("data_security", "detection_system_id"), 40),
        (("data_security", "discovery_details"), [{"type": "PERSON", "occurrences": [{}]}]),
        (("metadata", "product"), {"version": "1"}),
        (("resources",), {}),
    ],
)
def test_the_pinned_schema_refuses_what_is_wrong(three_runs: Path, path: tuple[str, ...], broken: Any) -> None:
    event = events(three_runs)[0]
    inner = event
    for step in path[:-1]:
        inner = inner[step]
    if broken is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = broken
    assert faults(event) != []


def test_activity_and_status_follow_what_became_of_a_finding(three_runs: Path) -> None:
    found = {event["file"]["name"]: event for event in events(three_runs, Choice(closed=True))}
    told = {name: (event["type_uid"], event["status"], event["is_alert"], event["severity"]) for name, event in found.items()}
    assert told == {
        "kept.txt": (200602, "New", True, "Critical"),
        "new.txt": (200601, "New", True, "Low"),
        "gone.txt": (200603, "Resolved", False, "Unknown"),
        "read.txt": (200603, "Resolved", False, "Unknown"),
        "excluded.txt": (200602, "Suppressed", False, "Unknown"),
        "locked.xlsx": (200601, "New", True, "Unknown"),
        "photo.png": (200601, "Suppressed", False, "Unknown"),
    }
    with open_findings(three_runs) as store:
        first, second = (int(moment.timestamp() * 1000) for moment in store.runs()["started_at"])
    assert abs(found["gone.txt"]["time"] - second) <= 1, "closed by the run that no longer found it"
    assert abs(found["gone.txt"]["finding_info"]["first_seen_time"] - first) <= 1


def test_what_people_decided_is_told(tmp_path: Path) -> None:
    deciding.scan(tmp_path, {"a": {1}, "b": {2}, "c": {3}, "u": "locked", "v": "locked"})
    desk = Triage(tmp_path, person=deciding.ALICE, today=deciding.TODAY)
    desk.ignore(deciding.wanted("a"), "test data")
    desk.assign(deciding.wanted("b"), "Sales", datetime.date(2026, 6, 1))
    desk.accept(Wanted((deciding.object_number("u"),)), "a music file")
    found = {event["file"]["name"]: event for event in events(tmp_path, Choice(closed=True))}
    assert {name: (event["status"], event["is_alert"]) for name, event in found.items()} == {
        "a": ("Suppressed", False),
        "b": ("In Progress", True),
        "c": ("New", True),
        "u": ("Suppressed", False),
        "v": ("New", True),
    }
    assert (found["b"]["unmapped"]["assigned_to"], found["b"]["unmapped"]["due"]) == ("Sales", "2026-06-01")
    assert [fault for event in found.values() for fault in faults(event)] == []
    assert "2026-06-01" in written(tmp_path, "csv")[0].decode() and "2026-06-01" in written(tmp_path, "jsonl")[0].decode()


def test_what_was_not_read_is_told_and_has_no_severity(three_runs: Path) -> None:
    (locked,) = (event for event in events(three_runs) if event["file"]["name"] == "locked.xlsx")
    assert locked["finding_info"]["types"] == ["unread"]
    assert (locked["severity_id"], locked["message"]) == (0, "Not read: encrypted")
    assert (locked["data_security"]["status"], locked["data_security"]["status_details"]) == ("Fail", ["encrypted"])


def test_a_finding_is_told_where_it_lies_and_by_what(three_runs: Path) -> None:
    found = {event["file"]["name"]: event for event in events(three_runs)}
    kept, new = found["kept.txt"], found["new.txt"]
    (detail,) = kept["data_security"]["discovery_details"]
    (place,) = detail.pop("occurrences")
    assert detail == {"type": "PERSON", "count": 4}
    assert place == {"column_name": "column 3", "column_number": 3, "row_number": 2, "start_line": 9, "page_number": 7}
    assert kept["finding_info"]["uid"] == f"{ROOT}|kept.txt|None|r"
    assert kept["finding_info"]["analytic"]["type"] == "Statistical"
    assert kept["file"] | {"modified_time": 1500, "owner": {"name": "me"}, "path": f"{ROOT}/kept.txt"} == kept["file"]
    assert kept["unmapped"]["persons"] == 40
    assert new["data_security"]["category"] == "Governmental"
    assert new["data_security"]["policy"]["name"] == "hr"


def test_events_come_in_order_of_time_and_tell_no_masks_as_values(three_runs: Path) -> None:
    found = events(three_runs, Choice(closed=True))
    times = [event["time"] for event in found]
    assert times == sorted(times)
    assert b'"value"' not in written(three_runs, "ocsf")[0]
    assert len({event["metadata"]["uid"] for event in found}) == len(found)


def test_members_and_nasty_names_keep_their_names(tmp_path: Path) -> None:
    hostile(tmp_path)
    told = {event["unmapped"]["path"] for event in events(tmp_path)}
    assert told == set(NASTY)
    members = [event["file"]["name"] for event in events(tmp_path) if event["finding_info"]["types"] == ["unread"]]
    assert "esc\x1b[31mred\x9b2J.txt" in members


def test_parquet_holds_the_same_events_by_day_and_time(three_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("lake") / "new" / "ext"
    with open_findings(three_runs) as store:
        told = export(store, folder, "ocsf-parquet", Choice(closed=True))
    files = sorted(folder.rglob("*"))
    assert all(path.name.startswith("eventDay=") if path.is_dir() else path.suffix == ".parquet" for path in files)
    rows = [row for path in files if path.is_file() for row in pq.ParquetFile(path).read().to_pylist()]
    assert [ocsf._pruned(row) for row in rows] == events(three_runs, Choice(closed=True))
    assert told.findings + told.unread == len(rows)


def test_the_parquet_schema_has_every_attribute_of_the_events(three_runs: Path) -> None:
    """Else an attribute would be dropped silently on the way into Parquet."""

    def check(value: Any, kind: Any, where: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                assert kind.get_field_index(name) >= 0, f"{where}.{name}"
                check(inner, kind.field(name).type, f"{where}.{name}")
        elif isinstance(value, list):
            for inner in value:
                check(inner, kind.value_type, where)

    schema = ocsf.parquet_schema()
    for event in events(three_runs, Choice(verdicts=("stray", "approved", "info"), closed=True)):
        for name, value in event.items():
            check(value, schema.field(name).type, name)
