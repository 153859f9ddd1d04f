"""The search itself: what stands in the store of a person's writing forms, what of it belongs together, and what cannot be told.

A name beside a phone, e-mail address or address counts together with it only where both stand in one row of a table, or at most
`NEAR_LINES` lines apart in a text. The share is not read, and nothing is written.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scanner.find import lookup
from scanner.find.names import Names
from scanner.find.query import KINDS, MEDIUM, NAME, STRENGTHS, STRONG, Subject, Term, kanji_terms, terms
from scanner.findings import latest, snapshot
from scanner.findings.errors import StoreError
from scanner.findings.read import Findings
from scanner.findings.schema import OBJECTS
from scanner.findings.snapshot import Snapshot
from scanner.findings.store import check_key, former_keys
from scanner.redact import Fingerprinter, Key, KeyFileError, key_path, load_key

if TYPE_CHECKING:
    import pandas as pd

NEAR_LINES: Final = 5
"""Lines of a text between a name and a number that still belong together: as far as a letterhead or a signature reaches."""

THINNED: Final = 4_096
"""Rows from which on `values` may list only the first ones (`scanner.tally.atoms.ROWS_PER_BLOCK`)."""

_ENTITIES: Final = {kind: frozenset({entity}) for kind, entity in KINDS.items()} | {"phone": frozenset({"PHONE_NUMBER", "FAX_NUMBER"})}
_VERDICTS: Final = ("stray", "approved", "info")
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Match:
    """Rows (lines of a text, where `column` is None) of one object, place and column that hold one thing asked for.

    `found`: name, phone, email or address; `form`: how its spelling was come by; `beside`: what else that was asked for stands in these
    rows. `verdict`: the finding's there, else the object's. `rows_complete`: False where the value stands so often that only the first
    rows are known. `run_id`: the run that read it.
    """

    strength: str
    found: str
    form: str
    beside: tuple[str, ...]
    verdict: str | None
    finding_id: str | None
    root: str
    path: str
    member: str | None
    store: str | None
    department: str | None
    place: str | None
    column: str | None
    entity_type: str
    rows: tuple[int, ...]
    count: int
    rows_complete: bool
    exposure: str | None
    owner: str | None
    modified_at: datetime.datetime | None
    object_id: str
    run_id: str
    fingerprint: int = field(repr=False, default=0)


COLUMNS: Final = tuple(name for name in Match.__dataclass_fields__ if name != "fingerprint")
"""Of `find_person`'s frame, in order."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Objects that may hold the person all the same. `reasons`: reason -> objects, excused ones apart; `excluded`: by the policy."""

    reasons: Mapping[str, int]
    excused: int
    excluded: int

    @property
    def count(self) -> int:
        return sum(self.reasons.values())


@dataclass(frozen=True, slots=True)
class Answer:
    """`forms`: writing forms looked for, by what was given. `open_roots`: roots whose last run did not see all of it. `problems`: what of
    the store could not be used, as sentences. `terms` serve a case; no value is in any of it."""

    matches: tuple[Match, ...]
    unread: Unread
    forms: Mapping[str, int]
    open_roots: tuple[str, ...]
    problems: tuple[str, ...]
    newest_run: str | None
    key_id: str
    terms: tuple[Term, ...] = field(repr=False, default=())
    whole_name: bool = True
    row_groups: int = 0
    row_groups_read: int = 0

    @property
    def whole(self) -> bool:
        """Was everything there is looked at?"""
        return self.newest_run is not None and not (self.unread.count or self.open_roots or self.problems)

    @property
    def exit_status(self) -> int:
        """0 nothing found, 1 found, both with everything read; 3 something was not read."""
        return (1 if self.matches else 0) if self.whole else 3

    def to_json(self) -> dict[str, Any]:
        return {
            "matches": [told(match) for match in self.matches],
            "forms": dict(self.forms),
            "unread": {"count": self.unread.count, "reasons": dict(self.unread.reasons), "excused": self.unread.excused},
            "excluded": self.unread.excluded,
            "open_roots": list(self.open_roots),
            "problems": list(self.problems),
            "newest_run": self.newest_run,
            "key_id": self.key_id,
            "exit_status": self.exit_status,
        }

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        frame = pd.DataFrame([{name: getattr(match, name) for name in COLUMNS} for match in self.matches], columns=list(COLUMNS))
        frame.attrs |= {
            "unread": self.unread.count,
            "whole": self.whole,
            "open_roots": list(self.open_roots),
            "problems": list(self.problems),
        }
        return frame


