"""What was found in one object so far: counts, first places, masked samples, and the atoms behind distinct values and persons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.copies.kinds import TEXT
from scanner.model import FoundFact
from scanner.pipeline.known import KnownValues
from scanner.redact import REGULATED, Fingerprinter, mask
from scanner.tally.atoms import AtomStore, Kind, Repeated, Surplus, chosen
from scanner.tally.persons import count_persons

SAMPLES = 3
LOOKED_AT = 1_000  # values that tell whether a column repeats
MOBILE = r"^(?:(?:010|00)?81)?0?[6-9]0\d{8}$"  # Japan's 060, 070, 080, 090 (Ministry of Internal Affairs, numbering plan)
# three, three and four digits: no Japanese mobile that lost its first zero
NORTH_AMERICAN = r"^\W*(?:1[ .-]*)?\(?[2-9]\d{2}\)?[ .-]+\d{3}[ .-]+\d{4}(?:\D.*)?$"
KINDS = {"PERSON": Kind.NAME, "EMAIL_ADDRESS": Kind.EMAIL, "ADDRESS": Kind.ADDRESS, "DATE_OF_BIRTH": Kind.BIRTH_DATE}


@dataclass(frozen=True, slots=True)
class Claim:
    """What makes one finding of an object: entity type, rule, place and column."""

    entity_type: str
    rule_id: str
    detector: str
    place: str | None
    column: str | None


@dataclass(slots=True)
class _Tally:
    claim: Claim
    score: float = 0.0
    count: int = 0
    known: int = 0
    first_row: int | None = None
    first_line: int | None = None
    samples: list[str] = field(default_factory=list)
    standing: bool = True


Judged = tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.uint64]]
"""(kind, whether it is our own, tag) of values."""


class Gathering:
    """Gathers the hits of one object. Values come in by `add` and leave it only masked or as keyed tags."""

    def __init__(self, fingerprints: Fingerprinter, known: KnownValues, temp_dir: Path, alive: Callable[[], None] = lambda: None) -> None:
        self._fingerprints = fingerprints
        self._known = known
        self._temp_dir = temp_dir
        self._tallies: list[_Tally] = []
        self._index: dict[Claim, int] = {}
        self._atoms = AtomStore(temp_dir, alive)
        self._next_record = 0
        self._repeated: Repeated | None = None  # known once `values` has told all

    @property
    def records(self) -> int:
        """The next free record number."""
        return self._next_record

    def reserve(self, record: int) -> None:
        """All records below this one are taken."""
        self._next_record = max(self._next_record, record)

    def reserve_next(self, count: int) -> int:
        """Take this many records; the first one's number."""
        first = self._next_record
        self._next_record += count
        return first

    def claim_of(self, slot: int) -> Claim:
        return self._tallies[slot].claim

    def slot(self, claim: Claim) -> int:
        if claim not in self._index:
            self._index[claim] = len(self._tallies)
            self._tallies.append(_Tally(claim))
        return self._index[claim]

    def add(
        self,
        slot: int,
        values: Any,
        score: float,
        rows: npt.NDArray[np.int64] | None,
        lines: npt.NDArray[np.int64] | None,
        records: npt.NDArray[np.int64],
        *,
        where: npt.NDArray[np.int64] | None = None,
        judged: Judged | None = None,
    ) -> None:
        """Hits of one claim: `values` a pa.StringArray; `rows` 1-based rows (None in text), `lines` 1-based physical lines (None
        where there are none), `records` the identity block of each; `where` stands in the `values` table (default: the rows);
        `judged` what `judge` says of the values, where it was asked for many claims at once."""
        if not len(values):
            return
        tally = self._tallies[slot]
        entity = tally.claim.entity_type
        kinds, known, tags = judged or self.judge(entity, values)
        if rows is None:  # running text
            kinds = np.where(kinds == Kind.PHONE, np.uint8(Kind.DESK), kinds)
        where = rows if where is None else where
        if where is None:
            where = np.zeros(len(values), np.int64)
        tally.count += len(values)
        tally.known += int(np.count_nonzero(known))
        tally.score = max(tally.score, score)
        tally.first_row = _least(tally.first_row, rows)
        tally.first_line = _least(tally.first_line, lines)
        self._sample(tally, entity, values)
        self._atoms.add(slot, kinds, tags, np.minimum(where, 2**31 - 1), records)

    def add_aliases(self, slot: int, names: Any, records: npt.NDArray[np.int64]) -> None:
        """Full names of people who are met by a part of their name in these records; for the count of persons alone."""
        if len(names):
            _, known, tags = self.judge("PERSON", names)
            kinds = np.where(known, np.uint8(Kind.OTHER), np.uint8(Kind.ALIAS))
            self._atoms.add(slot, kinds[~known], tags[~known], np.zeros(int((~known).sum()), np.int64), records[~known])

    def add_text(self, positions: npt.NDArray[np.int64], tags: npt.NDArray[np.uint64]) -> None:
        """Fingerprints of running text: they leave as values and are no finding."""
        slot = self.slot(Claim(TEXT, "", "", None, None))
        records = np.full(len(tags), self.reserve_next(1), np.int64)
        self._atoms.add(slot, Kind.OTHER, tags, np.minimum(positions, 2**31 - 1), records)
        self.seal()

    def judge(self, entity: str, values: Any) -> Judged:
        """(kind, whether it is our own, tag) of every value; each distinct one is looked at once."""
        if _rarely_repeats(values):
            return self._each_judged(entity, values)
        encoded = values.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        kinds, known, tags = self._each_judged(entity, encoded.dictionary)
        return kinds[codes], known[codes], tags[codes]

    def _each_judged(self, entity: str, values: Any) -> Judged:
        tags = self._tags(entity, values)
        known = self._known.mask(entity, values, tags)
        kinds = _kinds(entity, values)
        return np.where(known, np.uint8(Kind.OTHER), kinds) if known.any() else kinds, known, tags

    def _tags(self, entity: str, values: Any) -> npt.NDArray[np.uint64]:
        source = self._fingerprints.counting if entity in REGULATED else self._fingerprints.many
        tags: npt.NDArray[np.uint64] = source(entity, values)
        return tags

    def _sample(self, tally: _Tally, entity: str, values: Any) -> None:
        for value in values[: SAMPLES * 4].to_pylist() if len(tally.samples) < SAMPLES else ():
            masked = mask(entity, value)
            if masked not in tally.samples and len(tally.samples) < SAMPLES:
                tally.samples.append(masked)

    def seal(self) -> None:
        """Between records: what is known so far may leave the memory."""
        self._atoms.seal()

    def drop(self, slot: int) -> None:
        """The claim does not stand: a column that turned out to be something else."""
        self._tallies[slot].standing = False

    def set_score(self, slot: int, score: float) -> None:
        self._tallies[slot].score = score

    def is_empty(self) -> bool:
        return not any(tally.standing and tally.count for tally in self._tallies)

    def facts(self, distinct: Mapping[int, int] | None = None) -> tuple[FoundFact, ...]:
        """Everything standing. Without `distinct` (an object still being read) the count stands in for it, an upper bound."""
        return tuple(
            FoundFact(
                entity_type=t.claim.entity_type,
                rule_id=t.claim.rule_id,
                detector=t.claim.detector,
                score=round(t.score, 4),
                place=t.claim.place,
                column=t.claim.column,
                count=t.count,
                distinct=t.count if distinct is None else distinct.get(slot, 0),
                first_row=t.first_row,
                first_line=t.first_line,
                samples=tuple(t.samples),
                known=t.known,
            )
            for slot, t in enumerate(self._tallies)
            if t.standing and t.count
        )

    def persons(self) -> int:
        """How many people the hits belong to; quicker after `values`."""
        standing = np.array([t.standing for t in self._tallies], np.bool_)
        return count_persons(self._atoms, self._temp_dir, standing, self._repeated) if len(standing) else 0

    def values(self, distinct: dict[int, int]) -> Iterator[pa.Table]:
        """Rows of the `values` table without run and object, in ascending order of fingerprint; fills in `distinct` on the way.
        Nothing regulated comes out."""
        if not self._tallies:
            return
        standing = np.array([t.standing for t in self._tallies], np.bool_)
        surplus: Surplus = {}
        groups = _Groups.of([t.claim for t in self._tallies])
        repeated = Repeated(self._atoms.count)
        for atoms in self._atoms.partitions(surplus):
            repeated.note(np.ascontiguousarray(atoms["tag"]))
            alive = chosen(atoms, standing[atoms["slot"]])
            if not len(alive):
                continue
            firsts = _run_starts(alive["tag"], alive["slot"])
            counts = np.bincount(alive["slot"][firsts], minlength=len(self._tallies))
            for slot in np.flatnonzero(counts).tolist():
                distinct[slot] = distinct.get(slot, 0) + int(counts[slot])
            table = groups.table(alive, surplus)
            if table.num_rows:
                yield table
        self._repeated = repeated

    def close(self) -> None:
        self._atoms.close()


