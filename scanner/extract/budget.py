"""What a file of the share, with everything inside it, may still cost: the only place where compressed bytes are given room."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from scanner.model import Limits, Reason, Unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 256 * 1024
"""Bytes moved at a time, everywhere in this package."""


class FileBudget:
    """`model.Budget` for one file of the share; members at all depths spend from the same purse.

    `temp_dir` is the caller's, private (0700); nothing with a name is left in it by `spool`. `on_output`, if given, hears the
    running total of output bytes now and then, so that a supervisor sees a long decompression move.
    """

    def __init__(self, limits: Limits, temp_dir: Path, on_output: Callable[[int], None] | None = None) -> None:
        self.limits = limits
        self.temp_dir = temp_dir
        self.output_bytes = 0
        self.members = 0
        self.temp_bytes = 0
        self._on_output = on_output

    def spend_output(self, count: int) -> None:
        """`count` bytes came out of a compressed or encoded stream. Raises `Unreadable(TOO_LARGE)` past the limit."""
        self.output_bytes += count
        if self._on_output is not None:
            self._on_output(self.output_bytes)
        if self.output_bytes > self.limits.output_bytes:
            raise Unreadable(Reason.TOO_LARGE)

    def enter_member(self) -> None:
        """One more member was met. Raises `Unreadable(TOO_MANY_MEMBERS)` past the limit."""
        self.members += 1
        if self.members > self.limits.members:
            raise Unreadable(Reason.TOO_MANY_MEMBERS)

    def spend_temp(self, count: int) -> None:
        """`count` bytes more (or, negative, fewer) lie in the temporary folder. Raises `Unreadable(TOO_LARGE)` past the limit."""
        self.temp_bytes += count
        if self.temp_bytes > self.limits.temp_bytes:
            raise Unreadable(Reason.TOO_LARGE)

    def spool(self, stream: BinaryIO, *, packed_size: int | None = None) -> BinaryIO:
        """A seekable copy of a one-way `stream`, at 0: in memory up to `limits.spool_bytes`, then in a file without a name.

        Raises `Unreadable`: RATIO if more than `limits.ratio` times `packed_size` bytes came out (looked at after
        `limits.ratio_floor`), TOO_LARGE past the output or temp limit, IO_ERROR if the temporary folder is full.
        The copy is freed by `close`, or when it is garbage.
        """
        memory = io.BytesIO()
        target: BinaryIO = memory
        total = 0
        try:
            while chunk := stream.read(CHUNK):
                total += len(chunk)
                self.spend_output(len(chunk))
                self._check_ratio(total, packed_size)
                if target is memory and total > self.limits.spool_bytes:
                    target = _TempStream(self)  # type: ignore[assignment]  # a RawIOBase; typeshed keeps BinaryIO apart
                    target.write(memory.getbuffer())
                    memory = io.BytesIO()
                target.write(chunk)
        except BaseException:
            target.close()
            raise
        target.seek(0)
        return target if isinstance(target, io.BytesIO) else cast(BinaryIO, io.BufferedReader(cast(_TempStream, target), CHUNK))

    def _check_ratio(self, output: int, packed_size: int | None) -> None:
        if packed_size is None or output <= self.limits.ratio_floor:
            return
        if output > self.limits.ratio * max(packed_size, 1):
            raise Unreadable(Reason.RATIO)


class _TempStream(io.RawIOBase):
    """An unlinked file in the budget's temporary folder that gives its bytes back to the budget when it is closed."""

    def __init__(self, budget: FileBudget) -> None:
        super().__init__()
        with _temp_errors():
            self._file = tempfile.TemporaryFile(dir=budget.temp_dir, buffering=0)  # noqa: SIM115  # closed with this stream
        self._budget = budget
        self._held = 0

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        view = memoryview(data)
        self._held += len(view)
        self._budget.spend_temp(len(view))
        written = 0
        with _temp_errors():
            while written < len(view):
                written += self._file.write(view[written:]) or 0
        return written

    def readinto(self, buffer: WriteableBuffer) -> int:
        with _temp_errors():
            return self._file.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._budget.temp_bytes -= self._held
            self._held = 0
        super().close()


@contextlib.contextmanager
def _temp_errors() -> Iterator[None]:
    """A full or failing temporary folder costs the object, not the run; the message (which may quote) is dropped."""
    try:
        yield
    except OSError:
        raise Unreadable(Reason.IO_ERROR) from None


class ChunkStream(io.RawIOBase):
    """A one-way readable stream over an iterator of byte chunks (of any size): what a decoder gives to `Budget.spool`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Slice(io.RawIOBase):
    """Bytes [start, start + size) of a seekable stream, with a position of its own."""

    def __init__(self, base: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._base = base
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = (0, self._position, self._size)[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), self._size - self._position)
        if count <= 0:
            return 0
        self._base.seek(self._start + self._position)
        data = self._base.read(count)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def open_slice(base: BinaryIO, start: int, size: int) -> BinaryIO:
    """A fresh seekable reader of bytes [start, start + size) of `base`, which several readers may share (one thread).

    Closing it leaves `base` open.
    """
    return cast(BinaryIO, io.BufferedReader(_Slice(base, start, size), 64 * 1024))


def views(base: BinaryIO) -> tuple[int, Callable[[], BinaryIO]]:
    """Size of a seekable stream, and what `Blob.open` wants of it: a fresh reader at 0 for each call."""
    size = base.seek(0, os.SEEK_END)
    base.seek(0)
    return size, lambda: open_slice(base, 0, size)


def stream_size(stream: BinaryIO) -> int:
    """Bytes from 0 to the end of a seekable stream; leaves it at 0."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size
