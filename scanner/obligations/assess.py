"""What leaked, of how many persons, and which thresholds of the laws that meets: from the findings alone, without reading a file again.

What may have leaked is named by paths, by approved stores, or as files that the outbound gate sent. No legal advice: the rules say what
they go by, and leave to people what findings do not tell.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.findings.errors import StoreError
from scanner.model import path_text
from scanner.obligations.thresholds import Facts, Judgement, Range, judge
from scanner.obligations.union import ASKED, by_object, union
from scanner.policy import RETENTION

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.findings.read import Findings


@dataclass(frozen=True, slots=True)
class Asked:
    """What may have leaked: `paths` of files or folders, `stores` by name, `releases` of the outbound gate whose hold folder is `hold`."""

    paths: tuple[Path, ...] = ()
    stores: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    hold: Path | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of one kind. `distinct` between bounds where the objects' sets cannot be joined (regulated and sensitive kinds)."""

    entity_type: str
    count: int
    distinct: Range


@dataclass(frozen=True, slots=True)
class Object:
    """One object of the leak."""

    root: str
    path: str
    member: str | None
    store: str | None
    department: str | None
    exposure: str
    persons: int
    unread: str | None  # why it was not fully read
    gone: bool  # it lies there no more; its last findings are used


@dataclass(frozen=True, slots=True)
class Assessment:
    """The facts of a leak and what became of every rule. `persons` by the rule, each counted once; `persons_range`: see
    `scanner.obligations.union.Union`, without an upper bound where not everything was read.

    `not_found`: what was asked for and is not in the findings; `problems`: sentences on what could not be used; `as_of`: when the newest of
    the findings used were made.
    """

    asked: Asked
    objects: tuple[Object, ...]
    kinds: tuple[Kind, ...]
    persons: int
    persons_range: Range
    sent_to: tuple[Mapping[str, Any], ...]
    not_found: tuple[str, ...]
    problems: tuple[str, ...]
    as_of: datetime.datetime | None
    first_seen: datetime.datetime | None
    learned: datetime.date | None
    judgements: tuple[Judgement, ...]
    circumstances: Mapping[str, bool] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Was everything that was asked for read to its end?"""
        return not self.not_found and not self.problems and not any(one.unread for one in self.objects)

    @property
    def exit_status(self) -> int:
        if not self.complete:
            return 3
        return 1 if self.kinds else 0

    def to_json(self) -> dict[str, Any]:
        return {**_plain(dataclasses.asdict(self)), "complete": self.complete, "exit_status": self.exit_status}


def assess(
    out: Path | None,
    asked: Asked,
    *,
    learned: datetime.datetime | datetime.date | None = None,
    circumstances: Mapping[str, bool] | None = None,
    laws: Iterable[str] = (),
) -> Assessment:
    """Assess a leak by the findings at `out` (for releases alone None: the gate's own). `circumstances`: of
    `scanner.obligations.thresholds.CIRCUMSTANCES` those that are known. Raises StoreError, DeskError."""
    from scanner.findings.read import open_findings

    with tempfile.TemporaryDirectory(prefix="strayscan-assess-") as folder:
        sent = _releases(asked)
        parts: list[_Part] = []
        if asked.paths or asked.stores:
            if out is None:
                raise StoreError("paths and stores are looked up in a findings store: give --out")
            with open_findings(out) as found:
                parts.append(_of_places(found, asked))
        if sent.wanted:
            with open_findings(sent.findings) as found:
                parts.append(_of_releases(found, sent))
        if len({key for part in parts for key in part.keys}) > 1:
            raise StoreError("the findings at --out and those of the gate are under different keys: assess them apart")
        return _assessed(asked, parts, sent, Path(folder), learned, circumstances or {}, laws)


# --------------------------------------------------------------------------- what the findings know


@dataclass(slots=True)
class _Part:
    """What one findings store knows of it."""

    objects: dict[str, Object] = field(default_factory=dict)
    kinds: list[Mapping[str, Any]] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)  # of `values`, one an object
    values: Mapping[str, int] = field(default_factory=dict)  # entity type -> distinct fingerprints
    not_found: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    as_of: datetime.datetime | None = None
    first_seen: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    """Files that the gate sent: (path, run) of each, with the draft record of the provision."""

    findings: Path = Path()
    wanted: tuple[tuple[str, str], ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()
    not_found: tuple[str, ...] = ()


_COLUMNS = "o.object_id, o.run_id, o.root, o.path, o.member, o.store, o.department, o.exposure, o.persons, o.status, o.reason, o.verdict"
_BELOW = "(rtrim(o.root, '/') || '/' || o.path = w.place OR starts_with(rtrim(o.root, '/') || '/' || o.path, rtrim(w.place, '/') || '/'))"
_HERE = f"""SELECT {_COLUMNS}, w.place FROM objects o JOIN wanted w ON {_BELOW}"""
_ONCE = f"""SELECT {_COLUMNS}, w.place FROM all_objects o JOIN wanted w ON {_BELOW} WHERE o.status <> 'unchanged'
    QUALIFY o.run_id = max(o.run_id) OVER (PARTITION BY o.object_id)"""
_IN_STORES = f"SELECT {_COLUMNS}, w.place FROM objects o JOIN wanted w ON o.store = w.place"
_SENT = f"SELECT {_COLUMNS}, o.path AS place FROM all_objects o JOIN wanted w ON o.path = w.place AND o.run_id = w.run_id"

_FOUND = """SELECT f.object_id, f.entity_type, sum(f.count)::BIGINT AS "count", sum(f."distinct")::BIGINT AS "distinct",
    min(f.first_seen) AS first_seen FROM all_findings f JOIN wanted w ON f.object_id = w.object_id AND f.run_id = w.run_id
    GROUP BY f.object_id, f.entity_type"""
_FOUND_NOW = _FOUND.replace(
    "all_findings f JOIN wanted w ON f.object_id = w.object_id AND f.run_id = w.run_id",
    "findings f SEMI JOIN wanted w ON f.object_id = w.object_id",
)
_VALUES = """SELECT v.* FROM all_values v JOIN wanted w ON v.object_id = w.object_id AND v.run_id = w.run_id"""
_VALUES_NOW = 'SELECT v.* FROM "values" v SEMI JOIN wanted w ON v.object_id = w.object_id'


def _of_places(found: Findings, asked: Asked) -> _Part:
    part = _Part(problems=list(found.problems))
    places = {path_text(os.fsencode(os.path.realpath(path))): path for path in asked.paths}
    here = {row["object_id"]: row for row in _rows(found, _HERE, wanted=_column(place=list(places)))}
    here |= {row["object_id"]: row for row in _rows(found, _IN_STORES, wanted=_column(place=list(asked.stores)))}
    missing = [place for place in places if not any(_is_below(row, place) for row in here.values())]
    once = {row["object_id"]: row for row in _rows(found, _ONCE, wanted=_column(place=missing)) if row["object_id"] not in here}
    part.not_found += [place for place in missing if not any(_is_below(row, place) for row in once.values())]
    part.not_found += [name for name in asked.stores if not any(row["store"] == name for row in here.values())]
    part.problems += [f"run {row['run_id']} is {row['outcome']}" for row in _rows(found, _UNFINISHED) if not row["covered"]]
    _take(part, found, here, _FOUND_NOW, _VALUES_NOW, gone=False)
    _take(part, found, once, _FOUND, _VALUES, gone=True)
    return part


_UNFINISHED = """SELECT run_id, outcome, outcome IN ('complete', 'incomplete') AS covered FROM runs
    QUALIFY run_id = max(run_id) OVER ()"""


def _of_releases(found: Findings, sent: _Sent) -> _Part:
    part = _Part(problems=list(found.problems))
    wanted = _column(place=[path for path, _ in sent.wanted], run_id=[run for _, run in sent.wanted])
    rows = {row["object_id"]: row for row in _rows(found, _SENT, wanted=wanted)}
    _take(part, found, rows, _FOUND, _VALUES, gone=False)
    return part


def _take(part: _Part, found: Findings, rows: Mapping[str, Mapping[str, Any]], kinds: str, values: str, *, gone: bool) -> None:
    if not rows:
        return
    wanted = _column(object_id=list(rows), run_id=[row["run_id"] for row in rows.values()])
    part.objects |= {object_id: _object(row, gone) for object_id, row in rows.items()}
    for row in _rows(found, kinds, wanted=wanted):
        if row["entity_type"] != RETENTION:
            part.kinds.append(row)
            part.first_seen = min(filter(None, (part.first_seen, row["first_seen"])), default=None)
    asked = ", ".join(f"'{kind}'" for kind in ASKED)
    ordered = f"SELECT * FROM ({values}) WHERE entity_type IN ({asked}) ORDER BY object_id"
    tables = (_table(batch) for batch in found.batches(ordered, wanted=wanted))
    part.tables += list(by_object(tables))
    counted = f"SELECT entity_type, count(DISTINCT fingerprint) AS n FROM ({values}) GROUP BY entity_type"
    told = {row["entity_type"]: row["n"] for row in _rows(found, counted, wanted=wanted)}
    part.values = {kind: part.values.get(kind, 0) + told.get(kind, 0) for kind in part.values.keys() | told.keys()}
    used = {row["run_id"] for row in rows.values()}
    runs = [row for row in _rows(found, "SELECT run_id, started_at, key_id FROM runs") if row["run_id"] in used]
    part.keys |= {found.key_id or ""}
    if any(row["key_id"] != found.key_id for row in runs):
        part.problems.append("some objects were last read under a former key: their persons are counted object by object")
    part.as_of = max(filter(None, (part.as_of, *(row["started_at"] for row in runs))), default=None)


def _object(row: Mapping[str, Any], gone: bool) -> Object:
    names = ("root", "path", "member", "store", "department", "exposure")
    bad = row["status"] in ("partial", "unreadable", "unsupported", "excluded") or row["verdict"] == "unread"
    unread = (row["reason"] or row["status"]) if bad and row["reason"] != "member_unread" else None
    return Object(**{name: row[name] for name in names}, persons=row["persons"] or 0, unread=unread, gone=gone)


def _is_below(row: Mapping[str, Any], place: str) -> bool:
    return (f"{row['root'].rstrip('/')}/{row['path']}/").startswith(place.rstrip("/") + "/")


def _releases(asked: Asked) -> _Sent:
    from scanner.outbound.desk import Desk, DeskError

    if not asked.releases:
        return _Sent()
    if asked.hold is None:
        raise DeskError("a release is looked up in the gate's hold folder: give --hold")
    with Desk(asked.hold) as desk:
        records = {str(one["provision_id"]): one for one in desk.state.provisions()}
        runs = {item: desk.state.published(item) for item in asked.releases}
        known = [item for item in asked.releases if item in records and runs[item] is not None]
        wanted = tuple((str(records[item]["path"]), str(runs[item])) for item in known)
        missing = tuple(item for item in asked.releases if item not in known)
        return _Sent(desk.out, wanted, tuple(records[item] for item in known), missing)


def _rows(found: Findings, query: str, **tables: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in found.batches(query, **tables):
        yield from batch.to_pylist()


def _column(**columns: list[str]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _table(batch: pa.RecordBatch) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches([batch])


# --------------------------------------------------------------------------- what it comes to


def _assessed(
    asked: Asked,
    parts: Sequence[_Part],
    sent: _Sent,
    temp_dir: Path,
    learned: datetime.datetime | datetime.date | None,
    circumstances: Mapping[str, bool],
    laws: Iterable[str],
) -> Assessment:
    objects = [one for part in parts for one in part.objects.values()]
    not_found = tuple(name for part in parts for name in part.not_found) + sent.not_found
    problems = tuple(text for part in parts for text in part.problems)
    complete = not not_found and not problems and not any(one.unread for one in objects)
    persons = {f"{number} {object_id}": one.persons for number, part in enumerate(parts) for object_id, one in part.objects.items()}
    counted = union((table for part in parts for table in part.tables), persons, temp_dir)
    persons_range = Range(counted.least, counted.count if complete else None)
    kinds = tuple(_kinds(parts, complete))
    facts = Facts(persons_range, {kind.entity_type: kind.distinct for kind in kinds}, complete, dict(circumstances))
    return Assessment(
        asked=asked,
        objects=tuple(sorted(objects, key=lambda one: (-one.persons, one.root, one.path, one.member or ""))),
        kinds=kinds,
        persons=counted.count,
        persons_range=persons_range,
        sent_to=sent.records,
        not_found=not_found,
        problems=problems,
        as_of=max(filter(None, (part.as_of for part in parts)), default=None),
        first_seen=min(filter(None, (part.first_seen for part in parts)), default=None),
        learned=learned,
        judgements=tuple(judge(facts, learned=learned, laws=laws)),
        circumstances=dict(circumstances),
    )


def _kinds(parts: Sequence[_Part], complete: bool) -> Iterator[Kind]:
    counts: dict[str, int] = {}
    largest: dict[str, int] = {}
    summed: dict[str, int] = {}
    for row in (row for part in parts for row in part.kinds):
        kind, distinct = row["entity_type"], row["distinct"]
        counts[kind] = counts.get(kind, 0) + row["count"]
        largest[kind] = max(largest.get(kind, 0), distinct)
        summed[kind] = summed.get(kind, 0) + distinct
    for kind in sorted(counts, key=lambda kind: (-counts[kind], kind)):
        known = [part.values[kind] for part in parts if part.values.get(kind)]
        least, most = (max(known), sum(known)) if known else (largest[kind], summed[kind])
        yield Kind(kind, counts[kind], Range(least, most if complete else None))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Path):
        return path_text(os.fsencode(value))
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
