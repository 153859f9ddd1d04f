"""Every system call with which the gate changes a file system, through folder descriptors, following no link.

They stand together so that tests can end the process before and after each of them (tests/crash/test_gate.py).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from blake3 import blake3

from scanner.sources.filesystem import open_folder

T = TypeVar("T")

BLOCK: Final = 2**20
ASIDE: Final = b".strayscan-"
"""Names that begin so are the gate's own, for moments only."""

_FICLONE: Final = 0x40049409  # linux/fs.h
_RENAME_NOREPLACE: Final = 1
_NO_CLONE: Final = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM, errno.ETXTBSY})
_NO_LINK: Final = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NOT_KEPT: Final = frozenset({errno.EPERM, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS})


class Changed(Exception):
    """A file is not (any more) what was looked at: another content, another thing, or still open for writing."""


class NameTaken(Exception):
    """Something of this name is there already, and is not ours."""


class Broken(Exception):
    """Bytes do not have the hash that they must have."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file was when it was looked at: equal ones hold the same bytes, as far as a file system can tell."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Identity:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def same_content(self, found: os.stat_result) -> bool:
        """Also after a rename, which changes the ctime. The number does not count: some network mounts give another at each look."""
        return stat.S_ISREG(found.st_mode) and self.same_content_as(Identity.of(found))

    def same_content_as(self, other: Identity) -> bool:
        return (self.size, self.mtime_ns) == (other.size, other.mtime_ns)


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a folder: `path` relative to `root`, steps joined by ``/``, both as the file system has them."""

    root: bytes
    path: bytes

    @property
    def steps(self) -> list[bytes]:
        return self.path.split(b"/")[:-1]

    @property
    def name(self) -> bytes:
        return self.path.rpartition(b"/")[2]

    def sibling(self, name: bytes) -> Place:
        folder, slash, _ = self.path.rpartition(b"/")
        return Place(self.root, folder + slash + name)


