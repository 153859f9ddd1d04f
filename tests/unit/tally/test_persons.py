"""Persons of an object, against a plain reading of the contract's rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.tally.atoms import AtomStore, Kind, Repeated
from scanner.tally.persons import count_persons

PHONES = (Kind.PHONE, Kind.MOBILE)
BESIDE = (*PHONES, Kind.DESK, Kind.ADDRESS, Kind.BIRTH_DATE)
Record = list[tuple[Kind, int]]


def count(records: list[Record], tmp: Path, **sizes: int) -> int:
    store = AtomStore(tmp, **sizes)
    for index, record in enumerate(records):
        for kind, value in record:
            tag = np.array([value * 0x9E3779B97F4A7C15 % 2**64], np.uint64)
            store.add(0, kind, tag, np.array([index + 1]), np.array([index]))
        store.seal()
    tags = np.concatenate([block["tag"][block["kind"] != Kind.ALIAS] for block in store.blocks()] or [np.empty(0, np.uint64)])
    repeated = Repeated(store.count)
    repeated.note(np.sort(tags))
    try:
        persons = count_persons(store, tmp, np.array([True]))
        assert count_persons(store, tmp, np.array([True]), repeated) == persons
        return persons
    finally:
        store.close()


def reference(records: list[Record]) -> int:
    """The rule written out with sets and a union over all pairs."""
    keys: list[set[object]] = []
    strong: list[bool] = []
    lone: list[bool] = []  # nothing but a fixed line of running text
    marks: set[object] = set()
    for record in records:
        names = [v for k, v in record if k in (Kind.NAME, Kind.ALIAS)]
        desks = [v for k, v in record if k is Kind.DESK]
        mails = [v for k, v in record if k is Kind.EMAIL]
        mobiles = [v for k, v in record if k is Kind.MOBILE]
        phones = [v for k, v in record if k in PHONES]
        beside = [v for k, v in record if k in BESIDE]
        own: set[object] = {("mail", m) for m in mails} | {("mobile", m) for m in mobiles}
        is_strong = bool(mails or (names and beside))
        if is_strong:
            own |= {("pair", n, b) for n in names for b in beside}
            marks |= {("name", n) for n in names} | {("phone", p) for p in (*phones, *desks)}
        elif names:
            own |= {("name", n) for n in names}
        else:
            own |= {("phone", p) for p in (*phones, *desks)}
        lone.append(bool(desks) and not (names or mails or phones))
        keys.append(own)
        strong.append(is_strong)
    todo = {i for i, own in enumerate(keys) if own}
    persons = alone = 0
    while todo:
        group, frontier = set(), {todo.pop()}
        while frontier:
            one = frontier.pop()
            group.add(one)
            near = {other for other in todo if keys[other] & keys[one]}
            todo -= near
            frontier |= near
        counts = any(strong[i] for i in group) or not any(keys[i] & marks for i in group)
        alone += counts and all(lone[i] for i in group)
        persons += counts and not all(lone[i] for i in group)
    return persons or alone


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([[(Kind.NAME, 1), (Kind.EMAIL, 2)], [(Kind.NAME, 1), (Kind.EMAIL, 2)]], 1),
        ([[(Kind.NAME, 1), (Kind.PHONE, 5)], [(Kind.NAME, 2), (Kind.PHONE, 5)]], 2),  # a shared landline never merges different names
        ([[(Kind.NAME, 1), (Kind.ADDRESS, 5)], [(Kind.NAME, 2), (Kind.ADDRESS, 5)]], 2),
        ([[(Kind.NAME, 1), (Kind.MOBILE, 5)], [(Kind.NAME, 2), (Kind.MOBILE, 5)]], 1),
        ([[(Kind.NAME, 1), (Kind.BIRTH_DATE, 5)], [(Kind.NAME, 1), (Kind.BIRTH_DATE, 6)]], 2),  # namesakes
        ([[(Kind.PHONE, 1)], [(Kind.PHONE, 1)], [(Kind.PHONE, 2)]], 2),  # without a name, distinct phones count
        ([[(Kind.NAME, 1)], [(Kind.NAME, 1), (Kind.PHONE, 2)]], 1),  # a name alone is the person met elsewhere
        ([[(Kind.PHONE, 2)], [(Kind.NAME, 1), (Kind.PHONE, 2)]], 1),
        ([[(Kind.DESK, 1)], [(Kind.DESK, 2)], [(Kind.DESK, 2)]], 2),
        ([[(Kind.DESK, 1)], [(Kind.NAME, 2), (Kind.EMAIL, 3)]], 1),  # a letterhead's line beside somebody named
        ([[(Kind.NAME, 1), (Kind.DESK, 1)], [(Kind.NAME, 1), (Kind.DESK, 1)]], 1),
        ([[(Kind.NAME, 1), (Kind.EMAIL, 2)], [(Kind.ALIAS, 1)], [(Kind.ALIAS, 1)]], 1),
        ([[(Kind.ADDRESS, 1)], [(Kind.BIRTH_DATE, 1)], [(Kind.OTHER, 1)]], 0),
        ([], 0),
    ],
)
def test_rule(records: list[Record], expected: int, tmp_path: Path) -> None:
    assert count(records, tmp_path) == expected


ATOMS = st.tuples(st.sampled_from(list(Kind)), st.integers(1, 4))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(ATOMS, max_size=4), max_size=14))
def test_agrees_with_the_rule_written_out(records: list[Record]) -> None:
    tmp = Path("/tmp")
    assert count(records, tmp) == reference(records)
    assert count(records, tmp, in_memory=3, partition=4) == reference(records)


def test_a_long_chain_is_one_person(tmp_path: Path) -> None:
    records: list[Record] = [[(Kind.EMAIL, i), (Kind.EMAIL, i + 1)] for i in range(1, 3000)]
    assert count(records, tmp_path, in_memory=500, partition=300) == 1
    assert count(records[::2], tmp_path) == len(records[::2])


def test_a_phone_on_every_row_and_a_very_long_chain_end_soon(tmp_path: Path) -> None:
    """Each took minutes when roots were walked one step at a time; the suite's time limit is the guard."""
    rows = np.arange(400_000)
    store = AtomStore(tmp_path)
    store.add(0, Kind.EMAIL, np.full(len(rows), 7, np.uint64), rows, rows)
    assert count_persons(store, tmp_path, np.array([True])) == 1
    store.close()
    chain = AtomStore(tmp_path)
    for step in (0, 1):
        tags = (rows.astype(np.uint64) + np.uint64(step)) * np.uint64(0x9E3779B97F4A7C15)
        chain.add(0, Kind.EMAIL, tags, rows, rows)
    assert count_persons(chain, tmp_path, np.array([True])) == 1
    chain.close()


def test_a_long_count_gives_signs_of_life(tmp_path: Path) -> None:
    signs: list[None] = []
    store = AtomStore(tmp_path, lambda: signs.append(None), in_memory=100, partition=50)
    for record in range(1_000):
        store.add(0, Kind.EMAIL, np.array([record * 0x9E3779B97F4A7C15 % 2**64], np.uint64), np.array([record]), np.array([record]))
        store.seal()
    assert sum(len(atoms) for atoms in store.partitions({})) == 1_000
    values = len(signs)
    assert count_persons(store, tmp_path, np.array([True])) == 1_000
    store.close()
    assert values >= 20
    assert len(signs) - values >= 10  # one a block of atoms, and one a share of keys
