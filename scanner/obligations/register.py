"""The register of personal information (個人情報管理台帳): what the policy says should be where, beside what the findings say is there.

One row an approved store, and one for every place that holds personal data and is in no register. The columns are those that JIS Q 15001
asks for (2023: 6.1; 2017: A.3.3.1, and its annex B): item, purpose, place, method, who has access, retention, sensitive or not, number of
records and persons. What only people know stands in columns of their own, which a later run keeps.
"""

from __future__ import annotations

import datetime
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.findings.errors import StoreError, storing
from scanner.model import stable_id
from scanner.obligations.union import ASKED, by_object, union
from scanner.policy import RETENTION, Policy
from scanner.policy.drill import STORE as DRILL_STORE
from scanner.policy.entities import is_sensitive
from scanner.redact import REGULATED

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.findings.read import Findings

FOLDER: Final = "register"
"""Below the findings store: a Parquet file for every time the register was written."""

REGISTERED, EMPTY, UNREGISTERED, NOT_IN_POLICY = "registered", "empty", "unregistered", "not_in_policy"
NEW, GONE, GROWN, SHRUNK, OVERRUN, EMPTIED, REVIEW, KINDS, OPENED, UNREAD = (
    "new", "gone", "grown", "shrunk", "overrun", "emptied", "review_overdue", "new_kinds", "opened", "unread",
)  # fmt: skip
"""What is different from last time, or to be looked at."""
NOT_COMPLETE, PROBLEM = "not_complete", "problem"
"""Why a register may lack something, beside UNREAD."""

_FORMATS: Final = {
    "application/json": "JSON",
    "application/mbox": "e-mail",
    "application/pdf": "PDF",
    "application/sql": "SQL",
    "application/vnd.apache.arrow.file": "Arrow",
    "application/vnd.apache.arrow.stream": "Arrow",
    "application/vnd.apache.orc": "ORC",
    "application/vnd.apache.parquet": "Parquet",
    "application/vnd.ms-outlook": "e-mail",
    "application/vnd.sqlite3": "SQLite",
    "application/x-ndjson": "JSON",
    "application/xhtml+xml": "HTML",
    "application/xml": "XML",
    "application/zip": "ZIP",
    "message/rfc822": "e-mail",
    "text/csv": "CSV",
    "text/html": "HTML",
    "text/plain": "text",
    "text/vcard": "vCard",
    "text/x-fixed-width": "text",
    "text/xml": "XML",
}
_FAMILIES: Final = {
    "application/vnd.ms-excel": "Excel",
    "application/vnd.ms-powerpoint": "PowerPoint",
    "application/vnd.ms-word": "Word",
    "application/vnd.oasis.opendocument.": "OpenDocument",
    "application/vnd.openxmlformats-officedocument.presentationml.": "PowerPoint",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.": "Excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.": "Word",
}
"""Media types, and beginnings of media types, as a register names them; others stay as they are."""

_EXPOSURES: Final = ("everyone", "group", "unknown", "private")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its word, and what it is about (counts as text, kinds)."""

    what: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. `access`: how many objects are open to whom; `hand`: columns that people write, by name."""

    id: str
    state: str
    name: str
    place: str
    items: tuple[str, ...] = ()
    not_allowed: tuple[str, ...] = ()
    purpose: str | None = None
    method: tuple[str, ...] = ()
    access: Mapping[str, int] = field(default_factory=dict)
    retention_days: int | None = None
    objects: int = 0
    records: int = 0
    persons: int = 0
    owner: str | None = None
    department: str | None = None
    approved_by: str | None = None
    review_by: datetime.date | None = None
    overrun: int = 0
    unread: int = 0
    hand: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    @property
    def sensitive(self) -> bool:
        return any(map(is_sensitive, self.items))

    @property
    def regulated(self) -> tuple[str, ...]:
        return tuple(kind for kind in self.items if kind in REGULATED)


@dataclass(frozen=True, slots=True)
class Register:
    """The register as of a run. `incomplete`: why it may lack something, see NOT_COMPLETE; `since`: when it was last written."""

    entries: tuple[Entry, ...]
    as_of: datetime.datetime
    run_id: str
    incomplete: tuple[Change, ...]
    since: datetime.datetime | None = None

    @property
    def changed(self) -> int:
        return sum(bool(entry.changes) for entry in self.entries)

    @property
    def exit_status(self) -> int:
        if self.incomplete:
            return 3
        return 1 if self.changed else 0


