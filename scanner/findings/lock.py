"""One run per root: who is writing into a store, by locks that a dead process does not keep.

Each run holds ``DIR/.locks/<run_id>.lock`` (flock) for as long as it lives; the file tells its roots, process and host. Looking
at the locks and taking one happens under ``DIR/.locks/mutex``, so that two runs cannot both find the place free.

The kernel lets go of a flock when the last process that holds the open file ends, kill -9 included. On NFS (Linux 2.6.12 and
later) it is carried to the server; on SMB mounts with ``nobrl``, and on file systems without locks, hosts do not see each other's
locks: give each host a store of its own there. On network mounts a lock that
another host left within the last day is not taken for dead.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from scanner.findings.errors import RootBusy

FOLDER = ".locks"
_FOREIGN_GRACE = 86_400.0  # seconds
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "glusterfs", "lustre"})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as the lock file tells."""

    run_id: str
    roots: tuple[str, ...]
    pid: int
    host: str
    started: str

    @classmethod
    def here(cls, run_id: str, roots: Sequence[str]) -> Holder:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return cls(run_id, tuple(roots), os.getpid(), socket.gethostname(), now)


class RunLock:
    """The lock of one run, held until `release` or the end of the process (and of children forked, not spawned, meanwhile)."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle: int | None = handle

    def release(self) -> None:
        """Let go. Should the file stay behind, nobody holds it, and the next run clears it away."""
        if self._handle is not None:
            with suppress(OSError):
                self.path.unlink()
            os.close(self._handle)
            self._handle = None


def overlap(one: str, other: str) -> bool:
    """Whether two roots (absolute paths or URIs) are the same or one lies inside the other."""
    a, b = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return a.startswith(b) or b.startswith(a)


@contextmanager
def mutex(out: Path) -> Iterator[None]:
    """Alone in `out` for a moment: no other process takes or judges locks meanwhile. Raises OSError."""
    handle = os.open(out / FOLDER / "mutex", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def take(out: Path, run_id: str, roots: Sequence[str]) -> RunLock:
    """The lock of a new run; to be called under `mutex`. Raises `RootBusy`, OSError."""
    for holder in living(out):
        _refuse_overlap(holder, roots)
    path = lock_path(out, run_id)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    lock = RunLock(path, handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(handle, json.dumps(asdict(Holder.here(run_id, roots))).encode())
    except BaseException:
        lock.release()
        raise
    return lock


def lock_path(out: Path, run_id: str) -> Path:
    return out / FOLDER / f"{run_id}.lock"


def living(out: Path) -> Iterator[Holder]:
    """The holders of all locks that are held; to be called under `mutex`."""
    for path in sorted((out / FOLDER).glob("*.lock")):
        if (holder := is_held(path)) is not None:
            yield holder


def is_held(path: Path) -> Holder | None:
    """The living holder of a lock file, None if its process is gone or the file is missing."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        holder = _holder(path, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return holder
        return holder if _may_live_elsewhere(holder, handle) else None
    finally:
        os.close(handle)


def _holder(path: Path, handle: int) -> Holder:
    """A lock file that cannot be read is held for no root: it keeps its run from being tidied away, and blocks no one."""
    try:
        told = json.loads(os.pread(handle, 2**20, 0))
        return Holder(str(told["run_id"]), tuple(map(str, told["roots"])), int(told["pid"]), str(told["host"]), str(told["started"]))
    except (ValueError, KeyError, TypeError):
        return Holder(path.stem, (), 0, socket.gethostname(), "an unknown time")


def _may_live_elsewhere(holder: Holder, handle: int) -> bool:
    """On a network mount another host's lock may be invisible here; on a local disk (containers share those) it never is."""
    found = os.fstat(handle)
    return holder.host != socket.gethostname() and time.time() - found.st_mtime < _FOREIGN_GRACE and _on_network(found.st_dev)


def _on_network(device: int) -> bool:
    """By the type of the mount, /proc/self/mountinfo (proc(5)): third field the device, the type after the lone hyphen."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    kinds = [line.partition(" - ")[2].split(" ")[0] for line in lines if line.split(" ")[2:3] == [wanted]]
    return any(kind in _NETWORK or kind.startswith("fuse") for kind in kinds)


def _refuse_overlap(holder: Holder, roots: Iterable[str]) -> None:
    for root in roots:
        for held in holder.roots:
            if overlap(root, held):
                what = root if root == held else f"{root}, which overlaps {held},"
                raise RootBusy(
                    f"a scan of {what} is already running into this store since {holder.started} "
                    f"(process {holder.pid} on {holder.host}, run {holder.run_id}): wait for it to end, or stop it"
                )
