"""Reads xlsx workbooks in a stream: every sheet, hidden ones too, with exact cells; comments, text boxes, links, formulas."""

from __future__ import annotations

import re
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from scanner.extract import number_format, ooxml_runs
from scanner.extract.grid import Row, sheet_items
from scanner.extract.markup import END, RUN, START, TEXT, attributes_of, fault_of, new_parser
from scanner.extract.ooxml_package import Package, Relationship, guarded, leftovers, link_text, properties
from scanner.extract.ooxml_runs import Feeder
from scanner.extract.ooxml_story import story
from scanner.extract.prose import pieces
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Unreadable

_STRINGS_IN_MEMORY = 48 * 2**20
_STRINGS_AT_MOST = 30_000_000
_STRING_LENGTH = 1_000_000
_NOTES_AT_MOST = 2_000_000
_DEPTH_OF_ROWS = 2  # in sheetData in worksheet
_DEPTH_OF_A_ROW = 5  # row, c, is, t, and one to be sure
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})$")
_LITERAL = re.compile(r'"((?:[^"]|"")*)"')


class SharedStrings:
    """The workbook's string table by index: in memory up to a size, then in an unnamed file of the private folder."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._memory: list[str] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._offsets = array("Q")
        self.fault: Reason | None = None
        self.phonetic: list[str] = []
        self._phonetic_size = 0

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, text: str) -> None:
        if self._file is None and self._held < _STRINGS_IN_MEMORY:
            self._memory.append(text)
            self._held += 60 + 2 * len(text)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._budget.temp_dir)  # noqa: SIM115  # closed with the workbook
        if len(self._offsets) >= _STRINGS_AT_MOST:
            raise Unreadable(Reason.MEMORY)
        self._offsets.append(self._file.tell())
        self._file.write(text.encode("utf-8", "replace"))

    def add_phonetic(self, text: str) -> None:
        if self._phonetic_size < _NOTES_AT_MOST:
            self.phonetic.append(text)
            self._phonetic_size += len(text)

    def __len__(self) -> int:
        return len(self._memory) + len(self._offsets)

    def __getitem__(self, index: int) -> str:
        if index < len(self._memory):
            return self._memory[index]
        index -= len(self._memory)
        if self._file is None or index >= len(self._offsets):
            raise IndexError
        start = self._offsets[index]
        self._file.seek(0, 2)
        end = self._offsets[index + 1] if index + 1 < len(self._offsets) else self._file.tell()
        self._file.seek(start)
        return self._file.read(end - start).decode("utf-8", "replace")


def _load_strings(package: Package, name: str, strings: SharedStrings) -> None:
    """Reads ``sharedStrings.xml``: the runs of one string joined, furigana (``rPh``) kept apart, an overlong string cut into a note."""
    text: list[str] = []
    size = 0
    phonetic: list[str] | None = None
    within = False
    try:
        for kind, tag, _ in package.events(name, (ooxml_runs.STRINGS, b"</si>")):
            if kind == RUN:
                for one in ooxml_runs.STRING.findall(tag):
                    strings.append(one)
            elif kind == TEXT:
                if within and phonetic is not None:
                    phonetic.append(tag)
                elif within and size < _STRING_LENGTH:
                    text.append(tag)
                    size += len(tag)
                elif within:
                    strings.fault = Reason.TOO_LARGE
            elif tag == "t":
                within = kind == START
            elif tag == "rPh":
                if kind == END and phonetic:
                    strings.add_phonetic("".join(phonetic))
                phonetic = [] if kind == START else None
            elif tag == "si" and kind == END:
                strings.append("".join(text))
                text, size = [], 0
    except Unreadable as error:
        strings.fault = error.reason


@dataclass(frozen=True, slots=True)
class _Styles:
    """By cell style: a format code (None for a built-in one) and whether it shows dates."""

    codes: tuple[str | None, ...] = ()
    dates: tuple[bool, ...] = ()


def _load_styles(package: Package, name: str) -> _Styles:
    codes: dict[int, str] = {}
    formats: list[int] = []
    inside = False
    try:
        for kind, tag, attributes in package.events(name):
            if kind == START and tag == "numFmt":
                codes[_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
            elif tag == "cellXfs":
                inside = kind == START
            elif kind == START and tag == "xf" and inside:
                formats.append(_number(attributes.get("numFmtId")))
    except Unreadable as error:
        if error.reason is not Reason.DAMAGED and error.reason is not Reason.TRUNCATED:
            raise
    return _Styles(tuple(map(codes.get, formats)), tuple(number_format.is_date(form, codes.get(form)) for form in formats))


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class _Workbook:
    package: Package
    strings: SharedStrings
    styles: _Styles
    epoch_1904: bool


@dataclass(slots=True)
class _Notes:
    """What a sheet holds beside its cells, gathered while the cells stream by."""

    formulas: dict[str, None] = field(default_factory=dict)
    links: dict[str, None] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)
    lists: dict[str, None] = field(default_factory=dict)
    size: int = 0
    cut: bool = False

    def add(self, kept: dict[str, None], text: str) -> None:
        if not text or text in kept:
            return
        if self.size > _NOTES_AT_MOST:
            self.cut = True
            return
        kept[text] = None
        self.size += len(text)


class _SheetParser:
    """Drives expat over one sheet and hands out its rows. One cell costs a few calls: the reader's speed is here."""

    def __init__(self, book: _Workbook, depth_limit: int, notes: _Notes) -> None:
        self._book = book
        self._notes = notes
        self._depth_left = depth_limit
        self.rows: list[Row] = []
        self._row = 0
        self._cells: dict[int, str] = {}
        self._column = 0
        self._type = ""
        self._style = 0
        self._value: list[str] = []
        self._keep: list[str] | None = None
        self._side: list[str] = []
        self._phonetic = False
        self._columns: dict[str, int] = {}
        parser = new_parser()
        parser.StartElementHandler = self._start  # attributes come as a list
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartNamespaceDeclHandler = lambda prefix, _: self._prefixes.add(prefix)
        self._prefixes: set[str | None] = set()
        self.feed = Feeder(parser, ooxml_runs.ROWS, b"</row>", self._take).feed
        self._outside = depth_limit

    def _take(self, markup: str) -> bool:
        """Rows of the ordinary form, where rows stand; not where hardly another element may be open."""
        if self._outside - self._depth_left != _DEPTH_OF_ROWS or self._depth_left < _DEPTH_OF_A_ROW:
            return False
        if not self._prefixes.issuperset(ooxml_runs.PREFIX.findall(markup)):
            return False
        for attributes, body in ooxml_runs.ROW.findall(markup):
            number = ooxml_runs.ROW_NUMBER.search(attributes)
            self._row = (int(number[1]) if number else 0) or self._row + 1
            cells: dict[int, str] = {}
            column = 0
            for letters, style, kind, raw in ooxml_runs.CELL.findall(body):
                column = (self._columns.get(letters) or self._column_of(letters)) if letters else column + 1
                if raw and (text := self._shown(kind, int(style or 0), raw)):
                    cells[column] = text
            if cells:
                self.rows.append((self._row, cells))
        return True

    def _start(self, name: str, flat: list[str]) -> None:
        self._depth_left -= 1
        if self._depth_left < 0:
            raise Unreadable(Reason.TOO_DEEP)
        tag = name[name.rfind(" ") + 1 :]
        if tag == "c":
            self._begin_cell(flat)
        elif tag == "v":
            self._keep = self._value
        elif tag == "t":
            self._keep = self._side if self._phonetic else self._value
        elif tag == "row":
            number = _number(attributes_of(flat).get("r"))
            self._row = number or self._row + 1
            self._cells = {}
            self._column = 0
        elif tag == "rPh":
            self._phonetic = True
        elif tag in ("f", "formula1", "formula2", "formula") or tag.startswith(("odd", "even", "first")):
            self._side = []
            self._keep = self._side
        elif tag == "hyperlink":
            attributes = attributes_of(flat)
            for key in ("display", "tooltip", "location"):
                self._notes.add(self._notes.links, attributes.get(key, ""))
        elif tag == "dataValidation":
            attributes = attributes_of(flat)
            for key in ("prompt", "promptTitle", "error", "errorTitle"):
                self._notes.add(self._notes.lists, attributes.get(key, ""))

    def _begin_cell(self, flat: list[str]) -> None:
        self._type = ""
        self._style = 0
        self._value.clear()
        reference = ""
        for index in range(0, len(flat), 2):
            key = flat[index]
            if key == "r":
                reference = flat[index + 1]
            elif key == "t":
                self._type = flat[index + 1]
            elif key == "s":
                self._style = _number(flat[index + 1])
        match = _REFERENCE.match(reference)
        self._column = (self._columns.get(match[1]) or self._column_of(match[1])) if match else self._column + 1

    def _column_of(self, letters: str) -> int:
        return self._columns.setdefault(letters, column_number(letters))  # there are at most 18,278

    def _end(self, name: str) -> None:
        self._depth_left += 1
        tag = name[name.rfind(" ") + 1 :]
        if tag in ("v", "t"):
            self._keep = None
            if tag == "t" and self._phonetic:
                self._book.strings.add_phonetic("".join(self._side))
                self._side.clear()
        elif tag == "c":
            if self._value and (text := self._shown(self._type, self._style, "".join(self._value))):
                self._cells[self._column] = text
        elif tag == "row":
            if self._cells:
                self.rows.append((self._row, self._cells))
        elif tag == "rPh":
            self._phonetic = False
        elif self._keep is not None:
            self._keep = None
            self._end_side(tag, "".join(self._side))

    def _end_side(self, tag: str, text: str) -> None:
        if tag == "f":
            for literal in _LITERAL.findall(text):
                self._notes.add(self._notes.formulas, link_text(literal.replace('""', '"')))
        elif tag.startswith("formula"):
            self._notes.add(self._notes.lists, text.strip('"').replace(",", "\n"))
        elif text.strip():
            self._notes.headers.append(re.sub(r"&(?:[LCR]|[A-Z]|\"[^\"]*\"|\d+)", " ", text).strip())

    def _text(self, text: str) -> None:
        if self._keep is not None:
            self._keep.append(text)

    def _shown(self, kind: str, style: int, raw: str) -> str:
        """A cell's value as text."""
        if kind == "s":
            try:
                return self._book.strings[int(raw)]
            except (ValueError, IndexError):
                self._notes.cut = True
                return ""
        if kind in ("str", "inlineStr", "e"):
            return raw[:_STRING_LENGTH]
        if kind == "b":
            return "TRUE" if raw.strip() == "1" else "FALSE"
        if kind == "d":
            return raw.removesuffix("T00:00:00")
        styles = self._book.styles
        if style < len(styles.dates):
            code = styles.codes[style]
            if styles.dates[style]:
                return number_format.date_text(raw, code, epoch_1904=self._book.epoch_1904)
            if code is not None:
                return number_format.pictured(raw, code)
        return number_format.plain(raw)


