"""Whose records does an object hold: its values, joined with the index of a store, row by row.

A value of the object meets the cells of the index that have its tag. Rare values name the records in question, common ones (a frequent
name) only speak for or against a record that another value of the same row has named. A record is found if the values of one row, or of
lines close together in a text, agree with it as the settings ask. Memory does not grow with the object: what meets the index is dealt out
by row and by record into shares that fit.

Name and birth date of a stranger agree with some record of a large store by chance. The chance is about n1 n2 / N for values that stand in
n1 and n2 of N records. Records found by such values alone count only if there are more of them than chance explains (Chernoff's bound on
the tail of a Poisson distribution), those likely by chance apart from those unlikely; in running text only the unlikely ones do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.config import CopySettings
from scanner.copies.cells import by_claim, exploded
from scanner.copies.index import SMALLEST, Index, Segment, StoreIndex
from scanner.copies.kinds import identifies
from scanner.model import CopyFact
from scanner.tally.atoms import Spool, partitioned

RARE = 16
"""Cells of an index in which a value may stand and still name its record alone."""

COMMON = 4_096
"""Cells up to which a value names records at all, in a row that holds none rarer."""

TEXT_COMMON = 256
"""The same in a running text, where rows do not tell apart what belongs together."""

LIKELY = 0.0005
"""Chance of one row to agree with a record of the store without being a copy of it, above which it is weighed apart."""

LIKELY_IN_TEXT = 0.01
FEW = 1_000
"""Records below which an index says too little of how frequent a value is."""

TAIL = 1e-3
"""How improbable so many chance agreements must be."""

BATCH = 131_072  # rows of values at a time
SHARE = 400_000  # meetings weighed at once

_HIT = np.dtype([("tag", "<u8"), ("place", "<u4"), ("row", "<i4"), ("segment", "<u4"), ("low", "<u8"), ("count", "<u4"), ("kind", "u1")])
"""A value of the object that stands in a segment: where it stands, and the cells [low, low + count). `tag`: of its row, for the dealing."""

_PAIR = np.dtype(
    [("tag", "<u8"), ("place", "<u4"), ("row", "<i4"), ("segment", "<u4"), ("record", "<u4"), ("column", "<u2"), ("count", "<u4")]
)
"""A cell of the index that a value of the object agrees with. `tag`: of its record, for the dealing."""

Block = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ObjectKnown:
    """What is to be known of an object beside its values. `without`: stores that it is not compared with."""

    content_hash: str | None = None
    size_bytes: int | None = None
    records: int = 0
    without: frozenset[str] = frozenset()


@dataclass
class _Found:
    """Records of one store found in one object."""

    strong: list[Ints] = field(default_factory=list)  # numbers over all segments
    weak: dict[bool, list[Ints]] = field(default_factory=lambda: {False: [], True: []})  # by whether chance makes them likely
    expected: dict[bool, float] = field(default_factory=lambda: {False: 0.0, True: 0.0})  # rows that agree by chance
    columns: dict[bool | None, set[tuple[int, int]]] = field(default_factory=lambda: {None: set(), False: set(), True: set()})
    """Segment and column, of the strong (None) and the weak."""

    in_rows: list[Ints] = field(default_factory=list)  # records found in rows of tables, strong or weak


class Matcher:
    """Compares objects with the stores of an index. Holds nothing of the objects between two calls."""

    def __init__(self, index: Index, settings: CopySettings, temp_dir: Path, alive: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._temp_dir = temp_dir
        self._alive = alive
        self._stores = [_Searched(store, settings) for store in index.stores.values()]

    def match(
        self,
        values: pa.RecordBatch | Path | None,
        *,
        content_hash: str | None = None,
        size_bytes: int | None = None,
        object_records: int = 0,
        without: Collection[str] = (),
    ) -> list[CopyFact]:
        """What an object with these values (schema of `values`: one object's, or a Parquet file of such) holds of each store, best first.
        Raises OSError."""
        known = ObjectKnown(content_hash, size_bytes, object_records, frozenset(without))
        return self._match(lambda: _tables(values), known)

    def match_tables(
        self,
        tables: Sequence[pa.Table],
        *,
        content_hash: str | None = None,
        size_bytes: int | None = None,
        object_records: int = 0,
        without: Collection[str] = (),
    ) -> list[CopyFact]:
        """`match` for what `meeting` has kept of an object's values."""
        return self._match(lambda: iter(tables), ObjectKnown(content_hash, size_bytes, object_records, frozenset(without)))

    def meeting(self, tables: Iterable[pa.Table]) -> dict[str, list[pa.Table]]:
        """Of the `values` rows of many objects those that stand in an index, by object: what one pass over a findings store has to keep."""
        met: dict[str, list[pa.Table]] = {}
        for table in tables:
            self._alive()
            for object_id, part in _by_object(_standing_in(self._stores, table)):
                met.setdefault(object_id, []).append(part)
        return met

    @property
    def hashes(self) -> frozenset[str]:
        """Content hashes of everything in the stores."""
        return frozenset(known for store in self._stores for known in store.hashes)

    def _match(self, tables: Callable[[], Iterator[pa.Table]], known: ObjectKnown) -> list[CopyFact]:
        facts = []
        for store in self._stores:
            if store.index.name in known.without:
                continue
            same = store.same_bytes(known)
            if same is not None:
                facts.append(same)
                continue
            records = self._records(store, tables(), known)
            if records is not None:
                facts.append(records)
        return sorted(facts, key=_best_first)

    # ------------------------------------------------------------------ records

    def _records(self, store: _Searched, tables: Iterator[pa.Table], known: ObjectKnown) -> CopyFact | None:
        if not store.index.cells:
            return None
        found = _Found()
        rows, lines = Spool(self._temp_dir, _HIT), Spool(self._temp_dir, _HIT)
        try:
            for is_text, hits in self._hits(store, tables):
                (lines if is_text else rows).append(hits)
            for share in partitioned(rows.blocks(SHARE), rows.count, SHARE, self._temp_dir):
                self._alive()
                store.weigh_rows(share, found)
            if lines.count:
                self._weigh_lines(store, lines, found)
        finally:
            rows.close()
            lines.close()
        return store.fact(found, known)

    def _hits(self, store: _Searched, tables: Iterator[pa.Table]) -> Iterator[tuple[bool, Block]]:
        places: dict[tuple[str | None, bool], int] = {}
        kinds: dict[str, int] = {}
        for table in tables:
            self._alive()
            for _, kind, place, column, part in by_claim(_standing_in([store], table)):
                if identifies(kind):
                    is_text = column is None
                    number = places.setdefault((place, is_text), len(places))
                    for hits in store.hits(part, number, kinds.setdefault(_domain(kind), len(kinds) % 255)):
                        yield is_text, hits

    def _weigh_lines(self, store: _Searched, lines: Spool, found: _Found) -> None:
        pairs = Spool(self._temp_dir, _PAIR)
        try:
            common: list[Block] = []
            for hits in lines.blocks(SHARE):
                few = hits["count"] <= TEXT_COMMON
                pairs.append(store.pairs(hits[few]))
                common.append(hits[~few])
            frequent = np.concatenate(common)
            for share in partitioned(pairs.blocks(SHARE), pairs.count, SHARE, self._temp_dir):
                self._alive()
                store.weigh_lines(share, frequent, found)
        finally:
            pairs.close()


class _Searched:
    """One store's index with what the settings make of it."""

    def __init__(self, index: StoreIndex, settings: CopySettings) -> None:
        self.index = index
        self._settings = settings
        self._tracing = settings.of(index.name)
        self._firsts = np.concatenate([[0], np.cumsum([segment.extent for segment in index.segments])]).astype(np.int64)
        kinds = sorted({column.entity_type for segment in index.segments for column in segment.column_list})
        bits = {kind: np.uint64(1 << min(number, 63)) for number, kind in enumerate(kinds)}
        self._bits = [np.array([bits[c.entity_type] for c in s.column_list] or [np.uint64(0)], np.uint64) for s in index.segments]
        self._strong = _mask(bits, settings.strong)
        self._required = [_mask(bits, [kind]) for kind in settings.require]
        self._never = [_mask(bits, kinds) for kinds in settings.never]
        self.hashes = {
            source.content_hash: source
            for segment in index.segments
            for source in segment.sources
            if source.content_hash is not None and (source.size_bytes is None or source.size_bytes >= SMALLEST)
        }

    def same_bytes(self, known: ObjectKnown) -> CopyFact | None:
        source = self.hashes.get(known.content_hash) if known.content_hash is not None else None
        if source is None:
            return None
        columns = sorted({column.label for s in self.index.segments if source in s.sources for column in s.column_list if source.records})
        held = max(known.records, source.records)
        return CopyFact(self.index.name, source.path, source.records, held, self.index.records, tuple(columns), "bytes", 1.0)

    def hits(self, part: pa.Table, place: int, kind: int) -> Iterator[Block]:
        """Where values of the object stand in the index, as `_HIT`."""
        tags = part["fingerprint"].to_numpy()
        for number, segment in enumerate(self.index.segments):
            low, count = _bounds(segment, tags)
            met = np.flatnonzero(count)
            if not len(met):
                continue
            positions, rows = exploded(part.select(["fingerprint", "rows"]).take(pa.array(met)).set_column(0, "fingerprint", pa.array(met)))
            hits = np.empty(len(rows), _HIT)
            hits["place"], hits["row"], hits["segment"] = place, rows, number
            hits["low"], hits["count"], hits["kind"] = low[positions], count[positions], kind
            hits["tag"] = _mixed((np.uint64(place) << np.uint64(32)) | rows.astype(np.uint64))
            yield hits

    def pairs(self, hits: Block, chosen: Ints | None = None) -> Block:
        """Every cell that the hits meet, as `_PAIR`, in the order of the hits."""
        hits = hits if chosen is None else hits[chosen]
        counts = hits["count"].astype(np.int64)
        pairs = np.empty(int(counts.sum()), _PAIR)
        cells = np.repeat(hits["low"].astype(np.int64) - np.cumsum(counts) + counts, counts) + np.arange(len(pairs))
        for name in ("place", "row", "segment"):
            pairs[name] = np.repeat(hits[name], counts)
        pairs["count"] = np.repeat(hits["count"], counts)
        for number, segment in enumerate(self.index.segments):
            mine = pairs["segment"] == number
            pairs["record"][mine] = segment.records[cells[mine]]
            pairs["column"][mine] = segment.columns[cells[mine]]
        pairs["tag"] = _mixed((pairs["segment"].astype(np.uint64) << np.uint64(32)) | pairs["record"].astype(np.uint64))
        return pairs

    # ------------------------------------------------------------------ rows of tables

    def weigh_rows(self, hits: Block, found: _Found) -> None:
        """`hits`: all hits of some rows. Every row counts for the one record that it agrees with most."""
        order = np.lexsort((hits["count"], hits["row"], hits["place"]))
        hits = hits[order]
        row = np.cumsum(np.concatenate([[True], (hits["row"][1:] != hits["row"][:-1]) | (hits["place"][1:] != hits["place"][:-1])])) - 1
        rarest = np.zeros(int(row[-1]) + 1, np.int64)
        rarest[row[::-1]] = hits["count"][::-1]
        names = (hits["count"] <= RARE) | ((hits["count"] == rarest[row]) & (hits["count"] <= COMMON))
        chance = self._chances(hits["count"], hits["kind"], row)
        for likely in (False, True):
            found.expected[likely] += float(chance[(chance > LIKELY) == likely].sum())
        for start, end in _slices(np.where(names, hits["count"], 0), row):
            self._weigh_some(hits[start:end], row[start:end], names[start:end], chance, found)

    def _chances(self, counts: npt.NDArray[Any], kinds: npt.NDArray[Any], group: Ints) -> npt.NDArray[np.float64]:
        """Of each group (numbered from 0, ascending, rarest values first): the chance that its two rarest kinds agree with one record."""
        starts = _starts(group)
        others = kinds != kinds[starts][group]
        rarest = counts[starts].astype(np.float64)
        second = np.minimum.reduceat(np.where(others, counts, 0xFFFFFFFF).astype(np.float64), starts)
        return np.where(second < 0xFFFFFFFF, np.minimum(1.0, rarest * second / max(self.index.records, FEW)), 0.0)

    def _weigh_some(self, hits: Block, row: Ints, names: Bools, chance: npt.NDArray[np.float64], found: _Found) -> None:
        named = self.pairs(hits[names])
        if not len(named):
            return
        named_row = np.repeat(row[names], hits["count"][names].astype(np.int64))
        spoken = ~names
        pairs, rows = named, named_row
        if spoken.any():
            more, of_row = self._confirmed(hits[spoken], row[spoken], named, named_row)
            pairs, rows = np.concatenate([named, more]), np.concatenate([named_row, of_row])
        self._best_of_rows(pairs, rows, chance, found)

    def _confirmed(self, common: Block, common_row: Ints, named: Block, named_row: Ints) -> tuple[Block, Ints]:
        """Cells of common values that belong to a record already named in their row."""
        of_row, segments, records = _distinct(named_row, named["segment"], named["record"])
        low = np.searchsorted(of_row, common_row, side="left")
        counts = np.searchsorted(of_row, common_row, side="right") - low
        hit = np.repeat(np.arange(len(common)), counts)
        candidate = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(len(hit))
        return self._cells_of(common[hit], segments[candidate], records[candidate], common_row[hit])

    def _cells_of(self, hits: Block, segments: npt.NDArray[Any], records: npt.NDArray[Any], rows: Ints) -> tuple[Block, Ints]:
        """For each hit and a record beside it: the cell of the hit's value in that record, where there is one."""
        kept, cells = [], []
        for number, segment in enumerate(self.index.segments):
            mine = np.flatnonzero((hits["segment"] == number) & (segments == number))
            at = _search(segment.records, hits["low"][mine].astype(np.int64), hits["count"][mine].astype(np.int64), records[mine])
            kept.append(mine[at >= 0])
            cells.append(at[at >= 0])
        which, where = np.concatenate(kept), np.concatenate(cells)
        pairs = np.empty(len(which), _PAIR)
        for name in ("place", "row", "segment", "count"):
            pairs[name] = hits[name][which]
        pairs["record"] = records[which]
        for number, segment in enumerate(self.index.segments):
            mine = pairs["segment"] == number
            pairs["column"][mine] = segment.columns[where[mine]]
        pairs["tag"] = _mixed((pairs["segment"].astype(np.uint64) << np.uint64(32)) | pairs["record"].astype(np.uint64))
        return pairs, rows[which]

    def _best_of_rows(self, pairs: Block, rows: Ints, chance: npt.NDArray[np.float64], found: _Found) -> None:
        order = np.lexsort((pairs["record"], pairs["segment"], rows))
        pairs, rows = pairs[order], rows[order]
        starts = _starts(rows, pairs["segment"], pairs["record"])
        agreed, strong, enough = self._weighed(pairs, starts)
        if not enough.any():
            return
        weight = np.where(enough, strong * 64 + _bit_count(agreed), -1)
        row_of = rows[starts]
        best = np.lexsort((-weight, row_of))
        firsts = best[_starts(row_of[best])]
        groups = firsts[weight[firsts] >= 0]
        by_chance = chance[row_of[groups]]
        for likely in (False, True):
            found.expected[likely] -= float(by_chance[strong[groups] & ((by_chance > LIKELY) == likely)].sum())
        self._keep(pairs, starts, groups[strong[groups]], None, found)
        for likely in (False, True):
            self._keep(pairs, starts, groups[~strong[groups] & ((by_chance > LIKELY) == likely)], likely, found)
        at = starts[groups]
        found.in_rows.append(self._firsts[pairs["segment"][at]] + pairs["record"][at])

    # ------------------------------------------------------------------ lines of texts

    def weigh_lines(self, pairs: Block, frequent: Block, found: _Found) -> None:
        """`pairs`: all cells of some records that a text agrees with; `frequent`: values of the text that are too common to name any."""
        near = self._settings.within_lines
        if len(frequent):
            pairs = np.concatenate([pairs, self._near(pairs, frequent, near)])
        order = np.lexsort((pairs["row"], pairs["place"], pairs["record"], pairs["segment"]))
        pairs = pairs[order]
        apart = np.zeros(len(pairs), np.bool_)
        apart[1:] = np.diff(pairs["row"].astype(np.int64)) > near
        starts = np.flatnonzero(_begins(pairs["segment"], pairs["record"], pairs["place"]) | apart)
        _, strong, enough = self._weighed(pairs, starts)
        self._keep(pairs, starts, np.flatnonzero(enough & strong), None, found)
        group = np.cumsum(_at(starts, len(pairs))) - 1
        rarest_first = np.lexsort((pairs["count"], group))
        kinds = self._kinds_of(pairs)[rarest_first]
        unlikely = self._chances(pairs["count"][rarest_first], kinds, group) <= LIKELY_IN_TEXT
        self._keep(pairs, starts, np.flatnonzero(enough & ~strong & unlikely), False, found)

    def _near(self, pairs: Block, frequent: Block, near: int) -> Block:
        """Cells of common values that belong to a record named within so many lines."""
        order = np.lexsort((frequent["row"], frequent["place"]))
        frequent = frequent[order]
        place = frequent["place"].astype(np.int64) << 32
        key = place + frequent["row"]
        places, lines, segments, records = _distinct(pairs["place"], pairs["row"], pairs["segment"], pairs["record"])
        at = (places.astype(np.int64) << 32) + lines
        low = np.searchsorted(key, at - near, side="left")
        counts = np.searchsorted(key, at + near, side="right") - low
        candidate = np.repeat(np.arange(len(at)), counts)
        hit = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(len(candidate))
        return self._cells_of(frequent[hit], segments[candidate], records[candidate], np.zeros(len(hit), np.int64))[0]

    # ------------------------------------------------------------------ weighing

    def _weighed(self, pairs: Block, starts: Ints) -> tuple[npt.NDArray[np.uint64], Bools, Bools]:
        """Of each group of cells of one record: the kinds that agree, whether a strong one is among them, and whether it is enough."""
        bits = self._kinds_of(pairs)
        agreed = np.bitwise_or.reduceat(bits, starts)
        strong = np.bitwise_or.reduceat(np.where(pairs["count"] <= RARE, bits & self._strong, np.uint64(0)), starts) != 0
        enough = strong | (_bit_count(agreed) >= self._settings.columns)
        for required in self._required:
            enough &= (agreed & required) != 0
        for never in self._never:
            enough &= (agreed & ~never) != 0
        return agreed, strong, enough

    def _kinds_of(self, pairs: Block) -> npt.NDArray[np.uint64]:
        """The bit of each cell's kind."""
        bits = np.zeros(len(pairs), np.uint64)
        for number, of_column in enumerate(self._bits):
            mine = pairs["segment"] == number
            bits[mine] = of_column[pairs["column"][mine]]
        return bits

    def _keep(self, pairs: Block, starts: Ints, groups: Ints, weak: bool | None, found: _Found) -> None:
        """The records of these groups are found. `weak`: None for those of a strong value, else whether chance makes them likely."""
        if not len(groups):
            return
        at = starts[groups]
        records = self._firsts[pairs["segment"][at]] + pairs["record"][at]
        (found.strong if weak is None else found.weak[weak]).append(records)
        lengths = np.diff(np.append(starts, len(pairs)))
        chosen = np.zeros(len(starts), np.bool_)
        chosen[groups] = True
        kept = np.repeat(chosen, lengths)
        codes = np.unique((pairs["segment"][kept].astype(np.int64) << 16) | pairs["column"][kept])
        found.columns[weak].update((int(code) >> 16, int(code) & 0xFFFF) for code in codes)

    def fact(self, found: _Found, known: ObjectKnown) -> CopyFact | None:
        """What the records found come to, None if they are too few."""
        strong = _all(found.strong)
        counted = [likely for likely in (False, True) if _beyond_chance(sum(map(len, found.weak[likely])), found.expected[likely])]
        weak = np.setdiff1d(_all([piece for likely in counted for piece in found.weak[likely]]), strong, assume_unique=True)
        least = self._tracing.records or self._settings.records
        least_weak = self._tracing.weak_records or self._settings.weak_records
        if not (len(strong) >= least or len(strong) + len(weak) >= max(least, least_weak)):
            return None
        records = np.concatenate([strong, weak])
        matched = self._without_twins(records, found, known)
        labels = sorted(
            {self.index.segments[segment].column_list[column].label for part in (None, *counted) for segment, column in found.columns[part]}
        )
        held = max(known.records, matched)
        score = round(matched / held * (1.0 if len(strong) >= len(weak) else 0.8), 4)
        return CopyFact(self.index.name, self._most_from(records), matched, held, self.index.records, tuple(labels), "records", score)

    @staticmethod
    def _without_twins(records: Ints, found: _Found, known: ObjectKnown) -> int:
        """How many records were found. A person who has two records in the store counts once: a row of a table is matched with one record
        anyway, and a running text does not hold more records than persons."""
        in_rows = int(np.count_nonzero(np.isin(records, _all(found.in_rows))))
        in_text = len(records) - in_rows
        return in_rows + (min(in_text, known.records) if known.records else in_text)

    def _most_from(self, records: Ints) -> str | None:
        """The path of the source that most of the records lie in."""
        segments = np.searchsorted(self._firsts, records, side="right") - 1
        best: tuple[int, str] | None = None
        for number, segment in enumerate(self.index.segments):
            mine = records[segments == number] - self._firsts[number]
            if len(mine):
                counts = np.bincount(segment.source_of(mine), minlength=len(segment.sources))
                most = int(counts.argmax())
                if best is None or counts[most] > best[0]:
                    best = (int(counts[most]), segment.sources[most].path)
        return None if best is None else best[1]


def _best_first(fact: CopyFact) -> tuple[bool, int, float, int, str]:
    return (fact.evidence != "bytes", -fact.matched_records, -fact.score, fact.store_records, fact.store)


# --------------------------------------------------------------------------- arrays


def _tables(values: pa.RecordBatch | Path | None) -> Iterator[pa.Table]:
    if values is None:
        return
    if isinstance(values, Path):
        from pyarrow import parquet

        with parquet.ParquetFile(values) as file:
            yield from (pa.Table.from_batches([batch]) for batch in file.iter_batches(BATCH))
    else:
        table = pa.Table.from_batches([values])
        yield from (table.slice(start, BATCH) for start in range(0, table.num_rows, BATCH))


def _standing_in(stores: Sequence[_Searched], table: pa.Table) -> pa.Table:
    """The rows whose value stands in one of the stores: few, of most objects, so that all else is done for these alone."""
    tags = table["fingerprint"].to_numpy()
    met = np.zeros(len(tags), np.bool_)
    for store in stores:
        for segment in store.index.segments:
            met |= _is_there(segment, tags)
    return table.filter(pa.array(met)) if not met.all() else table


def _by_object(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    for object_id in table["object_id"].unique().to_pylist():
        yield object_id, table.filter(pc.equal(table["object_id"], object_id))


def _is_there(segment: Segment, tags: npt.NDArray[np.uint64]) -> Bools:
    """Of each tag: does the segment have a cell of it?"""
    if not segment.cells:
        return np.zeros(len(tags), np.bool_)
    low = np.searchsorted(segment.tags, tags, side="left")
    there: Bools = segment.tags[np.minimum(low, segment.cells - 1)] == tags
    return there


def _bounds(segment: Segment, tags: npt.NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """Of each tag, the first cell that has it and how many have."""
    low = np.searchsorted(segment.tags, tags, side="left")
    return low, np.searchsorted(segment.tags, tags, side="right") - low


def _search(records: npt.NDArray[Any], low: Ints, count: Ints, wanted: npt.NDArray[Any]) -> Ints:
    """Where each wanted record is among the ascending `records[low : low + count]`, -1 where it is not: many binary searches at once."""
    left, right = low.copy(), low + count
    for _ in range(int(count.max(initial=0)).bit_length()):
        open_ = left < right
        middle = (left + right) // 2
        less = np.zeros(len(left), np.bool_)
        less[open_] = records[middle[open_]] < wanted[open_]
        left = np.where(open_ & less, middle + 1, left)
        right = np.where(open_ & ~less, middle, right)
    there = left < low + count
    there[there] = records[left[there]] == wanted[there]
    return np.where(there, left, -1)


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A bijection that spreads keys evenly (the finalizer of SplitMix64, Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _distinct(*columns: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The distinct rows of some columns, sorted by the first, then the next."""
    order = np.lexsort(columns[::-1])
    ordered = [column[order] for column in columns]
    kept = _begins(*ordered)
    return [column[kept] for column in ordered]


def _begins(*columns: npt.NDArray[Any]) -> Bools:
    begins = np.ones(len(columns[0]), np.bool_)
    begins[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return begins


def _starts(*columns: npt.NDArray[Any]) -> Ints:
    return np.flatnonzero(_begins(*columns))


def _at(positions: Ints, length: int) -> Bools:
    """True at these positions."""
    marks = np.zeros(length, np.bool_)
    marks[positions] = True
    return marks


def _beyond_chance(met: int, expected: float) -> bool:
    """Are these more than chance explains?"""
    if met <= expected:
        return False
    return expected <= 0 or met - expected + met * math.log(expected / met) < math.log(TAIL)


def _domain(entity_type: str) -> str:
    return "PHONE_NUMBER" if entity_type == "FAX_NUMBER" else entity_type


def _bit_count(masks: npt.NDArray[np.uint64]) -> Ints:
    return np.bitwise_count(masks).astype(np.int64)


def _mask(bits: Mapping[str, np.uint64], kinds: Iterable[str]) -> np.uint64:
    mask = np.uint64(0)
    for kind in kinds:
        mask |= bits.get(kind, np.uint64(0))
    return mask


def _slices(costs: npt.NDArray[Any], row: Ints) -> Iterator[tuple[int, int]]:
    """Runs of whole rows whose costs stay near `SHARE` together."""
    share = (np.cumsum(costs) - costs) // SHARE
    first = np.concatenate([[True], np.diff(row) > 0])
    share = np.maximum.accumulate(np.where(first, share, 0))
    starts = np.flatnonzero(np.concatenate([[True], np.diff(share) > 0]))
    yield from zip(starts.tolist(), [*starts[1:].tolist(), len(row)], strict=True)


def _all(pieces: Sequence[Ints]) -> Ints:
    return np.unique(np.concatenate(pieces)) if pieces else np.empty(0, np.int64)
