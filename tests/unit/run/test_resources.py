"""Families of processes: who belongs to whom, how much memory, and that none survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from scanner.run import resources
from scanner.run.resources import children, family, kill_family, resident_bytes

PROGRAM = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    time.sleep(60)
print("ready", flush=True)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if resources._parent(pid) is None:
            return True
        try:
            with open(f"/proc/{pid}/stat") as status:
                if ") Z" in status.read():
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_family_with_sessions_of_their_own_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    with parent.stdout:
        parent.stdout.readline()
    until = time.monotonic() + 5
    while len(list(family(parent.pid))) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    members = list(family(parent.pid))
    assert len(members) == 3
    assert members[0] == parent.pid
    kill_family(parent.pid)
    assert parent.wait() == -signal.SIGKILL
    assert all(gone(member) for member in members)


def test_children_of_nobody() -> None:
    assert children(2**22 + 5) == []


def test_children_without_the_kernels_help() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        assert child.pid in resources._children_by_scan(os.getpid())
        assert child.pid in children(os.getpid())
    finally:
        child.kill()
        child.wait()


def test_resident_memory() -> None:
    assert resident_bytes(os.getpid()) > 2**20
    assert resident_bytes(2**22 + 5) == 0
