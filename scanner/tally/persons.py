"""How many persons the atoms of an object belong to: records linked by what identifies a person, then counted.

The rule is the contract's: records merge on an equal e-mail, mobile number, or name with phone, address or birth date; a shared
landline or address never merges different names; without name or e-mail, distinct phones count. Beyond it: a record that holds a
name and nothing else is the person of that name met elsewhere in the object, if there is one, else one person per distinct name; and
a fixed line that stands alone in running text counts only in an object that has nobody else, since a letterhead has one too.
A record is a row of a table or a block of text. Memory: one byte a record, ten more for
one that shares a key with another, and one partition of keys.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.tally.atoms import PARTITION, Atoms, AtomStore, Kind, Repeated, Spool, chosen, order_by_tag, partitioned, ticking

KEY = np.dtype([("tag", "<u8"), ("record", "<u4"), ("role", "u1")])
TAG = np.dtype("<u8")
PAIR = np.dtype([("a", "<u4"), ("b", "<u4")])

STRONG, WEAK, MARK, LONE = 0, 1, 2, 3
"""Roles of a key. STRONG links records of named or e-mailed persons; WEAK those with a bare phone or name; MARK says that a strong
record holds this phone or name too, so that a weak one is no further person; LONE is a fixed line alone in running text."""

IS_STRONG, IS_WEAK, IS_COVERED, IS_LINKED, IS_LONE = (np.uint8(1 << bit) for bit in range(5))

_OF_PERSONS = (Kind.NAME, Kind.ALIAS, Kind.EMAIL, Kind.MOBILE, Kind.PHONE, Kind.DESK)
PAIRS_PER_ATOM = 64  # names beside one another in a record are cut off here: nobody has more addresses
U64 = npt.NDArray[np.uint64]


def count_persons(atoms: AtomStore, temp_dir: Path, standing: npt.NDArray[np.bool_], repeated: Repeated | None = None) -> int:
    """Distinct persons of an object; `standing[slot]` says which slots count. `repeated`, where known, holds every tag but an alias's that
    stands more than once: no key is made of others, since nobody shares them."""
    few = atoms.at_hand()
    if few is not None and few["record"][0] == few["record"][-1]:
        return _of_one_record(few["kind"][standing[few["slot"]]])
    keys, marks, pairs = Spool(temp_dir, KEY), Spool(temp_dir, TAG), Spool(temp_dir, PAIR)
    try:
        flags = np.zeros(atoms.records, np.uint8)
        for block in atoms.blocks():
            alive = chosen(block, standing[block["slot"]] & (block["kind"] != Kind.OTHER))
            if len(alive):
                links, met = keys_of(alive, flags, repeated)
                keys.append(_settle(_by_tag(links), flags, pairs))
                marks.append(met)
        wanted = marks.count if (flags & (IS_WEAK | IS_LONE)).any() else 0
        spooled = chain(keys.blocks(PARTITION), map(_as_marks, marks.blocks(PARTITION)) if wanted else ())
        for share in ticking(partitioned(ticking(spooled, atoms.alive), keys.count + wanted, PARTITION, temp_dir), atoms.alive):
            _settle(share, flags, pairs)
        (alone, lone), (linked, lone_linked) = _unlinked_persons(flags), _linked_persons(flags, pairs, atoms.alive)
        return alone + linked or lone + lone_linked
    finally:
        for spool in (keys, marks, pairs):
            spool.close()


def _of_one_record(kinds: npt.NDArray[np.uint8]) -> int:
    """What the rule comes to where there is one record: most small files."""
    return int(np.isin(kinds, _OF_PERSONS).any())


def _by_tag(keys: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return keys.take(order_by_tag(np.ascontiguousarray(keys["tag"])))


def _settle(keys: npt.NDArray[Any], flags: npt.NDArray[np.uint8], pairs: Spool) -> npt.NDArray[Any]:
    """Take what keys sorted by tag say among themselves into the flags and pairs; give back one key per tag and role, so that a
    value that stands millions of times costs no more than one that stands twice."""
    tag, role = np.ascontiguousarray(keys["tag"]), np.ascontiguousarray(keys["role"])
    for one, flag in ((STRONG, IS_STRONG), (WEAK, IS_WEAK), (LONE, IS_LONE)):
        holds = np.flatnonzero(role == one)
        if len(holds):
            flags[keys["record"].take(holds)] |= flag
    same = tag[1:] == tag[:-1]
    if not same.any():
        return keys
    shared = np.append(same, False) | np.append(False, same)
    return np.concatenate([keys.take(np.flatnonzero(~shared)), _settle_shared(keys.take(np.flatnonzero(shared)), flags, pairs)])


def _settle_shared(keys: npt.NDArray[Any], flags: npt.NDArray[np.uint8], pairs: Spool) -> npt.NDArray[Any]:
    """The same for keys none of which is alone with its tag."""
    tag, role = np.ascontiguousarray(keys["tag"]), np.ascontiguousarray(keys["role"])
    starts = np.flatnonzero(np.concatenate([[True], tag[1:] != tag[:-1]]))
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(keys))))
    is_link = role != MARK
    marked = np.logical_or.reduceat(~is_link, starts)[group]
    links, of_link = keys["record"][is_link], group[is_link]
    flags[keys["record"][((role == WEAK) | (role == LONE)) & marked]] |= IS_COVERED
    begins = np.flatnonzero(np.diff(of_link, prepend=-1))
    first = np.repeat(links[begins], np.diff(np.append(begins, len(links))))
    joined = links != first  # a star about the first record, since a chain would be walked from end to end
    found = np.empty(np.count_nonzero(joined), PAIR)
    found["a"], found["b"] = first[joined], links[joined]
    pairs.append(found)
    flags[found["a"]] |= IS_LINKED
    flags[found["b"]] |= IS_LINKED
    return keys.take(np.concatenate([_firsts(group, np.flatnonzero(role == each)) for each in (STRONG, WEAK, MARK, LONE)]))


def _firsts(group: npt.NDArray[np.int64], among: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of these items the first one of each group; the groups ascend."""
    of = group[among]
    first = np.ones(len(of), np.bool_)
    first[1:] = of[1:] != of[:-1]
    return among[first]


