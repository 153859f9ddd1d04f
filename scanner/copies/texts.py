"""Excerpts of the stores' documents in other texts: the index of their fingerprints, and what of it one object holds.

    <name>.texts    uint64, keyed fingerprints of all documents of a store, ascending
    <name>.origins  uint32, the number of the document of each

An excerpt is told where fingerprints of one document follow one another closely over enough characters: of an exact excerpt of n characters
the first fingerprint lies within the first W + K - 1, and the last as near to the end (scanner.copies.winnow), so that they span at least
n - 2 (W + K - 1). Fingerprints that stand in very many documents of the store are a form's words, not one document's, and do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.copies.kinds import TEXT
from scanner.copies.winnow import SURE, K, Winnower
from scanner.model import CopyFact
from scanner.tally.atoms import Spool, partitioned

PRINT = np.dtype([("tag", "<u8"), ("origin", "<u4")])
"""One fingerprint of a document: 12 bytes."""

FILES = (("texts", "tag"), ("origins", "origin"))
LEAST = 3
"""Distinct fingerprints of an excerpt of 300 characters that has been changed in two places, at the worst."""

APART = 2 * SURE
"""Characters without a common fingerprint that end an excerpt."""

FORM_DOCUMENTS, FORM_SHARE = 8, 0.2
"""A fingerprint in more documents than these (and than this share of them) is that of a form."""

PARTITION = 2_000_000
MOST_HITS = 1 << 20

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TextIndex:
    """Fingerprints of a store's documents. `paths` and `counts` (of fingerprints) by number of document."""

    store: str
    tags: npt.NDArray[np.uint64]
    origins: npt.NDArray[np.uint32]
    paths: tuple[str, ...]
    counts: tuple[int, ...]
    store_records: int = 0
    documents: tuple[str, ...] = ()  # object and version of each that has fingerprints


def prints(tables: Iterable[pa.Table], numbers: dict[str, int]) -> Iterator[npt.NDArray[Any]]:
    """The fingerprints among rows of `values`; `numbers`: object_id -> number of the document."""
    for table in tables:
        rows = table.filter(pc.equal(table["entity_type"], TEXT))
        if rows.num_rows:
            block = np.empty(rows.num_rows, PRINT)
            block["tag"] = rows["fingerprint"].to_numpy()
            block["origin"] = [numbers[object_id] for object_id in rows["object_id"].to_pylist()]
            yield block


def renumbered(index: TextIndex, numbers: Ints) -> Iterator[npt.NDArray[Any]]:
    """The fingerprints of an index under new numbers of the documents; a document with -1 is left out."""
    for start in range(0, len(index.tags), PARTITION):
        origins = numbers[index.origins[start : start + PARTITION]]
        block = np.empty(int(np.count_nonzero(origins >= 0)), PRINT)
        block["tag"], block["origin"] = index.tags[start : start + PARTITION][origins >= 0], origins[origins >= 0]
        yield block


def write(
    home: Path, name: str, blocks: Iterator[npt.NDArray[Any]], documents: int, temp_dir: Path, open_: Callable[[Path], Any]
) -> list[int]:
    """Sort the fingerprints into files; how many each document has."""
    counts = np.zeros(documents, np.int64)
    spool = Spool(temp_dir, PRINT)
    try:
        for block in blocks:
            counts += np.bincount(block["origin"], minlength=documents)
            spool.append(block)
        with open_(home / f"{name}.{FILES[0][0]}") as tags, open_(home / f"{name}.{FILES[1][0]}") as origins:
            for block in partitioned(spool.blocks(PARTITION), spool.count, PARTITION, temp_dir):
                tags.write(np.ascontiguousarray(block["tag"]).data)
                origins.write(np.ascontiguousarray(block["origin"]).data)
    finally:
        spool.close()
    told: list[int] = counts.tolist()
    return told


