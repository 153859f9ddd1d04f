"""Stray objects packed for the page's table: columns of numbers, names said once, deflated, base64; worst first, as many as fit.

A page for 100,000 findings must stay below two megabytes. Chunks of the list are compressed in one stream, and the stream ends before
the chunk that would pass the budget: what is left out is the least severe end of the list, and how much that is, is told.
"""

from __future__ import annotations

import base64
import datetime
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final

from scanner.policy import SEVERITIES
from scanner.render.report.facts import Scope, Source
from scanner.render.visible import short, visible

ROWS_BUDGET: Final = 1_200_000
"""Bytes of compressed rows, a third less than what they take in the page."""
ALL_BUDGET: Final = 1_330_000
"""Of rows and details together."""
MOST_ROWS: Final = 200_000
_CHUNK: Final = 1_024
_END: Final = b"\x03\x00"  # an empty last block of deflate (RFC 1951, 3.2.6), so that a stream can end at any flush
_DAY_ZERO: Final = datetime.date(1970, 1, 1)
_LONGEST: Final = 400  # characters of a name; its middle goes


@dataclass(frozen=True, slots=True)
class Packed:
    """`rows` and `details`: base64 of deflated lines of JSON. `listed` objects are in the first, `detailed` of them in the second."""

    rows: str
    details: str
    listed: int
    detailed: int


def pack(source: Source, scope: Scope, rows_budget: int = ROWS_BUDGET, all_budget: int = ALL_BUDGET) -> Packed:
    """The stray objects of a page, and what was found in each."""
    names = _Names()
    ids: list[str] = []
    stream = _Stream(rows_budget)
    objects = source.objects(scope, MOST_ROWS)
    while chunk := list(islice(objects, _CHUNK)):
        chunk.sort(key=itemgetter("root", "path", "severity"))  # names beside their like compress better
        if not stream.add(names.told(chunk, several_roots=len(source.runs.roots) > 1)):
            break
        ids += [row["object_id"] for row in chunk]
    rows = stream.end()
    details, detailed = _details(source, ids, all_budget - len(rows))
    return Packed(_base64(rows), _base64(details), len(ids), detailed)


def day(moment: datetime.datetime | datetime.date | None) -> int | None:
    """Days since 1970: short, and dates compare as numbers."""
    if moment is None:
        return None
    return ((moment.date() if isinstance(moment, datetime.datetime) else moment) - _DAY_ZERO).days


class _Stream:
    """Lines of JSON, deflated, up to a budget of bytes."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
        self._kept = bytearray()

    def add(self, value: Any) -> bool:
        """False if the line does not fit; nothing can be added then."""
        line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
        more = self._deflate.compress(line.encode("utf-8", "backslashreplace")) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        if len(self._kept) + len(more) + len(_END) > self._budget:
            return False
        self._kept += more
        return True

    def end(self) -> bytes:
        return bytes(self._kept) + _END


class _Names:
    """Numbers for names, in the order they come; each chunk tells those that it met first."""

    _KINDS: Final = ("folder", "department", "store", "owner", "kinds", "reasons", "copies", "task")

    def __init__(self) -> None:
        self._known: dict[str, dict[Any, int]] = {kind: {} for kind in self._KINDS}
        self._new: dict[str, list[Any]] = {}

    def told(self, rows: Sequence[Mapping[str, Any]], several_roots: bool) -> list[Any]:
        """[new names by kind, columns]: as `page.js` reads them."""
        self._new = {kind: [] for kind in self._KINDS}
        columns = list(zip(*(self._row(row, several_roots) for row in rows), strict=True))
        return [[self._new[kind] for kind in self._KINDS], columns]

    def _row(self, row: Mapping[str, Any], several_roots: bool) -> tuple[Any, ...]:
        whole = f"{row['root'].rstrip('/')}/{row['path']}" if several_roots else row["path"]
        folder, slash, name = whole.rpartition("/")
        copies = tuple((self._of("store", one["store"]), one["matched"], one["records"]) for one in row["copies"] or ())
        since, modified = day(row["first_seen"]), day(row["modified_at"])
        decided = (row["assigned_to"], day(row["due"]), row["overdue"], row["recurred"])
        return (
            self._of("folder", folder + slash),
            short(visible(name), _LONGEST),
            0 if row["member"] is None else short(visible(row["member"]), _LONGEST),
            SEVERITIES.index(row["severity"]),
            self._of("department", row["department"]),
            self._of("store", row["store"]),
            self._of("owner", row["owner"]),
            ("private", "unknown", "group", "everyone").index(row["exposure"]),
            row["persons"],
            self._of("kinds", tuple(row["kinds"])),
            self._of("reasons", tuple(row["reasons"])),
            since,
            0 if modified is None or since is None else since - modified,
            self._of("copies", copies),
            int(row["unread"]),
            self._of("task", decided if any(decided) else None),
        )

    def _of(self, kind: str, name: Any) -> int:
        known = self._known[kind]
        if name not in known:
            known[name] = len(known)
            self._new[kind].append(short(visible(name), _LONGEST) if isinstance(name, str) else name)
        return known[name]


def _details(source: Source, ids: Sequence[str], budget: int) -> tuple[bytes, int]:
    """What was found in each object, for as many of the first ones as fit."""
    stream = _Stream(max(budget, len(_END)))
    detailed = 0
    for at in range(0, len(ids), _CHUNK):
        some = ids[at : at + _CHUNK]
        found = {at: [_finding(row) for row in rows] for at, rows in groupby(source.details(some), itemgetter("at"))}
        if not stream.add([found.get(number, []) for number in range(len(some))]):
            break
        detailed += len(some)
    return stream.end(), detailed


def _finding(row: Mapping[str, Any]) -> list[Any]:
    """Kind, place, column, count, distinct, first row or line, masks, since."""
    line = row["first_row"] if row["first_row"] is not None else row["first_line"]
    told = [
        row["entity_type"],
        *(0 if row[name] is None else short(visible(row[name]), _LONGEST) for name in ("place", "column")),
        *(row["count"], row["distinct"], line or 0, 1 if row["first_row"] is not None else 0),
        [short(visible(mask), 120) for mask in row["samples"] or ()],
        day(row["first_seen"]),
    ]
    return told


def _base64(deflated: bytes) -> str:
    return base64.b64encode(deflated).decode("ascii")


def unpacked(text: str) -> Iterator[Any]:
    """The lines of a packed block, as the page's script reads them."""
    yield from (json.loads(line) for line in zlib.decompress(base64.b64decode(text), -15).decode("utf-8").splitlines() if line)


def counted(lines: Iterable[Any]) -> int:
    """Objects in the lines of `Packed.rows`."""
    return sum(len(columns[0]) for _, columns in lines)