def build(policy: Policy, out: Path, today: datetime.date, hand: Mapping[str, Mapping[str, str]] | None = None) -> Register:
    """The register of a policy and the findings at `out`, with what changed since the last one kept there. `hand`: what people wrote, by
    id of a row. Raises StoreError."""
    from scanner.findings.read import open_findings

    with open_findings(out) as found, tempfile.TemporaryDirectory(prefix="strayscan-register-") as temp:
        last = next(_rows(found, "SELECT run_id, started_at, outcome FROM runs ORDER BY run_id DESC LIMIT 1"), None)
        if last is None:
            raise StoreError(f"{out}: no run has written findings there yet")
        entries = _entries(policy, found, Path(temp))
        incomplete = [Change(PROBLEM, (text,)) for text in found.problems]
    if last["outcome"] != "complete":
        incomplete.append(Change(NOT_COMPLETE, (last["run_id"], last["outcome"])))
    if unread := sum(entry.unread for entry in entries):
        incomplete.append(Change(UNREAD, (str(unread),)))
    before = last_written(out)
    compared = [_compared(entry, before.entries.get(entry.id) if before else None, before is not None, today) for entry in entries]
    known = {entry.id for entry in entries}
    if before is not None:
        left = (one for one in before.entries.values() if one.id not in known and one.state != NOT_IN_POLICY)
        compared += [replace(one, state=NOT_IN_POLICY, objects=0, records=0, persons=0, changes=(Change(GONE),)) for one in left]
    written = hand or {}
    final = [replace(entry, hand=written.get(entry.id) or _hand_of(before, entry.id)) for entry in compared]
    final += [
        Entry(id, NOT_IN_POLICY, texts.get("", id), "", hand={name: text for name, text in texts.items() if name})
        for id, texts in written.items()
        if id not in {entry.id for entry in final}
    ]
    return Register(tuple(final), last["started_at"], last["run_id"], tuple(incomplete), before.written if before else None)


def _hand_of(before: Written | None, id: str) -> Mapping[str, str]:
    entry = before.entries.get(id) if before else None
    return entry.hand if entry else {}


# --------------------------------------------------------------------------- what is there

_OBJECTS = """SELECT o.object_id, o.root, o.path, o.store, o.department, o.media_type, o.exposure, o.rows_read, o.persons, o.verdict,
    o.status, o.excused FROM objects o WHERE o.status <> 'excluded'"""
_FOUND = """SELECT f.object_id, f.entity_type, f.reason, sum(f."count")::BIGINT AS "count" FROM standing_findings f
    WHERE f.verdict <> 'info' GROUP BY ALL"""
_VALUES = (
    """SELECT v.* FROM "values" v SEMI JOIN wanted w ON v.object_id = w.object_id WHERE v.entity_type IN ({kinds}) ORDER BY v.object_id"""
)


@dataclass(slots=True)
class _Gathered:
    """What was found at one place."""

    objects: dict[str, int] = field(default_factory=dict)  # object_id -> persons
    kinds: Counter[str] = field(default_factory=Counter)
    not_allowed: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)
    access: Counter[str] = field(default_factory=Counter)
    records: int = 0
    overrun: int = 0
    unread: int = 0
    department: Counter[str] = field(default_factory=Counter)


def _entries(policy: Policy, found: Findings, temp_dir: Path) -> list[Entry]:
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(found, _FOUND):
        kinds.setdefault(row["object_id"], []).append(row)
    approved = [store for store in policy.stores if policy.drill is None or store.name != DRILL_STORE]  # nobody's data is in that one
    stores: dict[str, _Gathered] = {store.name: _Gathered() for store in approved}
    strays: dict[tuple[str, str, str], _Gathered] = {}
    for row in _rows(found, _OBJECTS):
        mine = [one for one in kinds.get(row["object_id"], ()) if one["entity_type"] != RETENTION]
        unread = row["verdict"] == "unread" and not row["excused"]
        if row["store"] in stores:
            gathered = stores[row["store"]]
        elif mine or unread:
            gathered = strays.setdefault((row["department"] or "", row["root"], _top(row["path"])), _Gathered())
        else:
            continue
        gathered.unread += unread
        gathered.overrun += any(one["entity_type"] == RETENTION for one in kinds.get(row["object_id"], ()))
        if mine:
            _gather(gathered, row, mine)
    entries = []
    for store in approved:
        gathered = stores[store.name]
        entries.append(
            Entry(
                id=_number("store", store.name),
                state=REGISTERED if gathered.objects else EMPTY,
                name=store.name,
                place=", ".join(glob.source for glob in store.paths),
                purpose=store.purpose,
                retention_days=store.retention_days,
                owner=store.owner,
                approved_by=store.approved_by,
                review_by=store.review_by,
                **_counted(gathered, found, temp_dir),
            )
        )
    managers = {department.name: department.manager for department in policy.departments}
    for (department, root, top), gathered in sorted(strays.items()):
        if gathered.objects or gathered.unread:
            told = _counted(gathered, found, temp_dir) | {"department": department or None}
            place = f"{root.rstrip('/')}/{top}"
            entries.append(Entry(_number("place", department, root, top), UNREGISTERED, top, place, owner=managers.get(department), **told))
    return entries


