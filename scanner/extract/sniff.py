"""What a blob is, from its content: magic numbers, the names inside a container, and the look of a text.

A file's name settles only what its content leaves open between kinds of text.
"""

from __future__ import annotations

import re
import struct
import zipfile
from typing import BinaryIO, Literal

from scanner.extract import charset, dialect, fixed_layout
from scanner.model import Blob

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLS = "application/vnd.ms-excel"
XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
DOC = "application/msword"
PPT = "application/vnd.ms-powerpoint"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
MSG = "application/vnd.ms-outlook"
OLE = "application/x-ole-storage"
OLE_ENCRYPTED = "application/x-ole-encrypted"
VBA = "application/vnd.ms-office.vbaproject"
RTF = "application/rtf"
PDF = "application/pdf"
SQLITE = "application/vnd.sqlite3"
PARQUET = "application/vnd.apache.parquet"
ARROW_FILE = "application/vnd.apache.arrow.file"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
ORC = "application/vnd.apache.orc"
ZIP = "application/zip"
TAR = "application/x-tar"
GZIP = "application/gzip"
BZIP2 = "application/x-bzip2"
XZ = "application/x-xz"
SEVEN_ZIP = "application/x-7z-compressed"
RAR = "application/vnd.rar"
CAB = "application/vnd.ms-cab-compressed"
LZH = "application/x-lzh-compressed"
EML = "message/rfc822"
MBOX = "application/mbox"
HTML = "text/html"
XML = "application/xml"
JSON = "application/json"
NDJSON = "application/x-ndjson"
SQL = "application/sql"
VCARD = "text/vcard"
CSV = "text/csv"
FIXED_WIDTH = "text/x-fixed-width"
PLAIN = "text/plain"
EMPTY = "application/x-empty"
OCTET_STREAM = "application/octet-stream"

PNG = "image/png"
JPEG = "image/jpeg"
GIF = "image/gif"
BMP = "image/bmp"
TIFF = "image/tiff"
WEBP = "image/webp"
HEIC = "image/heic"
ICON = "image/vnd.microsoft.icon"

ELF = "application/x-executable"
PE = "application/vnd.microsoft.portable-executable"
MACH_O = "application/x-mach-binary"
JAVA_CLASS = "application/java-vm"
WASM = "application/wasm"
PYC = "application/x-python-bytecode"

_NO_TEXT = frozenset({ELF, PE, MACH_O, JAVA_CLASS, WASM, PYC, EMPTY})
_TEXTS = frozenset({EML, MBOX, HTML, XML, JSON, NDJSON, SQL, VCARD, CSV, FIXED_WIDTH, PLAIN})
_HEAD = 1 << 16

Kind = Literal["read", "image", "no_text", "unsupported"]


