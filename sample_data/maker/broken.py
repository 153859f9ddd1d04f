"""Files that cannot be read, or not wholly, and bombs: a scan must say so of every one, and live."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

from .compound_file import compound_file
from .office import canvas, workbook
from .packing import STAMP, gzipped, zipped
from .people import PEOPLE
from .share import Made
from .tables import HEADER, delimited, person_rows

TABLE = delimited(HEADER, person_rows()).encode()
WORKBOOK = ("openpyxl", "zlib")


def made() -> Iterator[Made]:
    yield _broken("encrypted.zip", _encrypted_zip(), "encrypted", made_with=("zlib",))
    package = {"EncryptionInfo": b"\x04\0\x04\0\x40\0\0\0<encryption/>", "EncryptedPackage": struct.pack("<Q", 5000) + _noise(5000)}
    yield _broken("encrypted.xlsx", compound_file(package), "encrypted")
    yield _broken("encrypted.pdf", _encrypted_pdf(), "encrypted", made_with=("reportlab", "zlib"))

    sheet = workbook({"名簿": [list(HEADER), *(person_rows() * 40)]})
    yield _broken("truncated.xlsx", sheet[: len(sheet) // 2], "truncated", "partial", verdict="stray", made_with=WORKBOOK)
    yield _broken("truncated.pdf", _pdf()[:900], "truncated", made_with=("reportlab", "zlib"))
    data = zipped({"list.csv": TABLE * 20})
    yield _broken("truncated.zip", data[: len(data) // 2], "truncated", "partial", verdict="stray", made_with=("zlib",))
    data = gzipped(TABLE * 20)
    yield _broken("truncated.csv.gz", data[: len(data) // 2], "truncated", "partial", verdict="stray", made_with=("zlib",))

    yield _broken("noise.xlsx", b"PK\x03\x04" + _noise(3000), "truncated")
    yield _broken("noise.pdf", b"%PDF-1.7\n" + _noise(3000), "truncated")
    yield _broken("noise.gz", b"\x1f\x8b\x08\0" + _noise(3000), "damaged")
    yield _broken("noise.sqlite", b"SQLite format 3\0" + _noise(3000), "damaged")
    yield _broken("noise.parquet", b"PAR1" + _noise(3000) + b"PAR1", "damaged")
    yield _broken("legacy.doc", compound_file({"WordDocument": _noise(4096), "1Table": _noise(4096)}), "unknown_format", "unsupported")
    yield _broken("unknown.bin", b"\x93\x01\xfe" + _noise(3000), "unknown_format", "unsupported")

    yield _broken("photo.png", _png(), "image_only", made_with=("zlib",))
    yield _broken("scanned.pdf", _scanned_pdf(), "image_only", made_with=("reportlab", "pillow", "zlib"))

    yield _broken("zeros.zip", _zeros(600), "member_unread", "partial", made_with=("zlib",))
    yield _broken("overlap.zip", _overlap_bomb(24, 112 << 20), "member_unread", "partial", made_with=("zlib",))
    yield _broken("deep.zip", _deep(200), "member_unread", "partial")
    yield _broken("laughs.xml", _laughs(), "ratio", "partial")
    yield _broken("xxe.xml", XXE, "remote_reference", "partial")
    yield _broken("tags.xml", b'<?xml version="1.0"?>\n' + b"<n>" * 200_000, "too_deep", "partial")


def _broken(
    name: str, data: bytes, reason: str, status: str = "unreadable", verdict: str = "unread", made_with: tuple[str, ...] = ()
) -> Made:
    return Made(f"broken/{name}", data, status=status, reason=reason, verdict=verdict, made_with=made_with)


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


# --------------------------------------------------------------------------- encrypted


def _encrypted_zip() -> bytes:
    """Traditional PKWARE encryption (APPNOTE 6.3.10, 6.1); the password is "sample"."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(TABLE) + packer.flush()
    check = zlib.crc32(TABLE)
    data = _zip_crypto(_noise(11) + bytes([check >> 24]) + packed, b"sample")
    return _raw_zip([(b"list.csv", data, check, len(TABLE))], flags=1, method=8)


