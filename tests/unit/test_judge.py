"""Verdicts: findings against the policy, containers, excuses, retention, severity, exit status."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scanner.findings import schema
from scanner.judge import FileJudge, Row, absolute_path, exit_status, timestamp
from scanner.model import Entry, FoundFact, Location, ObjectFacts, Reason, Status, stable_id
from scanner.policy import Combination, Policy, SeverityRule, load

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
DAY = 86_400.0

TEXT = """\
version: 1
stores:
  - {name: crm, paths: ["crm/**"], allow: [PERSON, PHONE_NUMBER, EMAIL_ADDRESS, ADDRESS], retention_days: 365}
departments: [{name: Sales, paths: ["sales/**", "crm/**"]}]
excuse:
  - {reason: image_only, paths: ["photos/**"], why: product pictures, until: 2026-12-31}
  - {reason: member_unread, paths: ["old/**"], why: known}
report_from: {persons: 3}
"""

OBJECT_COLUMNS, FINDING_COLUMNS = list(schema.OBJECTS.names), list(schema.FINDINGS.names)


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / "policy.yaml").write_text(TEXT)
    return str(tmp_path)


@pytest.fixture
def policy(root: str) -> Policy:
    return load(Path(root, "policy.yaml"))


def entry(root: str, path: str, **changes: Any) -> Entry:
    basis = Entry(Location(root, path), path.encode(), 100, NOW.timestamp() - DAY, NOW.timestamp(), "1:2", 1, "owner", "group")
    return replace(basis, **changes)


def found(entity_type: str = "PERSON", **changes: Any) -> FoundFact:
    return replace(FoundFact(entity_type, "rule", "detector", 0.9, None, "name", 10, 8, 2, 2, ("山*",)), **changes)


def facts(*findings: FoundFact, **changes: Any) -> ObjectFacts:
    basis = ObjectFacts((), "text/csv", "utf-8", 0, 100, 100, 11, "hash", Status.SCANNED, None, 8, 5, findings)
    return replace(basis, **changes)


def judge(policy: Policy, of: Entry, **changes: Any) -> FileJudge:
    return FileJudge(policy, of, "run", "engine", NOW, **changes)


def verdicts(policy: Policy, of: Entry, given: ObjectFacts) -> tuple[Any, Any, list[tuple[Any, Any]]]:
    row, findings = judge(policy, of).object(given)
    return row["verdict"], row["severity"], [(finding["verdict"], finding["reason"]) for finding in findings]


def test_rows_have_the_contracts_columns(policy: Policy, root: str) -> None:
    row, (finding,) = judge(policy, entry(root, "sales/x.csv")).object(facts(found()))
    assert list(row) == OBJECT_COLUMNS
    assert list(finding) == FINDING_COLUMNS
    assert row["object_id"] == Location(root, "sales/x.csv").object_id
    assert (row["store"], row["department"], finding["department"]) == (None, "Sales", "Sales")
    assert row["modified_at"] == NOW - datetime.timedelta(days=1)


def test_outside_every_store_is_stray(policy: Policy, root: str) -> None:
    assert verdicts(policy, entry(root, "crm-old/x.csv"), facts(found())) == ("stray", "low", [("stray", "outside_store")])


def test_inside_a_store_what_it_allows_is_approved(policy: Policy, root: str) -> None:
    given = facts(found("PERSON"), found("JP_POSTAL_CODE"), found("FAX_NUMBER"))
    assert verdicts(policy, entry(root, "crm/x.csv"), given) == ("approved", None, [("approved", None)] * 3)


def test_a_kind_that_the_store_does_not_allow(policy: Policy, root: str) -> None:
    verdict, severity, findings = verdicts(policy, entry(root, "crm/x.csv"), facts(found(), found("JP_MY_NUMBER")))
    assert (verdict, severity) == ("stray", "high")
    assert findings == [("approved", None), ("stray", "kind_not_allowed")]


def test_nothing_found_is_clean(policy: Policy, root: str) -> None:
    assert verdicts(policy, entry(root, "x"), facts(persons=0)) == ("clean", None, [])


@pytest.mark.parametrize(
    ("finding", "persons", "expected"),
    [
        (found(known=10), 8, ("info", "known")),
        (found(known=9), 8, ("stray", "outside_store")),
        (found(place="properties"), 8, ("info", "property")),
        (found("JP_MY_NUMBER", place="properties"), 8, ("stray", "outside_store")),
        (found(), 2, ("info", "below_report_from")),
        (found(), 3, ("stray", "outside_store")),
        (found("SENSITIVE_HEALTH"), 1, ("stray", "outside_store")),
        (found("CREDIT_CARD"), 0, ("stray", "outside_store")),
    ],
)
def test_what_is_only_info(policy: Policy, root: str, finding: FoundFact, persons: int, expected: tuple[str, str]) -> None:
    verdict, severity, findings = verdicts(policy, entry(root, "x"), facts(finding, persons=persons))
    assert findings == [expected]
    assert (verdict, severity == "info") == (("clean", True) if expected[0] == "info" else ("stray", False))


def test_without_a_threshold_one_person_counts(root: str) -> None:
    assert verdicts(load(None), entry(root, "x"), facts(found(), persons=0))[2] == [("stray", "outside_store")]


@pytest.mark.parametrize(
    ("kinds", "persons", "expected"),
    [
        (("PERSON", "ADDRESS"), 5, "stray"),
        (("PERSON", "ADDRESS"), 4, "info"),
        (("PERSON",), 50, "info"),
        (("PERSON", "EMAIL_ADDRESS"), 1, "stray"),
        (("PERSON", "DATE_OF_BIRTH"), 1, "info"),
    ],
)
def test_only_what_comes_together_counts(root: str, kinds: tuple[str, ...], persons: int, expected: str) -> None:
    both = (Combination(5, frozenset({"ADDRESS"})), Combination(0, frozenset({"PERSON"}), frozenset({"EMAIL_ADDRESS", "PHONE_NUMBER"})))
    policy = replace(load(None), combinations=both)
    verdict, _, findings = verdicts(policy, entry(root, "x"), facts(*map(found, kinds), persons=persons))
    reason = "outside_store" if expected == "stray" else "no_combination"
    assert (verdict, set(findings)) == ("stray" if expected == "stray" else "clean", {(expected, reason)})


def test_no_combination_hides_what_weighs_most_and_known_data_does_not_complete_one(root: str) -> None:
    policy = replace(load(None), combinations=(Combination(0, frozenset({"PERSON", "ADDRESS"})),))
    assert verdicts(policy, entry(root, "x"), facts(found("JP_MY_NUMBER"), persons=1))[2] == [("stray", "outside_store")]
    known = found("ADDRESS", known=10)
    assert verdicts(policy, entry(root, "x"), facts(found(), known, persons=1))[2] == [("info", "no_combination"), ("info", "known")]


# --------------------------------------------------------------------------- retention


def test_kept_too_long(policy: Policy, root: str) -> None:
    old = entry(root, "crm/x.csv", modified_at=NOW.timestamp() - 366 * DAY)
    row, findings = judge(policy, old).object(facts(found()))
    assert row["verdict"] == "stray"
    assert [(finding["entity_type"], finding["verdict"], finding["reason"]) for finding in findings] == [
        ("PERSON", "approved", None),
        ("RETENTION", "stray", "retention"),
    ]


@pytest.mark.parametrize(
    ("path", "days", "findings"),
    [
        ("crm/x.csv", 364, (found(),)),
        ("crm/x.csv", 366, ()),
        ("crm/x.csv", 366, (found(known=10),)),
        ("crm/x.csv", 366, (found(place="properties"),)),
        ("crm-old/x.csv", 366, (found(),)),
    ],
)
def test_not_kept_too_long(policy: Policy, root: str, path: str, days: int, findings: tuple[FoundFact, ...]) -> None:
    _, rows = judge(policy, entry(root, path, modified_at=NOW.timestamp() - days * DAY)).object(facts(*findings))
    assert "RETENTION" not in [row["entity_type"] for row in rows]


def test_a_members_own_time_counts(policy: Policy, root: str) -> None:
    member = facts(found(), member=("a.csv",), modified_at=NOW.timestamp() - 400 * DAY)
    row, rows = judge(policy, entry(root, "crm/x.zip")).object(member)
    assert rows[-1]["reason"] == "retention"
    assert row["modified_at"] == NOW - datetime.timedelta(days=400)


# --------------------------------------------------------------------------- unread, containers


def unread(reason: Reason, status: Status = Status.UNREADABLE, **changes: Any) -> ObjectFacts:
    return facts(status=status, reason=reason, persons=0, **changes)


@pytest.mark.parametrize("status", [Status.PARTIAL, Status.UNREADABLE, Status.UNSUPPORTED])
def test_unread_is_never_clean(policy: Policy, root: str, status: Status) -> None:
    row, _ = judge(policy, entry(root, "x")).object(unread(Reason.ENCRYPTED, status))
    assert (row["verdict"], row["excused"]) == ("unread", False)
    assert verdicts(policy, entry(root, "crm/x"), facts(found(), status=status, reason=Reason.TIMEOUT))[0] == "unread"
    assert verdicts(policy, entry(root, "x"), facts(found(), status=status, reason=Reason.TIMEOUT))[0] == "stray"


@pytest.mark.parametrize(
    ("path", "reason", "excused"),
    [("photos/a.png", Reason.IMAGE_ONLY, True), ("photos/a.zip", Reason.ENCRYPTED, False), ("photos-new/a.png", Reason.IMAGE_ONLY, False)],
)
def test_excuses(policy: Policy, root: str, path: str, reason: Reason, excused: bool) -> None:
    row, _ = judge(policy, entry(root, path)).object(unread(reason))
    assert (row["verdict"], row["excused"]) == ("unread", excused)


def test_an_excuse_runs_out(policy: Policy, root: str) -> None:
    later = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
    row, _ = FileJudge(policy, entry(root, "photos/a.png"), "run", "engine", later).object(unread(Reason.IMAGE_ONLY))
    assert not row["excused"]


def container(policy: Policy, of: Entry, *members: ObjectFacts, **changes: Any) -> Row:
    judged = judge(policy, of)
    for member in members:
        judged.object(member)
    return judged.object(facts(persons=0, **changes))[0]


def test_a_container_takes_the_worst_of_its_members(policy: Policy, root: str) -> None:
    clean, stray = facts(member=("a",), persons=0), facts(found(), member=("b",))
    assert container(policy, entry(root, "x.zip"), clean)["verdict"] == "clean"
    row = container(policy, entry(root, "x.zip"), clean, stray, unread(Reason.ENCRYPTED, member=("c",)))
    assert (row["verdict"], row["severity"]) == ("stray", "low")
    assert container(policy, entry(root, "x.zip"), clean, unread(Reason.ENCRYPTED, member=("c",)))["verdict"] == "unread"
    assert container(policy, entry(root, "crm/x.zip"), replace(stray, member=("d",)))["verdict"] == "approved"


def test_the_worst_climbs_through_every_level(policy: Policy, root: str) -> None:
    judged = judge(policy, entry(root, "x.zip"))
    judged.object(facts(found(), member=("in.zip", "deep.zip", "b")))
    inner, _ = judged.object(facts(member=("in.zip",), persons=0))  # deep.zip was never finished: its reader crashed
    other, _ = judged.object(facts(member=("other",), persons=0))
    outer, _ = judged.object(facts(persons=0))
    assert [row["verdict"] for row in (inner, other, outer)] == ["stray", "clean", "stray"]
    assert (inner["member"], other["member"]) == ("in.zip", "other")


def test_a_container_is_excused_if_each_unread_member_is(policy: Policy, root: str) -> None:
    picture, locked = unread(Reason.IMAGE_ONLY, member=("a.png",)), unread(Reason.ENCRYPTED, member=("b.zip",))
    partial = {"status": Status.PARTIAL, "reason": Reason.MEMBER_UNREAD}
    assert container(policy, entry(root, "photos/x.zip"), picture, **partial)["excused"]
    assert not container(policy, entry(root, "photos/x.zip"), picture, locked, **partial)["excused"]
    assert not container(policy, entry(root, "sales/x.zip"), picture, **partial)["excused"]
    assert container(policy, entry(root, "old/x.zip"), locked, **partial)["excused"]
    damaged = {"status": Status.PARTIAL, "reason": Reason.DAMAGED}
    assert not container(policy, entry(root, "photos/x.zip"), picture, **damaged)["excused"]


# --------------------------------------------------------------------------- what is not scanned


@pytest.mark.parametrize(
    ("status", "reason", "verdict"),
    [
        (Status.EXCLUDED, Reason.POLICY, None),
        (Status.NO_TEXT, Reason.SYMLINK, "clean"),
        (Status.UNREADABLE, Reason.PERMISSION, "unread"),
        (Status.UNREADABLE, Reason.OFFLINE, "unread"),
    ],
)
def test_entries_that_are_not_scanned(policy: Policy, root: str, status: Status, reason: Reason, verdict: str | None) -> None:
    row = judge(policy, entry(root, "crm/", status=status, reason=reason, is_dir=True)).entry_row()
    assert list(row) == OBJECT_COLUMNS
    assert (row["status"], row["reason"], row["verdict"], row["severity"], row["store"]) == (status, reason, verdict, None, "crm")


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("/srv", "a/b", "/srv/a/b"),
        ("/", "a", "/a"),
        ("/srv", "./", "/srv"),
        ("s3://bucket", "a", "s3://bucket/a"),
        ("/srv", "a/", "/srv/a/"),
    ],
)
def test_absolute_path(root: str, path: str, expected: str) -> None:
    assert absolute_path(entry(root, path)) == expected


def test_the_root_itself_without_permission(policy: Policy, root: str) -> None:
    row = judge(policy, entry(root, "./", status=Status.UNREADABLE, reason=Reason.PERMISSION, is_dir=True)).entry_row()
    assert (row["path"], row["verdict"]) == ("./", "unread")


@pytest.mark.parametrize("seconds", [1e20, -1e20, float("nan")])
def test_absurd_times_are_unknown(seconds: float) -> None:
    assert timestamp(seconds) is None


# --------------------------------------------------------------------------- identity, severity, exit status


def test_a_findings_id_depends_on_its_place_alone(policy: Policy, root: str) -> None:
    def identity(**changes: Any) -> str:
        _, (finding,) = judge(policy, entry(root, "x")).object(facts(found(**changes)))
        return str(finding["finding_id"])

    assert identity() == identity(count=99, distinct=1, score=0.1, first_row=7, samples=())
    assert len({identity(), identity(place="Sheet1"), identity(column="other"), identity(rule_id="r2"), identity(entity_type="X")}) == 5


def test_a_findings_id_is_what_the_contract_hashes(policy: Policy, root: str) -> None:
    _, (finding,) = judge(policy, entry(root, "x.zip")).object(facts(found(place="Sheet1"), member=("a!b", "c")))
    member = Location(root, "x.zip", ("a!b", "c")).member_text
    assert finding["finding_id"] == stable_id(root, "x.zip", member, "Sheet1", "name", "PERSON", "rule")


def test_first_seen_is_kept(policy: Policy, root: str) -> None:
    before = NOW - datetime.timedelta(days=30)
    seen = judge(policy, entry(root, "x"), first_seen=lambda finding_id: before).object(facts(found()))[1][0]
    new = judge(policy, entry(root, "x")).object(facts(found()))[1][0]
    assert (seen["first_seen"], new["first_seen"]) == (before, NOW)


@pytest.mark.parametrize(
    ("persons", "kinds", "exposure", "copy", "expected"),
    [
        (1, ["PERSON"], "group", False, "low"),
        (1, ["PERSON"], "everyone", False, "medium"),
        (10, ["PERSON"], "unknown", False, "medium"),
        (10, ["PERSON"], "private", False, "low"),
        (100, ["PERSON"], "group", False, "high"),
        (100, ["PERSON"], "group", True, "critical"),
        (1000, ["PERSON"], "group", False, "critical"),
        (1, ["PERSON", "JP_MY_NUMBER"], "group", False, "high"),
        (1, ["SENSITIVE_HEALTH"], "everyone", False, "critical"),
    ],
)
def test_severity(persons: int, kinds: list[str], exposure: str, copy: bool, expected: str) -> None:
    assert SeverityRule().severity(persons, kinds, exposure, copy) == expected


def test_the_severity_rule_can_be_set(policy: Policy, root: str) -> None:
    ruled = replace(policy, severity=SeverityRule(levels=((0, "critical"),)))
    assert judge(ruled, entry(root, "x")).object(facts(found()))[0]["severity"] == "critical"


@pytest.mark.parametrize(
    ("stray", "unread", "outcome", "expected"),
    [
        (False, False, "complete", 0),
        (True, False, "complete", 1),
        (True, True, "complete", 3),
        (False, True, "complete", 3),
        (True, False, "stopped", 3),
        (False, False, "failed", 3),
    ],
)
def test_exit_status(stray: bool, unread: bool, outcome: str, expected: int) -> None:
    assert exit_status(stray=stray, unread=unread, outcome=outcome) == expected