def column_number(letters: str) -> int:
    """``"XFD"`` -> 16384."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _rows(book: _Workbook, part: str, notes: _Notes) -> Iterator[Row]:
    """The rows of one sheet that hold anything; `Unreadable` after the rows before the fault."""
    limit = book.package.budget.limits.markup_depth
    driver = _SheetParser(book, limit, notes)
    fault: Reason | None = None
    with book.package.open(part) as stream:
        while fault is None:
            try:
                chunk = stream.read(1 << 16)
                driver.feed(chunk)
            except Unreadable as error:
                chunk, fault = b"", error.reason
            except expat.ExpatError as error:
                chunk, fault = b"", fault_of(error)
            except (LookupError, ValueError):  # it declares an encoding that expat does not know
                chunk, fault = b"", Reason.DAMAGED
            yield from driver.rows
            driver.rows.clear()
            if not chunk:
                break
    if fault is not None:
        raise Unreadable(fault)


class OoxmlSheets:
    """Workbooks of Excel 2007 and later (ECMA-376): xlsx, xlsm and their templates."""

    media_types = frozenset(
        {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
            "application/vnd.ms-excel.sheet.macroenabled.12",
            "application/vnd.ms-excel.template.macroenabled.12",
        }
    )

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        strings = SharedStrings(budget)
        try:
            with Package(blob, budget) as package:
                yield from _workbook_items(package, strings)
        finally:
            strings.close()


def _workbook_items(package: Package, strings: SharedStrings) -> Iterator[Item]:
    main = next((link.target for link in package.relationships("") if link.kind == "officeDocument"), "xl/workbook.xml")
    links = {link.id: link for link in package.relationships(main)}
    by_kind = {link.kind: link.target for link in links.values()}
    if by_kind.get("sharedStrings", "") in package:
        _load_strings(package, by_kind["sharedStrings"], strings)
    styles = _load_styles(package, by_kind["styles"]) if by_kind.get("styles", "") in package else _Styles()
    outline = _Outline()
    yield from guarded(_read_outline(package, main, outline), None)
    book = _Workbook(package, strings, styles, outline.epoch_1904)
    for name, link_id in outline.sheets:
        link = links.get(link_id)
        if link is None or link.target not in package:
            yield Gap(Reason.DAMAGED, name)
            continue
        yield from _sheet(book, name, link)
    if strings.fault is not None:
        yield Gap(strings.fault)
    yield from pieces("\n".join(name for name, _ in outline.sheets), "sheet names")  # a sheet may be called after a person
    yield from pieces("\n".join(outline.names), "defined names")
    yield from pieces("\n".join(strings.phonetic), "furigana")
    yield from properties(package)
    _note_known(package)
    yield from leftovers(package)


@dataclass(slots=True)
class _Outline:
    sheets: list[tuple[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    epoch_1904: bool = False


def _read_outline(package: Package, main: str, outline: _Outline) -> Iterator[Item]:
    """``workbook.xml``: sheets in order whatever their state, defined names that hold words."""
    defined = False
    for kind, tag, attributes in package.events(main):
        if kind == START and tag == "sheet":
            outline.sheets.append((attributes.get("name", ""), attributes.get(":id", "")))
        elif kind == START and tag == "workbookPr":
            outline.epoch_1904 = attributes.get("date1904") in ("1", "true")
        elif tag == "definedName":
            defined = kind == START
            if defined and not attributes.get("name", "").startswith("_xlnm"):
                outline.names.extend(filter(None, (attributes.get("name"), attributes.get("comment"))))
        elif kind == TEXT and defined and '"' in tag:
            outline.names.append(tag.strip('="'))
    yield from ()


def _sheet(book: _Workbook, name: str, link: Relationship) -> Iterator[Item]:
    """One sheet: its cells, then what hangs on it."""
    notes = _Notes()
    if link.kind == "worksheet":
        yield from sheet_items(_rows(book, link.target, notes), name, book.package.budget)
    if notes.cut:
        yield Gap(Reason.DAMAGED, name)
    related = book.package.relationships(link.target)
    for other in related:
        if other.external:
            notes.add(notes.links, link_text(other.target))
    yield from pieces("\n".join(notes.headers), f"{name} header")
    yield from pieces("\n".join(notes.links), f"{name} links")
    yield from pieces("\n".join(notes.formulas), f"{name} formulas")
    yield from pieces("\n".join(notes.lists), f"{name} lists")
    readers: dict[str, Callable[[Package, str, str], Iterator[Item]]] = {"comments": _comments, "threadedComment": _comments}
    for other in related:
        if other.external or other.target not in book.package:
            continue
        if other.kind in readers:
            yield from guarded(readers[other.kind](book.package, other.target, f"{name} comments"), f"{name} comments")
        elif other.kind == "drawing":
            yield from guarded(story(book.package, other.target, f"{name} drawing"), f"{name} drawing")
    if link.kind != "worksheet":
        yield from guarded(story(book.package, link.target, name), name)


def _comments(package: Package, part: str, place: str) -> Iterator[Item]:
    """Comments, one a line, and who wrote them. The stand-in that Excel writes for a threaded comment is left out."""
    lines: list[str] = []
    text: list[str] = []
    kept = ("text", "author") if "threaded" in part.lower() else ("t", "author")
    stand_ins: set[str] = set()
    authors: list[str] = []
    within = skip = False
    for kind, tag, attributes in package.events(part):
        if kind == TEXT:
            if within and not skip:
                text.append(tag)
        elif tag in ("t", "text", "author"):
            within = kind == START and tag in kept
            if kind == END and tag == "author":
                author = "".join(text)
                text.clear()
                if author.startswith("tc="):
                    stand_ins.add(str(len(authors)))
                authors.append(author)
        elif tag == "rPh":
            skip = kind == START
        elif kind == START and tag == "comment":
            text.clear()
            skip = attributes.get("authorId") in stand_ins
        elif kind == END and tag in ("comment", "threadedComment"):
            lines.append("".join(text).strip())
            text.clear()
            skip = False
    lines.extend(author for author in authors if not author.startswith("tc="))
    yield from pieces("\n".join(filter(None, lines)), place)


def _note_known(package: Package) -> None:
    """Parts that repeat what the sheets said: column names of tables, the order of calculation."""
    for name in package.names:
        if name.startswith(("xl/tables/", "xl/worksheets/_rels", "docMetadata/")):
            package.read.add(name)


EXTRACTORS: tuple[Extractor, ...] = (OoxmlSheets(),)
