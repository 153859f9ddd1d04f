"""Reads JSON documents and JSON lines in memory that does not depend on their length.

An array of objects is a table: nested keys are dotted, values of one key share a cell. Everything else is text as it
stands, its escapes resolved, so that line numbers are the file's own. Broken JSON is text too: nothing is dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from scanner.extract import sniff
from scanner.extract.charset import TextStream
from scanner.extract.text import MAX_ASIDE, PIECE, Aside, Window, pieces
from scanner.model import Batch, Blob, Budget, Decoded, Gap, Item, Reason, Table, Text

_LOOK = 1 << 20  # characters in which a value is expected to end
_LONGEST = 1 << 24  # of one record; a longer one is walked through as text
_SCHEMA_RECORDS = 500
_SCHEMA_SIZE = 1 << 23
_MAX_COLUMNS = 512
_BATCH_ROWS = 1 << 13
_BATCH_SIZE = 1 << 22
_MAX_PLACES = 200

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STRING_PART = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_CUT_ESCAPE = re.compile(r"\\u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\u?[0-9a-fA-F]{0,3})?)\Z")
_FILLER = re.compile(r'[^"\[\]{}]+')
_BLANK = re.compile(r"[\s,\ufeff]*")
_ESCAPE = re.compile(r'\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(["\\/bfnrt]))')


class _Pairs(tuple[tuple[str, Any], ...]):
    """A JSON object with all its pairs, equal keys too."""

    __slots__ = ()


# Numbers stay as they are written: a phone number loses no zero, and no digit limit can raise.
_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str, strict=False)


def unescape(text: str) -> str:
    """JSON's escapes resolved without moving lines: an escaped line end becomes a blank."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    high, low, unit, short = found.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if unit is not None:
        code = int(unit, 16)
        return "\ufffd" if 0xD800 <= code < 0xE000 else " " if code < 0x20 else chr(code)
    return " " if short in "bfnrt" else str(short)


def _parse(text: str, at: int) -> tuple[Any, int] | None:
    """(value, end) of the JSON value at `at`, None if it is broken, unfinished or nested beyond Python's stack."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


# --------------------------------------------------------------------------- records -> tables


@dataclass(slots=True)
class _Record:
    row: int
    line: int
    value: _Pairs
    size: int


def _leaves(record: _Pairs) -> dict[str, str]:
    """Dotted path -> text of an object's leaves; indices of arrays are left out, values of one path stand one a line."""
    found: dict[str, str] = {}
    stack: list[tuple[str, Any]] = [("", record)]
    while stack:
        path, value = stack.pop()
        if type(value) is _Pairs:
            prefix = path + "." if path else ""
            nested = [(prefix + key, inner) for key, inner in value]
        elif type(value) is list:
            nested = [(path, inner) for inner in value]
        else:
            text = value if type(value) is str else "" if value is None else "true" if value is True else "false"
            found[path] = found[path] + "\n" + text if found.get(path) else text
            continue
        stack.extend(reversed(nested))
    return found


def _tables(records: Iterator[_Record], place: str | None, kept: Aside) -> Iterator[Item]:
    """Records as tables; a new one begins where their keys change for good. What fits no column goes to `kept`."""
    while first := _schema_records(records):
        columns = list(dict.fromkeys(key for record in first for key in _leaves(record.value)))[:_MAX_COLUMNS]
        batches = _batches(chain(first, records), columns, kept)
        yield Table(tuple(columns), batches, place)
        for _ in batches:  # records that nobody asked for must not hide what comes after them
            pass
        yield from kept.items()
    yield from kept.items()


def _schema_records(records: Iterator[_Record]) -> list[_Record]:
    first: list[_Record] = []
    size = 0
    for record in records:
        first.append(record)
        size += record.size
        if len(first) >= _SCHEMA_RECORDS or size >= _SCHEMA_SIZE:
            break
    return first


def _batches(records: Iterator[_Record], columns: list[str], kept: Aside) -> Iterator[Batch]:
    known = dict.fromkeys(columns)
    rows: list[dict[str, str]] = []
    numbers: list[tuple[int, int]] = []
    size = strange = 0
    for seen, record in enumerate(records, 1):
        leaves = _leaves(record.value)
        if leaves.keys() - known.keys():
            strange += 1
            extra = "".join(f"{key}: {_flat(text)} " for key, text in leaves.items() if key not in known)
            kept.add(record.line, extra.rstrip() + "\n")
        rows.append(leaves)
        numbers.append((record.row, record.line))
        size += record.size
        if len(rows) >= _BATCH_ROWS or size >= _BATCH_SIZE:
            yield _batch(rows, numbers, columns)
            rows, numbers, size = [], [], 0
            if kept.size > MAX_ASIDE or strange * 4 > seen:
                return
    if rows:
        yield _batch(rows, numbers, columns)


