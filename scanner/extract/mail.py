"""Mails (eml) and mail folders (mbox): headers as text, bodies and attachments as members, to any depth."""

from __future__ import annotations

import codecs
import mimetypes
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from scanner.extract.budget import CHUNK, ChunkStream, open_slice, stream_size, views
from scanner.extract.member_names import Steps, shown
from scanner.extract.mime import ENCODED, HEADER_BYTES, IDENTITY, Part, Payload, decode_words, occurrences, read_part, split_multipart
from scanner.model import Blob, Budget, Gap, Item, Location, Reason, Text, Unread, Unreadable

_NOISE = (
    "dkim-signature",
    "domainkey-signature",
    "arc-",
    "x-google-dkim-signature",
    "message-id",
    "in-reply-to",
    "references",
    "content-id",
)
"""Fields that are keyed noise, or names of mails in the form of addresses (RFC 5322, 3.6.4): nobody's mailbox."""
_STOCK_PREAMBLE = re.compile(rb"\s*This is a multi-?part(?: MIME)? message(?: in MIME format)?\.?\s*", re.IGNORECASE)
_PGP = b"-----BEGIN PGP MESSAGE-----"
_ENVELOPED = bytes.fromhex("06092a864886f70d0107")  # PKCS #7 content type; the next byte says which
_TEXT_BODIES = {
    "text/plain": "body.txt",
    "text/html": "body.html",
    "text/enriched": "body.txt",
    "text/calendar": "body.ics",
    "text/x-amp-html": "body.html",
}