def _number(*parts: str) -> str:
    """The number of a row: stays while its store keeps its name. With letters, so that no spreadsheet takes it for a figure."""
    return f"R-{stable_id(*parts)[:8]}"


def _top(path: str) -> str:
    """The folder that a row stands for: the first two below the root."""
    return "".join(f"{step}/" for step in path.split("/")[:-1][:2]) or "./"


def _gather(gathered: _Gathered, row: Mapping[str, Any], mine: Sequence[Mapping[str, Any]]) -> None:
    gathered.objects[row["object_id"]] = row["persons"] or 0
    gathered.records += row["rows_read"] or 0
    gathered.media[row["media_type"] or "?"] += 1
    gathered.access[row["exposure"] or "unknown"] += 1
    if row["department"]:
        gathered.department[row["department"]] += 1
    for one in mine:
        gathered.kinds[one["entity_type"]] += one["count"]
        if one["reason"] == "kind_not_allowed":
            gathered.not_allowed[one["entity_type"]] += one["count"]


def _counted(gathered: _Gathered, found: Findings, temp_dir: Path) -> dict[str, Any]:
    departments = [name for name, _ in gathered.department.most_common()]
    return {
        "items": tuple(kind for kind, _ in gathered.kinds.most_common()),
        "not_allowed": tuple(kind for kind, _ in gathered.not_allowed.most_common()),
        "method": tuple(dict.fromkeys(_format(name) for name, _ in gathered.media.most_common(8))),
        "access": {name: gathered.access[name] for name in _EXPOSURES if gathered.access[name]},
        "objects": len(gathered.objects),
        "records": gathered.records,
        "persons": _persons(gathered.objects, found, temp_dir),
        "department": ", ".join(departments) or None,
        "overrun": gathered.overrun,
        "unread": gathered.unread,
    }


def _format(media_type: str) -> str:
    family = next((name for begins, name in _FAMILIES.items() if media_type.startswith(begins)), media_type)
    return _FORMATS.get(media_type, family)


def _persons(objects: Mapping[str, int], found: Findings, temp_dir: Path) -> int:
    """Each person once over the objects of a place."""
    import pyarrow as pa

    if len(objects) <= 1:
        return sum(objects.values())
    query = _VALUES.format(kinds=", ".join(f"'{kind}'" for kind in ASKED))
    wanted = pa.table({"object_id": pa.array(list(objects), pa.string())})
    tables = (pa.Table.from_batches([batch]) for batch in found.batches(query, wanted=wanted))
    return union(by_object(tables), objects, temp_dir).count


def _rows(found: Findings, query: str) -> Iterator[dict[str, Any]]:
    for batch in found.batches(query):
        yield from batch.to_pylist()


# --------------------------------------------------------------------------- since last time


def _compared(entry: Entry, before: Entry | None, is_later: bool, today: datetime.date) -> Entry:
    changes = []
    if before is None or before.state == NOT_IN_POLICY:
        changes += [Change(NEW)] if is_later or entry.state == UNREGISTERED else []
    else:
        if entry.persons > before.persons:
            changes.append(Change(GROWN, (str(before.persons), str(entry.persons))))
        if entry.persons < before.persons:
            changes.append(Change(EMPTIED if not entry.objects else SHRUNK, (str(before.persons), str(entry.persons))))
        if more := [kind for kind in entry.items if kind not in before.items]:
            changes.append(Change(KINDS, tuple(more)))
        if (now := entry.access.get("everyone", 0)) > (then := before.access.get("everyone", 0)):
            changes.append(Change(OPENED, (str(then), str(now))))
    if entry.overrun:
        changes.append(Change(OVERRUN, (str(entry.overrun),)))
    if entry.review_by is not None and entry.review_by < today:
        changes.append(Change(REVIEW, (entry.review_by.isoformat(),)))
    if entry.unread:
        changes.append(Change(UNREAD, (str(entry.unread),)))
    return replace(entry, changes=tuple(changes))


