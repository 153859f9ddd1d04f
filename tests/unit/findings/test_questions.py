"""Each usual question over a small store of which the answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scanner.findings.errors import StoreError
from scanner.findings.read import Findings, open_findings
from scanner.findings.store import open_store
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, publish, row, told

GROUPS = ["objects", "persons", "critical", "high", "open_to_everyone", "unread"]


def met(path: str, department: str | None, persons: int, severity: str, exposure: str = "group", **more: Any) -> dict[str, Any]:
    verdict = {"verdict": "stray", "department": department, "persons": persons, "severity": severity, "exposure": exposure}
    return object_row(path) | verdict | more


def found(path: str, rule: str = "r", **more: Any) -> dict[str, Any]:
    return finding_row(path, rule) | {"verdict": "stray", "count": 4} | more


@pytest.fixture
def two_runs(tmp_path: Path) -> tuple[Path, str, str]:
    locked = object_row("sales/locked.zip", status="unreadable", reason="encrypted") | {"verdict": "unread", "department": "Sales"}
    photo = object_row("photo.png", status="partial", reason="image_only") | {"verdict": "unread", "excused": True, "size_bytes": 7}
    first = publish(
        tmp_path,
        [
            met("sales/a/x.csv", "Sales", 10, "critical", "everyone"),
            met("hr.csv", None, 30, "low"),
            met("sales/old", "Sales", 5, "high"),
            locked,
        ],
        [found("sales/a/x.csv"), found("hr.csv"), found("sales/old")],
    )
    second = publish(
        tmp_path,
        [met("sales/a/x.csv", "Sales", 10, "critical", "everyone"), met("hr.csv", None, 30, "low"), locked, photo],
        [found("sales/a/x.csv"), found("sales/a/x.csv", "new", entity_type="ADDRESS"), found("hr.csv")],
    )
    return tmp_path, first, second


def rows(frame: pd.DataFrame) -> list[list[Any]]:
    return [[None if not isinstance(cell, list) and pd.isna(cell) else cell for cell in line] for line in frame.itertuples(index=False)]


def test_by_department_now_and_then(two_runs: tuple[Path, str, str]) -> None:
    out, first, _ = two_runs
    with open_findings(out) as store:
        now = store.questions.by_department()
        assert list(now.columns) == ["department", *GROUPS]
        assert rows(now) == [[None, 1, 30, 0, 0, 0, 0], ["Sales", 1, 10, 1, 0, 1, 1]]
        assert rows(store.questions.by_department(run=first)) == [[None, 1, 30, 0, 0, 0, 0], ["Sales", 2, 15, 1, 1, 1, 1]]
        with pytest.raises(StoreError, match="no run"):
            store.questions.by_department(run="' OR true --")


def test_by_folder_store_and_kind(two_runs: tuple[Path, str, str]) -> None:
    with open_findings(two_runs[0]) as store:
        ask = store.questions
        assert [line[:3] for line in rows(ask.by_folder())] == [[ROOT, "", 1], [ROOT, "sales", 1]]
        assert [line[1] for line in rows(ask.by_folder(2))] == ["", "sales/a", "sales"]
        assert rows(ask.by_store()) == [[None, 2, 40, 1, 0, 1, 1]]
        assert rows(ask.by_kind()) == [["PERSON", 2, 2, 8], ["ADDRESS", 1, 1, 4]]


def test_exposure_and_unread(two_runs: tuple[Path, str, str]) -> None:
    with open_findings(two_runs[0]) as store:
        assert rows(store.questions.exposure()) == [["everyone", "critical", 1, 10], ["group", "low", 1, 30]]
        assert rows(store.questions.unread()) == [
            ["unreadable", "encrypted", False, 1, 0, "sales/locked.zip"],
            ["partial", "image_only", True, 1, 7, "photo.png"],
        ]


def test_new_since_and_trend(two_runs: tuple[Path, str, str]) -> None:
    out, first, second = two_runs
    with open_findings(out) as store:
        ask = store.questions
        assert rows(ask.new_since(second)[["path", "entity_type", "severity"]]) == [["sales/a/x.csv", "ADDRESS", "critical"]]
        assert len(ask.new_since(first)) == 3
        assert len(ask.new_since("2999-01-01")) == 0
        with pytest.raises(StoreError, match="neither a run"):
            ask.new_since("soon")
        trend = ask.trend()
        assert list(trend["run_id"]) == [first, second]
        assert rows(trend[["outcome", "objects", "stray", "unread", "persons", "new"]]) == [
            ["complete", 4, 3, 1, 45, 3],
            ["complete", 4, 2, 1, 40, 1],
        ]


def test_oldest_copies_come_first(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(store.new_run_id(), [ROOT]) as writer:
        writer.objects([met("new", None, 1, "low", modified_at=2e9), met("old", None, 1, "low", modified_at=1e9)])
        writer.findings([found("old")])
        copies = [
            row("copies", object_id=object_row(path)["object_id"], path=path, store="crm", columns=["n"], score=1.0)
            for path in ("new", "old")
        ]
        writer.copies(copies)
        writer.commit(told())
    with open_findings(tmp_path) as opened:
        frame = opened.questions.oldest_copies()
        assert list(frame["path"]) == ["old", "new"]
        assert list(frame["first_seen"].notna()) == [True, False]
        assert len(opened.questions.oldest_copies(limit=1)) == 1


def test_an_empty_store_gives_empty_answers(tmp_path: Path) -> None:
    with open_findings(tmp_path) as store:
        ask = store.questions
        answers = [ask.by_department(), ask.by_store(), ask.by_folder(), ask.by_kind(), ask.exposure(), ask.new_since("2026-01-01")]
        for frame in [*answers, ask.oldest_copies(), ask.unread(), ask.trend()]:
            assert len(frame) == 0 and len(frame.columns) > 3
    assert isinstance(store, Findings)
