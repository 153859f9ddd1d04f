"""The bytes of one object: read through one door that hashes and counts them."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import BinaryIO

from blake3 import blake3

from scanner.model import Blob

REST = 1 << 20


class Content:
    """Wraps a blob's streams. Whatever a reader reads in sequence is hashed on the way; `digest` reads only the rest."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._hash = blake3()
        self._hashed = 0

    @property
    def blob(self) -> Blob:
        return dataclasses.replace(self._blob, open=self._open)

    @property
    def bytes_read(self) -> int:
        """Bytes from the start without a hole; all of them once `rest` is exhausted."""
        return self._hashed

    def _open(self) -> BinaryIO:
        return io.BufferedReader(_Tracked(self._blob.open(), self), REST)

    def seen(self, offset: int, data: memoryview) -> None:
        end = offset + len(data)
        if offset <= self._hashed < end:
            self._hash.update(data[self._hashed - offset :])
            self._hashed = end

    def rest(self) -> Iterator[int]:
        """Read what no reader has read, for the hash; yields the bytes read so far."""
        with self._blob.open() as stream:
            stream.seek(self._hashed)
            while data := stream.read(REST):
                self._hash.update(data)
                self._hashed += len(data)
                yield self._hashed

    @property
    def digest(self) -> str:
        """BLAKE3 of all the bytes, in hexadecimal; right once `rest` is exhausted."""
        return self._hash.hexdigest()


class _Tracked(io.RawIOBase):
    """A read-only stream that tells `Content` what passes."""

    def __init__(self, stream: BinaryIO, content: Content) -> None:
        self._stream = stream
        self._content = content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        offset = self._stream.tell()
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._content.seen(offset, memoryview(data))
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
