"""What the page tells, counted by hand on a small share."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from scanner.findings.decide import Triage, Wanted
from scanner.findings.read import open_findings
from scanner.person import Person
from scanner.render.messages import Messages
from scanner.render.report.actions import MOST, friday, friday_list, left_out
from scanner.render.report.facts import Copied, Facts, Scope, Source, Unread
from tests.unit.findings.samples import ROOT
from tests.unit.render.report.stores import NOW, TODAY, company, copy, publish, stray, unread


def facts(out: Path, scope: Scope | None = None, today: datetime.date = TODAY) -> Facts:
    with open_findings(out, today) as found:
        return Source(found).facts(scope or Scope(), MOST)


def test_a_whole_share(tmp_path: Path) -> None:
    company(tmp_path)
    told = facts(tmp_path)
    assert (told.objects, told.files, told.stray, told.persons, told.everyone, told.copied) == (10, 8, 8, 195, 3, 2)
    assert told.severities == {"critical": 2, "high": 2, "medium": 3, "low": 1}
    assert told.oldest == (NOW - datetime.timedelta(days=200)).date()
    assert [(name, sum(counts.values())) for name, counts in told.shares] == [("営業部", 4), (None, 2), ("London office", 2)]
    assert told.copies == (Copied("customer-master", 2, 60, 100, 2, NOW.date(), 1),)
    assert told.matrix == (("customer-master", "sales/old", 2, 80),)
    assert told.unread == (Unread("encrypted", 1, 0, ("sales/locked.xlsx",)), Unread("image_only", 1, 1, ("photos/a.png",)))
    assert told.weeks[-1] == (datetime.date(2026, 11, 23), {"critical": 2, "high": 2, "medium": 3})


@pytest.mark.parametrize(("department", "stray_there", "unread_there"), [("営業部", 4, 1), ("London office", 2, 0), (None, 2, 1)])
def test_a_department_is_told_its_own(tmp_path: Path, department: str | None, stray_there: int, unread_there: int) -> None:
    company(tmp_path)
    told = facts(tmp_path, Scope(False, department))
    assert (told.stray, told.unread_count) == (stray_there, unread_there)
    with open_findings(tmp_path) as found:
        assert Source(found).departments() == ["London office", "営業部", None]


def test_a_department_of_any_name(tmp_path: Path) -> None:
    publish(tmp_path, [stray("a", department='O\'Brien "&"; DROP TABLE x --'), stray("b")])
    assert facts(tmp_path, Scope(False, 'O\'Brien "&"; DROP TABLE x --')).stray == 1


def test_the_friday_list_is_worst_first_and_says_whom_to_ask(tmp_path: Path) -> None:
    company(tmp_path)
    say = Messages("en")
    told = facts(tmp_path)
    listed = friday_list(told, say)
    assert [(action.title, action.where) for action in listed] == [
        ("Remove 2 copies of customer-master", "sales/old/"),
        ("Move or delete a file with personal data", "tmp/cards.csv"),
        ("Move or delete a file with personal data", "backup/all.zip"),
        ("Move or delete a file with personal data", "london/clients.csv"),
        ("Take data out of customer-master that may not be kept there", "crm/x.csv"),
        ("Delete what customer-master has kept too long", "crm/old.csv"),
        ("Move or delete a file with personal data", "sales/memo.txt"),
        ("Mend a store whose copies cannot be traced", "人事台帳"),
        ("Find out what lies in an object that could not be read: encrypted", "sales/locked.xlsx"),
    ]
    first, cards = listed[:2]
    assert first.ask == ("営業部長, sales@example.co.jp, for 営業部", "Sales Planning, for the store customer-master")
    assert first.facts == ("160 persons", "name, phone number", "open to: everyone", "seen since 2026-11-27")
    assert first.steps[0] == "Today: take away the right of everyone to read."
    assert cards.ask == ("tanaka: owner of the files, as no department answers here",)
    assert cards.facts[1] == "payment card, name"
    assert left_out(told, listed) == 0


def test_at_most_ten_and_the_rest_is_counted(tmp_path: Path) -> None:
    publish(tmp_path, [stray(f"f{n}/a.csv", persons=n) for n in range(14)], others=[unread("x.zip")])
    told = facts(tmp_path)
    listed = friday_list(told, Messages("ja"))
    assert (len(listed), left_out(told, listed)) == (10, 5)
    assert [action.where for action in listed[:2]] == ["f13/a.csv", "f12/a.csv"]


def test_roots_are_told_apart_where_there_are_several(tmp_path: Path) -> None:
    publish(tmp_path, [stray("a/x.csv", root="/one")], roots=["/one"])
    publish(tmp_path, [stray("a/x.csv", root="/two")], copies=[copy("a/x.csv", "s", 1, 2, "/two")], roots=["/two"])
    told = facts(tmp_path)
    assert sorted(group.file or "" for group in told.groups) == ["/one/a/x.csv", "/two/a/x.csv"]
    assert (told.files, told.runs.roots) == (2, ("/one", "/two"))


def test_of_each_root_the_newest_run_counts(tmp_path: Path) -> None:
    publish(tmp_path, outcome="stopped", roots=["/one"])
    publish(tmp_path, outcome="failed", roots=["/two"])
    publish(tmp_path, roots=["/one"])
    assert facts(tmp_path).runs.unfinished == {"/two": "failed"}


def test_decisions_are_told(tmp_path: Path) -> None:
    publish(tmp_path, [stray(f"{name}/a.csv", kinds=["PERSON"]) for name in "abcd"], others=[unread("x.zip")])
    with Triage(tmp_path, person=Person(1, "aoki"), today=TODAY) as desk:
        desk.assign(of("a"), "sato", TODAY)
        desk.assign(of("b"), "kato", datetime.date(2026, 12, 24))
        desk.ignore(of("c"), "test data")
        desk.accept(Wanted((f"{ROOT}|x.zip|None",)), "sealed")
    told = facts(tmp_path, today=TODAY + datetime.timedelta(days=2))
    listed = friday_list(told, Messages("en"))
    assert [(action.where, action.due, action.late) for action in listed] == [
        ("a/a.csv", "Assigned to sato, OVERDUE since 2026-11-28", True),
        ("b/a.csv", "Assigned to kato, due 2026-12-24", False),
        ("d/a.csv", None, False),
    ]
    assert (told.stray, told.put_aside, told.unread, told.unread_aside) == (3, {"ignored": 1}, (), {"accepted": 1})


def of(name: str) -> Wanted:
    return Wanted((f"{ROOT}|{name}/a.csv|None|PERSON",))


def test_an_empty_store(tmp_path: Path) -> None:
    told = facts(tmp_path)
    assert (told.runs.newest, told.stray, told.groups, told.shares, told.weeks, told.matrix) == (None, 0, (), (), (), ())


@pytest.mark.parametrize(("day", "expected"), [(23, 27), (27, 27), (28, 4), (29, 4)])
def test_the_coming_friday(day: int, expected: int) -> None:
    found = friday(datetime.date(2026, 11, day))
    assert (found.day, found.weekday()) == (expected, 4)
