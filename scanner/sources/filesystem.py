"""Crawls local folders (mounted SMB and NFS shares among them) read-only, and opens what was met without ever following a link.

Memory stays constant over millions of files: folders are read one at a time, their sub-folders wait as names (beyond a
bound in a temporary file), and at most `_KEPT_FOLDERS` descriptors are open whatever the depth. Paths are walked step by
step from the root, so they may be longer than PATH_MAX, and a link swapped in between listing and reading is never followed.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from scanner.model import Entry, Location, Reason, Status, Unreadable, path_text
from scanner.sources.exposure import EVERYONE, UNKNOWN, Mounts, Rights, rights_of, search_bound
from scanner.sources.offline import is_offline

Excluded = Callable[[str, bool], bool]
"""Says whether an absolute path (escaped, no trailing ``/``) is left out; the flag tells a folder."""

SORTED_UP_TO = 10_000
"""Folders with at most so many entries are read in the order of their names; larger ones as the file system streams them."""

_KEPT_FOLDERS = 64
_NAMES_IN_MEMORY = 200_000
_SPILL_AT = 1_000  # names of one folder, at least, that are worth writing to the file


class RootError(Exception):
    """A root cannot be scanned at all: it does not exist or is neither folder nor file. The message is for the user."""


def resolve_roots(roots: Iterable[Path]) -> list[Path]:
    """The roots absolute and with links resolved, in the order given; one that lies in another is scanned under the outer one.

    Raises RootError for a root that does not exist, cannot be reached, or is neither a folder nor a regular file.
    """
    resolved = list(dict.fromkeys(map(_resolve, roots)))
    return [root for root in resolved if not any(other in root.parents for other in resolved)]


def _resolve(root: Path) -> Path:
    shown = path_text(os.fsencode(root))
    try:
        path = root.resolve(strict=True)
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise RootError(f"{shown}: there is no such folder") from None
    except PermissionError:
        raise RootError(f"{shown}: no permission to reach this folder") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise RootError(f"{shown}: cannot be reached ({getattr(error, 'strerror', None) or 'not a path'})") from None
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise RootError(f"{shown}: is neither a folder nor a regular file")
    return path


# --------------------------------------------------------------------------- opening


_REASONS: Mapping[int, Reason] = {
    errno.ENOENT: Reason.VANISHED,
    errno.ENOTDIR: Reason.VANISHED,  # a folder on the way was replaced by something else
    errno.ESTALE: Reason.VANISHED,  # NFS: removed on the server
    errno.EACCES: Reason.PERMISSION,
    errno.EPERM: Reason.PERMISSION,
    errno.ELOOP: Reason.SYMLINK,
    errno.ENXIO: Reason.SOCKET,
    # Linux has no mandatory locks since 5.15; these come from SMB servers, whose share modes and byte locks are mandatory.
    errno.EBUSY: Reason.LOCKED,
    errno.EAGAIN: Reason.LOCKED,
    errno.ETXTBSY: Reason.LOCKED,
    errno.EDEADLK: Reason.LOCKED,
}


def reason_of(error: OSError, *, reading: bool = False) -> Reason:
    """The kind of fault behind an OSError. A read refused after the open was granted is a byte lock on an SMB share."""
    if reading and error.errno == errno.EACCES:
        return Reason.LOCKED
    return _REASONS.get(error.errno or 0, Reason.IO_ERROR)


@dataclass(frozen=True, slots=True)
class OpenSpec:
    """How to open one file again, in another process too: the root, the steps below it, and what it was when it was listed."""

    root: bytes
    path: bytes  # relative to `root`, steps joined by "/"
    device: int
    inode: int
    size: int
    mtime_ns: int

    def to_json(self) -> dict[str, Any]:
        return {
            "root": os.fsdecode(self.root),
            "path": os.fsdecode(self.path),
            "device": self.device,
            "inode": self.inode,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OpenSpec:
        plain = {key: data[key] for key in ("device", "inode", "size", "mtime_ns")}
        return cls(os.fsencode(data["root"]), os.fsencode(data["path"]), **plain)


def open_spec(entry: Entry) -> OpenSpec:
    """The OpenSpec of a regular file that `crawl` yielded."""
    device, _, inode = (entry.file_id or "0:0").partition(":")
    return OpenSpec(entry.extra["root"], entry.raw_path, int(device), int(inode), entry.size or 0, entry.extra["mtime_ns"])


def open_entry(entry: Entry) -> BinaryIO:
    """A fresh buffered stream over a regular file. Raises Unreadable."""
    return os.fdopen(open_descriptor(open_spec(entry)), "rb")


def open_descriptor(spec: OpenSpec) -> int:
    """A descriptor on the very file that was listed: a regular file, reached from the root without following any link.

    A file that was replaced meanwhile is CHANGED. Some network mounts give a file another inode number at each lookup, so one of the
    same size and time of change counts as the same. Raises Unreadable.
    """
    try:
        descriptor = open_beneath(spec.root, spec.path)
    except OSError as error:
        raise Unreadable(reason_of(error)) from None
    found = os.fstat(descriptor)
    if reason := _kind(found.st_mode):
        os.close(descriptor)
        raise Unreadable(reason)
    same = (found.st_dev, found.st_ino) == (spec.device, spec.inode)
    if not same and (found.st_size, found.st_mtime_ns) != (spec.size, spec.mtime_ns):
        os.close(descriptor)
        raise Unreadable(Reason.CHANGED)
    return descriptor


def open_sibling(spec: OpenSpec, suffix: str) -> BinaryIO | None:
    """The regular file beside `spec` whose name is its name plus `suffix`, opened the same safe way; None if it cannot be had."""
    try:
        descriptor = open_beneath(spec.root, spec.path + os.fsencode(suffix))
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")


def open_beneath(root: bytes, path: bytes) -> int:
    """Open a file below a folder for reading, step by step, following no link. Raises OSError.

    O_NONBLOCK: a FIFO swapped in must not hang us. O_NOATIME is only granted to the owner and to root.
    """
    *folders, name = path.split(b"/")
    parent = open_folder(root, folders, os.O_PATH)
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            return os.open(name, flags | os.O_NOATIME, dir_fd=parent)
        except PermissionError as error:
            if error.errno != errno.EPERM:
                raise
            return os.open(name, flags, dir_fd=parent)
    finally:
        os.close(parent)


def open_folder(root: bytes, steps: Sequence[bytes], mode: int = os.O_RDONLY) -> int:
    """A descriptor on the folder `steps` below `root`, following no link below the root. Raises OSError."""
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    current = os.open(root, (flags | (os.O_PATH if steps else mode)) & ~os.O_NOFOLLOW)
    for number, step in enumerate(steps, 1):
        try:
            following = os.open(step, flags | (mode if number == len(steps) else os.O_PATH), dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current


def _kind(mode: int) -> Reason | None:
    """Why a thing of this mode is never opened; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    kinds = ((stat.S_ISLNK, Reason.SYMLINK), (stat.S_ISFIFO, Reason.FIFO), (stat.S_ISSOCK, Reason.SOCKET))
    return next((reason for test, reason in kinds if test(mode)), Reason.DEVICE)


