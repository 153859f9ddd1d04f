"""Whole files or none: temporary name beside the target, sync, rename, sync the folder (restic's local backend does the same).

A reader that has the old file open goes on reading the old file; a reader that comes later sees the new one, never half of it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".tmp"
ROW_GROUP = 131_072
"""Rows of a row group."""
LOOK_UP_GROUP = 16_384
"""The same in files of values: a search for one fingerprint reads one row group of each file (docs/reference/performance.md)."""


def temporary_name(target: Path) -> Path:
    """A hidden, unique name beside `target`; readers of ``*.parquet`` and Spark pass over it."""
    return target.with_name(f".{target.name}.{secrets.token_hex(6)}{SUFFIX}")


def sync_folder(folder: Path) -> None:
    """Make renames and creations in `folder` outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def atomic_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Publish `data` as `path`, replacing what is there; `mode` as in open(2). Raises OSError; the temporary file is removed then."""
    temporary = temporary_name(path)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class PartWriter:
    """One Parquet file, written row group by row group (zstd, statistics) and published by `close`.

    `repeated`: the columns worth a dictionary; without it all are tried. `named`: told the finished file, gives the name to publish it
    under instead. `group`: most rows of a row group. As a context manager it publishes on success and removes its temporary file on an
    exception. Raises OSError.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        repeated: list[str] | None = None,
        named: Callable[[Path], str] | None = None,
        group: int = ROW_GROUP,
    ) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self.rows = 0
        self._named = named
        self._group = group
        self._temporary = temporary_name(path)
        try:
            self._writer: Any = pq.ParquetWriter(
                self._temporary, schema, compression="zstd", write_statistics=True, use_dictionary=repeated or True
            )
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            raise

    def write(self, table: pa.Table) -> None:
        """Append `table` as row groups of at most `group` rows."""
        self._writer.write_table(table, row_group_size=self._group)
        self.rows += len(table)

    def close(self) -> Path:
        """Finish, sync and publish; the path."""
        try:
            self._writer.close()
            sync_file(self._temporary)
            if self._named is not None:
                self.path = self.path.with_name(self._named(self._temporary))
            self._temporary.rename(self.path)
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            raise
        sync_folder(self.path.parent)
        return self.path

    def abort(self) -> None:
        """Remove what was written; what cannot be removed now goes with the run's staging folder."""
        with contextlib.suppress(OSError):
            self._writer.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
