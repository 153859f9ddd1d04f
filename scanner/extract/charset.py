"""Which character encoding a text is in, Japanese first, and its incremental decoding.

Order of evidence: byte order mark, ISO-2022-JP escapes, strict UTF-8, then every other candidate is decoded and its
characters are scored (kana and JIS level-1 kanji for, controls and private characters against). What could not be
decoded is counted, never dropped silently.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

HEAD_BYTES = 1 << 16
_ENOUGH = 256  # bytes that are not ASCII: a decision on fewer may be taken anew
_EVIDENCE_BYTES = 1 << 14  # scored from the first byte that is not ASCII
_REPLACEMENT = "\ufffd"
_HIGH = bytes(range(128, 256))

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16-be"),
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_NOT_ASCII_TEXT = re.compile(r"[^\x00-\x7f]+")
_ISO2022 = re.compile(rb"\x1b(?:\$[@AB]|\$\([ADOPQ]|\([BIJ])")
_ISO2022_KANJI = re.compile(rb"\x1b(?:\$[@B]|\$\([DOPQ]|\(I)")
_EUC_HALF_KANA = re.compile(rb"(?:\x8e[\xa1-\xdf]){2,}")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_ALIASES = {
    "shift_jis": "cp932",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "x_sjis": "cp932",
    "ms_kanji": "cp932",
    "windows_31j": "cp932",
    "ms932": "cp932",
    "cp932": "cp932",
    "x_euc_jp": "euc-jp",
    "eucjp": "euc-jp",
    "euc_jp": "euc-jp",
    "eucjp_ms": "euc-jp",
    "cp51932": "euc-jp",
    "iso2022jp": "iso-2022-jp",
    "iso_2022_jp": "iso-2022-jp",
    "iso_2022_jp_1": "iso-2022-jp",
    "iso_2022_jp_2": "iso-2022-jp",
    "iso_2022_jp_ms": "iso-2022-jp",
    "cp50220": "iso-2022-jp",
    "cp50221": "iso-2022-jp",
    "cp50222": "iso-2022-jp",
    "us_ascii": "utf-8",
    "ascii": "utf-8",
    "utf8": "utf-8",
    "utf_8": "utf-8",
    "iso_8859_1": "windows-1252",  # as the WHATWG Encoding Standard has it
    "latin1": "windows-1252",
    "latin_1": "windows-1252",
    "cp1252": "windows-1252",
    "windows_1252": "windows-1252",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
_REFUSED = frozenset({"unicode_escape", "raw_unicode_escape", "idna", "punycode", "mbcs", "oem", "undefined"})
_OURS = frozenset({"utf-8", "cp932", "euc-jp", "iso-2022-jp", "windows-1252", "utf-16", "utf-16-le", "utf-16-be"})
_KANA = re.compile("[ぁ-んァ-ヴ]")
_SEVEN_BIT = frozenset({"hz", "iso2022_kr", "utf-7"})


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding decided on: `encoding` is the name to record, `codec` decodes, `bom` bytes are skipped at the start."""

    encoding: str
    codec: str
    bom: int = 0
    evidence: int = 0  # bytes that are not ASCII among those looked at


# --------------------------------------------------------------------------- decoders


def _jis_to_sjis(row: int, cell: int) -> bytes:
    """A 94x94 code point (0x21-0x7E each) in Shift_JIS's packing, so that cp932 decodes NEC and IBM extensions too."""
    lead = ((row - 0x21) >> 1) + 0x81
    if lead > 0x9F:
        lead += 0x40
    trail = cell + 0x1F + (cell >= 0x60) if row & 1 else cell + 0x7E
    return bytes((lead, trail))


