"""Atoms come back whole, in order, from memory and from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scanner.tally.atoms import AtomStore, Kind, order_by_tag


def filled(tmp: Path, count: int, **sizes: int) -> AtomStore:
    rng = np.random.default_rng(7)
    store = AtomStore(tmp, **sizes)
    for start in range(0, count, 50):
        rows = np.arange(start, min(start + 50, count))
        store.add(start // 50 % 3, Kind.NAME, rng.integers(0, 2**63, len(rows), np.uint64) * np.uint64(2), rows, rows)
        store.seal()
    return store


@pytest.mark.parametrize("in_memory", [10_000, 120])
def test_every_atom_once_in_both_orders(tmp_path: Path, in_memory: int) -> None:
    store = filled(tmp_path, 1003, in_memory=in_memory, partition=100)
    assert store.spilled is (in_memory == 120)
    records = np.concatenate([block["record"] for block in store.blocks()])
    assert np.array_equal(records, np.arange(1003))
    tags = np.concatenate([block["tag"] for block in store.partitions({})])
    assert len(tags) == 1003
    assert np.array_equal(tags, np.sort(tags))
    assert sum(len(block) for block in store.partitions({})) == 1003  # can be read again
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_an_alias_is_no_value_that_was_found(tmp_path: Path) -> None:
    store = AtomStore(tmp_path)
    one = np.array([1], np.int64)
    store.add(0, Kind.NAME, np.array([5], np.uint64), one, one)
    store.add(0, Kind.ALIAS, np.array([9], np.uint64), one, one)
    assert [int(tag) for block in store.partitions({}) for tag in block["tag"]] == [5]
    assert sum(len(block) for block in store.blocks()) == 2
    store.close()


def test_a_record_stays_in_one_block(tmp_path: Path) -> None:
    store = AtomStore(tmp_path, in_memory=10, partition=10)
    for record in range(20):
        for _ in range(7):
            store.add(0, Kind.NAME, np.array([record], np.uint64), np.array([record]), np.array([record]))
        store.seal()
    seen: set[int] = set()
    for block in store.blocks():
        records = set(block["record"].tolist())
        assert not records & seen
        seen |= records
    assert len(seen) == 20
    store.close()


def test_a_value_on_every_row_is_thinned_and_counted(tmp_path: Path) -> None:
    store = AtomStore(tmp_path, in_memory=10_000, partition=10_000)
    for start in range(0, 40_000, 1_000):
        rows = np.arange(start, start + 1_000)
        store.add(0, Kind.EMAIL, np.full(1_000, 42, np.uint64), rows, rows)
        store.add(1, Kind.NAME, rows.astype(np.uint64) + np.uint64(100), rows, rows)
        store.seal()
    surplus: dict[tuple[int, int], int] = {}
    atoms = np.concatenate(list(store.partitions(surplus)))
    kept = int(np.count_nonzero(atoms["slot"] == 0))
    assert surplus == {(42, 0): 40_000 - kept}
    assert 0 < kept < 40_000
    assert np.count_nonzero(atoms["slot"] == 1) == 40_000
    store.close()


@pytest.mark.parametrize("bits", [64, 40, 3])
def test_the_order_of_tags_is_that_of_a_stable_sort(bits: int) -> None:
    tags = np.random.default_rng(bits).integers(0, 2**bits, 5_000, np.uint64)
    tags[4_000:] = tags[:1_000]
    assert (order_by_tag(tags) == np.argsort(tags, kind="stable")).all()
