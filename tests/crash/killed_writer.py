"""A program for tests/crash/test_store.py: kills a writer at every step it takes in the file system, each in a store of its own.

    python -m tests.crash.killed_writer BASE_STORE FOLDER

copies BASE_STORE to FOLDER/001, FOLDER/002, ... and in the n-th lets a forked writer die (SIGKILL) at its n-th step.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from scanner.findings.store import open_store
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, told, value_batch

STEPS = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")
NEW = "29990101T000000.000000Z-aaaaaa"


def write_new_run(out: Path) -> None:
    store = open_store(out, KEY_ID)
    with store.begin(NEW, [ROOT]) as writer:
        writer.objects([object_row("a"), object_row("new")])
        writer.findings([finding_row("new")])
        writer.values(value_batch(NEW, [5, 6, 7]))
        writer.commit(told())


def _changes(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in STEPS or (event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR)))


def die_at(step: int, inside: Path) -> None:
    """From now on count what is done to files in `inside`, and kill this process instead of doing the step-th thing."""
    seen = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in {"sync", "fcntl.flock"} or (_changes(event, arguments) and str(arguments[0]).startswith(str(inside))):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    def fsync(handle: int) -> None:
        """A step like the others; the kernel survives the process, so nothing need reach the disk."""
        sys.audit("sync", handle)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(count)


def main(base: Path, folder: Path) -> None:
    for step in range(1, 1000):
        out = folder / f"{step:03d}"
        shutil.copytree(base, out)
        child = os.fork()
        if child == 0:
            die_at(step, out)
            write_new_run(out)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