def _euc_extension(error: UnicodeError) -> tuple[str, int]:
    """Error handler: what JIS X 0208/0212 leaves out but NEC and IBM put into EUC-JP (CP51932), else U+FFFD."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    if len(pair) == 2 and min(pair) >= 0xA1 and max(pair) <= 0xFE:
        try:
            return _jis_to_sjis(pair[0] - 0x80, pair[1] - 0x80).decode("cp932"), error.start + 2
        except UnicodeDecodeError:
            return _REPLACEMENT, error.start + 2
    return _REPLACEMENT, max(error.end, error.start + 1)


codecs.register_error("strayscan.euc", _euc_extension)

_JIS_SPLIT = re.compile(rb"(\x1b\$[@AB]|\x1b\$\([ADOPQ]|\x1b\([BHIJ]|\x0e|\x0f|\n)")
_JIS_SETS = {
    **dict.fromkeys((b"\x1b$@", b"\x1b$B", b"\x1b$(@"), "0208"),
    **dict.fromkeys((b"\x1b$(O", b"\x1b$(Q"), "0213"),
    **dict.fromkeys((b"\x1b$A", b"\x1b$(A"), "gb"),
    **dict.fromkeys((b"\x1b(I", b"\x0e"), "kana"),
    **dict.fromkeys((b"\x1b(B", b"\x1b(J", b"\x1b(H", b"\x0f"), "ascii"),
    b"\x1b$(D": "0212",
    b"\x1b$(P": "0213-2",
}


class _Iso2022JpDecoder(codecs.IncrementalDecoder):
    """ISO-2022-JP as mail really holds it (CP50221): NEC and IBM characters, half-width kana; a line end returns to ASCII."""

    def __init__(self, errors: str = "replace") -> None:
        super().__init__(errors)
        self.reset()

    def reset(self) -> None:
        self._charset = "ascii"
        self._rest = b""

    def decode(self, input: bytes, final: bool = False) -> str:  # type: ignore[override]
        data = self._rest + bytes(input)
        self._rest = b""
        if not final:
            escape = data.rfind(b"\x1b", max(0, len(data) - 3))
            if escape >= 0 and not _JIS_SPLIT.match(data, escape):
                data, self._rest = data[:escape], data[escape:]
        out = []
        pieces = _JIS_SPLIT.split(data)
        for index, piece in enumerate(pieces):
            if index % 2:
                out.append("\n" if piece == b"\n" else "")
                self._charset = "ascii" if piece == b"\n" else _JIS_SETS[piece]
                continue
            if index == len(pieces) - 1 and not final and self._charset not in ("ascii", "kana") and len(piece) % 2:
                self._rest = piece[-1:] + self._rest
                piece = piece[:-1]
            out.append(_jis_text(piece, self._charset))
        return "".join(out)


def _jis_text(data: bytes, charset: str) -> str:
    if not data:
        return ""
    if charset == "ascii":
        return data.decode("cp932", "replace") if not data.isascii() else data.decode("ascii")
    if charset == "kana":
        return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in data).decode("cp932", "replace")
    out = []
    at = 0
    while at < len(data):
        if data[at] <= 0x20:  # a space or a line end inside kanji mode: taken as it stands
            out.append(chr(data[at]))
            at += 1
            continue
        out.append(_jis_pair(data[at : at + 2], charset))
        at += 2
    return "".join(out)


@lru_cache(maxsize=1 << 14)
def _jis_pair(pair: bytes, charset: str) -> str:
    if len(pair) < 2 or not (0x21 <= pair[0] <= 0x7E and 0x21 <= pair[1] <= 0x7E):
        return _REPLACEMENT
    high = bytes(byte | 0x80 for byte in pair)
    if charset == "0208":
        return _jis_to_sjis(*pair).decode("cp932", "replace")[:1]
    if charset == "0212":
        return (b"\x8f" + high).decode("euc_jp", "replace")[:1]
    if charset == "gb":
        return high.decode("gb18030", "replace")[:1]
    return ((b"\x8f" if charset == "0213-2" else b"") + high).decode("euc_jis_2004", "replace")


def codec_of(encoding: str) -> str:
    """The codec behind a recorded encoding name, good for `bytes.decode` (ISO-2022-JP: Python's own, without extensions)."""
    return {"utf-8-sig": "utf-8", "windows-1252": "cp1252", "latin-1": "cp1252"}.get(encoding, encoding)


def _decoder(codec: str) -> codecs.IncrementalDecoder:
    if codec == "iso-2022-jp":
        return _Iso2022JpDecoder()
    if codec == "euc-jp":
        return codecs.getincrementaldecoder("euc_jp")("strayscan.euc")
    if codec == "windows-1252":
        return codecs.getincrementaldecoder("cp1252")("replace")
    return codecs.getincrementaldecoder(codec)("replace")


def _count_undecoded(text: str, raw: bytes, codec: str) -> int:
    """U+FFFD of ours: those that the source itself holds are its own."""
    count = text.count(_REPLACEMENT)
    if count and codec == "utf-8":
        count -= min(count, raw.count(b"\xef\xbf\xbd"))
    return count


_MENDS = ("utf-8", "cp932", "euc-jp")


def mend(data: bytes, codec: str) -> tuple[str, int]:
    """`data` line by line, each in the encoding it is really in (logs and joined files mix them), and how many characters
    could not be decoded even so. `codec` is the text's own: another one counts for a line that it decodes whole."""
    texts = []
    undecoded = 0
    for line in [data] if codec.startswith(("utf-16", "utf-32")) else data.split(b"\n"):
        text = _decoder(codec).decode(line, True)
        count = _count_undecoded(text, line, codec)
        if count and codec in _NARROW:
            text = _other_line(line, codec) or text
            undecoded += _count_undecoded(text, line, codec)
        texts.append(text)
    return "\n".join(texts), undecoded


def _other_line(line: bytes, codec: str) -> str | None:
    """The line in another encoding of `_MENDS` that fits it without a fault; UTF-8 never fits by chance, Japanese must look it."""
    for other in _MENDS:
        if other == codec:
            continue
        text = _decoder(other).decode(line, True)
        if _REPLACEMENT not in text and (other == "utf-8" or _japanese_score(text) > 0.5):
            return text
    return None


# --------------------------------------------------------------------------- scoring


@lru_cache(maxsize=1)
def _level1() -> frozenset[str]:
    """JIS X 0208 level-1 kanji (rows 16 to 47): what ordinary Japanese is written in."""
    cells = (bytes((row + 0xA0, cell + 0xA0)) for row in range(16, 48) for cell in range(1, 95))
    return frozenset(cell.decode("euc_jp", "ignore") for cell in cells) - {""}


@lru_cache(maxsize=1)
def _level2() -> frozenset[str]:
    cells = (bytes((row + 0xA0, cell + 0xA0)) for row in range(48, 85) for cell in range(1, 95))
    return frozenset(cell.decode("euc_jp", "ignore") for cell in cells) - {""}


def _weight(char: str) -> float:
    code = ord(char)
    if 0x3041 <= code <= 0x309E or 0x30A1 <= code <= 0x30FE:
        return 1.0
    if 0x4E00 <= code <= 0x9FFF:
        return 0.9 if char in _level1() else 0.15 if char in _level2() else 0.1
    if code in (0x3000, 0x3001, 0x3002, 0x300C, 0x300D, 0x3005, 0xFF08, 0xFF09, 0x301C, 0xFF5E, 0x2212, 0xFF0D, 0x2010, 0xFF0F, 0xFF1A):
        return 0.8
    if 0xFF01 <= code <= 0xFF5E:
        return 0.7
    if 0xFF66 <= code <= 0xFF9F:
        return 0.4
    if (
        0x2460 <= code <= 0x2473
        or 0x2160 <= code <= 0x217B
        or 0x3231 <= code <= 0x32FF
        or 0x3300 <= code <= 0x33FF
        or 0xFA0E <= code <= 0xFA2D
    ):
        return 0.6
    if code == 0xFFFD:
        return -3.0
    if 0xE000 <= code <= 0xF8FF:
        return -0.7
    if code < 0xA0 or code >= 0xFFF0:
        return -2.0
    if 0xFF61 <= code <= 0xFF65:
        return -0.3
    return 0.0


def _japanese_score(text: str) -> float:
    """Mean weight of the characters that are not ASCII: above 0.5 is Japanese, below 0 is a wrong decoding."""
    chars = "".join(_NOT_ASCII_TEXT.findall(text))
    if not chars:
        return 0.0
    total = sum(_weight(char) * count for char, count in Counter(chars).items())
    # Half-width marks of voicing stand only after k, s, t, h: anywhere else they are another encoding's bytes.
    legal = len(re.findall("[ｶ-ﾄﾊ-ﾎｳ]ﾞ|[ﾊ-ﾎ]ﾟ", chars))
    total += 0.9 * legal - 1.5 * (chars.count("ﾞ") + chars.count("ﾟ") - legal)
    return total / len(chars)


def _try(data: bytes, codec: str, whole: bool = False) -> str:
    """Decode leniently; an incomplete character at the end of `data` is no evidence unless `data` is the `whole` text."""
    return _decoder(codec).decode(data, whole)


_LATIN_LETTERS = re.compile(r"[^\W\d_]")


def _latin_score(data: bytes) -> float:
    """How much `data` looks like Western text: lone accented letters within ASCII words, and typographic marks."""
    text = data.decode("cp1252", "replace")
    high = [match.span() for match in _NOT_ASCII_TEXT.finditer(text)]
    total = count = 0.0
    for start, end in high:
        run = text[start:end]
        before, after = text[start - 1 : start], text[end : end + 1]
        beside_letter = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
        for char in run:
            count += 1
            if char in "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüýŒœŠšŽžŸÿ":
                total += (0.85 if beside_letter else 0.2) if len(run) == 1 else 0.3 if len(run) == 2 and beside_letter else -0.5
            elif char in "‘’“”–—…•€£©®°§«»´·\xa0½¼¾²³±¿¡™":
                total += 0.6 if len(run) <= 2 else -0.3
            else:
                total -= 1.0
    return total / count if count else 0.0


def normalise_name(name: str | None) -> str | None:
    """A declared charset as one of our names, or None if it means nothing to us (or is no charset of texts)."""
    if not name:
        return None
    key = re.sub(r"[^0-9a-z]+", "_", name.strip().strip("\"'").lower()).strip("_")
    key = re.sub(r"^cs(?=[a-z])", "", key)
    if key in _ALIASES:
        return _ALIASES[key]
    try:
        info = codecs.lookup(key)
    except (LookupError, ValueError):
        return None
    if not getattr(info, "_is_text_encoding", True) or info.name.replace("-", "_") in _REFUSED:
        return None
    return _ALIASES.get(info.name.replace("-", "_"), info.name)


def _wide_guess(head: bytes) -> Guess | None:
    """UTF-16 without a mark: NULs at one parity only, or nothing but kana, kanji and ASCII when read so."""
    sample = head[: 1 << 13]
    if len(sample) < 2 or (len(head) % 2 and len(head) < HEAD_BYTES // 2):
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    ranked = ("utf-16-le", "utf-16-be") if odd >= even else ("utf-16-be", "utf-16-le")
    if max(even, odd) > 20 and min(even, odd) * 3 > max(even, odd):
        return None
    best: tuple[float, str] | None = None
    for codec in ranked:
        text = _try(sample, codec)
        plain = sum(char.isascii() and (char.isprintable() or char in "\t\r\n") for char in text)
        bad = sum(char < " " and char not in "\t\r\n\f" for char in text) + text.count(_REPLACEMENT)
        chars = len(text) - plain
        quality = (plain + max(0.0, _japanese_score(text)) * chars + _latin_share(text)) / max(1, len(text))
        if bad * 50 <= len(text) and quality > 0.6 and (best is None or quality > best[0]):
            best = quality, codec
    if best is None or (not even and not odd and best[0] < 0.75):
        return None
    return Guess(best[1], best[1], evidence=len(sample))


def _latin_share(text: str) -> float:
    return 0.7 * sum("\xc0" <= char <= "\u024f" for char in text)


def _utf8_quality(data: bytes, whole: bool) -> float:
    """Share of characters right among those not ASCII, when read as UTF-8; chance makes next to none.

    0 where faults stand beside too few right ones to be no chance."""
    text = _try(data, "utf-8", whole)
    chars = "".join(_NOT_ASCII_TEXT.findall(text))
    if not chars:
        return 1.0 if text else 0.0
    bad = chars.count(_REPLACEMENT) - min(chars.count(_REPLACEMENT), data.count(b"\xef\xbf\xbd"))
    if bad and len(chars) - bad < 4:
        return 0.0
    return 1.0 - bad / len(chars)


def guess(head: bytes, declared: str | None = None, whole: bool = False) -> Guess:
    """The encoding of a text that begins with `head`, which may end in the middle of a character unless it is the `whole`."""
    for mark, name, codec in _BOMS:
        if head.startswith(mark):
            return Guess(name, codec, bom=len(mark), evidence=len(head))
    hint = normalise_name(declared)
    first = _NOT_ASCII.search(head)
    if _ISO2022_KANJI.search(head) and (first is None or _ISO2022_KANJI.search(head).start() < first.start()):  # type: ignore[union-attr]
        return Guess("iso-2022-jp", "iso-2022-jp", evidence=len(head))
    if b"\x00" in head[: 1 << 13] or (first is not None and first.start() < 64):
        wide = _wide_guess(head)
        if (
            wide is not None
            and (b"\x00" in head[: 1 << 13] or _utf8_quality(head[:_EVIDENCE_BYTES], whole and len(head) <= _EVIDENCE_BYTES) < 1.0)
            and _wide_wins(head, wide)
        ):
            return wide
    if first is None:
        if hint in _SEVEN_BIT and hint is not None:
            return Guess(hint, hint)
        return Guess("utf-8", "utf-8")
    sample = head[first.start() : first.start() + _EVIDENCE_BYTES]
    whole = whole and first.start() + len(sample) == len(head)
    # What stands before the first such byte tells a lone accented letter in a word from half-width kana.
    sample = head[max(0, first.start() - 1) : first.start()] + sample
    evidence = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
    name = _narrow_guess(sample, hint, whole)
    return Guess(name, name if name != "latin-1" else "windows-1252", evidence=evidence)


def _wide_wins(head: bytes, wide: Guess) -> bool:
    """Without NULs, kanji bytes alone may be UTF-16 or a multi-byte encoding: the better Japanese wins."""
    if b"\x00" in head[: 1 << 13]:
        return True
    sample = head[:_EVIDENCE_BYTES]
    narrow = max(_japanese_score(_try(sample, codec)) for codec in ("cp932", "euc-jp"))
    latin = _latin_score(sample)
    return _japanese_score(_try(sample, wide.codec)) > max(narrow, latin) + 0.1


def _narrow_guess(sample: bytes, hint: str | None, whole: bool) -> str:
    """Among encodings whose ASCII is ASCII. `sample` starts at (or one before) its first byte that is not ASCII."""
    quality = _utf8_quality(sample, whole)
    if quality == 1.0:
        return "utf-8"
    scores = {name: _japanese_score(_try(sample, name, whole)) for name in ("cp932", "euc-jp")}
    scores["euc-jp"] += _euc_half_kana(sample)
    scores["cp932"] += _sjis_half_kana(sample)
    scores["windows-1252"] = _latin_score(sample)
    if quality > 0.6:
        scores["utf-8"] = 0.5 + quality
    if hint in scores:
        scores[hint] += 0.2
    best = max(scores, key=lambda name: scores[name])
    # Kanji alone may be any encoding's bytes; where another country's is declared, only kana speak against it.
    if hint is not None and hint not in _OURS and best in ("cp932", "euc-jp") and not _KANA.search(_try(sample, best)):
        return _last_resort(sample, hint) or best
    if scores[best] < 0.3:
        best = _last_resort(sample, hint) or best
    if best == "windows-1252" and not re.search(rb"[\x80-\x9f]", sample):
        return "latin-1"
    return best


def _euc_half_kana(sample: bytes) -> float:
    """Nothing but pairs 8E A1-DF: half-width kana of EUC-JP; as CP932 these would all be kanji of one single row."""
    paired = sum(len(match) for match in _EUC_HALF_KANA.findall(sample))
    high = len(sample) - len(sample.translate(None, _HIGH))
    return 0.0 if paired < 6 else 1.0 if paired >= 0.7 * high else 0.5


def _sjis_half_kana(sample: bytes) -> float:
    """All bytes within A6-DF: half-width kana. EUC-JP kanji have a byte above E0 every third time."""
    high = len(sample) - len(sample.translate(None, _HIGH))
    kana = len(sample) - len(sample.translate(None, _HIGH[0xA6 - 0x80 : 0xE0 - 0x80]))
    return min(0.6, 0.06 * max(0, high - 4)) if kana == high else 0.0


def _last_resort(sample: bytes, hint: str | None) -> str | None:
    """An encoding of neither Japan nor the West: the one declared if it fits, else charset-normalizer's vote."""
    if hint is not None and hint not in _SEVEN_BIT:
        try:
            codecs.getincrementaldecoder(hint)("strict").decode(sample)
        except (UnicodeError, LookupError):
            pass
        else:
            return hint
    if len(sample) < 32:  # too short for its statistics
        return None
    from charset_normalizer import from_bytes

    match = from_bytes(sample[:4096], steps=5, chunk_size=512).best()
    name = normalise_name(match.encoding) if match is not None else None
    return name if name is not None and not name.startswith("utf") else None


# --------------------------------------------------------------------------- the two doors


def decode(data: bytes, declared: str | None = None) -> tuple[str, str, int]:
    """(text, encoding as recorded, characters that could not be decoded) of a text held in memory; no BOM in the text."""
    found = guess(data, declared, whole=True)
    body = data[found.bom :]
    text = _decoder(found.codec).decode(body, True)
    undecoded = _count_undecoded(text, body, found.codec)
    if undecoded:
        text, undecoded = mend(body, found.codec)
    return text, found.encoding, undecoded


def decode_head(head: bytes, found: Guess) -> str:
    """A head decoded as guessed, without the character that its end may cut."""
    return _try(head[found.bom :], found.codec)


def is_text(head: bytes) -> bool:
    """Whether bytes read as text in some encoding: a binary has many control bytes, and NULs that are not UTF-16's."""
    if not head:
        return True
    for mark, _, codec in _BOMS:
        if head.startswith(mark):
            text = _try(head[len(mark) :], codec)
            return _looks_written(text)
    if b"\x00" in head:
        wide = _wide_guess(head)
        if wide is not None and _looks_written(_try(head, wide.codec)):
            return True
    controls = len(head) - len(head.translate(None, bytes([*range(9), 11, *range(14, 27), *range(28, 32), 127])))
    if _ISO2022_KANJI.search(head):
        controls -= head.count(b"\x0e") + head.count(b"\x0f")
    return controls * 100 <= 3 * len(head) + 200


def _looks_written(text: str) -> bool:
    odd = sum(char < " " and char not in "\t\r\n\f\x1b" for char in text) + text.count(_REPLACEMENT)
    return odd * 100 <= 3 * len(text) + 200


def read(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end (a raw stream may give less than asked)."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    left = size - len(data)
    while left > 0 and (data := stream.read(left)):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


class TextStream:
    """A binary stream read as text: `chunks` decodes incrementally in memory that does not depend on its length.

    `encoding` is the name to record, `undecoded` the characters replaced so far; both are final once `chunks` ended.
    The encoding is decided at the first bytes that are not ASCII, wherever they stand. If the decision proves wrong
    later (it rested on little), it is taken anew, and what had been decoded the old way counts as undecoded.
    """

    def __init__(self, stream: BinaryIO, declared: str | None = None) -> None:
        self._stream = stream
        self._declared = declared
        self._head = read(self._stream, HEAD_BYTES)
        full = len(self._head) == HEAD_BYTES
        self._guess = guess(self._head, declared, whole=not full)
        if full and 0 < self._guess.evidence < _ENOUGH:  # a character or two at the head's very end decide nothing
            self._head += read(stream, HEAD_BYTES)
            self._guess = guess(self._head, declared, whole=len(self._head) < 2 * HEAD_BYTES)
        self._decided = self._guess.bom > 0 or self._guess.evidence > 0 or self._guess.codec != "utf-8"
        self._coder = _decoder(self._guess.codec)
        self.encoding = self._guess.encoding
        self.undecoded = 0

    def chunks(self, size: int = 1 << 18) -> Iterator[str]:
        """The text in pieces of about `size` bytes each; no character is cut, a ``\\r\\n`` neither; the BOM is removed."""
        held = ""
        data = self._head[self._guess.bom :]
        self._head = b""
        while data:
            text = held + self._decode(data, size)
            held = ""
            if text.endswith("\r"):
                text, held = text[:-1], "\r"
            if text:
                yield text
            data = self._next
        tail = held + self._coder.decode(b"", True)
        self.undecoded += tail.count(_REPLACEMENT)
        if tail:
            yield tail

    _next: bytes = b""

    def _decode(self, data: bytes, size: int) -> str:
        self._next = read(self._stream, size)
        if data.isascii() and not self._decided and b"\x1b" not in data and b"\x00" not in data:
            return data.decode("ascii")
        if not self._decided:
            self._decide(data)
        elif self._doubtful(data):
            self._reconsider(data)
        narrow = self._guess.codec in _NARROW
        held = self._coder.getstate()[0] if narrow else b""
        text = self._coder.decode(data)
        if _REPLACEMENT not in text:
            return text
        undecoded = _count_undecoded(text, data, self._guess.codec)
        if undecoded and narrow:
            data = held + data
            text, undecoded = mend(data[: len(data) - len(self._coder.getstate()[0])], self._guess.codec)
        self.undecoded += undecoded
        return text

    def _decide(self, data: bytes) -> None:
        found = guess(data + self._next[:HEAD_BYTES], self._declared, whole=not self._next)
        if found.evidence or found.codec != "utf-8":
            self._take(found)

    def _take(self, found: Guess) -> None:
        self._guess = Guess(found.encoding, found.codec, self._guess.bom, found.evidence)
        self._coder = _decoder(found.codec)
        self.encoding = found.encoding
        self._decided = True

    def _doubtful(self, data: bytes) -> bool:
        """The decision rested on a handful of bytes, and here are far more."""
        if self._guess.bom or self._guess.evidence >= _ENOUGH or self._guess.codec not in _NARROW or data.isascii():
            return False
        return len(data) - len(data.translate(None, _HIGH)) > 4 * self._guess.evidence + 32

    def _reconsider(self, data: bytes) -> None:
        found = guess(data, self._declared)
        if found.codec != self._guess.codec and found.codec in _NARROW and found.evidence:
            self.undecoded += self._guess.evidence
            self._take(found)
        else:
            self._guess = Guess(self._guess.encoding, self._guess.codec, 0, max(found.evidence, self._guess.evidence))


_NARROW = frozenset({"utf-8", "cp932", "euc-jp", "windows-1252"})