def keys_of(atoms: Atoms, flags: npt.NDArray[np.uint8], repeated: Repeated | None = None) -> tuple[npt.NDArray[Any], U64]:
    """The keys of a block of atoms sorted by record, and the distinct tags that mark: of these no record is asked, and most objects hold
    nobody whom they could mark. What the values that are not repeated say goes into the flags at once."""
    kind, record, tag = (np.ascontiguousarray(atoms[field]) for field in ("kind", "record", "tag"))
    holds = {one: kind == one for one in Kind}

    def part(*kinds: Kind) -> tuple[npt.NDArray[Any], U64]:
        here = np.flatnonzero(np.logical_or.reduce([holds[one] for one in kinds]))
        return record[here], tag[here]

    names, mails, mobiles = part(Kind.NAME, Kind.ALIAS), part(Kind.EMAIL), part(Kind.MOBILE)
    phones, desks = part(Kind.PHONE, Kind.MOBILE), part(Kind.DESK)
    beside = part(Kind.PHONE, Kind.MOBILE, Kind.DESK, Kind.ADDRESS, Kind.BIRTH_DATE)
    people = np.concatenate([names[0], mails[0]])
    named_desk, named, named_mobile = (np.isin(each[0], people) for each in (desks, phones, mobiles))
    identified = np.isin(names[0], np.concatenate([beside[0], mails[0]]))
    flags[mails[0]] |= IS_STRONG
    flags[mobiles[0][named_mobile]] |= IS_STRONG
    flags[names[0][np.isin(names[0], beside[0])]] |= IS_STRONG
    flags[phones[0][~named]] |= IS_WEAK
    flags[desks[0][~named_desk]] |= IS_LONE
    bare_mobiles, bare_phones, bare_desks = _take(mobiles, ~named_mobile), _take(phones, ~named), _take(desks, ~named_desk)

    def shared(part: tuple[npt.NDArray[Any], U64]) -> tuple[npt.NDArray[Any], U64]:
        return part if repeated is None else _take(part, repeated.mask(part[1]))

    links = [
        _keys(shared(mails), 1, STRONG),
        _keys(shared(_take(mobiles, named_mobile)), 2, STRONG),
        _keys(_joined(names, shared(beside)), 3, STRONG),
        _keys(shared(bare_mobiles), 2, WEAK),
        _keys(shared(bare_phones), 4, WEAK),
        _keys(shared(bare_desks), 4, LONE),
        _keys(_take(names, ~identified), 5, WEAK),
    ]
    marks = [_tags(shared(_take(phones, named)), 4), _tags(shared(_take(desks, named_desk)), 4), _tags(_take(names, identified), 5)]
    return np.concatenate(links), _distinct(np.concatenate(marks))


