"""Reads the macros of Office documents: source code of the modules and words of the forms of a VBA project ([MS-OVBA])."""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from scanner.extract import charset, sniff
from scanner.extract.prose import pieces
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Unreadable

_CODE_PAGE, _VERSION, _STREAM_NAME, _STREAM_NAME_UNICODE, _OFFSET, _MODULE_END = 0x03, 0x09, 0x1A, 0x32, 0x31, 0x2B
_MOST = 64 * 2**20
"""Bytes of one stream, packed or not; macros are thousands of times smaller."""
_CHUNK = 4096
_BROKEN = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, struct.error)
_WORDS = re.compile(rb"(?:[\x20-\x7e]|[\x81-\xfc][\x40-\xfc]|[\xa1-\xdf]){4,}")
_WIDE_WORDS = re.compile(rb"(?:[\x20-\x7e]\x00|[^\x00][\x30-\x9f\xff]){4,}")

_Path = tuple[str, ...]


class VbaProjects:
    """``vbaProject.bin`` of xlsm, docm and pptm. Places: "macro MODULE", "form NAME"."""

    media_types = frozenset({sniff.VBA})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        if not (yield from macros(blob, budget)):
            yield Gap(Reason.DAMAGED)


def macros(blob: Blob, budget: Budget) -> Generator[Item, None, int]:
    """Source code of every project in a compound file (an xls or doc holds one too). Returns how many projects there are.

    What was deleted from a module's compressed source but stays in its compiled code is not read.
    """
    import olefile

    found = 0
    with blob.open() as stream:
        try:
            with olefile.OleFileIO(stream) as ole:
                paths = [tuple(path) for path in ole.listdir(streams=True, storages=False)]
                for project in [path[:-1] for path in paths if [step.lower() for step in path[-2:]] == ["vba", "dir"]]:
                    found += 1
                    yield from _project(ole, project, budget)
                    yield from _forms(ole, paths, project[:-1], budget)
        except _BROKEN:
            raise Unreadable(Reason.DAMAGED) from None
    return found


@dataclass(slots=True)
class _Module:
    stream: str = ""
    offset: int | None = None


def _project(ole: Any, folder: _Path, budget: Budget) -> Iterator[Item]:
    try:
        codec, modules = _directory(decompress(_stream(ole, (*folder, "dir"))))
    except (Unreadable, UnicodeError, struct.error):
        yield Gap(Reason.DAMAGED, "macros")
        return
    for module in modules:
        place = f"macro {module.stream}"
        try:
            packed = _stream(ole, (*folder, module.stream))
            if module.offset is None or module.offset >= len(packed):
                raise Unreadable(Reason.TRUNCATED)
            source = decompress(packed[module.offset :])
        except Unreadable as fault:
            yield Gap(fault.reason, place)
            continue
        budget.spend_output(len(source))
        yield from pieces(source.decode(codec, "replace").replace("\r\n", "\n"), place, 1)


def _stream(ole: Any, path: _Path) -> bytes:
    try:
        if ole.get_size(list(path)) > _MOST:
            raise Unreadable(Reason.TOO_LARGE)
        return bytes(ole.openstream(list(path)).read())
    except _BROKEN:
        raise Unreadable(Reason.DAMAGED) from None


def _directory(data: bytes) -> tuple[str, list[_Module]]:
    """The project's code page and its modules, from the ``dir`` stream ([MS-OVBA] 2.3.4.2): records of id, size, data."""
    codec = "cp1252"
    modules: list[_Module] = []
    module = _Module()
    at = 0
    while at + 6 <= len(data):
        kind, size = struct.unpack_from("<HI", data, at)
        size = 6 if kind == _VERSION else size  # its size field says 4, for no reason known
        value = data[at + 6 : at + 6 + size]
        at += 6 + size
        if kind == _CODE_PAGE and len(value) == 2:
            codec = charset.normalise_name(f"cp{int.from_bytes(value, 'little')}") or codec
        elif kind == _STREAM_NAME:
            module.stream = value.decode(charset.codec_of(codec), "replace")
        elif kind == _STREAM_NAME_UNICODE and module.stream:
            module.stream = value.decode("utf-16-le", "replace")
        elif kind == _OFFSET and len(value) == 4:
            module.offset = int.from_bytes(value, "little")
        elif kind == _MODULE_END:
            modules.append(module)
            module = _Module()
    return charset.codec_of(codec), modules


def _forms(ole: Any, paths: list[_Path], root: _Path, budget: Budget) -> Iterator[Item]:
    """Captions, lists and texts of forms ([MS-OFORMS] streams ``f`` and ``o``), as runs of characters."""
    for path in paths:
        if path[: len(root)] != root or path[-1] not in ("f", "o") or len(path) < len(root) + 2:
            continue
        place = f"form {path[-2]}"
        try:
            data = _stream(ole, path)
        except Unreadable as fault:
            yield Gap(fault.reason, place)
            continue
        budget.spend_output(len(data))
        runs = [charset.decode(run)[0] for run in _WORDS.findall(data)]
        runs += [run.decode("utf-16-le", "replace") for run in _WIDE_WORDS.findall(data)]
        yield from pieces("\n".join(runs), place)


def decompress(data: bytes) -> bytes:
    """A compressed container ([MS-OVBA] 2.4.1). Raises `Unreadable` (DAMAGED, TRUNCATED, TOO_LARGE)."""
    if not data.startswith(b"\x01"):
        raise Unreadable(Reason.DAMAGED)
    out = bytearray()
    at = 1
    while at + 2 <= len(data):
        header = int.from_bytes(data[at : at + 2], "little")
        end = at + (header & 0xFFF) + 3
        if header >> 12 & 7 != 3:
            raise Unreadable(Reason.DAMAGED)
        if end > len(data) + 1:  # Office itself writes a last chunk one byte short
            raise Unreadable(Reason.TRUNCATED)
        if header >> 15:
            _chunk(data[at + 2 : end], out)
        else:
            out += data[at + 2 : at + 2 + _CHUNK]
        if len(out) > _MOST:
            raise Unreadable(Reason.TOO_LARGE)
        at = end
    return bytes(out)


def _chunk(data: bytes, out: bytearray) -> None:
    """One compressed chunk: flag bytes, each followed by eight literals or copies (2.4.1.3.5)."""
    start = len(out)
    at = 0
    while at < len(data):
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                return
            if not flags >> bit & 1:
                out.append(data[at])
                at += 1
            else:
                _copy(data[at : at + 2], out, start)
                at += 2
            if len(out) - start > _CHUNK:
                raise Unreadable(Reason.DAMAGED)


def _copy(token: bytes, out: bytearray, start: int) -> None:
    """A copy token: how its 16 bits divide into offset and length depends on how much of the chunk is out (2.4.1.3.19.1)."""
    here = len(out) - start
    if len(token) < 2 or not here:
        raise Unreadable(Reason.DAMAGED)
    offset_bits = max((here - 1).bit_length(), 4)
    value = int.from_bytes(token, "little")
    length = (value & (0xFFFF >> offset_bits)) + 3
    offset = (value >> (16 - offset_bits)) + 1
    if offset > here:
        raise Unreadable(Reason.DAMAGED)
    for _ in range(length):
        out.append(out[-offset])


EXTRACTORS: tuple[Extractor, ...] = (VbaProjects(),)