def _flat(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _batch(rows: list[dict[str, str]], numbers: list[tuple[int, int]], columns: list[str]) -> Batch:
    import numpy as np
    import pyarrow as pa

    arrays = [_strings([row.get(name, "") for row in rows]) for name in columns] or [pa.array([""] * len(rows), pa.string())]
    pairs = np.array(numbers, np.int64)
    same = bool((pairs[:, 0] == pairs[:, 1]).all())
    names = [str(at) for at in range(len(arrays))]
    return Batch(pa.RecordBatch.from_arrays(arrays, names=names), pairs[:, 0].copy(), None if same else pairs[:, 1].copy())


def _strings(values: list[str]) -> Any:
    """A string array; lone surrogates, which JSON's escapes can make, become U+FFFD."""
    import pyarrow as pa

    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in values], pa.string())


# --------------------------------------------------------------------------- documents


class _Walker:
    """Walks a document leniently, token by token, and hands out the arrays of objects in it as tables."""

    def __init__(self, chunks: Iterator[str], max_depth: int) -> None:
        self._source = Window(chunks)
        self._max_depth = max_depth
        self._stack: list[tuple[str, str]] = []  # (bracket, pointer) of every open container
        self._key = ""
        self._in_string = False
        self._raw: list[str] = []
        self._raw_size = 0
        self._raw_line = 1
        self._continues = False
        self._kept = Aside()
        self._places: set[str] = set()
        self._rows: list[int] = []  # records met so far in every open container

    def items(self) -> Iterator[Item]:
        source = self._source
        deep = False
        while True:
            source.ensure(_LOOK)
            if source.at >= len(source.text):
                break
            char = source.text[source.at]
            if deep:
                self._take(len(source.text))
            elif self._in_string:
                self._string_goes_on()
            elif char == '"':
                self._string()
            elif char in "[{":
                deep = len(self._stack) >= self._max_depth
                if char == "{" and self._stack and self._stack[-1][0] == "[" and self._is_record():
                    yield from self._flush(True)
                    yield from _tables(self._records(), self._place(), self._kept)
                elif not deep:
                    self._open(char)
            elif char in "]}":
                if self._stack:
                    self._stack.pop()
                    self._rows.pop()
                self._take(source.at + 1)
            else:
                found = _FILLER.match(source.text, source.at)
                self._take(found.end() if found else source.at + 1)
            yield from self._flush(False)
        yield from self._flush(True)
        if deep:
            yield Gap(Reason.TOO_DEEP)
        elif self._stack:
            yield Gap(Reason.TRUNCATED)

    def _take(self, end: int) -> None:
        """Text up to `end` is kept as it stands."""
        if not self._raw:
            self._raw_line = self._source.line
        taken = self._source.take(end)
        self._raw.append(taken)
        self._raw_size += len(taken)

    def _flush(self, everything: bool) -> Iterator[Text]:
        if self._raw_size < PIECE and not everything:
            return
        text = "".join(self._raw)
        self._raw, self._raw_size = [], 0
        if text.strip(' \t\r\n,:[]{}"'):
            yield from pieces((unescape(text),), None, self._raw_line, self._continues)
        self._continues = not everything

    def _string(self) -> None:
        """A string, which may be a key; one without an end in sight is taken in parts."""
        source = self._source
        found = _STRING.match(source.text, source.at)
        if found is None:
            self._take(source.at + 1)
            self._in_string = True
            return
        if self._stack and self._stack[-1][0] == "{" and re.compile(r"\s*:").match(source.text, found.end()):
            self._key = found.group()[1:-1]
        self._take(found.end())

    def _string_goes_on(self) -> None:
        """More of a string whose end was not in sight."""
        source = self._source
        part = _STRING_PART.match(source.text, source.at)
        end = part.end() if part else source.at
        if end == len(source.text) and not source.ended and (cut := _CUT_ESCAPE.search(source.text, max(source.at, end - 12))):
            end = cut.start()
        self._take(end)
        source.ensure(_LOOK)
        if source.text[source.at : source.at + 1] == '"':
            self._in_string = False
            self._take(source.at + 1)
        elif len(source.text) - source.at == 1:  # a backslash at the very end
            self._take(len(source.text))

    def _open(self, char: str) -> None:
        """A container: taken whole if it ends in sight and holds no records, else entered."""
        source = self._source
        after = _BLANK.match(source.text, source.at + 1)
        next_char = source.text[after.end() : after.end() + 1] if after else ""
        if not (char == "[" and next_char == "{"):
            parsed = _parse(source.text, source.at)
            if parsed is not None and not _has_records(parsed[0], self._max_depth - len(self._stack)):
                self._take(parsed[1])
                return
        self._stack.append((char, self._pointer(char)))
        self._rows.append(0)
        self._take(source.at + 1)

    def _pointer(self, char: str) -> str:
        if not self._stack:
            return "$"
        bracket, pointer = self._stack[-1]
        if bracket == "[":
            return pointer + "[*]"
        # A key that is no plain name may be a value itself (an address book keyed by e-mail): places hold none.
        plain = re.fullmatch(r"[^\W\d][\w-]{0,39}", self._key) and not re.search(r"\d{4}", self._key)
        return f"{pointer}.{self._key}" if plain else f"{pointer}.*"

    def _place(self) -> str | None:
        """The pointer of the array in hand; past a number of places all are one."""
        pointer = self._stack[-1][1] if self._stack else "$"
        if pointer == "$":
            return None
        if pointer not in self._places and len(self._places) >= _MAX_PLACES:
            return "$"
        self._places.add(pointer)
        return pointer

    def _is_record(self) -> bool:
        return self._record_end() is not None

    def _record_end(self) -> tuple[Any, int] | None:
        source = self._source
        parsed = _parse(source.text, source.at)
        if parsed is None and not source.ended:
            source.ensure(_LONGEST)
            parsed = _parse(source.text, source.at)
        if parsed is None or _depth_over(parsed[0], self._max_depth - len(self._stack)):
            return None
        return parsed

    def _records(self) -> Iterator[_Record]:
        """Objects of the array in hand, one after the other; scalars between them are kept. Ends before what is neither."""
        source = self._source
        while True:
            blank = _BLANK.match(source.text, source.at)
            source.take(blank.end() if blank else source.at)
            source.ensure(_LOOK)
            char = source.text[source.at : source.at + 1]
            if char == "{":
                parsed = self._record_end()
                if parsed is None:
                    return
                self._rows[-1] += 1
                line, start = source.line, source.at
                source.take(parsed[1])
                yield _Record(self._rows[-1], line, parsed[0], parsed[1] - start)
            elif char and char.isspace():
                continue
            elif not char or char in "[]}" or not self._keep_scalar():
                return

    def _keep_scalar(self) -> bool:
        source = self._source
        found = _FILLER.match(source.text, source.at) or _STRING.match(source.text, source.at)
        if found is None or self._kept.size > MAX_ASIDE:
            return False
        line = source.line
        self._kept.add(line, unescape(source.take(found.end())))
        return True


