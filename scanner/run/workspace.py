"""The private temporary folder of a run: 0700, locked while the run lives, and swept up by a later run if it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "strayscan-work-"


def make_workspace(parent: Path | None) -> tuple[Path, int]:
    """A new private folder, and the descriptor of the lock that says it is in use. Raises OSError."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    descriptor = os.open(folder / "lock.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    (folder / "lock.new").rename(folder / "lock")  # it gets its name only once it is locked
    return folder, descriptor


def sweep_workspaces(parent: Path | None) -> None:
    """Remove folders of this account's runs that are no longer alive (kill -9, power loss)."""
    for folder in Path(parent or tempfile.gettempdir()).glob(_PREFIX + "*"):
        with suppress(OSError):
            if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
                _sweep(folder)


def _sweep(folder: Path) -> None:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
