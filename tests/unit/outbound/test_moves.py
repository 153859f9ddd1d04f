"""Moves: what leaves is what was scanned, nothing is followed, nothing written over, and what the sender does meanwhile is not lost."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from scanner.outbound import moves
from scanner.outbound.disk import Broken, Changed, Disk, Identity, NameTaken, hash_of, missing
from scanner.outbound.moves import CHANGED, GONE, REMOVED, Folders, Staged

ITEM = "20260101-abcdef012345"
NAME = b"sub/report.csv"
DATA = b"name,phone\n" + b"x" * 3_000_000  # more than one block
OTHER = b"of somebody else"
MEMORY = Path("/dev/shm")


class HookedDisk(Disk):
    """Does something else at a step, once."""

    def __init__(self, step: str, then: Callable[[], object]) -> None:
        self._at, self._then, self.met = step, then, False

    def step(self, what: str) -> None:
        if what == self._at and not self.met:
            self.met = True
            self._then()


class Rooms:
    """The three folders, and a file that was dropped."""

    def __init__(self, folder: Path, hold: Path | None = None) -> None:
        self.outbox, self.release, self.hold = folder / "out", folder / "release", hold or folder / "hold"
        for one in (self.outbox / "sub", self.release, self.hold / ".gate" / "staging", self.hold / "held", self.hold / "receipts"):
            one.mkdir(parents=True)
        self.folders = Folders(os.fsencode(self.outbox), os.fsencode(self.release), os.fsencode(self.hold))
        self.source = self.outbox / os.fsdecode(NAME)
        self.source.write_bytes(DATA)
        self.released = self.release / os.fsdecode(NAME)
        self.content = self.hold / "held" / ITEM / "content"
        self.seen = Identity.of(self.source.stat())

    def stage(self, disk: Disk | None = None, *, ask_writers: bool = True) -> Staged:
        self.seen = Identity.of(self.source.stat())
        return moves.stage(disk or Disk(), self.folders, NAME, self.seen, ITEM, ask_writers=ask_writers)

    def let_go(self, staged: Staged, disk: Disk | None = None) -> moves.Moved:
        return moves.release(disk or Disk(), self.folders, NAME, self.seen, staged.sent, staged.digest, ITEM)

    def keep(self, staged: Staged, disk: Disk | None = None) -> moves.Moved:
        return moves.hold(disk or Disk(), self.folders, NAME, self.seen, staged.digest, ITEM, receipt=b"{}", ask="ext. 1234")

    @property
    def staging(self) -> list[str]:
        return os.listdir(self.hold / ".gate" / "staging")

    @property
    def asides(self) -> list[Path]:
        return [path for folder in (self.outbox, self.release) for path in folder.rglob(".strayscan-*")]


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return Rooms(tmp_path)


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Rooms]:
    """The hold folder on another file system."""
    if not os.access(MEMORY, os.W_OK) or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system here only")
    hold = Path(tempfile.mkdtemp(prefix="strayscan-", dir=MEMORY))
    yield Rooms(tmp_path, hold)
    shutil.rmtree(hold)


# --------------------------------------------------------------------------- what is released


def test_what_is_released_is_an_inode_of_our_own(rooms: Rooms) -> None:
    number = rooms.source.stat().st_ino
    assert rooms.let_go(rooms.stage()) == moves.Moved(REMOVED)
    assert rooms.released.read_bytes() == DATA
    assert rooms.released.stat().st_ino != number
    assert not rooms.source.exists()
    assert rooms.staging == rooms.asides == []


def test_a_writer_with_an_open_descriptor_is_waited_for(rooms: Rooms) -> None:
    with rooms.source.open("r+b"):
        with pytest.raises(Changed):
            rooms.stage()
        assert rooms.staging == []
    rooms.stage()


@pytest.mark.parametrize("moment", ["before the copy", "during the copy", "after the scan", "after the release"])
def test_a_descriptor_kept_open_changes_nothing_that_was_scanned(rooms: Rooms, moment: str) -> None:
    """As on a mount that does not tell of writers."""
    with rooms.source.open("r+b", buffering=0) as writer:

        def rewrite() -> None:
            writer.seek(0)
            writer.write(b"REWRITTEN!")
            writer.flush()
            os.utime(rooms.source, ns=(1, 1))

        if moment == "before the copy":
            rewrite()
        if moment == "during the copy":
            with pytest.raises(Changed):
                rooms.stage(HookedDisk("before clone", rewrite), ask_writers=False)
            assert rooms.staging == []
            return
        staged = rooms.stage(ask_writers=False)
        scanned = (rooms.hold / ".gate" / "staging" / ITEM).read_bytes()
        if moment == "after the scan":
            rewrite()
        moved = rooms.let_go(staged)
        rewrite()
    assert blake3(rooms.released.read_bytes()).hexdigest() == staged.digest
    assert rooms.released.read_bytes() == scanned
    assert moved.source == CHANGED, "somebody has it open for writing"
    assert rooms.source.read_bytes().startswith(b"REWRITTEN!")
    assert rooms.asides == []


def test_a_source_of_the_same_size_and_time_but_other_bytes_is_not_removed(rooms: Rooms) -> None:
    staged = rooms.stage()
    times = (rooms.source.stat().st_atime_ns, rooms.source.stat().st_mtime_ns)
    with rooms.source.open("r+b") as file:
        file.write(b"NAME")
    os.utime(rooms.source, ns=times)
    assert rooms.let_go(staged).source == CHANGED
    assert rooms.source.read_bytes() == b"NAME" + DATA[4:]
    assert rooms.released.read_bytes() == DATA


def test_a_hard_link_elsewhere_keeps_its_bytes_and_cannot_change_ours(rooms: Rooms, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    os.link(rooms.source, other)
    assert rooms.let_go(rooms.stage()).source == REMOVED
    assert other.read_bytes() == DATA
    other.write_bytes(OTHER)
    assert rooms.released.read_bytes() == DATA


def test_attributes_are_not_scanned_so_they_do_not_leave(rooms: Rooms) -> None:
    try:
        os.setxattr(rooms.source, "user.origin", b"somewhere")
    except OSError:
        pytest.skip("no extended attributes here")
    staged = rooms.stage()
    assert staged.sent.attributes == ("user.origin",)
    rooms.let_go(staged)
    assert os.listxattr(rooms.released) == []


def test_nobody_else_may_write_to_what_is_released(rooms: Rooms) -> None:
    rooms.source.chmod(0o4777)
    os.utime(rooms.source, ns=(1_000_000_001, 2_000_000_002))
    rooms.let_go(rooms.stage())
    found = rooms.released.stat()
    assert stat.S_IMODE(found.st_mode) == 0o755
    assert (found.st_uid, found.st_mtime_ns) == (os.geteuid(), 2_000_000_002)


# --------------------------------------------------------------------------- nothing followed, nothing written over


@pytest.mark.parametrize("kind", ["file", "same file", "folder", "link", "dangling link"])
def test_a_name_that_is_taken_in_the_release_folder(rooms: Rooms, tmp_path: Path, kind: str) -> None:
    victim = tmp_path / "victim"
    rooms.released.parent.mkdir()
    if kind.endswith("link"):
        if kind == "link":
            victim.write_bytes(OTHER)
        rooms.released.symlink_to(victim)
    elif kind == "folder":
        rooms.released.mkdir()
    else:
        rooms.released.write_bytes(OTHER if kind == "file" else DATA)
    before = rooms.released.lstat()
    assert rooms.let_go(rooms.stage()).name_taken
    assert (rooms.released.lstat().st_ino, rooms.released.lstat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert victim.exists() == (kind == "link")
    assert rooms.source.read_bytes() == DATA
    assert rooms.staging == [ITEM]
    assert rooms.asides == []


@pytest.mark.parametrize("above", [False, True], ids=["the file", "its folder"])
def test_a_link_swapped_in_is_not_followed(rooms: Rooms, tmp_path: Path, above: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    victim = elsewhere / "report.csv"
    staged = rooms.stage()
    shutil.copy2(rooms.source, victim)  # of the same bytes, size and time
    if above:
        shutil.rmtree(rooms.source.parent)
        rooms.source.parent.symlink_to(elsewhere)
    else:
        rooms.source.unlink()
        rooms.source.symlink_to(victim)
    with pytest.raises(OSError) as caught:
        moves.stage(Disk(), rooms.folders, NAME, rooms.seen, "20260101-000000000000")
    assert missing(caught.value)
    assert rooms.let_go(staged).source == (GONE if above else CHANGED)
    assert victim.read_bytes() == DATA
    assert (rooms.source.parent if above else rooms.source).is_symlink()
    assert rooms.released.read_bytes() == DATA
    assert sorted(path.name for path in elsewhere.iterdir()) == ["report.csv"]


def test_a_folder_of_the_release_folder_that_is_a_link_is_not_followed(rooms: Rooms, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (rooms.release / "sub").symlink_to(elsewhere)
    staged = rooms.stage()
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        rooms.let_go(staged)
    assert list(elsewhere.iterdir()) == []
    assert rooms.source.read_bytes() == DATA


def test_a_folder_renamed_under_it(rooms: Rooms) -> None:
    staged = rooms.stage()
    rooms.source.parent.rename(rooms.outbox / "renamed")
    assert rooms.let_go(staged).source == GONE
    assert (rooms.outbox / "renamed" / "report.csv").read_bytes() == DATA, "found there as a new file"


def test_a_note_follows_no_link_and_overwrites_nothing(rooms: Rooms, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(OTHER)
    first = rooms.source.with_name("report.csv.held.txt")
    first.symlink_to(victim)
    moved = rooms.keep(rooms.stage())
    assert moved.note == b"sub/report.csv.1.held.txt"
    assert victim.read_bytes() == OTHER
    assert first.is_symlink()
    assert b"ext. 1234" in (rooms.outbox / os.fsdecode(moved.note)).read_bytes()


# --------------------------------------------------------------------------- the source, while it is taken away


def test_a_file_put_in_its_place_just_before_is_put_back(rooms: Rooms) -> None:
    staged = rooms.stage()

    def replace() -> None:
        rooms.source.unlink()
        rooms.source.write_bytes(OTHER)

    disk = HookedDisk("before renameat2", replace)
    assert rooms.let_go(staged, disk).source == CHANGED
    assert disk.met
    assert rooms.source.read_bytes() == OTHER
    assert rooms.asides == []


def test_a_file_put_in_its_place_just_after_is_left_alone(rooms: Rooms) -> None:
    staged = rooms.stage()
    disk = HookedDisk("after renameat2", lambda: rooms.source.write_bytes(OTHER))
    assert rooms.let_go(staged, disk).source == REMOVED
    assert rooms.source.read_bytes() == OTHER
    assert rooms.asides == []


def test_both_are_kept_when_its_name_is_taken_meanwhile(rooms: Rooms) -> None:
    staged = rooms.stage()
    rooms.source.write_bytes(OTHER)
    os.utime(rooms.source, ns=(rooms.seen.mtime_ns, rooms.seen.mtime_ns))
    os.truncate(rooms.source, len(DATA))  # so that only its bytes tell it apart
    os.utime(rooms.source, ns=(rooms.seen.mtime_ns, rooms.seen.mtime_ns))
    disk = HookedDisk("after renameat2", lambda: rooms.source.write_bytes(b"a third one"))
    assert rooms.let_go(staged, disk).source == CHANGED
    assert rooms.source.read_bytes() == b"a third one"
    assert rooms.source.with_name("report.csv.1").read_bytes().startswith(OTHER)


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("aside", [False, True])
def test_an_emptied_staging_folder_loses_nothing(rooms: Rooms, released: bool, aside: bool) -> None:
    """A source is taken away only where a copy of ours is known to be whole."""
    staged = rooms.stage()
    (rooms.hold / ".gate" / "staging" / ITEM).unlink()
    if aside:
        rooms.source.rename(rooms.source.with_name(f".strayscan-{ITEM}"))
    if released:
        rooms.released.parent.mkdir()
        rooms.released.write_bytes(DATA)
    if released and not aside:
        assert rooms.let_go(staged).source == REMOVED
        return
    with pytest.raises(Changed):
        rooms.let_go(staged)
    assert rooms.source.read_bytes() == DATA
    with pytest.raises(Changed):
        rooms.keep(staged)
    assert rooms.source.read_bytes() == DATA


# --------------------------------------------------------------------------- hold, and out of it again


def test_what_is_held_is_private(rooms: Rooms) -> None:
    rooms.source.chmod(0o666)
    assert rooms.keep(rooms.stage()).source == REMOVED
    assert stat.S_IMODE(rooms.content.stat().st_mode) == 0o600
    assert stat.S_IMODE(rooms.content.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((rooms.content.parent / "receipt.json").stat().st_mode) == 0o600
    assert rooms.content.read_bytes() == DATA
    assert sorted(path.name for path in rooms.source.parent.iterdir()) == ["report.csv.held.txt"]


def test_a_copy_that_is_not_what_was_scanned_keeps_the_source(rooms: Rooms) -> None:
    staged = rooms.stage()
    (rooms.hold / ".gate" / "staging" / ITEM).write_bytes(OTHER)
    with pytest.raises(Broken):
        rooms.keep(staged)
    assert rooms.source.read_bytes() == DATA


def survives(rooms: Rooms) -> None:
    owner = (os.geteuid() or 12_345, os.getegid() or 23_456)
    os.chown(rooms.source, *owner)
    rooms.source.chmod(0o640)
    os.utime(rooms.source, ns=(1_000_000_001, 2_000_000_002))
    staged = rooms.stage()
    rooms.keep(staged)
    told: list[tuple[bytes, Identity]] = []
    path = moves.give_back(Disk(), rooms.folders, NAME, staged.sent, staged.digest, ITEM, lambda *each: told.append(each))
    found = rooms.source.stat()
    assert path == NAME
    assert rooms.source.read_bytes() == DATA
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (*owner, 0o640, 2_000_000_002)
    assert [(each, identity.same_content(found)) for each, identity in told] == [(NAME, True)]
    assert not rooms.content.parent.exists()
    assert (rooms.hold / "receipts" / f"{ITEM}.json").read_bytes() == b"{}"
    assert rooms.asides == []


def test_owner_mode_and_times_survive_a_hold(rooms: Rooms) -> None:
    survives(rooms)


def test_owner_mode_and_times_survive_a_hold_on_another_file_system(apart: Rooms) -> None:
    survives(apart)


def test_a_release_from_another_file_system(apart: Rooms) -> None:
    staged = apart.stage()
    apart.keep(staged)
    moves.send_held(Disk(), apart.folders, NAME, staged.sent, staged.digest, ITEM)
    assert apart.released.read_bytes() == DATA
    assert not apart.content.exists()
    assert apart.asides == []


@pytest.mark.parametrize("taken_by", ["file", "link", "folder", "same"])
def test_what_comes_back_overwrites_nothing(rooms: Rooms, tmp_path: Path, taken_by: str) -> None:
    staged = rooms.stage()
    rooms.keep(staged)
    if taken_by == "link":
        rooms.source.symlink_to(tmp_path / "nowhere")
    elif taken_by == "folder":
        rooms.source.mkdir()
    else:
        rooms.source.write_bytes(DATA if taken_by == "same" else OTHER)
    before = rooms.source.lstat()
    path = moves.give_back(Disk(), rooms.folders, NAME, staged.sent, staged.digest, ITEM, lambda *_: None)
    assert path == b"sub/report.csv.1"
    assert (rooms.outbox / os.fsdecode(path)).read_bytes() == DATA
    assert rooms.source.lstat().st_ino == before.st_ino
    assert not (tmp_path / "nowhere").exists()


def test_it_does_not_come_back_over_a_file_that_is_on_its_way(rooms: Rooms) -> None:
    staged = rooms.stage()
    rooms.keep(staged)

    def busy(path: bytes, _: Identity) -> None:
        if path == NAME:
            raise NameTaken

    path = moves.give_back(Disk(), rooms.folders, NAME, staged.sent, staged.digest, ITEM, busy)
    assert path == b"sub/report.csv.1"
    assert not rooms.source.exists()
    assert rooms.asides == []


def test_a_held_file_that_was_tampered_with_goes_nowhere(rooms: Rooms) -> None:
    staged = rooms.stage()
    rooms.keep(staged)
    rooms.content.write_bytes(OTHER)
    with pytest.raises(Broken):
        moves.send_held(Disk(), rooms.folders, NAME, staged.sent, staged.digest, ITEM)
    with pytest.raises(Broken):
        moves.give_back(Disk(), rooms.folders, NAME, staged.sent, staged.digest, ITEM, lambda *_: None)
    assert rooms.content.read_bytes() == OTHER
    assert not rooms.released.exists()
    assert not rooms.source.exists()
    assert rooms.asides == []


def test_what_is_destroyed_is_overwritten_first(rooms: Rooms) -> None:
    rooms.keep(rooms.stage())
    rooms.content.chmod(0o400)
    seen: list[bytes] = []
    moves.destroy(HookedDisk("before unlink", lambda: seen.append(rooms.content.read_bytes())), rooms.folders, ITEM)
    assert seen == [bytes(len(DATA))]
    assert not rooms.content.parent.exists()
    assert (rooms.hold / "receipts" / f"{ITEM}.json").exists()


def test_the_hash_is_of_the_bytes_on_disk(rooms: Rooms) -> None:
    with rooms.source.open("rb") as file:
        assert hash_of(file.fileno()) == blake3(DATA).hexdigest() == rooms.stage().digest
