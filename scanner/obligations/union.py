"""How many persons several objects hold together, each counted once, from the fingerprints that scans left.

The count of one object is exact and stands in its row. Between objects, persons are the same by the rule that holds within one
(`scanner.tally.persons`): an equal e-mail, or a name with an equal phone, address or birth date. Records are rows of tables, and what
one name begins in running text (`scanner.copies.cells`). Fingerprints do not tell a mobile number from a fixed line, so two spellings
of a name that only a mobile number joins are two persons here: the count errs upwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scanner.copies.cells import by_claim, exploded, text_records
from scanner.tally.atoms import AtomStore, Kind
from scanner.tally.persons import count_persons

_KINDS: Final = {
    "PERSON": Kind.NAME,
    "EMAIL_ADDRESS": Kind.EMAIL,
    "PHONE_NUMBER": Kind.PHONE,
    "ADDRESS": Kind.ADDRESS,
    "DATE_OF_BIRTH": Kind.BIRTH_DATE,
}
ASKED: Final = tuple(_KINDS)
"""Entity types whose rows of `values` are wanted."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Union:
    """Distinct persons of some objects: `count` by the rule; `least` if people of one name are one, whatever else is known of them. Where
    two files tell different things of a name, the truth lies between."""

    count: int
    least: int


def union(objects: Iterable[pa.Table], persons: Mapping[str, int], temp_dir: Path) -> Union:
    """Of the objects in `persons` (object_id -> persons of it). `objects`: the rows of `values` (kinds in `ASKED`), one table an object.
    Raises OSError when the temporary folder is full."""
    largest, added_up = max(persons.values(), default=0), sum(persons.values())
    together, by_name, apart = AtomStore(temp_dir), AtomStore(temp_dir), 0
    try:
        for values in objects:
            kinds, tags, records = _atoms(values)
            with closing(AtomStore(temp_dir)) as alone:
                apart += _counted(_add(alone, kinds, tags, records), temp_dir)
            _add(together, kinds, tags, records)
            _add(by_name, np.where(kinds == Kind.NAME, np.uint8(Kind.EMAIL), kinds), tags, records)
        counted = _counted(together, temp_dir)
        count = min(max(added_up - (apart - counted), largest), added_up)
        return Union(count, min(count, max(largest, count - (counted - _counted(by_name, temp_dir)))))
    finally:
        together.close()
        by_name.close()


def _add(store: AtomStore, kinds: npt.NDArray[np.uint8], tags: npt.NDArray[np.uint64], records: Ints) -> AtomStore:
    store.add(0, kinds, tags, np.zeros(len(tags), np.int64), records + store.records)
    store.seal()
    return store


def _counted(atoms: AtomStore, temp_dir: Path) -> int:
    return count_persons(atoms, temp_dir, np.ones(1, np.bool_))


def by_object(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """One table an object, of tables in the order of `object_id`."""
    pending: list[pa.Table] = []
    for table in tables:
        codes = table["object_id"].combine_chunks().dictionary_encode().indices.to_numpy()
        bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
        for start, end in pairwise(bounds):
            part = table.slice(start, end - start)
            if pending and pending[0]["object_id"][0] != part["object_id"][0]:
                yield pa.concat_tables(pending)
                pending = []
            pending.append(part)
    if pending:
        yield pa.concat_tables(pending)


def _atoms(values: pa.Table) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64], Ints]:
    """(kind, tag, record) of every place where a value of one object stands; records numbered from 0."""
    places: dict[tuple[str | None, bool], int] = {}
    parts = []
    for _, entity, place, column, rows in by_claim(values):
        tags, at = exploded(rows)
        is_text = column is None
        kind = Kind.DESK if is_text and entity == "PHONE_NUMBER" else _KINDS[entity]  # as `scanner.pipeline.gathering` has it
        number = places.setdefault((place, is_text), len(places))
        parts.append((np.full(len(at), kind, np.uint8), tags, np.full(len(at), number, np.int64), at))
    if not parts:
        return np.zeros(0, np.uint8), np.zeros(0, np.uint64), np.zeros(0, np.int64)
    kinds, tags, of_place, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
    for (_, is_text), number in places.items():
        if is_text:
            here = of_place == number
            begins = text_records(np.unique(rows[here] * 2 + (kinds[here] == Kind.NAME)))
            rows[here] = begins[np.searchsorted(begins, rows[here], side="right") - 1]
    _, records = np.unique((of_place << 32) | rows, return_inverse=True)
    return kinds, tags, records.astype(np.int64)
