"""The crawl meets everything once, opens nothing but folders, and what it met can be opened safely later."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import socket
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import Entry, Reason, Status, Unreadable, path_text
from scanner.sources import filesystem
from scanner.sources.filesystem import (
    OpenSpec,
    RootError,
    crawl,
    open_descriptor,
    open_entry,
    open_sibling,
    open_spec,
    reason_of,
    resolve_roots,
)


def everything(path: str, is_dir: bool) -> bool:
    return False


def met(root: Path, excluded: Callable[[str, bool], bool] = everything) -> dict[str, Entry]:
    entries = list(crawl([root], excluded))
    found = {entry.location.path: entry for entry in entries}
    assert len(found) == len(entries), "something was met twice"
    return found


def content(entry: Entry) -> bytes:
    with open_entry(entry) as stream:
        return stream.read()


def as_somebody(work: Callable[[], None]) -> None:
    """Run `work` in a child without root's rights, since root may read everything."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            work()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.fixture
def open_tmp(tmp_path: Path) -> Path:
    """A folder that another account can reach (pytest's own are private)."""
    folder = tmp_path / "open"
    folder.mkdir()
    for parent in [folder, *folder.parents]:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o755)
    return folder


# --------------------------------------------------------------------------- roots


def test_nested_roots_are_scanned_once_under_the_outer_one(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    roots = resolve_roots([tmp_path / "a" / "b", tmp_path / "link", tmp_path / "ab", tmp_path / "a"])
    assert roots == [tmp_path / "a", tmp_path / "ab"]


def test_a_relative_root_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_roots([Path()]) == [tmp_path.resolve()]


def test_roots_that_cannot_be_scanned(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, said in (("none", "no such folder"), ("pipe", "neither a folder nor a regular file"), ("loop", "cannot be reached|no such")):
        with pytest.raises(RootError, match=said):
            resolve_roots([tmp_path / name])


def test_a_file_as_root(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("x")
    (tmp_path / "other.csv").write_text("x")
    (entry,) = crawl(resolve_roots([tmp_path / "one.csv"]), everything)
    assert (entry.location.root, entry.location.path, entry.status) == (str(tmp_path), "one.csv", None)
    assert content(entry) == b"x"


# --------------------------------------------------------------------------- what is met


def test_files_before_folders_in_order_of_names(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/x/deep", "a/y", "z", "0"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(met(tmp_path)) == ["0", "z", "a/y", "a/x/deep", "b/1", "b/2"]


def test_an_empty_folder_has_no_row(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert met(tmp_path) == {}


def test_special_files_are_recorded_and_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to_file").symlink_to("/etc/hostname")
    (tmp_path / "to_folder").symlink_to("/etc")
    (tmp_path / "dangling").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        found = met(tmp_path)
    assert {name: entry.reason for name, entry in found.items()} == {
        "pipe": Reason.FIFO,
        "to_file": Reason.SYMLINK,
        "to_folder": Reason.SYMLINK,
        "dangling": Reason.SYMLINK,
        "socket": Reason.SOCKET,
    }
    assert {entry.status for entry in found.values()} == {Status.NO_TEXT}


@pytest.mark.skipif(os.geteuid() != 0, reason="devices are made by root")
def test_devices_are_recorded(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "null", 0o20666, os.makedev(1, 3))
    except OSError:
        pytest.skip("not allowed here")
    assert (met(tmp_path)["null"].status, met(tmp_path)["null"].reason) == (Status.NO_TEXT, Reason.DEVICE)


def test_hard_links_share_their_file_id(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    os.link(tmp_path / "a", tmp_path / "b")
    found = met(tmp_path)
    assert found["a"].file_id == found["b"].file_id
    assert found["a"].links == found["b"].links == 2


def test_names_are_written_as_the_contract_says(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path)
    names = {
        b"\x93\xfa\x96{.csv": "\\x93\\xfa\\x96{.csv",
        b"back\\slash": "back\\\\slash",
        b"new\nline": "new\nline",
        "名簿".encode(): "名簿",
    }
    for name in names:
        Path(os.fsdecode(raw + b"/" + name)).write_bytes(name)
    found = met(tmp_path)
    assert set(found) == set(names.values())
    for name, shown in names.items():
        assert found[shown].raw_path == name
        again = OpenSpec.from_json(json.loads(json.dumps(open_spec(found[shown]).to_json())))
        assert again == open_spec(found[shown])
        with os.fdopen(open_descriptor(again), "rb") as stream:
            assert stream.read() == name


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_escape_never_maps_two_names_to_one(one: bytes, other: bytes) -> None:
    assert (path_text(one) == path_text(other)) == (one == other)


def test_paths_longer_than_path_max(tmp_path: Path) -> None:
    depth, name = 30, "d" * 200
    current = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=current)
        following = os.open(name, os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = following
    with os.fdopen(os.open("end.txt", os.O_WRONLY | os.O_CREAT, dir_fd=current), "w") as out:
        out.write("deep")
    with os.fdopen(os.open("end.txt-wal", os.O_WRONLY | os.O_CREAT, dir_fd=current), "w") as out:
        out.write("log")
    os.close(current)
    entry, beside = crawl([tmp_path], everything)
    assert len(entry.raw_path) > 4096
    assert (entry.status, beside.status, entry.size) == (None, None, 4)
    assert content(entry) == b"deep"
    sibling = open_sibling(open_spec(entry), "-wal")
    assert sibling is not None
    with sibling:
        assert sibling.read() == b"log"


@pytest.fixture
def abyss(tmp_path: Path) -> Iterator[Path]:
    """A folder that is removed by `rm`, since Python's own rmtree (before 3.13) recurses too deep in it."""
    folder = tmp_path / "abyss"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_depth_of_thousands_needs_few_descriptors(abyss: Path) -> None:
    current = os.open(abyss, os.O_RDONLY)
    for level in range(1500):
        os.mkdir("d", dir_fd=current)
        if level % 100 == 0:  # a brother that sorts after it, so that the way back matters too
            os.mkdir("e", dir_fd=current)
            os.close(os.open("e/f", os.O_WRONLY | os.O_CREAT, dir_fd=current))
        following = os.open("d", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = following
    os.close(current)
    before = len(os.listdir("/proc/self/fd"))
    most = 0
    paths = []
    for entry in crawl([abyss], everything):
        most = max(most, len(os.listdir("/proc/self/fd")))
        paths.append(entry.location.path)
    assert len(paths) == 15
    assert len(paths[0]) > len(paths[-1])
    assert most - before <= 70
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_of_20000_entries(tmp_path: Path) -> None:
    for number in range(20_000):
        os.close(os.open(f"{tmp_path}/f{number:05}", os.O_WRONLY | os.O_CREAT))
    names = [entry.location.path for entry in crawl([tmp_path], everything)]
    assert sorted(names) == [f"f{number:05}" for number in range(20_000)]


def test_memory_does_not_grow_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "SORTED_UP_TO", 100)
    for number in range(4000):
        os.close(os.open(f"{tmp_path}/f{number:05}", os.O_WRONLY | os.O_CREAT))
    tracemalloc.start()
    count = sum(1 for _ in crawl([tmp_path], everything))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4000
    assert peak < 400_000


def test_very_many_folders_wait_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "_NAMES_IN_MEMORY", 50)
    monkeypatch.setattr(filesystem, "_SPILL_AT", 10)
    expected = set()
    for outer, inner in itertools.product(range(40), range(15)):
        folder = tmp_path / f"o{outer}" / f"i{inner}"
        folder.mkdir(parents=True)
        (folder / "f").write_text("")
        expected.add(f"o{outer}/i{inner}/f")
    assert set(met(tmp_path)) == expected


# --------------------------------------------------------------------------- excluded, forbidden, vanished


def test_a_pruned_folder_is_one_row(tmp_path: Path) -> None:
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / ".git" / "objects" / "x").write_text("x")
    (tmp_path / "skip.me").write_text("x")
    asked = []

    def excluded(path: str, is_dir: bool) -> bool:
        asked.append((path, is_dir))
        return path in (f"{tmp_path}/.git", f"{tmp_path}/skip.me")

    found = met(tmp_path, excluded)
    assert {name: (entry.status, entry.reason, entry.is_dir) for name, entry in found.items()} == {
        "skip.me": (Status.EXCLUDED, Reason.POLICY, False),
        ".git/": (Status.EXCLUDED, Reason.POLICY, True),
    }
    assert sorted(asked) == [(f"{tmp_path}/.git", True), (f"{tmp_path}/skip.me", False)]


def test_folders_without_permission(open_tmp: Path) -> None:
    (open_tmp / "closed").mkdir()
    (open_tmp / "closed" / "f").write_text("x")
    (open_tmp / "listed").mkdir()  # may be listed, not entered
    (open_tmp / "listed" / "f").write_text("x")
    (open_tmp / "unreadable").write_text("x")
    (open_tmp / "open").write_text("x")
    (open_tmp / "closed").chmod(0o000)
    (open_tmp / "listed").chmod(0o744)
    (open_tmp / "unreadable").chmod(0o000)
    if os.geteuid() != 0:
        (open_tmp / "listed").chmod(0o400)

    def look() -> None:
        found = met(open_tmp)
        assert set(found) == {"closed/", "listed/f", "unreadable", "open"}
        assert (found["closed/"].status, found["closed/"].reason, found["closed/"].is_dir) == (Status.UNREADABLE, Reason.PERMISSION, True)
        assert (found["listed/f"].status, found["listed/f"].reason) == (Status.UNREADABLE, Reason.PERMISSION)
        assert found["unreadable"].status is None
        with pytest.raises(Unreadable) as fault:
            open_entry(found["unreadable"])
        assert fault.value.reason is Reason.PERMISSION
        with open_entry(found["open"]) as stream:  # not the owner: O_NOATIME is refused, and done without
            assert stream.read() == b"x"

    as_somebody(look)
    for name in ("closed", "listed"):
        (open_tmp / name).chmod(0o755)


def test_a_root_without_permission(open_tmp: Path) -> None:
    root = open_tmp / "root"
    root.mkdir(mode=0o700)
    if os.geteuid() != 0:
        root.chmod(0)

    def look() -> None:
        (entry,) = crawl([root], everything)
        assert (entry.location.path, entry.status, entry.reason, entry.is_dir) == ("./", Status.UNREADABLE, Reason.PERMISSION, True)

    as_somebody(look)
    root.chmod(0o700)


def test_what_vanishes_between_listing_and_looking(tmp_path: Path) -> None:
    for name in ("a", "b", "c/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    walk = crawl([tmp_path], everything)
    first = next(walk)
    (tmp_path / "b").unlink()
    (tmp_path / "c" / "d").unlink()
    (tmp_path / "c").rmdir()
    assert first.location.path == "a"
    assert [(entry.location.path, entry.status, entry.reason, entry.is_dir) for entry in walk] == [
        ("b", Status.UNREADABLE, Reason.VANISHED, False),
        ("c/", Status.UNREADABLE, Reason.VANISHED, True),
    ]


def test_a_file_that_becomes_a_folder_is_still_asked_about(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    walk = crawl([tmp_path], lambda path, is_dir: is_dir and path.endswith("/b"))
    next(walk)
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inner").write_text("x")
    assert [(entry.location.path, entry.status) for entry in walk] == [("b/", Status.EXCLUDED)]


def test_a_mount_that_leads_back_up_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders cannot be hard linked, and a bind mount needs root: the inner folder's fstat is made to tell the outer one's numbers."""
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "f").write_text("x")
    outer = (tmp_path / "outer").stat()
    inner = (tmp_path / "outer" / "inner").stat()
    real = os.fstat

    def looped(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        return outer if found.st_ino == inner.st_ino else found

    monkeypatch.setattr(os, "fstat", looped)
    found = met(tmp_path)
    assert set(found) == {"outer/f", "outer/inner/"}
    assert (found["outer/inner/"].status, found["outer/inner/"].reason) == (Status.NO_TEXT, Reason.SYMLINK)


def test_windows_into_the_kernel_are_not_files() -> None:
    (entry,) = itertools.islice(crawl([Path("/proc/sys")], everything), 2)
    assert (entry.status, entry.reason, entry.is_dir) == (Status.NO_TEXT, Reason.DEVICE, True)


# --------------------------------------------------------------------------- opening


def fault_of(entry: Entry) -> Reason:
    with pytest.raises(Unreadable) as fault:
        open_entry(entry)
    return fault.value.reason


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[tuple[Path, Entry]]:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("inside")
    (tmp_path.parent / "outside").mkdir(exist_ok=True)
    (tmp_path.parent / "outside" / "file").write_text("outside")
    (entry,) = crawl([tmp_path], everything)
    yield tmp_path / "folder" / "file", entry


def test_gone(listed: tuple[Path, Entry]) -> None:
    listed[0].unlink()
    assert fault_of(listed[1]) is Reason.VANISHED


def test_a_link_swapped_in(listed: tuple[Path, Entry]) -> None:
    listed[0].unlink()
    listed[0].symlink_to("/etc/hostname")
    assert fault_of(listed[1]) is Reason.SYMLINK


def test_a_folder_on_the_way_swapped_for_a_link(listed: tuple[Path, Entry]) -> None:
    path, entry = listed
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to(path.parents[2] / "outside")
    assert path.read_text() == "outside"
    assert fault_of(entry) is Reason.VANISHED


def test_a_pipe_swapped_in_does_not_hang(listed: tuple[Path, Entry]) -> None:
    listed[0].unlink()
    os.mkfifo(listed[0])
    assert fault_of(listed[1]) is Reason.FIFO


def test_another_file_in_its_place(listed: tuple[Path, Entry]) -> None:
    path, entry = listed
    fresh = path.with_name("new")
    fresh.write_text("new content")
    fresh.rename(path)
    assert fault_of(entry) is Reason.CHANGED


def test_a_mount_with_restless_inode_numbers(listed: tuple[Path, Entry]) -> None:
    _, entry = listed
    spec = open_spec(entry)
    other = OpenSpec(spec.root, spec.path, spec.device, spec.inode + 1, spec.size, spec.mtime_ns)
    os.close(open_descriptor(other))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOENT, Reason.VANISHED),
        (errno.ESTALE, Reason.VANISHED),
        (errno.EACCES, Reason.PERMISSION),
        (errno.EPERM, Reason.PERMISSION),
        (errno.ELOOP, Reason.SYMLINK),
        (errno.EBUSY, Reason.LOCKED),
        (errno.EAGAIN, Reason.LOCKED),
        (errno.ETXTBSY, Reason.LOCKED),
        (errno.EIO, Reason.IO_ERROR),
        (errno.EMFILE, Reason.IO_ERROR),
    ],
)
def test_kinds_of_faults(code: int, reason: Reason) -> None:
    assert reason_of(OSError(code, "")) is reason


def test_a_refused_read_after_a_granted_open_is_a_lock() -> None:
    assert reason_of(OSError(errno.EACCES, ""), reading=True) is Reason.LOCKED


def test_siblings_are_opened_safely(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("x")
    (tmp_path / "db-wal").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "db-journal")
    spec = open_spec(met(tmp_path)["db"])
    assert [open_sibling(spec, suffix) for suffix in ("-wal", "-journal", "-shm", "\0", "/../x")] == [None] * 5


# --------------------------------------------------------------------------- read-only


def state(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything about every file but its access time."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else None
        found[str(path)] = (
            content,
            *(getattr(status, f"st_{name}") for name in ("mode", "ino", "nlink", "uid", "gid", "size", "mtime_ns", "ctime_ns")),
        )
    return found


def test_nothing_is_changed(tmp_path: Path) -> None:
    for name in ("a/b/c.txt", "d.csv", "e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    (tmp_path / "link").symlink_to("e")
    os.mkfifo(tmp_path / "pipe")
    access = {path: path.lstat().st_atime_ns for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()}
    for entry in crawl([tmp_path], everything):
        if entry.status is None:
            with open_entry(entry) as stream:
                stream.read()
    assert {path: path.lstat().st_atime_ns for path in access} == access, "the owner may read with O_NOATIME"
    before = state(tmp_path)
    for entry in crawl([tmp_path], everything):
        if entry.status is None:
            with open_entry(entry) as stream:
                stream.read()
    assert state(tmp_path) == before