def kind(media_type: str) -> Kind:
    """What to do with a type: `read` (a reader should exist), `image` (Unreadable image_only), `no_text` (holds none by its
    nature; fonts, programs, sound, film, nothing at all), `unsupported` (may hold text, and no reader knows it)."""
    if media_type.startswith("image/"):
        return "image"
    if media_type in _NO_TEXT or media_type.startswith(("audio/", "video/", "font/")):
        return "no_text"
    return "unsupported" if media_type in _UNSUPPORTED else "read"


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"SQLite format 3\x00", SQLITE),
    (0, b"PAR1", PARQUET),
    (0, b"PARE", PARQUET),
    (0, b"ARROW1\x00\x00", ARROW_FILE),
    (0, b"\x1f\x8b\x08", GZIP),
    (0, b"\xfd7zXZ\x00", XZ),
    (0, b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", RAR),
    (0, b"{\\rtf", RTF),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"\x04\x22\x4d\x18", "application/x-lz4"),
    (0, b"MSCF\x00\x00\x00\x00", CAB),
    (0, b"Obj\x01", "application/vnd.apache.avro"),
    (0, b"!BDN", "application/vnd.ms-outlook-pst"),
    (0, b"\x00\x01\x00\x00Standard Jet DB\x00", "application/x-msaccess"),
    (0, b"\x00\x01\x00\x00Standard ACE DB\x00", "application/x-msaccess"),
    (0, b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (0, b"II*\x00", TIFF),
    (0, b"MM\x00*", TIFF),
    (0, b"8BPS\x00\x01", "image/vnd.adobe.photoshop"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\xd7\xcd\xc6\x9a\x00\x00", "image/wmf"),
    (128, b"DICM", "application/dicom"),
    (0, b"fLaC\x00\x00\x00", "audio/flac"),
    (0, b"OggS\x00", "audio/ogg"),
    (0, b"ID3\x02\x00", "audio/mpeg"),
    (0, b"ID3\x03\x00", "audio/mpeg"),
    (0, b"ID3\x04\x00", "audio/mpeg"),
    (0, b"MThd\x00\x00\x00\x06", "audio/midi"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"OTTO\x00", "font/otf"),
    (0, b"ttcf\x00", "font/collection"),
    (0, b"wOFF\x00\x01\x00\x00", "font/woff"),
    (0, b"wOFFOTTO", "font/woff"),
    (0, b"wOF2\x00\x01\x00\x00", "font/woff2"),
    (0, b"wOF2OTTO", "font/woff2"),
    (0, b"\x7fELF", ELF),
    (0, b"\x00asm\x01\x00\x00\x00", WASM),
    (0, b"\xfe\xed\xfa\xce", MACH_O),
    (0, b"\xfe\xed\xfa\xcf", MACH_O),
    (0, b"\xce\xfa\xed\xfe", MACH_O),
    (0, b"\xcf\xfa\xed\xfe", MACH_O),
)

_UNSUPPORTED = frozenset(
    {DOC, PPT, XLSB, ODP, OLE, RTF, RAR, SEVEN_ZIP, LZH, OCTET_STREAM}
    | {media_type for _, _, media_type in _MAGIC if media_type.startswith("application/")}
    - {SQLITE, PARQUET, ARROW_FILE, GZIP, XZ, ELF, WASM, MACH_O}
)


def identify(blob: Blob) -> str:
    """The media type of a blob, decided by its content. OSError of the source passes; hostile content never raises."""
    with blob.open() as stream:
        head = charset.read(stream, _HEAD)
        if not head:
            return EMPTY
        found = _binary(head, stream, blob.size)
        if found is not None:
            return found
        if not charset.is_text(head):
            return OCTET_STREAM
    return _text(head, blob)


# --------------------------------------------------------------------------- binaries


def _binary(head: bytes, stream: BinaryIO, size: int | None) -> str | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")):
        return _zip_kind(head, stream)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_kind(stream)
    for offset, magic, media_type in _MAGIC:
        if head.startswith(magic, offset):
            return media_type
    for test in (_pdf, _lzh, _bzip2, _tar, _orc, _arrow_stream, _riff, _iso_media, _bitmap, _icon, _font, _sound, _program):
        found = test(head, stream, size)
        if found is not None:
            return found
    return None


def _pdf(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    """``%PDF-`` at the start, or within the first 1,024 bytes (ISO 32000 readers allow it) if objects follow."""
    at = head.find(b"%PDF-", 0, 1029)
    if at < 0:
        return None
    return PDF if not head[:at].strip(b"\xef\xbb\xbf\x00 \t\r\n") or b" obj" in head[at : at + 4096] else None


_LZH_METHOD = re.compile(rb"-l[hz][0-9ds]-")


def _lzh(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    return LZH if _LZH_METHOD.fullmatch(head[2:7]) and head[20:21] in (b"\0", b"\1", b"\2", b"\3") else None  # the header's level


def _bzip2(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    magic = head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
    return BZIP2 if magic else None


def _tar(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    if len(head) < 512:
        return None
    if head[257:262] == b"ustar":
        return TAR
    field = head[148:156].strip(b" \x00")
    if not re.fullmatch(rb"[0-7]{3,7}", field) or head[0] == 0:
        return None
    # The v7 format has no magic: its header's checksum is the proof.
    return TAR if sum(head[:148]) + 8 * 32 + sum(head[156:512]) == int(field, 8) else None


def _orc(head: bytes, stream: BinaryIO, _size: int | None) -> str | None:
    if not head.startswith(b"ORC"):
        return None
    end = stream.seek(0, 2)
    stream.seek(max(0, end - 256))
    return ORC if b"ORC" in charset.read(stream, 256)[-6:] or not charset.is_text(head) else None


def _arrow_stream(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    if len(head) < 16 or head[:4] != b"\xff\xff\xff\xff":
        return None
    length, root = struct.unpack_from("<iI", head, 4)
    return ARROW_STREAM if 0 < length < 1 << 26 and length % 8 == 0 and 4 <= root < 256 else None


def _riff(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    if head[:4] not in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        return None
    kinds = {b"WEBP": WEBP, b"WAVE": "audio/vnd.wave", b"AVI ": "video/vnd.avi", b"AIFF": "audio/aiff", b"AIFC": "audio/aiff"}
    return kinds.get(head[8:12])


def _iso_media(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"):
        return HEIC
    if brand in (b"avif", b"avis"):
        return "image/avif"
    return "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"


def _bitmap(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    if len(head) < 26 or head[:2] != b"BM":
        return None
    info = int.from_bytes(head[14:18], "little")
    return BMP if head[6:10] == bytes(4) and info in (12, 40, 52, 56, 64, 108, 124) else None


def _icon(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    if head[:4] not in (b"\x00\x00\x01\x00", b"\x00\x00\x02\x00") or len(head) < 22:
        return None
    count = int.from_bytes(head[4:6], "little")
    offset = int.from_bytes(head[18:22], "little")
    return ICON if 0 < count < 256 and head[9] == 0 and offset == 6 + 16 * count else None


def _font(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    if head[:4] not in (b"\x00\x01\x00\x00", b"true") or len(head) < 28:
        return None
    tables = int.from_bytes(head[4:6], "big")
    names = {b"cmap", b"glyf", b"head", b"GDEF", b"GPOS", b"GSUB", b"OS/2", b"BASE", b"DSIG", b"EBDT", b"FFTM", b"LTSH", b"VDMX", b"avar"}
    return "font/ttf" if 0 < tables < 128 and head[12:16] in names else None


def _sound(head: bytes, _stream: BinaryIO, _size: int | None) -> str | None:
    """MPEG audio without tags: two frames in a row, each where the one before says; film in MPEG-TS packets."""
    if head[:1] == b"\x47" and len(head) > 188 * 4 and all(head[188 * at] == 0x47 for at in range(5)) and not charset.is_text(head):
        return "video/mp2t"
    length = _mpeg_frame(head)
    return "audio/mpeg" if length and _mpeg_frame(head[length : length + 4]) else None


_MPEG1_LAYER3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def _mpeg_frame(head: bytes) -> int:
    """Length of an MPEG-1 layer III frame, 0 if it is none (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xFE != 0xFA:
        return 0
    rate, frequency = head[2] >> 4, head[2] >> 2 & 3
    if rate in (0, 15) or frequency == 3:
        return 0
    return 144_000 * _MPEG1_LAYER3[rate] // (44_100, 48_000, 32_000)[frequency] + (head[2] >> 1 & 1)


def _program(head: bytes, stream: BinaryIO, _size: int | None) -> str | None:
    if head[:2] == b"MZ" and len(head) >= 64:
        at = int.from_bytes(head[60:64], "little")
        if head[at : at + 4] == b"PE\x00\x00":
            return _carried(head, at, stream) or PE
        if not charset.is_text(head) and head[at : at + 2] in (b"NE", b"LE", b"LX"):
            return PE
    if head[:4] == b"\xca\xfe\xba\xbe" and len(head) >= 10:
        # Class files and fat Mach-O share a magic; a class file's major version is 45 or more, architectures are few.
        return JAVA_CLASS if int.from_bytes(head[6:8], "big") >= 45 else MACH_O
    if head[2:4] == b"\r\n" and len(head) >= 17 and head[16:17] in b"\xe3\x63" and not charset.is_text(head[:64] * 8):
        return PYC
    return None


_CARRIED = ((b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP), (b"Rar!\x1a\x07", RAR), (b"MSCF\x00\x00\x00\x00", CAB))
_CARRIED_WITHIN = 1 << 16


def _carried(head: bytes, at: int, stream: BinaryIO) -> str | None:
    """The archive behind a self-extracting program, which is a file of its own: a program holds no text, an archive does.

    A zip shows at the file's end, others where the last section of the program (PE/COFF, 3 and 4) ends."""
    if _central_entries(stream):
        return ZIP
    sections, optional = struct.unpack_from("<H12xH", head.ljust(at + 24, b"\0"), at + 6)
    end = 0
    for section in range(min(sections, 96)):
        row = head[at + 24 + optional + 40 * section :][:40]
        if len(row) == 40:
            end = max(end, sum(struct.unpack_from("<II", row, 16)))
    if not end:
        return None
    stream.seek(end)
    behind = charset.read(stream, _CARRIED_WITHIN)
    if _LZH_METHOD.search(behind):
        return LZH
    return next((media_type for magic, media_type in _CARRIED if magic in behind), None)


# --------------------------------------------------------------------------- containers with names inside

_MAIN_PARTS = (
    (b"spreadsheetml.sheet.main", XLSX),
    (b"spreadsheetml.template.main", XLSX),
    (b"ms-excel.sheet.macroenabled.main", XLSX),
    (b"ms-excel.template.macroenabled.main", XLSX),
    (b"ms-excel.addin.macroenabled.main", XLSX),
    (b"ms-excel.sheet.binary.macroenabled.main", XLSB),
    (b"wordprocessingml.document.main", DOCX),
    (b"wordprocessingml.template.main", DOCX),
    (b"ms-word.document.macroenabled.main", DOCX),
    (b"ms-word.template.macroenabledtemplate.main", DOCX),
    (b"presentationml.presentation.main", PPTX),
    (b"presentationml.slideshow.main", PPTX),
    (b"presentationml.template.main", PPTX),
    (b"ms-powerpoint.presentation.macroenabled.main", PPTX),
    (b"ms-powerpoint.slideshow.macroenabled.main", PPTX),
)
_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.spreadsheet": ODS,
    b"application/vnd.oasis.opendocument.spreadsheet-template": ODS,
    b"application/vnd.oasis.opendocument.text": ODT,
    b"application/vnd.oasis.opendocument.text-template": ODT,
    b"application/vnd.oasis.opendocument.text-master": ODT,
    b"application/vnd.oasis.opendocument.presentation": ODP,
    b"application/vnd.oasis.opendocument.presentation-template": ODP,
}
_MAX_OFFICE_MEMBERS = 100_000
_FOLDERS = ((b"xl/", XLSX), (b"word/", DOCX), (b"ppt/", PPTX))


def _zip_kind(head: bytes, stream: BinaryIO) -> str:
    """OOXML by the main part its content types declare, OpenDocument by its `mimetype` member, else a plain zip."""
    local = _open_document_head(head)
    if local is not None:
        return local
    if _central_entries(stream) > _MAX_OFFICE_MEMBERS:
        return ZIP
    try:
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            return _office_kind(archive)
    # zipfile raises nearly anything on hostile bytes (its own errors, struct's, zlib's, Unicode, Overflow, Recursion).
    except Exception:  # the local headers still tell what the broken file meant to be
        return _zip_kind_by_headers(head)


def _office_kind(archive: zipfile.ZipFile) -> str:
    names = archive.NameToInfo
    if "mimetype" in names:
        with archive.open("mimetype") as member:
            return _OPEN_DOCUMENT.get(member.read(256).strip(), ZIP)
    if "[Content_Types].xml" not in names:
        return ZIP
    with archive.open("[Content_Types].xml") as member:
        declared = member.read(1 << 20).replace(b"\x00", b"").lower()
    return next((media_type for part, media_type in _MAIN_PARTS if part in declared), ZIP)


def _open_document_head(head: bytes) -> str | None:
    """The `mimetype` member stands first and stored (OpenDocument 1.3 part 2, 3.3), so a cut file still tells."""
    if head[26:28] != b"\x08\x00" or head[30:38] != b"mimetype" or head[8:10] != b"\x00\x00":
        return None
    start = 38 + int.from_bytes(head[28:30], "little")
    found = re.match(rb"application/vnd\.oasis\.opendocument\.[a-z-]+", head[start : start + 128])
    return _OPEN_DOCUMENT.get(found.group().removesuffix(b"PK")) if found else None


def _central_entries(stream: BinaryIO) -> int:
    """How many entries the end record claims, so that a directory of millions is not read for a guess."""
    end = stream.seek(0, 2)
    stream.seek(max(0, end - 66_000))
    tail = charset.read(stream, 66_000)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return 0
    entries, size = struct.unpack_from("<HI", tail, at + 10)
    return int(max(entries, size // 46)) if size < 0xFFFFFFFF else _MAX_OFFICE_MEMBERS + 1


def _zip_kind_by_headers(head: bytes) -> str:
    if b"[Content_Types].xml" not in head:
        return ZIP
    names = re.findall(rb"PK\x03\x04.{22}(?:.{4})([!-~]{1,200})", head, re.DOTALL)
    return next((media_type for folder, media_type in _FOLDERS if any(name.startswith(folder) for name in names)), ZIP)


def _ole_kind(stream: BinaryIO) -> str:
    import olefile

    try:
        stream.seek(0)
        with olefile.OleFileIO(stream) as storage:
            names = {"/".join(path).lower() for path in storage.listdir(streams=True, storages=True)}
    except Exception:  # olefile raises nearly anything on hostile bytes; the directory's names are still to be seen
        return _ole_kind_by_names(stream)
    return _ole_type(names)


def _ole_type(names: set[str]) -> str:
    if "encryptedpackage" in names:
        return OLE_ENCRYPTED
    if "__properties_version1.0" in names:
        return MSG
    if names & {"workbook", "book"}:
        return XLS
    if "worddocument" in names:
        return DOC
    if "powerpoint document" in names:
        return PPT
    return VBA if "vba/dir" in names else OLE


def _ole_kind_by_names(stream: BinaryIO) -> str:
    stream.seek(0)
    head = charset.read(stream, 1 << 20)
    known = ("EncryptedPackage", "__properties_version1.0", "Workbook", "Book", "WordDocument", "PowerPoint Document")
    return _ole_type({name.lower() for name in known if (name + "\x00").encode("utf-16-le") in head})


# --------------------------------------------------------------------------- texts


def _text(head: bytes, blob: Blob) -> str:
    whole = len(head) < _HEAD
    found = charset.guess(head, blob.declared_charset, whole)
    text = charset.decode_head(head, found)
    suffix = blob.location.name.rsplit(".", 1)[-1].lower() if "." in blob.location.name else ""
    stripped = text.lstrip("\ufeff \t\r\n\x0c\x00")
    if not stripped:
        return PLAIN
    for test in (_vcard, _markup, _mail, _json, _sql):
        media_type = test(stripped, whole, suffix)
        if media_type is not None:
            return media_type
    fixed_name = suffix in ("fwf", "prn", "fix", "fixed")
    body = head[found.bom :]
    if fixed_name and fixed_layout.detect(body, found.encoding, whole, named=True):
        return FIXED_WIDTH
    table = dialect.detect(text, whole, suffix)
    if table is not None and table.columns == 1 and fixed_layout.detect(body, found.encoding, whole):
        return FIXED_WIDTH
    if table is not None and (table.header is not None or suffix not in _SOURCE):
        return CSV
    return FIXED_WIDTH if suffix not in _SOURCE and fixed_layout.detect(body, found.encoding, whole) else PLAIN


_SOURCE = frozenset(
    {"py", "c", "h", "cpp", "java", "js", "ts", "go", "rs", "rb", "pl", "sh", "md", "rst", "tex", "yaml", "yml", "toml", "ini", "cfg"}
)
_HTML_START = re.compile(
    r"(?is)(?:<!--.*?-->\s*|<\?xml[^>]*\?>\s*)*(?:<!doctype\s+html\b|<html\b)"
    r"|(?:<!--.*?-->\s*)*<(?:head|body|title|meta|script|style|table|div|p|h[1-6]|ul|ol|font|center|form|iframe|span|br|a)\b[^<]{0,2000}>"
)
_XML_START = re.compile(r"(?s)(?:<!--.*?-->\s*)*(?:<\?xml\s|<!DOCTYPE\s|<([A-Za-z_][\w.:-]*)(?:\s[^<]*)?/?>)")


def _vcard(text: str, _whole: bool, _suffix: str) -> str | None:
    return VCARD if re.match(r"(?i)BEGIN:VCARD[ \t]*[\r\n]", text) else None


def _markup(text: str, whole: bool, suffix: str) -> str | None:
    if not text.startswith("<"):
        return None
    if _HTML_START.match(text[:8192]):
        return HTML
    found = _XML_START.match(text)
    if found is None:
        return XML if suffix == "xml" else None
    if found.group(1) is None:
        return XML
    # A tag alone may be a placeholder ("<name> wrote:"): XML closes it, or shows further tags.
    closed = f"</{found.group(1)}>" in text or found.group().endswith("/>")
    return XML if closed or (not whole and len(re.findall(r"<[/A-Za-z_][^<>]*>", text)) > 4) else None


_HEADER_LINE = re.compile(r"[!-9;-~]{1,76}:(?:[ \t].*|$)|[ \t]+\S.*")
_MAIL_HEADERS = frozenset(
    {"from", "to", "cc", "subject", "date", "received", "message-id", "return-path", "mime-version", "delivered-to", "reply-to"}
    | {"sender", "x-mailer", "content-type", "envelope-to"}
)
_STRONG_HEADERS = frozenset({"from", "received", "message-id", "return-path", "mime-version", "delivered-to", "date"})


def _mail(text: str, _whole: bool, _suffix: str) -> str | None:
    if re.match(r"From \S+.*\d\d:\d\d(?::\d\d)?.*\r?\n(?:>?[!-9;-~]+:|\s*\n)", text):
        return MBOX
    names: list[str] = []
    for line in text[: 1 << 15].split("\n")[:400]:
        line = line.rstrip("\r")
        if not line:
            break
        if not _HEADER_LINE.fullmatch(line) or (not names and line[0] in " \t"):
            return None
        if line[0] not in " \t":
            names.append(line.split(":", 1)[0].lower())
    known = _MAIL_HEADERS.intersection(names)
    return EML if len(known) >= 3 and known & _STRONG_HEADERS and len(known) * 3 >= len(set(names)) else None


_JSON_TOKEN = re.compile(
    r'\s*(?:("(?:[^"\\\x00-\x1f]|\\.)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN)|([\[{])|([\]}])|(,)|(:))'
)

_JSON_PARTS = ("string", "value", "open", "close", "comma", "colon")


def _json(text: str, whole: bool, suffix: str) -> str | None:
    if text[0] not in "{[":
        return None
    lines = [line.strip() for line in text.split("\n")[:50] if line.strip()]
    if not whole and len(lines) > 1 and len(lines) < 50:
        lines.pop()
    each = sum(line[0] in "{[" and line[-1] in "}]" and _json_tokens(line, 60) for line in lines)
    if len(lines) > 1 and _balanced(lines[0]) and each * 2 > len(lines) and each > 1:
        return NDJSON
    if suffix in ("jsonl", "ndjson") and each:
        return NDJSON
    if _json_tokens(text, 400):
        return JSON
    return JSON if suffix in ("json", "geojson") and re.match(r'[\[{]\s*["\[{]', text) else None


def _balanced(line: str) -> bool:
    """Whether a line is a whole JSON value by its brackets (strings set aside)."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
    return bare.count("{") == bare.count("}") and bare.count("[") == bare.count("]")


def _json_tokens(text: str, limit: int) -> bool:
    """Whether the first tokens follow each other as JSON's grammar has it; a text cut short is no fault."""
    at, before, depth = 0, "", 0
    for _ in range(limit):
        found = _JSON_TOKEN.match(text, at)
        if found is None:
            rest = text[at:].strip()
            return depth > 0 and (not rest or (len(text) > 200 and rest.startswith('"') and '"' not in rest[1:].replace('\\"', "")))
        which = _JSON_PARTS[(found.lastindex or 1) - 1]
        if which in ("string", "value", "open") and before in ("string", "value", "close"):
            return False
        if (which == "colon" and before != "string") or (which == "comma" and before in ("open", "comma", "colon")):
            return False
        if which == "value" and before == "open" and text[: found.start(2)].rstrip().endswith("{"):
            return False
        depth += (which == "open") - (which == "close")
        at, before = found.end(), which
        if depth == 0:
            return not text[at:].strip() or len(text[at:].strip()) < 3 or text[at:].lstrip()[0] in "{["
    return True


_SQL_COMMENT = re.compile(r"(?s)(?:[\s;]+|--[^\n]*\n?|/\*.*?(?:\*/|\Z)|#[^\n]*\n?)*")
_SQL_FIRST = re.compile(
    r"(?i)(?:SET|INSERT|CREATE|DROP|USE|BEGIN|START|COPY|ALTER|LOCK|SELECT|GO|PRINT|EXEC(?:UTE)?|DELETE|TRUNCATE|UPDATE|REPLACE|MERGE|PROMPT|REM|WHENEVER|DEFINE|DECLARE|IF|GRANT|COMMENT|COMMIT|WITH|UNLOCK|PRAGMA|ANALYZE|\\\w+)(?![\w,:=.])"
)
_SQL_STATEMENT = re.compile(
    r"""(?imx)^\s*(?:
        INSERT \s+ (?:(?:LOW_PRIORITY|DELAYED|IGNORE|OVERWRITE|OR\s+\w+)\s+)* INTO \s
          [^;]{0,4000}? (?:\bVALUES?\b|\bSELECT\b|\))
      | INSERT \s+ [\w."`\[\]]+ \s* (?:\( [^()]* \) \s*)? VALUES? \b
      | INSERT \s+ ALL \b
      | REPLACE \s+ INTO \s
      | CREATE \s+ (?:(?:OR\s+REPLACE|GLOBAL|TEMPORARY|TEMP|UNLOGGED)\s+)* TABLE \s
      | COPY \s+ \S+ .{0,4000} FROM \s+ stdin
      | SET \s+ IDENTITY_INSERT \s
      | ALTER \s+ TABLE \s
      | DROP \s+ TABLE \s
      | PRAGMA \s+ foreign_keys )"""
)


def _sql(text: str, _whole: bool, suffix: str) -> str | None:
    start = _SQL_COMMENT.match(text)
    first = start.end() if start else 0
    if first >= len(text):
        return SQL if suffix == "sql" or re.match(r"-- (?:MySQL|MariaDB|PostgreSQL) ", text) else None
    if not _SQL_FIRST.match(text, first):
        return SQL if suffix == "sql" and _SQL_STATEMENT.search(text, first) else None
    return SQL if suffix == "sql" or _SQL_STATEMENT.search(text, first) else None
