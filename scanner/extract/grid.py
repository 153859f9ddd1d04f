"""Rows of a sheet or a document's table turned into tables with headers, exact row and column numbers, and text around them.

A sheet is any mixture: a title and a note above the table, several tables below one another, a form of labels and
values, or two cells a million rows apart. Nothing here pads more than a few blank columns, whatever the sheet claims.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scanner.model import Batch, Budget, Gap, Item, Reason, Table, Text, Unreadable

Row = tuple[int, dict[int, str]]
"""1-based row number, and 1-based column number -> text of the cells that hold any."""

SEGMENT_ROWS = 16_384
SEGMENT_CHARACTERS = 4_000_000
GAP_COLUMNS = 32
"""Columns further apart than this many blank ones are different tables: padding them would let two cells ask for 16,384 columns."""
_LOOK = 40
_HEADER_CHARACTERS = 60

_HINT = re.compile(
    r"氏名|名前|^姓$|名$|せい|めい|セイ|メイ|シメイ|フリガナ|ふりがな|カナ|かな|ｶﾅ|住所|所在地|電話|携帯|連絡先|内線|℡|"
    r"メール|アドレス|郵便|^〒$|番号|コード|^No\.?$|№|^日$|日付|年月日|年齢|性別|^会社$|部署|所属|部門|担当者?|役職|備考|摘要|金額|単価|数量|"
    r"区分|種別|状態|件数|^会員|^顧客|^社員|^取引先|^店舗$|^支店$|口座|(?i:\b(?:(?:sur|given|first|last|full|family|user|file)?[ _]?name|"
    r"name[ _]?kana|tel(?:ephone)?\d?|phone\d?|mobile|fax|e-?mail|mail|ml|addr(?:ess)?\d?|zip(?:code)?|post(?:al)?(?:[ _]?code)?|postcode|"
    r"city|country|street|birth(?:day|date)?|dob|date|id|no|code|memo|notes?|remarks?|comments?|company|department|dept|title|age|sex|gender|"
    r"shimei|sei|mei|kana|nm_\w+|amount|price|qty|quantity|total|item|product|status|type|category|description|staff|owner|customer|member|"
    r"sku|order)\b)"
)
"""Words that name columns or fields. They only tell a header row from a row of data; what a column holds is the detectors' to say."""
_VALUE = re.compile(r"@|https?://|\d{3,}|^[\d\s.,:/()+\-¥$%￥〒０-９]+$")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Header:
    """Column names found: `names` by column number, `height` rows of the look-ahead they stand on, `sure` by their words."""

    names: dict[int, str]
    height: int
    sure: bool


def header_of(rows: list[Row]) -> Header | None:
    """The header at the top of `rows`, if the first row (or two) is one.

    A header's cells are short, distinct words without values in them, over rows that fill the same columns; and either
    its words are such as name columns, or the values below differ from it in kind (digits under words). A row that
    merely could be a header is not taken for one: a person's row would be lost as column names.
    """
    if len(rows) < 2:
        return None
    names, below = rows[0][1], rows[1:]
    if not _wordy(names):
        return None
    two = _second_row(names, below)
    if two is not None:
        return two
    sure = _hinted(names)
    overlap = sum(len(names.keys() & cells.keys()) for _, cells in below[:8])
    if overlap < min(len(below), 8) * min(2, len(names)) / 2:
        return None
    if len(names) == 1 and any(len(cells) > 1 for _, cells in below[:3]):
        return None  # a title over a table
    widest = max(len(cells) for _, cells in below[:8])
    if len(names) * 2 < widest:
        return None
    if sure or (len(names) > 1 and _contrast(names, below)):
        return Header(names, 1, sure)
    return None


def _wordy(cells: dict[int, str]) -> bool:
    values = [text.strip() for text in cells.values()]
    short = all(len(text) <= _HEADER_CHARACTERS and not _VALUE.search(text) for text in values)
    return bool(values) and short and len(set(values)) == len(values)


def _hinted(cells: dict[int, str]) -> bool:
    """Most short words are such as name columns: half of them, for one may stand in any row of a person."""
    hits = sum(bool(_HINT.search(text.strip())) for text in cells.values() if len(text) <= 24)
    return hits * 2 >= len(cells)


def _contrast(names: dict[int, str], below: list[Row]) -> bool:
    """Some column without a digit in its name holds values (digits, addresses of mail) in nearly every row below, at least two."""
    for column, name in names.items():
        values = [cells[column] for _, cells in below[:8] if column in cells]
        if _DIGIT.search(name) is None and len(values) >= 2 and sum(bool(_VALUE.search(text)) for text in values) * 4 >= 3 * len(values):
            return True
    return False


