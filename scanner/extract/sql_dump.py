"""Reads SQL dumps as tables with their column names: mysqldump, pg_dump, SQL Server and Oracle scripts.

Rows come from INSERT statements and COPY blocks. Whatever is neither (comments, definitions, other statements, rows of
another width) is text as it stands, so that nothing is skipped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scanner.extract import sniff
from scanner.extract.charset import TextStream
from scanner.extract.text import MAX_ASIDE, Aside, Window
from scanner.model import Batch, Blob, Budget, Decoded, Item, Table

_LOOK = 1 << 20
_LONGEST = 1 << 24  # of one row; a longer one is text
_GROUP_ROWS = 1 << 12
_TABLE_ROWS = 1 << 13  # gathered before a table is begun
_MAX_PENDING = 1 << 23  # characters of rows of other tables gathered meanwhile

# --------------------------------------------------------------------------- grammar

_NAME = r'(?:`[^`]+`|"(?:[^"]|"")+"|\[[^\]]+\]|[^\W\d][\w$#@]*)'
_TABLE = rf"{_NAME}(?:\s*\.\s*{_NAME}){{0,3}}"
_COLUMN_LIST = rf"\(\s*{_NAME}(?:\s*,\s*{_NAME})*\s*\)"
_INTO = re.compile(
    rf"(?:(?:INSERT|REPLACE)\s+(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE|OVERWRITE|OR\s+\w+|/\*.*?\*/)\s+)*(?:INTO\s+)?|INTO\s+)"
    rf"(?!INTO\b|ALL\b)(?P<table>{_TABLE})\s*(?P<columns>{_COLUMN_LIST})?\s*(?:OVERRIDING\s+\w+\s+VALUE\s*)?VALUES?\s*(?=\()",
    re.IGNORECASE | re.DOTALL,
)
_COPY = re.compile(
    rf"COPY\s+(?P<table>{_TABLE})\s*(?P<columns>{_COLUMN_LIST})?\s+FROM\s+stdin(?:\s+(?:WITH\s*)?\(?[^;\n]*)?;[ \t]*\r?\n", re.IGNORECASE
)
_CREATE = re.compile(
    rf"CREATE\s+(?:(?:OR\s+REPLACE|GLOBAL|LOCAL|TEMPORARY|TEMP|UNLOGGED|EXTERNAL|FOREIGN)\s+)*TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<table>{_TABLE})\s*\(",
    re.IGNORECASE,
)
_BLANK = re.compile(r"[\s;]+")
_COMMENT = re.compile(r"--[^\n]*\n?|/\*(?!!).*?\*/|#[^\n]*\n?|(?:REM|PROMPT)\b[^\n]*\n?|GO[ \t]*\r?\n", re.DOTALL | re.IGNORECASE)
_CONSTRAINT = re.compile(r"(?:CONSTRAINT|PRIMARY|UNIQUE|KEY|INDEX|FULLTEXT|SPATIAL|FOREIGN|CHECK|EXCLUDE|LIKE|PERIOD)\b", re.IGNORECASE)
_AFTER_ROW = re.compile(r"\s*,\s*(?=\()")

_STANDARD = r"'[^']*+(?:''[^']*+)*+'"
_BACKSLASH = r"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_DOUBLE = r'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"'


# One part of a table's definition: names and texts in quotes, and parentheses (of types, defaults, checks) whole.
_DEFINITION = re.compile(
    rf"(?:[^,()'\"`]++|{_STANDARD}|\"[^\"]*+\"|`[^`]*+`|\((?:[^()']++|{_STANDARD}|\((?:[^()']++|{_STANDARD}|\([^()]*+\))*+\))*+\))++"
)


@dataclass(frozen=True, slots=True)
class _Grammar:
    """Compiled patterns of one dialect: `row` is a tuple in parentheses, `cell` one value and its comma, `other` a statement;
    `simple` is a tuple of plain strings and numbers that the csv module splits right, `run` many of them in a row."""

    backslash: bool
    simple: re.Pattern[str]
    run: re.Pattern[str]
    row: re.Pattern[str]
    cell: re.Pattern[str]
    literal: re.Pattern[str]
    other: re.Pattern[str]


def _grammar(backslash: bool) -> _Grammar:
    """`backslash`: MySQL's strings, where a backslash escapes; elsewhere it does in E'...' only."""
    quoted = _BACKSLASH if backslash else rf"(?:[eE]{_BACKSLASH}|[qQ]'(?:\[.*?\]|\{{.*?\}}|\(.*?\)|<.*?>|!.*?!|\|.*?\||~.*?~)'|{_STANDARD})"
    inner = r"[^'\"()eEqQ]++" if not backslash else r"[^'\"()]++"
    loose = "" if backslash else r"|[eEqQ](?!')"
    level = rf"(?:{inner}|{quoted}|{_DOUBLE}{loose})"
    for _ in range(3):
        level = rf"(?:{inner}|{quoted}|{_DOUBLE}{loose}|\({level}*+\))"
    escaped = r"(?:''|\\['\"\\])" if backslash else "''"
    plain = rf"(?:'[^'\\]*+(?:{escaped}[^'\\]*+)*+'|[-+]?[0-9][0-9.]*+(?:[eE][-+]?[0-9]+)?|NULL)"
    simple = rf"\(({plain}(?:, ?{plain})*+)\)"
    prefix = r"(?:[nN]|_\w+\s+|[xXbB])?"
    bare = r"[^,'\"()eEqQ]*+(?:[eEqQ](?!')[^,'\"()eEqQ]*+)*+" if not backslash else r"[^,'\"()]*+"
    return _Grammar(
        backslash,
        re.compile(simple),
        re.compile(rf"{simple}(?:\s*,\s*{simple}){{0,{_GROUP_ROWS - 1}}}+"),
        re.compile(rf"\(({level}*+)\)", re.DOTALL),
        re.compile(rf"\s*(?:({prefix}{quoted})\s*(?:::[^,']*)?|({bare})|((?:(?!,){level})++)),", re.DOTALL),
        re.compile(rf"[nN]?({quoted}|{_DOUBLE})", re.DOTALL),
        re.compile(rf"(?:[^;'\n\-/]++|{quoted}|--[^\n]*|/\*.*?\*/|[-/])*+[;\n]", re.DOTALL),
    )