def _distinct(tags: U64) -> U64:
    """In ascending order."""
    ordered = np.sort(tags)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _as_marks(tags: npt.NDArray[Any]) -> npt.NDArray[Any]:
    keys = np.zeros(len(tags), KEY)
    keys["tag"], keys["role"] = tags, MARK
    return keys


def _take(part: tuple[npt.NDArray[Any], U64], mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[Any], U64]:
    return part[0][mask], part[1][mask]


def _keys(part: tuple[npt.NDArray[Any], U64], domain: int, role: int) -> npt.NDArray[Any]:
    keys = np.empty(len(part[0]), KEY)
    keys["record"], keys["role"], keys["tag"] = part[0], role, _tags(part, domain)
    return keys


def _tags(part: tuple[npt.NDArray[Any], U64], domain: int) -> U64:
    return mix(part[1], np.full(len(part[1]), domain, np.uint64))


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


def _unlinked_persons(flags: npt.NDArray[np.uint8], block: int = 1 << 22) -> tuple[int, int]:
    """Records that share no key with another: each is a person, unless it is weak and marked as met elsewhere. (persons, lone lines)."""
    total = lone = 0
    for start in range(0, len(flags), block):
        part = flags[start : start + block]
        alone = (part & IS_LINKED) == 0
        counts = ((part & IS_STRONG) != 0) | ((part & (IS_WEAK | IS_COVERED)) == IS_WEAK)
        total += int(np.count_nonzero(alone & counts))
        lone += int(np.count_nonzero(alone & ((part & (IS_STRONG | IS_WEAK | IS_COVERED | IS_LONE)) == IS_LONE)))
    return total, lone


def _linked_persons(flags: npt.NDArray[np.uint8], pairs: Spool, alive: Callable[[], None]) -> tuple[int, int]:
    """Connected components of the linked records, less those wholly weak of which one is marked as met elsewhere. (persons, lone lines)."""
    if not pairs.count:
        return 0, 0
    ids = np.flatnonzero(flags & IS_LINKED).astype(np.uint32)
    labels = np.arange(len(ids), dtype=np.uint32)
    for block in ticking(pairs.blocks(PARTITION), alive):
        _union(labels, np.searchsorted(ids, block["a"]), np.searchsorted(ids, block["b"]))
    _flatten(labels)
    own = flags[ids]
    of_root = np.zeros(len(ids), np.uint8)
    np.bitwise_or.at(of_root, labels, own)
    is_root = labels == np.arange(len(ids), dtype=np.uint32)
    counts = ((of_root & IS_STRONG) != 0) | ((of_root & (IS_WEAK | IS_COVERED)) == IS_WEAK)
    lone = (of_root & (IS_STRONG | IS_WEAK | IS_COVERED | IS_LONE)) == IS_LONE
    return int(np.count_nonzero(is_root & counts)), int(np.count_nonzero(is_root & lone))


def _union(labels: npt.NDArray[np.uint32], a: npt.NDArray[Any], b: npt.NDArray[Any]) -> None:
    """Join the pairs. Hooking to the smaller root with pointer jumping (Shiloach and Vishkin, J. Algorithms 1982)."""
    while len(a):
        root_a, root_b = _find(labels, a), _find(labels, b)
        differ = root_a != root_b
        a, b, root_a, root_b = a[differ], b[differ], root_a[differ], root_b[differ]
        np.minimum.at(labels, np.maximum(root_a, root_b), np.minimum(root_a, root_b))


def _find(labels: npt.NDArray[np.uint32], records: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The roots of the records. Whatever is met on the way is hung two steps higher at each look, so a chain of a million costs
    twenty looks."""
    nodes: npt.NDArray[Any] = labels[records]
    while True:
        above = labels[nodes]
        if np.array_equal(above, nodes):
            labels[records] = nodes
            return nodes
        above = labels[above]
        labels[nodes] = above
        nodes = above


def _flatten(labels: npt.NDArray[np.uint32], block: int = 1 << 20) -> None:
    for start in range(0, len(labels), block):
        part = labels[start : start + block]
        labels[start : start + block] = _find(labels, part)
