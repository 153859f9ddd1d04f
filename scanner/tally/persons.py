"""How many persons the atoms of an object belong to: records linked by what identifies a person, then counted.

The rule is the contract's: records merge on an equal e-mail, mobile number, or name with phone, address or birth date; a shared
landline or address never merges different names; without name or e-mail, distinct phones count. Beyond it: a record that holds a
name and nothing else is the person of that name met elsewhere in the object, if there is one, else one person per distinct name.
A record is a row of a table or a block of text. Memory: four bytes a record that shares a key, plus one partition of keys.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.tally.atoms import PARTITION, Atoms, AtomStore, Kind, Spool, partitioned

KEY = np.dtype([("tag", "<u8"), ("record", "<u4"), ("role", "u1")])
PAIR = np.dtype([("a", "<u4"), ("b", "<u4")])

STRONG, WEAK, MARK = 0, 1, 2
"""Roles of a key. STRONG links records of named or e-mailed persons; WEAK those with a bare phone or name; MARK says that a strong
record holds this phone or name too, so that a weak one is no further person."""

PAIRS_PER_ATOM = 64  # names beside one another in a record are cut off here: nobody has more addresses
U64 = npt.NDArray[np.uint64]


def count_persons(atoms: AtomStore, temp_dir: Path, standing: npt.NDArray[np.bool_]) -> int:
    """Distinct persons of an object; `standing[slot]` says which slots count."""
    keys = Spool(temp_dir, KEY)
    try:
        records = 0
        for block in atoms.blocks():
            alive = block[standing[block["slot"]] & (block["kind"] != Kind.OTHER)]
            if len(alive):
                records = int(alive["record"][-1]) + 1
                keys.append(keys_of(alive))
        return _components(keys, records, temp_dir)
    finally:
        keys.close()


def keys_of(atoms: Atoms) -> npt.NDArray[Any]:
    """The keys of a block of atoms sorted by record."""
    kind, record, tag = atoms["kind"], atoms["record"], atoms["tag"]

    def part(*kinds: Kind) -> tuple[npt.NDArray[Any], U64]:
        chosen = np.isin(kind, kinds)
        return record[chosen], tag[chosen]

    names, mails, mobiles = part(Kind.NAME), part(Kind.EMAIL), part(Kind.MOBILE)
    phones = part(Kind.PHONE, Kind.MOBILE)
    beside = part(Kind.PHONE, Kind.MOBILE, Kind.ADDRESS, Kind.BIRTH_DATE)
    named = np.isin(phones[0], np.concatenate([names[0], mails[0]]))
    named_mobile = np.isin(mobiles[0], np.concatenate([names[0], mails[0]]))
    identified = np.isin(names[0], np.concatenate([beside[0], mails[0]]))
    return np.concatenate(
        [
            _keys(mails, 1, STRONG),
            _keys(_take(mobiles, named_mobile), 2, STRONG),
            _keys(_joined(names, beside), 3, STRONG),
            _keys(_take(mobiles, ~named_mobile), 2, WEAK),
            _keys(_take(phones, ~named), 4, WEAK),
            _keys(_take(phones, named), 4, MARK),
            _keys(_take(names, ~identified), 5, WEAK),
            _keys(_take(names, identified), 5, MARK),
        ]
    )


def _take(part: tuple[npt.NDArray[Any], U64], chosen: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[Any], U64]:
    return part[0][chosen], part[1][chosen]


def _keys(part: tuple[npt.NDArray[Any], U64], domain: int, role: int) -> npt.NDArray[Any]:
    keys = np.empty(len(part[0]), KEY)
    keys["record"], keys["role"] = part[0], role
    keys["tag"] = mix(part[1], np.full(len(part[1]), domain, np.uint64))
    return keys


def mix(left: U64, right: U64) -> U64:
    """A 64-bit mix of two tags, order mattering (the finaliser of splitmix64, Steele et al., OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        value = left * np.uint64(0x9E3779B97F4A7C15) + (right ^ np.uint64(0xD1B54A32D192ED03)) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: U64 = value ^ (value >> np.uint64(31))
        return mixed


def _joined(names: tuple[npt.NDArray[Any], U64], beside: tuple[npt.NDArray[Any], U64]) -> tuple[npt.NDArray[Any], U64]:
    """Every name with every phone, address or birth date of its record."""
    low = np.searchsorted(beside[0], names[0], side="left")
    high = np.searchsorted(beside[0], names[0], side="right")
    counts = np.minimum(high - low, PAIRS_PER_ATOM)
    left = np.repeat(np.arange(len(names[0])), counts)
    starts = np.cumsum(counts) - counts
    right = np.repeat(low - starts, counts) + np.arange(len(left))
    return names[0][left], mix(names[1][left], beside[1][right])


def _components(keys: Spool, records: int, temp_dir: Path) -> int:
    """Connected components of records over equal keys, less those wholly weak that are marked as known."""
    if not keys.count:
        return 0
    strong = np.zeros(records, np.bool_)
    weak = np.zeros(records, np.bool_)
    covered = np.zeros(records, np.bool_)
    labels = np.arange(records, dtype=np.uint32)
    for share in partitioned(keys.blocks(PARTITION), keys.count, PARTITION, temp_dir):
        links = share[share["role"] != MARK]
        strong[links["record"][links["role"] == STRONG]] = True
        weak[links["record"][links["role"] == WEAK]] = True
        marks = np.unique(share["tag"][share["role"] == MARK])
        covered[links["record"][(links["role"] == WEAK) & np.isin(links["tag"], marks)]] = True
        _union(labels, links)
    roots = _flatten(labels)
    linked = strong | weak
    has_strong = np.zeros(records, np.bool_)
    has_strong[roots[strong]] = True
    is_covered = np.zeros(records, np.bool_)
    is_covered[roots[covered]] = True
    is_root = np.zeros(records, np.bool_)
    is_root[roots[linked]] = True
    return int(np.count_nonzero(is_root & (has_strong | ~is_covered)))


def _union(labels: npt.NDArray[np.uint32], links: npt.NDArray[Any]) -> None:
    """Join the records of each key. Hooking to the smaller root with pointer jumping (Shiloach and Vishkin, J. Algorithms 1982)."""
    if len(links) < 2:
        return
    same = links["tag"][1:] == links["tag"][:-1]
    a, b = links["record"][:-1][same], links["record"][1:][same]
    while len(a):
        root_a, root_b = _find(labels, a), _find(labels, b)
        differ = root_a != root_b
        if not differ.any():
            return
        a, b, root_a, root_b = a[differ], b[differ], root_a[differ], root_b[differ]
        np.minimum.at(labels, np.maximum(root_a, root_b), np.minimum(root_a, root_b))


def _find(labels: npt.NDArray[np.uint32], records: npt.NDArray[Any]) -> npt.NDArray[Any]:
    roots: npt.NDArray[Any] = labels[records]
    while True:
        parents = labels[roots]
        if np.array_equal(parents, roots):
            labels[records] = np.minimum(labels[records], roots)
            return roots
        roots = parents


def _flatten(labels: npt.NDArray[np.uint32], block: int = 1 << 20) -> npt.NDArray[np.uint32]:
    for start in range(0, len(labels), block):
        part = labels[start : start + block]
        labels[start : start + block] = _find(labels, part)
    return labels
