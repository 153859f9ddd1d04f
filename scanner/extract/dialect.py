"""How a delimited text is laid out: its delimiter, its quoting, and where its header stands."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DELIMITERS = (",", "\t", ";", "|", "\x01", "^", "~")
_SAMPLE_CHARS = 1 << 16
_SAMPLE_RECORDS = 200
_PREAMBLE_RECORDS = 30
_MAX_FIELD = 1 << 20

_DATA_CELL = re.compile(r"@|\d{4}[-/年.]\d{1,2}[-/月.]\d{1,2}|\d{2,}-\d{2,}|\d{5,}|^[-+]?[\d,]+(?:\.\d+)?%?$")
_HEADER_CELL = re.compile(
    r"(?i)氏名|名前|姓|住所|所在地|電話|携帯|番号|メール|アドレス|郵便|生年月日|日付|年月|性別|年齢|備考|コード|区分|会社|部署|所属|役職|担当|顧客|社員|フリガナ|ふりがな|カナ|件名|内容|金額|数量|単価|商品"
    r"|\b(?:id|no|name|first|last|given|family|surname|mail|e-?mail|phone|tel\d*|fax|mobile|address|addr\d*|zip|postal|post_?code|city|state|country|date|birth\w*|dob"
    r"|code|type|status|amount|price|qty|quantity|title|remarks?|notes?|memo|comment|company|dept|department|gender|sex|age|user\w*|customer\w*|order\w*|item|key|value"
    r"|shimei|kana|sei|mei|jusho|denwa|bango|created\w*|updated\w*|description|count|total)\b|_(?:id|no|cd|nm|name|kana|date|code|tel|mail|addr\w*)\b|^(?:nm|cd|dt|ml)_"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """`quoted`: whether ``"`` encloses fields. `columns`: how many fields an ordinary row has. `preamble`: records (blank
    ones included) before the table. `header`: the column names, None if the first row of the table is data."""

    delimiter: str
    quoted: bool
    columns: int
    preamble: int
    header: tuple[str, ...] | None


def quoting(quoted: bool) -> Literal[0, 3]:
    """The csv module's constant."""
    return csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE


def records(text: str, delimiter: str, quoted: bool, limit: int = _SAMPLE_RECORDS) -> list[list[str]]:
    """The first records of a text, blank lines as ``[]``; stops where a field is beyond reason."""
    # csv refuses NULs in some versions and bare carriage returns in others: both are ordinary characters of a broken file.
    clean = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    reader = csv.reader(io.StringIO(clean, newline=""), delimiter=delimiter, quoting=quoting(quoted))
    found: list[list[str]] = []
    try:
        for record in reader:
            found.append(record)
            if len(found) >= limit:
                break
    except csv.Error:
        pass
    return found


def detect(text: str, whole: bool, hint: str = "") -> Dialect | None:
    """The layout of a text whose beginning is given (`whole`: all of it), None if it is no delimited table.

    `hint` is the file name's ending in lower case, without the dot; it settles only what the content leaves open.
    """
    text = text[:_SAMPLE_CHARS]
    if not whole or len(text) == _SAMPLE_CHARS:
        cut = text.rfind("\n")
        text = text[: cut + 1] if cut > 0 else text
    named = hint in ("csv", "tsv", "tab", "psv")
    best: tuple[float, Dialect] | None = None
    for rank, delimiter in enumerate(DELIMITERS):
        if delimiter not in text:
            continue
        found = _with_delimiter(text, delimiter, named)
        if found is None:
            continue
        score = found[0] - rank * 0.001 + 0.02 * min(found[1].columns, 10)
        score += 0.2 if (hint, delimiter) in (("csv", ","), ("tsv", "\t"), ("tab", "\t"), ("psv", "|")) else 0.0
        if best is None or score > best[0]:
            best = score, found[1]
    if best is not None:
        return best[1]
    return _single_column(text) if named else None


def _with_delimiter(text: str, delimiter: str, named: bool) -> tuple[float, Dialect] | None:
    """(score, layout) with that delimiter; quotes enclose fields unless the rows come out more even without."""
    ways = [_laid_out(text, delimiter, True, named)]
    if '"' in text:
        ways.append(_laid_out(text, delimiter, False, named))
    return max((way for way in ways if way is not None), key=lambda way: (way[0], way[1].quoted), default=None)


