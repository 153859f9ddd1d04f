"""`strayscan compact` as typed."""

from __future__ import annotations

from pathlib import Path

from scanner import api
from tests.cli.command import strayscan


def test_runs_are_merged_and_nothing_is_lost(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    for number in range(2):
        (share / f"{number}.txt").write_text(f"連絡先はuser{number}@example.co.jpです\n", encoding="utf-8")
        assert strayscan("scan", str(share), "--out", str(tmp_path / "out"), "--full").returncode == 1
    before = api.open_findings(tmp_path / "out").findings()
    done = strayscan("compact", str(tmp_path / "out"), "--older-than", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "in 2 runs" in done.stdout
    assert api.open_findings(tmp_path / "out").findings().equals(before)
    assert api.compact(tmp_path / "out", older_than_days=0).runs == 0


def test_a_folder_without_findings_is_one_sentence(tmp_path: Path) -> None:
    done = strayscan("compact", str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
