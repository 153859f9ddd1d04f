"""Which files need not be looked at: what the crawl met against what the state knows, a few hundred files at a time.

Identity and times decide whether to look at the content at all; where they differ, or a file is chosen for a check, the hash of its
content decides whether it is read by a parser. Rows of what is unchanged are made in Arrow, since a share has millions of them.
"""

from __future__ import annotations

import datetime
import itertools
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from scanner.model import Entry, Status
from scanner.run.remembered import AT, KEPT
from scanner.run.state import FINE, Decides, Known, State

if TYPE_CHECKING:
    import pyarrow as pa


class Look(Enum):
    """What is to be done with a file."""

    READ = "read"
    HASH = "hash"  # its bytes are compared with the hash known of it: if they differ it is read, else judged again
    CHECK = "check"  # nothing speaks for a change, and its bytes are compared all the same
    JUDGE = "judge"  # its content is as it was, its verdict may not be


@dataclass(frozen=True, slots=True)
class Digests:
    """ids of the state's digests that decide as this run's do: for reading, and for reading and judging alike."""

    reading: frozenset[int]
    judging: frozenset[int]

    @classmethod
    def of(cls, state: State, decides: Decides) -> Digests:
        known = state.digests()
        same = frozenset(number for number, (reading, _, told) in known.items() if reading == decides.reading and decides.reads_as(told))
        return cls(same, frozenset(number for number in same if known[number][1] == decides.judging))


@dataclass(frozen=True, slots=True)
class Same:
    """A file that is unchanged, and what the state knows of it."""

    entry: Entry
    known: Known


@dataclass(frozen=True, slots=True)
class Sorted:
    """A piece of the crawl, sorted out. `work`: what is to be done with which file, and what is known of it (None: nothing)."""

    same: list[Same]
    work: list[tuple[Entry, Look, Known | None]]


class Sorter:
    """Sorts files into unchanged ones and work. `share`: of the unchanged files, how many are compared by content all the same."""

    def __init__(self, state: State, digests: Digests, *, full: bool, share: float, seed: str, own: int) -> None:
        self._state = state
        self._digests = digests
        self._full = full
        self._share = share
        self._own = own  # the state's id of this run
        self._chance = random.Random(seed)  # which files are checked is no secret

    def sort(self, entries: Sequence[Entry], now: float) -> Sorted:
        """`entries`: regular files to be scanned, in the order of the crawl; `now` in seconds since the epoch."""
        known: dict[tuple[str, str], tuple[Any, ...]] = {}
        for root, group in itertools.groupby(entries, key=lambda entry: entry.location.root):
            for path, columns in self._state.lookup(root, [entry.location.path for entry in group]).items():
                known[root, path] = columns
        found = Sorted([], [])
        for entry in entries:
            of_file = known.get((entry.location.root, entry.location.path))
            if of_file is None:
                found.work.append((entry, Look.READ, None))
            else:
                self._sort_one(entry, Known(*of_file), now, found)
        return found

    def _sort_one(self, entry: Entry, known: Known, now: float, found: Sorted) -> None:
        look = self._look(entry, known, now)
        if look is None:
            found.same.append(Same(entry, known))
        else:
            found.work.append((entry, look, known))

    def may_repeat(self, known: Known) -> bool:
        """Do the facts known of a file stand for any other of the same content?"""
        if known.kind != FINE or not known.has_facts:
            return False
        if known.read_run == self._own:  # by the very readers and rules of this run
            return True
        return not self._full and known.digest in self._digests.reading and self._state.believes(known)

    def _look(self, entry: Entry, known: Known, now: float) -> Look | None:
        """None: it is unchanged in every respect."""
        if self._full or known.kept is None or known.digest not in self._digests.reading or not self._state.believes(known):
            return Look.READ
        judged = known.digest in self._digests.judging and (known.valid_until is None or now < known.valid_until)
        judged = judged and (known.owner, known.exposure) == (entry.owner, entry.exposure)
        if not judged and (known.kind != FINE or not known.has_facts):
            return Look.READ  # what is unread is not judged again without another try; without facts there is nothing to judge
        if not _identical(entry, known):
            suffices = known.hash is not None and known.size == entry.size and known.kind == FINE and known.has_facts
            return Look.HASH if suffices else Look.READ
        if self._share and known.hash is not None and self._chance.random() < self._share:
            return Look.CHECK if judged else Look.HASH
        return None if judged else Look.JUDGE


