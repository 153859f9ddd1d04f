"""Outlook messages (.msg): properties read from the compound file as MS-OXMSG has them; bodies and attachments are members."""

from __future__ import annotations

import base64
import codecs
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from scanner.extract import charset
from scanner.extract.budget import CHUNK, ChunkStream, views
from scanner.extract.member_names import Steps, shown
from scanner.extract.outlook_rtf import decompress, rtf_text
from scanner.model import Blob, Budget, Gap, Item, Location, Reason, Text, Unread, Unreadable

_SUBJECT, _TRANSPORT_HEADERS, _BODY, _HTML, _RTF = "0037", "007D", "1000", "1013", "1009"
_SENDER = (("From", "0C1A", ("5D01", "0C1F")), ("On-Behalf-Of", "0042", ("5D02", "0065")))
_SHOWN = (("To", "0E04"), ("Cc", "0E03"), ("Bcc", "0E02"))
_RECIPIENT_NAME, _RECIPIENT_MAIL = "3001", ("39FE", "3003", "5FE5", "5FF6")
_FILE_NAMES, _DATA, _METHOD, _MIME = ("3707", "3704", "3001"), "3701", 0x3705, "370E"
_CODE_PAGES = (0x3FDE, 0x3FFD)  # PidTagInternetCodepage (of the HTML body), PidTagMessageCodepage
_PAGES = {65001: "utf-8", 20127: "", 50220: "iso2022_jp", 50221: "iso2022_jp", 50222: "iso2022_jp", 51932: "euc_jp", 28591: "latin-1"}
_BY_REFERENCE, _OLE = (2, 3, 4), 6
_MOST_TEXT = 64 * 2**20
"""Of one text property; beyond it a member is made of it in pieces, a header is cut."""
_HELD = 16 * 2**20
"""An attachment up to this size is taken from olefile whole."""
_PIECE = 2**20 - 8
_BROKEN = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, struct.error, MemoryError)
"""How olefile answers broken bytes: OSError where it looked closely, else whatever Python says."""

_Path = tuple[str, ...]