def _zip_crypto(data: bytes, password: bytes) -> bytes:
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = _crc_step(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134_775_813 + 1) & 0xFFFFFFFF
        keys[2] = _crc_step(keys[2], keys[1] >> 24)

    for byte in password:
        update(byte)
    out = bytearray()
    for byte in data:
        low = keys[2] & 0xFFFF | 2
        out.append(byte ^ (low * (low ^ 1) >> 8 & 0xFF))
        update(byte)
    return bytes(out)


def _crc_step(crc: int, byte: int) -> int:
    crc ^= byte
    for _ in range(8):
        crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc


def _raw_zip(members: list[tuple[bytes, bytes, int, int]], flags: int, method: int) -> bytes:
    """A zip of (name, packed bytes, checksum, size) as they are given."""
    body, directory = b"", b""
    for name, data, check, size in members:
        offset = len(body)
        shared = struct.pack("<5H3L2H", 20, flags, method, 0, 0x5C81, check, len(data), size, len(name), 0)
        body += b"PK\x03\x04" + shared + name + data
        directory += b"PK\x01\x02\x14\x00" + shared + struct.pack("<3H2L", 0, 0, 0, 0, offset) + name
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + end


def _encrypted_pdf() -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption

    page, buffer = canvas(encrypt=StandardEncryption("sample", ownerPassword="sample-owner"))
    page.drawString(72, 760, "For your eyes only")
    page.save()
    return buffer.getvalue()


# --------------------------------------------------------------------------- pictures and cut files


def _pdf() -> bytes:
    page, buffer = canvas()
    for at in range(40):
        page.drawString(72, 780 - 18 * at, f"Line {at} of the catalogue")
    page.save()
    return buffer.getvalue()


def _png(side: int = 48) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((x * y) % 256 for x in range(side)) for y in range(side))
    head = struct.pack(">LLBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _scanned_pdf() -> bytes:
    from reportlab.lib.utils import ImageReader

    page, buffer = canvas()
    page.drawImage(ImageReader(io.BytesIO(_png(200))), 50, 50, 500, 700)
    page.save()
    return buffer.getvalue()


# --------------------------------------------------------------------------- bombs


def _zeros(megabytes: int) -> bytes:
    """600 MB of zeros in 600 kB."""
    buffer = io.BytesIO()
    info = zipfile.ZipInfo("zeros.csv", STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", compresslevel=9) as archive, archive.open(info, "w", force_zip64=True) as member:
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return buffer.getvalue()


def _overlap_bomb(files: int, kernel_size: int) -> bytes:
    """Every member quotes the header of the next and runs on into it, so that all share the same packed zeros (Fifield, WOOT 2019)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    tail = packer.compress(bytes(kernel_size)) + packer.flush()
    size = kernel_size
    entries: list[tuple[bytes, int, int, int]] = []
    for at in reversed(range(files)):
        name = b"%05d.csv" % at
        packed = len(tail)
        header = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0x5C81, 0, packed, size, len(name), 0) + name
        entries.append((name, packed, size, len(header)))
        if at:
            tail = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF) + header + tail
            size += len(header)
        else:
            tail = header + tail
    directory = b""
    for name, packed, size, header_size in reversed(entries):
        offset = len(tail) - packed - header_size
        head = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0x5C81, 0, packed, size, len(name), 0, 0, 0, 0, 0, offset)
        directory += head + name
    return tail + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, files, files, len(directory), len(tail), 0)


def _deep(levels: int) -> bytes:
    """A zip in a zip in a zip; stored, so that it stays small."""
    name, data = b"bottom.txt", f"{PEOPLE[0].name} {PEOPLE[0].mobile}\n".encode()
    for level in range(levels):
        data = _raw_zip([(name, data, zlib.crc32(data), len(data))], flags=0, method=0)
        name = b"%d.zip" % level
    return data


def _laughs() -> bytes:
    lines = ['<?xml version="1.0"?>', "<!DOCTYPE lolz [", '<!ENTITY lol0 "lol">']
    lines += [f'<!ENTITY lol{at} "{f"&lol{at - 1};" * 10}">' for at in range(1, 10)]
    return "\n".join([*lines, "]>", "<lolz>&lol9;</lolz>", ""]).encode()


XXE = b"""<?xml version="1.0"?>
<!DOCTYPE note [<!ENTITY outside SYSTEM "file:///etc/hostname"><!ENTITY web SYSTEM "http://collector.example/x">]>
<note>&outside;&web;</note>
"""
