"""A store that others can read is said once, and nothing else changes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import strayscan


@pytest.fixture
def reached() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_scan_says_it_in_its_summary_and_others_on_standard_error(reached: Path) -> None:
    (reached / "share").mkdir()
    (reached / "share" / "a.txt").write_text("連絡先は user7@example.co.jp です\n", encoding="utf-8")
    first = strayscan("scan", reached / "share", "--out", reached / "out", "--json")
    assert json.loads(first.stdout)["notes"] == []
    (reached / "out").chmod(0o755)
    again = json.loads(strayscan("scan", reached / "share", "--out", reached / "out", "--json").stdout)
    assert len(again["notes"]) == 1 and "is open to others (mode 0755)" in again["notes"][0]
    told = strayscan("triage", reached / "out", "--json")
    assert len(told.stderr.splitlines()) == 1 and "warning:" in told.stderr and "0755" in told.stderr
    assert json.loads(told.stdout)
    assert "警告" in strayscan("compact", reached / "out", "--lang", "ja").stderr
    (reached / "out").chmod(0o700)
    assert strayscan("compact", reached / "out").stderr == ""