def told(match: Match) -> dict[str, Any]:
    """A match as plain data, without its fingerprint."""
    plain = {name: getattr(match, name) for name in COLUMNS}
    modified = match.modified_at
    when = None if modified is None else modified.astimezone(datetime.UTC).isoformat()
    return {**plain, "beside": list(match.beside), "rows": list(match.rows), "modified_at": when}


def search(out: Path, person: Subject, key_file: Path | None = None, former: Sequence[Path] = ()) -> Answer:
    """Where the person's data lies as the runs in the store `out` tell. `former`: files of keys that the store was under before; what was
    last read under one is looked through too. Raises `QueryError`, `StoreError` (another key, no store), `KeyFileError`."""
    person.check()
    out = out.resolve()
    held = snapshot.take(out)
    key = existing_key(key_file)
    check_key(out, key.key_id)
    answer = _answer(held, person, key)
    for file in former:
        before = load_key(file)
        if before.key_id not in former_keys(out):
            raise StoreError(f"{out} was never under key {before.key_id}: leave that key out")
        more = _answer(snapshot.take(out, before.key_id), person, before)
        looked_up = f"under the former key {before.key_id}:"
        answer = replace(
            answer,
            matches=tuple(sorted((*answer.matches, *more.matches), key=_order)),
            problems=(*(text for text in answer.problems if looked_up not in text), *more.problems),
        )
    return answer


def _answer(held: Snapshot, person: Subject, key: Key) -> Answer:
    """By the values under this key."""
    fingerprints = Fingerprinter(key)
    asked = terms(person, fingerprints)
    with Reader(held) as reader:
        hits = reader.hits(asked)
        spelled = kanji_terms(person, fingerprints) if person.name is not None and len(person.given) > 1 else []
        if spelled and (others := {hit.object_id for hit in hits if hit.term.kind != NAME}):
            hits = [*hits, *reader.hits(spelled, sorted(others))]
        whole = person.name is None or Names().is_whole(person.name)
        found = list(joined(hits, whole))
        forms: dict[str, int] = {}
        for term in [*asked, *spelled]:
            forms[term.kind] = forms.get(term.kind, 0) + 1
        return Answer(
            matches=tuple(sorted(found, key=_order)),
            unread=reader.unread(),
            forms=forms,
            open_roots=tuple(open_roots(held)),
            problems=tuple(reader.problems),
            newest_run=held.manifests[-1].run_id if held.manifests else None,
            key_id=key.key_id,
            terms=(*asked, *spelled),
            whole_name=whole,
            row_groups=reader.row_groups,
            row_groups_read=reader.row_groups_read,
        )


def existing_key(key_file: Path | None) -> Key:
    """The key that is there; unlike a scan, a search makes none."""
    path = key_path(key_file)
    if path is not None and not path.exists():
        raise KeyFileError(f"there is no key file {path}: give the one that the findings were written under with --key-file")
    return load_key(key_file)


def open_roots(held: Snapshot) -> Iterator[str]:
    """Roots of which the newest run that was asked for them did not see everything."""
    newest = {root: manifest for manifest in held.manifests for root in manifest.told["roots"]["asked"]}
    for root, manifest in sorted(newest.items()):
        if manifest.outcome != "complete" or root in manifest.told["roots"]["not_reached"]:
            yield root


def _order(match: Match) -> tuple[Any, ...]:
    verdict = _VERDICTS.index(match.verdict) if match.verdict in _VERDICTS else len(_VERDICTS)
    where = (match.root, match.path, match.member or "", match.place or "", match.rows[:1], match.column or "")
    return (STRENGTHS.index(match.strength), verdict, *where, match.found, match.entity_type)


# --------------------------------------------------------------------------- from the store


@dataclass(frozen=True, slots=True)
class Hit:
    """One row of `values` that holds now, with what is known of its object."""

    term: Term
    rows: Ints
    told: Mapping[str, Any]

    @property
    def object_id(self) -> str:
        return str(self.told["object_id"])


_NOW: Final = latest.VIEWS["values"].replace("every_value v", "hits v")
"""The view `values` over what was looked up instead of over everything."""

