"""Reads vCards (2.1, RFC 2426, RFC 6350): each card a row, each kind of property a column."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from scanner.extract import charset, sniff
from scanner.extract.text import pieces
from scanner.model import Batch, Blob, Budget, Decoded, Item, Table

_COLUMNS = ("FN", "N", "KANA", "NICKNAME", "TEL", "EMAIL", "ADR", "BDAY", "ORG", "TITLE", "ROLE", "NOTE", "URL", "OTHER")
_KANA = frozenset({"SOUND", "X-PHONETIC-FIRST-NAME", "X-PHONETIC-LAST-NAME"})
_IGNORED = frozenset({"BEGIN", "END", "VERSION", "PRODID", "REV", "PHOTO", "LOGO", "KEY", "UID"})  # pictures and keys hold no text
_MAX_CARD = 1 << 20
_BATCH = 4096
_PROPERTY = re.compile(rb"(?:[\w-]+\.)?([A-Za-z][\w-]*)((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)", re.DOTALL)


@dataclass(slots=True)
class _Card:
    line: int
    cells: dict[str, list[str]]


@dataclass(slots=True)
class _State:
    encoding: str
    default: str
    undecoded: int = 0
    loose: list[tuple[int, str]] | None = None  # text outside every card


class VCards:
    """One table of all cards of a file; what stands outside the cards as text."""

    media_types = frozenset({sniff.VCARD})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            head = charset.read(raw, charset.HEAD_BYTES)
            found = charset.guess(head, blob.declared_charset, len(head) < charset.HEAD_BYTES)
            raw.seek(0)
            if found.codec.startswith(("utf-16", "utf-32", "iso-2022")):
                stream = charset.TextStream(raw, blob.declared_charset)
                lines: Iterator[bytes] = (text.encode("utf-8", "replace") for text in _text_lines(stream))
                state = _State(found.encoding, "utf-8", loose=[])
            else:
                raw.seek(found.bom)
                lines = _lines(raw)
                state = _State(found.encoding, found.encoding, loose=[])
            batches = _batches(_cards(lines, state))
            yield Table(_COLUMNS, batches)
            for _ in batches:
                pass
            for line, text in state.loose or ():
                yield from pieces((text,), None, line)
            yield Decoded(state.encoding, state.undecoded)


def _text_lines(stream: charset.TextStream) -> Iterator[str]:
    rest = ""
    for chunk in stream.chunks():
        *lines, rest = (rest + chunk).split("\n")
        yield from (line.rstrip("\r") for line in lines)
    if rest:
        yield rest


def _lines(raw: BinaryIO) -> Iterator[bytes]:
    """Physical lines without their ends, an over-long one in pieces (it is a picture's or no vCard)."""
    while line := raw.readline(_MAX_CARD):
        yield line.rstrip(b"\r\n")


def _cards(lines: Iterator[bytes], state: _State) -> Iterator[_Card]:
    card: _Card | None = None
    for number, line in _unfolded(lines):
        word = line.strip().upper()
        if word == b"BEGIN:VCARD":
            if card is not None:
                yield card
            card = _Card(number, {})
        elif card is None:
            if line.strip() and state.loose is not None and len(state.loose) < 10_000:
                state.loose.append((number, _decode(line, None, state)))
        elif word == b"END:VCARD":
            yield card
            card = None
        else:
            _add(card, line, state)
    if card is not None:
        yield card


def _unfolded(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Logical lines with the number of their first physical line: a blank begins a continuation (RFC 6350, 3.2), and
    QUOTED-PRINTABLE of 2.1 goes on after a ``=`` at the end."""
    start, parts, size = 0, list[bytes](), 0
    soft = False
    for number, line in enumerate(lines, 1):
        continued = bool(parts) and (soft or line[:1] in (b" ", b"\t")) and not line.upper().startswith((b"BEGIN:", b"END:"))
        if continued:
            size += len(line)
            if size <= _MAX_CARD:
                parts.append(line if soft else line[1:])
        else:
            if parts:
                yield start, b"".join(parts)
            start, parts, size = number, [line], len(line)
        soft = line.endswith(b"=") and b"QUOTED-PRINTABLE" in parts[0].upper()
        if soft and parts[-1].endswith(b"="):
            parts[-1] = parts[-1][:-1]
    if parts:
        yield start, b"".join(parts)


def _add(card: _Card, line: bytes, state: _State) -> None:
    found = _PROPERTY.match(line)
    if found is None:
        if line.strip():
            card.cells.setdefault("OTHER", []).append(_decode(line, None, state))
        return
    name = found.group(1).decode("ascii", "replace").upper()
    parameters = found.group(2).upper()
    if name in _IGNORED or b"ENCODING=B" in parameters or b";BASE64" in parameters:
        return
    value = found.group(3)
    declared = re.search(rb"CHARSET=\"?([\w-]+)", parameters)
    if b"QUOTED-PRINTABLE" in parameters:
        value = quopri.decodestring(value)
    text = _decode(value, declared.group(1).decode("ascii") if declared else None, state)
    column = "KANA" if name in _KANA else name if name in _COLUMNS else "OTHER"
    card.cells.setdefault(column, []).append(_plain(text, column))


def _decode(data: bytes, declared: str | None, state: _State) -> str:
    if data.isascii() and b"\x1b" not in data:
        return data.decode("ascii")
    text, _, undecoded = charset.decode(data, declared or state.default)
    state.undecoded += undecoded
    return text


def _plain(text: str, column: str) -> str:
    """A value without its escapes; parts of a name or an address parted by blanks."""
    if column in ("N", "ADR", "KANA", "ORG"):
        text = " ".join(part for part in re.split(r"(?<!\\);", text) if part)
    text = re.sub(r"\\([nN;,:\\])", lambda found: "\n" if found.group(1) in "nN" else found.group(1), text)
    return re.sub(r"(?i)^(?:tel|mailto):", "", text)


def _batches(cards: Iterator[_Card]) -> Iterator[Batch]:
    pending: list[_Card] = []
    row = 0
    size = 0
    for card in cards:
        pending.append(card)
        size += sum(len(value) for values in card.cells.values() for value in values)
        if len(pending) >= _BATCH or size > 4 * _MAX_CARD:
            yield _batch(pending, row)
            row += len(pending)
            pending, size = [], 0
    if pending:
        yield _batch(pending, row)


def _batch(cards: list[_Card], before: int) -> Batch:
    """Rows are the cards' numbers; several values of one kind share a cell, a line each."""
    import numpy as np
    import pyarrow as pa

    columns = [pa.array(["\n".join(card.cells.get(name, ())) for card in cards], pa.string()) for name in _COLUMNS]
    rows = np.arange(before + 1, before + 1 + len(cards), dtype=np.int64)
    return Batch(pa.RecordBatch.from_arrays(columns, names=list(_COLUMNS)), rows, np.array([card.line for card in cards], np.int64))


EXTRACTORS = (VCards(),)
