"""ZIP archives of any size and make, read by their directory, or by their local headers where the directory is lost.

Not `zipfile`: that holds every entry of the directory in memory (1 kB each), has no overlap check before Python 3.11.8, and gives up on an
archive whose directory is gone. Format: PKWARE APPNOTE.TXT 6.3.10; overlap bombs: Fifield, "A better zip bomb" (WOOT 2019).
"""

from __future__ import annotations

import bz2
import lzma
import stat
import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from scanner.extract.budget import CHUNK, open_slice, stream_size, views
from scanner.extract.compressed import LZMA_MEMORY, Decompressor, Inflate, Unpacker
from scanner.extract.member_names import Steps, japanese_name, shown
from scanner.model import Blob, Budget, Gap, Item, Location, Reason, Status, Text, Unread, Unreadable

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_LOCAL_MAGIC = b"PK\x03\x04"
_CENTRAL_MAGIC = b"PK\x01\x02"
_END_MAGIC = b"PK\x05\x06"
_END64_MAGIC = b"PK\x06\x06"
_LOCATOR64_MAGIC = b"PK\x06\x07"
_DESCRIPTOR_MAGIC = b"PK\x07\x08"

_ENCRYPTED = 0x1
_DESCRIPTOR = 0x8  # sizes follow the data
_STRONG = 0x40
_UTF8 = 0x800
_MASKED = 0x2000  # the directory itself is encrypted
_STORED, _DEFLATED, _BZIP2, _LZMA, _XZ, _AES = 0, 8, 12, 14, 95, 99
_UNIX = 3


@dataclass(frozen=True, slots=True)
class _Entry:
    """One member as a header tells it; sizes are claims."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int  # offset of the local header in the stream
    mode: int = 0

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & (_ENCRYPTED | _STRONG | _MASKED)) or self.method == _AES

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/") and self.packed == 0


@dataclass(frozen=True, slots=True)
class _Directory:
    start: int
    size: int
    shift: int  # bytes put before the archive (a self-extractor's program)
    comment: bytes
    followed: bool  # by bytes that belong to no member: a damaged end, or an outer archive that lost its directory


class ZipArchive:
    """Reader of zip files: one member per entry; names are names only, nothing is ever written to a path."""

    media_types = frozenset({"application/zip"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as stream:
            size = stream_size(stream)
            directory = _find_directory(stream, size)
            if directory is None:
                yield from _Recovery(stream, size, blob.location, budget).items()
                return
            if directory.comment:
                yield Text(japanese_name(directory.comment), place="properties", first_line=None)
            yield from _Reading(stream, size, directory, blob.location, budget).items()


# --------------------------------------------------------------------------- the directory


def _find_directory(stream: BinaryIO, size: int) -> _Directory | None:
    """The end record, and the directory it points to; None if there is none where it should be."""
    tail_start = max(0, size - _END.size - 65_535)
    stream.seek(tail_start)
    tail = stream.read(size - tail_start)
    at = len(tail)
    while (at := tail.rfind(_END_MAGIC, 0, at)) >= 0:
        directory = _directory_at(stream, tail, at, tail_start)
        if directory is not None:
            return directory
    return None


def _directory_at(stream: BinaryIO, tail: bytes, at: int, tail_start: int) -> _Directory | None:
    if len(tail) - at < _END.size:
        return None
    _, _, _, _, count, length, offset, comment_length = _END.unpack_from(tail, at)
    comment = tail[at + _END.size : at + _END.size + comment_length]
    end = tail_start + at
    if 0xFFFFFFFF in (length, offset) or count == 0xFFFF:
        wide = _end64(stream, end)
        if wide is not None:
            length, offset, end = wide
    start = end - length
    if start < 0 or (length and not _starts_with(stream, start, _CENTRAL_MAGIC)):
        return None
    followed = bool(tail[at + _END.size + comment_length :].strip(b"\0"))
    return _Directory(start, length, max(0, start - offset), comment, followed)


def _end64(stream: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """(directory length, its offset, where it ends) of a zip64 end record, None if there is none."""
    if end < _LOCATOR64.size:
        return None
    stream.seek(end - _LOCATOR64.size)
    magic, _, claimed, _ = _LOCATOR64.unpack(stream.read(_LOCATOR64.size))
    if magic != _LOCATOR64_MAGIC:
        return None
    for position in (claimed, end - _LOCATOR64.size - _END64.size):
        if 0 <= position < end and _starts_with(stream, position, _END64_MAGIC):
            stream.seek(position)
            record = stream.read(_END64.size)
            if len(record) == _END64.size:
                *_, length, offset = _END64.unpack(record)
                return length, offset, position
    return None


def _starts_with(stream: BinaryIO, position: int, magic: bytes) -> bool:
    stream.seek(position)
    return stream.read(len(magic)) == magic


def _entries(stream: BinaryIO, directory: _Directory) -> Iterator[_Entry]:
    """The directory's entries in order. Raises `Unreadable(DAMAGED)` where it makes no sense any more."""
    with open_slice(stream, directory.start, directory.size) as records:
        while record := records.read(_CENTRAL.size):
            if len(record) < _CENTRAL.size or record[:4] != _CENTRAL_MAGIC:
                raise Unreadable(Reason.DAMAGED)
            fields = _CENTRAL.unpack(record)
            _, version, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment_length, _, _, attributes, header = (
                fields
            )
            raw = records.read(name_length)
            extra = _extra_fields(records.read(extra_length))
            records.read(comment_length)
            size, packed, header = _wide_sizes(extra.get(1, b""), size, packed, header)
            mode = attributes >> 16 if version >> 8 == _UNIX else 0
            yield _Entry(_name(raw, flags, extra), flags, method, crc, packed, size, header + directory.shift, mode)


