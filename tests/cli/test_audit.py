"""`strayscan audit` from the outside: what it writes and says, how it refuses, and how a binder is checked."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from scanner.cli.audit import command
from tests.cli.command import one_sentence, strayscan
from tests.unit.render.report.stores import publish, stray, unread

PERIOD = ("--from", "2026-04-01", "--to", "2026-10-31", "--zone", "Asia/Tokyo")
START = datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.UTC)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    publish(tmp_path / "findings", [stray("a.csv")], told={"start": START.isoformat()})
    return tmp_path / "findings"


def test_a_binder_is_written_said_and_verified(store: Path, tmp_path: Path) -> None:
    done = strayscan("audit", store, *PERIOD, "--out", tmp_path / "binder")
    assert (done.returncode, done.stderr) == (0, "")
    assert "       1  Runs\n" in done.stdout
    assert "       –  Moves and deletions  Nothing was ever recorded in this store.\n" in done.stdout
    assert "       –  Outbound gate  Not looked at: no hold folder of an outbound gate was named (--hold).\n" in done.stdout
    digest = next(line for line in done.stdout.splitlines() if line.startswith("BLAKE3"))
    checked = strayscan("audit", "--verify", tmp_path / "binder")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.splitlines() == ["19 pieces are what the manifest says.", "When it was made, the binder lacked nothing.", digest]
    (tmp_path / "binder/runs.parquet").unlink()
    (tmp_path / "binder/\x1b[31m").write_text("x")
    checked = strayscan("audit", "--verify", tmp_path / "binder")
    assert checked.returncode == 3
    assert checked.stdout.splitlines()[:2] == ["runs.parquet: missing", r"\x1b[31m: does not belong to the binder"]
    told = json.loads(strayscan("audit", "--verify", tmp_path / "binder", "--json").stdout)
    assert (told["exit_status"], told["pieces"]["runs.parquet"]) == (3, "missing")


def test_what_is_missing_ends_in_3_and_is_said_in_both_languages(store: Path, tmp_path: Path) -> None:
    publish(store, [stray("a.csv")], others=[unread("x.zip")], outcome="stopped", told={"start": START.isoformat()})
    done = strayscan("audit", store, *PERIOD, "--out", tmp_path / "en")
    assert done.returncode == 3
    assert "This binder lacks something" in done.stdout and "is stopped before its end." in done.stdout
    done = strayscan("audit", store, *PERIOD, "--out", tmp_path / "ja", "--lang", "ja")
    assert done.returncode == 3
    assert "この資料には欠けているものがあります" in done.stdout and "1件の対象が完全には読み取られておらず" in done.stdout
    assert '<html lang="ja">' in (tmp_path / "ja/binder.html").read_text(encoding="utf-8")
    checked = strayscan("audit", "--verify", tmp_path / "ja", "--lang", "ja")
    assert (checked.returncode, "最初のページを参照" in checked.stdout) == (0, True)
    told = json.loads(strayscan("audit", store, *PERIOD, "--out", tmp_path / "json", "--json").stdout)
    assert [gap["what"] for gap in told["gaps"]] == ["run_not_complete", "unread"]
    assert (told["exit_status"], told["sections"]["runs"]) == (3, {"state": "recorded", "rows": 2})


def test_store_and_hold_folder_are_named_as_where_permissions_are_looked_at() -> None:
    """`scanner.cli._folder` goes by these names."""
    assert {"out", "hold"} <= {parameter.name for parameter in command.params}


def test_refusals_write_nothing(store: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    out = ("--out", tmp_path / "binder")
    assert "give the findings, the period" in one_sentence(strayscan("audit", store, *out))
    assert "DIR --from DATE" in one_sentence(strayscan("audit", *PERIOD, *out))
    assert "before it begins" in one_sentence(strayscan("audit", store, "--from", "2026-05-01", "--to", "2026-04-01", *out))
    assert "still to come" in one_sentence(strayscan("audit", store, "--from", "2026-05-01", "--to", "2999-04-01", *out))
    assert "no time zone" in one_sentence(strayscan("audit", store, *PERIOD[:4], "--zone", "Tokyo", *out))
    assert "exists already" in one_sentence(strayscan("audit", store, *PERIOD, "--out", store))
    assert "no findings" in one_sentence(strayscan("audit", tmp_path, *PERIOD, *out))
    assert "no watch has held files" in one_sentence(strayscan("audit", store, *PERIOD, *out, "--hold", tmp_path))
    assert "cannot be read" in one_sentence(strayscan("audit", store, *PERIOD, *out, "--policy", tmp_path / "none.yaml"))
    assert "and nothing else" in one_sentence(strayscan("audit", store, "--verify", tmp_path))
    assert "is no folder" in one_sentence(strayscan("audit", "--verify", tmp_path / "none"))
    assert sorted(tmp_path.iterdir()) == before