def _laid_out(text: str, delimiter: str, quoted: bool, named: bool) -> tuple[float, Dialect] | None:
    rows = records(text, delimiter, quoted)
    widths = Counter(len(row) for row in rows if len(row) > 1 or (row and row[0].strip()))
    wide = Counter({width: count for width, count in widths.items() if width > 1})
    if not wide:
        return None
    columns = max(wide, key=lambda width: (wide[width] * (width - 1) ** 0.5, width))
    start = _table_start(rows, columns)
    if start is None:
        return None
    body = [row for row in rows[start:] if row]
    regular = [row for row in body if len(row) == columns]
    share = len(regular) / len(body)
    if share < (0.6 if named else 0.75 if columns > 3 else 0.85) or not _is_table(regular, columns, delimiter, named):
        return None
    header = _header(body)
    if header is None and start and (above := _uneven_header(rows[start - 1], body)):
        header, start = above, start - 1
    titles = sum(any(cell.strip() for cell in row) for row in rows[:start])
    return share - 0.05 * min(titles, 5), Dialect(delimiter, quoted, columns, start, header)


def _table_start(rows: Sequence[Sequence[str]], columns: int) -> int | None:
    """Index of the first row of the table: the first full-width one that is not a title padded with blanks."""
    for index, row in enumerate(rows[:_PREAMBLE_RECORDS]):
        if len(row) != columns:
            continue
        filled = sum(bool(cell.strip()) for cell in row)
        followers = [later for later in rows[index + 1 : index + 6] if len(later) == columns]
        follower = max((sum(bool(cell.strip()) for cell in later) for later in followers), default=filled)
        if columns > 2 and filled <= 1 and follower > filled + 1:
            continue
        return index
    return None


def _is_table(rows: Sequence[Sequence[str]], columns: int, delimiter: str, named: bool) -> bool:
    """Whether regular rows are a table and not prose, code or a list that happens to hold the delimiter."""
    if len(rows) < 2 and not (named or (columns >= 3 and delimiter in "\t|") or columns >= 4):
        return False
    blank = [all(not row[at].strip() for row in rows) for at in range(columns)]
    if columns == 2 and any(blank):
        return False
    if sum(blank) * 3 > 2 * columns:
        return False
    if named:
        return True
    if len(rows) < 2:
        return len(rows[0]) >= 4 and max(len(cell) for cell in rows[0]) <= 80
    spaced = delimiter in ",;" and all(row[at].startswith(" ") for row in rows for at in range(1, columns))
    longest = sorted(len(cell) for row in rows for cell in row)[len(rows) * columns * 9 // 10]
    if spaced and (longest > 40 or len(rows) < 5):
        return False
    code = sum(bool(re.search(r"[{}();=]\s*$", row[-1])) for row in rows)
    if code * 2 > len(rows):
        return False
    return not (columns == 2 and len(rows) < 3 and longest > 60)


def _single_column(text: str) -> Dialect | None:
    """A table of one column: only its name tells it from plain text."""
    rows = records(text, ",", True)
    cells = [row[0] for row in rows if row]
    if len(cells) < 2 or any(len(row) > 1 for row in rows) or max(map(len, cells)) > 200:
        return None
    start = next(index for index, row in enumerate(rows) if row)
    return Dialect(",", True, 1, start, _header([[cell] for cell in cells]))


def _header(rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    return tuple(rows[0]) if rows and is_header(rows[0], rows[1:]) else None


def _uneven_header(names: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Names one fewer or more than the rows have cells: a delimiter at the end of every row, or of the header only."""
    columns = len(body[0])
    if abs(len(names) - columns) != 1 or len(names) < 2:
        return None
    even = (*names, "")[:columns] if len(names) < columns else tuple(names[:columns])
    return tuple(even) if is_header(even, body) and (len(names) < columns or not names[-1].strip()) else None


def is_header(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a table's first row names its columns. In doubt no: a row of data taken for names would be lost."""
    cells = [cell.strip() for cell in first]
    filled = [cell for cell in cells if cell]
    if not filled or len(filled) * 2 < len(cells):
        return False
    if any("@" in cell for cell in filled) or max(map(len, filled)) > 100:
        return False
    data = sum(bool(_DATA_CELL.search(cell)) for cell in filled)
    known = sum(bool(_HEADER_CELL.search(cell)) for cell in filled)
    if data:
        return known >= 2 and known > data and data * 3 <= len(filled)
    if known * 3 >= len(filled):
        return True
    rows = [row for row in below[:100] if len(row) == len(cells)]
    contrast = 0
    for at, cell in enumerate(cells):
        column = [row[at].strip() for row in rows if row[at].strip()]
        if cell and cell in column:
            return False
        if len(column) >= 1 and sum(bool(_DATA_CELL.search(value)) for value in column) * 10 >= 7 * len(column):
            contrast += 1
    return contrast > 0
