"""What can go wrong with the store as a whole; each message is one sentence for the user, and none holds a value."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreError(Exception):
    """The findings store cannot be used or written as asked."""


class RootBusy(StoreError):
    """Another scan of the same root, or of one inside or around it, is writing into this store."""


class StateFailed(StoreError):
    """The state file of the store can be neither used nor written."""


class NotWhole(StoreError):
    """What a dead run left cannot be gone on with."""


_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EFBIG: "a file grew beyond what this account may write; raise the limit and run again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EACCES: "this account may not write there",
    errno.EPERM: "this account may not write there",
    errno.ENOTDIR: "a part of the path is not a folder",
}


@contextmanager
def storing(out: Path) -> Iterator[None]:
    """Failures of the operating system while writing into `out`, as a `StoreError` that says what to do."""
    try:
        yield
    except OSError as error:
        cause = _ADVICE.get(error.errno or 0) or error.strerror or "input/output error"
        raise StoreError(f"cannot write findings to {out}: {cause} (earlier runs in it stay readable)") from None
