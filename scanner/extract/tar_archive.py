"""Tar archives (v7, ustar, GNU, pax): members by name, read where they lie; nothing is extracted to a path."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from scanner.extract.budget import CHUNK, ChunkStream, open_slice, stream_size, views
from scanner.extract.member_names import Steps, shown
from scanner.model import Blob, Budget, Gap, Item, Location, Reason, Status, Unread, Unreadable

_BLOCK = tarfile.BLOCKSIZE
_HEADER_BYTES = 16 * 2**20
"""No honest header (a long name, pax records, a sparse map) is larger; `tarfile` would read what the header claims."""


class TarArchive:
    """Reader of uncompressed tar files; a tar.gz is a gzip file whose one member is a tar file."""

    media_types = frozenset({"application/x-tar"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as stream:
            size = stream_size(stream)
            reading = _Reading(stream, size, blob.location, budget)
            position: int | None = 0
            while position is not None:
                yield from reading.items(position)
                position = reading.next_archive


class _Guarded:
    """The stream as `tarfile` sees it: a read larger than any honest header, or of negative length, is refused."""

    def __init__(self, stream: BinaryIO, start: int) -> None:
        self._stream = stream
        self._start = start
        stream.seek(start)

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= _HEADER_BYTES:
            raise Unreadable(Reason.DAMAGED)
        return self._stream.read(count)

    def seek(self, position: int) -> int:
        if position < 0:
            raise Unreadable(Reason.DAMAGED)
        return self._stream.seek(self._start + position) - self._start

    def tell(self) -> int:
        return self._stream.tell() - self._start


class _Reading:
    """One pass over a file, in which several archives may stand on end (`cat a.tar b.tar`)."""

    def __init__(self, stream: BinaryIO, size: int, location: Location, budget: Budget) -> None:
        self.next_archive: int | None = None
        self._stream = stream
        self._size = size
        self._start = 0
        self._location = location
        self._budget = budget
        self._steps = Steps()

    def items(self, start: int) -> Iterator[Item]:
        """The members of the archive that begins at `start`; `next_archive` is then where another begins, or None."""
        self._start, self.next_archive = start, None
        guarded = _Guarded(self._stream, self._start)
        try:
            archive = tarfile.TarFile(fileobj=cast(BinaryIO, guarded), mode="r", encoding="utf-8", errors="surrogateescape")
        except (tarfile.TarError, ValueError, OverflowError, RecursionError, EOFError):
            yield from self._ended_badly()
            return
        fault = None
        while True:
            try:
                member = _next(archive)
            except Unreadable as stop:
                fault = stop.reason
                break
            if member is None:
                break
            yield from self._member(archive, member)
        if fault is None:
            fault = self._end(archive.offset)
        if fault is not None:
            yield Gap(fault)

    def _ended_badly(self) -> Iterator[Item]:
        """The first header is none: the whole file is no tar, or something else stands behind a tar that ended."""
        if self._start == 0:
            raise Unreadable(Reason.TRUNCATED if self._size < _BLOCK else Reason.DAMAGED)
        yield Gap(Reason.DAMAGED)

    def _end(self, offset: int) -> Reason | None:
        """What is wrong with the end: after it, zero blocks only, or one more archive (remembered in `next_archive`)."""
        position = self._start + offset
        self._stream.seek(position)
        block = self._stream.read(_BLOCK)
        if len(block) < _BLOCK:
            return Reason.TRUNCATED
        if block.strip(b"\0"):
            return Reason.DAMAGED
        while chunk := self._stream.read(CHUNK):
            position = self._stream.tell() - len(chunk)
            zeros = len(chunk) - len(chunk.lstrip(b"\0"))
            if zeros < len(chunk):
                self.next_archive = position + zeros // _BLOCK * _BLOCK
                return None
        return None

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[Item]:
        if member.isdir():
            return
        self._budget.enter_member()
        location = self._location.inside(self._steps.unique(shown(member.name)))
        if member.islnk() or member.issym():
            yield Unread(location, Reason.SYMLINK, None, Status.NO_TEXT)
        elif member.isfifo():
            yield Unread(location, Reason.FIFO, None, Status.NO_TEXT)
        elif member.isdev():
            yield Unread(location, Reason.DEVICE, None, Status.NO_TEXT)
        elif member.issparse():
            yield from self._sparse(archive, member, location)
        else:
            yield from self._plain(member, location)

    def _plain(self, member: tarfile.TarInfo, location: Location) -> Iterator[Item]:
        start = self._start + member.offset_data
        size = min(member.size, max(0, self._size - start))
        cut = Reason.TRUNCATED if size < member.size else None
        if cut is not None and size == 0:
            yield Unread(location, cut, member.size)
            return
        yield Blob(location, size, lambda: open_slice(self._stream, start, size), fault=cut)

    def _sparse(self, archive: tarfile.TarFile, member: tarfile.TarInfo, location: Location) -> Iterator[Item]:
        """Holes are zeros that nobody stored: they are written out, within the ratio to what is stored."""
        stored = sum(size for _, size in cast("list[tuple[int, int]]", member.sparse))
        content = cast(BinaryIO, archive.extractfile(member))
        try:
            copy = self._budget.spool(cast(BinaryIO, ChunkStream(_chunks(content))), packed_size=stored)
        except Unreadable as stop:
            yield Unread(location, stop.reason, member.size)
            return
        except (tarfile.TarError, ValueError, OverflowError):
            yield Unread(location, Reason.DAMAGED, member.size)
            return
        with copy:
            size, opener = views(copy)
            yield Blob(location, size, opener)


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    while chunk := content.read(CHUNK):
        yield chunk


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    """The next member, None where `tarfile` sees the end. Raises `Unreadable(DAMAGED)` or TRUNCATED for a broken header.

    `tarfile` keeps every member it met, and moves backwards on a negative size (CVE-2025-8194): neither here.
    """
    before = archive.offset
    archive.members.clear()  # type: ignore[attr-defined]  # documented nowhere, done everywhere: members cost 1 kB each
    try:
        member = archive.next()
    except tarfile.ReadError:
        raise Unreadable(Reason.TRUNCATED) from None
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, EOFError, IndexError, KeyError, TypeError):
        raise Unreadable(Reason.DAMAGED) from None
    if member is not None and (archive.offset < before or member.size < 0):
        raise Unreadable(Reason.DAMAGED)
    return member


EXTRACTORS = (TarArchive(),)
