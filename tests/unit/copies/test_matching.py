"""Whose records an object holds: what is found, and what only looks alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from scanner.config import CopySettings, StoreTracing
from scanner.copies import matching
from scanner.copies.index import Index
from scanner.copies.matching import Matcher
from tests.unit.copies.conftest import KEY, Cell, Share, batch, people, values

Make = Callable[[Sequence[Cell]], pa.RecordBatch]


def test_some_columns_in_another_order_under_other_names(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(2000)})
    cells: list[Cell] = []
    for row, number in enumerate(range(100, 412), 2):
        cells += [("EMAIL_ADDRESS", "mail", row, f"USER{number}@EXAMPLE.com"), ("PERSON", "name", row, f"試験太郎{number}様")]
    (fact,) = share.matcher("master").match(object_of(cells), object_records=312)
    assert (fact.matched_records, fact.object_records, fact.store_records, fact.evidence) == (312, 312, 2000, "records")
    assert fact.columns == ("メール", "氏名")
    assert (fact.source_path, fact.score) == ("/s/a", 1.0)


@pytest.mark.parametrize("kind", ["EMAIL_ADDRESS", "PHONE_NUMBER"])
def test_one_strong_value_is_enough(share: Share, object_of: Make, kind: str) -> None:
    share.update("master", {"a": people(100)})
    value = {"EMAIL_ADDRESS": "user7@example.com", "PHONE_NUMBER": "+81 90-0000-0007"}[kind]
    (fact,) = share.matcher("master").match(object_of([(kind, None, 3, value)]))
    assert (fact.matched_records, len(fact.columns)) == (1, 1)


def test_names_alone_are_never_a_copy(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(100)})
    cells: list[Cell] = [("PERSON", "name", row, f"試験太郎{row}") for row in range(100)]
    assert share.matcher("master").match(object_of(cells)) == []


def test_a_name_and_an_address_of_one_record_are_weak_evidence(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(100)})
    two: list[Cell] = []
    for row in (5, 6):
        two += [("PERSON", "n", row, f"試験太郎{row}"), ("ADDRESS", "a", row, f"見本市例町{row}-{row % 9 + 1}")]
    assert share.matcher("master").match(object_of(two[:2])) == []
    (fact,) = share.matcher("master").match(object_of(two), object_records=2)
    assert (fact.matched_records, fact.score) == (2, 0.8)


def test_name_and_address_of_different_records_are_no_match(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(100)})
    cells: list[Cell] = []
    for row in range(50):
        cells += [("PERSON", "n", row, f"試験太郎{row}"), ("ADDRESS", "a", row, f"見本市例町{row + 1}-{(row + 1) % 9 + 1}")]
    assert share.matcher("master").match(object_of(cells)) == []


def test_values_of_a_record_in_prose_must_stand_close(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(100)})

    def letter(apart: int) -> pa.RecordBatch:
        cells: list[Cell] = []
        for number, line in ((5, 1), (6, 200)):
            cells += [("PERSON", None, line, f"試験太郎{number}"), ("ADDRESS", None, line + apart, f"見本市例町{number}-{number % 9 + 1}")]
        return object_of(cells)

    (fact,) = share.matcher("master").match(letter(10))
    assert fact.matched_records == 2
    assert share.matcher("master").match(letter(11)) == []


def test_a_frequent_name_speaks_for_the_record_beside_it(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(1000, names=2)})
    cells: list[Cell] = [("PERSON", "n", 2, "試験太郎1"), ("PHONE_NUMBER", "p", 2, "09000000101")]
    (fact,) = share.matcher("master").match(object_of(cells))
    assert (fact.matched_records, fact.columns) == (1, ("氏名", "電話"))
    other: list[Cell] = [("PERSON", "n", 2, "試験太郎0"), ("PHONE_NUMBER", "p", 2, "09000000101")]
    (fact,) = share.matcher("master").match(object_of(other))
    assert fact.columns == ("電話",)
    in_text: list[Cell] = [("PERSON", None, 2, "試験太郎1"), ("PHONE_NUMBER", None, 4, "09000000101")]
    (fact,) = share.matcher("master").match(object_of(in_text))
    assert fact.columns == ("氏名", "電話")


def test_a_number_that_many_records_share_names_none_of_them(share: Share, object_of: Make) -> None:
    cells = [cell for cell in people(100) if cell[0] != "PHONE_NUMBER"] + [
        ("PHONE_NUMBER", "電話", row, "0300000000") for row in range(2, 102)
    ]
    share.update("master", {"a": cells})
    assert share.matcher("master").match(object_of([("PHONE_NUMBER", None, 1, "03-0000-0000")])) == []


def test_strangers_who_agree_by_chance_are_not_counted(share: Share, object_of: Make) -> None:
    rng = np.random.default_rng(1)

    def crowd(count: int) -> list[Cell]:
        cells: list[Cell] = []
        for row in range(2, count + 2):
            cells.append(("PERSON", "氏名", row, f"試験太郎{int(rng.integers(40))}"))
            cells.append(("DATE_OF_BIRTH", "生年月日", row, f"19{rng.integers(50, 99)}-{rng.integers(1, 13):02}-{rng.integers(1, 28):02}"))
        return cells

    store = crowd(3000)
    share.update("master", {"a": store})
    strangers = crowd(3000)
    assert share.matcher("master").match(object_of(strangers), object_records=3000) == []
    (fact,) = share.matcher("master").match(object_of(store[:1000]), object_records=500)
    assert fact.matched_records > 490
    # a few strong ones among the strangers do not make copies of the rest
    share.update("mails", {"b": people(20)})
    mixed = [*strangers, ("EMAIL_ADDRESS", "m", 7, "user3@example.com")]
    (fact,) = share.matcher("master", "mails").match(object_of(mixed), object_records=3000)
    assert (fact.store, fact.matched_records) == ("mails", 1)


def test_the_best_store_comes_first_and_a_row_counts_once(share: Share, object_of: Make) -> None:
    twice = people(50) + [(kind, column, row + 100, value) for kind, column, row, value in people(50)]
    share.update("double", {"a": twice})
    share.update("some", {"b": people(10)})
    first, second = share.matcher("some", "double").match(object_of(people(30)), object_records=30)
    assert (first.store, first.matched_records, second.store, second.matched_records) == ("double", 30, "some", 10)


def test_a_person_with_two_records_counts_once_in_a_text(share: Share, object_of: Make) -> None:
    share.update("double", {"a": people(50), "b": people(50)})
    cells: list[Cell] = [("PERSON", None, 2, "試験太郎7"), ("EMAIL_ADDRESS", None, 3, "user7@example.com")]
    (fact,) = share.matcher("double").match(object_of(cells), object_records=1)
    assert (fact.matched_records, fact.object_records, fact.score) == (1, 1, 1.0)


def test_a_store_can_be_passed_over(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(50)})
    assert share.matcher("master").match(object_of(people(30)), without=["master"]) == []


def test_thresholds_and_combinations(share: Share, object_of: Make) -> None:
    share.update("master", {"a": people(50)})
    three = object_of(people(3))
    few = CopySettings(stores={"master": StoreTracing(records=4)})
    assert share.matcher("master", settings=few).match(three) == []
    assert share.matcher("master", settings=CopySettings(require=("DATE_OF_BIRTH",))).match(three) == []
    assert share.matcher("master", settings=CopySettings(never=(("EMAIL_ADDRESS", "PERSON"),))).match(three) != []
    mails = object_of([cell for cell in people(3) if cell[0] in ("EMAIL_ADDRESS", "PERSON")])
    assert share.matcher("master", settings=CopySettings(never=(("EMAIL_ADDRESS", "PERSON"),))).match(mails) == []


def test_the_same_bytes_whatever_they_hold(share: Share) -> None:
    share.update("pictures", {"a": []})
    (fact,) = share.matcher("pictures").match(None, content_hash="hash of a", size_bytes=1_000)
    assert (fact.evidence, fact.source_path, fact.score, fact.matched_records) == ("bytes", "/s/a", 1.0, 0)
    assert share.matcher("pictures").match(None, content_hash="another", size_bytes=1_000) == []


def test_a_file_of_values_and_many_objects_at_once_agree_with_one(share: Share, tmp_path: Path) -> None:
    share.update("master", {"a": people(300)})
    matcher = share.matcher("master")
    tables = {name: values(name, people(count, first)) for name, count, first in (("x", 20, 0), ("y", 50, 280), ("z", 9, 900))}
    met = matcher.meeting([pa.concat_tables(tables.values()).sort_by("fingerprint")])
    assert set(met) == {"x", "y"}
    found = {name: matcher.match_tables(parts, object_records=5) for name, parts in met.items()}
    for name in ("x", "y"):
        path = tmp_path / f"{name}.parquet"
        parquet.write_table(tables[name], path)
        assert matcher.match(path, object_records=5) == found[name] == matcher.match(batch(tables[name]), object_records=5)


def test_shares_that_do_not_fit_give_the_same_answer(share: Share, object_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    share.update("master", {"a": people(500, names=5)})
    rows, lines = people(200, 100, names=5), [(kind, None, row * 20, value) for kind, _, row, value in people(200, 100, names=5)]
    whole = [share.matcher("master").match(object_of(cells), object_records=200) for cells in (rows, lines)]
    monkeypatch.setattr(matching, "SHARE", 50)
    assert [share.matcher("master").match(object_of(cells), object_records=200) for cells in (rows, lines)] == whole
    assert [facts[0].matched_records for facts in whole] == [200, 200]


def test_a_file_looked_for_in_other_objects(share: Share) -> None:
    found = people(20)
    index = Index.of_values("file", lambda: iter([values("f", found)]), ["f"], share.folder)
    others = {"x": values("x", people(300)), "y": values("y", people(10, 400))}
    matcher = Matcher(index, CopySettings(), share.folder)
    matched = {name: matcher.match_tables(parts) for name, parts in matcher.meeting(others.values()).items()}
    assert {name: facts[0].matched_records for name, facts in matched.items()} == {"x": 20}


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.integers(0, 59), min_size=1, max_size=40, unique=True),
    kinds=st.sets(st.sampled_from(["PERSON", "ADDRESS", "PHONE_NUMBER", "EMAIL_ADDRESS"]), min_size=1),
    strangers=st.integers(0, 30),
    seed=st.integers(0, 1000),
)
def test_exactly_the_copied_rows_are_found(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], kinds: set[str], strangers: int, seed: int
) -> None:
    share = Share(tmp_path_factory.mktemp("s"))
    share.update("master", {"a": people(60)})
    picked = [(kind, f"c{kind}", at, value) for kind, _, at, value in people(60) if at - 2 in rows and kind in kinds]
    others = [(kind, f"c{kind}", at + 1000, value) for kind, _, at, value in people(strangers, 500) if kind in kinds]
    cells = [*picked, *others]
    np.random.default_rng(seed).shuffle(cells)
    facts = share.matcher("master").match(
        batch(values("o", [(k, c, int(r), v) for k, c, r, v in cells])), object_records=len(rows) + strangers
    )
    strong = bool(kinds & {"PHONE_NUMBER", "EMAIL_ADDRESS"})
    expected = len(rows) if strong or (len(kinds) > 1 and len(rows) > 1) else 0
    assert [fact.matched_records for fact in facts] == ([expected] if expected else [])
    assert KEY not in str(facts)