class Disk:
    """Changes files. `step` is called before and after every change."""

    def step(self, what: str) -> None:
        """For tests, which die here."""

    def _do(self, what: str, change: Callable[[], T]) -> T:
        self.step(f"before {what}")
        done = change()
        self.step(f"after {what}")
        return done

    # ------------------------------------------------------------------ folders

    @contextmanager
    def folder(self, place: Place, *, make: bool = False) -> Iterator[int]:
        """A descriptor on the folder that a place lies in. `make`: folders that are missing are made. Raises OSError."""
        if make:
            self._make_folders(place)
        handle = open_folder(place.root, place.steps)
        try:
            yield handle
        finally:
            os.close(handle)

    def _make_folders(self, place: Place) -> None:
        handle = open_folder(place.root, [])
        try:
            for step in place.steps:
                try:
                    os.stat(step, dir_fd=handle, follow_symlinks=False)
                except FileNotFoundError:
                    with suppress(FileExistsError):
                        self._do("mkdir", lambda step=step, handle=handle: _make_folder(handle, step))  # type: ignore[misc]
                    self.sync(handle)
                following = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
                os.close(handle)
                handle = following
        finally:
            os.close(handle)

    def sync(self, handle: int) -> None:
        """Changes of a file or folder outlast a power cut from here on. Some network file systems cannot promise it."""
        try:
            self._do("fsync", lambda: os.fsync(handle))
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise

    # ------------------------------------------------------------------ files

    def copy(self, source: int, folder: int, name: bytes) -> str | None:
        """A new private file `name` with the bytes of `source`, on disk; its BLAKE3, None where the file system shares the blocks.

        What was there of that name is removed first: such names are the gate's own. Raises OSError; then nothing is left of it.
        """
        self.remove(folder, name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        target = self._do("create", lambda: os.open(name, flags, 0o600, dir_fd=folder))
        try:
            digest = None if self._cloned(source, target) else self._copied(source, target)
            self.sync(target)
            return digest
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        finally:
            os.close(target)

    def _cloned(self, source: int, target: int) -> bool:
        try:
            self._do("clone", lambda: fcntl.ioctl(target, _FICLONE, source))
        except OSError as error:
            if error.errno not in _NO_CLONE:
                raise
            return False
        return True

    def _copied(self, source: int, target: int) -> str:
        hasher, at = blake3(), 0
        while chunk := os.pread(source, BLOCK, at):
            hasher.update(chunk)
            at += len(chunk)
            self._do("write", lambda chunk=chunk: _write_all(target, chunk))  # type: ignore[misc]
        return hasher.hexdigest()

    def write(self, folder: int, name: bytes, data: bytes, mode: int = 0o600) -> None:
        """A small new file, on disk, whole or not there under its name; what has that name already is replaced."""
        aside = ASIDE + name[:200] + b".new"
        self.remove(folder, aside)
        handle = self._do("create", lambda: os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder))
        try:
            try:
                self._do("write", lambda: _write_all(handle, data))
                os.fchmod(handle, mode)
                self.sync(handle)
            finally:
                os.close(handle)
            self._do("rename", lambda: os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder))
        except BaseException:
            with suppress(OSError):
                os.unlink(aside, dir_fd=folder)
            raise
        self.sync(folder)

    def remove(self, folder: int, name: bytes) -> bool:
        """Was something of that name there to be removed?"""
        try:
            self._do("unlink", lambda: os.unlink(name, dir_fd=folder))
        except FileNotFoundError:
            return False
        return True

    def remove_folder(self, folder: int, name: bytes) -> None:
        with suppress(FileNotFoundError):
            self._do("rmdir", lambda: os.rmdir(name, dir_fd=folder))

    def overwrite(self, handle: int, size: int) -> None:
        """Zeros over a file's bytes, where they lie."""
        at = 0
        while at < size:
            count = min(BLOCK, size - at)
            at += self._do("write", lambda at=at, count=count: os.pwrite(handle, bytes(count), at))  # type: ignore[misc]

    def rename(self, folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
        """For private folders, where nobody else makes names."""
        self._do("rename", lambda: os.rename(name, to_name, src_dir_fd=folder, dst_dir_fd=to_folder))

    def move_new(self, folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
        """Rename within a file system, never over anything. Raises NameTaken, OSError."""
        try:
            self._do("renameat2", lambda: _rename_noreplace(folder, name, to_folder, to_name))
            return
        except FileExistsError:
            raise NameTaken from None
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        # A file system that cannot promise it by renaming can by linking, and one that can neither is refused.
        self.link_new(folder, name, to_folder, to_name)
        self.remove(folder, name)

    def link_new(self, folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
        """A further name of a file, never over anything; it being ours already is as good. Raises NameTaken, OSError."""
        try:
            self._do("link", lambda: os.link(name, to_name, src_dir_fd=folder, dst_dir_fd=to_folder, follow_symlinks=False))
        except FileExistsError:
            one, other = (os.stat(n, dir_fd=f, follow_symlinks=False) for n, f in ((name, folder), (to_name, to_folder)))
            if (one.st_dev, one.st_ino) != (other.st_dev, other.st_ino):
                raise NameTaken from None

    def dress(self, handle: int, mode: int, times: tuple[int, int] | None, owner: tuple[int, int] | None = None) -> None:
        """Owner, mode and times of a file, as far as this account may give them and the file system can keep them (a share of Windows'
        has no modes, one that maps accounts no owners)."""
        if owner is not None:
            with _not_kept():
                self._do("chown", lambda: os.fchown(handle, *owner))
        with _not_kept():
            self._do("chmod", lambda: os.fchmod(handle, mode))
        if times is not None:
            with _not_kept():
                self._do("utime", lambda: os.utime(handle, ns=times))


def publish(disk: Disk, folder: int, name: bytes, place: Place, digest: str, item: str) -> str:
    """The file `name` of a private folder appears whole under a new name, never over anything; "linked", or "copied" to another file
    system (or one without hard links), or "there" where it lay already. The source stays. Raises NameTaken, Broken, OSError."""
    with disk.folder(place, make=True) as target:
        try:
            disk.link_new(folder, name, target, place.name)
            how = "linked"
        except NameTaken:  # the kernel says so before it says that it cannot link, and what is there may be our copy
            if _links(disk, folder, name, target, item):
                raise
            how = copy_over(disk, folder, name, target, place.name, digest, item)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            how = copy_over(disk, folder, name, target, place.name, digest, item)
        disk.sync(target)
    return how


def _links(disk: Disk, folder: int, name: bytes, target: int, item: str) -> bool:
    """Can files of the one folder be linked into the other?"""
    trial = ASIDE + item.encode() + b".link"
    disk.remove(target, trial)
    try:
        disk.link_new(folder, name, target, trial)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        return False
    disk.remove(target, trial)
    return True


def copy_over(disk: Disk, folder: int, name: bytes, target: int, to_name: bytes, digest: str, item: str) -> str:
    """The same by copying: verified, with mode, times and owner, on disk before it has its name. Raises NameTaken, Broken, OSError."""
    aside = ASIDE + item.encode() + b".part"
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if _there_already(target, to_name, digest):
            disk.remove(target, aside)
            return "there"
        status = os.fstat(source)
        disk.copy(source, target, aside)
        copy = os.open(aside, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=target)
        try:
            if hash_of(copy) != digest:
                raise Broken
            owner = (status.st_uid, status.st_gid)  # root at the desk makes no file of root's in the service's folder
            disk.dress(copy, stat.S_IMODE(status.st_mode), (status.st_atime_ns, status.st_mtime_ns), owner)
            disk.sync(copy)
        finally:
            os.close(copy)
        disk.move_new(target, aside, target, to_name)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside, dir_fd=target)
        raise
    finally:
        os.close(source)
    return "copied"


def _there_already(folder: int, name: bytes, digest: str) -> bool:
    """Did we put it there before we died? Raises NameTaken if something else is there."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return False
    except OSError:
        raise NameTaken from None
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode) and hash_of(handle) == digest:
            return True
    finally:
        os.close(handle)
    raise NameTaken


def hash_of(handle: int) -> str:
    """BLAKE3 of a file's bytes in hexadecimal."""
    hasher, at = blake3(), 0
    while chunk := os.pread(handle, BLOCK, at):
        hasher.update(chunk)
        at += len(chunk)
    return hasher.hexdigest()


def open_for_writing_elsewhere(handle: int) -> bool:
    """Has another program the file open for writing? A read lease is refused then (fcntl(2)); False where that cannot be asked."""
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _make_folder(above: int, name: bytes) -> None:
    """It belongs to whom the folder above belongs to: when root decides at the desk, the service must be able to go on writing there."""
    os.mkdir(name, 0o777, dir_fd=above)
    found = os.fstat(above)
    if os.geteuid() == 0 and found.st_uid != 0:
        os.chown(name, found.st_uid, found.st_gid, dir_fd=above, follow_symlinks=False)


@contextmanager
def _not_kept() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_KEPT:
            raise


def _rename_noreplace(folder: int, name: bytes, to_folder: int, to_name: bytes) -> None:
    """renameat2(2), which Python does not have."""
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(folder, ctypes.c_char_p(name), to_folder, ctypes.c_char_p(to_name), ctypes.c_uint(_RENAME_NOREPLACE)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def missing(error: OSError) -> bool:
    """Is the file, or a folder on the way to it, not there (any more)?"""
    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE)