def _identical(entry: Entry, known: Known) -> bool:
    """The same inode with the same size and times; a microsecond is the grain of the store's own times."""
    if known.fresh or known.changed is None or known.modified is None or entry.changed_at is None or entry.modified_at is None:
        return False
    return (
        known.file_id == entry.file_id
        and known.size == entry.size
        and -1 <= known.changed - entry.changed_at * 1_000_000 <= 1
        and -1 <= known.modified - entry.modified_at * 1_000_000 <= 1
    )


# --------------------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class Repeated:
    """The rows of unchanged files. `plain` counts those that were read and hold nothing, by verdict and severity; `told`: the others
    as (row, findings) for the summary. `stores`: names of stores that the files belong to."""

    batch: pa.RecordBatch
    plain: Counter[tuple[str | None, str | None]]
    told: list[tuple[Mapping[str, Any], Sequence[Sequence[Any]]]]
    stores: frozenset[str]


def repeat(same: Sequence[Same], run_id: str, engine_digest: str, now: datetime.datetime) -> Repeated:
    """The `objects` rows of unchanged files and of what they contain: former verdict and counts, nothing read. `same` is not empty.

    Raises ValueError if what is known of a file is not what was written down.
    """
    try:
        files: list[list[list[Any]]] = json.loads(f"[{','.join([one.known.kept or '' for one in same])}]")
        own = [number for number, objects in enumerate(files) for _ in objects]
        flat = list(itertools.chain.from_iterable(files))
        columns = dict(zip(KEPT, zip(*flat, strict=True), strict=True))
    except TypeError as error:
        raise ValueError("not the rows of a file") from error
    batch = _batch(same, own, columns, run_id, engine_digest, now)
    plain: Counter[tuple[str | None, str | None]] = Counter(zip(columns["verdict"], columns["severity"], strict=True))
    told = _told(same, files, plain)
    stores = frozenset(name for text in {one.known.stores for one in same if one.known.stores} for name in json.loads(text))
    return Repeated(batch, plain, told, stores)


def _batch(
    same: Sequence[Same], own: Sequence[int], columns: Mapping[str, Sequence[Any]], run_id: str, engine_digest: str, now: datetime.datetime
) -> pa.RecordBatch:
    import pyarrow as pa

    from scanner.findings.schema import OBJECTS

    size = len(own)
    alike = len(own) == len(same)  # no file has members
    files: dict[str, list[Any]] = {
        "root": [one.entry.location.root for one in same],
        "path": [one.entry.location.path for one in same],
        "file_id": [one.entry.file_id for one in same],
        "owner": [one.entry.owner for one in same],
        "exposure": [one.entry.exposure for one in same],
    }
    pick = (lambda values: values) if alike else itemgetter(*own)
    constant = {
        "run_id": run_id,
        "engine_digest": engine_digest,
        "status": Status.UNCHANGED.value,
        "scanned_at": now,
        "bytes_read": 0,
        "duration_ms": 0,
    }
    arrays = []
    for field in OBJECTS:
        if field.name in constant:
            arrays.append(pa.repeat(pa.scalar(constant[field.name], field.type), size))
        elif field.name in files:
            arrays.append(pa.array(pick(files[field.name]), field.type))
        elif pa.types.is_timestamp(field.type):
            arrays.append(pa.array(columns[field.name], pa.int64()).cast(field.type))
        else:
            arrays.append(pa.array(columns[field.name], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=OBJECTS)


def _told(
    same: Sequence[Same], files: Sequence[Sequence[Sequence[Any]]], plain: Counter[tuple[str | None, str | None]]
) -> list[tuple[Mapping[str, Any], Sequence[Sequence[Any]]]]:
    """Objects with findings or a reason, taken out of `plain`."""
    told: list[tuple[Mapping[str, Any], Sequence[Sequence[Any]]]] = []
    for one, objects in zip(same, files, strict=True):
        if one.known.found is None and one.known.kind == FINE:
            continue
        found = {item[0]: item[1:] for item in json.loads(one.known.found or "[]")}
        for number, values in enumerate(objects):
            if number in found or values[AT["reason"]] is not None:
                row = dict(zip(KEPT, values, strict=True))
                plain[row["verdict"], row["severity"]] -= 1
                place = {"root": one.entry.location.root, "path": one.entry.location.path, "exposure": one.entry.exposure}
                told.append(({**row, **place, "status": Status.UNCHANGED.value, "bytes_read": 0}, found.get(number, [])))
    return told
