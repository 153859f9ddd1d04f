"""Copies in one run: every object that finishes is compared with the index of the stores; of unchanged ones it is known what they held.

Rows of `copies` stand until their object is read again. When the index, the settings or the policy have changed since the runs before, the
values of all objects, which lie in those runs, are compared anew at the start, and a file of which the answer differs is read again, so
that everything said of it is of this run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.config import Excerpts
from scanner.model import CopyFact, Entry, ObjectFacts, stable_id
from scanner.policy import Policy, Store
from scanner.policy.copies import told as told_settings
from scanner.policy.drill import STORE
from scanner.run.summary import FoundCopy, StoreState

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.copies.index import Index
    from scanner.copies.matching import Matcher
    from scanner.findings.read import Findings

SHOWN = 20
DOCUMENTS_CHANGED = (
    "documents of the stores have changed; files that have not changed since were not looked through for their text (--full does)"
)

Where = tuple[str, str]
"""Root and path of a file."""


@dataclass(frozen=True)
class Traced:
    """What a run has to trace copies with. `index` None: nothing is traced, and `states` say why."""

    states: tuple[StoreState, ...] = ()
    index: Index | None = None
    folder: Path | None = None  # of the index, which the crawl leaves out

    def digest(self, policy: Policy) -> str:
        """Equal where the same object has the same copies."""
        if self.index is None:
            return ""
        return stable_id(self.index.digest, policy.digest, json.dumps(told_settings(policy.copies), sort_keys=True))


class Tracing:
    """Compares the objects of one run. `begin` before the crawl."""

    def __init__(self, traced: Traced, policy: Policy, temp_dir: Path) -> None:
        self._policy = policy
        self._traced = traced
        self._matcher: Matcher | None = None
        if traced.index is not None:
            from scanner.copies.matching import Matcher

            self._matcher = Matcher(traced.index, policy.copies, temp_dir)
        self._former: dict[Where, list[tuple[str | None, str, CopyFact]]] = {}
        self.notes: list[str] = []
        self.stale: set[Where] = set()
        """Files that are to be read although they have not changed."""
        self.tally = CopyTally()

    @property
    def digest(self) -> str:
        return self._traced.digest(self._policy)

    @property
    def folder(self) -> Path | None:
        """The index, which the crawl leaves out."""
        return self._traced.folder

    @property
    def states(self) -> tuple[StoreState, ...]:
        return self._traced.states

    @property
    def excerpts(self) -> Excerpts | None:
        """What the workers compare running text with."""
        index, folder = self._traced.index, self._traced.folder
        if index is None or folder is None or not index.texts or not self._policy.copies.texts:
            return None
        return Excerpts(folder, tuple(text.store for text in index.texts), self._policy.copies.text_chars)

    def begin(self, out: Path, roots: Sequence[str]) -> None:
        """Take in what the runs before have found, and find out what is no longer so. Raises StoreError."""
        from scanner.findings.read import open_findings

        if self._matcher is None or not (out / "runs").is_dir():
            return
        with open_findings(out) as found:
            for row in _rows(found.batches("SELECT * FROM copies")):
                self._former.setdefault((row["root"], row["path"]), []).append((row["member"], row["object_id"], _fact(row)))
            told = [self._told_of(found, root) for root in roots]
            if not all(one.get("copies_index") == self.digest for one in told):
                self._compare_again(found, roots)
            if any(one.get("copies_texts", self.texts_digest) != self.texts_digest for one in told) and self.excerpts is not None:
                self.notes.append(DOCUMENTS_CHANGED)

    def _told_of(self, found: Findings, root: str) -> Mapping[str, Any]:
        """The manifest of the last run over the root, if it came to its end: then all below it was compared with one and the same index."""
        latest: Mapping[str, Any] = {}
        for run in _rows(found.batches("SELECT outcome, roots_reached, manifest FROM runs ORDER BY run_id")):
            if root in run["roots_reached"]:
                latest = json.loads(run["manifest"]) if run["outcome"] in ("complete", "incomplete") else {}
        return latest

    @property
    def texts_digest(self) -> str:
        """Equal while the documents of the stores are."""
        index = self._traced.index
        return "" if index is None else index.texts_digest

    def _compare_again(self, found: Findings, roots: Sequence[str]) -> None:
        import pyarrow as pa

        assert self._matcher is not None, "begin() looks first"
        below = pa.table({"root": pa.array(list(roots), pa.string())})
        query = """SELECT v.* FROM "values" v SEMI JOIN (SELECT o.object_id FROM objects o SEMI JOIN below b ON o.root = b.root
            WHERE o.store IS NULL OR o.verdict = 'stray') e ON v.object_id = e.object_id"""
        met = self._matcher.meeting(pa.Table.from_batches([batch]) for batch in found.batches(query, below=below))
        wanted = pa.table({"object_id": pa.array([*met, *(one for known in self._former.values() for _, one, _ in known)], pa.string())})
        hashes = pa.table({"content_hash": pa.array(sorted(self._matcher.hashes), pa.string())})
        query = """SELECT object_id, root, path, member, content_hash, size_bytes, persons, verdict FROM objects o SEMI JOIN below b
            ON o.root = b.root WHERE object_id IN (SELECT object_id FROM wanted) OR content_hash IN (SELECT content_hash FROM hashes)"""
        now: dict[Where, set[Any]] = {}
        for row in _rows(found.batches(query, below=below, wanted=wanted, hashes=hashes)):
            facts = self._of_row(row, met.get(row["object_id"], []))
            now.setdefault((row["root"], row["path"]), set()).update(_told(row["object_id"], fact) for fact in facts)
        for where in now.keys() | {where for where in self._former if where[0] in roots}:
            before = {_told(object_id, fact) for _, object_id, fact in self._former.get(where, [])}
            if before != now.get(where, set()):
                self.stale.add(where)

    def _of_row(self, row: Mapping[str, Any], tables: Sequence[pa.Table]) -> list[CopyFact]:
        assert self._matcher is not None, "begin() looks first"
        store = self._policy.place(f"{row['root'].rstrip('/')}/{row['path']}").store
        if not _compared_at_all(store, row["verdict"] == "stray"):
            return []
        known = {"content_hash": row["content_hash"], "size_bytes": row["size_bytes"], "object_records": row["persons"] or 0}
        return self._matcher.match_tables(tables, **known, without=_own(store))

    # ------------------------------------------------------------------ during the run

    def of(self, store: Store | None, facts: ObjectFacts, values: pa.RecordBatch | Path | None, *, stray: bool) -> list[CopyFact]:
        """What an object that lies in `store` (None: in none) holds of the others, best first. Raises OSError."""
        if self._matcher is None or not _compared_at_all(store, stray):
            return []
        found = self._matcher.match(
            values, content_hash=facts.content_hash, size_bytes=facts.size_bytes, object_records=facts.persons, without=_own(store)
        )
        told = {fact.store for fact in found} | set(_own(store))
        return found + [fact for fact in facts.excerpts if fact.store not in told]

    def former(self, entry: Entry, object_id: str | None = None) -> list[CopyFact]:
        """What was found in an unchanged file (or in one object of it) and still holds."""
        known = self._former.get((entry.location.root, entry.location.path), [])
        return [fact for _, one, fact in known if object_id in (None, one)]

    def take_up(self, files: Sequence[Path]) -> None:
        """Copies that stand in the run already, since it goes on with one that died."""
        from pyarrow import parquet

        for path in files:
            for row in parquet.read_table(path, partitioning=None).to_pylist():
                self.tally.add(row["root"], row["path"], row["member"], "unknown", _fact(row))

    def repeat(self, entry: Entry) -> None:
        """An unchanged file was met: its copies count in this run too."""
        for member, _, fact in self._former.get((entry.location.root, entry.location.path), ()):
            self.tally.add(entry.location.root, entry.location.path, member, entry.exposure, fact)


def copy_row(row: Mapping[str, Any], fact: CopyFact) -> dict[str, Any]:
    """The `copies` row of an object, given its `objects` row."""
    where = {name: row[name] for name in ("run_id", "object_id", "root", "path", "member")}
    return {**where, **{name: getattr(fact, name) for name in _FACT}, "columns": list(fact.columns)}


_FACT = ("store", "source_path", "matched_records", "object_records", "store_records", "columns", "evidence", "score")


def _fact(row: Mapping[str, Any]) -> CopyFact:
    return CopyFact(**{name: row[name] for name in _FACT} | {"columns": tuple(row["columns"])})


def _told(object_id: str, fact: CopyFact) -> tuple[Any, ...]:
    """What makes two answers the same one. That the store has grown elsewhere is no news of the object."""
    return object_id, fact.store, fact.evidence, fact.matched_records, fact.columns


def _compared_at_all(store: Store | None, stray: bool) -> bool:
    """What is approved where it lies is nobody's copy: two approved stores may hold one person."""
    return store is None or stray


def _own(store: Store | None) -> Collection[str]:
    return () if store is None else (store.name,)


def _rows(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


@dataclass
class CopyTally:
    """Counts copies as they are found."""

    objects: Counter[str] = field(default_factory=Counter)
    _worst: list[FoundCopy] = field(default_factory=list)

    def add(self, root: str, path: str, member: str | None, exposure: str, fact: CopyFact) -> None:
        if fact.store == STORE:  # the drill's: never counted as a copy
            return
        self.objects[fact.store] += 1
        counts = (fact.matched_records, fact.object_records, fact.store_records)
        self._worst.append(FoundCopy(root, path, member, fact.store, fact.source_path, *counts, fact.columns, fact.evidence, exposure))
        if len(self._worst) > 50 * SHOWN:
            self._worst = list(self.worst)

    @property
    def worst(self) -> tuple[FoundCopy, ...]:
        """Most records first."""
        return tuple(sorted(self._worst, key=lambda one: (-one.matched_records, one.root, one.path, one.member or "", one.store))[:SHOWN])
