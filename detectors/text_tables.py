"""Tables that stand in running text: consecutive lines cut by the same separator, as in rows of CSV in a mail or a list set with blanks.

Rows of one table have the same number of fields, so a column is known by its place from the left. Lines set with single blanks, as lists
in Japanese are, need not agree: their columns are counted from both ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from detectors.header import meaning

LEAST_ROWS: Final = 2
MOST_FIELDS: Final = 60
LONGEST_ITEM: Final = 100  # characters of a line that is an item of a list,
LONGEST_WORD: Final = 30  # and of one that is a word or two
_MARKS: Final = ("\t", "|", ",", ";", " / ")
_FIELDS: Final = {mark: re.compile(rf'[ \u3000]*(?:"(?P<q>(?:[^"]|"")*)"|(?P<p>(?:(?!{re.escape(mark)}).)*))') for mark in _MARKS}
_SET_APART: Final = re.compile(r"\S+(?:[ ]\S+)*")  # two blanks or more between fields
_BY_BLANKS: Final = re.compile(r"[^\s\u3000]+")
_JAPANESE: Final = re.compile("[\u3041-\u30ff\u4e00-\u9fff\uff66-\uff9f]")
_SENTENCE_END: Final = re.compile(r"[。！？]|[ぁ-ん][、,]")
_BULLET: Final = r"[ \u3000]*(?:[・●○■□◆◇*-]|[0-9]{1,3}[.)．])?[ \u3000]*"
_LETTERS: Final = "々〆ヶ\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
_ONE: Final = re.compile(rf"{_BULLET}([{_LETTERS}・]{{1,8}}(?:[ \u3000][{_LETTERS}・]{{1,8}})?)[ \u3000]*(?=\r?\n|\Z)")
_LATIN: Final = re.compile(
    rf"{_BULLET}(?:[\[(]?[0-9]{{1,2}}:[0-9]{{2}}[\])]?[ -–]+)?"
    r"((?:[A-ZÀ-ÖØ-Þ][\w'’.-]*|van|von|de|der|la)(?: (?:[A-ZÀ-ÖØ-Þ][\w'’.-]*|van|von|de|der|la)){1,3})"
    r"(?=[ \t]*(?:\r?\n|\Z|[(|–-]|[0-9]))"
)
_NOTED: Final = re.compile(rf"{_BULLET}([{_LETTERS}・]{{1,10}}(?:[ \u3000][{_LETTERS}]{{1,8}})?)[ \u3000]?[(（]([^)）\n]{{1,24}})[)）]")
_RULE: Final = re.compile(r"[\s|:=+─━-]+")
_DIGIT: Final = re.compile(r"[0-9０-９]")
_LONG_WORD: Final = 24
BLANKS: Final = "blanks"
APART: Final = "apart"

Span = tuple[int, int]


class Column(NamedTuple):
    """`cells`: characters [start, end) of each row's field, without quotes and outer blanks, in the order of rows; `rows`: their rows'
    numbers. `place`: from the left from 0, from the right from -1. `header`: its word, "" where there is none."""

    place: int
    header: str
    cells: tuple[Span, ...]
    rows: tuple[int, ...]


class TextTable(NamedTuple):
    """`lines`: characters [start, end) of each row, its header left out. `mark`: what separates fields."""

    mark: str
    has_header: bool
    lines: tuple[Span, ...]
    columns: tuple[Column, ...]


class _Line(NamedTuple):
    start: int
    end: int
    fields: tuple[Span, ...]


@lru_cache(maxsize=4)  # both languages ask for the same window
def tables(text: str) -> tuple[TextTable, ...]:
    """The tables of a text, in no particular order; none in a single line."""
    if "\n" not in text:
        return ()
    lines = line_spans(text)
    found: list[TextTable] = []
    for mark in _MARKS:
        if text.count(mark) >= LEAST_ROWS:
            found += _marked(text, lines, mark)
    if "  " in text or "\u3000" in text:
        found += _runs(text, ((start, end, _apart(text, start, end)) for start, end in lines), APART)
    return tuple(found)


@lru_cache(maxsize=2)
def line_spans(text: str) -> tuple[Span, ...]:
    """Characters [start, end) of each line, without its end."""
    start = 0
    found = []
    for line in text.split("\n"):
        end = start + len(line)
        found.append((start, end - line.endswith("\r")))
        start = end + 1
    return tuple(found)


def _marked(text: str, lines: Sequence[Span], mark: str) -> Iterator[TextTable]:
    counted = ((start, end, text.count(mark, start, end)) for start, end in lines)
    return _runs(text, ((start, end, _cut(text, start, end, mark) if count else ()) for start, end, count in counted), mark)


def _cut(text: str, start: int, end: int, mark: str) -> tuple[Span, ...]:
    """The fields of a line; quotes and outer blanks are no part of them."""
    fields: list[Span] = []
    at = start
    while len(fields) <= MOST_FIELDS:
        match = _FIELDS[mark].match(text, at, end)
        if match is None:
            break
        fields.append(_stripped(text, *match.span("q" if match["q"] is not None else "p")))
        stop = text.find(mark, match.end(), end)
        if stop < 0:
            break
        at = stop + len(mark)
    return tuple(fields) if len(fields) <= MOST_FIELDS else ()


def _stripped(text: str, start: int, end: int) -> Span:
    while end > start and text[end - 1] in " \u3000\t":
        end -= 1
    while start < end and text[start] in " \u3000\t":
        start += 1
    return start, end


def _apart(text: str, start: int, end: int) -> tuple[Span, ...]:
    if "  " not in text[start:end]:
        return ()
    return tuple(match.span() for match in _SET_APART.finditer(text, start, end))


def _runs(text: str, lines: Iterator[tuple[int, int, tuple[Span, ...]]], mark: str) -> Iterator[TextTable]:
    """Tables of consecutive lines with the same number of fields, two at least."""
    run: list[_Line] = []
    for start, end, fields in lines:
        if run and fields and len(fields) > 1 and _RULE.fullmatch(text, start, end):
            continue  # the line under a header
        if run and len(fields) != len(run[0].fields):
            yield from _table(text, run, mark)
            run = []
        if len(fields) > 1:
            run.append(_Line(start, end, fields))
    yield from _table(text, run, mark)


def _table(text: str, run: list[_Line], mark: str) -> Iterator[TextTable]:
    if len(run) < LEAST_ROWS:
        return
    header = _header(text, run)
    rows = run[1:] if header else run
    if len(rows) + bool(header) < LEAST_ROWS:
        return
    columns = []
    for place in range(len(run[0].fields)):
        filled = [(row.fields[place], number) for number, row in enumerate(rows) if row.fields[place][0] < row.fields[place][1]]
        if filled:
            cells, numbers = zip(*filled, strict=True)
            columns.append(Column(place, header[place] if header else "", cells, numbers))
    yield TextTable(mark, bool(header), tuple((row.start, row.end) for row in rows), tuple(columns))


def _header(text: str, run: Sequence[_Line]) -> tuple[str, ...]:
    """The words of a table's first line where it is a header: half of its words say what their columns hold, or it has no digits where all
    lines below have; () for a row."""
    words = tuple(text[start:end] for start, end in run[0].fields) if run else ()
    if any(len(word) > _LONG_WORD for word in words):
        return ()
    meant = [meaning(word) for word in words]
    known = sum(item.entity_type is not None or bool(item.excludes) or item.is_free_text for item in meant)
    if known * 2 >= sum(map(bool, words)) and any(item.entity_type is not None for item in meant):
        return words
    apart = len(run) > 1 and not any(map(_DIGIT.search, words)) and any(_numbered(text, run[1:], place) for place in range(len(words)))
    return words if apart and known else ()


def _numbered(text: str, rows: Sequence[_Line], place: int) -> bool:
    return all(place < len(row.fields) and _DIGIT.search(text, *row.fields[place]) for row in rows)


def lists_in_blanks(text: str, joins: Callable[[str, str], bool]) -> Iterator[TextTable]:
    """Lists in Japanese set with single blanks: consecutive lines of three fields or more that are no sentences. `joins`: whether two
    neighbours are one field with a blank in it."""
    if "\n" not in text:
        return
    run: list[_Line] = []
    for start, end in (*line_spans(text), (len(text), len(text))):
        line = text[start:end] if text.find("。", start, end) < 0 else ""
        fields: list[Span] = []
        if (" " in line or "\u3000" in line) and not line.isascii() and _JAPANESE.search(line) and not _SENTENCE_END.search(line):
            for match in _BY_BLANKS.finditer(text, start, end):
                if fields and fields[-1][1] + 1 == match.start() and joins(text[slice(*fields[-1])], match[0]):
                    fields[-1] = (fields[-1][0], match.end())
                else:
                    fields.append(match.span())
        if len(fields) >= 3:
            run.append(_Line(start, end, tuple(fields)))
        else:
            yield from _ragged(text, run)
            run = []


def items(text: str) -> Iterator[TextTable]:
    """Lists of one or two columns: lines that are one word, and items with something in brackets, as in ・佐藤花子(サトウハナコ) 経理課."""
    if "\n" not in text:
        return
    found = line_spans(text)
    alone = ((start, end, _cells_of(_ONE, text, start, end) if end - start <= LONGEST_WORD else ()) for start, end in found)
    named = ((start, end, _cells_of(_LATIN, text, start, end)) for start, end in found)
    noted = ((start, end, _cells_of(_NOTED, text, start, end)) for start, end in found) if "(" in text or "（" in text else ()
    for mark, lines in (("", alone), ("", named), ("(", noted)):
        run: list[_Line] = []
        for start, end, fields in (*lines, (len(text), len(text), ())):
            if fields:
                run.append(_Line(start, end, fields))
                continue
            if len(run) >= LEAST_ROWS:
                numbers = tuple(range(len(run)))
                columns = tuple(Column(place, "", tuple(row.fields[place] for row in run), numbers) for place in range(len(run[0].fields)))
                yield TextTable(mark, False, tuple((row.start, row.end) for row in run), columns)
            run = []


def _cells_of(pattern: re.Pattern[str], text: str, start: int, end: int) -> tuple[Span, ...]:
    match = pattern.match(text, start, end) if end - start <= LONGEST_ITEM else None
    return tuple(match.span(group) for group in range(1, pattern.groups + 1)) if match else ()


def _ragged(text: str, run: list[_Line]) -> Iterator[TextTable]:
    if len(run) < LEAST_ROWS:
        return
    header = _header(text, run)
    rows = run[1:] if header else run
    if len(rows) + bool(header) < LEAST_ROWS or not rows:
        return
    least = min(len(row.fields) for row in rows)
    numbers = tuple(range(len(rows)))
    columns = []
    for place in (*range(least), *range(-least, 0)):
        word = header[place] if header and -len(header) <= place < len(header) else ""
        columns.append(Column(place, word, tuple(row.fields[place] for row in rows), numbers))
    yield TextTable(BLANKS, bool(header), tuple((row.start, row.end) for row in rows), tuple(columns))
