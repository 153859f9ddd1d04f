"""Copies in whole runs: what scan, refresh and trace say of stores and of what left them, over several runs."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detectors import engine
from scanner import api
from scanner.model import DetectSettings
from scanner.pipeline import walk
from scanner.render.messages import Messages
from scanner.render.stores import print_stores
from scanner.render.terminal import print_summary
from scanner.render.trace import print_answer
from scanner.run import remembered, scan
from scanner.run.summary import RunSummary
from tests.unit.run.quick_run import InProcess, write

HEADER = "会員番号,氏名,住所,電話番号,メールアドレス\n"
POLICY = """version: 1
stores:
  - {name: master, paths: ["share/crm/**"], owner: Sales Planning, purpose: orders, allow: ["*"]}
"""
_ENGINE = engine.load(DetectSettings())


@pytest.fixture(autouse=True)
def in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "Supervisor", InProcess)
    monkeypatch.setattr(walk, "_load_detectors", lambda config: _ENGINE)
    monkeypatch.setattr(remembered, "FRESH", -(10**15))
    monkeypatch.setattr(os, "fsync", lambda handle: None)


class Died(BaseException):
    """Stands for the end of the process."""


def record(number: int) -> tuple[str, str, str, str]:
    surname = ("田中", "鈴木", "高橋", "伊藤", "渡辺")[number % 5]
    given = ("一郎", "花子", "健太", "美咲")[number // 5 % 4]
    address = f"東京都千代田区丸の内{number % 7 + 1}-{number % 11 + 1}-{number + 1}"
    return f"{surname} {given}", address, f"090-0000-{number:04}", f"user{number}@example.co.jp"


def table(numbers: range) -> str:
    return HEADER + "".join(f"M{number:05},{','.join(record(number))}\n" for number in numbers)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    root = tmp_path / "share"
    write(root / "crm" / "master.csv", table(range(200)))
    write(root / "tmp" / "list.csv", "名前,mail\n" + "".join(f"{record(n)[0]},{record(n)[3]}\n" for n in range(50, 80)))
    write(root / "tmp" / "note.txt", f"本日、{record(7)[0]}様から連絡がありました。携帯は{record(7)[2]}です。\n")
    write(root / "tmp" / "others.csv", table(range(1000, 1030)))
    write(tmp_path / "policy.yaml", POLICY)
    return root


def run(share: Path, **settings: Any) -> RunSummary:
    home = share.parent
    return api.scan(share, home / "policy.yaml", out=home / "out", jobs=1, recheck=0.0, **settings)


def copies(share: Path) -> dict[str, tuple[str, int, str]]:
    """path and member -> store, records, evidence, as they stand."""
    frame = api.open_findings(share.parent / "out").copies()
    names = [
        path if not isinstance(member, str) else f"{path}!{member}" for path, member in zip(frame["path"], frame["member"], strict=True)
    ]
    return dict(zip(names, zip(frame["store"], frame["matched_records"].tolist(), frame["evidence"], strict=True), strict=True))


def objects(share: Path) -> dict[str, Any]:
    frame = api.open_findings(share.parent / "out").objects()
    return frame.set_index("path").to_dict("index")


def policy(share: Path, text: str) -> None:
    write(share.parent / "policy.yaml", text)


# --------------------------------------------------------------------------- one run


def test_copies_are_told_with_store_columns_and_severity(share: Path) -> None:
    summary = run(share)
    assert copies(share) == {"tmp/list.csv": ("master", 30, "records"), "tmp/note.txt": ("master", 1, "records")}
    assert summary.copies == {"master": 2}
    assert (summary.stores[0].traced, summary.stores[0].records, summary.stores[0].owner) == (True, 200, "Sales Planning")
    assert summary.exit_status == 1
    worst = summary.worst_copies[0]
    assert (worst.path, worst.columns, worst.store_records) == ("tmp/list.csv", ("メールアドレス", "氏名"), 200)
    severity = {path: row["severity"] for path, row in objects(share).items()}
    assert severity["tmp/list.csv"] == "critical"
    policy(share, POLICY + "copies: {stores: {master: {trace: no}}}\n")
    untraced = run(share, full=True)
    assert (untraced.stores[0].traced, untraced.stores[0].reason, untraced.exit_status) == (False, "policy", 1)
    assert copies(share) == {}
    assert {path: row["severity"] for path, row in objects(share).items()}["tmp/list.csv"] == "high"


def test_two_stores_with_one_person_and_a_store_in_a_store_are_no_leak(share: Path) -> None:
    write(share / "support" / "tickets.csv", table(range(20)))
    write(share / "crm" / "vip" / "vip.csv", table(range(5)))
    policy(
        share,
        POLICY
        + '  - {name: support, paths: ["share/support/**"], allow: ["*"]}\n  - {name: vip, paths: ["share/crm/vip/**"], allow: ["*"]}\n',
    )
    run(share)
    assert set(copies(share)) == {"tmp/list.csv", "tmp/note.txt"}


def test_what_a_store_does_not_allow_is_compared_with_the_others(share: Path) -> None:
    write(share / "mailing" / "list.csv", table(range(20)))
    policy(share, POLICY + '  - {name: mailing, paths: ["share/mailing/**"], allow: [EMAIL_ADDRESS]}\n')
    run(share)
    assert copies(share)["mailing/list.csv"] == ("master", 20, "records")


def test_members_mails_and_the_same_bytes(share: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/rows.tsv", table(range(30, 40)).replace(",", "\t"))
    (share / "tmp" / "old.zip").write_bytes(out.getvalue())
    (share / "crm" / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(200)))
    (share / "tmp" / "copy-of-logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(200)))
    run(share)
    found = copies(share)
    assert found["tmp/old.zip!a/rows.tsv"] == ("master", 10, "records")
    assert found["tmp/copy-of-logo.png"] == ("master", 0, "bytes")


def test_excerpts_of_documents(share: Path) -> None:
    text = "".join(f"第{n}条 甲は乙に対し、製品番号{n * 37}の検査を第{n + 3}営業日までに完了し、書面で通知する。" for n in range(40))
    write(share / "crm" / "contract.txt", text)
    write(share / "tmp" / "memo.txt", "会議メモ\n" + text[300:700] + "\n以上")
    run(share)
    assert copies(share)["tmp/memo.txt"] == ("master", 0, "text")
    assert run(share).copies == {"master": 3}


# --------------------------------------------------------------------------- several runs


def test_a_second_run_reads_nothing_and_still_tells(share: Path) -> None:
    run(share)
    second = run(share)
    assert second.by_status == {"unchanged": 4}
    assert second.copies == {"master": 2}
    assert len(api.open_findings(share.parent / "out").copies(run=second.run_id)) == 0
    assert len(copies(share)) == 2


def test_a_record_that_leaves_the_store_is_no_copy_any_more(share: Path) -> None:
    run(share)
    write(share / "crm" / "master.csv", table(range(8, 200)))
    second = run(share)
    assert copies(share) == {"tmp/list.csv": ("master", 30, "records")}
    assert second.by_status == {"unchanged": 2, "scanned": 2}
    assert second.copies == {"master": 1}


def test_a_new_record_makes_an_old_file_a_copy(share: Path) -> None:
    run(share)
    write(share / "crm" / "more.csv", table(range(1000, 1040)))
    second = run(share)
    assert copies(share)["tmp/others.csv"] == ("master", 30, "records")
    assert second.by_status == {"unchanged": 4 - 1, "scanned": 2}
    assert run(share).by_status == {"unchanged": 5}


def test_a_file_that_is_approved_later_is_no_copy_any_more(share: Path) -> None:
    run(share)
    policy(share, POLICY.replace('["share/crm/**"]', '["share/crm/**", "share/tmp/list.csv"]'))
    run(share)
    assert set(copies(share)) == {"tmp/note.txt"}


def test_new_documents_are_said_not_to_be_looked_for_in_old_files(share: Path) -> None:
    run(share)
    write(share / "crm" / "contract.txt", "".join(f"第{n}条 甲は乙に対し、検査番号{n * 31}の結果を書面で通知する。" for n in range(40)))
    assert any("documents of the stores have changed" in note for note in run(share).notes)
    assert not any("documents" in note for note in run(share).notes)


@pytest.mark.parametrize("files", [1, 2, 3])
def test_a_run_that_died_goes_on_with_the_copies_it_had(share: Path, monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    api.refresh_stores(share.parent / "policy.yaml", jobs=1)
    done, real = 0, InProcess.run

    def dying(self: InProcess, tasks: Any, **more: Any) -> Any:
        nonlocal done
        for task, event in real(self, tasks, **more):
            done += type(event).__name__ == "Finished"
            if done > files:
                raise Died
            yield task, event

    def let_go(writer: Any) -> None:
        os.close(writer._held._handle)
        writer._held._handle = None

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(InProcess, "run", dying)
        patch.setattr("scanner.findings.store.RunWriter.suspend", let_go)
        patch.setattr("scanner.findings.store.RunWriter.abort", lambda self: None)
        run(share, checkpoint_seconds=0.0)
    summary = run(share)
    assert any("taken up again" in note for note in summary.notes)
    assert copies(share) == {"tmp/list.csv": ("master", 30, "records"), "tmp/note.txt": ("master", 1, "records")}
    assert len(api.open_findings(share.parent / "out").copies(run=summary.run_id)) == 2
    assert summary.copies == {"master": 2}


# --------------------------------------------------------------------------- what goes wrong


def test_a_store_without_files_ends_in_3(share: Path) -> None:
    policy(share, POLICY + '  - {name: gone, paths: ["share/gone/**"], allow: ["*"]}\n')
    summary = run(share)
    state = {state.name: state for state in summary.stores}["gone"]
    assert (state.traced, state.reason, summary.exit_status) == (False, "missing", 3)
    manifest = json.loads(next((share.parent / "out" / "runs").glob("*.json")).read_text())
    told = {"name": "gone", "owner": None, "traced": False, "why": "its paths match nothing", "reason": "missing", "records": 0}
    assert told in manifest["stores"]


def test_a_store_outside_the_roots_is_traced_all_the_same(share: Path, tmp_path: Path) -> None:
    (share / "crm").rename(tmp_path / "crm")
    policy(share, POLICY.replace("share/crm", "crm"))
    summary = run(share)
    assert set(copies(share)) == {"tmp/list.csv", "tmp/note.txt"}
    assert summary.exit_status == 1


def test_a_store_that_is_partly_unread_is_said(share: Path) -> None:
    (share / "crm" / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    policy(share, POLICY.replace("share/crm", "share/crm").replace("version: 1", "version: 1\nlimits: {file_bytes: 3000}"))
    summary = run(share)
    state = summary.stores[0]
    assert (state.traced, state.reason, summary.exit_status) == (True, "unread", 3)
    assert "too_large" in (state.why or "")
    assert "image_only" in (state.why or "")


@pytest.mark.parametrize("spoil", ["manifest", "tags", "findings"])
def test_a_damaged_index_is_made_anew(share: Path, spoil: str) -> None:
    run(share)
    (home,) = (Path(os.environ["XDG_DATA_HOME"]) / "strayscan" / "stores").iterdir()
    if spoil == "manifest":
        next(home.glob("stores/*/index.json")).write_bytes(b"\x00")
    elif spoil == "tags":
        next(home.glob("stores/*/*.tags")).write_bytes(b"x")
    else:
        (home / "refreshed.json").write_bytes(b"[]")
    summary = run(share)
    assert (summary.copies, summary.stores[0].traced, summary.exit_status) == ({"master": 2}, True, 1)


def test_an_index_folder_that_cannot_be_used_is_said(share: Path) -> None:
    policy(share, POLICY + "copies: {index: out/index}\n")
    summary = run(share)
    assert (summary.stores[0].traced, summary.stores[0].reason, summary.exit_status) == (False, "failed", 3)
    assert "inside one another" in (summary.stores[0].why or "")
    open_to_all = share.parent / "index"
    open_to_all.mkdir(mode=0o755)
    open_to_all.chmod(0o755)
    policy(share, POLICY + "copies: {index: index}\n")
    assert "chmod 700" in (run(share).stores[0].why or "")
    policy(share, POLICY + "copies: {index: share/crm/index}\n")
    assert "inside an approved store" in (run(share).stores[0].why or "")


def test_an_index_under_another_key_is_not_used(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(share, POLICY + "copies: {index: index}\n")
    assert run(share).stores[0].traced
    monkeypatch.setenv("STRAYSCAN_KEY", "another key of some length")
    summary = api.scan(share, share.parent / "policy.yaml", out=share.parent / "out2", jobs=1)
    assert (summary.stores[0].traced, summary.exit_status) == (False, 3)
    assert "key" in (summary.stores[0].why or "")


def test_an_index_inside_the_root_is_not_scanned(share: Path) -> None:
    policy(share, POLICY + "copies: {index: share/index}\n")
    assert run(share).objects == 5
    assert run(share).objects == 5
    assert objects(share)["index/"]["status"] == "excluded"


# --------------------------------------------------------------------------- refresh, list


def test_refresh_reads_only_what_changed(share: Path) -> None:
    first = api.refresh_stores(share.parent / "policy.yaml", jobs=1)
    assert (first.read, first.stores[0].state.records, first.exit_status) == (1, 200, 0)
    findings = first.folder / "findings" / "runs"
    assert api.refresh_stores(share.parent / "policy.yaml", jobs=1).read == 0
    assert len(list(findings.iterdir())) == 1, "nothing changed, and no scan was needed"
    write(share / "crm" / "more.csv", table(range(300, 310)))
    again = api.refresh_stores(share.parent / "policy.yaml", jobs=1)
    assert (again.stores[0].state.records, again.stores[0].sources) == (210, 2)
    assert stat.S_IMODE(first.folder.stat().st_mode) == 0o700


def test_list_tells_what_there_is_without_a_look(share: Path) -> None:
    before = api.list_stores(share.parent / "policy.yaml")
    assert (before.stores[0].state.traced, before.exit_status) == (False, 3)
    policy(share, POLICY + "copies: {stores: {master: {keys: [メールアドレス, 携帯]}}}\n")
    api.refresh_stores(share.parent / "policy.yaml", jobs=1)
    (store,) = api.list_stores(share.parent / "policy.yaml").stores
    assert (store.columns, store.unknown_columns, store.state.records) == (("メールアドレス",), ("携帯",), 200)


def test_a_refresh_that_dies_anywhere_is_mended_by_the_next(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rename, removal and folder made, one after another, is the last thing it does."""
    file = share.parent / "policy.yaml"
    api.refresh_stores(file, jobs=1)
    step, survived = 0, False
    while not survived:
        step += 1
        write(share / "crm" / "master.csv", table(range(step, 200)))
        left = step

        def dying(real: Any) -> Any:
            def act(*arguments: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    raise Died
                return real(*arguments, **options)

            return act

        with monkeypatch.context() as patch:
            for name in ("rename", "unlink", "mkdir", "chmod"):
                patch.setattr(Path, name, dying(getattr(Path, name)))
            patch.setattr("scanner.findings.store.RunWriter.abort", lambda self: None)
            try:
                api.refresh_stores(file, jobs=1)
                survived = True
            except Died:
                pass
        mended = api.refresh_stores(file, jobs=1)
        assert (mended.stores[0].state.records, mended.exit_status) == (200 - step, 0)
        assert api.list_stores(file).stores[0].state.traced
        if step > 6:
            survived = True  # the rest is the same few steps of the findings store, which tests/crash/test_store.py covers
    assert step > 3


# --------------------------------------------------------------------------- trace


def test_trace_answers_from_where_and_where_else(share: Path, tmp_path: Path) -> None:
    run(share)
    back = write(tmp_path / "back.csv", "x,名前,e\n" + "".join(f"1,{record(n)[0]},{record(n)[3]}\n" for n in range(60, 70)))
    answer = api.trace(back, tmp_path / "policy.yaml", out=tmp_path / "out")
    (found,) = answer.copies
    assert (found.copy.store, found.copy.matched_records, found.owner, found.purpose) == ("master", 10, "Sales Planning", "orders")
    assert {(place.path, place.matched_records, place.store) for place in answer.elsewhere} == {
        ("tmp/list.csv", 10, None),
        ("crm/master.csv", 10, "master"),
    }
    assert answer.first is not None
    assert (answer.first.path, answer.first_why, answer.exit_status, answer.persons) == ("tmp/list.csv", "most", 1, 10)


def test_trace_knows_the_same_bytes_and_an_archive(share: Path, tmp_path: Path) -> None:
    run(share)
    packed = tmp_path / "found.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(share / "tmp" / "note.txt", "n.txt")
    answer = api.trace(packed, tmp_path / "policy.yaml", out=tmp_path / "out", refresh=False)
    assert [place.path for place in answer.elsewhere if place.same_bytes] == ["tmp/note.txt"]
    assert answer.copies[0].copy.member == "n.txt"


def test_trace_says_what_it_cannot_tell(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = write(tmp_path / "nothing.txt", "本日は晴れ。\n")
    assert api.trace(empty, tmp_path / "policy.yaml").exit_status == 0
    assert api.trace(empty, tmp_path / "policy.yaml", out=tmp_path / "nowhere").problems != ()
    (tmp_path / "blob.bin").write_bytes(bytes(range(256)) * 9)
    assert api.trace(tmp_path / "blob.bin", tmp_path / "policy.yaml").exit_status == 3
    run(share)
    monkeypatch.setenv("STRAYSCAN_KEY", "another key of some length")
    answer = api.trace(share / "tmp" / "list.csv", tmp_path / "policy.yaml", out=tmp_path / "out")
    assert any("another key" in problem for problem in answer.problems)


# --------------------------------------------------------------------------- nothing in clear


def told(share: Path) -> Iterator[str]:
    """Everything that people and machines are shown."""
    summary, file = run(share), share.parent / "policy.yaml"
    refreshed = api.refresh_stores(file, jobs=1)
    answer = api.trace(share / "tmp" / "list.csv", file, out=share.parent / "out")
    yield from (json.dumps(one.to_json(), ensure_ascii=False) for one in (summary, refreshed, answer))
    for lang in ("en", "ja"):
        shown = io.StringIO()
        print_summary(summary, shown, lang)
        print_stores(refreshed, shown, Messages(lang), told_read=True)
        print_answer(answer, shown, Messages(lang))
        assert "master" in shown.getvalue()
        yield shown.getvalue()


def test_no_value_is_in_any_byte_of_index_findings_or_answer(share: Path) -> None:
    texts = "".join(told(share)).encode()
    index = Path(os.environ["XDG_DATA_HOME"])
    data = texts + b"".join(f.read_bytes() for place in (index, share.parent / "out") for f in place.rglob("*") if f.is_file())
    for number in range(200):
        for value in record(number):
            for form in (value, value.replace(" ", ""), value.replace("-", "")):
                assert form.encode() not in data