_MYSQL_MARK = re.compile(r"`|/\*!\d|ENGINE\s*=|-- (?:MySQL|MariaDB) dump|\\'\w", re.IGNORECASE)
_NOT_MYSQL = re.compile(
    r"-- PostgreSQL database dump|standard_conforming_strings|IDENTITY_INSERT|^GO\s*$|(?<![\\\w])N'|\bTO_DATE\s*\(",
    re.IGNORECASE | re.MULTILINE,
)
_MYSQL_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MYSQL_CODES = {"n": "\n", "r": "\r", "t": "\t", "0": "", "b": "", "Z": "", "f": "\f", "v": "\v"}
_COPY_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)


def _name(raw: str) -> str:
    """A (qualified) name without its quotes."""
    return ".".join(part[1:-1].replace('""', '"') if part[0] in '`"[' else part for part in re.findall(_NAME, raw))


def _names(raw: str | None) -> tuple[str, ...] | None:
    return tuple(_name(part) for part in re.findall(_NAME, raw)) if raw else None


def _text_of(literal: str, backslash: bool) -> str:
    """The text of a quoted literal, its prefix included in `literal`."""
    kind = literal[0]
    if kind in "qQ":
        return literal[3:-2]
    if kind in "xX":
        return _hex_text(literal[2:-1])
    start = literal.index('"' if kind == '"' else "'")
    quote = literal[start]
    body = literal[start + 1 : -1]
    if quote * 2 in body:
        body = body.replace(quote * 2, quote)
    if (backslash or kind in "eE") and "\\" in body:
        body = _MYSQL_ESCAPE.sub(lambda found: _MYSQL_CODES.get(found.group(1), found.group(1)), body)
    return body


def _hex_text(digits: str) -> str:
    """Hexadecimal literals hold text where a dump was told to write strings so (--hex-blob); else the digits stand."""
    try:
        text = bytes.fromhex(digits).decode("utf-8")
    except ValueError:
        return digits
    return text if text.isprintable() else digits


def _cells(inner: str, grammar: _Grammar) -> list[str]:
    """The values of a tuple as text: NULL is empty, a function call or an expression gives its literals."""
    found = []
    for literal, bare, other in grammar.cell.findall(inner + ","):
        if literal:
            plain = literal[0] == "'" and "\\" not in literal and "''" not in literal
            found.append(literal[1:-1] if plain else _text_of(literal, grammar.backslash))
        elif other:
            found.append(_expression(other, grammar))
        else:
            word = bare.strip()
            if word[:2] in ("0x", "0X"):
                word = _hex_text(word[2:])
            found.append("" if word in ("NULL", "null", "Null") else word)
    return found


