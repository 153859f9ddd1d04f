"""What the kernel offers to hold a process in check: limits, death with the parent, memory in use, killing a whole family (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Iterator

from scanner.model import Limits

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")


def die_with_parent(parent: int) -> None:
    """Ask the kernel to SIGKILL this process when its parent ends; ends at once if that has happened already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Descendants whose parent ended become children of this process, so that none of them gets away."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def confine(limits: Limits, nice: int | None) -> None:
    """Limits of this process for good: address space (a backstop), no core dumps (they would hold values), file size, descriptors."""
    _limit(resource.RLIMIT_AS, limits.address_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits.temp_bytes)
    _limit(resource.RLIMIT_NOFILE, 1024)
    # should the machine run out of memory, a worker goes first
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as knob:
        knob.write("800")
    if nice:
        with contextlib.suppress(OSError):
            os.nice(nice)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


# --------------------------------------------------------------------------- families


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`, whichever of its threads made them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as listing:
                found += map(int, listing.read().split())
        except FileNotFoundError:
            if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):  # a kernel without CONFIG_PROC_CHILDREN
                return _children_by_scan(pid)
        except OSError:
            continue
    return found


def _children_by_scan(pid: int) -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(int(name)) == pid]


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as status:
            return int(status.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def family(pid: int) -> Iterator[int]:
    """`pid` and all its descendants."""
    waiting, seen = [pid], set[int]()
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            yield one
            waiting += children(one)


def resident_bytes(pid: int) -> int:
    """Resident memory of one process, shared pages included; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as status:
            return int(status.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def kill_family(pid: int) -> None:
    """SIGKILL to a process, its process group and every descendant, sessions of their own included.

    Stopped first, so that none forks away while the list is made. What still slips through becomes the subreaper's child.
    """
    members = list(family(pid))
    for signal_number in (signal.SIGSTOP, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid != os.getpgrp():
                os.killpg(pid, signal_number)
        for member in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(member, signal_number)
        members = list(family(pid))
