"""Reads XML: repeated records as tables, everything else as lines ``tag: value``; entities are never fetched, nor piled up."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import html5
from xml.parsers import expat

from scanner.extract import sniff
from scanner.extract.charset import TextStream
from scanner.extract.html import declared_charset
from scanner.extract.markup import END, START, TEXT, attributes_of, fault_of, local
from scanner.extract.prose import LinedText, pieces
from scanner.model import Batch, Blob, Budget, Decoded, Extractor, Gap, Item, Reason, Table, Text, Unreadable

_LOOK = 20_000
_ROWS = 8_192
_CHARACTERS = 4_000_000
_COLUMNS = 2_000
_NOTE_CHARACTERS = 8_000_000
_VALUE_CHARACTERS = 1_000_000
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Event = tuple[int, str, dict[str, str], int]
"""START, END or TEXT; local name or text; attributes; physical line."""


class _Events:
    """Decoded text fed to expat as UTF-8; the events, and what went wrong, come out."""

    def __init__(self, text: TextStream, budget: Budget) -> None:
        self._text = text
        self._limits = budget.limits
        self._queue: list[Event] = []
        self._depth = 0
        self._fed = 0
        self._said = 0
        self.fault: Reason | None = None
        self.remote = False
        self.notes: list[str] = []
        self._noted = 0
        self.notes_cut = False
        self._parser = self._new_parser()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.CommentHandler = self._note
        parser.ProcessingInstructionHandler = lambda target, data: self._note(data)
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped
        parser.ExternalEntityRefHandler = self._external
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        return parser

    def _start(self, name: str, flat: list[str]) -> None:
        self._depth += 1
        if self._depth > self._limits.markup_depth:
            raise Unreadable(Reason.TOO_DEEP)
        self._queue.append((START, local(name), attributes_of(flat) if flat else {}, self._parser.CurrentLineNumber))

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._queue.append((END, local(name), {}, self._parser.CurrentLineNumber))

    def _data(self, text: str) -> None:
        self._said += len(text)
        if self._said > self._limits.ratio_floor and self._said > self._limits.ratio * max(self._fed, 1):
            raise Unreadable(Reason.RATIO)
        self._queue.append((TEXT, text, {}, self._parser.CurrentLineNumber))

    def _entity(self, name: str, is_parameter: int, value: str | None, *ids: str | None) -> None:
        """An entity made of entities is how a few lines become gigabytes; one from elsewhere is not fetched."""
        if value is None:
            self.remote = True
        elif "&" in value or is_parameter:
            raise Unreadable(Reason.RATIO)
        else:
            self._note(value)

    def _note(self, text: str) -> None:
        self._noted += len(text)
        if self._noted <= _NOTE_CHARACTERS:
            self.notes.append(text)
        else:
            self.notes_cut = True

    def _skipped(self, name: str, is_parameter: int) -> None:
        """An entity of a DTD that lies elsewhere: HTML's are known, any other is a word not read."""
        text = html5.get(name + ";")
        if text is not None:
            self._data(text)
        else:
            self.remote = True

    def _external(self, *_: object) -> int:
        self.remote = True
        return 1

    def __iter__(self) -> Iterator[Event]:
        """Events up to the end or the fault; a plain fault of well-formedness hands the rest of the text to `rest`."""
        chunks = self._text.chunks(1 << 16)
        first = True
        for chunk in chunks:
            if first:
                chunk, first = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), chunk, count=1), False
            yield from self._feed(chunk, chunks)
            if self.fault is not None:
                return
        yield from self._feed("", chunks, final=True)

    def _feed(self, chunk: str, chunks: Iterator[str], *, final: bool = False) -> Iterator[Event]:
        data = _FORBIDDEN.sub("\ufffd", chunk).encode()
        self._fed += len(data)
        try:
            self._parser.Parse(data, final)
        except Unreadable as error:
            self.fault = error.reason
        except expat.ExpatError as error:
            self.fault = fault_of(error)
            if self.fault is not Reason.DAMAGED:
                chunks = iter(())  # cut: nothing follows; a pile of entities: not to be read
                data = b""
            self._rest = (data[max(0, self._parser.ErrorByteIndex - self._fed + len(data)) :].decode("utf-8", "replace"), chunks)
            self._rest_line = self._parser.ErrorLineNumber
        queue, self._queue = self._queue, []
        yield from queue

    _rest: tuple[str, Iterator[str]] | None = None
    _rest_line = 1

    def rest(self) -> Iterator[Item]:
        """What follows a fault of well-formedness, as it stands."""
        if self._rest is None:
            return
        text, chunks = self._rest
        line = self._rest_line
        yield from pieces(text, None, line)
        line += text.count("\n")
        for chunk in chunks:
            yield from pieces(chunk, None, line)
            line += chunk.count("\n")