def _expression(text: str, grammar: _Grammar) -> str:
    literals = [_text_of(found.group(1), grammar.backslash) for found in grammar.literal.finditer(text)]
    call = text.strip().upper()
    if call.startswith("UNISTR"):
        return "".join(re.sub(r"\\([0-9A-Fa-f]{4})", lambda code: chr(int(code.group(1), 16)), part) for part in literals)
    if call.startswith(("TO_DATE", "TO_TIMESTAMP", "STR_TO_DATE", "TO_CHAR", "CONVERT", "CAST")) and literals:
        return literals[0]
    return ("" if "||" in text else " ").join(literals) if literals else text.strip()


# --------------------------------------------------------------------------- statements


_Shape = tuple[str, tuple[str, ...] | None, int]


@dataclass(slots=True)
class _Rows:
    """Some rows of one table, each as wide as `width`, with the line each stands on."""

    table: str
    columns: tuple[str, ...] | None
    width: int
    cells: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    size: int = 0

    @property
    def shape(self) -> _Shape:
        return self.table, self.columns, self.width

    def extend(self, other: _Rows) -> None:
        self.cells.extend(other.cells)
        self.lines.extend(other.lines)
        self.size += other.size


class _Script:
    """Walks a script statement by statement; rows come in groups, everything else goes aside."""

    def __init__(self, chunks: Iterator[str], aside: Aside) -> None:
        self._window = Window(chunks)
        self._aside = aside
        self._defined: dict[str, tuple[str, ...]] = {}
        self._headings: dict[str, tuple[str, tuple[str, ...] | None]] = {}
        self._window.ensure(_LOOK)
        head = self._window.text[: 1 << 16]
        self._grammar = _grammar(bool(_MYSQL_MARK.search(head)) and not _NOT_MYSQL.search(head))

    def groups(self) -> Iterator[_Rows | None]:
        """Groups of rows in order; None now and then, where only text was met."""
        window = self._window
        while True:
            window.ensure(_LOOK)
            if window.at >= len(window.text):
                return
            text, at = window.text, window.at
            blank = _BLANK.match(text, at)
            if blank is not None:
                window.take(blank.end())
                continue
            if insert := _INTO.match(text, at):
                yield from self._insert(insert)
            elif copy := _COPY.match(text, at):
                yield from self._copy(copy)
            else:
                self._define(text, at)
                self._statement()
                yield None

    def _keep(self, end: int) -> None:
        line = self._window.line
        taken = self._window.take(end)
        if taken.strip():
            self._aside.add(line, taken)

    def _statement(self) -> None:
        """A comment, or a statement without rows, up to its semicolon or line end; text in any case."""
        window = self._window
        found = _COMMENT.match(window.text, window.at) or self._grammar.other.match(window.text, window.at)
        if found is not None and found.end() > window.at:
            self._keep(found.end())
            return
        end = window.text.find("\n", window.at) + 1
        self._keep(end or len(window.text))

    def _define(self, text: str, at: int) -> None:
        """Remembers the columns of a CREATE TABLE, for INSERT statements that do not name them."""
        create = _CREATE.match(text, at)
        if create is None:
            return
        # An apostrophe in a comment would open a string: comments go first.
        body = self._grammar.row.match(_without_comments(text[create.end() - 1 : create.end() + (1 << 16)]))
        if body is None:
            return
        parts = (part.strip() for part in _DEFINITION.findall(body.group(1)))
        named = (re.match(_NAME, part) for part in parts if not _CONSTRAINT.match(part))
        columns = [_name(found.group()) for found in named if found is not None]
        self._defined[_key(create.group("table"))] = tuple(columns)
        self._headings.clear()

    def _insert(self, head: re.Match[str]) -> Iterator[_Rows]:
        """Rows of one INSERT, and of those right after it that begin with the very same words."""
        window = self._window
        same = head.group()
        table, columns = self._heading(head)
        group = _Rows(table, columns, len(columns or ()))
        window.take(head.end())
        while True:
            for rows in self._tuples(table, columns):
                if rows.width == group.width:
                    group.extend(rows)
                else:
                    if group.cells:
                        yield group
                    group = rows
            if len(group.cells) >= _GROUP_ROWS or group.size > _LOOK:
                yield group
                group = _Rows(*group.shape)
            window.ensure(_LOOK)
            if self._comma():
                continue
            blank = _BLANK.match(window.text, window.at)
            if blank is None or not window.text.startswith(same, blank.end()):
                break
            window.take(blank.end() + len(same))
        if group.cells:
            yield group

    def _heading(self, head: re.Match[str]) -> tuple[str, tuple[str, ...] | None]:
        """Table and columns that the head of an INSERT or COPY names; scripts say the same heads over and over."""
        words = head.group()
        known = self._headings.get(words)
        if known is None:
            known = _name(head.group("table")), _names(head.group("columns")) or self._defined.get(_key(head.group("table")))
            if len(self._headings) < 1000:
                self._headings[words] = known
        return known

    def _comma(self) -> bool:
        after = _AFTER_ROW.match(self._window.text, self._window.at)
        if after is not None:
            self._window.take(after.end())
        return after is not None

    def _tuples(self, table: str, columns: tuple[str, ...] | None) -> Iterator[_Rows]:
        """The next row, or as many simple rows as stand in a line; nothing if there is no row here."""
        window = self._window
        run = self._grammar.run.match(window.text, window.at)
        if run is not None:
            inner, lines = self._simple(run)
            escape = "\\" if self._grammar.backslash else None
            cells = list(csv.reader(inner, quotechar="'", escapechar=escape, skipinitialspace=True))
            window.take(run.end())
        else:
            row = self._row()
            if row is None:
                return
            inner, cells, lines = [row.group(1)], [_cells(row.group(1), self._grammar)], [window.line]
            window.take(row.end())
        width = len(columns) if columns is not None else len(cells[0])
        if set(map(len, cells)) == {width}:
            yield _Rows(table, columns, width, cells, lines, sum(map(len, inner)))
            return
        for text, values, line in zip(inner, cells, lines, strict=True):
            if len(values) == width:
                yield _Rows(table, columns, width, [values], [line], len(text))
            else:
                self._aside.add(line, f"({text})\n")

    def _simple(self, run: re.Match[str]) -> tuple[list[str], list[int]]:
        """What stands within each row of a run, and the row's line."""
        text, line, last = self._window.text, self._window.line, self._window.at
        if text.find("\n", last, run.end()) < 0:
            inner = self._grammar.simple.findall(text, run.start(), run.end())
            return inner, [line] * len(inner)
        inner, lines = [], []
        for row in self._grammar.simple.finditer(text, run.start(), run.end()):
            line += text.count("\n", last, row.start())
            last = row.start()
            inner.append(row.group(1))
            lines.append(line)
        return inner, lines

    def _row(self) -> re.Match[str] | None:
        window = self._window
        row = self._grammar.row.match(window.text, window.at)
        if row is None and not window.ended:
            window.ensure(_LOOK)
            row = self._grammar.row.match(window.text, window.at)
            if row is None and not window.ended:
                window.ensure(_LONGEST)
                row = self._grammar.row.match(window.text, window.at)
        return row

    def _copy(self, head: re.Match[str]) -> Iterator[_Rows]:
        window = self._window
        table, columns = self._heading(head)
        self._keep(head.end())
        ended = False
        while not ended:
            window.ensure(_LOOK)
            if window.at >= len(window.text):
                return
            end = window.text.rfind("\n", window.at) + 1
            if not end:
                if not window.ended and len(window.text) - window.at < _LONGEST:
                    window.ensure(len(window.text) - window.at + _LOOK)
                    continue
                end = len(window.text)
            stop = re.compile(r"^\\\.\r?$", re.MULTILINE).search(window.text, window.at, end)
            ended = stop is not None
            body_end = stop.start() if stop else end
            yield from self._copy_rows(table, columns, body_end)
            if stop is not None:
                window.take(min(len(window.text), stop.end() + 1))

    def _copy_rows(self, table: str, columns: tuple[str, ...] | None, end: int) -> Iterator[_Rows]:
        first = self._window.line
        text = self._window.take(end)
        if "\\" in text and text.count("\\") == text.count("\\N"):
            text = text.replace("\\N", "")
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        cells = [line.split("\t") for line in lines]
        if "\\" in text:
            cells = [[_copy_text(cell) if "\\" in cell else cell for cell in row] for row in cells]
        width = len(columns) if columns is not None else len(cells[0]) if cells else 0
        numbers = list(range(first, first + len(lines)))
        if any(len(row) != width for row in cells):
            for row, number, line in zip(cells, numbers, lines, strict=True):
                if len(row) != width:
                    self._aside.add(number, line + "\n")
            numbers = [number for row, number in zip(cells, numbers, strict=True) if len(row) == width]
            cells = [row for row in cells if len(row) == width]
        if cells:
            yield _Rows(table, columns, width, cells, numbers, len(text))


