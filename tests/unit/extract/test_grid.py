from __future__ import annotations

from collections.abc import Callable, Iterator

import hypothesis
from hypothesis import strategies as st

from scanner.extract import grid
from scanner.extract.budget import FileBudget
from scanner.extract.grid import Row, header_of, sheet_items
from scanner.model import Gap, Limits, Reason, Table, Text, Unreadable


def _row(number: int, *texts: str, first: int = 1) -> Row:
    return number, {first + index: text for index, text in enumerate(texts) if text}


def _tables(rows: list[Row], budget: FileBudget) -> list[tuple[tuple[str, ...] | None, int, list[int], list[list[str | None]]]]:
    found = []
    for item in sheet_items(rows, "S", budget):
        if isinstance(item, Table):
            numbers: list[int] = []
            values: list[list[str | None]] = []
            for batch in item.batches:
                numbers += batch.rows.tolist()
                values += [list(row.values()) for row in batch.columns.to_pylist()]
            found.append((item.header, item.first_column, numbers, values))
    return found


def test_a_table_that_starts_at_c4_keeps_its_place(budget: FileBudget) -> None:
    rows = [_row(4, "氏名", "電話", first=3), _row(5, "山田太郎", "090-0000-0001", first=3), _row(7, "佐藤花子", "090-0000-0002", first=3)]
    assert _tables(rows, budget) == [
        (("氏名", "電話"), 3, [5, 7], [["山田太郎", "090-0000-0001"], ["佐藤花子", "090-0000-0002"]]),
    ]


def test_a_title_above_is_text_with_the_row_as_its_line(budget: FileBudget) -> None:
    rows = [_row(2, "顧客一覧"), _row(4, "氏名", "電話", "メール"), _row(5, "山田太郎", "090-0000-0001", "a@example.com")]
    first = next(iter(sheet_items(rows, "S", budget)))
    assert first == Text("顧客一覧", "S", 2)
    assert _tables(rows, budget)[0][0] == ("氏名", "電話", "メール")


def test_two_rows_of_header_are_joined(budget: FileBudget) -> None:
    rows = [
        (1, {1: "顧客", 3: "連絡先"}),
        _row(2, "氏名", "住所", "電話", "メール"),
        _row(3, "山田太郎", "東京都港区", "090-0000-0001", "a@example.com"),
        _row(4, "佐藤花子", "大阪市北区", "090-0000-0002", "b@example.com"),
    ]
    header, _, numbers, _ = _tables(rows, budget)[0]
    assert header == ("顧客 氏名", "顧客 住所", "連絡先 電話", "連絡先 メール")
    assert numbers == [3, 4]


def test_rows_of_persons_are_not_taken_for_a_header() -> None:
    people = [_row(1, "山田太郎", "東京"), _row(2, "佐藤花子", "大阪"), _row(3, "鈴木一郎", "札幌")]
    assert header_of(people) is None


def test_unnamed_words_over_digits_are_a_header() -> None:
    found = header_of([_row(1, "Acme", "Widget"), _row(2, "17", "18"), _row(3, "21", "22"), _row(4, "5", "6")])
    assert found is not None
    assert found.names == {1: "Acme", 2: "Widget"}


def test_a_row_amid_data_is_not_taken_for_a_header_by_its_digits(budget: FileBudget) -> None:
    rows = [_row(number, f"item {number}", f"part {number}") for number in range(90, 120)]
    rows += [_row(120, "Acme", "Widget"), *(_row(number, "123", "456") for number in range(121, 130))]
    assert [header for header, *_ in _tables(rows, budget)] == [None]


def test_a_second_table_below_has_its_own_header(budget: FileBudget) -> None:
    rows = [
        _row(1, "氏名", "電話"),
        _row(2, "山田太郎", "090-0000-0001"),
        _row(5, "メール", "部署"),
        _row(6, "a@example.com", "総務"),
    ]
    assert [(header, numbers) for header, _, numbers, _ in _tables(rows, budget)] == [(("氏名", "電話"), [2]), (("メール", "部署"), [6])]


