"""The walk of one file: members, gaps, limits, snapshots, values."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from blake3 import blake3
from pyarrow import parquet

from scanner.config import KnownContacts
from scanner.findings.schema import VALUES
from scanner.model import Begun, Event, Finished, Limits, ObjectFacts, Reason, Snapshot, Status
from scanner.pipeline import values as value_rows
from tests.unit.pipeline.conftest import Scan


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return out.getvalue()


def finished(events: list[Event]) -> dict[tuple[str, ...], ObjectFacts]:
    return {event.facts.member: event.facts for event in events if isinstance(event, Finished)}


def test_a_text_with_lines_hash_and_masks(scan: Scan) -> None:
    data = b"one\ntwo aa@example.com\nthree bb@example.com aa@example.com\n"
    facts = finished(scan(data))[()]
    assert (facts.status, facts.bytes_read, facts.content_hash) == (Status.SCANNED, len(data), blake3(data).hexdigest())
    (found,) = facts.found
    assert (found.count, found.distinct, found.first_line, found.place, found.column) == (3, 2, 2, None, None)
    assert "aa@example" not in repr(facts)
    assert facts.persons == 2


def test_members_finish_before_their_container(scan: Scan) -> None:
    inner = zipped(b__txt=b"x bb@example.com")
    events = scan(zipped(a__txt=b"x aa@example.com", in__zip=inner), "o.zip")
    order = [event.facts.member for event in events if isinstance(event, Finished)]
    assert order == [("a.txt",), ("in.zip", "b.txt"), ("in.zip",), ()]
    assert next(event.member for event in events if isinstance(event, Begun)) == ()
    assert finished(events)[("in.zip", "b.txt")].found[0].count == 1
    assert finished(events)[()].status is Status.SCANNED


def test_an_unread_member_makes_the_container_partial(scan: Scan) -> None:
    facts = finished(scan(zipped(a__txt=b"fine", b__png=b"\x89PNG\r\n\x1a\n" + b"0" * 50), "o.zip"))
    assert (facts[("b.png",)].status, facts[("b.png",)].reason) == (Status.UNREADABLE, Reason.IMAGE_ONLY)
    assert (facts[()].status, facts[()].reason) == (Status.PARTIAL, Reason.MEMBER_UNREAD)


def test_a_skipped_member_is_not_opened_and_counts_as_unread(scan: Scan) -> None:
    events = scan(zipped(a__txt=b"x aa@example.com", b__txt=b"y"), "o.zip", skip=frozenset({("a.txt",)}))
    assert ("a.txt",) not in finished(events)
    assert finished(events)[()].reason is Reason.MEMBER_UNREAD


def test_nesting_beyond_the_limit_is_said(scan: Scan) -> None:
    data = b"deep aa@example.com"
    for _ in range(5):
        data = zipped(x__zip=data)
    facts = finished(scan(data, "o.zip", Limits(depth=3)))
    deepest = max(facts, key=len)
    assert (facts[deepest].status, facts[deepest].reason) == (Status.UNREADABLE, Reason.TOO_DEEP)
    assert facts[()].status is Status.PARTIAL


def test_a_column_that_does_not_stand_leaves_nothing(scan: Scan) -> None:
    rows = ["id,mail,note", *(f"{i},u{i}@example.com,n{i}" for i in range(5))]
    rows[3] += " x@example.com"
    facts, values = next((e.facts, e.values) for e in scan("\n".join(rows).encode(), "t.csv") if isinstance(e, Finished))
    (found,) = facts.found
    assert (found.column, found.count, found.first_row, found.first_line, found.score) == ("mail", 5, 2, 2, 0.95)
    assert facts.rows_read == 5
    assert values is not None
    assert values.schema.equals(VALUES)
    assert sorted(row for rows in values["rows"].to_pylist() for row in rows) == [2, 3, 4, 5, 6]
    assert values["fingerprint"].to_pylist() == sorted(values["fingerprint"].to_pylist())


def test_a_header_that_is_a_value_becomes_a_number(scan: Scan) -> None:
    data = "id,boss@example.com\n1,u1@example.com\n2,u2@example.com\n"
    facts = finished(scan(data.encode(), "t.csv"))[()]
    assert {found.column for found in facts.found} == {"column 2"}
    assert sum(found.count for found in facts.found) == 3


def test_own_contact_data_is_known(scan: Scan) -> None:
    facts = finished(scan(b"aa@our.example and bb@example.com", known=KnownContacts(emails=("*@our.example",))))[()]
    (found,) = facts.found
    assert (found.count, found.known, facts.persons) == (2, 1, 1)


def test_a_failing_detector_is_no_clean_bill(scan: Scan) -> None:
    facts = finished(scan(b"explode"))[()]
    assert (facts.status, facts.reason) == (Status.PARTIAL, Reason.DETECTOR_ERROR)


def test_many_values_go_to_a_sorted_file(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_rows, "IN_MESSAGE", 50)
    rows = ["mail", *(f"u{i}@example.com" for i in range(200))]
    event = next(e for e in scan("\n".join(rows).encode() + b"\n", "t.csv") if isinstance(e, Finished))
    assert isinstance(event.values, Path)
    table = parquet.read_table(event.values)
    assert table.num_rows == 200 == event.facts.found[0].distinct
    assert table["fingerprint"].to_pylist() == sorted(table["fingerprint"].to_pylist())


def test_careful_tells_after_every_item(scan: Scan) -> None:
    events = scan(b"aa@example.com\n" * 60_000, careful=True)
    snapshots = [event for event in events if isinstance(event, Snapshot)]
    assert len(snapshots) >= 2
    assert snapshots[0].facts.found
    assert snapshots[0].facts.status is Status.PARTIAL


def test_an_empty_file_is_read(scan: Scan) -> None:
    assert finished(scan(b""))[()].status is Status.SCANNED
