"""Packing: everything that fits, worst first, and what does not is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.findings.read import open_findings
from scanner.render.report import rows
from scanner.render.report.facts import Scope, Source
from tests.unit.render.report.stores import company, publish, stray


@pytest.fixture
def many(tmp_path: Path) -> Path:
    levels = ("low", "critical", "medium")
    publish(tmp_path, [stray(f"f{n % 7}/{n * 7919:x}.csv", severity=levels[n % 3], persons=n) for n in range(300)])
    return tmp_path


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    company(tmp_path)
    with open_findings(tmp_path) as found:
        packed = rows.pack(Source(found), Scope())
    ((names, columns),) = rows.unpacked(packed.rows)
    folders, members = columns[0], columns[2]
    where = sorted(names[0][folder] + name + (f"!{m}" if m else "") for folder, name, m in zip(folders, columns[1], members, strict=True))
    assert (packed.listed, packed.detailed, rows.counted([(names, columns)])) == (8, 8, 8)
    assert where[0] == "backup/all.zip!names/a.csv"
    at = columns[1].index("list.xlsx")
    assert names[6][columns[13][at]] == [[names[2].index("customer-master"), 60, 100]]
    (details,) = rows.unpacked(packed.details)
    assert [finding[0] for finding in details[at]] == ["PERSON", "PHONE_NUMBER"]
    assert details[at][0][1:] == ["Sheet1", "氏名", 120, 120, 2, 1, ["○○"], 20784]


def test_what_does_not_fit_is_the_least_severe_end(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_CHUNK", 20)
    with open_findings(many) as found:
        source = Source(found)
        whole = rows.pack(source, Scope())
        part = rows.pack(source, Scope(), rows_budget=1200, all_budget=1600)
    assert (whole.listed, whole.detailed) == (300, 300)
    assert 0 < part.detailed < part.listed < 300
    assert len(part.rows) <= 4 * (1200 // 3 + 1)
    severities = [level for _, columns in rows.unpacked(part.rows) for level in columns[3]]
    assert len(severities) == part.listed
    assert set(severities[:100]) == {0}  # critical; a hundred of them
    assert rows.counted(rows.unpacked(whole.rows)) == 300


def test_nothing_fits_is_said_too(many: Path) -> None:
    with open_findings(many) as found:
        packed = rows.pack(Source(found), Scope(), rows_budget=5, all_budget=5)
    assert (packed.listed, packed.detailed, list(rows.unpacked(packed.rows))) == (0, 0, [])
