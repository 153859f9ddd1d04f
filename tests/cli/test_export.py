"""`strayscan export` as typed: what goes where, how it ends, and that no value is in any byte of it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, one_sentence, strayscan

PLANTED = ("090-8765-4321", "09087654321", "ume.sakurai@example.co.jp", "桜井梅子", "4111 1111 1111 1111", "4111111111111111")
TABLE = "氏名,電話番号,メール\n" + "桜井梅子,090-8765-4321,ume.sakurai@example.co.jp\n" * 3


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    share = folder / "share"
    share.mkdir()
    (share / "=cmd|' !A0\n.csv").write_text(TABLE, encoding="utf-8")
    (share / "note.txt").write_text("連絡先は090-8765-4321です\ncard 4111 1111 1111 1111\n", encoding="utf-8")
    (share / "broken.xlsx").write_bytes(b"PK\x03\x04" + b"\0" * 40)
    done = strayscan("scan", share, "--out", folder / "out", "--key-file", _key(folder))
    assert done.returncode == 3
    return folder


def _key(folder: Path) -> Path:
    path = folder / "key"
    if not path.exists():
        path.write_text("a key for tests that nobody uses\n", encoding="utf-8")
        path.chmod(0o600)
    return path


def _other_key(folder: Path) -> Path:
    path = folder / "other"
    path.write_text("another key for tests\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_findings_go_to_standard_output_and_words_to_standard_error(scanned: Path) -> None:
    done = strayscan("export", scanned / "out", "--format", "csv")
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    rows = list(csv.DictReader(io.StringIO(done.stdout.removeprefix("\ufeff"), newline="")))
    assert {row["path"] for row in rows} == {"'=cmd|' !A0\\x0a.csv", "note.txt", "broken.xlsx"}
    assert "1 objects" in done.stderr and str(sum(row["record"] == "finding" for row in rows)) in done.stderr
    assert "件" in strayscan("export", scanned / "out", "--format", "jsonl", "--lang", "ja").stderr


def test_no_planted_value_is_in_any_byte(scanned: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    out, everything = scanned / "out", ("--closed", "--verdict", "stray", "--verdict", "info", "--verdict", "approved")
    for fmt in ("csv", "jsonl", "ocsf"):
        for more in ((), ("--mask-locators", "--key-file", str(_key(scanned)))):
            data = subprocess.run(
                [*COMMAND, "export", str(out), "--format", fmt, *everything, *more], capture_output=True, check=True, timeout=60
            )
            assert b"PHONE_NUMBER" in data.stdout and b"CREDIT_CARD" in data.stdout
            for value in PLANTED:
                assert value.encode() not in data.stdout + data.stderr
                assert json.dumps(value)[1:-1].encode() not in data.stdout
    done = strayscan("export", out, "--format", "ocsf-parquet", "--output", tmp_path / "lake", *everything)
    assert done.returncode == 0
    (part,) = (tmp_path / "lake").rglob("*.parquet")
    told = str(pq.ParquetFile(part).read().to_pylist()).encode() + part.read_bytes()
    assert b"CREDIT_CARD" in told
    assert not [value for value in PLANTED if value.encode() in told]


def test_wrong_usage_is_one_sentence(scanned: Path, tmp_path: Path) -> None:
    out = scanned / "out"
    for args in (
        (tmp_path / "none", "--format", "csv"),
        (out, "--format", "ocsf-parquet"),
        (out, "--format", "xml"),
        (out, "--format", "csv", "--since", "last week"),
        (out, "--format", "csv", "--run", "nosuchrun"),
        (out, "--format", "csv", "--run", "x", "--closed"),
        (out, "--format", "csv", "--output", tmp_path / "no" / "folder.csv"),
        (out, "--format", "csv", "--mask-locators", "--key-file", tmp_path / "nokey"),
        (out, "--format", "csv", "--mask-locators", "--key-file", _other_key(tmp_path)),
    ):
        one_sentence(strayscan("export", *args))


def test_a_store_that_cannot_be_wholly_used_ends_with_3(scanned: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(scanned / "out", tmp_path / "out")
    (part,) = (tmp_path / "out" / "findings").rglob("*.parquet")
    part.write_bytes(part.read_bytes()[:-30])
    done = strayscan("export", tmp_path / "out", "--format", "jsonl")
    assert done.returncode == 3
    assert part.name in done.stderr and "Traceback" not in done.stderr
    assert [json.loads(line)["record"] for line in done.stdout.splitlines()] == ["unread"]
