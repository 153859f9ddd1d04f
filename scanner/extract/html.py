"""Reads HTML as a reader sees it and as a thief does: text by physical line, tables, links, attributes, comments, scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from scanner.extract import sniff
from scanner.extract.charset import TextStream
from scanner.extract.grid import Row, sheet_items
from scanner.extract.ooxml_package import link_text
from scanner.extract.prose import LinedText, pieces
from scanner.model import Batch, Blob, Budget, Decoded, Extractor, Item, Table, Text

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "button", "caption", "center", "dd", "details", "dialog", "dir", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr",
    "html", "iframe", "label", "legend", "li", "main", "menu", "nav", "noscript", "ol", "option", "optgroup", "p", "pre", "section",
    "select", "summary", "table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead", "title", "tr", "ul", "video", "xmp",
})  # fmt: skip
_IN_SCRIPT = frozenset({"script", "style"})
_LINKS = frozenset({"href", "src", "action", "cite", "formaction", "poster", "background", "xlink:href"})
_WORDS = frozenset({"alt", "title", "value", "content", "placeholder", "label", "summary", "abbr", "download", "srcdoc", "onclick", "name"})
_TABLES_DEEP = 8
_TABLE_ROWS = 20_000
_TABLE_CHARACTERS = 4_000_000
_STUCK = 4 << 20
_DECLARED = re.compile(rb"(?i)(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,100}?encoding)\s*=\s*[\"']?\s*([a-z0-9_:.+-]{2,40})")


@dataclass(slots=True)
class _Cells:
    """A table open: rows so far with the physical line of each."""

    number: int
    rows: list[Row] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)
    row: int = 0
    column: int = 0
    cells: dict[int, str] = field(default_factory=dict)
    cell: list[str] | None = None
    span: int = 1
    size: int = 0


class _Reader(HTMLParser):
    """Events of the standard library's tolerant parser, which does not recurse, turned into items."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(convert_charrefs=True)
        self._budget = budget
        self._body = LinedText(None)
        self._script = LinedText("script")
        self._comment = LinedText("comments")
        self._attribute = LinedText("attributes")
        self._link = LinedText("links")
        self._in_script = ""
        self._tables: list[_Cells] = []
        self._too_deep = 0
        self._met = 0
        self._done: list[Text | _Cells] = []

    def _put(self, lines: LinedText, text: str, line: int | None = None) -> None:
        if text.strip() and (done := lines.add(text, line or self.getpos()[0])) is not None:
            self._done.append(done)

    # -- the parser's calls

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _IN_SCRIPT:
            self._in_script = tag
        elif tag in _BLOCKS or tag == "table":
            self._break(tag, attrs)
        for name, value in attrs:
            if value:
                self._attribute_value(name, value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _IN_SCRIPT:
            self._in_script = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in _IN_SCRIPT:
            self._in_script = ""
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table":
            self._end_table()
        elif tag in _BLOCKS:
            self._separate()

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self._put(self._script, data)
        elif self._tables and self._tables[-1].cell is not None:
            self._tables[-1].cell.append(data)
        elif data.strip():
            self._put(self._body, data)
        else:
            self._body.edge(" ")

    def handle_comment(self, data: str) -> None:
        self._put(self._comment, data)

    def handle_decl(self, decl: str) -> None:
        self._put(self._comment, decl)

    def unknown_decl(self, data: str) -> None:
        self._put(self._body, data.removeprefix("CDATA["))

    def handle_pi(self, data: str) -> None:
        self._put(self._comment, data)

    # -- text and attributes

    def _separate(self) -> None:
        """The edge of a block: where the file has no line end, a tab keeps the words of two blocks apart."""
        if self._tables and (cell := self._tables[-1].cell) is not None:
            if cell and not cell[-1].endswith("\n"):
                cell.append("\n")
        else:
            self._body.edge("\t")

    def _attribute_value(self, name: str, value: str) -> None:
        if name in _LINKS:
            if not value.startswith(("data:", "#")):
                self._put(self._link, link_text(value) + "\t")
        elif name in _WORDS or name.startswith(("data-", "aria-")):
            self._put(self._attribute, value + "\t")

    # -- tables

    def _break(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._begin_table()
        elif tag == "tr" and self._tables:
            self._end_row()
            self._begin_row()
        elif tag in ("td", "th") and self._tables:
            self._begin_cell(dict(attrs))
        else:
            self._separate()

    def _begin_table(self) -> None:
        if len(self._tables) >= _TABLES_DEEP:
            self._too_deep += 1
            return
        if not self._tables and (text := self._body.take()) is not None:
            self._done.append(text)
        self._met += 1
        self._tables.append(_Cells(self._met))

    def _begin_row(self) -> None:
        table = self._tables[-1]
        table.row += 1
        table.column, table.cells = 0, {}
        table.lines[table.row] = self.getpos()[0]

    def _begin_cell(self, attrs: dict[str, str | None]) -> None:
        self._end_cell()
        table = self._tables[-1]
        if not table.row:
            self._begin_row()
        span = attrs.get("colspan") or "1"
        table.span = max(1, min(int(span), 1_000)) if span.isdecimal() and len(span) < 6 else 1
        table.cell = []

    def _end_cell(self) -> None:
        if not self._tables or (cell := self._tables[-1].cell) is None:
            return
        table = self._tables[-1]
        text = "\n".join(filter(None, (" ".join(line.split()) for line in "".join(cell).split("\n"))))
        if text:
            table.cells[table.column + 1] = text
            table.size += len(text)
        table.column += table.span
        table.cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if not self._tables or not self._tables[-1].cells:
            return
        table = self._tables[-1]
        table.rows.append((table.row, table.cells))
        table.cells = {}
        if len(table.rows) >= _TABLE_ROWS or table.size > _TABLE_CHARACTERS:
            self._done.append(table)
            self._tables[-1] = _Cells(table.number, row=table.row)

    def _end_table(self) -> None:
        if self._too_deep:
            self._too_deep -= 1
            return
        if self._tables:
            self._end_row()
            self._done.append(self._tables.pop())

    # -- out

    def take(self) -> Iterator[Item]:
        """What is finished so far; a table is to be read before the next item is asked for."""
        done, self._done = self._done, []
        for item in done:
            if isinstance(item, Text):
                yield from pieces(item.text, item.place, item.first_line)
            else:
                yield from _table_items(item, self._budget)

    def finish(self) -> Iterator[Item]:
        """Tables that were never closed, and all text still held."""
        while self._tables:
            self._too_deep = 0
            self._end_table()
        for lines in (self._body, self._link, self._attribute, self._comment, self._script):
            if (text := lines.take()) is not None:
                self._done.append(text)
        yield from self.take()

    def unstick(self, limit: int = _STUCK) -> None:
        """Markup that does not end (a comment left open, a quote left open) is text; waiting for its end would cost its square."""
        if len(self.rawdata) > limit:
            self._put(self._script if self._in_script else self._body, self.rawdata)
            self.updatepos(0, len(self.rawdata))
            self.rawdata = ""


def _table_items(table: _Cells, budget: Budget) -> Iterator[Item]:
    """A table's items with the physical line of each row. A few rows of one cell each are layout, so they are text."""
    place = f"table {table.number}"
    if len(table.rows) <= 3 and all(len(cells) == 1 for _, cells in table.rows):
        for number, cells in table.rows:
            yield from pieces("\n".join(cells.values()), None, table.lines.get(number))
        return
    for item in sheet_items(table.rows, place, budget, lines=False):
        if isinstance(item, Table):
            yield Table(item.header, _lined(item.batches, table.lines), item.place, item.first_column)
        else:
            yield item


def _lined(batches: Iterator[Batch], lines: dict[int, int]) -> Iterator[Batch]:
    import numpy as np

    for batch in batches:
        yield Batch(batch.columns, batch.rows, np.array([lines.get(int(row), 1) for row in batch.rows], dtype=np.int64))


def declared_charset(blob: Blob) -> str | None:
    """What the first 2 kB of markup say of its encoding: ``<meta charset>``, ``http-equiv`` or the XML declaration."""
    with blob.open() as stream:
        found = _DECLARED.search(stream.read(2_048))
    return found[1].decode("ascii") if found else None


class Html:
    """HTML of any age, decoded first (mark, ``meta charset``, else the detector), concatenated documents too.

    Places: None for what is shown, "table N", "links", "attributes", "comments", "script". Lines are the file's own.
    """

    media_types = frozenset({sniff.HTML, "application/xhtml+xml"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        reader = _Reader(budget)
        with blob.open() as stream:
            text = TextStream(stream, blob.declared_charset or declared_charset(blob))
            for chunk in text.chunks(1 << 16):
                reader.feed(chunk)
                reader.unstick()
                yield from reader.take()
            if ">" not in reader.rawdata:
                reader.unstick(0)
            reader.close()
            yield from reader.finish()
            yield Decoded(text.encoding, text.undecoded)


EXTRACTORS: tuple[Extractor, ...] = (Html(),)