@dataclass(frozen=True, slots=True)
class Written:
    """A register that was written earlier."""

    written: datetime.datetime
    entries: Mapping[str, Entry]


def last_written(out: Path) -> Written | None:
    """The newest register kept in the store. Raises StoreError where it cannot be read."""
    files = sorted((out / FOLDER).glob("*.parquet")) if (out / FOLDER).is_dir() else []
    return _read(files[-1]) if files else None


def history(out: Path) -> tuple[list[Written], list[str]]:
    """Every register kept in the store that can be read, oldest first, and the names of the files that cannot."""
    found, faults = [], []
    for file in sorted((out / FOLDER).glob("*.parquet")):
        try:
            found.append(_read(file))
        except StoreError:
            faults.append(file.name)
    return found, faults


def kept_before(out: Path, limit: datetime.datetime) -> list[Path]:
    """Registers written before that, but for the newest, with which the next is compared."""
    files = sorted((out / FOLDER).glob("*.parquet")) if (out / FOLDER).is_dir() else []
    return [file for file in files[:-1] if file.stem < limit.astimezone(datetime.UTC).strftime(_STAMP)]


def _read(file: Path) -> Written:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        rows = parquet.read_table(file, partitioning=None).to_pylist()
        entries = {row["id"]: _entry(row) for row in rows}
        return Written(datetime.datetime.strptime(file.stem, _STAMP).replace(tzinfo=datetime.UTC), entries)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as fault:
        raise StoreError(f"{file}: this earlier register cannot be read; move it away to begin anew") from fault


_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_LISTS: Final = ("items", "not_allowed", "method")


def keep(out: Path, register: Register) -> Path:
    """Write the register into the store, as the one that the next is compared with. Raises StoreError."""
    file = out / FOLDER / f"{datetime.datetime.now(datetime.UTC).strftime(_STAMP)}.parquet"
    with storing(out):
        file.parent.mkdir(exist_ok=True)
        write_parquet(file, register)
    return file


def write_parquet(file: Path, register: Register) -> None:
    """`table` as a file. Raises OSError."""
    import pyarrow as pa
    from pyarrow import parquet

    from scanner.findings.publish import atomic_bytes

    sink = pa.BufferOutputStream()
    parquet.write_table(table(register), sink, compression="zstd")
    atomic_bytes(file, sink.getvalue().to_pybytes(), 0o600)


def table(register: Register) -> pa.Table:
    """The rows as an Arrow table: `access`, `hand` and `changes` as JSON; `as_of` and `run_id` on every row."""
    import pyarrow as pa

    texts, number = pa.list_(pa.string()), pa.int64()
    names = ("id", "state", "name", "place", "purpose", "owner", "department", "approved_by")
    schema = pa.schema(
        [(name, pa.string()) for name in names]
        + [(name, texts) for name in _LISTS]
        + [(name, number) for name in ("retention_days", "objects", "records", "persons", "overrun", "unread")]
        + [("review_by", pa.date32()), ("sensitive", pa.bool_()), ("as_of", pa.timestamp("us", tz="UTC")), ("run_id", pa.string())]
        + [(name, pa.string()) for name in ("access", "hand", "changes")]
    )
    rows = []
    for entry in register.entries:
        plain = {name: getattr(entry, name) for name in schema.names if hasattr(entry, name)}
        plain |= {name: list(getattr(entry, name)) for name in _LISTS}
        plain |= {name: json.dumps(dict(getattr(entry, name)), ensure_ascii=False) for name in ("access", "hand")}
        plain["changes"] = json.dumps([[change.what, *change.about] for change in entry.changes], ensure_ascii=False)
        rows.append(plain | {"as_of": register.as_of, "run_id": register.run_id})
    return pa.Table.from_pylist(rows, schema)


def _entry(row: Mapping[str, Any]) -> Entry:
    fields = {name: row[name] for name in Entry.__slots__ if name not in ("access", "hand", "changes", *_LISTS)}
    lists: dict[str, Any] = {name: tuple(row[name] or ()) for name in _LISTS}
    changes = tuple(Change(what, tuple(about)) for what, *about in json.loads(row["changes"]))
    return Entry(**fields, **lists, access=json.loads(row["access"]), hand=json.loads(row["hand"]), changes=changes)