def _key(raw: str) -> str:
    """A table's own name, without its schema: dumps define and fill it under differing qualifications."""
    return _name(raw).rsplit(".", 1)[-1].lower()


def _without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)


def _copy_text(cell: str) -> str:
    """COPY's text format (PostgreSQL, "File Formats")."""
    if cell == "\\N":
        return ""

    def resolved(found: re.Match[str]) -> str:
        hexadecimal, octal, char = found.groups()
        if hexadecimal is not None or octal is not None:
            return chr(int(hexadecimal, 16) if hexadecimal is not None else int(octal, 8) & 0xFF)
        return {"n": "\n", "r": "\r", "t": "\t", "b": "", "f": "\f", "v": "\v"}.get(char, char)

    return _COPY_ESCAPE.sub(resolved, cell)


# --------------------------------------------------------------------------- tables


class SqlDump:
    """Tables of a dump, each streamed; what is no row as text."""

    media_types = frozenset({sniff.SQL})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            stream = TextStream(raw, blob.declared_charset)
            aside = Aside()
            yield from _Sorter(_Script(stream.chunks(_LOOK), aside).groups(), aside).items()
            yield Decoded(stream.encoding, stream.undecoded)


class _Sorter:
    """Sorts rows by table, since scripts may fill several by turns: a table is begun when it has gathered enough, and
    goes on while its rows come; what comes for others meanwhile waits."""

    def __init__(self, groups: Iterator[_Rows | None], aside: Aside) -> None:
        self._groups = groups
        self._aside = aside
        self._waiting: dict[_Shape, _Rows] = {}
        self._pending = 0
        self._counts: dict[str, int] = {}

    def items(self) -> Iterator[Item]:
        for group in self._groups:
            if group is not None:
                gathered = self._wait(group)
                if len(gathered.cells) >= _TABLE_ROWS:
                    yield from self._table(gathered)
                elif self._pending > _MAX_PENDING:
                    yield from self._table(max(self._waiting.values(), key=lambda rows: rows.size))
            if self._aside.size > MAX_ASIDE:
                yield from self._aside.items()
        while self._waiting:
            yield from self._table(next(iter(self._waiting.values())))
        yield from self._aside.items()

    def _wait(self, group: _Rows) -> _Rows:
        self._pending += group.size
        gathered = self._waiting.setdefault(group.shape, group)
        if gathered is not group:
            gathered.extend(group)
        return gathered

    def _table(self, gathered: _Rows) -> Iterator[Item]:
        batches = self._batches(gathered)
        yield Table(gathered.columns, batches, gathered.table)
        for _ in batches:  # rows that nobody asked for must not hide what comes after them
            pass
        yield from self._aside.items()

    def _batches(self, gathered: _Rows) -> Iterator[Batch]:
        self._pending -= gathered.size
        shape = gathered.shape
        del self._waiting[shape]
        yield self._batch(gathered)
        ready = _Rows(*shape)
        for group in self._groups:
            if group is not None and group.shape == shape:
                ready.extend(group)
            elif group is not None:
                self._wait(group)
            if ready.size > 2 * _LOOK or len(ready.cells) >= _TABLE_ROWS:
                yield self._batch(ready)
                ready = _Rows(*shape)
            if self._pending > _MAX_PENDING or self._aside.size > MAX_ASIDE:
                break
        if ready.cells:
            yield self._batch(ready)

    def _batch(self, ready: _Rows) -> Batch:
        import numpy as np
        import pyarrow as pa

        columns: list[Any] = [_strings(values) for values in zip(*ready.cells, strict=True)]
        lines = np.array(ready.lines, np.int64)
        before = self._counts.get(ready.table, 0)
        self._counts[ready.table] = before + len(lines)
        rows = np.arange(before + 1, before + 1 + len(lines), dtype=np.int64)
        return Batch(pa.RecordBatch.from_arrays(columns, names=[str(at) for at in range(len(columns))]), rows, lines)


def _strings(values: tuple[str, ...]) -> Any:
    """A string column; NULL as simple rows leave it is empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(values, pa.string())
    return pc.if_else(pc.equal(array, "NULL"), "", array) if "NULL" in values else array


EXTRACTORS = (SqlDump(),)
