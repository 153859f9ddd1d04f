"""Atoms: every hit of an object as 19 bytes, kept in memory while few and in private temporary files when many.

An atom is the keyed tag of one value with the row and the record it stands in; the value itself is never here. A 10 GB extract
has hundreds of millions of them, so they are appended in order of arrival and, at the end, dealt out by tag into partitions
that fit in memory: an external distribution sort (Knuth, TAOCP vol. 3, 5.4.9).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

ATOM = np.dtype([("tag", "<u8"), ("record", "<u4"), ("row", "<i4"), ("slot", "<u2"), ("kind", "u1")])

Atoms = npt.NDArray[Any]
"""A structured array of `ATOM`."""

IN_MEMORY = 400_000  # atoms (8 MB) before they go to a file
PARTITION = 250_000  # atoms sorted at once: about 20 MB with the sort's own arrays; more at once is no quicker
REPEATED_BITS = 24  # 16 MB, for eight million atoms and more
FAN_BITS = 6  # at most 64 temporary files are open at each level of a distribution


class Kind(IntEnum):
    """What an atom says about a person."""

    OTHER = 0
    NAME = 1
    EMAIL = 2
    MOBILE = 3
    PHONE = 4
    ADDRESS = 5
    BIRTH_DATE = 6
    DESK = 7
    """A fixed line in running text: a letterhead's as often as a person's."""
    ALIAS = 8
    """The full name behind a surname or given name that stands alone; of use for counting persons only, no value that was found."""


class Spool:
    """An append-only run of fixed-size items in an unlinked temporary file."""

    def __init__(self, temp_dir: Path, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=temp_dir)  # noqa: SIM115 - lives as long as the spool
        self.count = 0

    def append(self, items: npt.NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(items).data)
        self.count += len(items)

    def runs(self, lengths: Iterable[int]) -> Iterator[npt.NDArray[Any]]:
        """Consecutive runs of these many items from the start."""
        self._file.flush()
        offset = 0
        for length in lengths:
            size = length * self._dtype.itemsize
            yield np.frombuffer(_pread(self._file.fileno(), size, offset), dtype=self._dtype)
            offset += size

    def blocks(self, items: int) -> Iterator[npt.NDArray[Any]]:
        return self.runs(min(items, self.count - start) for start in range(0, self.count, items))

    def all(self) -> npt.NDArray[Any]:
        return next(self.runs([self.count]))

    def close(self) -> None:
        self._file.close()


def _pread(descriptor: int, size: int, offset: int) -> bytearray:
    """Exactly these bytes: one system call gives at most 2 GiB."""
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        done += os.preadv(descriptor, [view[done:]], offset + done)
    return data


@dataclass
class AtomStore:
    """All atoms of one object. `add` in order of records; `blocks` gives them back in that order; `partitions` by tag."""

    temp_dir: Path
    alive: Callable[[], None] = lambda: None  # called now and then by whatever takes long, for whoever watches the clock
    in_memory: int = IN_MEMORY
    partition: int = PARTITION
    count: int = 0
    records: int = 0  # one more than the highest record
    _pending: list[Atoms] = field(default_factory=list)
    _pending_count: int = 0
    _spool: Spool | None = None
    _sealed: list[int] = field(default_factory=list)  # lengths of the blocks in the spool

    @property
    def spilled(self) -> bool:
        return self._spool is not None

    def add(
        self,
        slot: int,
        kind: Kind | npt.NDArray[np.uint8],
        tags: npt.NDArray[np.uint64],
        rows: npt.NDArray[np.int64],
        records: npt.NDArray[np.int64],
    ) -> None:
        atoms = np.empty(len(tags), ATOM)
        atoms["tag"], atoms["row"], atoms["record"] = tags, rows, records
        atoms["slot"], atoms["kind"] = slot, kind
        self._pending.append(atoms)
        self._pending_count += len(atoms)
        self.count += len(atoms)
        if len(records):
            self.records = max(self.records, int(records.max()) + 1)

    def seal(self) -> None:
        """Called between records: what was added so far may leave the memory. Keeps every record in one block."""
        if self._pending_count >= self.in_memory:
            if self._spool is None:
                self._spool = Spool(self.temp_dir, ATOM)
            self._append(self._take())

    def _append(self, block: Atoms) -> None:
        if self._spool is not None and len(block):
            self._spool.append(block)
            self._sealed.append(len(block))

    def _take(self) -> Atoms:
        atoms = np.concatenate(self._pending) if self._pending else np.empty(0, ATOM)
        self._pending, self._pending_count = [], 0
        return atoms.take(np.argsort(np.ascontiguousarray(atoms["record"]), kind="stable"))

    def blocks(self) -> Iterator[Atoms]:
        """Block by block as sealed: each record lies in one block, and each block is in order of record."""
        if self._pending:
            tail = self._take()
            if self._spool is None:
                self._pending, self._pending_count = [tail], len(tail)
                yield tail
                return
            self._append(tail)
        if self._spool is not None:
            yield from ticking(self._spool.runs(self._sealed), self.alive)

    def at_hand(self) -> Atoms | None:
        """All atoms in order of record, where none of them has left the memory."""
        return next(self.blocks(), None) if self._spool is None else None

    def partitions(self, surplus: Surplus) -> Iterator[Atoms]:
        """Blocks that hold all atoms of the tags in them, in ascending order of tag, each sorted by (tag, slot, row). Of a value
        that stands very often some atoms are left out and counted in `surplus`: see `thinned`."""
        blocks = (thinned(chosen(block, block["kind"] != Kind.ALIAS), surplus) for block in self.blocks())
        yield from ticking(partitioned(blocks, self.count, self.partition, self.temp_dir), self.alive)

    def close(self) -> None:
        self._pending, self._pending_count = [], 0
        if self._spool is not None:
            self._spool.close()
            self._spool = None


class Repeated:
    """Tags that stand more than once, as marks in a table of their lowest bits: a tag that stands alone is nearly always known to, and one
    that does not is never taken for one that does."""

    def __init__(self, count: int) -> None:
        bits = min(max(count.bit_length() + 1, 12), REPEATED_BITS)
        self._low = np.uint64((1 << bits) - 1)
        self._marks = np.zeros(1 << bits, np.bool_)

    def note(self, tags: npt.NDArray[np.uint64]) -> None:
        """All occurrences of these tags, in ascending order."""
        self._marks[tags[1:][tags[1:] == tags[:-1]] & self._low] = True

    def mask(self, tags: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        return self._marks.take((tags & self._low).astype(np.int64))


def ticking(blocks: Iterable[npt.NDArray[Any]], alive: Callable[[], None]) -> Iterator[npt.NDArray[Any]]:
    """The blocks, with a sign of life before each."""
    for block in blocks:
        alive()
        yield block


ROWS_PER_BLOCK = 4096
_BUCKETS = 1 << 16  # of tags, to see quickly that none stands too often
Surplus = dict[tuple[int, int], int]
"""(tag, slot) -> atoms left out."""


def chosen(items: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """The items in the mask. NumPy picks structured items by `[mask]` and `[order]` field by field, by `take` whole: ten times quicker."""
    return items if mask.all() else items.take(np.flatnonzero(mask))


def thinned(block: Atoms, surplus: Surplus) -> Atoms:
    """At most `ROWS_PER_BLOCK` atoms of one value and slot in a block, so that a value on every row of a huge table does not end up in
    one unbounded share. The rest is counted, hence `count` stays exact while `rows` lists the first ones of every million hits."""
    if len(block) <= ROWS_PER_BLOCK:
        return block
    bucket = (block["tag"] & np.uint64(_BUCKETS - 1)).astype(np.int64)
    crowded = np.flatnonzero((np.bincount(bucket, minlength=_BUCKETS) > ROWS_PER_BLOCK)[bucket])
    if not len(crowded):
        return block
    order = crowded[np.lexsort((block["slot"][crowded], block["tag"][crowded]))]
    tag, slot = block["tag"][order], block["slot"][order]
    starts = np.flatnonzero(np.concatenate([[True], (tag[1:] != tag[:-1]) | (slot[1:] != slot[:-1])]))
    sizes = np.diff(np.append(starts, len(order)))
    if sizes.max() <= ROWS_PER_BLOCK:
        return block
    for index in np.flatnonzero(sizes > ROWS_PER_BLOCK).tolist():
        key = (int(tag[starts[index]]), int(slot[starts[index]]))
        surplus[key] = surplus.get(key, 0) + int(sizes[index]) - ROWS_PER_BLOCK
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    kept = np.ones(len(block), np.bool_)
    kept[order[rank >= ROWS_PER_BLOCK]] = False
    return block[kept]


def partitioned(blocks: Iterator[npt.NDArray[Any]], count: int, size: int, temp_dir: Path, taken: int = 0) -> Iterator[npt.NDArray[Any]]:
    """Distribute items by the top bits of their `tag` (after the `taken` first) until a share fits, and sort each share. Tags are
    pseudo-random, so the shares are even; one tag that stands very often makes one share large, not all of them."""
    if count <= size or taken + FAN_BITS > 64:
        items = list(blocks)
        if items:
            yield _sorted(np.concatenate(items))
        return
    fan = min(FAN_BITS, (2 * count // size).bit_length())
    spools: list[Spool | None] = [None] * (1 << fan)
    try:
        _distribute(blocks, spools, 64 - taken - fan, temp_dir)
        for index, share in enumerate(spools):
            if share is not None:
                spools[index] = None
                try:
                    yield from partitioned(share.blocks(size), share.count, size, temp_dir, taken + fan)
                finally:
                    share.close()
    finally:
        for left in spools:
            if left is not None:
                left.close()


def _distribute(blocks: Iterator[npt.NDArray[Any]], spools: list[Spool | None], below: int, temp_dir: Path) -> None:
    """Into one spool for each value of the tag's bits above the `below` lowest."""
    shift, mask = np.uint64(below), np.uint64(len(spools) - 1)
    for block in blocks:
        share = ((block["tag"] >> shift) & mask).astype(np.uint8)  # sorted by counting
        order = np.argsort(share, kind="stable")
        bounds = np.searchsorted(share[order], np.arange(len(spools) + 1))
        for index in np.flatnonzero(np.diff(bounds)).tolist():
            spool = spools[index] or Spool(temp_dir, block.dtype)
            spools[index] = spool
            spool.append(block.take(order[bounds[index] : bounds[index + 1]]))