class OutlookMessage:
    """Reader of .msg files. Embedded messages come out as mails (eml), made of their properties."""

    media_types = frozenset({"application/vnd.ms-outlook"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as stream:
            compound = _Compound(stream)
            message = _Message(compound, (), budget)
            yield from message.header_items()
            yield from _Members(message, blob.location, budget).items()


class _Compound:
    """The compound file: which streams a storage holds, and their bytes in pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        import olefile

        try:
            self._ole: Any = olefile.OleFileIO(stream)
            self._paths = [tuple(path) for path in self._ole.listdir(streams=True, storages=True)]
        except _BROKEN as error:
            raise _unreadable(error) from None
        self._known = frozenset(self._paths)

    def children(self, path: _Path) -> list[str]:
        return [entry[-1] for entry in self._paths if len(entry) == len(path) + 1 and entry[:-1] == path]

    def has(self, path: _Path) -> bool:
        return path in self._known

    def size(self, path: _Path) -> int:
        return int(self._ole.get_size(list(path)))

    def read(self, path: _Path, most: int) -> bytes:
        """The whole stream. Raises `Unreadable`: TOO_LARGE if it claims more than `most` bytes, DAMAGED if its chain is broken."""
        if self.size(path) > most:
            raise Unreadable(Reason.TOO_LARGE)
        try:
            return cast(bytes, self._ole.openstream(list(path)).read())
        except _BROKEN as error:
            raise _unreadable(error) from None

    def pieces(self, path: _Path) -> Iterator[bytes]:
        """The stream in pieces: large ones by their chain of sectors, since `openstream` holds the whole."""
        size = self.size(path)
        if size <= _HELD:
            yield self.read(path, size)
            return
        try:
            sector = self._ole.direntries[self._ole._find(list(path))].isectStart
            for start in range(0, size, self._ole.sectorsize):
                yield self._ole.getsect(sector)[: size - start]
                sector = int(self._ole.fat[sector])
        except _BROKEN as error:
            raise _unreadable(error) from None


def _unreadable(error: Exception) -> Unreadable:
    if isinstance(error, Unreadable):
        return error
    return Unreadable(Reason.MEMORY if isinstance(error, MemoryError) else Reason.DAMAGED)


class _Message:
    """The properties of one message storage."""

    def __init__(self, compound: _Compound, path: _Path, budget: Budget) -> None:
        self.compound = compound
        self.path = path
        self.budget = budget
        self.fixed = _fixed_properties(compound, path, header=32 if not path else 24)
        pages = [page for tag in _CODE_PAGES if (page := _page(self.fixed.get(tag, 0)))]
        self._html_page = _page(self.fixed.get(_CODE_PAGES[0], 0))
        self._page = pages[-1] if pages else None

    def children(self, prefix: str) -> list[str]:
        return sorted(name for name in self.compound.children(self.path) if name.startswith(prefix))

    def text(self, tag: str, below: _Path = ()) -> str:
        """A string property, UTF-16 or of the message's code page; "" if there is none."""
        for kind in ("001F", "001E"):
            path = (*self.path, *below, f"__substg1.0_{tag}{kind}")
            if self.compound.has(path):
                data = self.compound.read(path, _MOST_TEXT)
                text = data.decode("utf-16-le", "replace") if kind == "001F" else self.narrow(data)
                return text.rstrip("\0")
        return ""

    def narrow(self, data: bytes) -> str:
        return charset.decode(data, self._page)[0]

    def binary(self, tag: str, below: _Path = ()) -> _Path | None:
        path = (*self.path, *below, f"__substg1.0_{tag}0102")
        return path if self.compound.has(path) else None

    def headers(self) -> str:
        """The message's header fields as lines: its own first, then the recipients' table, then the headers it came with."""
        lines = [f"Subject: {self.text(_SUBJECT)}"]
        for field, name, mails in _SENDER:
            value = _address(self.text(name), next(filter(None, map(self.text, mails)), ""))
            if value:
                lines.append(f"{field}: {value}")
        lines += [f"{field}: {value}" for field, tag in _SHOWN if (value := self.text(tag))]
        for recipient in self.children("__recip_version1.0_#"):
            mail = next((found for tag in _RECIPIENT_MAIL if "@" in (found := self.text(tag, (recipient,)))), "")
            lines.append(f"Recipient: {_address(self.text(_RECIPIENT_NAME, (recipient,)), mail)}")
        transport = self.text(_TRANSPORT_HEADERS)
        return "\n".join([*lines, *transport.splitlines()])

    def header_items(self) -> Iterator[Item]:
        try:
            text = self.headers()
        except Unreadable as stop:
            yield Gap(stop.reason, "headers")
            return
        for start in range(0, len(text), _PIECE):
            yield Text(text[start : start + _PIECE], "headers", None, continues=start > 0)

    def bodies(self) -> Iterator[tuple[str, str, str | None, bytes]]:
        """(step, media type, charset, bytes) of each body there is. RTF only if it is the only one: else it repeats the others."""
        met = False
        plain = self.text(_BODY)
        if plain:
            met = True
            yield "body.txt", "text/plain", "utf-8", plain.encode("utf-8", "replace")
        html = self._html()
        if html is not None:
            met = True
            yield "body.html", "text/html", *html
        rtf = self.binary(_RTF)
        if rtf is not None and not met:
            document = decompress(self.compound.read(rtf, _MOST_TEXT), 4 * _MOST_TEXT)
            self.budget.spend_output(len(document))
            yield "body.txt", "text/plain", "utf-8", rtf_text(document).encode("utf-8", "replace")

    def _html(self) -> tuple[str | None, bytes] | None:
        path = self.binary(_HTML)
        if path is not None:
            return self._html_page, self.compound.read(path, 4 * _MOST_TEXT)
        text = self.text(_HTML)
        return ("utf-8", text.encode("utf-8", "replace")) if text else None


def _address(name: str, mail: str) -> str:
    return f"{name} <{mail}>" if mail and mail != name else name


def _page(number: int) -> str | None:
    name = _PAGES.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name if name and number else None
    except LookupError:
        return None


def _fixed_properties(compound: _Compound, path: _Path, header: int) -> dict[int, int]:
    """Property number -> value, of the properties of fixed length (MS-OXMSG 2.4): entries of 16 bytes after a header."""
    stream = (*path, "__properties_version1.0")
    if not compound.has(stream):
        return {}
    data = compound.read(stream, _MOST_TEXT)[header:]
    return {tag >> 16: value for tag, _, value in struct.iter_unpack("<LLq", data[: len(data) // 16 * 16]) if tag & 0xFFFF in (2, 3, 11)}


# --------------------------------------------------------------------------- members


class _Members:
    """Bodies and attachments of one message as members."""

    def __init__(self, message: _Message, location: Location, budget: Budget) -> None:
        self._message = message
        self._location = location
        self._budget = budget
        self._steps = Steps()

    def items(self) -> Iterator[Item]:
        bodies = self._message.bodies()
        while True:
            try:
                body = next(bodies, None)
            except Unreadable as stop:
                yield Gap(stop.reason, "body")
                break
            if body is None:
                break
            step, media_type, page, data = body
            yield from self._member(step, iter((data,)), media_type, page)
        messages = 0
        for number, storage in enumerate(self._message.children("__attach_version1.0_#"), start=1):
            embedded = self._message.compound.has((*self._message.path, storage, f"__substg1.0_{_DATA}000D"))
            messages += embedded
            yield from self._attachment(storage, number, messages if embedded else None)

    def _attachment(self, storage: str, number: int, message_number: int | None) -> Iterator[Item]:
        message = self._message
        method = _fixed_properties(message.compound, (*message.path, storage), header=8).get(_METHOD, 1)
        data = message.binary(_DATA, (storage,))
        if message_number is not None and method != _OLE:
            inner = (*message.path, storage, f"__substg1.0_{_DATA}000D")
            yield from self._member(f"message-{message_number}.eml", as_mail(message.compound, inner, self._budget), "message/rfc822", None)
            return
        try:
            name = next(filter(None, (message.text(tag, (storage,)) for tag in _FILE_NAMES)), f"attachment-{number}.bin")
            kind = message.text(_MIME, (storage,)) or None
        except Unreadable:
            name, kind = f"attachment-{number}.bin", None
        step = name.replace("\\", "/").rsplit("/", 1)[-1]
        if data is not None:
            yield from self._member(step, message.compound.pieces(data), kind, None)
        else:
            self._budget.enter_member()
            reason = Reason.REMOTE_REFERENCE if method in _BY_REFERENCE else Reason.UNKNOWN_FORMAT
            yield Unread(self._location.inside(self._steps.unique(shown(step))), reason)

    def _member(self, step: str, chunks: Iterator[bytes], media_type: str | None, page: str | None) -> Iterator[Item]:
        self._budget.enter_member()
        location = self._location.inside(self._steps.unique(shown(step)))
        try:
            content = self._budget.spool(cast(BinaryIO, ChunkStream(chunks)))
        except Unreadable as stop:
            yield Unread(location, stop.reason)
            return
        with content:
            size, opener = views(content)
            yield Blob(location, size, opener, media_type, page)


# --------------------------------------------------------------------------- embedded messages as mails


def as_mail(compound: _Compound, path: _Path, budget: Budget, depth: int = 0) -> Iterator[bytes]:
    """An embedded message as the mail it once was (RFC 5322): its headers, bodies and attachments, base64."""
    if depth > budget.limits.depth:
        raise Unreadable(Reason.TOO_DEEP)
    message = _Message(compound, path, budget)
    boundary = f"=_embedded_{depth}"
    yield b"MIME-Version: 1.0\r\n" + f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n'.encode()
    for line in message.headers().splitlines():
        if line.lower().startswith(("content-", "mime-version:")):
            continue
        yield (line if ":" in line.split(" ")[0] or line[:1] in " \t" else f"X-Line: {line}").encode("utf-8", "replace") + b"\r\n"
    for step, media_type, page, data in message.bodies():
        yield from _mail_part(boundary, f"{media_type}; charset={page or 'x-unknown'}", None, iter((data,)), step.startswith("body"))
    for number, storage in enumerate(message.children("__attach_version1.0_#"), start=1):
        yield from _mail_attachment(message, storage, number, boundary, depth)
    yield f"\r\n--{boundary}--\r\n".encode()


def _mail_attachment(message: _Message, storage: str, number: int, boundary: str, depth: int) -> Iterator[bytes]:
    inner = (*message.path, storage, f"__substg1.0_{_DATA}000D")
    data = message.binary(_DATA, (storage,))
    if message.compound.has(inner):
        yield f"\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n".encode()
        yield from as_mail(message.compound, inner, message.budget, depth + 1)
    elif data is not None:
        name = next(filter(None, (message.text(tag, (storage,)) for tag in _FILE_NAMES)), f"attachment-{number}.bin")
        yield from _mail_part(boundary, "application/octet-stream", name, message.compound.pieces(data), False)
    else:
        yield f'\r\n--{boundary}\r\nContent-Type: message/external-body; access-type="x-outlook"\r\n\r\n'.encode()


def _mail_part(boundary: str, kind: str, name: str | None, chunks: Iterator[bytes], is_body: bool) -> Iterator[bytes]:
    head = f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
    if not is_body:
        quoted = "".join(f"%{byte:02X}" for byte in (name or "").encode("utf-8", "replace"))
        head += f"Content-Disposition: attachment; filename*=utf-8''{quoted}\r\n"
    yield (head + "\r\n").encode()
    rest = b""
    for chunk in chunks:
        rest += chunk
        whole = len(rest) // 57 * 57
        if whole >= CHUNK:
            yield _base64_lines(rest[:whole])
            rest = rest[whole:]
    yield _base64_lines(rest)


def _base64_lines(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


EXTRACTORS = (OutlookMessage(),)
