"""The policy in use: places, exclusions, excuses, examples, stores that match nothing."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from scanner.policy import Policy, load

TEXT = """\
version: 1
stores:
  - {name: hr, paths: ["hr/**"], allow: [PERSON, ADDRESS]}
  - {name: payroll, paths: ["hr/payroll/**", "pay*/**"], allow: ["*"], review_by: 2026-01-31}
  - {name: again, paths: ["hr/**"], allow: [PHONE_NUMBER]}
departments:
  - {name: People, paths: ["hr/**", "hr-old/**"]}
  - {name: Payroll, paths: ["hr/payroll/**"]}
exclude: ["**/.git/**", "**/Thumbs.db", "tmp", "hr/trash/"]
excuse:
  - {reason: image_only, paths: ["photos/**"], why: product pictures, until: 2027-03-31}
  - {reason: permission, paths: ["locked/**"], why: not ours}
examples:
  - {path: hr/x, store: payroll, department: People}
  - {path: hr-old/x, store: null}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(TEXT)
    return tmp_path


@pytest.fixture
def policy(folder: Path) -> Policy:
    return load(folder / "policy.yaml")


@pytest.mark.parametrize(
    ("path", "store", "department"),
    [
        ("hr/list.csv", "hr", "People"),
        ("hr/payroll/may.csv", "payroll", "Payroll"),
        ("hr-old/list.csv", None, "People"),
        ("hr", None, None),
        ("payments/x", "payroll", None),
        ("sales/x", None, None),
        ("hr/", "hr", "People"),
        ("hr/payroll/", "payroll", "Payroll"),
    ],
)
def test_place(policy: Policy, folder: Path, path: str, store: str | None, department: str | None) -> None:
    placement = policy.place(f"{folder}/{path}")
    assert (placement.store_name, placement.department_name) == (store, department)


def test_all_matching_stores_are_told(policy: Policy, folder: Path) -> None:
    placement = policy.place(f"{folder}/hr/payroll/may.csv")
    assert placement.stores == ("payroll", "hr", "again")
    assert placement.glob is not None
    assert placement.glob.source == "hr/payroll/**"


def test_allowed_kinds(policy: Policy, folder: Path) -> None:
    hr, payroll = policy.place(f"{folder}/hr/x"), policy.place(f"{folder}/hr/payroll/x")
    assert [hr.allows(kind) for kind in ("PERSON", "ADDRESS", "JP_POSTAL_CODE", "PHONE_NUMBER", "FAX_NUMBER")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert payroll.allows("JP_MY_NUMBER")
    assert policy.stores[2].allows("FAX_NUMBER")
    assert not policy.place(f"{folder}/x").allows("PERSON")


@pytest.mark.parametrize(
    ("path", "is_dir", "excluded"),
    [
        ("a/.git", True, True),
        (".git", True, True),
        ("a/.git/config", False, True),
        ("a.git", True, False),
        ("a/Thumbs.db", False, True),
        ("tmp", True, True),
        ("tmp2", True, False),
        ("hr/trash", True, True),
        ("hr/trash", False, False),
        ("hr", True, False),
    ],
)
def test_excluded(policy: Policy, folder: Path, path: str, is_dir: bool, excluded: bool) -> None:
    assert policy.excluded(f"{folder}/{path}", is_dir) is excluded


def test_excuses_hold_until_their_day(policy: Policy, folder: Path) -> None:
    path, last = f"{folder}/photos/a.png", datetime.date(2027, 3, 31)
    assert policy.excuse_for(path, "image_only", last) == "product pictures"
    assert policy.excuse_for(path, "image_only", last + datetime.timedelta(days=1)) is None
    assert policy.excuse_for(path, "encrypted", last) is None
    assert policy.excuse_for(f"{folder}/photos-new/a.png", "image_only", last) is None
    assert policy.excuse_for(f"{folder}/locked/", "permission", last) == "not ours"
    assert policy.expired_excuses(datetime.date(2030, 1, 1)) == (policy.excuses[0],)


def test_failing_examples(policy: Policy) -> None:
    (failure,) = policy.failing_examples()
    assert (failure.what, failure.expected, failure.found, failure.example.line) == ("store", "payroll", "hr", 14)


def test_overdue_reviews(policy: Policy) -> None:
    assert [store.name for store in policy.overdue_reviews(datetime.date(2026, 2, 1))] == ["payroll"]
    assert policy.overdue_reviews(datetime.date(2026, 1, 31)) == ()


def test_stores_matching_nothing(policy: Policy, folder: Path) -> None:
    everywhere = [str(folder)]
    missing = policy.stores_matching_nothing({"hr", "again"}, everywhere)
    assert [store.name for store in missing] == ["payroll"]
    (folder / "hr" / "payroll").mkdir(parents=True)
    elsewhere = policy.stores_matching_nothing(set(), [f"{folder}/sales"])
    assert elsewhere == ()  # their folders are there, and this run did not look into them
    assert len(policy.stores_matching_nothing(set(), [f"{folder}/hr"])) == 2
