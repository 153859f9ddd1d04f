"""The shape of a mail without holding it: headers as they were meant, parts as ranges of the stream, payloads decoded in pieces.

Not `email.parser`: it keeps the whole message several times over, and loses names that Japan's mailers write outside the standards
(raw CP932 or ISO-2022-JP in headers, words of RFC 2047 cut in the middle of a character). RFC 2045, 2046, 2047, 2231, 5322.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from scanner.extract import charset
from scanner.extract.budget import CHUNK
from scanner.model import Reason

HEADER_BYTES = 2**20
"""Of one header block; what is longer is no mail that anybody could send."""
_LINE_BYTES = 2**16
_FIELD_NAME = re.compile(rb"[!-9;-~]+[ \t]*:")
_WORD = re.compile(rb"=\?([!-~]+?)(?:\*[!-~]*?)?\?([bBqQ])\?([^?\r\n]*)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


@dataclass(frozen=True, slots=True)
class Header:
    """One field: `name` in lower case, `value` unfolded bytes, `shown` name as written, `lines` physical lines it took."""

    name: str
    shown: str
    value: bytes
    lines: int


@dataclass(frozen=True, slots=True)
class Part:
    """A message or a part of one: its headers, and bytes [body, end) of the stream."""

    headers: tuple[Header, ...]
    body: int
    end: int
    cut: bool = False  # the header block was longer than we read
    default_type: str = "text/plain"

    def value(self, name: str) -> bytes:
        return next((header.value for header in self.headers if header.name == name), b"")

    @property
    def content_type(self) -> str:
        kind = self.value("content-type").split(b";")[0].strip().lower().decode("ascii", "replace")
        return kind if "/" in kind else self.default_type

    @property
    def type_parameters(self) -> dict[str, str]:
        return parameters(self.value("content-type"))

    @property
    def disposition(self) -> str:
        return self.value("content-disposition").split(b";")[0].strip().lower().decode("ascii", "replace")

    @property
    def transfer_encoding(self) -> str:
        return self.value("content-transfer-encoding").split(b";")[0].strip().lower().decode("ascii", "replace")

    @property
    def file_name(self) -> str | None:
        """The name its sender gave it, without folders; None if there is none."""
        name = parameters(self.value("content-disposition")).get("filename") or self.type_parameters.get("name")
        name = (name or "").replace("\\", "/").rsplit("/", 1)[-1].strip()
        return name or None


# --------------------------------------------------------------------------- headers


def read_part(stream: BinaryIO, start: int, end: int, default_type: str = "text/plain") -> Part:
    """The headers at `start` and where the body after them begins. A block without a blank line ends where fields end."""
    stream.seek(start)
    headers: list[Header] = []
    lines: list[bytes] = []
    position = start
    while position < end and position - start < HEADER_BYTES:
        line = stream.readline(min(_LINE_BYTES, end - position))
        if line.strip(b"\r\n") == b"":
            position += len(line)
            break
        if line[:1] in b" \t" and lines:
            lines.append(line)
        elif _FIELD_NAME.match(line) or (position == start and line.startswith(b"From ")):
            _close_field(headers, lines)
            lines = [line]
        elif lines and not lines[-1].endswith(b"\n"):
            lines.append(line)  # the rest of a line longer than we read at once
        else:
            break
        position += len(line)
    _close_field(headers, lines)
    return Part(tuple(headers), position, end, position - start >= HEADER_BYTES, default_type)


def _close_field(headers: list[Header], lines: list[bytes]) -> None:
    if not lines:
        return
    joined = b"".join(lines)
    shown, _, value = joined.partition(b":") if not joined.startswith(b"From ") else (b"", b"", joined)
    name = shown.strip().decode("ascii", "replace")
    headers.append(Header(name.lower(), name, value.replace(b"\r", b"").replace(b"\n", b"").strip(), joined.count(b"\n")))


def decode_words(value: bytes) -> str:
    """A header's text: RFC 2047 words decoded (neighbours of one charset joined as bytes first), raw bytes by their look."""
    pieces: list[tuple[str | None, bytes]] = []
    at = 0
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        if between.strip() or (between and not (pieces and pieces[-1][0])):
            pieces.append((None, between))
        name = word[1].decode("ascii").lower()
        data = _word_bytes(word[2], word[3])
        if pieces and pieces[-1][0] == name:
            pieces[-1] = (name, pieces[-1][1] + data)
        else:
            pieces.append((name, data))
        at = word.end()
    pieces.append((None, value[at:]))
    return "".join(_decode(data, name) for name, data in pieces if data)


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return binascii.a2b_qp(text, header=True)
    clean = _NOT_BASE64.sub(b"", text).rstrip(b"=")
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return base64.b64decode(clean + b"=" * (-len(clean) % 4))


