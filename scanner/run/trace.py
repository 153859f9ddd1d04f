"""The answer in an incident: what one file holds, whose records they are, and where else the same records lie, without a scan of the share.

The file is scanned alone, in an isolated worker, into a findings store that is thrown away. Its values then serve as an index in which the
values of a former scan's findings are looked up.
"""

from __future__ import annotations

import dataclasses
import datetime
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.config import Settings
from scanner.findings.errors import StoreError
from scanner.policy import Policy, load
from scanner.redact import load_key
from scanner.run.scan import run_scan
from scanner.run.stores import traced_by
from scanner.run.summary import FoundCopy, RunSummary, StoreState

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.findings.read import Findings

NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of one kind in the file."""

    entity_type: str
    count: int
    distinct: int


@dataclass(frozen=True, slots=True)
class CopyFrom:
    """That the file holds records or text of a store."""

    copy: FoundCopy
    owner: str | None
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Another object that holds records of the file. `matched_records` of the file's; `same_bytes`: it is the same file."""

    root: str
    path: str
    member: str | None
    store: str | None
    matched_records: int
    same_bytes: bool
    exposure: str
    owner: str | None
    modified_at: datetime.datetime | None
    first_seen: datetime.datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What `trace` says of a file. `unread`: reasons for which parts of it were not read. `problems`: what could not be told, as sentences.

    `first`: the place that probably came first, with `first_why`; a guess from times and from what holds how much.
    """

    file: str
    kinds: tuple[Kind, ...]
    persons: int
    objects: int
    unread: tuple[str, ...]
    copies: tuple[CopyFrom, ...]
    stores: tuple[StoreState, ...]
    elsewhere: tuple[Place, ...]
    problems: tuple[str, ...]
    first: Place | None = None
    first_why: str | None = None

    @property
    def exit_status(self) -> int:
        if self.unread or any(store.counts_as_unread for store in self.stores):
            return 3
        return 1 if self.kinds or self.copies else 0

    def to_json(self) -> dict[str, Any]:
        return {**_plain(dataclasses.asdict(self)), "exit_status": self.exit_status}


def trace(file: Path, policy_file: Path, out: Path | None, settings: Settings, *, refresh: bool = True) -> Answer:
    """What `file` holds, from which store, and where else it lies as far as the findings at `out` tell.

    Raises PolicyError, RuleError, RootError, StoreError, KeyFileError, RunFailed.
    """
    policy = load(policy_file)
    with tempfile.TemporaryDirectory(prefix="strayscan-trace-") as folder:
        mine = Path(folder) / "findings"
        traced = traced_by(policy, policy_file, mine, settings, up_to_date=refresh)
        quiet = dataclasses.replace(settings, full=True, metrics=None, notify_command=None, webhook=None, jobs=1)
        summary = run_scan([file], policy_file, mine, quiet, traced=traced)
        if summary.outcome == "interrupted":
            raise KeyboardInterrupt
        return _answer(file, policy, summary, mine, out, Path(folder), load_key(settings.key_file).key_id)


def _answer(file: Path, policy: Policy, summary: RunSummary, mine: Path, out: Path | None, temp: Path, key_id: str) -> Answer:
    from scanner.findings.read import open_findings

    stores = {store.name: store for store in policy.stores}
    with open_findings(mine) as found:
        kinds = [Kind(**row) for row in _rows(found, _KINDS)]
        ids = [row["object_id"] for row in _rows(found, "SELECT object_id FROM objects")]
        hashes = {row["content_hash"] for row in _rows(found, _HASHES)}
        elsewhere, problems = _elsewhere(found, ids, hashes, policy, out, temp, key_id, file)
    copies = tuple(CopyFrom(one, stores[one.store].owner, stores[one.store].purpose) for one in summary.worst_copies)
    first, why = _first(elsewhere)
    unread = tuple(group.reason for group in summary.unread)
    if summary.by_status.get("excluded"):
        unread = (*unread, "policy")
    return Answer(
        str(file), tuple(kinds), summary.persons, summary.objects, unread, copies, summary.stores, elsewhere, problems, first, why
    )


_KINDS = """SELECT entity_type, sum("count")::BIGINT AS "count", sum("distinct")::BIGINT AS "distinct" FROM findings
    GROUP BY entity_type ORDER BY "count" DESC, entity_type"""
_HASHES = "SELECT content_hash FROM objects WHERE content_hash IS NOT NULL AND size_bytes >= 64"
_PLACES = """SELECT o.object_id, o.root, o.path, o.member, o.store, o.content_hash, o.exposure, o.owner, o.modified_at, s.first_seen
    FROM objects o LEFT JOIN (SELECT object_id, min(first_seen) AS first_seen FROM standing_findings GROUP BY object_id) s USING (object_id)
    WHERE o.object_id IN (SELECT object_id FROM wanted) OR o.content_hash IN (SELECT content_hash FROM hashes)"""


def _elsewhere(
    found: Findings, ids: Sequence[str], hashes: set[str], policy: Policy, out: Path | None, temp: Path, key_id: str, file: Path
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Objects of the findings at `out` that hold the file's records, most first, and what could not be told."""
    import pyarrow as pa

    from scanner.copies.index import Index
    from scanner.copies.matching import Matcher
    from scanner.findings.read import open_findings

    if out is None:
        return (), ()
    try:
        others = open_findings(out)
    except StoreError as fault:
        return (), (str(fault),)
    with others:
        keys = {row["key_id"] for row in _rows(others, "SELECT DISTINCT key_id FROM runs")}
        if not keys:
            return (), ("no run has written findings there yet",)
        if keys != {key_id}:
            return (), (f"the findings there are under another key ({', '.join(sorted(keys))}), so records cannot be compared",)
        index = Index.of_values("file", lambda: _tables(found), ids, temp)
        matcher = Matcher(index, dataclasses.replace(policy.copies, stores={}), temp)
        met = matcher.meeting(_tables(others))
        records = {object_id: facts[0].matched_records for object_id, parts in met.items() if (facts := matcher.match_tables(parts))}
        wanted = pa.table({"object_id": pa.array(list(records), pa.string())})
        same = pa.table({"content_hash": pa.array(sorted(hashes), pa.string())})
        own = file.resolve()
        places = [
            Place(
                **{name: row[name] for name in ("root", "path", "member", "store", "exposure", "owner", "modified_at", "first_seen")},
                matched_records=records.get(row["object_id"], 0),
                same_bytes=row["content_hash"] in hashes,
            )
            for batch in others.batches(_PLACES, wanted=wanted, hashes=same)
            for row in batch.to_pylist()
            if Path(row["root"], row["path"]) != own
        ]
        problems = tuple(others.problems)
    return tuple(sorted(places, key=lambda place: (-place.matched_records, not place.same_bytes, place.root, place.path))), problems


def _first(places: Sequence[Place]) -> tuple[Place | None, str | None]:
    """Of the places outside the stores that hold nearly all of what any of them holds, the one that is oldest."""
    outside = [place for place in places if place.store is None]
    if not outside:
        return None, None
    most = max(place.matched_records for place in outside)
    full = [place for place in outside if place.same_bytes or place.matched_records >= NEARLY_ALL * most]
    moments = [(place.modified_at or place.first_seen, place) for place in full]
    dated = [(moment, place) for moment, place in moments if moment is not None]
    if not dated:
        return None, None
    return min(dated, key=lambda pair: pair[0])[1], "oldest" if len(full) > 1 else "most"


def _tables(found: Findings) -> Iterator[pa.Table]:
    import pyarrow as pa

    yield from (pa.Table.from_batches([batch]) for batch in found.batches('SELECT * FROM "values"'))


def _rows(found: Findings, query: str) -> Iterator[dict[str, Any]]:
    for batch in found.batches(query):
        yield from batch.to_pylist()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