# --------------------------------------------------------------------------- crawling


def crawl(roots: Sequence[Path], excluded: Excluded) -> Iterator[Entry]:
    """One Entry for every file, link, pipe, socket and device below the roots, and for folders that are excluded or unreadable.

    `roots` as `resolve_roots` gives them. Files of a folder come before its sub-folders, in the order of their names (where
    the folder is not huge). Every hard link is an Entry of its own, with one `file_id`. Nothing is opened but folders.
    """
    mounts = Mounts()
    for root in roots:
        raw = os.fsencode(os.path.abspath(root))  # workers stand in another folder
        if root.is_dir():
            yield from _Crawl(raw, excluded, mounts).entries()
        else:  # a root that is a file: its folder is the root of the locator
            yield _lone_file(raw, excluded, mounts)


def _lone_file(raw: bytes, excluded: Excluded, mounts: Mounts) -> Entry:
    folder, _, name = raw.rpartition(b"/")
    one = _Crawl(folder or b"/", excluded, mounts)
    try:
        descriptor = os.open(folder or b"/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return one.bare(name, reason_of(error))
    try:
        return one.thing(_Folder(b"", EVERYONE), descriptor, name) or one.bare(name, Reason.VANISHED)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way down: its path below the root, and who may pass through it and those above."""

    path: bytes
    bound: str


@dataclass(slots=True)
class _Level:
    """A folder whose sub-folders wait their turn."""

    folder: _Folder
    waiting: Iterator[bytes]
    held: int = 0  # names it keeps in memory
    ids: tuple[int, int] = field(default=(0, 0))


class _Crawl:
    """The walk through one root."""

    def __init__(self, root: bytes, excluded: Excluded, mounts: Mounts) -> None:
        self.root = root
        self.shown_root = path_text(root)
        self.prefix = self.shown_root.rstrip("/") + "/"
        self.excluded = excluded
        self.mounts = mounts
        self.spill = _Spill()
        self.in_memory = 0
        self.kept: dict[bytes, int] = {}  # path -> descriptor (O_PATH) of folders near the place of work

    # ------------------------------------------------------------------ walking

    def entries(self) -> Iterator[Entry]:
        try:
            yield from self._walk()
        finally:
            for descriptor in self.kept.values():
                os.close(descriptor)
            self.spill.close()

    def _walk(self) -> Iterator[Entry]:
        stack: list[_Level] = []
        ancestors: set[tuple[int, int]] = set()
        yield from self._enter(None, b"", stack, ancestors)
        while stack:
            level = stack[-1]
            name = next(level.waiting, None)
            if name is None:
                stack.pop()
                ancestors.discard(level.ids)
                self.in_memory -= level.held
                self._forget(level.folder.path)
                continue
            yield from self._enter(level.folder, name, stack, ancestors)

    def _enter(self, parent: _Folder | None, name: bytes, stack: list[_Level], ancestors: set[tuple[int, int]]) -> Iterator[Entry]:
        """Everything in one folder but its sub-folders, which are left waiting on the stack."""
        path = _join(parent.path, name) if parent else b""
        try:
            descriptor = self._open(path)
        except OSError as error:
            yield self.folder_entry(path, Status.UNREADABLE, reason_of(error))
            return
        try:
            found = os.fstat(descriptor)
            ids = (found.st_dev, found.st_ino)
            mount = self.mounts.of(found.st_dev, os.path.join(self.root, path))
            if ids in ancestors:  # a mount that leads back up: its content is met there
                yield self.folder_entry(path, Status.NO_TEXT, Reason.SYMLINK, found)
                return
            if mount.pseudo:
                yield self.folder_entry(path, Status.NO_TEXT, Reason.DEVICE, found)
                return
            bound = search_bound(found, f"/proc/self/fd/{descriptor}/.", mount, parent.bound if parent else EVERYONE)
            folder = _Folder(path, bound)
            waiting = _Waiting(self)
            yield from self._list(folder, descriptor, waiting)
        finally:
            os.close(descriptor)
        ancestors.add(ids)
        stack.append(_Level(folder, waiting.names(), waiting.held, ids))

    def _list(self, folder: _Folder, descriptor: int, waiting: _Waiting) -> Iterator[Entry]:
        try:
            with os.scandir(descriptor) as listing:
                first = list(itertools.islice(listing, SORTED_UP_TO + 1))
                if len(first) <= SORTED_UP_TO:
                    first.sort(key=_raw_name)
                for item in itertools.chain(first, listing):
                    name = _raw_name(item)
                    entry = None if item.is_dir(follow_symlinks=False) else self.thing(folder, descriptor, name)
                    if entry is None and (entry := self._excluded_folder(folder, descriptor, name)) is None:
                        waiting.add(name)
                    if entry is not None:
                        yield entry
        except OSError as error:  # the listing itself broke off: what came before stands, the rest is said to be unread
            yield self.folder_entry(folder.path, Status.UNREADABLE, reason_of(error))

    def _open(self, path: bytes) -> int:
        """Open a folder for listing, from the nearest folder above it that is still open."""
        at, steps = self._nearest(path)
        base = os.dup(self.kept[at]) if at is not None else -1
        if at is None:
            return self._keep(path, open_folder(self.root, steps))
        flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        for number, step in enumerate(steps, 1):
            try:
                following = os.open(step, flags | (os.O_RDONLY if number == len(steps) else os.O_PATH), dir_fd=base)
            finally:
                os.close(base)
            base = following
        return self._keep(path, base)

    def _nearest(self, path: bytes) -> tuple[bytes | None, list[bytes]]:
        steps: list[bytes] = []
        while True:
            if path in self.kept:
                return path, steps[::-1]
            if not path:
                return None, steps[::-1]
            path, _, name = path.rpartition(b"/")
            steps.append(name)

    def _keep(self, path: bytes, descriptor: int) -> int:
        if len(self.kept) >= _KEPT_FOLDERS:
            os.close(self.kept.pop(next(iter(self.kept))))
        self.kept[path] = os.dup(descriptor)
        return descriptor

    def _forget(self, path: bytes) -> None:
        if (descriptor := self.kept.pop(path, None)) is not None:
            os.close(descriptor)

    # ------------------------------------------------------------------ what is met

    def thing(self, folder: _Folder, descriptor: int, name: bytes) -> Entry | None:
        """The Entry of anything but a folder; None if it has become a folder since it was listed."""
        path = _join(folder.path, name)
        try:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError as error:
            return self.bare(path, reason_of(error))
        if stat.S_ISDIR(found.st_mode):
            return None
        # Attributes are asked for through the open folder, so that a long path does not matter.
        reach = f"/proc/self/fd/{descriptor}/{os.fsdecode(name)}"
        mount = self.mounts.of(found.st_dev, os.path.join(self.root, path))
        status, reason = self._status(path, found, reach)
        return self._entry(path, found, rights_of(found, reach, mount, folder.bound), status, reason)

    def _status(self, path: bytes, found: os.stat_result, reach: str) -> tuple[Status | None, Reason | None]:
        if self.excluded(self.prefix + path_text(path), False):
            return Status.EXCLUDED, Reason.POLICY
        if reason := _kind(found.st_mode):
            return Status.NO_TEXT, reason
        if is_offline(found, reach):
            return Status.UNREADABLE, Reason.OFFLINE
        return None, None

    def _excluded_folder(self, folder: _Folder, descriptor: int, name: bytes) -> Entry | None:
        path = _join(folder.path, name)
        if not self.excluded(self.prefix + path_text(path), True):
            return None
        try:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            found = None
        return self.folder_entry(path, Status.EXCLUDED, Reason.POLICY, found)

    def _entry(self, path: bytes, found: os.stat_result, rights: Rights, status: Status | None, reason: Reason | None) -> Entry:
        return Entry(
            location=Location(self.shown_root, path_text(path)),
            raw_path=path,
            size=found.st_size,
            modified_at=found.st_mtime_ns / 1e9,
            changed_at=found.st_ctime_ns / 1e9,
            file_id=f"{found.st_dev}:{found.st_ino}",
            links=found.st_nlink,
            owner=rights.owner,
            exposure=rights.exposure,
            status=status,
            reason=reason,
            extra={"root": self.root, "mtime_ns": found.st_mtime_ns, "ctime_ns": found.st_ctime_ns},
        )

    def bare(self, path: bytes, reason: Reason) -> Entry:
        """Something that was listed but could not be looked at."""
        return Entry(Location(self.shown_root, path_text(path)), path, None, None, None, None, 1, None, UNKNOWN, Status.UNREADABLE, reason)

    def folder_entry(self, path: bytes, status: Status, reason: Reason, found: os.stat_result | None = None) -> Entry:
        """A folder that is not gone into; its path ends in ``/`` (the root itself is ``./``)."""
        shown = (path_text(path) or ".") + "/"
        return Entry(
            location=Location(self.shown_root, shown),
            raw_path=path,
            size=None,
            modified_at=found.st_mtime_ns / 1e9 if found else None,
            changed_at=found.st_ctime_ns / 1e9 if found else None,
            file_id=f"{found.st_dev}:{found.st_ino}" if found else None,
            links=1,
            owner=None,
            exposure=UNKNOWN,
            status=status,
            reason=reason,
            is_dir=True,
        )


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def _raw_name(item: os.DirEntry[str]) -> bytes:
    return os.fsencode(item.name)


class _Waiting:
    """Names of sub-folders still to be entered: in memory, or in the crawl's spill file once there are very many."""

    def __init__(self, crawl: _Crawl) -> None:
        self._crawl = crawl
        self._list: list[bytes] = []
        self._spilled: tuple[int, int] | None = None

    def add(self, name: bytes) -> None:
        self._list.append(name)
        self._crawl.in_memory += 1
        if self._crawl.in_memory > _NAMES_IN_MEMORY and len(self._list) >= _SPILL_AT:
            self._flush()

    def _flush(self) -> None:
        start, end = self._crawl.spill.append(self._list)
        self._spilled = (self._spilled[0] if self._spilled else start, end)
        self._crawl.in_memory -= len(self._list)
        self._list = []

    @property
    def held(self) -> int:
        return len(self._list)

    def names(self) -> Iterator[bytes]:
        """The names, spilled ones first. To be used up before anything spilled later is (it is a stack)."""
        if self._spilled:
            yield from self._crawl.spill.read(*self._spilled)
        yield from self._list


class _Spill:
    """A temporary file without a name that holds folder names as a stack of segments, each name ended by a NUL."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    def append(self, names: list[bytes]) -> tuple[int, int]:
        """(start, end) of the segment written."""
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the crawl, see close()
        data = b"".join(name + b"\0" for name in names)
        start = self._end
        os.pwrite(self._file.fileno(), data, start)
        self._end = start + len(data)
        return start, self._end

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The names of a segment; its room is free again when the last one is taken."""
        assert self._file is not None
        at, rest = start, b""
        while at < end:
            chunk = os.pread(self._file.fileno(), min(65_536, end - at), at)
            if not chunk:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            at += len(chunk)
            *whole, rest = (rest + chunk).split(b"\0")
            yield from whole
        self._end = start

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