_HITS: Final = f"""
WITH now AS MATERIALIZED (
    SELECT * FROM ({_NOW})
    QUALIFY run_id = max(run_id) OVER (PARTITION BY object_id, entity_type, fingerprint, place, "column")),
told AS (
    SELECT object_id, entity_type, place, "column",
        arg_min((finding_id, verdict), CASE verdict WHEN 'stray' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END) AS finding
    FROM standing_findings SEMI JOIN now USING (object_id) GROUP BY ALL)
SELECT n.*, o.root, o.path, o.member, o.store, o.department, o.exposure, o.owner, o.modified_at, o.verdict AS object_verdict,
    t.finding[1] AS finding_id, t.finding[2] AS finding_verdict
FROM now n JOIN objects o ON n.object_id = o.object_id
LEFT JOIN told t ON n.object_id = t.object_id AND n.entity_type = t.entity_type
    AND n.place IS NOT DISTINCT FROM t.place AND n."column" IS NOT DISTINCT FROM t."column"
"""

_UNREAD: Final = f"""
SELECT coalesce(o.reason, 'unknown') AS reason, count(*) FILTER ({latest.UNREAD} AND NOT coalesce(o.excused, false)) AS open,
    count(*) FILTER ({latest.UNREAD} AND o.excused) AS excused, count(*) FILTER (o.status = 'excluded') AS excluded
FROM objects o WHERE {latest.UNREAD} OR o.status = 'excluded' GROUP BY ALL ORDER BY ALL
"""


class Reader:
    """Looks fingerprints up in a store as it is now. A context manager."""

    def __init__(self, held: Snapshot, objects: Iterable[str] = ()) -> None:
        """`objects`: ids of which something will be asked whether or not they hold anything."""
        self._held = held
        self._asked = frozenset(objects)
        self._opened: Findings | None = None
        self._lost: dict[Path, str] = {}
        self.row_groups = self.row_groups_read = 0

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def problems(self) -> list[str]:
        known = self._held.problems if self._opened is None else self._opened.problems
        return [*known, *self._lost.values()]

    def hits(self, asked: Sequence[Term], objects: Sequence[str] | None = None) -> list[Hit]:
        """Where the terms stand in objects that are there now; with `objects`, in these alone."""
        by_tag: dict[int, list[Term]] = {}
        for term in asked:
            by_tag.setdefault(term.fingerprint, []).append(term)
        tags = np.fromiter(by_tag, np.uint64, len(by_tag))
        looked = self._looked(tags, None if objects is None else pa.array(objects, pa.string()))
        self._asked |= frozenset(looked["object_id"].unique().to_pylist()) if self._opened is None else frozenset()
        hits = []
        for row in self._rows(_HITS, hits=looked) if len(looked) else ():
            for term in by_tag[row["fingerprint"]]:
                if row["entity_type"] in _ENTITIES[term.kind]:
                    hits.append(Hit(term, np.array(sorted(row["rows"] or ()), np.int64), row))
        return hits

    def unread(self) -> Unread:
        rows = list(self._rows(_UNREAD))
        reasons = {row["reason"]: row["open"] for row in rows if row["open"]}
        return Unread(reasons, sum(row["excused"] for row in rows), sum(row["excluded"] for row in rows))

    def rows(self, query: str, **tables: Any) -> Iterator[dict[str, Any]]:
        """The answer to a query over the store's views and `tables`."""
        return self._rows(query, **tables)

    def _rows(self, query: str, **tables: Any) -> Iterator[dict[str, Any]]:
        if self._opened is None:
            without = dataclasses.replace(self._held, files={**self._held.files, "values": ()})  # looked up already: not to be opened again
            self._opened = Findings(without, only=_files_of(self._held, self._asked))
        for batch in self._opened.batches(query, **tables):
            yield from batch.to_pylist()

    def _looked(self, tags: npt.NDArray[np.uint64], objects: Any) -> pa.Table:
        """Files that were merged meanwhile are looked for under their new names, once; one that is damaged is told and left out."""
        looked = lookup.look_up(self._held.files["values"], tags, objects)
        if looked.missing:
            self._held = snapshot.take(self._held.out)
            looked = lookup.look_up(self._held.files["values"], tags, objects)
        for path in (*looked.damaged, *looked.missing):
            self._lost[path] = f"{path.relative_to(self._held.out)} is left out: its content is damaged"
        self.row_groups += looked.row_groups
        self.row_groups_read += looked.row_groups_read
        return looked.rows


