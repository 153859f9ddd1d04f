"""`strayscan key rotate` and `strayscan verify` as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.redact.key import load_key
from tests.cli.command import one_sentence, strayscan
from tests.unit.findings.samples import finding_row, object_row, publish

SECRET = "the old key of these tests, long enough to be one"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "old").write_text(SECRET)
    (tmp_path / "old").chmod(0o600)
    publish(tmp_path / "out", [object_row("a")], [finding_row("a")], fingerprints=[1, 2], key_id=load_key(tmp_path / "old").key_id)
    return tmp_path / "out"


def test_rotated_and_said_what_could_not_be(out: Path, tmp_path: Path) -> None:
    done = strayscan("key", "rotate", out, "--key-file", tmp_path / "old", "--new-key-file", tmp_path / "new")
    assert (done.returncode, done.stderr) == (0, "")
    fresh = load_key(tmp_path / "new")
    assert fresh.key_id in done.stdout and "Not re-keyed: 2 rows of values of 1 runs" in done.stdout and "Scan /share" in done.stdout
    for secret in (SECRET, (tmp_path / "new").read_text().strip()):
        assert secret not in done.stdout
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    checked = strayscan("verify", out, "--json")
    told = json.loads(checked.stdout)
    assert checked.returncode == 3 and "former key" in told["problems"][0], "a reader is told that something is left out"
    assert told["logs"]["keys"]["entries"] == 2


def test_as_json_and_in_japanese(out: Path, tmp_path: Path) -> None:
    told = json.loads(strayscan("key", "rotate", out, "--key-file", tmp_path / "old", "--new-key-file", tmp_path / "new", "--json").stdout)
    assert (told["runs"], told["values"], told["made"], told["roots"]) == (1, 2, True, ["/share"])
    done = strayscan("key", "rotate", out, "--key-file", tmp_path / "new", "--new-key-file", tmp_path / "third", "--lang", "ja")
    assert done.returncode == 0 and "鍵を" in done.stdout


def test_what_cannot_be_is_one_sentence(out: Path, tmp_path: Path) -> None:
    again = strayscan("key", "rotate", out, "--key-file", tmp_path / "old", "--new-key-file", tmp_path / "old")
    assert again.returncode == 2 and "give a new one" in one_sentence(again)
    (tmp_path / "open").write_text("another key of these tests, long enough")
    (tmp_path / "open").chmod(0o644)
    exposed = strayscan("key", "rotate", out, "--key-file", tmp_path / "old", "--new-key-file", tmp_path / "open")
    assert exposed.returncode == 2 and "chmod 600" in one_sentence(exposed)
    assert strayscan("verify", out).stdout.startswith("Whole: 3 files of 1 runs")


def test_damage_is_named_and_ends_with_three(out: Path) -> None:
    victim = next((out / "values").rglob("*.parquet"))
    data = bytearray(victim.read_bytes())
    data[10] ^= 1
    victim.write_bytes(data)
    done = strayscan("verify", out)
    assert done.returncode == 3 and victim.name in done.stdout and "Not whole: 1 faults" in done.stdout
    assert strayscan("verify", out / "nowhere").returncode == 2
