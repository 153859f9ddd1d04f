"""When a file is taken and when it waits; what a watch does when files change, or nothing may be moved. The scanner is a quick one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scanner.config import Settings
from scanner.outbound import gate as gate_module
from scanner.outbound.gate import Gate, GateSettings
from scanner.outbound.tell import Event
from tests.crash.gate_child import InstantScanner
from tests.unit.outbound.gated import install


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


class Running:
    """A gate in a thread."""

    def __init__(self, home: Path, outbound: str, **settings: Any) -> None:
        self.out, self.release, self.hold = home / "out", home / "release", home / "hold"
        for folder in (self.out, self.release):
            folder.mkdir(exist_ok=True)
        (home / "policy.yaml").write_text(f"version: 1\noutbound: {{{outbound}}}\n")
        self.events: list[Event] = []
        given = {"release": self.release, "hold": self.hold, "scan": Settings(jobs=1), **settings}
        self._settings = GateSettings(self.out, home / "policy.yaml", **given)
        self.gate: Gate
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        """Made where it runs: its state is of one thread."""
        self.gate = Gate(self._settings, [self.events.append])
        try:
            self.gate.run()
        finally:
            self.gate.close()

    def told(self, what: str) -> list[str]:
        return [event.path or "" for event in self.events if event.what == what]

    def until(self, said: Callable[[], Any]) -> None:
        end = time.monotonic() + 15
        while not said():
            assert time.monotonic() < end, self.events
            time.sleep(0.01)


@contextmanager
def running(home: Path, outbound: str = "settle_seconds: 0.3", **settings: Any) -> Iterator[Running]:
    one = Running(home, outbound, **settings)
    one.thread.start()
    try:
        one.until(lambda: one.told("started"))
        yield one
    finally:
        one.gate.stop()
        one.thread.join()


PARTIAL = ["a.part", "a.filepart", "a.crdownload", "~$a.docx", "a.tmp", ".nfs0001", ".~lock.a.odt#"]


def test_names_of_unfinished_uploads_wait_until_they_are_renamed(tmp_path: Path) -> None:
    with running(tmp_path) as one:
        for name in PARTIAL:
            (one.out / name).write_text("x")
        (one.out / "whole.txt").write_text("x")
        one.until(lambda: one.told("released"))
        time.sleep(0.6)
        assert one.told("released") == ["whole.txt"]
        assert sorted(os.listdir(one.out)) == sorted(PARTIAL)
        (one.out / "a.part").rename(one.out / "a.zip")
        one.until(lambda: len(one.told("released")) == 2)
        assert one.told("released")[1] == "a.zip"


def test_with_markers_a_file_waits_for_its_own(tmp_path: Path) -> None:
    with running(tmp_path, "settle_seconds: 0.2, marker: true") as one:
        for name in ("first.csv", "second.csv"):
            (one.out / name).write_text("x")
        time.sleep(0.6)
        assert not one.told("released")
        (one.out / "second.csv.done").touch()
        one.until(lambda: one.told("released"))
        assert one.told("released") == ["second.csv"]
        one.until(lambda: os.listdir(one.out) == ["first.csv"])  # the marker goes with its file
        assert os.listdir(one.release) == ["second.csv"]


def test_a_file_that_is_open_for_writing_waits_for_its_end(tmp_path: Path) -> None:
    """Also one that its writer leaves alone for longer than the time to settle."""
    with running(tmp_path, "settle_seconds: 0.2") as one:
        with (one.out / "slow.txt").open("w") as file:
            file.write("the first half, ")
            file.flush()
            time.sleep(1.0)
            assert not one.told("released")
            file.write("the second half")
        one.until(lambda: one.told("released"))
        assert (one.release / "slow.txt").read_text() == "the first half, the second half"


def test_a_file_that_changes_after_its_scan_is_scanned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[bytes] = []

    def change(scan: Any) -> None:
        if not changed:
            changed.append(scan.one.path)
            (tmp_path / "out" / "a.txt").write_text("SECRET now")

    monkeypatch.setattr(InstantScanner, "after_scan", staticmethod(change))
    with running(tmp_path) as one:
        (one.out / "a.txt").write_text("harmless")
        one.until(lambda: one.told("held"))
        assert one.told("released") == ["a.txt"]
        assert (one.release / "a.txt").read_text() == "harmless"
        (item,) = os.listdir(one.hold / "held")
        assert (one.hold / "held" / item / "content").read_text() == "SECRET now"


@pytest.mark.parametrize("poll", [None, 0.2])
def test_events_or_walks_alone_bring_every_file_in_new_folders(tmp_path: Path, poll: float | None) -> None:
    with running(tmp_path, poll=poll) as one:
        for number in range(30):
            folder = one.out / f"d{number}" / "e"
            folder.mkdir(parents=True)
            (folder / "f.txt").write_text("x")
        one.until(lambda: len(one.told("released")) == 30)
    assert len(set(one.told("released"))) == 30


def test_a_note_is_left_where_it_is_and_what_somebody_makes_of_it_is_not(tmp_path: Path) -> None:
    with running(tmp_path) as one:
        (one.out / "leak.txt").write_text("SECRET")
        one.until(lambda: one.told("held"))
        note = one.out / "leak.txt.held.txt"
        assert note.exists()
        note.touch()
        time.sleep(0.6)
        assert not one.told("released")
        note.write_text("SECRET, smuggled under a note's name")
        one.until(lambda: len(one.told("held")) == 2)
        assert not one.told("released")


def test_links_and_pipes_are_told_of_once_and_left(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text("not yours")
    with running(tmp_path, reconcile=0.2) as one:
        (one.out / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
        os.mkfifo(one.out / "pipe")
        one.until(lambda: len(one.told("not_a_file")) >= 2)
        time.sleep(0.6)
        assert sorted(one.told("not_a_file")) == ["link.txt", "pipe"]
    assert os.listdir(one.release) == []


def test_alert_only_tells_once_and_moves_nothing_but_tells_again_of_a_change(tmp_path: Path) -> None:
    with running(tmp_path, release=None, hold=None, out=tmp_path / "findings", reconcile=0.2) as one:
        (one.out / "a.txt").write_text("SECRET")
        one.until(lambda: one.told("would_hold"))
        time.sleep(0.6)
        assert one.told("would_hold") == ["a.txt"]
        (one.out / "a.txt").write_text("harmless now")
        one.until(lambda: one.told("would_release"))
        assert (one.out / "a.txt").read_text() == "harmless now"
    assert one.told("would_release") == ["a.txt"]


def test_the_honest_measure_counts_what_no_event_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner.outbound.arrivals import Arrivals

    with running(tmp_path, reconcile=0.3) as one:
        (one.out / "heard.txt").write_text("x")
        one.until(lambda: one.told("released"))
        assert one.gate._counts["found_by_reconciling"] == 0
        monkeypatch.setattr(Arrivals, "_hear", lambda *_: None)
        (one.out / "unheard.txt").write_text("x")
        one.until(lambda: len(one.told("released")) == 2)
        one.until(lambda: one.gate._counts["found_by_reconciling"] == 1)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """The gate remembers no more than so many waiting files."""
    monkeypatch.setattr(gate_module, "MOST_WAITING", 20)
    monkeypatch.setattr(gate_module, "_GIVE_WAY_EVERY", 0.1)
    return 20


def test_more_files_than_are_remembered_are_all_decided_once(tmp_path: Path, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    meet = Gate._meet

    def measured(gate: Gate, sight: Any) -> None:
        nonlocal most
        meet(gate, sight)
        most = max(most, len(gate._waiting))

    monkeypatch.setattr(Gate, "_meet", measured)
    with running(tmp_path, "settle_seconds: 0.1") as one:
        for number in range(400):
            folder = one.out / f"d{number % 7}"
            folder.mkdir(exist_ok=True)
            (folder / f"f{number}.txt").write_text("x")
        one.until(lambda: len(one.told("released")) >= 400 and not one.gate._more)
        assert one.gate._counts["found_by_reconciling"] < 400
    assert len(one.told("released")) == len(set(one.told("released"))) == 400
    assert few // 2 < most <= few


def test_unfinished_uploads_do_not_keep_out_what_is_complete(tmp_path: Path, few: int) -> None:
    with running(tmp_path, "settle_seconds: 0.1, marker: true") as one:
        for number in range(3 * few):
            (one.out / f"u{number}.part").write_text("x")
            (one.out / f"unmarked{number}.csv").write_text("x")
        time.sleep(0.4)
        (one.out / "marked.csv").write_text("x")
        (one.out / "marked.csv.done").touch()
        one.until(lambda: one.told("released") == ["marked.csv"])
        (one.out / f"unmarked{3 * few - 1}.csv.done").touch()
        one.until(lambda: len(one.told("released")) == 2)
        one.until(lambda: not one.gate._more)


def test_with_once_a_gate_ends_where_more_uploads_are_unfinished_than_are_remembered(tmp_path: Path, few: int) -> None:
    one = Running(tmp_path, "settle_seconds: 0.1", once=True, poll=0.1)
    for number in range(3 * few):
        (one.out / f"u{number}.part").write_text("x")
        (one.out / f"whole{number}.csv").write_text("x")
    one.thread.start()
    one.thread.join(15)
    assert not one.thread.is_alive()
    assert len(set(one.told("released"))) == 3 * few


def test_a_file_is_entered_once_however_many_events_and_walks_meet_it(tmp_path: Path) -> None:
    """What waits for a busy gate is met again by every walk, and by every event: memory must not grow with these."""
    with running(tmp_path, "settle_seconds: 600", reconcile=0.1) as one, (one.out / "long.txt").open("w") as file:
        for _ in range(50):
            file.write("x")
            file.flush()
            time.sleep(0.01)
        one.until(lambda: one.gate._waiting)
        assert len(one.gate._due) == 1


def test_a_mount_that_appears_inside_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted: list[bool] = []
    monkeypatch.setattr(gate_module, "must_poll", lambda *_: bool(mounted))
    with running(tmp_path, reconcile=0.2) as one:
        assert not one.gate._polling
        mounted.append(True)
        one.until(lambda: one.told("polling"))
        assert one.gate._polling
        assert one.gate._arrivals.every == 2.0
