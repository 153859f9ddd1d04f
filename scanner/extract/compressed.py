"""Single compressed streams (gzip, bzip2, xz, lzma): each is one object with one member, its content."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol, cast

from scanner.extract.budget import CHUNK, ChunkStream, stream_size, views
from scanner.extract.member_names import japanese_name, shown
from scanner.model import Blob, Budget, Gap, Item, Reason, Unread, Unreadable

LZMA_MEMORY = 256 * 2**20
"""What an LZMA dictionary may take; presets go up to 64 MB, 7-Zip's "ultra" to 192 MB."""


class Decompressor(Protocol):
    """What bz2 and lzma give; `Inflate` brings zlib into the same shape."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class Inflate:
    """zlib in bounded pieces. `wbits`: 31 for gzip, -15 for a zip member's raw deflate."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)
        self._tail = b""

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        output = self._zlib.decompress(self._tail + data if self._tail else data, max(0, max_length))
        self._tail = self._zlib.unconsumed_tail
        return output


class Unpacker:
    """The output of one packed stream, in bounded chunks; `fault` afterwards: TRUNCATED or DAMAGED, None if it ended well.

    What came out before a fault is kept. `next_stream` is asked, at the end of a stream, for a decompressor of what
    follows it (gzip, bzip2 and xz files may be several streams on end); None if the file should have ended there.
    `consumed`: packed bytes used, known once the stream has ended well.
    """

    def __init__(
        self,
        source: BinaryIO,
        decompressor: Decompressor,
        next_stream: Callable[[bytes], Decompressor | None] | None = None,
    ) -> None:
        self.fault: Reason | None = None
        self.consumed = 0
        self._source = source
        self._decompressor = decompressor
        self._next_stream = next_stream
        # At each stream's end the rest of what was fed is copied: a file of a million tiny streams must not copy much each time.
        self._portion = CHUNK if next_stream is None else 16 * 1024

    def stream(self) -> BinaryIO:
        return cast(BinaryIO, ChunkStream(self._chunks()))

    def _chunks(self) -> Iterator[bytes]:
        try:
            yield from self._streams()
        except (zlib.error, lzma.LZMAError, EOFError, ValueError, OSError):  # OSError is bz2's way of saying "invalid data"
            self.fault = Reason.DAMAGED
        except MemoryError:
            self.fault = Reason.MEMORY

    def _streams(self) -> Iterator[bytes]:
        while True:
            yield from self._one_stream()
            if self.fault is not None:
                return
            rest = self._decompressor.unused_data
            self.consumed -= len(rest)
            if self._next_stream is None:
                return
            rest = self._after_padding(rest)
            if not rest:
                return
            following = self._next_stream(rest)
            if following is None:
                self.fault = Reason.DAMAGED  # bytes that no tool would read, and neither did we
                return
            self._decompressor = following
            yield from self._feed(rest)

    def _one_stream(self) -> Iterator[bytes]:
        while not self._decompressor.eof:
            chunk = self._source.read(self._portion) if self._decompressor.needs_input else b""
            if not chunk and self._decompressor.needs_input:
                yield from self._feed(b"")
                if not self._decompressor.eof:
                    self.fault = Reason.TRUNCATED
                return
            yield from self._feed(chunk)

    def _feed(self, data: bytes) -> Iterator[bytes]:
        self.consumed += len(data)
        output = self._decompressor.decompress(data, CHUNK)
        if output:
            yield output

    def _after_padding(self, rest: bytes) -> bytes:
        """What follows a stream, zero padding (tapes, xz) left out; enough of it to tell a magic number."""
        while True:
            rest = rest.lstrip(b"\0")
            if len(rest) >= 8:
                return rest
            more = self._source.read(self._portion)
            if not more:
                return rest
            rest += more


def _gzip(head: bytes) -> Decompressor | None:
    return Inflate(31) if head.startswith(b"\x1f\x8b") else None


def _bzip2(head: bytes) -> Decompressor | None:
    return bz2.BZ2Decompressor() if head.startswith(b"BZh") else None


def _xz(head: bytes) -> Decompressor | None:
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=LZMA_MEMORY) if head.startswith((b"\xfd7zXZ\0", b"]\0\0")) else None


_FAMILIES: dict[str, Callable[[bytes], Decompressor | None]] = {
    "application/gzip": _gzip,
    "application/x-bzip2": _bzip2,
    "application/x-xz": _xz,
}
_SHORT_SUFFIXES = {".tgz": ".tar", ".tbz": ".tar", ".tbz2": ".tar", ".txz": ".tar", ".tlz": ".tar", ".svgz": ".svg", ".emz": ".emf"}
_SUFFIXES = (".gz", ".gzip", ".z", ".bz2", ".bz", ".xz", ".lzma")


def inner_name(name: str) -> str:
    """The name of what a compressed file holds: ``a.csv.gz`` is ``a.csv``, ``a.tgz`` is ``a.tar``."""
    lower = name.lower()
    for suffix, replacement in _SHORT_SUFFIXES.items():
        if lower.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)] + replacement
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return "content"


def gzip_name(head: bytes) -> str | None:
    """The original file name in a gzip header (RFC 1952, FNAME), its folders left out; None if there is none."""
    if len(head) < 10 or head[:2] != b"\x1f\x8b" or not head[3] & 8:
        return None
    start = 10
    if head[3] & 4:
        start += 2 + int.from_bytes(head[10:12], "little")
    end = head.find(b"\0", start)
    name = japanese_name(head[start:end]).replace("\\", "/").rsplit("/", 1)[-1] if end > start else ""
    return shown(name) or None


class CompressedStream:
    """Reader of gzip, bzip2, xz and lzma files: one member, named by the header (gzip) or by the file's name without its suffix."""

    media_types = frozenset(_FAMILIES)

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as source:
            packed = stream_size(source)
            head = source.read(4096)
            source.seek(0)
            family = _FAMILIES[media_type]
            decompressor = family(head)
            if decompressor is None:
                raise Unreadable(Reason.DAMAGED)
            location = blob.location.inside(gzip_name(head) or inner_name(blob.location.name))
            unpacker = Unpacker(source, decompressor, family)
            budget.enter_member()
            try:
                content = budget.spool(unpacker.stream(), packed_size=packed)
            except Unreadable as stop:
                yield Unread(location, stop.reason)
                return
            with content:
                size, opener = views(content)
                if size == 0 and unpacker.fault is not None:
                    raise Unreadable(unpacker.fault)
                yield Blob(location, size, opener, fault=unpacker.fault)
            if unpacker.fault is not None:
                yield Gap(unpacker.fault)


EXTRACTORS = (CompressedStream(),)
