"""The compressed RTF of Outlook messages: decompression (MS-OXRTFCP), and the text in an RTF document."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from scanner.model import Reason, Unreadable

_PRIMER = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArial"
    b"Times New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""MS-OXRTFCP 2.1.2.1: what the dictionary holds at first."""
_COMPRESSED, _PLAIN = b"LZFu", b"MELA"
_WINDOW = 4096


def decompress(data: bytes, most: int) -> bytes:
    """The RTF of PidTagRtfCompressed. `most`: output bytes allowed.

    Raises `Unreadable`: DAMAGED if the header is none, TOO_LARGE past `most`. A stream that is cut gives what it has.
    """
    if len(data) < 16:
        raise Unreadable(Reason.TRUNCATED)
    kind, size = data[8:12], int.from_bytes(data[4:8], "little")
    if kind == _PLAIN:
        return data[16 : 16 + size]
    if kind != _COMPRESSED:
        raise Unreadable(Reason.DAMAGED)
    output = bytearray(_PRIMER)
    at = 16
    while at < len(data):
        control = data[at]
        at += 1
        for bit in range(8):
            if not control >> bit & 1:
                output += data[at : at + 1]
                at += 1
                continue
            reference = int.from_bytes(data[at : at + 2], "big")
            at += 2
            if at > len(data) or not _copy(output, reference >> 4, (reference & 15) + 2):
                return bytes(output[len(_PRIMER) :])
            if len(output) > most:
                raise Unreadable(Reason.TOO_LARGE)
    return bytes(output[len(_PRIMER) :])


def _copy(output: bytearray, offset: int, length: int) -> bool:
    """Repeat bytes of the dictionary, which is a ring of the last 4,096 bytes; False at the end mark (an offset to itself)."""
    back = (len(output) - offset) % _WINDOW
    if back == 0:
        return False
    for _ in range(length):
        output.append(output[-back] if back <= len(output) else 0x20)
    return True


_TOKEN = re.compile(rb"\\([a-zA-Z]+)(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\")
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet pict object themedata colorschememapping datastore latentstyles listtable listoverridetable "
    b"rsidtbl generator xmlnstbl mmathPr filetbl revtbl wgrffmtfilter".split()
)
"""Destinations without anybody's text. Properties, field instructions (a mailto: link) and HTML tags stay: they may name people."""
_CHARACTERS = dict.fromkeys((b"par", b"line", b"row", b"nestrow", b"sect", b"page"), "\n")
_CHARACTERS |= dict.fromkeys((b"tab", b"cell", b"nestcell"), "\t")
_CHARACTERS |= {b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022"}
_CHARACTERS |= {b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d"}
_SYMBOLS = {b"~": "\u00a0", b"_": "-", b"-": "", b"\n": "\n", b"\r": "\n"}
_CHARSETS = {77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258"}
_CHARSETS |= {177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250"}


def rtf_text(rtf: bytes) -> str:
    """The text of an RTF document, as plain as it goes: paragraphs as lines, table cells as tabs; fonts, styles and pictures left out."""
    text = "".join(_Walker(rtf).pieces())
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # characters beyond U+FFFF come as two units


class _Walker:
    """One pass over the tokens, a stack of groups beside it."""

    def __init__(self, rtf: bytes) -> None:
        self._rtf = rtf
        self._codec = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._in_font_table = False
        self._skip_depth: int | None = None
        self._depth = 0
        self._pending = b""  # bytes of the document's code page, decoded together: a character may be two of them
        self._unicode_fallback = 1
        self._to_drop = 0
        self._stack: list[tuple[int, int, bool]] = []

    def pieces(self) -> Iterator[str]:
        for token in _TOKEN.finditer(self._rtf):
            yield from self._token(token)
        yield self._flush()

    def _token(self, token: re.Match[bytes]) -> Iterator[str]:
        word, number, hexadecimal, symbol, brace, text = token.groups()
        if brace is not None:
            yield self._flush()
            self._group(brace)
        elif word is not None:
            yield from self._word(word, int(number) if number else None)
        elif symbol == b"*":
            return
        elif self._skip_depth is None:
            yield from self._characters(hexadecimal, symbol, text)

    def _characters(self, hexadecimal: bytes | None, symbol: bytes | None, text: bytes | None) -> Iterator[str]:
        if hexadecimal is not None:
            self._literal(bytes.fromhex(hexadecimal.decode("ascii")))
        elif text is not None:
            self._literal(text)
        elif symbol in (b"\\", b"{", b"}"):
            self._literal(symbol)  # may be the second byte of a CP932 character
        elif symbol is not None:
            yield self._flush() + _SYMBOLS.get(symbol, "")

    def _literal(self, data: bytes) -> None:
        dropped = min(self._to_drop, len(data))
        self._to_drop -= dropped
        self._pending += data[dropped:]

    def _group(self, brace: bytes) -> None:
        self._to_drop = 0
        if brace == b"{":
            self._stack.append((self._font, self._unicode_fallback, self._in_font_table))
            self._depth += 1
            return
        self._depth = max(0, self._depth - 1)
        if self._skip_depth is not None and self._depth < self._skip_depth:
            self._skip_depth = None
        if self._stack:
            self._font, self._unicode_fallback, self._in_font_table = self._stack.pop()

    def _word(self, word: bytes, number: int | None) -> Iterator[str]:
        if word == b"u" and number is not None:
            if self._skip_depth is None:
                yield self._flush() + chr(number & 0xFFFF)
            self._to_drop = self._unicode_fallback
            return
        yield self._flush()
        if word in _SKIPPED and self._skip_depth is None:
            self._skip_depth = self._depth
            self._in_font_table = word == b"fonttbl"
        elif word == b"bin" and number:
            self._to_drop = 0  # binary data follow; they lie in skipped destinations
        elif self._skip_depth is None and word in _CHARACTERS:
            yield _CHARACTERS[word]
        elif number is not None:
            self._number(word, number)

    def _number(self, word: bytes, number: int) -> None:
        if word == b"ansicpg":
            self._codec = _codec(f"cp{number}") or self._codec
        elif word == b"f":
            self._font = number
        elif word == b"fcharset" and self._in_font_table:
            name = _CHARSETS.get(number)
            if name is not None:
                self._fonts[self._font] = name
        elif word == b"uc":
            self._unicode_fallback = max(0, min(number, 8))

    def _flush(self) -> str:
        data, self._pending = self._pending, b""
        return data.decode(self._fonts.get(self._font, self._codec), "replace") if data else ""


def _codec(name: str) -> str | None:
    try:
        return codecs.lookup("utf-8" if name == "cp65001" else name).name
    except LookupError:
        return None
