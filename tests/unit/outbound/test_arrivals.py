"""Arrivals: what events say and do not say, what walks find, when events are not trusted at all."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.outbound import arrivals as arrivals_module
from scanner.outbound.arrivals import START, WALK, WHOLE, Arrivals, Sight, WalkEnded, must_poll
from scanner.sources.exposure import Mounts

Start = Callable[..., "Heard"]


class Heard:
    """Arrivals with everything they told, gathered until `until` holds."""

    def __init__(self, outbox: Path, **settings: Any) -> None:
        self.hints: dict[bytes, bool] = {}
        self.sights: dict[bytes, Sight] = {}
        self.walks: list[WalkEnded] = []
        self._news = threading.Event()
        root = os.fsencode(outbox)
        self.arrivals = Arrivals(root, root, **{"events": True, "every": 3_600.0, "wake": self._news.set, **settings})
        self.arrivals.start()

    def until(self, said: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not said():
            assert time.monotonic() < end, (self.hints, self.sights, self.walks)
            self._news.wait(0.05)
            self._news.clear()
            for path, complete in self.arrivals.hints(10_000):
                self.hints[path] = self.hints.get(path, False) or complete
            for one in self.arrivals.walked():
                if isinstance(one, WalkEnded):
                    self.walks.append(one)
                else:
                    self.sights.update({sight.path: sight for sight in one})

    def walked_whole(self, times: int) -> bool:
        return sum(walk.below == WHOLE for walk in self.walks) >= times


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[Heard] = []

    def starts(**settings: Any) -> Heard:
        heard = Heard(tmp_path / "out", **settings)
        begun.append(heard)
        heard.until(lambda: heard.walked_whole(1))
        return heard

    (tmp_path / "out").mkdir()
    yield starts
    for heard in begun:
        heard.arrivals.stop()


def test_what_lies_there_at_the_start_is_found_by_the_first_walk(tmp_path: Path, start: Start) -> None:
    (tmp_path / "out" / "a" / "b").mkdir(parents=True)
    (tmp_path / "out" / "a" / "b" / "old.txt").write_text("x")
    (tmp_path / "out" / ".strayscan-ours").write_text("x")
    (tmp_path / "out" / "link").symlink_to("a/b/old.txt")
    heard = start()
    assert set(heard.sights) == {b"a/b/old.txt", b"link"}
    assert heard.sights[b"a/b/old.txt"].by == START
    assert heard.sights[b"link"].identity is None


def test_a_closed_file_is_complete_and_an_open_one_is_not(tmp_path: Path, start: Start) -> None:
    heard = start()
    with (tmp_path / "out" / "open.txt").open("w") as file:
        file.write("half")
        file.flush()
        heard.until(lambda: b"open.txt" in heard.hints)
        assert heard.hints == {b"open.txt": False}
        file.write("the rest")
    heard.until(lambda: heard.hints[b"open.txt"])


def test_a_file_moved_in_is_complete_from_outside_and_from_a_partial_name(tmp_path: Path, start: Start) -> None:
    heard = start()
    (tmp_path / "aside").write_text("x")
    (tmp_path / "aside").rename(tmp_path / "out" / "from-outside.txt")
    heard.until(lambda: heard.hints.get(b"from-outside.txt", False))
    (tmp_path / "out" / "a.part").write_text("x")
    (tmp_path / "out" / "a.part").rename(tmp_path / "out" / "a.txt")
    heard.until(lambda: heard.hints.get(b"a.txt", False))


def test_files_in_new_nested_folders_are_all_met(tmp_path: Path, start: Start) -> None:
    heard = start()
    wanted = set()
    for number in range(60):
        folder = tmp_path / "out" / f"d{number}" / "e" / "f"
        folder.mkdir(parents=True)
        (folder / "g.txt").write_text("x")
        wanted.add(f"d{number}/e/f/g.txt".encode())

    looked: set[bytes] = set()

    def all_met() -> bool:
        for path in heard.hints.keys() - looked:  # as the gate does
            looked.add(path)
            heard.arrivals.look(path, WALK)
        return wanted <= heard.sights.keys() | heard.hints.keys()

    heard.until(all_met)


def test_a_real_overflow_of_the_kernels_queue_is_noticed_and_walked(tmp_path: Path, start: Start) -> None:
    """The reader of events is kept from reading until the kernel has thrown some away; the file that comes then is found all the same."""
    heard = start()
    one, other = tmp_path / "out" / "one", tmp_path / "out" / "two"
    one.write_text("x")
    other.write_text("x")
    descriptor = _inotify(heard)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with descriptor._lock:
        for _ in range(most // 2 + 1_000):
            os.utime(one)
            os.utime(other)
        (tmp_path / "out" / "lost.txt").write_text("x")
    heard.until(lambda: heard.arrivals.overflows > 0 and b"lost.txt" in heard.sights)
    assert b"lost.txt" not in heard.hints, "its event was lost, or this test shows nothing"


def _inotify(heard: Heard) -> Any:
    """watchdog's reader of the kernel's events."""
    (emitter,) = heard.arrivals._observer.emitters
    return next(part for part in vars(emitter._inotify).values() if hasattr(part, "_read_event_buffer"))


def test_what_no_event_told_of_is_found_on_the_timer(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = start(every=0.2)
    monkeypatch.setattr(heard.arrivals, "_hear", lambda _: None)
    (tmp_path / "out" / "unheard.txt").write_text("x")
    heard.until(lambda: b"unheard.txt" in heard.sights)
    assert heard.sights[b"unheard.txt"].by == WALK
    assert not heard.hints


def test_without_events_the_timer_is_enough(tmp_path: Path, start: Start) -> None:
    heard = start(events=False, every=0.1)
    (tmp_path / "out" / "new").mkdir()
    (tmp_path / "out" / "new" / "polled.txt").write_text("x")
    heard.until(lambda: b"new/polled.txt" in heard.sights)


@pytest.mark.parametrize(
    ("kind", "polled"),
    [("ext4", False), ("xfs", False), ("btrfs", False), ("tmpfs", False), ("overlay", False)]
    + [(kind, True) for kind in ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse", "9p", "ceph", "unheard-of")],
)
def test_events_are_trusted_on_local_file_systems_alone(tmp_path: Path, kind: str, polled: bool) -> None:
    device = os.stat(tmp_path).st_dev
    table = f"30 1 {os.major(device)}:{os.minor(device)} / / rw,relatime - {kind} source rw\n"
    assert must_poll(os.fsencode(tmp_path), Mounts(lambda: table)) is polled


@pytest.mark.parametrize(("inner", "polled"), [("nfs4", True), ("ext4", False)])
def test_a_mount_inside_the_folder_counts(tmp_path: Path, inner: str, polled: bool) -> None:
    device = os.stat(tmp_path).st_dev
    table = (
        f"30 1 {os.major(device)}:{os.minor(device)} / / rw - ext4 source rw\n31 30 0:99 / {tmp_path}/partner rw - {inner} host:/x rw\n"
        f"32 30 0:98 / {tmp_path}-beside rw - nfs4 host:/x rw\n"
    )
    assert must_poll(os.fsencode(tmp_path), Mounts(lambda: table)) is polled


def test_more_hints_than_are_kept_are_like_lost_events(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals_module, "MOST_HINTS", 5)
    heard = start()
    for number in range(40):
        (tmp_path / "out" / f"f{number}.txt").write_text("x")
    for _ in range(200):
        if heard.arrivals.overflows:
            break
        time.sleep(0.05)
    assert heard.arrivals.overflows
    assert len(heard.arrivals._hints) <= 5
    heard.until(lambda: len(heard.sights.keys() | heard.hints.keys()) == 40)