class Mail:
    """Reader of one mail."""

    media_types = frozenset({"message/rfc822"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as stream:
            size = stream_size(stream)
            start, line = _first_field(stream)
            message = read_part(stream, start, size)
            if not message.headers:
                raise Unreadable(Reason.DAMAGED)
            yield Text(_header_text(message), place="headers", first_line=line)
            if message.cut:
                yield Gap(Reason.TOO_LARGE, "headers")
            yield from _Parts(stream, blob.location, budget).items(message, depth=0)


def _first_field(stream: BinaryIO) -> tuple[int, int]:
    """(offset, line) where the headers begin: a byte order mark and blank lines before them are no part of them."""
    head = stream.read(4096)
    start = 3 if head.startswith(codecs.BOM_UTF8) else 0
    blank = len(head) - start - len(head[start:].lstrip(b"\r\n"))
    return start + blank, 1 + head[: start + blank].count(b"\n")


def _header_text(message: Part) -> str:
    """One field a line; a folded one is followed by as many blank lines, so that line numbers stay those of the file."""
    lines = []
    for header in message.headers:
        noise = header.name.startswith(_NOISE)
        lines.append(("" if noise else f"{header.shown}: " if header.shown else "") + ("" if noise else decode_words(header.value)))
        lines.extend([""] * (max(header.lines, 1) - 1))
    return "\n".join(lines)


class _Parts:
    """Walks the parts of one mail."""

    def __init__(self, stream: BinaryIO, location: Location, budget: Budget) -> None:
        self._stream = stream
        self._location = location
        self._budget = budget
        self._steps = Steps()
        self._attachments = 0
        self._messages = 0

    def items(self, part: Part, depth: int) -> Iterator[Item]:
        kind = part.content_type
        if kind.startswith("multipart/"):
            yield from self._multipart(part, kind, depth)
        elif kind in ("message/external-body",):
            yield Gap(Reason.REMOTE_REFERENCE)
        elif kind in ("application/pgp-encrypted",):
            return
        else:
            yield from self._leaf(part, kind)

    def _multipart(self, part: Part, kind: str, depth: int) -> Iterator[Item]:
        boundary = part.type_parameters.get("boundary", "").rstrip()
        if depth >= self._budget.limits.depth:
            yield Gap(Reason.TOO_DEEP)
            return
        raw = boundary.encode("utf-8", "surrogateescape")
        split = split_multipart(self._stream, part.body, part.end, raw, self._budget.limits.members) if raw else None
        if split is None or not split.parts:
            yield Gap(Reason.TRUNCATED if raw else Reason.DAMAGED)
            yield from self._beside("body.txt", part.body, part.end)
            return
        yield from self._beside("preamble.txt", *split.preamble)
        default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        for start, end in split.parts:
            child = read_part(self._stream, start, end, default)
            if kind == "multipart/encrypted" and child.content_type != "application/pgp-encrypted":
                yield self._unread(child, Reason.ENCRYPTED)
            else:
                yield from self.items(child, depth + 1)
        yield from self._beside("epilogue.txt", *split.epilogue)
        if not split.closed:
            yield Gap(Reason.TRUNCATED)

    def _beside(self, name: str, start: int, end: int) -> Iterator[Item]:
        """Text that stands outside the parts, where few readers look: a member of its own, unless blank or stock."""
        self._stream.seek(start)
        head = self._stream.read(min(1024, end - start))
        if (end - start <= 1024 and not head.strip()) or _STOCK_PREAMBLE.fullmatch(head):
            return
        yield self._slice(self._location.inside(self._steps.unique(name)), start, end, None, None)

    def _leaf(self, part: Part, kind: str) -> Iterator[Item]:
        encoding = part.transfer_encoding
        location = self._location.inside(self._step(part, kind))
        declared = part.type_parameters.get("charset")
        if not ENCODED(encoding):
            if self._is_sealed(part, kind, self._head(part)):
                self._budget.enter_member()
                yield Unread(location, Reason.ENCRYPTED, part.end - part.body)
                return
            yield self._slice(location, part.body, part.end, kind, declared)
            if not IDENTITY(encoding):
                yield Gap(Reason.UNKNOWN_FORMAT)
        else:
            yield from self._decoded(part, kind, location, declared)
        if kind == "message/partial":
            yield Gap(Reason.TRUNCATED)

    def _decoded(self, part: Part, kind: str, location: Location, declared: str | None) -> Iterator[Item]:
        self._budget.enter_member()
        payload = Payload(self._stream, part.body, part.end, part.transfer_encoding)
        try:
            content = self._budget.spool(cast(BinaryIO, ChunkStream(payload.chunks())))
        except Unreadable as stop:
            yield Unread(location, stop.reason)
            return
        with content:
            size, opener = views(content)
            head = content.read(4096)
            if self._is_sealed(part, kind, head):
                yield Unread(location, Reason.ENCRYPTED, size)
                return
            if payload.fault is not None and size == 0:
                yield Unread(location, payload.fault, size)
            else:
                yield Blob(location, size, opener, kind, declared, fault=payload.fault)
        if payload.fault is not None:
            yield Gap(payload.fault)

    def _slice(self, location: Location, start: int, end: int, kind: str | None, declared: str | None) -> Blob:
        self._budget.enter_member()
        return Blob(location, end - start, lambda: open_slice(self._stream, start, end - start), kind, declared)

    def _head(self, part: Part) -> bytes:
        self._stream.seek(part.body)
        return self._stream.read(min(4096, part.end - part.body))

    def _is_sealed(self, part: Part, kind: str, head: bytes) -> bool:
        """Enveloped S/MIME (by its parameter or its bytes), or a PGP message as text."""
        if kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
            at = head.find(_ENVELOPED, 0, 64)
            return part.type_parameters.get("smime-type", "").lower() == "enveloped-data" or (
                at >= 0 and head[at + 10 : at + 11] in (b"\x03", b"\x06")
            )
        return head.lstrip().startswith(_PGP)

    def _unread(self, part: Part, reason: Reason) -> Unread:
        self._budget.enter_member()
        return Unread(self._location.inside(self._step(part, part.content_type)), reason, part.end - part.body)

    def _step(self, part: Part, kind: str) -> str:
        name = part.file_name
        if kind in ("message/rfc822", "message/global", "message/partial"):
            self._messages += 1
            return self._steps.unique(f"message-{self._messages}.eml")
        if part.disposition != "attachment" and name is None and kind.startswith("text/"):
            return self._steps.unique(_TEXT_BODIES.get(kind, "body.txt"))
        self._attachments += 1
        if name is None:
            return self._steps.unique(f"attachment-{self._attachments}{_extension(kind)}")
        return self._steps.unique(shown(name))


def _extension(kind: str) -> str:
    # An instance of its own knows the built-in types only, not those of the machine it runs on.
    return mimetypes.MimeTypes().guess_extension(kind) or ".bin"


# --------------------------------------------------------------------------- mail folders


_TIME = re.compile(rb"From .*\d:\d\d")
_NEXT_IS_FIELD = re.compile(rb"From [^\n]*\n(?:>?From |[!-9;-~]+[ \t]*:)")


class MailFolder:
    """Reader of mbox files of any size: message by message, each where it lies (RFC 4155; mboxrd and mboxo quoting undone)."""

    media_types = frozenset({"application/mbox"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as stream:
            size = stream_size(stream)
            starts = _separators(stream, size)
            start = next(starts, None)
            if start is None:
                raise Unreadable(Reason.DAMAGED)
            number = 0
            while start is not None:
                following = next(starts, None)
                number += 1
                budget.enter_member()
                location = blob.location.inside(f"message-{number}.eml")
                yield from _message(stream, start, size if following is None else following, location, budget)
                start = following


def _separators(stream: BinaryIO, size: int) -> Iterator[int]:
    """Offsets of the "From " lines that begin a message: at the start, or after a line end and followed by what a message begins with.

    A line of prose that begins with "From " is none, unless it looks exactly like one; then one mail is read as two, nothing is lost.
    """
    stream.seek(0)
    if stream.read(5) == b"From ":
        yield 0
    for at in occurrences(stream, b"\nFrom ", 0, size):
        stream.seek(max(0, at - 2))
        before, line = stream.read(at - max(0, at - 2)), stream.read(1024)[1:]
        blank = before.endswith(b"\n") or before == b"\n\r"
        dated = _TIME.match(line) is not None
        field = _NEXT_IS_FIELD.match(line.replace(b"\r\n", b"\n")) is not None
        if (blank and (dated or field)) or (dated and field):
            yield at + 1


def _message(stream: BinaryIO, start: int, end: int, location: Location, budget: Budget) -> Iterator[Item]:
    stream.seek(start)
    body = start + len(stream.readline(min(HEADER_BYTES, end - start)))
    if next(occurrences(stream, b"\n>From ", body, end), None) is None and next(occurrences(stream, b">>From ", body, end), None) is None:
        yield Blob(location, end - body, lambda: open_slice(stream, body, end - body), "message/rfc822")
        return
    try:
        content = budget.spool(cast(BinaryIO, ChunkStream(_unquoted(open_slice(stream, body, end - body)))))
    except Unreadable as stop:
        yield Unread(location, stop.reason, end - body)
        return
    with content:
        size, opener = views(content)
        yield Blob(location, size, opener, "message/rfc822")


def _unquoted(message: BinaryIO) -> Iterator[bytes]:
    quoted = re.compile(rb"^>(>*From )", re.MULTILINE)
    rest = b""
    with message:
        while chunk := message.read(CHUNK):
            rest += chunk
            cut = rest.rfind(b"\n") + 1
            if cut or len(rest) > 4 * CHUNK:
                cut = cut or len(rest)
                yield quoted.sub(rb"\1", rest[:cut])
                rest = rest[cut:]
    yield quoted.sub(rb"\1", rest)


EXTRACTORS = (Mail(), MailFolder())