def _kinds(entity: str, values: Any) -> npt.NDArray[np.uint8]:
    if entity != "PHONE_NUMBER":
        return np.full(len(values), KINDS.get(entity, Kind.OTHER), np.uint8)
    return np.where(_mobile(values), np.uint8(Kind.MOBILE), np.uint8(Kind.PHONE))


def _mobile(values: Any) -> npt.NDArray[np.bool_]:
    """Which phone numbers are Japanese mobiles. Nearly all are written in digits and hyphens after a 0, which no North American is."""
    national = pc.fill_null(pc.match_substring_regex(values, "^0[0-9-]*$"), False).to_numpy(zero_copy_only=False)
    if national.all():
        return _is_mobile(pc.replace_substring(values, "-", ""))
    mobile = np.zeros(len(values), np.bool_)
    if national.any():
        mobile[national] = _is_mobile(pc.replace_substring(values.filter(pa.array(national)), "-", ""))
    others = values.filter(pa.array(~national))
    plain = others if pc.all(pc.string_is_ascii(others)).as_py() else pc.utf8_normalize(others, "NFKC")
    american = pc.match_substring_regex(plain, NORTH_AMERICAN).to_numpy(zero_copy_only=False)
    mobile[~national] = _is_mobile(pc.replace_substring_regex(plain, r"[^0-9]", "")) & ~american
    return mobile