def _decode(data: bytes, declared: str | None) -> str:
    if data.isascii() and b"\x1b" not in data and (declared is None or not declared.startswith(("utf-7", "utf-16", "hz"))):
        return data.decode("ascii")
    return charset.decode(data, declared)[0]


def parameters(value: bytes) -> dict[str, str]:
    """The parameters of a structured field, names in lower case: RFC 2231 continuations and charsets, RFC 2047 words, raw bytes."""
    plain: dict[str, str] = {}
    segments: dict[str, dict[int, tuple[bool, bytes]]] = {}
    for key, data in _split_parameters(value):
        name, star, rest = key.partition("*")
        if not star:
            plain.setdefault(name, decode_words(data))
            continue
        number = rest.rstrip("*")
        index = int(number) if number.isdecimal() and len(number) < 6 else 0
        segments.setdefault(name, {}).setdefault(index, (key.endswith("*"), data))
    return plain | {name: _joined(parts) for name, parts in segments.items()}


def _joined(parts: dict[int, tuple[bool, bytes]]) -> str:
    declared: str | None = None
    data = b""
    for index in sorted(parts):
        extended, piece = parts[index]
        if extended and declared is None and piece.count(b"'") >= 2 and not data:
            name, _, piece = piece.split(b"'", 2)
            declared = name.decode("ascii", "replace").lower()
        data += unquote_to_bytes(piece) if extended else piece
    return decode_words(data) if declared is None else _decode(data, declared or None)


def _split_parameters(value: bytes) -> Iterator[tuple[str, bytes]]:
    """(name in lower case, unquoted bytes) after the first ``;``."""
    for item in list(_split_outside_quotes(value))[1:]:
        name, equals, data = item.partition(b"=")
        if equals:
            yield name.strip().lower().decode("ascii", "replace"), _unquoted(data.strip())


def _split_outside_quotes(value: bytes) -> Iterator[bytes]:
    start = at = 0
    quoted = False
    double_byte = not _is_utf8(value)
    while at < len(value):
        byte = value[at]
        if byte == 0x1B:  # ISO-2022-JP: any byte may follow until the return to ASCII
            back = value.find(b"\x1b(", at + 1)
            at = back + 2 if back >= 0 else len(value)
        elif (byte == 0x5C and quoted) or (double_byte and (0x81 <= byte <= 0x9F or 0xE0 <= byte <= 0xFC)):
            at += 1  # the next byte is escaped, or the second of a CP932 character
        elif byte == 0x22:
            quoted = not quoted
        elif byte == 0x3B and not quoted:
            yield value[start:at]
            start = at + 1
        at += 1
    yield value[start:]


def _unquoted(data: bytes) -> bytes:
    if not data.startswith(b'"'):
        return data
    inner = data[1:-1] if data.endswith(b'"') and len(data) > 1 else data[1:]
    if inner.isascii() and b"\x1b" not in inner:
        return re.sub(rb"\\(.)", rb"\1", inner)
    return inner.replace(b'\\"', b'"')  # a backslash may be the second byte of a CP932 character


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --------------------------------------------------------------------------- multipart


def occurrences(stream: BinaryIO, needle: bytes, start: int, end: int) -> Iterator[int]:
    """Offsets of `needle` in bytes [start, end), ascending. The stream may be moved between two of them."""
    base, window, position = start, b"", start
    while position < end:
        stream.seek(position)
        chunk = stream.read(min(CHUNK, end - position))
        if not chunk:
            return
        position += len(chunk)
        window += chunk
        at = window.find(needle)
        while at >= 0:
            yield base + at
            at = window.find(needle, at + len(needle))
        keep = len(needle) - 1
        base += max(0, len(window) - keep)
        window = window[-keep:] if keep else b""


@dataclass(frozen=True, slots=True)
class Split:
    """A multipart body: byte ranges of what stands before the first delimiter, of the parts, and after the last."""

    preamble: tuple[int, int]
    parts: list[tuple[int, int]]
    epilogue: tuple[int, int]
    closed: bool


