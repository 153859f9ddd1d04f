"""The gate as a whole: what it cannot be sure of is held, what the disk refuses waits, and each file is decided once."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scanner.outbound import gate as gate_module
from scanner.outbound import moves
from scanner.outbound.disk import Disk
from scanner.outbound.gate import GateError
from scanner.outbound.tell import Event
from tests.unit.outbound.gated import CLEAN, LEAK, SATO, Gated, Scanner


class FaultyDisk(Disk):
    """Refuses steps of one kind so many times."""

    def __init__(self, what: str, error: Exception, times: int = 1_000) -> None:
        self._what, self._error, self.left = what, error, times

    def step(self, what: str) -> None:
        if what == f"before {self._what}" and self.left > 0:
            self.left -= 1
            raise self._error


def denied() -> OSError:
    return PermissionError(13, "Permission denied")


def counts(gated: Gated) -> Counter[str]:
    return Counter(what for what, _ in gated.log())


# --------------------------------------------------------------------------- fail closed


@pytest.mark.parametrize("reason", ["encrypted", "truncated", "too_large", "timeout", "parser_crash"])
def test_what_cannot_be_read_is_held(gated: Gated, reason: str) -> None:
    gated.drop("closed.zip", f"{reason} bytes".encode())
    assert gated.watch() == 0
    (one,) = gated.held()
    assert (one.decision["reasons"], one.decision["unread"][0]["reason"]) == (["unread"], reason)
    assert gated.files() == {}


def test_the_policy_may_let_it_leave_by_type(gated: Gated) -> None:
    gated.say("default: {release_unread: [{reasons: [encrypted], types: [application/zip]}]}")
    gated.drop("closed.zip", b"encrypted bytes")
    gated.drop("broken.zip", b"truncated bytes")
    gated.watch()
    assert gated.files() == {"release/closed.zip": b"encrypted bytes"}
    assert [one.path for one in gated.held()] == [b"broken.zip"]


def test_a_scan_that_tells_of_nothing_holds_the_file(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    def mute(self: Scanner, tasks: Any, on_round: Any) -> Any:
        return ((task, event) for task, event in super(Scanner, self).run(tasks, on_round) if type(event).__name__ == "TaskDone")

    monkeypatch.setattr(Scanner, "run", mute)
    gated.drop("clean.txt", CLEAN)
    gated.watch()
    assert gated.files() == {}
    assert [one.decision["reasons"] for one in gated.held()] == [["unread"]]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder link"])
def test_what_is_no_file_is_left_and_told(gated: Gated, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file.txt").write_bytes(CLEAN)
    if kind == "pipe":
        os.mkfifo(gated.out / "thing")
    else:
        (gated.out / "thing").symlink_to(secret / "file.txt" if kind == "link" else secret)
    gated.watch()
    assert "not_a_file" in [event.what for event in gated.events]
    assert list(gated.release.iterdir()) == []
    assert gated.held() == []
    assert (secret / "file.txt").read_bytes() == CLEAN


# --------------------------------------------------------------------------- changes after the scan


@pytest.mark.parametrize("name", ["clean.txt", "leak.txt"])
def test_a_file_that_changes_after_its_scan_is_scanned_again(gated: Gated, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = {"clean.txt": CLEAN, "leak.txt": LEAK}[name]
    after = {"clean.txt": LEAK, "leak.txt": CLEAN}[name]
    source = gated.drop(name, before)

    def change(_: Any) -> None:
        if source.exists() and source.read_bytes() == before:
            source.write_bytes(after)

    monkeypatch.setattr(Scanner, "after_scan", staticmethod(change))
    gated.watch()
    assert gated.files() == {f"release/{name}": CLEAN}, "only what was scanned as clean"
    assert [Path(gated.hold, "held", one.item, "content").read_bytes() for one in gated.held()] == [LEAK]
    assert [(told["path"], told["verdict"]) for what, told in gated.log() if what in ("release", "hold")] == [
        (name, "release" if name == "clean.txt" else "hold"),
        (name, "hold" if name == "clean.txt" else "release"),
    ]


def test_the_copy_is_scanned_not_the_file(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leak that shows a clean face while it is scanned, and is put back after."""
    source = gated.drop("leak.txt", LEAK)
    kept = Scanner.run

    def two_faced(self: Scanner, tasks: Any, on_round: Any) -> Any:
        def swapping() -> Any:
            for task in tasks:
                if task is not None and source.exists():
                    times = source.stat().st_mtime_ns
                    source.write_bytes(b"x" * len(LEAK))
                    os.utime(source, ns=(times, times))
                yield task

        return kept(self, swapping(), on_round)

    monkeypatch.setattr(Scanner, "run", two_faced)
    gated.watch()
    assert LEAK not in gated.files("release").values()
    assert next(Path(gated.hold, "held", one.item, "content").read_bytes() for one in gated.held()) == LEAK