def _extra_fields(extra: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        fields.setdefault(kind, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return fields


def _wide_sizes(field: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """Zip64: each value that is all ones in the entry stands in the extra field, in this order."""
    values = [size, packed, header]
    at = 0
    for index, value in enumerate(values):
        if value == 0xFFFFFFFF and at + 8 <= len(field):
            values[index] = int.from_bytes(field[at : at + 8], "little")
            at += 8
    return values[0], values[1], values[2]


def _name(raw: bytes, flags: int, extra: dict[int, bytes]) -> str:
    """A member's name: the Unicode path field if it belongs to this name, UTF-8 if flagged, else as Japan writes it (CP932)."""
    unicode_path = extra.get(0x7075, b"")
    if len(unicode_path) > 5 and unicode_path[0] == 1 and int.from_bytes(unicode_path[1:5], "little") == zlib.crc32(raw):
        return shown(unicode_path[5:])
    return shown(raw) if flags & _UTF8 else shown(japanese_name(raw))


# --------------------------------------------------------------------------- members


class _Reading:
    """One pass over an archive that has a directory."""

    def __init__(self, stream: BinaryIO, size: int, directory: _Directory, location: Location, budget: Budget) -> None:
        self._stream = stream
        self._directory = directory
        self._members = _Members(stream, size, location, budget)
        self._location = location

    def items(self) -> Iterator[Item]:
        limits = self._data_limits()
        fault = Reason.DAMAGED if self._directory.followed or self._preceded(limits[0]) else None
        met = encrypted = 0
        entries = _entries(self._stream, self._directory)
        while True:
            try:
                entry = next(entries, None)
            except Unreadable as stop:
                fault = stop.reason
                break
            if entry is None:
                break
            if entry.is_folder:
                continue
            met += 1
            encrypted += entry.encrypted
            yield from self._members.items(entry, limits)
        if fault is not None:
            yield Gap(fault)
        if met and encrypted == met:
            raise Unreadable(Reason.ENCRYPTED)

    def _preceded(self, first: int) -> bool:
        """Whether members stand before the first that the directory knows: two archives one behind the other, the last of which counts."""
        return first > 0 and _starts_with(self._stream, 0, _LOCAL_MAGIC)

    def _data_limits(self) -> array[int]:
        """Offsets of all local headers and of the directory, sorted: a member's data must end before the next of them."""
        offsets = array("Q")
        try:
            for entry in _entries(self._stream, self._directory):
                offsets.append(entry.header)
                if len(offsets) > self._members.budget.limits.members:
                    break  # reported when the members are met
        except Unreadable:
            pass  # reported when the members are met
        offsets.append(self._directory.start)
        return array("Q", sorted(offsets))


class _Members:
    """Opens single members of a zip stream."""

    def __init__(self, stream: BinaryIO, size: int, location: Location, budget: Budget) -> None:
        self.budget = budget
        self.end = 0  # where the data of the last member read ended, as far as known
        self._stream = stream
        self._size = size
        self._location = location
        self._steps = Steps()

    def items(self, entry: _Entry, limits: array[int] | None) -> Iterator[Item]:
        """The member as a `Blob`, or an `Unread` that says why not. `limits`: None while recovering (nothing to overlap)."""
        self.budget.enter_member()
        location = self._location.inside(self._steps.unique(entry.name))
        if entry.encrypted:
            yield Unread(location, Reason.ENCRYPTED, entry.size)
        elif stat.S_ISLNK(entry.mode):
            yield Unread(location, Reason.SYMLINK, entry.size, Status.NO_TEXT)
        else:
            try:
                yield from self._content(entry, location, limits)
            except Unreadable as stop:
                yield Unread(location, stop.reason, entry.size)

    def _content(self, entry: _Entry, location: Location, limits: array[int] | None) -> Iterator[Item]:
        start = _data_start(self._stream, entry.header)
        packed = min(entry.packed, self._size - start)
        if packed < 0:
            raise Unreadable(Reason.TRUNCATED)
        cut = packed < entry.packed
        self.end = start + packed
        if limits is not None and not cut and _overlaps(entry, start + packed, limits):
            raise Unreadable(Reason.DAMAGED)
        if entry.method == _STORED:
            yield from _member(location, packed, lambda: open_slice(self._stream, start, packed), Reason.TRUNCATED if cut else None)
        else:
            yield from self._unpacked(entry, location, start, packed)

    def _unpacked(self, entry: _Entry, location: Location, start: int, packed: int) -> Iterator[Item]:
        source = open_slice(self._stream, start, packed)
        decompressor, skip = _decompressor(entry, source)
        unpacker = Unpacker(source, decompressor)
        with self.budget.spool(unpacker.stream(), packed_size=packed) as content:
            size, opener = views(content)
            fault = unpacker.fault
            if fault is None:
                self.end = start + skip + unpacker.consumed
            if fault is Reason.TRUNCATED and entry.method == _LZMA and size == entry.size:
                fault = None  # LZMA without an end marker ends by its size alone
            if fault is None and entry.size and size != entry.size:
                fault = Reason.DAMAGED
            yield from _member(location, size, opener, fault)


def _member(location: Location, size: int, opener: Callable[[], BinaryIO], fault: Reason | None) -> Iterator[Item]:
    """A member as far as it could be read, and the gap it leaves in the archive."""
    if fault is not None and size == 0:
        raise Unreadable(fault)
    yield Blob(location, size, opener, fault=fault)
    if fault is not None:
        yield Gap(fault)


def _data_start(stream: BinaryIO, header: int) -> int:
    stream.seek(header)
    record = stream.read(_LOCAL.size)
    if len(record) < _LOCAL.size:
        raise Unreadable(Reason.TRUNCATED)
    if record[:4] != _LOCAL_MAGIC:
        raise Unreadable(Reason.DAMAGED)
    name_length, extra_length = struct.unpack_from("<HH", record, 26)
    return header + _LOCAL.size + int(name_length) + int(extra_length)


def _overlaps(entry: _Entry, end: int, limits: array[int]) -> bool:
    """Whether the member's data run into the next header: the trick of bombs that quote or share one kernel of data."""
    after = bisect_right(limits, entry.header)
    shared = after >= 2 and limits[after - 2] == entry.header
    return shared or (after < len(limits) and end > limits[after])


def _decompressor(entry: _Entry, source: BinaryIO) -> tuple[Decompressor, int]:
    """What decompresses the member, and how many bytes of properties were taken from `source` before its data."""
    if entry.method == _DEFLATED:
        return Inflate(-15), 0
    if entry.method == _BZIP2:
        return bz2.BZ2Decompressor(), 0
    if entry.method == _XZ:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LZMA_MEMORY), 0
    if entry.method == _LZMA:
        return _lzma(source.read(9)), 9
    raise Unreadable(Reason.UNKNOWN_FORMAT)


def _lzma(properties: bytes) -> lzma.LZMADecompressor:
    """APPNOTE 5.8: two bytes of version, a length (5), and the LZMA1 properties themselves."""
    if len(properties) < 9 or properties[2:4] != b"\x05\0" or properties[4] >= 225:
        raise Unreadable(Reason.DAMAGED)
    dictionary = int.from_bytes(properties[5:9], "little")
    if dictionary > LZMA_MEMORY:
        raise Unreadable(Reason.MEMORY)
    rest, lc = divmod(properties[4], 9)
    pb, lp = divmod(rest, 5)
    try:
        return lzma.LZMADecompressor(
            lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": lc, "lp": lp, "pb": pb}]
        )
    except lzma.LZMAError:
        raise Unreadable(Reason.DAMAGED) from None


# --------------------------------------------------------------------------- without a directory


class _Recovery:
    """What can be read of an archive whose directory is missing: its members by their local headers, and a gap."""

    def __init__(self, stream: BinaryIO, size: int, location: Location, budget: Budget) -> None:
        self._stream = stream
        self._size = size
        self._members = _Members(stream, size, location, budget)

    def items(self) -> Iterator[Item]:
        position = 0
        met = 0
        while (header := _find(self._stream, _LOCAL_MAGIC, position)) is not None:
            entry = self._entry(header)
            position = header + 4
            if entry is None:
                continue
            if entry.is_folder and not entry.flags & _DESCRIPTOR:
                continue
            met += 1
            self._members.end = position
            yield from self._members.items(entry, None)
            position = max(position, self._members.end)
        if not met:
            raise Unreadable(Reason.TRUNCATED)
        yield Gap(Reason.TRUNCATED)

    def _entry(self, header: int) -> _Entry | None:
        self._stream.seek(header)
        record = self._stream.read(_LOCAL.size)
        if len(record) < _LOCAL.size:
            return None
        _, version, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(record)
        if version & 0xFF > 63 or not name_length:
            return None  # four bytes of somebody's data that look like a header
        raw = self._stream.read(name_length)
        extra = _extra_fields(self._stream.read(extra_length))
        size, packed, _ = _wide_sizes(extra.get(1, b""), size, packed, 0)
        entry = _Entry(_name(raw, flags, extra), flags, method, crc, packed, size, header)
        return self._sized(entry, header + _LOCAL.size + name_length + extra_length) if flags & _DESCRIPTOR and not packed else entry

    def _sized(self, entry: _Entry, start: int) -> _Entry:
        """An entry whose sizes follow its data: stored ones end at the next signature, others end by themselves."""
        if entry.method == _STORED or entry.encrypted:
            ends = [end for magic in (_DESCRIPTOR_MAGIC, _LOCAL_MAGIC) if (end := _find(self._stream, magic, start)) is not None]
            return replace(entry, packed=min(ends, default=self._size) - start)
        return replace(entry, packed=max(0, self._size - start))


def _find(stream: BinaryIO, magic: bytes, start: int) -> int | None:
    """Offset of the next `magic` at or after `start`, None if there is none."""
    base = start
    stream.seek(start)
    window = b""
    while chunk := stream.read(CHUNK):
        window += chunk
        at = window.find(magic)
        if at >= 0:
            return base + at
        keep = len(magic) - 1
        base += max(0, len(window) - keep)
        window = window[-keep:]
    return None


EXTRACTORS = (ZipArchive(),)