def _is_mobile(digits: Any) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.match_substring_regex(digits, MOBILE).to_numpy(zero_copy_only=False)
    return found


def _rarely_repeats(values: Any) -> bool:
    """Nearly all of the first values differ: to look for equal ones would take longer than to judge each."""
    first = values[:LOOKED_AT]
    return len(first.unique()) > 0.9 * len(first)


def _least(known: int | None, places: npt.NDArray[np.int64] | None) -> int | None:
    if places is None:
        return known
    least = int(places.min())
    return least if known is None else min(known, least)


def _run_starts(*columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """True where any of the columns differs from the row before."""
    starts = np.ones(len(columns[0]), np.bool_)
    starts[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return starts


@dataclass(frozen=True)
class _Groups:
    """Claims that share entity type, place and column, whatever their rule: one row of `values` per group and fingerprint."""

    of_slot: npt.NDArray[np.int64]
    stored: npt.NDArray[np.bool_]  # by group: False for regulated kinds
    keys: list[tuple[str, str | None, str | None]]

    @classmethod
    def of(cls, claims: list[Claim]) -> _Groups:
        keys: dict[tuple[str, str | None, str | None], int] = {}
        of_slot = [keys.setdefault((c.entity_type, c.place, c.column), len(keys)) for c in claims]
        return cls(np.array(of_slot), np.array([entity not in REGULATED for entity, _, _ in keys], np.bool_), list(keys))

    def table(self, atoms: npt.NDArray[Any], surplus: Surplus) -> pa.Table:
        group = self.of_slot[atoms["slot"]]
        kept = self.stored[group]
        if not kept.all():
            atoms, group = chosen(atoms, kept), group[kept]
        if (np.diff(self.of_slot) <= 0).any():  # else in the order of slots, as they come
            order = np.lexsort((atoms["row"], group, atoms["tag"]))
            atoms, group = atoms.take(order), group[order]
        starts = np.flatnonzero(_run_starts(atoms["tag"], group)) if len(atoms) else np.empty(0, np.int64)
        counts = np.diff(np.append(starts, len(atoms)))
        if surplus:
            thinned = np.isin(atoms["tag"][starts], np.array([tag for tag, _ in surplus], np.uint64))
            for index in np.flatnonzero(thinned).tolist():
                counts[index] += self._left_out(atoms, int(starts[index]), surplus)
        new_row = _run_starts(atoms["tag"], group, atoms["row"]) if len(atoms) else np.empty(0, np.bool_)
        offsets = np.append(np.concatenate([[0], np.cumsum(new_row)])[starts], np.count_nonzero(new_row))
        names = [pa.array([self.keys[g][field] for g in range(len(self.keys))], pa.string()) for field in range(3)]
        taken = pa.array(group[starts], pa.int64())
        return pa.table(
            {
                "entity_type": names[0].take(taken),
                "fingerprint": pa.array(atoms["tag"][starts], pa.uint64()),
                "place": names[1].take(taken),
                "column": names[2].take(taken),
                "rows": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(atoms["row"][new_row], pa.int32())),
                "count": pa.array(counts, pa.int64()),
            }
        )

    def _left_out(self, atoms: npt.NDArray[Any], index: int, surplus: Surplus) -> int:
        group = self.of_slot[int(atoms["slot"][index])]
        slots = np.flatnonzero(self.of_slot == group).tolist()
        return sum(surplus.get((int(atoms["tag"][index]), slot), 0) for slot in slots)
