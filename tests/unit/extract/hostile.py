"""Hostile and broken archives, built in memory when a test asks for them."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib

_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
        archive.comment = comment
    return buffer.getvalue()


def raw_zip(
    members: list[tuple[bytes, bytes]], flags: int = 0, method: int = 0, extra: bytes = b"", made_by: int = 0, attributes: int = 0
) -> bytes:
    """A stored zip whose names are any bytes, with any flags and method in its headers."""
    body, directory = b"", b""
    for name, data in members:
        header = len(body)
        crc = zlib.crc32(data)
        body += _LOCAL.pack(b"PK\x03\x04", 20, flags, method, 0, 0x21, crc, len(data), len(data), len(name), 0) + name + data
        directory += (
            _CENTRAL.pack(
                b"PK\x01\x02",
                made_by << 8 | 20,
                20,
                flags,
                method,
                0,
                0x21,
                crc,
                len(data),
                len(data),
                len(name),
                len(extra),
                0,
                0,
                0,
                attributes << 16,
                header,
            )
            + name
            + extra
        )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + end


def bomb_zip(megabytes: int = 600, name: str = "zeros.csv") -> bytes:
    """A zip of one member of zeros; made piece by piece, so that only the packed bytes are ever held."""
    buffer = io.BytesIO()
    block = bytes(1 << 20)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(name, "w") as member:
        for _ in range(megabytes):
            member.write(block)
    return buffer.getvalue()


def quoted_overlap_bomb(files: int = 1500, kernel_bytes: int = 1 << 20) -> bytes:
    """Fifield's quoted overlap: every member's deflate stream quotes the next member's local header and runs into its data."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = packer.compress(bytes(kernel_bytes)) + packer.flush()
    names = [b"%05d.csv" % index for index in range(files)]
    body = b""
    content = bytes(kernel_bytes)
    crc, size = zlib.crc32(content), kernel_bytes
    parts: list[bytes] = []
    entries: list[tuple[bytes, int, int, int]] = []
    following = kernel
    tail_length = len(kernel)
    quoted_prefix = b""
    for index in reversed(range(files)):
        quote = b""
        if parts:
            quoted_prefix = parts[-1]
            quote = struct.pack("<BHH", 0, len(quoted_prefix), len(quoted_prefix) ^ 0xFFFF)
            crc = zlib.crc32(b"")  # any reader that checks it is too late
            size += len(quoted_prefix)
            tail_length += len(quote) + len(quoted_prefix)
        header = _LOCAL.pack(b"PK\x03\x04", 20, 0, 8, 0, 0x21, crc, tail_length, size & 0xFFFFFFFF, len(names[index]), 0) + names[index]
        following = quote + (following if not parts else parts[-1] + following)
        parts.append(header)
        entries.append((names[index], tail_length, size, len(header)))
    body = parts[-1] + following
    directory = b""
    total = len(body)
    for name, packed, size, header_length in reversed(entries):
        offset = total - packed - header_length
        directory += (
            _CENTRAL.pack(b"PK\x01\x02", 20, 20, 0, 8, 0, 0x21, 0, packed, size & 0xFFFFFFFF, len(name), 0, 0, 0, 0, 0, offset) + name
        )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, files, files, len(directory), total, 0)
    return body + directory + end


def nested_zip(depth: int = 200, innermost: bytes = b"mail: taro@example.jp\n") -> bytes:
    data, name = innermost, "bottom.txt"
    for level in range(depth):
        data, name = zip_of({name: data}, zipfile.ZIP_STORED), f"level{level}.zip"
    return data


def traversal_zip() -> bytes:
    return raw_zip([(b"/etc/cron.d/evil", b"a"), (b"../../outside.txt", b"b"), (b"C:\\Windows\\evil.dll", b"c")])


def encrypted_zip(plain: dict[bytes, bytes] | None = None) -> bytes:
    """One member whose header says that it is encrypted (its bytes are noise), and `plain` ones beside it."""
    if not plain:
        return raw_zip([("名簿.csv".encode("cp932"), bytes(range(64)))], flags=1)
    both = bytearray(raw_zip([(b"secret.csv", bytes(range(64))), *plain.items()]))
    both[6] |= 1
    both[both.find(b"PK\x01\x02") + 8] |= 1
    return bytes(both)


def tar_of(members: dict[str, bytes], mode: str = "w", fmt: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=fmt) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_with_specials() -> bytes:
    """A file, a symbolic link out of the archive, a hard link, a FIFO and a device."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"hello"))
        for name, kind, target in (
            ("link", tarfile.SYMTYPE, "/etc/passwd"),
            ("hard", tarfile.LNKTYPE, "a.txt"),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("disk", tarfile.BLKTYPE, ""),
            ("tty", tarfile.CHRTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return buffer.getvalue()


def sparse_tar(claimed: int, data: bytes = b"taro@example.jp\n") -> bytes:
    """A GNU (pax 1.0) sparse member of `claimed` bytes of which only the first few are stored."""
    sparse_map = b"1\n0\n%d\n" % len(data)
    stored = sparse_map.ljust(512, b"\0") + data
    info = tarfile.TarInfo("GNUSparseFile.0/holes.csv")
    info.size = len(stored)
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "holes.csv",
        "GNU.sparse.realsize": str(claimed),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(stored))
    return buffer.getvalue()