# --------------------------------------------------------------------------- which elements are records


@dataclass(slots=True)
class _Shape:
    """What the first events tell of a path of tags: how often it repeats within one parent, and what it holds."""

    most: int = 0
    total: int = 0
    fields: set[str] = field(default_factory=set)


def record_path(events: list[Event]) -> tuple[str, ...] | None:
    """The path of tags whose elements are records: repeated within a parent, of two fields or more, and holding no other
    records; the most frequent of these. None if there is none."""
    shapes: dict[tuple[str, ...], _Shape] = {}
    path: list[str] = []
    counts: list[Counter[str]] = [Counter()]
    for kind, tag, attributes, _ in events:
        if kind == START:
            path.append(tag)
            counts[-1][tag] += 1
            shape = shapes.setdefault(tuple(path), _Shape())
            shape.most = max(shape.most, counts[-1][tag])
            shape.total += 1
            shape.fields.update(attributes)
            if len(path) > 1:
                shapes[tuple(path[:-1])].fields.add(tag)
            counts.append(Counter())
        elif kind == END and path:
            path.pop()
            counts.pop()
    compound = {path: shape for path, shape in shapes.items() if shape.most >= 2 and len(shape.fields) >= 2}
    inner = [path for path in compound if not any(other != path and other[: len(path)] == path for other in compound)]
    return max(inner, key=lambda path: compound[path].total, default=None)


@dataclass(slots=True)
class _Record:
    line: int
    depth: int
    values: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: str) -> None:
        """A field that repeats holds its values on lines of their own."""
        if value:
            old = self.values.get(name)
            joined = value if old is None else f"{old}\n{value}"
            self.values[name] = joined[:_VALUE_CHARACTERS]


class _Walker:
    """Events in; records and lines out."""

    def __init__(self, records: tuple[str, ...] | None) -> None:
        self._records = list(records) if records else None
        self._path: list[str] = []
        self._words: list[list[str]] = []
        self._record: _Record | None = None
        self._lines = LinedText(None)
        self.rows: list[_Record] = []
        self.row_characters = 0
        self.texts: list[Text] = []
        self._line = 1

    def feed(self, event: Event) -> None:
        kind, tag, attributes, line = event
        self._line = line
        if kind == TEXT:
            if self._words:
                self._words[-1].append(tag)
        elif kind == START:
            self._say_words(line)  # text before a child element (mixed content) is told in its order
            self._path.append(tag)
            self._words.append([])
            if self._record is None and self._path == self._records:
                self._record = _Record(line, len(self._path))
            for name, value in attributes.items():
                if not name.startswith(":"):
                    self._say(name, value.strip(), line, attribute=True)
        elif self._path:
            self._end(line)

    def _say_words(self, line: int) -> None:
        """`line` is where the words end; they began as many line ends before."""
        if self._words and self._words[-1]:
            raw = "".join(self._words[-1])
            self._words[-1].clear()
            text = raw.strip()
            if text:
                blank = len(raw) - len(raw.lstrip())
                self._say(self._path[-1], text, line - raw.count("\n", blank))

    def _end(self, line: int) -> None:
        self._say_words(line)
        self._words.pop()
        if self._record is not None and len(self._path) == self._record.depth:
            self.rows.append(self._record)
            self.row_characters += 64 + sum(map(len, self._record.values.values()))
            self._record = None
        self._path.pop()

    def _say(self, label: str, value: str, line: int, *, attribute: bool = False) -> None:
        if not value:
            return
        if self._record is not None:
            inner = self._path[self._record.depth :] + ([label] if attribute else [])
            self._record.put("/".join(inner) or label, value)
            return
        self._lines.edge("\t")
        if (done := self._lines.add(f"{label}: {value}", line)) is not None:
            self.texts.append(done)

    def finish(self) -> None:
        """A document that was cut: what its open elements said so far counts."""
        while self._path:
            self._end(self._line)

    def take(self, *, final: bool = False) -> Iterator[Item]:
        """The texts that are finished; at the end all of them."""
        if final and (last := self._lines.take()) is not None:
            self.texts.append(last)
        texts, self.texts = self.texts, []
        for text in texts:
            yield from pieces(text.text, text.place, text.first_line)


