"""Records as JSON lines, which lose nothing, and as CSV that a spreadsheet program opens without running any of it."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.findings.records import COLUMNS
from scanner.render.visible import visible

_STEERING = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udfff]|[\U000e0000-\U000e0fff]"
)
"""What could steer a terminal or turn the reading direction; all of it may be written ``\\uXXXX`` in JSON, which means the same."""

_FORMULA = re.compile(r"\A(?=\s*[=+\-@＝＋－＠])|(?<=[;,|\"])(?=\s*[=+\-@＝＋－＠])")
"""Where a cell of that text could begin as a formula: at its start, and behind what another locale's spreadsheet takes for a separator."""


def json_line(row: Mapping[str, Any]) -> bytes:
    """One object on one line, UTF-8: keys in the row's order, times as ISO 8601 in UTC."""
    text = json.dumps(row, ensure_ascii=False, default=_plain, separators=(",", ":"))
    return _STEERING.sub(_escaped, text).encode("utf-8") + b"\n"


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    return map(json_line, rows)


def csv_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, CRLF, RFC 4180. Control and direction characters are written out, lists are joined by ``; ``."""
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    yield "\ufeff".encode()
    for row in rows:
        yield _taken(line)
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    yield _taken(line)


def _taken(line: io.StringIO) -> bytes:
    written = line.getvalue().encode("utf-8")
    line.seek(0)
    line.truncate()
    return written


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime.date):
        return _plain(value)
    return defused("; ".join(map(str, value)) if isinstance(value, list) else str(value))


def defused(text: str) -> str:
    """`text` so that no spreadsheet takes it, or what stands behind a separator in it, for a formula (OWASP: CSV injection)."""
    return _FORMULA.sub("'", visible(text))


def _plain(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"a record holds no {type(value).__name__}")


def _escaped(found: re.Match[str]) -> str:
    """As UTF-16 units, which is how JSON escapes what lies beyond the first plane."""
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