# --------------------------------------------------------------------------- what the disk refuses


@pytest.mark.parametrize("name", ["clean.txt", "leak.txt"])
def test_a_source_that_cannot_be_taken_away_is_decided_once(gated: Gated, name: str) -> None:
    gated.drop(name, CLEAN if name == "clean.txt" else LEAK)
    assert gated.watch(FaultyDisk("renameat2", denied())) == 3
    assert "fault" in [event.what for event in gated.events]
    assert gated.files("out") != {}
    for _ in range(2):
        assert gated.watch() == 0
    assert gated.files("out") == {}
    told = counts(gated)
    assert told["release" if name == "clean.txt" else "hold"] == 1
    assert told["released" if name == "clean.txt" else "held"] == 1
    assert len(gated.held()) == (name == "leak.txt")


def test_a_running_gate_goes_on_with_a_move_that_failed(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file still lies there and is met again by every walk meanwhile; that makes no second decision."""
    monkeypatch.setattr(gate_module, "RETRY_SECONDS", (0.3,))
    gated.drop("leak.txt")
    disk = FaultyDisk("rename", denied(), 2)
    gate = gated.gate(disk, once=False)
    gate._tellers = [gated.events.append, lambda event: gate.stop() if event.what == "held" else None]
    try:
        assert gate.run() == 0
    finally:
        gate.close()
    assert [event.what for event in gated.events].count("fault") == 2
    assert (counts(gated)["hold"], counts(gated)["held"]) == (1, 1)
    assert gated.files("out") == {}


def test_a_state_that_cannot_be_written_for_a_while(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "_STATE_AGAIN", 0.1)
    gated.drop("clean.txt", CLEAN)
    disk = FaultyDisk("commit", sqlite3.OperationalError("database or disk is full"), 0)
    gate = gated.gate(disk, once=False)

    def hear(event: Event) -> None:
        gated.events.append(event)
        if event.what == "started":
            disk.left = 3
        if event.what == "released":
            gate.stop()

    gate._tellers = [hear]
    try:
        assert gate.run() == 0
    finally:
        gate.close()
    said = [event.told["fault"] for event in gated.events if event.what == "fault"]
    assert said
    assert all("disk is full" in sentence for sentence in said)
    assert gated.files() == {"release/clean.txt": CLEAN}
    assert (counts(gated)["release"], counts(gated)["released"]) == (1, 1)


def test_a_state_that_cannot_be_written_at_the_start_is_one_sentence(gated: Gated) -> None:
    gated.drop("clean.txt", CLEAN)
    disk = FaultyDisk("commit", sqlite3.OperationalError("database or disk is full"))
    gated.watch()
    with pytest.raises(GateError, match="cannot be written"):
        gated.watch(disk)


def test_a_note_that_could_not_be_left_is_left_by_the_next_start(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(moves, "leave_note", full)
        gated.drop("leak.txt")
        gated.watch()
    assert gated.notes() == []
    assert [event.told["step"] for event in gated.events if event.what == "fault"] == ["note"]
    gated.watch()
    assert gated.notes() == ["leak.txt.held.txt"]
    with gated.desk() as desk:
        desk.release(desk.held()[0].item, "why")
    assert gated.notes() == [], "it is known, so it can go again"


def test_values_that_a_dead_process_left_are_removed(gated: Gated) -> None:
    gated.watch()
    (gated.hold / ".gate" / "values" / "left").write_bytes(b"x")
    (gated.hold / ".gate" / "staging" / "left").write_bytes(b"x")
    gated.watch()
    assert gated.files("hold/.gate/values", "hold/.gate/staging") == {}


# --------------------------------------------------------------------------- folders


@pytest.mark.parametrize("which", ["out", "release", "hold"])
def test_a_folder_that_is_moved_away_ends_the_watch(gated: Gated, which: str) -> None:
    """As when it is unmounted: what is written from then on is not where people look."""
    folder = gated.home / which
    gate = gated.gate(once=False)

    def move(event: Event) -> None:
        if event.what == "started":
            folder.rename(gated.home / "elsewhere")
            folder.mkdir()

    gate._tellers = [move]
    try:
        with pytest.raises(GateError, match="moved away or replaced"):
            gate.run()
    finally:
        gate.close()
    assert list(folder.iterdir()) == []


def test_folders_in_one_another(gated: Gated) -> None:
    for settings in ({"out": gated.release / "findings"}, {"out": gated.out / "findings"}):
        with pytest.raises(GateError, match="lies in the"):
            gated.gate(**settings)
    gated.hold = gated.out / "hold"
    gated.hold.mkdir()
    with pytest.raises(GateError, match="the hold folder lies in the transfer folder"):
        gated.gate()
    gated.hold = gated.home / "link"
    gated.hold.symlink_to(gated.release)
    with pytest.raises(GateError, match="lies in the"):
        gated.gate()


def test_one_watch_a_hold_folder(gated: Gated) -> None:
    first = gated.gate()
    try:
        with pytest.raises(GateError, match="another watch is running"):
            gated.gate()
    finally:
        first.close()


def test_the_hold_folder_is_closed_to_others(gated: Gated) -> None:
    gated.hold.chmod(0o755)
    gated.hold_one()
    private = [path for path in (gated.hold, *gated.hold.rglob("*")) if "findings" not in path.parts]
    assert [path for path in private if path.is_dir() and stat.S_IMODE(path.stat().st_mode) & 0o077] == []


# --------------------------------------------------------------------------- papers


def test_a_receipt_keeps_what_was_found(gated: Gated) -> None:
    """Also where the first try to move it failed, or its name was taken."""
    gated.say("default: {allow: ['*']}")
    (gated.release / "leak.txt").write_bytes(b"another")
    gated.drop("leak.txt")
    assert gated.watch(FaultyDisk("rename", denied())) == 3
    gated.watch()
    (one,) = gated.held()
    assert one.decision["reasons"] == ["name_taken"]
    receipt = json.loads((gated.hold / "held" / one.item / "receipt.json").read_text("utf-8"))
    assert receipt["blake3"] == one.digest
    assert receipt["dropped_by"]["uid"] == os.geteuid()
    assert [(found["entity_type"], found["samples"]) for found in receipt["findings"]] == [("PERSON", ["○○○○"])]


def test_records_of_provisions_are_written_by_the_next_start(gated: Gated) -> None:
    gated.say("default: {allow: ['*'], recipient: Partner}")
    gated.drop("leak.txt")
    gated.watch()
    text = (gated.hold / "provisions.csv").read_bytes()
    for name in ("provisions.csv", "provisions.parquet"):
        (gated.hold / name).unlink()
    gated.watch()
    assert (gated.hold / "provisions.csv").read_bytes() == text
    assert (gated.hold / "provisions.parquet").exists()


def test_what_came_back_under_another_name_is_logged_so(gated: Gated) -> None:
    """Also by the process that finishes what a dead one began."""
    item = gated.hold_one()
    gated.drop(data=b"SECRET and new")
    with gated.desk(SATO, FaultyDisk("rename", denied())) as desk, pytest.raises(Exception, match="Permission denied"):
        desk.reject(item, "why")
    assert sorted(gated.files("out")) == ["out/leak.txt", "out/leak.txt.1"]
    with gated.desk() as desk:
        desk.finish_orders()
    assert dict(gated.log())["returned"]["path"] == "leak.txt.1"
    assert "leak.txt.1.returned.txt" in gated.notes()


def test_a_hold_folder_brought_back_from_elsewhere_loses_no_source(gated: Gated) -> None:
    """Staging emptied between decision and move: the source is scanned anew."""
    gated.drop("clean.txt", CLEAN)
    assert gated.watch(FaultyDisk("link", denied())) == 3
    shutil.rmtree(gated.hold / ".gate" / "staging")
    assert gated.watch() == 0
    assert gated.files() == {"release/clean.txt": CLEAN}
    assert counts(gated)["released"] == 1
