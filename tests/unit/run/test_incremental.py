"""Runs over a share that changes in one way at a time: what is read again, what is repeated, and what the findings say then."""

from __future__ import annotations

import os
import sqlite3
from io import BytesIO
from pathlib import Path

import pytest

from scanner.api import open_findings
from scanner.run.state import NAME, State
from scanner.sources.filesystem import RootError
from tests.unit.run.quick_pipeline import reads
from tests.unit.run.quick_run import InProcess, quick, run, write


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    quick(monkeypatch)
    folder = tmp_path / "share"
    write(folder / "clean.txt", "nothing")
    write(folder / "sub" / "hits.txt", "a@example.com\nb@example.com\n")
    write(folder / "box.zip", "member in.txt c@example.com\nmember out.txt nothing\n")
    write(folder / "broken.txt", "x@example.com\ngap truncated\n")
    return folder


def statuses(out: Path) -> dict[str, str]:
    rows = open_findings(out).objects(arrow=True).to_pylist()
    return {f"{row['path']}{'!' + row['member'] if row['member'] else ''}": row["status"] for row in rows}


def open_paths(out: Path) -> list[str]:
    with open_findings(out) as found:
        assert found.problems == []
        return sorted(f"{row['path']}!{row['member'] or ''}" for row in found.findings(arrow=True).to_pylist())


def test_nothing_changed_reads_only_what_could_not_be_read(share: Path, out: Path) -> None:
    first = run(share, out)
    assert reads(out) == ["box.zip", "broken.txt", "clean.txt", "sub/hits.txt"]
    before, values = open_paths(out), len(open_findings(out).values())
    second = run(share, out)
    assert reads(out) == ["broken.txt"]
    same = ("by_verdict", "by_severity", "stray_by_entity", "findings", "persons", "persons_stray", "unread_unexcused", "objects", "worst")
    for name in (*same, "exit_status", "stray_with_findings"):
        assert getattr(first, name) == getattr(second, name), name
    assert second.by_status == {"unchanged": 5, "partial": 1}
    assert open_paths(out) == before
    assert len(open_findings(out).values()) == values
    with open_findings(out) as found:
        for name in ("verdict", "severity", "persons", "content_hash", "media_type", "size_bytes", "modified_at", "changed_at", "file_id"):
            rows = [dict(zip(t["object_id"], t[name], strict=True)) for t in (found.objects(run=r.run_id) for r in (first, second))]
            assert rows[0] == rows[1], name
        assert set(found.findings()["last_seen"]) == {found.runs()["started_at"].max()}