def test_a_blank_row_within_a_table_does_not_end_it(budget: FileBudget) -> None:
    rows = [_row(1, "氏名", "電話"), _row(2, "山田太郎", "090-0000-0001"), _row(9, "佐藤花子", "090-0000-0002")]
    assert len(_tables(rows, budget)) == 1


def test_a_form_is_text_so_that_labels_stand_beside_values(budget: FileBudget) -> None:
    rows = [_row(1, "氏名", "山田太郎"), _row(2, "電話", "090-0000-0001"), _row(3, "住所", "東京都港区1-2-3")]
    assert list(sheet_items(rows, "S", budget)) == [Text("氏名\t山田太郎\n電話\t090-0000-0001\n住所\t東京都港区1-2-3", "S", 1)]


def test_columns_far_apart_are_not_padded(budget: FileBudget) -> None:
    found = _tables([(1, {1: "a@example.com", 16_384: "b@example.com"})], budget)
    assert [(first, values) for _, first, _, values in found] == [(1, [["a@example.com"]]), (16_384, [["b@example.com"]])]


def test_a_column_met_late_opens_a_new_table_with_the_same_header(budget: FileBudget) -> None:
    count = grid.SEGMENT_ROWS + 1
    rows = [_row(1, "氏名", "電話"), *(_row(number, "山田太郎", "090-0000-0001") for number in range(2, count + 1))]
    rows.append((count + 1, {1: "佐藤", 4: "late@example.com"}))
    found = _tables(rows, budget)
    assert [header for header, *_ in found] == [("氏名", "電話"), ("氏名", "電話", "", "")]
    assert found[1][3][-1] == ["佐藤", None, None, "late@example.com"]
    assert sum(len(numbers) for _, _, numbers, _ in found) == count


def test_a_fault_among_the_rows_is_a_gap_after_what_was_read(budget: FileBudget) -> None:
    def rows() -> Iterator[Row]:
        yield _row(1, "a@example.com", "x")
        raise Unreadable(Reason.DAMAGED)

    items = list(sheet_items(rows(), "S", budget))
    assert isinstance(items[0], Table)
    assert items[1:] == [Gap(Reason.DAMAGED, "S")]


def test_the_limit_of_cells_is_kept(make_budget: Callable[..., FileBudget]) -> None:
    rows = [_row(number, "x", "y") for number in range(1, 100)]
    items = list(sheet_items(rows, "S", make_budget(cells=10)))
    assert items[-1] == Gap(Reason.TOO_LARGE, "S")


_CELL = st.sampled_from(["氏名", "電話", "山田", "090-0000-0001", "x@example.com", "", "long " * 20])
_ROWS = st.lists(st.tuples(st.integers(1, 3), st.dictionaries(st.sampled_from([1, 2, 3, 40, 90, 16_384]), _CELL, max_size=5)), max_size=30)


@hypothesis.given(_ROWS)
@hypothesis.settings(max_examples=60, deadline=None)
def test_no_cell_is_lost_whatever_the_layout(steps: list[tuple[int, dict[int, str]]]) -> None:
    rows: list[Row] = []
    number = 0
    for step, cells in steps:
        number += step
        rows.append((number, cells))
    seen: list[str] = []
    from pathlib import Path

    for item in sheet_items(rows, "S", FileBudget(Limits(), Path("/nonexistent"))):
        if isinstance(item, Text):
            seen += [part for line in item.text.split("\n") for part in line.split("\t")]
        elif isinstance(item, Table):
            seen += [part for name in item.header or () for part in name.split(" ")]
            for batch in item.batches:
                seen += [value for column in batch.columns.columns for value in column.to_pylist() if value]
    for _, cells in rows:
        for text in cells.values():
            assert not text or text in seen or all(word in seen for word in text.split())
