"""The scan command as a user runs it: what it writes, what it says, what it leaves alone, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from scanner.api import open_findings

NAME, PHONE, MAIL = "山田太郎", "090-1234-5678", "taro.yamada@example.co.jp"
COMMAND = os.environ.get("STRAYSCAN_COMMAND") or str(Path(sys.executable).parent / "strayscan")  # or an installed wheel's
NO_SOCKETS = """
import socket
def refuse(*_, **__): raise OSError("the network is not for tests")
socket.getaddrinfo = socket.create_connection = refuse
_connect = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX: refuse()
    return _connect(self, address)
socket.socket.connect = connect
"""


def strayscan(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})}, cwd=cwd, timeout=120, check=False)


def stamps(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything a scan must leave as it is."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        found[str(path)] = (digest, stat.st_mode, stat.st_uid, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    return found


@dataclass(frozen=True)
class Scanned:
    """A share, its scan, and what came out."""

    share: Path
    out: Path
    result: subprocess.CompletedProcess[str]
    before: dict[str, tuple[object, ...]]
    after: dict[str, tuple[object, ...]]

    @property
    def objects(self) -> pd.DataFrame:
        frame: pd.DataFrame = open_findings(self.out).objects()
        return frame.assign(where=frame["path"] + frame["member"].map(lambda m: f"!{m}" if isinstance(m, str) else "")).set_index("where")


def a_share(folder: Path) -> Path:
    share = folder / "share"
    (share / "hr").mkdir(parents=True)
    (share / "hr-old").mkdir()
    (share / "deep").mkdir()
    text = f"氏名: {NAME}\n電話: {PHONE}\nメール: {MAIL}\n"
    (share / "hr" / "staff.txt").write_bytes(text.encode("cp932"))
    (share / "hr-old" / "staff.txt").write_bytes(text.encode("euc_jp"))
    os.link(share / "hr" / "staff.txt", share / "deep" / "linked.txt")
    rows = ["氏名,電話番号,メールアドレス", *(f"鈴木花子,090-1111-22{n:02},h{n}@example.jp" for n in range(30))]
    (share / "deep" / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with zipfile.ZipFile(share / "deep" / "pack.zip", "w") as archive:
        archive.writestr("inner.txt", text)
        archive.writestr("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(64))
    (share / "plain.md").write_text("# 議事録\n本日は晴天なり。\n")
    (share / "a\nb.txt").write_text("nothing here\n")
    (share / "link").symlink_to("plain.md")
    os.mkfifo(share / "pipe")
    (share / "skip").mkdir()
    (share / "skip" / "x.txt").write_text(text)
    (folder / "policy.yaml").write_text(
        "version: 1\nstores:\n"
        "  - {name: staff, paths: ['share/hr/**'], owner: HR, purpose: employment, allow: [PERSON, PHONE_NUMBER, EMAIL_ADDRESS]}\n"
        "departments:\n  - {name: Deep, paths: ['share/deep/**'], manager: M, contact: C}\n"
        "exclude: ['share/skip/**']\n"
        "excuse:\n  - {reason: image_only, paths: ['share/none/**'], why: none}\n"
    )
    os.utime(share / "plain.md", ns=(10**18, 10**18))
    return share


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanned]:
    folder = tmp_path_factory.mktemp("cli")
    share = a_share(folder)
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(NO_SOCKETS)
    env = {"PYTHONPATH": str(folder / "site"), "STRAYSCAN_KEY": "a key for tests"}
    before = stamps(share)
    result = strayscan("scan", share, "--policy", folder / "policy.yaml", "--out", folder / "out", "--json", env=env)
    yield Scanned(share, folder / "out", result, before, stamps(share))


def test_status_and_summary(scanned: Scanned) -> None:
    assert scanned.result.returncode == 3, scanned.result.stderr  # the picture in the zip is unread
    summary = json.loads(scanned.result.stdout)
    assert summary["exit_status"] == 3
    assert summary["objects"] == len(scanned.objects)
    assert summary["outcome"] == "complete"
    assert [group["reason"] for group in summary["unread"]] == ["image_only", "member_unread"] or summary["unread"]


def test_everything_met_has_a_row(scanned: Scanned) -> None:
    rows = scanned.objects
    assert set(rows.index) == {
        "hr/staff.txt",
        "hr-old/staff.txt",
        "deep/linked.txt",
        "deep/list.csv",
        "deep/pack.zip",
        "deep/pack.zip!inner.txt",
        "deep/pack.zip!photo.png",
        "plain.md",
        "a\nb.txt",
        "link",
        "pipe",
        "skip/",
    }
    assert rows.loc["link", ["status", "reason"]].tolist() == ["no_text", "symlink"]
    assert rows.loc["pipe", ["status", "reason"]].tolist() == ["no_text", "fifo"]
    assert rows.loc["skip/", "status"] == "excluded"
    assert pd.isna(rows.loc["skip/", "verdict"])


def test_verdicts_follow_the_place(scanned: Scanned) -> None:
    verdicts = scanned.objects["verdict"]
    assert verdicts["hr/staff.txt"] == "approved"
    assert verdicts["hr-old/staff.txt"] == "stray"  # `hr/**` does not approve `hr-old/`
    assert verdicts["deep/linked.txt"] == "stray"  # the same inode under a name outside the store
    assert verdicts["deep/pack.zip"] == "stray"
    assert verdicts["deep/pack.zip!photo.png"] == "unread"
    assert verdicts["plain.md"] == "clean"


def test_encodings_persons_and_departments(scanned: Scanned) -> None:
    rows = scanned.objects
    assert rows.loc["hr/staff.txt", "encoding"] == "cp932"
    assert rows.loc["hr-old/staff.txt", "encoding"] == "euc-jp"
    assert rows.loc["deep/list.csv", "persons"] == 30
    assert rows.loc["deep/list.csv", "department"] == "Deep"
    assert rows.loc["deep/linked.txt", "persons"] == 1


def test_columns_are_one_finding_each(scanned: Scanned) -> None:
    findings = open_findings(scanned.out).findings()
    table = findings[findings["path"] == "deep/list.csv"].set_index("column")
    assert table.loc["メールアドレス", ["entity_type", "count", "distinct", "first_row"]].tolist() == ["EMAIL_ADDRESS", 30, 30, 2]
    assert table.loc["氏名", ["entity_type", "count", "distinct"]].tolist() == ["PERSON", 30, 1]


def test_a_dictionary_and_a_combination_of_the_policy(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (share / "plan.txt").write_text("The Blue Heron budget, ask taro.yamada@corp.co.jp\n")
    (share / "list.csv").write_text("id,note\n1,Blue Heron\n2,none\n")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\ndetect:\n  dictionaries: [{entity: PROJECT_NAME, words: [blue heron]}]\n"
        "  combinations: [{all: [PROJECT_NAME, EMAIL_ADDRESS]}]\n"
    )
    done = strayscan("scan", share, "--policy", policy, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    findings = open_findings(tmp_path / "out").findings().fillna({"reason": ""})
    rows = sorted(findings[["path", "entity_type", "verdict", "reason"]].itertuples(index=False, name=None))
    assert rows == [
        ("list.csv", "PROJECT_NAME", "info", "no_combination"),
        ("plan.txt", "EMAIL_ADDRESS", "stray", "outside_store"),
        ("plan.txt", "PROJECT_NAME", "stray", "outside_store"),
    ]
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"heron" not in (written + done.stdout.encode() + done.stderr.encode()).lower()


def test_nothing_of_the_share_is_changed(scanned: Scanned) -> None:
    assert scanned.after == scanned.before


def test_no_value_in_any_byte(scanned: Scanned) -> None:
    outputs = [scanned.result.stdout.encode(), scanned.result.stderr.encode()]
    outputs += [path.read_bytes() for path in scanned.out.rglob("*") if path.is_file()]
    found = open_findings(scanned.out)
    outputs += [
        frame.to_json(force_ascii=False, date_format="iso").encode() for frame in (found.objects(), found.findings(), found.values())
    ]
    for value in (NAME, PHONE, PHONE.replace("-", ""), MAIL, "鈴木花子", "090-1111-2203", "h7@example.jp"):
        for data in outputs:
            assert value.encode() not in data
            assert value.encode("cp932") not in data


def test_a_second_run_remembers_when_findings_were_first_seen(scanned: Scanned, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(scanned.out, out)
    again = strayscan("scan", scanned.share, "--out", out, "--json", env={"STRAYSCAN_KEY": "a key for tests"})
    assert again.returncode == 3, again.stderr
    first, second = sorted(open_findings(out).runs()["run_id"])
    found = open_findings(out)
    old = found.findings(run=first).set_index("finding_id")["first_seen"]
    new = found.findings(run=second).set_index("finding_id")["first_seen"]
    shared = old.index.intersection(new.index)
    assert len(shared) > 3
    assert (old[shared] == new[shared]).all()


def test_another_key_is_refused(scanned: Scanned) -> None:
    result = strayscan("scan", scanned.share, "--out", scanned.out, env={"STRAYSCAN_KEY": "another"})
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1


def test_clean_share_ends_with_0(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "notes.txt").write_text("品番 AB-1234 の在庫を確認した。\n")
    result = strayscan("scan", tmp_path / "share", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert list((tmp_path / "out" / "runs").glob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing", "--out", "out"], "missing"),
        (["share", "--out", "share/file"], "file"),
        (["share", "--policy", "bad.yaml", "--out", "out"], "bad.yaml:2"),
        (["share", "--policy", "rule.yaml", "--out", "out"], "broken.yaml"),
    ],
)
def test_wrong_usage_is_one_sentence_and_writes_nothing(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "file").write_text("x")
    (tmp_path / "bad.yaml").write_text("version: 1\nstors: []\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "broken.yaml").write_text("- id: own.code\n  entity: OWN_CODE\n  pattern: '('\n")
    (tmp_path / "rule.yaml").write_text("version: 1\ndetect:\n  rules: [rules]\n")
    before = stamps(tmp_path)
    result = strayscan("scan", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert stamps(tmp_path) == before


def test_ctrl_c_writes_what_was_done(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    for number in range(400):
        (share / f"{number:04}.txt").write_text(f"第{number}回、本日の会議では生産計画を確認した。" * 2_000)
    command = [COMMAND, "scan", str(share), "--out", str(tmp_path / "out"), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").glob(".staging/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(5)  # the workers load; the share takes them far longer than that
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    summary = json.loads(stdout)
    assert summary["outcome"] == "interrupted"
    assert len(open_findings(tmp_path / "out").objects()) == summary["objects"] < 400
