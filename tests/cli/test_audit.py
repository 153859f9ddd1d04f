"""`strayscan audit` from the outside: what it writes and says, how it refuses, and how a binder is checked."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from scanner.cli._door import run
from scanner.cli.audit import command
from tests.cli.command import strayscan
from tests.unit.render.report.stores import publish, stray, unread

PERIOD = ("--from", "2026-04-01", "--to", "2026-10-31", "--zone", "Asia/Tokyo")
START = datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    publish(tmp_path / "findings", [stray("a.csv")], told={"start": START.isoformat()})
    return tmp_path / "findings"


def asked(capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    """Status, standard output and error of the command in this process, which is quicker."""
    status = run([*map(str, args)])
    told = capsys.readouterr()
    return status, told.out, told.err


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


def test_a_binder_that_was_tampered_with_ends_in_3(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "audit", store, *PERIOD, "--out", tmp_path / "binder")[0] == 0
    (tmp_path / "binder/runs.parquet").unlink()
    (tmp_path / "binder/\x1b[31m").write_text("x")
    status, told, _ = asked(capsys, "audit", "--verify", tmp_path / "binder")
    assert (status, told.splitlines()[:2]) == (3, ["runs.parquet: missing", r"\x1b[31m: does not belong to the binder"])
    status, told, _ = asked(capsys, "audit", "--verify", tmp_path / "binder", "--json")
    assert (status, json.loads(told)["exit_status"], json.loads(told)["pieces"]["runs.parquet"]) == (3, 3, "missing")


def test_what_is_missing_ends_in_3_and_is_said_in_both_languages(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(store, [stray("a.csv")], others=[unread("x.zip")], outcome="stopped", told={"start": START.isoformat()})
    status, told, _ = asked(capsys, "audit", store, *PERIOD, "--out", tmp_path / "ja", "--lang", "ja")
    assert status == 3
    assert "この資料には欠けているものがあります" in told and "1件の対象が完全には読み取られておらず" in told
    assert '<html lang="ja">' in (tmp_path / "ja/binder.html").read_text(encoding="utf-8")
    status, told, _ = asked(capsys, "audit", "--verify", tmp_path / "ja", "--lang", "ja")
    assert (status, "最初のページを参照" in told) == (0, True)
    status, told, _ = asked(capsys, "audit", store, *PERIOD, "--out", tmp_path / "json", "--json")
    plain = json.loads(told)
    assert (status, [gap["what"] for gap in plain["gaps"]]) == (3, ["run_not_complete", "unread"])
    assert (plain["exit_status"], plain["sections"]["runs"]) == (3, {"state": "recorded", "rows": 2})


def test_store_and_hold_folder_are_named_as_where_permissions_are_looked_at() -> None:
    """`scanner.cli._folder` goes by these names."""
    assert {"out", "hold"} <= {parameter.name for parameter in command.params}


def test_refusals_write_nothing(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(tmp_path.iterdir())
    out = ("--out", tmp_path / "binder")
    for words, args in {
        "give the findings, the period": (store, *out),
        "DIR --from DATE": (*PERIOD, *out),
        "before it begins": (store, "--from", "2026-05-01", "--to", "2026-04-01", *out),
        "still to come": (store, "--from", "2026-05-01", "--to", "2999-04-01", *out),
        "no time zone": (store, *PERIOD[:4], "--zone", "Tokyo", *out),
        "exists already": (store, *PERIOD, "--out", store),
        "no findings": (tmp_path, *PERIOD, *out),
        "no watch has held files": (store, *PERIOD, *out, "--hold", tmp_path),
        "cannot be read": (store, *PERIOD, *out, "--policy", tmp_path / "none.yaml"),
        "and nothing else": (store, "--verify", tmp_path),
        "is no folder": ("--verify", tmp_path / "none"),
    }.items():
        status, told, fault = asked(capsys, "audit", *args)
        assert (status, told, fault.count("\n")) == (2, "", 1)
        assert fault.startswith("strayscan: ") and words in fault
    assert sorted(tmp_path.iterdir()) == before
