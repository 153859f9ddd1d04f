"""Clean-up: what is touched and what is not, what the list may say, and the command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from scanner.obligations.cleanup import Cleanup, CleanupError, Line, draft, overwriting, read_list, records
from scanner.policy import load
from tests.cli.command import strayscan
from tests.unit.findings.samples import finding_row, object_row, publish

POLICY = """version: 1
stores: [{name: crm, paths: ["share/crm/**"], owner: Sales, allow: [PERSON, JP_MY_NUMBER]}]
departments: [{name: HR, paths: ["share/hr/**"], contact: ext. 12}]
"""
DATA = {
    name: f"{name}, somebody, user@example.co.jp\n".encode() * 9 for name in ("a.csv", "hr/b.csv", "=c.csv", "linked.csv", "number.csv")
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    share = tmp_path / "share"
    (share / "crm").mkdir(parents=True)
    (share / "hr").mkdir()
    rows, findings = [], []
    for name, data in DATA.items():
        (share / name).write_bytes(data)
        known: dict[str, Any] = {"content_hash": blake3(data).hexdigest(), "persons": 9, "verdict": "stray", "severity": "high"}
        rows.append(object_row(name, root=str(share)) | known)
        kind = {"hr/b.csv": "ADDRESS", "number.csv": "JP_MY_NUMBER"}.get(name, "PERSON")
        findings.append(finding_row(name, root=str(share)) | {"verdict": "stray", "reason": "outside_store", "entity_type": kind})
    os.link(share / "linked.csv", tmp_path / "elsewhere")
    rows.append(object_row("unread.csv", root=str(share), status="partial", reason="timeout") | {"verdict": "stray"})
    (share / "unread.csv").write_bytes(b"x")
    publish(tmp_path / "out", rows, findings, root=str(share))
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def done(home: Path, *lines: tuple[str, str, str | None], **more: Any) -> list[str]:
    asked = [
        Line(n, action, home / "share" / path, None if to is None else home / "share" / to) for n, (action, path, to) in enumerate(lines)
    ]
    with Cleanup(home / "out", load(home / "policy.yaml")) as cleanup:
        return [one.what for one in cleanup.carry_out(asked, "because", **more)]


def test_a_move_keeps_bytes_mode_and_times_and_leaves_a_note(home: Path) -> None:
    source = home / "share/a.csv"
    source.chmod(0o640)
    os.utime(source, (1_700_000_000, 1_700_000_000))
    assert done(home, ("move", "a.csv", "crm/deep/a.csv")) == ["done"]
    target = home / "share/crm/deep/a.csv"
    assert (target.read_bytes(), target.stat().st_mode & 0o777, target.stat().st_mtime) == (DATA["a.csv"], 0o640, 1_700_000_000)
    assert not source.exists()
    note = (home / "share/a.csv.moved.txt").read_text(encoding="utf-8-sig")
    assert "承認された保管場所へ移動しました" in note and "Ask: Sales" in note
    (record,) = records(home / "out")
    assert (record["action"], record["to"], record["reason"], record["persons"]) == ("move", str(target), "because", 9)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (("delete", "nowhere.csv", None), "not_known"),
        (("delete", "unread.csv", None), "not_hashed"),
        (("delete", "linked.csv", None), "linked"),
        (("move", "a.csv", "hr/a.csv"), "not_approved"),
        (("move", "hr/b.csv", "crm/b.csv"), "kind_not_allowed"),
        (("move", "a.csv", "crm/taken.csv"), "name_taken"),
    ],
)
def test_what_may_not_be_done_is_not_begun(home: Path, line: tuple[str, str, str | None], what: str) -> None:
    (home / "share/crm/taken.csv").write_bytes(b"theirs")
    before = {path: path.read_bytes() for path in (home / "share").rglob("*") if path.is_file()}
    assert done(home, line) == [what]
    assert {path: path.read_bytes() for path in (home / "share").rglob("*") if path.is_file()} == before
    assert records(home / "out") == [] and list((home / "out/cleanup/orders").iterdir()) == []


def test_a_file_that_changed_since_the_scan_is_not_touched(home: Path) -> None:
    (home / "share/a.csv").write_bytes(DATA["a.csv"] + b"one more\n")
    assert done(home, ("delete", "a.csv", None)) == ["changed"]
    (home / "share/a.csv").unlink()
    assert done(home, ("delete", "a.csv", None)) == ["gone"]
    (home / "share/a.csv").symlink_to(home / "share/number.csv")
    assert done(home, ("delete", "a.csv", None))[0] in ("gone", "refused")
    assert (home / "share/number.csv").read_bytes() == DATA["number.csv"]


def test_a_rehearsal_changes_nothing(home: Path) -> None:
    assert done(home, ("delete", "a.csv", None), ("move", "number.csv", "crm/n.csv"), rehearse=True) == ["would", "would"]
    assert (home / "share/a.csv").exists() and records(home / "out") == []


def test_one_clean_up_at_a_time(home: Path) -> None:
    with Cleanup(home / "out", load(home / "policy.yaml")), pytest.raises(CleanupError, match="at work"):
        Cleanup(home / "out", load(home / "policy.yaml")).__enter__()


@pytest.mark.parametrize(
    ("fstype", "how"),
    [
        ("ext4", "in_place"),
        ("xfs", "in_place"),
        ("btrfs", "copy_on_write"),
        ("zfs", "copy_on_write"),
        ("nfs4", "remote"),
        ("cifs", "remote"),
        ("fuse.sshfs", "remote"),
        ("reiserfs", "unsure"),
    ],
)
def test_what_overwriting_is_worth(fstype: str, how: str) -> None:
    assert overwriting(fstype) == how


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "names the columns"),
        ("action,path\nburn,/x\n", "line 2: the action is"),
        ("action,path\ndelete,x\n", "line 2: paths are absolute"),
        ("action,path,to\nmove,/x,\n", "says where to"),
        ("action,path,to\ndelete,/x,/y\n", "says where to"),
        ("action,path\ndelete,/x\n,\ndelete,/x\n", "stands in it twice"),
    ],
)
def test_a_list_that_says_nothing_clear(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(CleanupError, match=said):
        read_list(tmp_path / "list.csv")


def test_a_draft_can_be_filled_in_and_read(home: Path) -> None:
    text = draft(home / "out", [home / "share"])
    lines = text.splitlines()
    assert lines[0] == "action,path,to,department,severity,persons,kinds"
    assert len(lines) == 6  # what was not read to its end has no stray finding
    (home / "list.csv").write_text("\r\n".join([lines[0], *("delete" + line for line in lines[1:])]), encoding="cp932")
    assert {line.path.name for line in read_list(home / "list.csv")} == {"a.csv", "b.csv", "=c.csv", "linked.csv", "number.csv"}
    assert draft(home / "out", [home / "share/hr"]).count("\n") == 2


def test_the_command(home: Path) -> None:
    listed = home / "list.csv"
    listed.write_text(f"action,path,to\ndelete,{home}/share/number.csv,\nmove,{home}/share/a.csv,{home}/share/crm/a.csv\n")
    first = strayscan("resolve", home / "out", "--policy", home / "policy.yaml", "--list", listed)
    assert (first.returncode, "would be deleted (My Number; 9 persons)" in first.stdout) == (0, True), first.stderr
    assert (home / "share/a.csv").exists()
    applied = strayscan(
        "resolve", home / "out", "--policy", home / "policy.yaml", "--list", listed, "--reason", "整理", "--apply", "--lang", "ja"
    )
    assert (applied.returncode, "削除しました" in applied.stdout) == (0, True), applied.stderr
    again = strayscan("resolve", home / "out", "--policy", home / "policy.yaml", "--list", listed, "--reason", "x", "--apply", "--json")
    told = json.loads(again.stdout)
    assert (again.returncode, [one["what"] for one in told["files"]]) == (3, ["gone", "name_taken"]) or told["files"][1]["what"] == "gone"
    shown = strayscan("resolve", home / "out", "--records")
    assert [json.loads(line)["action"] for line in shown.stdout.splitlines()] == ["delete", "move"]
    written = b"".join(path.read_bytes() for path in (home / "out").rglob("*") if path.is_file())
    for text in (written, first.stdout.encode(), applied.stdout.encode(), shown.stdout.encode()):
        assert b"user@" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("out",), "one of --draft"),
        (("out", "--list", "l.csv"), "needs --policy"),
        (("out", "--list", "l.csv", "--policy", "policy.yaml", "--apply"), "needs a --reason"),
    ],
)
def test_what_is_wrong_is_one_sentence(home: Path, arguments: tuple[str, ...], said: str) -> None:
    done = strayscan("resolve", *arguments, cwd=home)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr
