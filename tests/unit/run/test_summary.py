"""Counting rows into a summary, in bounded memory, worst first."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from scanner.run.summary import RunSummary, StoreState, Tally

START = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def begun(**changes: Any) -> RunSummary:
    return RunSummary(run_id="r", out="/out", roots_asked=("/srv",), started=START, **changes)


def row(path: str, **changes: Any) -> dict[str, Any]:
    basis: dict[str, Any] = {"root": "/srv", "path": path, "member": None, "status": "scanned", "reason": None, "excused": False}
    basis |= {"verdict": "clean", "severity": None, "persons": 0, "bytes_read": 10, "exposure": "group", "department": None, "store": None}
    return basis | changes


def stray(path: str, severity: str = "low", persons: int = 1, **changes: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    finding = {"verdict": "stray", "entity_type": "PERSON", "distinct": persons, "count": persons}
    return row(path, verdict="stray", severity=severity, persons=persons, **changes), [finding]


def test_counts() -> None:
    tally = Tally()
    tally.add(row("a"))
    tally.add(*stray("b", "high", 7))
    tally.add(row("c", status="unreadable", reason="encrypted", verdict="unread"))
    tally.add(row("d", status="unreadable", reason="encrypted", verdict="unread", excused=True))
    tally.add(row("e/", status="excluded", reason="policy", verdict=None, bytes_read=0))
    tally.add(row("z.zip", member="m", bytes_read=999))
    summary = tally.summary(begun())
    assert summary.objects == 6
    assert summary.by_status == {"scanned": 3, "unreadable": 2, "excluded": 1}
    assert summary.by_verdict == {"clean": 2, "stray": 1, "unread": 2}
    assert summary.by_severity == {"high": 1}
    assert (summary.persons, summary.persons_stray, summary.findings, summary.bytes_read) == (7, 7, 1, 40)
    (group,) = summary.unread
    assert (group.reason, group.count, group.excused, group.examples) == ("encrypted", 2, 1, (("/srv", "c", None),))
    assert tally.counts["verdict"] == summary.by_verdict


def test_a_partly_read_stray_object_is_unread_as_well() -> None:
    tally = Tally()
    tally.add(*stray("a", status="partial", reason="timeout"))
    assert tally.summary(begun()).exit_status == 3


def test_the_worst_come_first_and_are_few() -> None:
    tally = Tally(worst_shown=3)
    for number in range(50):
        tally.add(*stray(f"f{number:02}", "low" if number % 10 else "critical", number))
        tally.add(row(f"c{number}.zip", verdict="stray", severity="critical"))  # a container, stray through its members alone
    summary = tally.summary(begun())
    assert [found.path for found in summary.worst] == ["f40", "f30", "f20"]
    assert summary.stray_with_findings == 50
    assert summary.stray == 100


def test_equal_weight_is_ordered_by_place() -> None:
    first, second = Tally(2), Tally(2)
    for tally, names in ((first, "abcdef"), (second, "fedcba")):
        for name in names:
            tally.add(*stray(name))
    assert first.summary(begun()).worst == second.summary(begun()).worst


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 0),
        ({"by_verdict": {"stray": 1}}, 1),
        ({"by_verdict": {"stray": 1}, "unread_unexcused": 1}, 3),
        ({"roots_not_reached": ("/x",), "outcome": "incomplete"}, 3),
        ({"outcome": "incomplete"}, 0),  # a folder unread and excused
        ({"stores": (StoreState("crm", reason="missing"),)}, 3),
        ({"stores": (StoreState("crm"),)}, 0),
        ({"outcome": "stopped"}, 3),
        ({"outcome": "failed"}, 3),
        ({"outcome": "interrupted", "by_verdict": {"stray": 1}}, 130),
    ],
)
def test_exit_status(changes: dict[str, Any], expected: int) -> None:
    assert begun(**changes).exit_status == expected


def test_json_is_plain() -> None:
    tally = Tally()
    tally.add(*stray("顧客\x1b.csv"))
    data = json.loads(json.dumps(tally.summary(begun(ended=START + datetime.timedelta(seconds=90))).to_json()))
    assert (data["seconds"], data["exit_status"], data["started"]) == (90.0, 1, "2026-06-01T00:00:00+00:00")
    assert data["worst"][0]["path"] == "顧客\x1b.csv"
