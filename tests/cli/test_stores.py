"""`strayscan stores` and `strayscan trace` as typed, with real workers: pages, JSON, statuses, one sentence for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import strayscan

POLICY = """version: 1
stores:
  - {name: 顧客台帳, paths: ["share/crm/**"], owner: 営業企画部, purpose: 受注・配送, allow: ["*"]}
"""


@pytest.fixture
def share(tmp_path: Path) -> Path:
    crm, tmp = tmp_path / "share" / "crm", tmp_path / "share" / "tmp"
    crm.mkdir(parents=True)
    tmp.mkdir()
    rows = [f"田中 太郎,090-0000-{n:04},user{n}@example.co.jp" for n in range(60)]
    (crm / "master.csv").write_text("氏名,携帯電話,メールアドレス\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp / "list.csv").write_text("mail\n" + "".join(f"user{n}@example.co.jp\n" for n in range(20)), encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def test_refresh_list_scan_and_trace(share: Path) -> None:
    policy = str(share / "policy.yaml")
    before = strayscan("stores", "list", "--policy", policy)
    assert (before.returncode, "it has no index yet" in before.stdout) == (3, True)
    done = strayscan("stores", "refresh", "--policy", policy, "--lang", "ja")
    assert done.returncode == 0, done.stderr
    assert "顧客台帳: 1件の対象、60レコード" in done.stdout
    assert "営業企画部" in done.stdout
    listed = json.loads(strayscan("stores", "list", "--policy", policy, "--json").stdout)
    assert (listed["stores"][0]["records"], listed["exit_status"]) == (60, 0)
    scanned = strayscan("scan", str(share / "share"), "--policy", policy, "--out", str(share / "out"))
    assert scanned.returncode == 1, scanned.stderr
    assert "tmp/list.csv: 20 of 60 records (メールアドレス)" in scanned.stdout
    traced = strayscan("trace", str(share / "share" / "tmp" / "list.csv"), "--policy", policy, "--out", str(share / "out"), "--json")
    answer = json.loads(traced.stdout)
    assert (traced.returncode, answer["copies"][0]["owner"], answer["elsewhere"][0]["path"]) == (1, "営業企画部", "crm/master.csv")
    shown = strayscan("trace", str(share / "share" / "tmp" / "list.csv"), "--policy", policy, "--no-refresh", "--lang", "ja")
    assert "60件中 20件" in shown.stdout
    for one in (done, scanned, traced, shown):
        assert "user1@" not in one.stdout + one.stderr
        assert "09000000" not in (one.stdout + one.stderr).replace("-", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("trace", "nowhere.csv", "--policy", "{policy}"), "there is no such folder"),
        (("trace", "{policy}", "--policy", "nowhere.yaml"), "cannot be read"),
        (("stores", "refresh"), "--policy"),
        (("stores", "list", "--policy", "nowhere.yaml"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_one_sentence(share: Path, arguments: tuple[str, ...], said: str) -> None:
    done = strayscan(*(argument.format(policy=share / "policy.yaml") for argument in arguments))
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_policy_without_stores(share: Path) -> None:
    (share / "policy.yaml").write_text("version: 1\n", encoding="utf-8")
    for command in ("refresh", "list"):
        done = strayscan("stores", command, "--policy", str(share / "policy.yaml"))
        assert (done.returncode, "no store" in done.stdout) == (0, True)