def order_by_tag(tag: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Like a stable `argsort` of tags that are spread evenly: the index takes the place of the lowest bits, so that plain numbers are
    sorted, at three times the speed. Where the bits above do not tell two tags apart in the right order, `argsort` does it."""
    low = np.uint64((1 << len(tag).bit_length()) - 1)
    packed = np.sort((tag & ~low) | np.arange(len(tag), dtype=np.uint64))
    order = (packed & low).astype(np.int64)
    ordered = tag.take(order)
    if (ordered[1:] < ordered[:-1]).any():
        return np.argsort(tag, kind="stable")
    return order


def _sorted(items: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """By tag; atoms of one tag also by slot and row. Few tags stand twice in most shares, so only those are sorted by more."""
    tag = np.ascontiguousarray(items["tag"])
    order = order_by_tag(tag)
    if "slot" in (items.dtype.names or ()):
        ordered = tag.take(order)
        same = ordered[1:] == ordered[:-1]
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        among = order[tied]
        second = (items["slot"][among].astype(np.uint64) << np.uint64(32)) | items["row"][among].astype(np.uint64)
        ascending = (second[1:] >= second[:-1]) | (tag[among[1:]] != tag[among[:-1]])
        if not ascending.all():  # most come in order of rows
            order[tied] = among[np.lexsort((second, tag[among]))]
    return items.take(order)