def _files_of(held: Snapshot, objects: frozenset[str]) -> pa.Table | None:
    """Root and path of the files that hold these objects, and of all that were ever not read or excluded: on other files nothing depends.
    None (all of them) where a file of the store is damaged inside, which reading it in full will tell."""
    import pyarrow.compute as pc
    from pyarrow import dataset

    if not held.files["objects"]:
        return None
    field = pc.field
    wanted = field("object_id").isin(pa.array(sorted(objects), pa.string())) | field("status").isin(_NOT_READ)
    wanted |= (field("status") == "unchanged") & field("reason").is_valid()
    try:
        files = dataset.dataset([str(path) for path in held.files["objects"]], schema=OBJECTS, partitioning=None)
        return files.to_table(columns=["root", "path"], filter=wanted).group_by(["root", "path"]).aggregate([])
    except (OSError, pa.ArrowException):
        return None


_NOT_READ: Final = ["partial", "unreadable", "unsupported", "excluded"]


# --------------------------------------------------------------------------- what belongs together


def joined(hits: Iterable[Hit], whole_name: bool) -> Iterator[Match]:
    """What the hits are worth by what stands beside them; a name that is no `whole_name` is a surname alone."""
    groups: dict[tuple[str, str | None, bool], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.object_id, hit.told["place"], hit.told["column"] is None), []).append(hit)
    for (_, _, in_text), group in groups.items():
        of_kind: dict[str, Ints] = {}
        for hit in group:
            of_kind[hit.term.kind] = np.union1d(of_kind.get(hit.term.kind, np.empty(0, np.int64)), hit.rows)
        for hit in group:
            yield from _matches(hit, of_kind, NEAR_LINES if in_text else 0, whole_name)


def _matches(hit: Hit, of_kind: Mapping[str, Ints], reach: int, whole_name: bool) -> Iterator[Match]:
    """The rows of a hit by what stands beside them."""
    others = [kind for kind in KINDS if kind in of_kind and kind != hit.term.kind]
    masks = {kind: _near(hit.rows, of_kind[kind], reach) for kind in others}
    codes = sum((mask.astype(np.int64) << at for at, mask in enumerate(masks.values())), np.zeros(len(hit.rows), np.int64))
    for code in np.unique(codes).tolist() if len(hit.rows) else [0]:
        beside = tuple(kind for at, kind in enumerate(others) if code >> at & 1)
        strength = _strength(hit.term, beside, whole_name)
        if strength is not None:
            yield _match(hit, strength, beside, hit.rows[codes == code], split=bool((codes != code).any()))


def _near(rows: Ints, others: Ints, reach: int) -> npt.NDArray[np.bool_]:
    """Which of `rows` have one of `others` (ascending) at most `reach` away."""
    first = np.searchsorted(others, rows - reach, side="left")
    last = np.searchsorted(others, rows + reach, side="right")
    near: npt.NDArray[np.bool_] = last > first
    return near


def _strength(term: Term, beside: tuple[str, ...], whole_name: bool) -> str | None:
    """A full name with anything else is the person; without a name, what is shared in a house or office stays what it is alone."""
    named = term.kind == NAME or NAME in beside
    if named and beside:
        return STRONG if whole_name or term.alone == STRONG else MEDIUM
    return term.alone


def _match(hit: Hit, strength: str, beside: tuple[str, ...], rows: Ints, *, split: bool) -> Match:
    told = hit.told
    return Match(
        strength=strength,
        found=hit.term.kind,
        form=hit.term.form,
        beside=beside,
        verdict=told["finding_verdict"] or told["object_verdict"],
        rows=tuple(rows.tolist()),
        count=len(rows) if split else told["count"],
        rows_complete=not (len(hit.rows) >= THINNED and told["count"] > len(hit.rows)),
        fingerprint=told["fingerprint"],
        **{name: told[name] for name in _TOLD},
    )


_TOLD: Final = (
    *("finding_id", "root", "path", "member", "store", "department", "place", "column", "entity_type"),
    *("exposure", "owner", "modified_at", "object_id", "run_id"),
)