def _second_row(names: dict[int, str], below: list[Row]) -> Header | None:
    """A header of two rows: groups above (merged cells: fewer of them), names of columns below, then values."""
    under = below[0][1]
    if len(names) < 2 or len(below) < 2 or not (names.keys() | under.keys()) or not _second_wordy(under):
        return None
    if not _hinted(under) or (len(names.keys() - under.keys()) == 0 and len(names) >= len(under)):
        return None
    if not _contrast({**names, **under}, below[1:]) and not _hinted(names):
        return None
    joined: dict[int, str] = {}
    group = ""
    for column in sorted(names.keys() | under.keys()):
        group = names.get(column, group)
        parts = [group, under[column]] if column in under else [names[column]]
        joined[column] = " ".join(part.strip() for part in parts if part.strip())
    return Header(joined, 2, True)


def _second_wordy(cells: dict[int, str]) -> bool:
    return bool(cells) and all(len(text) <= _HEADER_CHARACTERS and not _VALUE.search(text) for text in cells.values())


def is_form(rows: list[Row]) -> bool:
    """Labels with their values beside them (``氏名 | 山田太郎``), not a table: few rows whose first cell names its neighbour."""
    if not 1 < len(rows) <= _LOOK:
        return False
    labelled = sum(_label_first(cells) for _, cells in rows)
    return labelled >= 2 and labelled * 2 >= len(rows)


def _label_first(cells: dict[int, str]) -> bool:
    texts = [cells[column].strip() for column in sorted(cells)]
    if len(texts) < 2 or len(texts[0]) > 24 or not _hinted({0: texts[0]}):
        return False
    return not _hinted({0: texts[1]}) or bool(_VALUE.search(texts[1]))


