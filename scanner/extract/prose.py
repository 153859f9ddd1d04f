"""Running text with tables in it, put together from a walker's marks: what documents, slides and web pages share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.extract.grid import Row, sheet_items
from scanner.model import Budget, Item, Text

PIECE = 500_000
"""Characters in one `Text` at most."""
_FLUSH = 250_000
_LINES_APART = 200
_TABLE_ROWS = 50_000
_TABLE_CHARACTERS = 8_000_000


def pieces(text: str, place: str | None, first_line: int | None = None) -> Iterator[Text]:
    """`text` as one or more `Text` items; nothing if it is blank."""
    if not text.strip():
        return
    for start in range(0, len(text), PIECE):
        part = text[start : start + PIECE]
        yield Text(part, place, first_line, continues=start > 0)
        if first_line is not None:
            first_line += part.count("\n")


class LinedText:
    """Text of one place with its line ends where the file has them, so that a hit's line is the file's."""

    def __init__(self, place: str | None) -> None:
        self.place = place
        self.first = 1
        self._parts: list[str] = []
        self._line = 1
        self.size = 0

    def add(self, text: str, line: int) -> Text | None:
        """Adds `text` that begins at physical `line`; what lay before comes back if it is far above or much."""
        done = self.take() if self._parts and (line - self._line > _LINES_APART or self.size > PIECE // 2) else None
        if not self._parts:
            self.first = self._line = line
        if line > self._line:
            self._parts.append("\n" * (line - self._line))
        self._parts.append(text)
        self._line = max(line, self._line) + text.count("\n")
        self.size += len(text)
        return done

    def edge(self, mark: str) -> None:
        """Keeps two words of one line apart."""
        if self._parts and not self._parts[-1].endswith((" ", "\t", "\n")):
            self._parts.append(mark)

    def take(self) -> Text | None:
        text = "".join(self._parts).rstrip()
        self._parts, self.size = [], 0
        if not text.strip():
            return None
        return Text(text, self.place, self.first)


@dataclass(slots=True)
class _Cells:
    """A table being read: its rows so far, the row and cell in hand."""

    place: str | None
    rows: list[Row] = field(default_factory=list)
    number: int = 0
    column: int = 0
    row: dict[int, str] = field(default_factory=dict)
    size: int = 0
    header: tuple[str, ...] | None = None


class Manuscript:
    """Collects text of several places, and tables, in reading order; `take` gives what is finished.

    A walker opens and closes paragraphs and tables; what it adds goes to the innermost one open. A table's text is not
    repeated in the text around it; the cells of a nested table go to a table of their own.
    """

    def __init__(self, budget: Budget, place: str | None = None) -> None:
        self._budget = budget
        self._places: list[str | None] = [place]
        self._lines: dict[str | None, list[str]] = {}
        self._size = 0
        self._paragraphs: list[list[str]] = []
        self._asides: list[list[str]] = []
        self._tables: list[_Cells | None] = []  # None: a place was entered inside a table, its text is not the cell's
        self._cells: list[list[str]] = []
        self._tables_met = 0
        self._done: list[Iterator[Item]] = []

    @property
    def place(self) -> str | None:
        return self._places[-1]

    # -- text

    def add(self, text: str) -> None:
        """Text of the paragraph in hand, as it runs on."""
        if not self._paragraphs:
            self._paragraphs.append([])
            self._asides.append([])
        self._paragraphs[-1].append(text)

    def aside(self, text: str) -> None:
        """Text that belongs to the paragraph in hand but not into its line (deleted words, furigana, a link): a line after it."""
        if not text.strip():
            return
        if self._asides:
            self._asides[-1].append(text)
        else:
            self._line(text)

    @property
    def mid_paragraph(self) -> bool:
        """Whether the paragraph in hand has words already."""
        return bool(self._paragraphs and self._paragraphs[-1])

    def begin_paragraph(self) -> None:
        self._paragraphs.append([])
        self._asides.append([])

    def end_paragraph(self) -> None:
        """Also closes text that stood outside any paragraph."""
        if not self._paragraphs:
            return
        line = "".join(self._paragraphs.pop())
        for text in (line, *self._asides.pop()):
            self._line(text)

    def _line(self, text: str) -> None:
        if not text.strip():
            return
        if self._tables and self._tables[-1] is not None and self._cells:
            self._cells[-1].append(text)
            return
        self._lines.setdefault(self.place, []).append(text)
        self._size += len(text)
        if self._size > _FLUSH:
            self.flush()

    # -- places

    def enter(self, place: str | None) -> None:
        """What follows, up to `leave`, is of another place (a footnote within a paragraph, a text box within a cell)."""
        self._places.append(place)
        self._tables.append(None)

    def leave(self) -> None:
        self._places.pop()
        self._tables.pop()

    def turn_to(self, place: str | None) -> None:
        """The text goes on at another place (the next page)."""
        if not self._tables:
            self.flush()
        self._places[-1] = place

    # -- tables

    def begin_table(self) -> None:
        self._tables_met += 1
        label = f"table {self._tables_met}"
        if not any(self._tables):
            self.flush()
        self._tables.append(_Cells(f"{self.place} {label}" if self.place else label))

    def begin_row(self) -> None:
        if self._tables and (table := self._tables[-1]) is not None:
            table.number += 1
            table.column = 0
            table.row = {}

    def skip_columns(self, count: int) -> None:
        """The row in hand has `count` columns without cells here."""
        if self._tables and (table := self._tables[-1]) is not None:
            table.column += min(count, 16_384)

    def begin_cell(self) -> None:
        self._cells.append([])
        self.begin_paragraph()

    def end_cell(self, span: int = 1) -> None:
        """`span` columns are taken up; the text stands in the first."""
        if not self._cells:
            return
        self.end_paragraph()
        text = "\n".join(self._cells.pop())
        if self._tables and (table := self._tables[-1]) is not None:
            if text:
                table.row[table.column + 1] = text
                table.size += len(text)
            table.column += max(1, min(span, 1_000))

    def end_row(self) -> None:
        if self._tables and (table := self._tables[-1]) is not None:
            if table.row:
                table.rows.append((table.number, table.row))
            if len(table.rows) >= _TABLE_ROWS or table.size > _TABLE_CHARACTERS:
                self._finish(table)
                table.rows, table.size = [], 0

    def end_table(self) -> None:
        if self._tables and (table := self._tables.pop()) is not None:
            self._finish(table)

    def _finish(self, table: _Cells) -> None:
        self._done.append(sheet_items(table.rows, table.place, self._budget, lines=False))

    # -- out

    def flush(self) -> None:
        for place, lines in self._lines.items():
            self._done.append(pieces("\n".join(lines), place))
        self._lines = {}
        self._size = 0

    def take(self) -> Iterator[Item]:
        """What is finished so far; each table is to be read before the next item is asked for."""
        done, self._done = self._done, []
        for items in done:
            yield from items

    def close(self) -> Iterator[Item]:
        """Everything left, whatever was not closed included."""
        while self._cells or self._tables:
            if self._cells and self._tables and self._tables[-1] is not None:
                self.end_cell()
                self.end_row()
            if self._tables:
                self.end_table()
            else:
                self._cells.clear()
        while self._paragraphs:
            self.end_paragraph()
        self.flush()
        yield from self.take()
