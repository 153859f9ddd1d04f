"""Reads OpenDocument spreadsheets, texts and presentations (ods, odt, odp) in a stream, with notes, comments, headers, deleted text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.extract import sniff
from scanner.extract.grid import Row, sheet_items
from scanner.extract.markup import END, START, TEXT
from scanner.extract.ooxml_package import Package, guarded, leftovers, link_text
from scanner.extract.prose import Manuscript, pieces
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Unreadable

_REPEATED_COLUMNS = 1_024
_REPEATED_CELLS = 1_000_000
_ROW_LIMIT = 2**24
_PLACES = {
    "annotation": "comments",
    "note-body": "footnotes",
    "header": "header",
    "header-left": "header",
    "header-first": "header",
    "footer": "footer",
    "footer-left": "footer",
    "footer-first": "footer",
    "tracked-changes": "deleted",
}
_PARAGRAPHS = {"p", "h"}
_CONTENT_TYPES = ("spreadsheet", "text", "presentation")


class OpenDocuments:
    """OpenDocument 1.x (ISO/IEC 26300), templates too. A password makes it `Unreadable(ENCRYPTED)`.

    Places: sheet names, "SHEET comments"; "page N" where the file tells its page breaks, "slide N", "slide N notes",
    "table N", "header", "footer", "footnotes", "comments", "deleted", "links", "properties".
    """

    media_types = frozenset({sniff.ODS, sniff.ODT, sniff.ODP})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with Package(blob, budget) as package:
            _refuse_encrypted(package)
            if "content.xml" not in package:
                yield Gap(Reason.DAMAGED)
            elif media_type == sniff.ODS:
                yield from guarded(_sheets(package), None)
            else:
                yield from guarded(_story(package, "content.xml", slides=media_type == sniff.ODP), None)
            if "styles.xml" in package:
                yield from guarded(_story(package, "styles.xml", slides=False, styles=True), "header")
            if "meta.xml" in package:
                yield from guarded(_properties(package), "properties")
            yield from leftovers(package)


def _refuse_encrypted(package: Package) -> None:
    if "encrypted-package" in package:
        raise Unreadable(Reason.ENCRYPTED)
    if "META-INF/manifest.xml" in package and package.holds("META-INF/manifest.xml", b"encryption-data"):
        raise Unreadable(Reason.ENCRYPTED)


_META = {"creator", "initial-creator", "printed-by", "title", "subject", "description", "keyword", "user-defined"}


def _properties(package: Package) -> Iterator[Item]:
    """``meta.xml`` as lines ``label: value``."""
    lines: list[str] = []
    label = ""
    for kind, tag, attributes in package.events("meta.xml"):
        if kind == START:
            label = attributes.get("name", tag) if tag in _META else ""
        elif kind == TEXT and label and tag.strip():
            lines.append(f"{label}: {tag.strip()}")
        elif kind == END:
            label = ""
    yield from pieces("\n".join(lines), "properties")


# --------------------------------------------------------------------------- texts and presentations


class _Walker:
    """Walks the body of a text or presentation; `feed` one event at a time."""

    def __init__(self, manuscript: Manuscript, *, paged: bool, slides: bool, styles: bool) -> None:
        self._out = manuscript
        self._page = 1 if paged else 0
        self._slides = slides
        self._slide = 0
        self._styles = styles  # of styles.xml only headers, footers and master pages are the document's words
        self._turning = False
        self._citation = False  # a footnote's number must not split the word before it
        self._spans: list[int] = []
        self._ruby: list[str] | None = None
        self._paragraphs = 0
        self._entered: list[tuple[str, int]] = []
        self.links: dict[str, None] = {}

    def feed(self, kind: int, tag: str, attributes: dict[str, str]) -> None:
        if kind == TEXT:
            if self._ruby is not None:
                self._ruby.append(tag)
            elif self._paragraphs and not self._citation and (self._entered or not self._styles):
                self._out.add(tag)
        elif kind == START:
            self._start(tag, attributes)
        else:
            self._end(tag)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _PARAGRAPHS:
            self._paragraphs += 1
            self._out.begin_paragraph()
        elif tag == "s" and self._paragraphs:
            self._out.add(" " * min(_count(attributes, "c"), 1_000))
        elif tag in ("tab", "line-break") and self._paragraphs:
            self._out.add("\t" if tag == "tab" else "\n")
        elif tag == "table":
            self._out.begin_table()
        elif tag == "table-row":
            self._out.begin_row()
        elif tag == "table-cell":
            self._spans.append(_count(attributes, "number-columns-repeated"))
            self._out.begin_cell()
        elif tag == "covered-table-cell":
            self._out.skip_columns(_count(attributes, "number-columns-repeated"))
        elif tag == "ruby-text":
            self._ruby = []
        elif tag == "note-citation":
            self._citation = True
        elif tag == "a" and attributes.get("href"):
            self.links[link_text(attributes["href"])] = None
        else:
            self._start_place(tag, attributes)

    def _start_place(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _PLACES:
            self._enter(tag, _PLACES[tag])
        elif tag == "notes" and self._slides:
            self._enter(tag, f"slide {self._slide} notes")
        elif tag == "page" and self._slides:
            self._slide += 1
            self._out.turn_to(f"slide {self._slide}")
        elif tag == "master-page":
            self._enter(tag, "master")
        elif tag == "soft-page-break" and self._page:
            self._page += 1
            self._turning = self._out.mid_paragraph
            if not self._turning:
                self._out.turn_to(f"page {self._page}")
        elif tag in ("title", "desc") or (tag in ("creator", "sender-initials") and self._entered):
            self._paragraphs += 1
            self._out.begin_paragraph()

    def _enter(self, tag: str, place: str) -> None:
        self._entered.append((tag, self._paragraphs))
        self._paragraphs = 0
        outer = self._out.place
        slide = outer if outer is not None and outer.startswith("slide") and place == "comments" else None
        self._out.enter(f"{slide} {place}" if slide else place)

    def _end(self, tag: str) -> None:
        if tag in _PARAGRAPHS or (tag in ("title", "desc", "creator", "sender-initials") and self._paragraphs):
            self._paragraphs -= 1
            self._out.end_paragraph()
            if self._turning and not self._paragraphs and not self._entered:
                self._turning = False
                self._out.turn_to(f"page {self._page}")
        elif tag == "table":
            self._out.end_table()
        elif tag == "table-row":
            self._out.end_row()
        elif tag == "table-cell":
            self._out.end_cell(self._spans.pop() if self._spans else 1)
        elif tag == "ruby-text" and self._ruby is not None:
            self._out.aside("".join(self._ruby))
            self._ruby = None
        elif tag == "note-citation":
            self._citation = False
        elif self._entered and tag == self._entered[-1][0]:
            self._paragraphs = self._entered.pop()[1]
            self._out.leave()


def _count(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(name, "1")
    return int(text) if text.isdecimal() and len(text) < 9 else 1


def _story(package: Package, part: str, *, slides: bool, styles: bool = False) -> Iterator[Item]:
    paged = not slides and not styles and package.holds(part, b"soft-page-break")
    manuscript = Manuscript(package.budget, "page 1" if paged else None)
    walker = _Walker(manuscript, paged=paged, slides=slides, styles=styles)
    fault: Reason | None = None
    try:
        for kind, tag, attributes in package.events(part):
            walker.feed(kind, tag, attributes)
            if kind == END and tag in ("p", "table", "page"):
                yield from manuscript.take()
    except Unreadable as error:
        fault = error.reason
    yield from manuscript.close()
    yield from pieces("\n".join(walker.links), "links")
    if fault is not None:
        raise Unreadable(fault)


# --------------------------------------------------------------------------- spreadsheets


@dataclass(slots=True)
class _Sheet:
    """A sheet being read: rows ready to go, the row and cell in hand, and what hangs on the sheet."""

    name: str
    rows: list[Row] = field(default_factory=list)
    row: int = 0
    column: int = 0
    cells: dict[int, str] = field(default_factory=dict)
    repeat: int = 1
    comments: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    spare: int = _REPEATED_CELLS


class _SheetReader:
    """Turns the events of a spreadsheet's content into sheets, one at a time, each read through before the next."""

    def __init__(self, package: Package) -> None:
        self._events = package.events("content.xml")
        self._words: list[list[str]] = []
        self._attributes: dict[str, str] = {}
        self._lines: list[str] = []
        self._aside: list[str] | None = None
        self._asides: list[str] = []
        self._depth = 0  # of tables: one in a cell belongs to that cell
        self.links: dict[str, None] = {}
        self.other: list[str] = []

    def next_sheet(self) -> _Sheet | None:
        for kind, tag, attributes in self._events:
            if kind == START and tag == "table":
                return _Sheet(attributes.get("name", ""))
            self._outside(kind, tag, attributes)
        return None

    def _outside(self, kind: int, tag: str, attributes: dict[str, str]) -> None:
        """Words beside the sheets: headers, validation messages, named expressions."""
        if kind == TEXT and self._words:
            self._words[-1].append(tag)
        elif tag in _PARAGRAPHS:
            if kind == START:
                self._words.append([])
            elif self._words:
                self.other.append("".join(self._words.pop()))

    def rows(self, sheet: _Sheet) -> Iterator[Row]:
        """The rows of `sheet` that hold anything, repeated ones as often as they stand, within reason."""
        for kind, tag, attributes in self._events:
            if kind == END and tag == "table":
                return
            if kind == TEXT:
                if self._words:
                    self._words[-1].append(tag)
            elif kind == START:
                self._start(sheet, tag, attributes)
            elif tag == "table-row":
                yield from self._end_row(sheet)
            else:
                self._end(sheet, tag)

    def _start(self, sheet: _Sheet, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table-row":
            sheet.repeat = _count(attributes, "number-rows-repeated")
            sheet.cells, sheet.column = {}, 0
        elif tag in ("table-cell", "covered-table-cell"):
            self._attributes, self._lines = attributes, []
        elif tag in _PARAGRAPHS or tag in ("creator", "title", "desc"):
            self._words.append([])
        elif tag == "s" and self._words:
            self._words[-1].append(" " * min(_count(attributes, "c"), 1_000))
        elif tag in ("tab", "line-break") and self._words:
            self._words[-1].append("\t" if tag == "tab" else "\n")
        elif tag == "annotation":
            self._aside = sheet.comments
        elif tag == "shapes" or (tag in ("frame", "custom-shape", "rect") and self._aside is None):
            self._aside = sheet.shapes
            self._asides.append(tag)
        elif tag == "a" and attributes.get("href"):
            self.links[link_text(attributes["href"])] = None

    def _end(self, sheet: _Sheet, tag: str) -> None:
        if (tag in _PARAGRAPHS or tag in ("creator", "title", "desc")) and self._words:
            line = "".join(self._words.pop())
            (self._aside if self._aside is not None else self._lines).append(line)
        elif tag == "annotation":
            self._aside = sheet.shapes if self._asides else None
        elif self._asides and tag == self._asides[-1]:
            self._asides.pop()
            self._aside = None
        elif tag in ("table-cell", "covered-table-cell"):
            self._end_cell(sheet)

    def _end_cell(self, sheet: _Sheet) -> None:
        repeat = _count(self._attributes, "number-columns-repeated")
        text = _shown(self._attributes, "\n".join(self._lines))
        if text:
            shown = min(repeat, _REPEATED_COLUMNS, max(1, sheet.spare))
            sheet.spare -= shown - 1
            for offset in range(1, shown + 1):
                sheet.cells[sheet.column + offset] = text
        sheet.column += repeat
        self._attributes, self._lines = {}, []

    def _end_row(self, sheet: _Sheet) -> Iterator[Row]:
        if sheet.cells:
            times = min(sheet.repeat, max(1, sheet.spare // len(sheet.cells)))
            sheet.spare -= (times - 1) * len(sheet.cells)
            for offset in range(1, times + 1):
                yield sheet.row + offset, sheet.cells
        sheet.row = min(sheet.row + sheet.repeat, _ROW_LIMIT)


def _shown(attributes: dict[str, str], text: str) -> str:
    """A cell as text: dates in ISO form; a number as displayed, unless the display shortens it."""
    kind = attributes.get("value-type", "")
    if kind == "date":
        return attributes.get("date-value", text).removesuffix("T00:00:00").replace("T", " ")
    if kind == "float" and (not text or "E" in text or "#" in text):
        value = attributes.get("value", text)
        return value.removesuffix(".0")
    return text or attributes.get("string-value", "")


def _sheets(package: Package) -> Iterator[Item]:
    reader = _SheetReader(package)
    names: list[str] = []
    while (sheet := reader.next_sheet()) is not None:
        yield from sheet_items(reader.rows(sheet), sheet.name, package.budget)
        names.append(sheet.name)
        yield from pieces("\n".join(sheet.comments), f"{sheet.name} comments")
        yield from pieces("\n".join(sheet.shapes), f"{sheet.name} drawing")
    yield from pieces("\n".join(names), "sheet names")
    yield from pieces("\n".join(reader.other), "other")
    yield from pieces("\n".join(reader.links), "links")


EXTRACTORS: tuple[Extractor, ...] = (OpenDocuments(),)