def split_multipart(stream: BinaryIO, start: int, end: int, boundary: bytes, most: int) -> Split:
    """Where the parts of a multipart body lie (RFC 2046 5.1.1). `most`: parts to note before giving up counting them."""
    ranges: list[tuple[int, int]] = []
    preamble: tuple[int, int] | None = None
    opened = start
    for at in occurrences(stream, b"--" + boundary, start, end):
        line = _delimiter(stream, at, start, end, len(boundary) + 2)
        if line is None:
            continue
        before, after, closing = line
        if preamble is None:
            preamble = (start, before)
        else:
            ranges.append((opened, before))
        opened = after
        if closing:
            return Split(preamble, ranges, (after, end), True)
        if len(ranges) > most:
            break
    if preamble is None:
        return Split((start, end), [], (end, end), False)
    return Split(preamble, [*ranges, (opened, end)], (end, end), False)


def _delimiter(stream: BinaryIO, at: int, start: int, end: int, length: int) -> tuple[int, int, bool] | None:
    """(end of what stands before, start of what follows, closing?) if a delimiter line stands at `at`."""
    back = min(2, at - start)
    stream.seek(at - back)
    context = stream.read(min(back + length + 256, end - at + back))
    before, rest = context[:back], context[back + length :]
    if back and not before.endswith(b"\n"):
        return None
    closing = rest.startswith(b"--")
    match = re.match(rb"(?:--)?[ \t]*(?:\r?\n|\r?$)" if len(rest) < 256 else rb"(?:--)?[ \t]*\r?\n", rest)
    if match is None:
        return None
    line_end = 2 if before == b"\r\n" else 1 if before.endswith(b"\n") else 0
    return max(start, at - line_end), at + length + match.end(), closing


# --------------------------------------------------------------------------- payloads


class Payload:
    """The decoded bytes of a part, in chunks; `fault` afterwards: DAMAGED if the encoding was broken somewhere."""

    def __init__(self, stream: BinaryIO, start: int, end: int, encoding: str) -> None:
        self.fault: Reason | None = None
        self._stream = stream
        self._start = start
        self._end = end
        self._decode = {"base64": self._base64, "quoted-printable": self._quoted_printable}.get(encoding, self._uuencode)

    def chunks(self) -> Iterator[bytes]:
        return self._decode(self._read())

    def _read(self) -> Iterator[bytes]:
        position = self._start
        while position < self._end:
            self._stream.seek(position)
            chunk = self._stream.read(min(CHUNK, self._end - position))
            if not chunk:
                return
            position += len(chunk)
            yield chunk

    def _base64(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        rest = b""
        for chunk in chunks:
            letters = chunk.translate(None, b" \t\r\n")
            if letters.translate(None, _BASE64):
                self.fault = Reason.DAMAGED
                letters = _NOT_BASE64.sub(b"", letters)
            rest += letters
            whole = len(rest) // 4 * 4
            yield self._quads(rest[:whole])
            rest = rest[whole:]
        if len(rest.rstrip(b"=")) == 1:
            self.fault = Reason.DAMAGED
        elif rest.rstrip(b"="):
            yield self._quads(rest.rstrip(b"=") + b"=" * (-len(rest.rstrip(b"=")) % 4))

    def _quads(self, text: bytes) -> bytes:
        """Base64 in whole quads. Padding before the end (payloads put on end by gateways) starts afresh after it."""
        pieces = []
        if b"=" not in text[:-4]:  # as in every honest payload: all but its last quad at once
            pieces.append(binascii.a2b_base64(text[:-4]))
            text = text[-4:]
        for piece in re.findall(rb"[^=]+=*", text):
            body = piece.rstrip(b"=")
            if len(body) % 4 == 1:
                self.fault = Reason.DAMAGED
                body = body[:-1]
            pieces.append(binascii.a2b_base64(body + b"=" * (-len(body) % 4)))
        return b"".join(pieces)

    def _quoted_printable(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for lines in _whole_lines(chunks):
            yield binascii.a2b_qp(lines)

    def _uuencode(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for lines in _whole_lines(chunks):
            yield b"".join(map(self._uuencoded_line, lines.splitlines()))

    def _uuencoded_line(self, line: bytes) -> bytes:
        if not line.strip() or line.startswith((b"begin ", b"end", b"`")):
            return b""
        try:
            return binascii.a2b_uu(line)
        except binascii.Error:
            self.fault = Reason.DAMAGED
            return b""


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut at line ends only (or where a line is longer than anybody's)."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        cut = rest.rfind(b"\n") + 1 or (len(rest) - 3 if len(rest) > 4 * CHUNK else 0)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


IDENTITY: Callable[[str], bool] = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit"}).__contains__
ENCODED: Callable[[str], bool] = frozenset({"base64", "quoted-printable", "uuencode", "x-uuencode", "x-uue"}).__contains__