def test_libraries_are_imported_ahead_for_a_new_store_alone(share: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing has changed no worker is wanted, so none is warmed; what was warmed is closed however the run ends."""
    warmed: list[BytesIO] = []
    monkeypatch.setattr(InProcess, "warmed", staticmethod(lambda: warmed.append(BytesIO()) or warmed[-1]))
    run(share, out)
    assert [one.closed for one in warmed] == [True]
    run(share, out)
    assert len(warmed) == 1
    with pytest.raises(RootError):
        run(share / "not-there", out.with_name("other"))
    assert [one.closed for one in warmed] == [True, True]


def test_unchanged_after_unchanged(share: Path, out: Path) -> None:
    run(share, out)
    run(share, out)
    reads(out)
    third = run(share, out)
    assert reads(out) == ["broken.txt"]
    assert third.by_status == {"unchanged": 5, "partial": 1}
    assert "sub/hits.txt!" in open_paths(out)


@pytest.mark.parametrize("how", ["content", "appended", "replaced"])
def test_what_changed_is_read(share: Path, out: Path, how: str) -> None:
    run(share, out)
    reads(out)
    file = share / "sub" / "hits.txt"
    if how == "content":  # same size, and the time set back to what it was: the time of change tells
        times = file.stat()
        file.write_text("a@example.com\nc@example.com\n")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif how == "appended":
        file.write_text("a@example.com\n")
    else:
        other = write(share.parent / "other", "a@example.com\nb@example.org\n")
        other.rename(file)
    run(share, out)
    assert reads(out) == ["broken.txt", "sub/hits.txt"]
    assert statuses(out)["sub/hits.txt"] == "scanned"


def test_touched_is_compared_and_not_parsed(share: Path, out: Path) -> None:
    run(share, out)
    reads(out)
    os.utime(share / "sub" / "hits.txt")
    os.utime(share / "box.zip")
    run(share, out)
    assert reads(out) == ["broken.txt"]
    assert statuses(out)["sub/hits.txt"] == "unchanged"
    assert open_paths(out) == ["box.zip!in.txt", "broken.txt!", "sub/hits.txt!"]
    with open_findings(out) as found:
        (row,) = found.objects(arrow=True).filter(_is("path", "sub/hits.txt")).to_pylist()
    assert abs(row["modified_at"].timestamp() - (share / "sub" / "hits.txt").stat().st_mtime) < 0.001


def _is(column: str, value: str) -> object:
    import pyarrow.compute as pc

    return pc.field(column) == value


def test_full_and_recheck(share: Path, out: Path) -> None:
    run(share, out)
    reads(out)
    run(share, out, full=True)
    assert len(reads(out)) == 4
    checked = run(share, out, recheck=1.0)
    assert reads(out) == ["broken.txt"]
    assert checked.by_status == {"unchanged": 5, "partial": 1}
    assert checked.objects == 6
    assert checked.notes == ()


def test_a_check_finds_a_change_behind_equal_times(share: Path, out: Path) -> None:
    run(share, out)
    file = share / "clean.txt"
    file.write_text("z@e.com")
    after = file.stat()
    with sqlite3.connect(out / NAME) as state:  # as if the times had not told
        rows = State.open(out).lookup(str(share.resolve()), ["clean.txt"])
        assert rows
        _forge(state, "clean.txt", round(after.st_mtime * 1e6), round(after.st_ctime * 1e6))
    reads(out)
    assert run(share, out).by_status["unchanged"] == 5
    assert "clean.txt" not in reads(out)
    found = run(share, out, recheck=1.0)
    assert "clean.txt" in reads(out)
    assert any("1 files had other content" in note for note in found.notes)
    assert "clean.txt!" in open_paths(out)


def _forge(state: sqlite3.Connection, path: str, modified: int, changed: int) -> None:
    from scanner.run.state import _COLUMNS, _crc

    state.execute("UPDATE files SET modified = ?, changed = ? WHERE path = ?", (modified, changed, path))
    columns = state.execute(f"SELECT {', '.join(_COLUMNS)} FROM files WHERE path = ?", (path,)).fetchone()
    state.execute("UPDATE files SET crc = ? WHERE path = ?", (_crc(columns), path))


@pytest.mark.parametrize("what", ["detectors", "readers"])
def test_new_rules_or_readers_read_everything(share: Path, out: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    run(share, out)
    reads(out)
    quick(monkeypatch, **{what: "new"})  # type: ignore[arg-type]
    run(share, out)
    assert len(reads(out)) == 4


def of_types(folder: Path) -> Path:
    write(folder / "a.pdf", "a@example.com")
    write(folder / "b.txt", "b@example.com")
    write(folder / "c.zip", "member in.pdf c@example.com\nmember d.txt nothing\n")
    write(folder / "d.zip", "member in.txt d@example.com\n")
    write(folder / "e.png", "nothing")
    return folder


@pytest.mark.parametrize("rebuilt", [False, True])
@pytest.mark.parametrize(
    ("changed", "read"),
    [
        ({"application/pdf": "new"}, ["a.pdf", "c.zip"]),
        ({"application/zip": "new"}, ["c.zip", "d.zip"]),
        ({"text/plain": "new"}, ["b.txt", "c.zip", "d.zip"]),
        ({"image/png": "there is one now"}, ["e.png"]),
        ({"message/rfc822": "new"}, []),
        ({}, []),
    ],
)
def test_a_new_reader_reads_what_it_read(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], read: list[str], rebuilt: bool
) -> None:
    before = {"application/pdf": "p", "application/zip": "z", "text/plain": "t", "message/rfc822": "m"}
    quick(monkeypatch, by_type=before)
    share = of_types(tmp_path / "types")
    run(share, out)
    reads(out)
    if rebuilt:
        for file in out.glob(NAME + "*"):
            file.unlink()
    quick(monkeypatch, by_type=before | changed)
    summary = run(share, out)
    assert reads(out) == read
    assert summary.by_status.get("scanned", 0) == len(read) + sum({"c.zip": 2, "d.zip": 1}.get(name, 0) for name in read)
    assert open_paths(out) == ["a.pdf!", "b.txt!", "c.zip!in.pdf", "d.zip!in.txt"]
    quick(monkeypatch, by_type=before | changed)
    run(share, out)
    assert reads(out) == []
    quick(monkeypatch, by_type=before)
    run(share, out)
    assert reads(out) == read, "the former reader is another one as well"


def test_a_new_reader_takes_over_nothing_of_the_old_one(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, by_type={"application/pdf": "p", "text/plain": "t"})
    share = tmp_path / "types"
    write(share / "a.pdf", "nothing")
    write(share / "a.txt", "gnihton")
    run(share, out)
    reads(out)
    write(share / "b.pdf", "nothing")
    write(share / "b.txt", "gnihton")
    (share / "a.pdf").unlink()
    quick(monkeypatch, by_type={"application/pdf": "new", "text/plain": "t"})
    run(share, out)
    assert reads(out) == ["b.pdf"]


def test_a_limit_that_changes_reads_everything(share: Path, out: Path) -> None:
    run(share, out)
    reads(out)
    run(share, out, limits={"depth": 3})
    assert len(reads(out)) == 4


def test_a_policy_is_judged_without_reading(share: Path, out: Path, tmp_path: Path) -> None:
    run(share, out)
    reads(out)
    policy = write(tmp_path / "policy.yaml", 'version: 1\nstores:\n  - {name: crm, paths: ["share/sub/**"], allow: [EMAIL_ADDRESS]}\n')
    summary = run(share, out, policy)
    assert reads(out) == ["broken.txt"]
    assert summary.by_verdict == {"stray": 3, "clean": 2, "approved": 1}
    with open_findings(out) as found:
        rows = {row["path"]: row for row in found.findings(arrow=True).to_pylist()}
        assert (rows["sub/hits.txt"]["verdict"], rows["sub/hits.txt"]["store"]) == ("approved", "crm")
        assert rows["box.zip"]["verdict"] == "stray"
        assert len(rows) == 3
        assert len(found.values()) == 4
    again = run(share, out, policy)
    assert reads(out) == ["broken.txt"]
    assert again.by_verdict == summary.by_verdict
    assert not any(store.missing for store in again.stores)


def test_a_retention_period_runs_out_without_a_change(share: Path, out: Path, tmp_path: Path) -> None:
    policy = write(tmp_path / "policy.yaml", 'version: 1\nstores:\n  - {name: crm, paths: ["share/**"], allow: ["*"], retention_days: 1}\n')
    hits = share / "sub" / "hits.txt"
    assert "stray" not in run(share, out, policy).by_verdict
    reads(out)
    os.utime(hits, (1_000_000_000, 1_000_000_000))
    assert run(share, out, policy).by_verdict["stray"] == 1
    assert reads(out) == ["broken.txt"]
    closed = write(tmp_path / "policy.yaml", 'version: 1\nstores:\n  - {name: crm, paths: ["share/**"], allow: ["*"]}\n')
    assert "stray" not in run(share, out, closed).by_verdict
    assert reads(out) == ["broken.txt"]
    with open_findings(out) as found:
        assert "RETENTION" not in set(found.findings()["entity_type"]), "a finding that no longer holds is closed"
        assert "RETENTION" in set(found.findings(closed=True)["entity_type"])


def test_time_alone_changes_a_verdict(share: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    from scanner.run import scan

    policy = write(tmp_path / "policy.yaml", 'version: 1\nstores:\n  - {name: crm, paths: ["share/**"], allow: ["*"], retention_days: 9}\n')
    assert "stray" not in run(share, out, policy).by_verdict
    reads(out)
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=10)
    monkeypatch.setattr(scan, "_now", lambda: later)
    assert run(share, out, policy).by_verdict["stray"] == 4  # hits, a member, its container, and the broken one
    assert reads(out) == ["broken.txt"]


def test_rights_that_change_are_judged(share: Path, out: Path) -> None:
    first = run(share, out)
    reads(out)
    (share / "sub" / "hits.txt").chmod(0o600)
    second = run(share, out)
    assert reads(out) == ["broken.txt"]
    with open_findings(out) as found:
        rows = [{r["path"]: r for r in found.objects(run=one.run_id).to_dict("records")}["sub/hits.txt"] for one in (first, second)]
    assert [row["exposure"] for row in rows] == ["everyone", "private"]
    assert rows[0]["severity"] != rows[1]["severity"]


def test_an_excused_file_is_not_tried_again(share: Path, out: Path, tmp_path: Path) -> None:
    policy = write(tmp_path / "policy.yaml", 'version: 1\nexcuse:\n  - {reason: truncated, paths: ["share/**"], why: known}\n')
    assert run(share, out, policy).exit_status == 1
    reads(out)
    second = run(share, out, policy)
    assert reads(out) == []
    assert (second.exit_status, second.by_status) == (1, {"unchanged": 6})
    assert [(group.reason, group.count, group.excused) for group in second.unread] == [("truncated", 1, 1)]
    assert run(share, out).exit_status == 3
    assert reads(out) == ["broken.txt"], "without the excuse it is tried again"


def test_fresh_files_are_compared(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file written just before it was read may be written again within the same tick of the clock."""
    quick(monkeypatch, fresh_counts=True)
    share = tmp_path / "share"
    file = write(share / "a.txt", "a@example.com")
    run(share, out)
    reads(out)
    summary = run(share, out)
    assert reads(out) == []
    assert summary.by_status == {"unchanged": 1}
    with sqlite3.connect(out / NAME) as state:
        assert state.execute("SELECT fresh FROM files").fetchone() == (1,)
        file.write_text("b@example.com")
        after = file.stat()
        _forge(state, "a.txt", round(after.st_mtime * 1e6), round(after.st_ctime * 1e6))
    run(share, out)
    assert reads(out) == ["a.txt"]


def test_deleted_files_are_closed_and_forgotten(share: Path, out: Path) -> None:
    run(share, out)
    (share / "sub" / "hits.txt").unlink()
    (share / "sub").rmdir()
    run(share, out)
    assert "sub/hits.txt!" not in open_paths(out)
    with sqlite3.connect(out / NAME) as state:
        assert state.execute("SELECT count(*) FROM files").fetchone() == (3,)
        assert state.execute("SELECT count(*) FROM facts").fetchone() == (2,)


# --------------------------------------------------------------------------- the state is not believed


@pytest.mark.parametrize("damage", ["cut", "garbage", "header", "version", "empty"])
def test_a_damaged_state_is_told_and_made_again(share: Path, out: Path, damage: str) -> None:
    run(share, out)
    for suffix in ("-wal", "-shm"):
        (out / (NAME + suffix)).unlink(missing_ok=True)
    path, data = out / NAME, (out / NAME).read_bytes()
    if damage == "version":
        with sqlite3.connect(path) as state:
            state.execute("PRAGMA user_version = 99")
    else:
        broken = {"cut": data[: len(data) // 2], "garbage": b"x" * 5000, "header": b"\0" * 100 + data[100:], "empty": b""}
        path.write_bytes(broken[damage])
    reads(out)
    summary = run(share, out)
    assert reads(out) == ["broken.txt"], "made again from the findings"
    assert any("made again" in note for note in summary.notes)
    assert summary.by_status == {"unchanged": 5, "partial": 1}
    assert summary.stray_by_entity == {"EMAIL_ADDRESS": 3}
    assert run(share, out).notes == ()


def test_a_missing_state_is_made_again(share: Path, out: Path) -> None:
    run(share, out)
    run(share, out)
    for file in out.glob(NAME + "*"):
        file.unlink()
    reads(out)
    summary = run(share, out)
    assert reads(out) == ["broken.txt"]
    assert summary.by_status == {"unchanged": 5, "partial": 1}
    assert open_paths(out) == ["box.zip!in.txt", "broken.txt!", "sub/hits.txt!"]


def test_a_flipped_bit_is_not_a_row(share: Path, out: Path) -> None:
    run(share, out)
    with sqlite3.connect(out / NAME) as state:
        state.execute("UPDATE files SET kept = replace(kept, 'stray', 'clean')")
    reads(out)
    summary = run(share, out)
    assert {"box.zip", "sub/hits.txt"} <= set(reads(out))
    assert summary.by_verdict["stray"] == 4
    assert any("damaged" in note for note in summary.notes)


@pytest.mark.parametrize("what", ["manifest", "part"])
def test_rows_of_a_run_that_is_gone_are_not_known(share: Path, out: Path, what: str) -> None:
    first = run(share, out)
    if what == "manifest":
        (out / "runs" / f"{first.run_id}.json").unlink()
    else:
        next((out / "findings" / f"run={first.run_id}").glob("*.parquet")).unlink()
    reads(out)
    run(share, out)
    assert len(reads(out)) == 4


def test_an_uncommitted_run_is_not_known(share: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner.findings.errors import StoreError
    from scanner.findings.store import RunWriter
    from scanner.run.scan import RunFailed

    def fail(self: object, manifest: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "commit", fail)
        with pytest.raises(RunFailed):
            run(share, out)
    for file in out.glob(NAME + "*"):  # else the next run would go on with it
        file.unlink()
    reads(out)
    assert run(share, out).objects == 6
    assert len(reads(out)) == 4


def test_the_state_is_private(share: Path, out: Path) -> None:
    run(share, out)
    assert (out / NAME).stat().st_mode & 0o777 == 0o600