class _Records:
    """The segments of records that a walk gives, made into tables: one goes on as long as its columns suffice."""

    def __init__(self, events: Iterator[Event], walker: _Walker) -> None:
        self._walker = walker
        self._segments = self._cut(events)
        self._pending: list[_Record] | None = None
        self._met = 0

    def _cut(self, events: Iterator[Event]) -> Iterator[list[_Record]]:
        walker = self._walker
        for event in events:
            walker.feed(event)
            if len(walker.rows) >= _ROWS or walker.row_characters > _CHARACTERS or len(walker.texts) > 1:
                rows, walker.rows, walker.row_characters = walker.rows, [], 0
                yield rows
        walker.finish()
        yield walker.rows

    def items(self) -> Iterator[Item]:
        self._pending = next(self._segments, None)
        while (rows := self._pending) is not None:
            yield from self._walker.take()
            names = list(dict.fromkeys(name for row in rows for name in row.values))
            if names and len(names) <= _COLUMNS:
                batches = self._stream(rows, names)
                yield Table(tuple(names), batches)
                for _ in batches:  # whoever left the table unread must still find what follows it
                    pass
            else:
                yield from self._wide(rows)
        yield from self._walker.take(final=True)

    def _stream(self, rows: list[_Record], names: list[str]) -> Iterator[Batch]:
        known = set(names)
        yield self._batch(rows, names)
        while True:
            self._pending = next(self._segments, None)
            if self._pending is None or self._walker.texts or any(row.values.keys() - known for row in self._pending):
                return
            if self._pending:
                yield self._batch(self._pending, names)

    def _batch(self, rows: list[_Record], names: list[str]) -> Batch:
        import numpy as np
        import pyarrow as pa

        arrays = [pa.array([row.values.get(name) for row in rows], pa.string()) for name in names]
        batch = pa.RecordBatch.from_arrays(arrays, names=[str(index) for index in range(len(names))])
        first, self._met = self._met + 1, self._met + len(rows)
        numbers = np.arange(first, first + len(rows), dtype=np.int64)
        return Batch(batch, numbers, np.array([row.line for row in rows], dtype=np.int64))

    def _wide(self, rows: list[_Record]) -> Iterator[Item]:
        """Records of thousands of fields (or of none) are no table: lines then."""
        for row in rows:
            yield from pieces("\n".join(f"{name}: {value}" for name, value in row.values.items()), None, row.line)
        self._met += len(rows)
        self._pending = next(self._segments, None)


class Xml:
    """XML 1.0 in any encoding (decoded first: expat itself knows four). Text and records carry physical lines.

    A record is an element that repeats and has at least two fields (child elements or attributes); its row number
    counts records from 1. Namespaces are left off the names.
    """

    media_types = frozenset({sniff.XML, "text/xml"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as stream:
            text = TextStream(stream, blob.declared_charset or declared_charset(blob))
            events = _Events(text, budget)
            yield from _items(events)
            yield from pieces("\n".join(events.notes), "comments")
            if events.notes_cut:
                yield Gap(Reason.TOO_LARGE, "comments")
            yield from events.rest()
            if events.remote:
                yield Gap(Reason.REMOTE_REFERENCE)
            if events.fault is not None:
                yield Gap(events.fault)
            yield Decoded(text.encoding, text.undecoded)


def _items(events: _Events) -> Iterator[Item]:
    source = iter(events)
    look = list(itertools.islice(source, _LOOK))
    walker = _Walker(record_path(look))
    yield from _Records(_chain(look, source), walker).items()


def _chain(look: list[Event], source: Iterator[Event]) -> Iterator[Event]:
    yield from look
    look.clear()
    yield from source


EXTRACTORS: tuple[Extractor, ...] = (Xml(),)
