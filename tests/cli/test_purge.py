"""`strayscan purge` as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner import api
from tests.cli.command import strayscan

VALUE = "user7@example.co.jp"


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    """A store whose second run, of today, found a file gone."""
    share = tmp_path / "share"
    share.mkdir()
    (share / "a.txt").write_text(f"連絡先は{VALUE}です\n", encoding="utf-8")
    (share / "b.txt").write_text("連絡先は user8@example.co.jp です\n", encoding="utf-8")
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nkeep: {findings_days: 1}\n")
    assert strayscan("scan", share, "--out", tmp_path / "out", "--policy", policy).returncode == 1
    return tmp_path


def test_dry_run_and_done(scanned: Path) -> None:
    from scanner.findings import runs

    out = scanned / "out"
    (run_id,) = runs.committed(out)
    old = "20200101T000000.000000Z-aaaaaa"
    _grown_old(out, run_id, old)
    (scanned / "share" / "a.txt").unlink()
    assert strayscan("scan", scanned / "share", "--out", out, "--policy", scanned / "policy.yaml").returncode == 1
    before = api.open_findings(out).findings()
    told = strayscan("purge", out, "--policy", scanned / "policy.yaml")
    assert (told.returncode, told.stderr) == (0, "")
    assert "Would be removed" in told.stdout and "rows of objects" in told.stdout and "--apply" in told.stdout
    assert runs.committed(out)[0] == old
    done = strayscan("purge", out, "--policy", scanned / "policy.yaml", "--apply", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    plain = json.loads(done.stdout)
    assert plain["applied"] and plain["entry"] == 2 and plain["rows"]["values"] == 1
    assert api.open_findings(out).findings().equals(before)
    with api.open_findings(out) as found:
        assert found.verify() == []
        assert set(found.sql("SELECT path FROM all_findings")["path"]) == {"b.txt"}
    for path in (out / "audit").iterdir():
        assert VALUE.encode() not in path.read_bytes()
    again = strayscan("purge", out, "--policy", scanned / "policy.yaml", "--lang", "ja")
    assert "削除する時期のものはありません" in again.stdout
    third = strayscan("scan", scanned / "share", "--out", out, "--policy", scanned / "policy.yaml", "--json")
    assert json.loads(third.stdout)["by_status"].get("unchanged") == 1, "what is remembered of files counts on"


def _grown_old(out: Path, run_id: str, name: str) -> None:
    """The store as if its run had been years ago."""
    import pyarrow as pa
    from blake3 import blake3
    from pyarrow import parquet

    manifest = out / "runs" / f"{run_id}.json"
    told = json.loads(manifest.read_bytes()) | {"run_id": name}
    for part in told["parts"]:
        rows = parquet.read_table(out / part["path"], partitioning=None)
        at = rows.schema.get_field_index("run_id")
        rows = rows.set_column(at, "run_id", pa.array([name] * len(rows), pa.string()))
        path = out / part["path"].replace(run_id, name)
        path.parent.mkdir(exist_ok=True)
        parquet.write_table(rows, path)
        (out / part["path"]).unlink()
        (out / part["path"]).parent.rmdir()
        part |= {
            "path": path.relative_to(out).as_posix(),
            "size_bytes": path.stat().st_size,
            "blake3": blake3(path.read_bytes()).hexdigest(),
        }
    (out / "runs" / f"{name}.json").write_text(json.dumps(told))
    manifest.unlink()
    for leftover in out.glob(".state.sqlite*"):
        leftover.unlink()


@pytest.mark.parametrize("text", ["version: 1\n", "version: 1\nkeep: {cases: 3}\n"])
def test_a_policy_without_limits_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    done = strayscan("purge", tmp_path / "out", "--policy", tmp_path / "policy.yaml", "--apply")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "out").exists()
