"""Walks the text of a WordprocessingML or DrawingML part: paragraphs, tables, text boxes, what was deleted, fields, alternative texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanner.extract.markup import END, START, TEXT
from scanner.extract.ooxml_package import Package, guarded
from scanner.extract.prose import Manuscript, pieces
from scanner.model import Item, Reason, Unreadable

_SAID = {"t": "text", "delText": "deleted", "instrText": "field", "delInstrText": "field", "text": "text"}
_SCHEME = re.compile(r"\b(?:mailto|tel):", re.IGNORECASE)
_BREAKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_WORDS_IN_ATTRIBUTES = {"docPr": ("descr", "title"), "cNvPr": ("descr", "title"), "textpath": ("string",), "shape": ("alt",)}


class _Walker:
    """State of one part: what is said goes to the manuscript, word by word."""

    def __init__(self, manuscript: Manuscript, place: str | None, *, paged: bool) -> None:
        self._out = manuscript
        self._base = place
        self._page = 1 if paged else 0
        self._mode: str | None = None
        self._fallback_of: list[bool] = []  # for each AlternateContent open: was its Choice read?
        self._skipped = 0
        self._ruby: list[str] | None = None
        self._deleted: list[str] = []
        self._field: list[str] = []
        self._spans: list[int] = []
        self._merged: list[bool] = []
        self._in_paragraph = 0
        self._turning = False
        self.authors: dict[str, None] = {}

    def feed(self, kind: int, tag: str, attributes: dict[str, str]) -> None:
        if self._skipped:
            self._skipped += (kind == START) - (kind == END)
        elif kind == TEXT:
            self._say(tag)
        elif kind == START:
            self._start(tag, attributes)
        else:
            self._end(tag)

    def _say(self, text: str) -> None:
        if self._mode == "text":
            self._say_aside(self._deleted)  # what was deleted before and after kept words is not one word
            (self._ruby.append if self._ruby is not None else self._out.add)(text)
        elif self._mode == "deleted":
            self._deleted.append(text)
        elif self._mode == "field":
            self._field.append(text)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _SAID:
            self._mode = _SAID[tag]
        elif tag == "p":
            self._in_paragraph += 1
            self._out.begin_paragraph()
        elif tag in _BREAKS:
            self._break(tag, attributes)
        elif tag == "lastRenderedPageBreak":
            self._next_page()
        elif tag == "tbl":
            self._out.begin_table()
        elif tag == "tr":
            self._out.begin_row()
        elif tag == "tc":
            self._spans.append(_span(attributes))
            self._out.begin_cell()
        elif tag == "gridSpan" and self._spans:
            self._spans[-1] = _span({"gridSpan": attributes.get("val", "1")})
        elif tag == "gridBefore":
            self._out.skip_columns(_span({"gridSpan": attributes.get("val", "0")}))
        elif tag == "AlternateContent":
            self._fallback_of.append(False)
        elif tag == "Choice" and self._fallback_of:
            self._fallback_of[-1] = True
        elif tag == "Fallback" and self._fallback_of and self._fallback_of[-1]:
            self._skipped = 1  # the same text box once more, for older programs
        elif tag == "rt":
            self._ruby = []
        elif tag in _WORDS_IN_ATTRIBUTES:
            for name in _WORDS_IN_ATTRIBUTES[tag]:
                self._out.aside(attributes.get(name, ""))
        elif tag == "fldChar":
            self._say_aside(self._field)
        elif tag in ("comment", "ins", "del") and (author := attributes.get("author")):
            self.authors[author] = None

    def _end(self, tag: str) -> None:
        if tag in _SAID:
            self._mode = None
            if tag == "text" and not self._in_paragraph:  # a comment of a presentation: text without paragraphs
                self._out.end_paragraph()
        elif tag == "p":
            self._in_paragraph -= 1
            self._say_aside(self._deleted)
            self._say_aside(self._field)
            self._out.end_paragraph()
            if self._turning:
                self._turning = False
                self._out.turn_to(f"page {self._page}")
        elif tag == "tbl":
            self._out.end_table()
        elif tag == "tr":
            self._out.end_row()
        elif tag == "tc":
            self._out.end_cell(self._spans.pop() if self._spans else 1)
        elif tag == "AlternateContent" and self._fallback_of:
            self._fallback_of.pop()
        elif tag == "rt" and self._ruby is not None:
            self._out.aside("".join(self._ruby))
            self._ruby = None

    def _say_aside(self, words: list[str]) -> None:
        if words:
            self._out.aside(_SCHEME.sub("", "".join(words)).strip())
            words.clear()

    def _break(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "tab" and not self._mode and ("pos" in attributes or "val" in attributes):
            return  # a tab stop of the paragraph's style
        if tag == "br" and attributes.get("type") == "page":
            self._next_page(explicit=True)
        elif self._in_paragraph:
            self._out.add(_BREAKS[tag])

    def _next_page(self, *, explicit: bool = False) -> None:
        """A break the author set ends the words before it; one that Word noted within a paragraph must not cut a word,
        so the paragraph stays with the page it began on."""
        if not self._page:
            return
        self._page += 1
        if self._out.mid_paragraph and not explicit:
            self._turning = True
            return
        if self._out.mid_paragraph:
            self._out.end_paragraph()
            self._out.begin_paragraph()
        self._out.turn_to(f"page {self._page}")


def _span(attributes: dict[str, str]) -> int:
    text = attributes.get("gridSpan", "1")
    return int(text) if text.isdecimal() and len(text) < 6 else 1


def story(package: Package, part: str, place: str | None) -> Iterator[Item]:
    """Text and tables of one part. A part whose body has page breaks gives places "page N" (where `place` is None).

    Raises `Unreadable` after what was read before the fault.
    """
    paged = place is None and package.holds(part, b"lastRenderedPageBreak", b'w:type="page"')
    manuscript = Manuscript(package.budget, "page 1" if paged else place)
    walker = _Walker(manuscript, place, paged=paged)
    fault: Reason | None = None
    try:
        for kind, tag, attributes in package.events(part):
            walker.feed(kind, tag, attributes)
            if kind == END and tag in ("p", "tbl"):
                yield from manuscript.take()
    except Unreadable as error:
        fault = error.reason
    yield from manuscript.close()
    yield from pieces("\n".join(walker.authors), f"{place} authors" if place else "authors")
    if fault is not None:
        raise Unreadable(fault)


def diagrams(package: Package) -> Iterator[Item]:
    """SmartArt, whose words lie in parts of their own; the drawing beside each repeats them for older programs."""
    for name in package.names:
        if "/diagrams/" in name and name not in package.read and name.endswith(".xml"):
            if name.rpartition("/")[2].startswith("data"):
                yield from guarded(story(package, name, "diagram"), "diagram")
            else:
                package.read.add(name)