def _has_records(value: Any, max_depth: int) -> bool:
    """Whether an array of objects lies anywhere in a value, or it is nested too deeply to say."""
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        inner, depth = stack.pop()
        if depth > max_depth:
            return True
        if type(inner) is _Pairs:
            stack.extend((child, depth + 1) for _, child in inner if type(child) in (_Pairs, list))
        elif type(inner) is list:
            for child in inner:
                if type(child) is _Pairs:
                    return True
                if type(child) is list:
                    stack.append((child, depth + 1))
    return False


def _depth_over(value: Any, max_depth: int) -> bool:
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        inner, depth = stack.pop()
        if depth > max_depth:
            return True
        children = [child for _, child in inner] if type(inner) is _Pairs else inner
        stack.extend((child, depth + 1) for child in children if type(child) in (_Pairs, list))
    return False


class JsonDocument:
    """One JSON document (or several in a row): its arrays of objects as tables, the rest as text."""

    media_types = frozenset({sniff.JSON})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            stream = TextStream(raw, blob.declared_charset)
            yield from _Walker(stream.chunks(_LOOK), budget.limits.markup_depth).items()
            yield Decoded(stream.encoding, stream.undecoded)


# --------------------------------------------------------------------------- lines


class JsonLines:
    """One JSON value a line: objects are rows of one table, other lines text."""

    media_types = frozenset({sniff.NDJSON})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            stream = TextStream(raw, blob.declared_charset)
            kept = Aside()
            reader = _LineReader(stream.chunks(_LOOK), kept, budget.limits.markup_depth)
            yield from _tables(reader.records(), None, kept)
            while not reader.ended:
                yield from _tables(reader.records(), None, kept)
            if reader.too_deep:
                yield Gap(Reason.TOO_DEEP)
            yield Decoded(stream.encoding, stream.undecoded)


class _LineReader:
    def __init__(self, chunks: Iterator[str], kept: Aside, max_depth: int) -> None:
        self._lines = _lines(chunks)
        self._kept = kept
        self._max_depth = max_depth
        self.too_deep = False
        self.ended = False

    def records(self) -> Iterator[_Record]:
        """Records until so much else was kept that it must be told in between, or the end."""
        for number, line, whole in self._lines:
            parsed = _parse(line, len(line) - len(line.lstrip())) if whole and line.strip() else None
            if parsed is not None and type(parsed[0]) is _Pairs and not line[parsed[1] :].strip():
                if not _depth_over(parsed[0], self._max_depth):
                    yield _Record(number, number, parsed[0], len(line))
                    continue
                self.too_deep = True
            if line.strip():
                self._kept.add(number, unescape(line), continues=not whole)
                if self._kept.size > MAX_ASIDE:
                    return
        self.ended = True


def _lines(chunks: Iterator[str]) -> Iterator[tuple[int, str, bool]]:
    """(number, line with its end, whether it is whole); a line beyond reason comes in parts."""
    number, rest, long = 1, "", False
    for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        for line in lines:
            yield number, line + "\n", not long
            number, long = number + 1, False
        if len(rest) > _LONGEST:
            yield number, rest, False
            rest, long = "", True
    if rest:
        yield number, rest, not long


EXTRACTORS = (JsonDocument(), JsonLines())