class Excerpts:
    """What one object holds of the documents of some stores. Takes its texts in order; `copies` ends it."""

    def __init__(self, indexes: Sequence[TextIndex], chars: int, keyed: Callable[[npt.NDArray[np.uint64]], npt.NDArray[np.uint64]]) -> None:
        self._chars = chars
        self._keyed = keyed
        self._searched = [_Searched(index) for index in indexes]
        self._winnower = Winnower()
        self._before = 0  # characters of the texts that have ended
        self._own = 0

    def feed(self, text: str, *, continues: bool) -> Iterator[tuple[Ints, npt.NDArray[np.uint64]]]:
        """Takes a piece; yields positions and keyed fingerprints that are new."""
        if not continues:
            yield from self.end()
        for at, hashes in self._winnower.feed(text):
            yield self._take(at, hashes)

    def end(self) -> Iterator[tuple[Ints, npt.NDArray[np.uint64]]]:
        """The text is over; what follows is another."""
        for at, hashes in self._winnower.close():
            yield self._take(at, hashes)
        self._before += self._winnower.length + 2 * APART
        self._winnower = Winnower()

    def _take(self, at: Ints, hashes: npt.NDArray[np.uint64]) -> tuple[Ints, npt.NDArray[np.uint64]]:
        at, tags = at + self._before, self._keyed(hashes)
        self._own += len(tags)
        for searched in self._searched:
            searched.look(at, tags)
        return at, tags

    def copies(self, object_records: int) -> tuple[CopyFact, ...]:
        """Of each store the document of which most was found, if it is enough."""
        found = (searched.best(self._chars, self._own, object_records) for searched in self._searched)
        return tuple(fact for fact in found if fact is not None)


class _Searched:
    """One store's documents, and where their fingerprints were met."""

    def __init__(self, index: TextIndex) -> None:
        self._index = index
        self._most = max(FORM_DOCUMENTS, int(FORM_SHARE * len(index.paths)))
        self._met: list[npt.NDArray[Any]] = []
        self._count = 0

    def look(self, at: Ints, tags: npt.NDArray[np.uint64]) -> None:
        order = np.argsort(tags)
        at, tags = at[order], tags[order]
        low = np.searchsorted(self._index.tags, tags, side="left")
        high = np.searchsorted(self._index.tags, tags, side="right")
        counts = high - low
        kept = (counts > 0) & (counts <= self._most)
        if kept.any() and self._count < MOST_HITS:
            low, counts, at = low[kept], counts[kept], at[kept]
            cells = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
            met = np.empty(len(cells), [("origin", "<u4"), ("at", "<i8"), ("tag", "<u8")])
            met["origin"], met["at"], met["tag"] = self._index.origins[cells], np.repeat(at, counts), np.repeat(tags[kept], counts)
            self._met.append(met)
            self._count += len(met)

    def best(self, chars: int, own: int, object_records: int) -> CopyFact | None:
        if not self._met:
            return None
        met = np.concatenate(self._met)
        met = met[np.lexsort((met["at"], met["origin"]))]
        begins = np.ones(len(met), np.bool_)
        begins[1:] = (np.diff(met["origin"].astype(np.int64)) != 0) | (np.diff(met["at"]) > APART)
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(met)) - 1
        span = met["at"][ends] - met["at"][starts] + K
        distinct = np.array([len(np.unique(met["tag"][s : e + 1])) for s, e in zip(starts.tolist(), ends.tolist(), strict=True)])
        enough = (span >= chars - 2 * SURE) & (distinct >= LEAST)
        if not enough.any():
            return None
        matched = np.bincount(met["origin"][starts[enough]], weights=distinct[enough], minlength=len(self._index.paths))
        number = int(matched.argmax())
        share = max(matched[number] / max(own, 1), matched[number] / max(self._index.counts[number], 1))
        index = self._index
        score = round(min(1.0, float(share)), 4)
        return CopyFact(index.store, index.paths[number], 0, object_records, index.store_records, (), "text", score)