class _Rows:
    """Rows with look-ahead that end, instead of raising, at a fault, and remember it. Blank rows are left out."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._held: deque[Row] = deque()
        self.fault: Reason | None = None

    def peek(self, count: int) -> list[Row]:
        while len(self._held) < count and (row := self._next()) is not None:
            self._held.append(row)
        return list(self._held)[:count] if len(self._held) > count else list(self._held)

    def take(self) -> Row | None:
        return self._held.popleft() if self._held else self._next()

    def _next(self) -> Row | None:
        if self.fault is not None:
            return None
        try:
            for row in self._rows:
                if any(text.strip() for text in row[1].values()):
                    return row
        except Unreadable as error:
            self.fault = error.reason
        return None


class _Sheet:
    """One pass over a sheet's rows: blocks, each with its header, cut into segments that become batches."""

    def __init__(self, rows: Iterable[Row], place: str | None, budget: Budget, lines: bool) -> None:
        self._rows = _Rows(rows)
        self._place = place
        self._lines = lines
        self._cells_left = budget.limits.cells
        self._last_row = 0
        self._names: dict[int, str] = {}
        self._pending: list[Row] = []

    def items(self) -> Iterator[Item]:
        while look := self._rows.peek(_LOOK):
            yield from self._block(look)
        if self._rows.fault is not None:
            yield Gap(self._rows.fault, self._place)

    def _block(self, look: list[Row]) -> Iterator[Item]:
        at, header = _find_header(look)
        above = look[:at]
        if header is None and len(look) < _LOOK and is_form(look):
            yield from self._text(len(look))
            return
        if above and header is not None:
            yield from self._above(above, len(header.names))
        self._names = header.names if header else {}
        for _ in range(header.height if header else 0):
            self._advance()
        yield from self._tables()

    def _above(self, above: list[Row], width: int) -> Iterator[Item]:
        """Rows over a header: notes and forms as text, what is as wide as a table as a table."""
        if is_form(above) or all(len(cells) <= max(2, width // 2) for _, cells in above):
            yield from self._text(len(above))
            return
        rows = [row for _ in above if (row := self._advance()) is not None]
        yield from self._tables_of(rows)

    def _text(self, count: int) -> Iterator[Item]:
        """The next rows as text, a line each, so that the first line given leads to the sheet's row."""
        lines: list[str] = []
        first: int | None = None
        for _ in range(count):
            row = self._advance()
            if row is None:
                break
            number, cells = row
            if first is None or number - first - len(lines) > 50:
                if first is not None:
                    yield Text("\n".join(lines), self._place, first if self._lines else None)
                first, lines = number, []
            lines.extend([""] * (number - first - len(lines)))
            lines.append("\t".join(" ".join(cells[column].split("\n")) for column in sorted(cells)))
        if first is not None:
            yield Text("\n".join(lines), self._place, first if self._lines else None)

    def _advance(self) -> Row | None:
        row = self._rows.take()
        if row is not None:
            self._last_row = row[0]
        return row

    def _segment(self) -> list[Row]:
        """The next rows of this block, as many as one batch may hold."""
        rows: list[Row] = []
        size = 0
        while len(rows) < SEGMENT_ROWS and size < SEGMENT_CHARACTERS:
            ahead = self._rows.peek(1)
            if not ahead or (self._last_row and ahead[0][0] > self._last_row + 1 and self._new_block()):
                break
            row = self._advance()
            if row is None:
                break
            rows.append(row)
            size += sum(map(len, row[1].values())) + 8 * len(row[1])
        return rows

    def _new_block(self) -> bool:
        """After blank rows: does another header follow? Only its words can say so."""
        look = self._rows.peek(12)
        _, header = _find_header(look, within=3)
        return header is not None and header.sure and header.names != self._names

    def _tables(self) -> Iterator[Item]:
        segment = self._segment()
        while segment:
            self._pending = []
            yield from self._tables_of(segment, more=True)
            segment = self._pending or self._segment()

    def _tables_of(self, segment: list[Row], *, more: bool = False) -> Iterator[Item]:
        """`segment` as one table for each cluster of columns; if there is one cluster only, the block streams on in it."""
        names = self._names
        columns = sorted({column for _, cells in segment for column in cells} | names.keys())
        spans = _clusters(columns)
        for first, last in spans:
            header = tuple(names.get(column, "") for column in range(first, last + 1)) if names else None
            if header is not None and not any(header):
                header = None
            batches = self._stream(segment, first, last, more=more and len(spans) == 1)
            yield Table(header, batches, self._place, first)
            for _ in batches:  # whoever did not read the table to its end must not see its rows twice
                pass

    def _stream(self, segment: list[Row], first: int, last: int, *, more: bool) -> Iterator[Batch]:
        yield from self._batch(segment, first, last)
        while more and (segment := self._segment()):
            if any(min(cells) < first or max(cells) > last for _, cells in segment):
                self._pending = segment
                return
            yield from self._batch(segment, first, last)

    def _batch(self, rows: list[Row], first: int, last: int) -> Iterator[Batch]:
        """One batch, or several of fewer rows where the rows are wide."""
        import numpy as np
        import pyarrow as pa

        step = max(1, min(len(rows), 4_000_000 // (last - first + 1)))
        for start in range(0, len(rows), step):
            part = [row for row in rows[start : start + step] if any(first <= column <= last for column in row[1])]
            if not part:
                continue
            self._cells_left -= len(part) * (last - first + 1)
            if self._cells_left < 0:
                self._rows.fault = Reason.TOO_LARGE
                return
            arrays = [pa.array([cells.get(column) for _, cells in part], pa.string()) for column in range(first, last + 1)]
            batch = pa.RecordBatch.from_arrays(arrays, names=[str(index) for index in range(last - first + 1)])
            yield Batch(batch, np.array([number for number, _ in part], dtype=np.int64))


def _find_header(look: list[Row], within: int = _LOOK) -> tuple[int, Header | None]:
    for at in range(min(within, len(look) - 1)):
        header = header_of(look[at : at + 10])
        if header is None or is_form(look[at : at + 10]):
            continue
        if header.sure or all(len(cells) * 2 <= len(header.names) for _, cells in look[:at]):
            return at, header
    return 0, None


def _clusters(columns: list[int]) -> list[tuple[int, int]]:
    """Runs of columns with no more than `GAP_COLUMNS` blank ones between two: (first, last) each."""
    runs: list[tuple[int, int]] = []
    for column in columns:
        if runs and column - runs[-1][1] <= GAP_COLUMNS + 1:
            runs[-1] = (runs[-1][0], column)
        else:
            runs.append((column, column))
    return runs


def sheet_items(rows: Iterable[Row], place: str | None, budget: Budget, *, lines: bool = True) -> Iterator[Item]:
    """A sheet's rows as tables, and text for what stands above them or is laid out as a form.

    `lines`: the text's lines are numbered by the sheet's rows. A fault in `rows` (`Unreadable`) ends them with a `Gap`
    after what was read.
    """
    return _Sheet(rows, place, budget, lines).items()
