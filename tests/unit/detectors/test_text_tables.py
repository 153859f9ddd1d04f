"""Tables in running text: which lines form one, where its fields lie, and what is no table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies

from detectors.text_tables import TextTable, items, lists_in_blanks, tables


def columns(text: str, table: TextTable) -> list[list[str]]:
    return [[text[start:end] for start, end in column.cells] for column in table.columns]


@pytest.mark.parametrize("mark", [",", "\t", ";", "|", " / "])
def test_lines_with_the_same_separators_are_a_table(mark: str) -> None:
    text = "See below.\n" + "\n".join(mark.join(row) for row in (("1", "Smith", "Mary"), ("2", "Jones", "Paul"))) + "\nEnd"
    (table,) = tables(text)
    assert columns(text, table) == [["1", "2"], ["Smith", "Jones"], ["Mary", "Paul"]]
    assert not table.has_header
    assert [text[start:end] for start, end in table.lines] == [mark.join(("1", "Smith", "Mary")), mark.join(("2", "Jones", "Paul"))]


def test_a_header_is_told_from_rows() -> None:
    text = "姓,名,携帯\n佐藤,花子,090-0000-0001\n鈴木,一郎,090-0000-0002\n"
    (table,) = tables(text)
    assert [column.header for column in table.columns] == ["姓", "名", "携帯"]
    assert columns(text, table)[0] == ["佐藤", "鈴木"]
    (bare,) = tables("佐藤,花子,090-0000-0001\n鈴木,一郎,090-0000-0002")
    assert not bare.has_header


def test_quotes_and_blanks_are_no_part_of_a_field() -> None:
    text = '"Smith, Jr." , "Mary"\n"Jones","Paul"'
    (table,) = tables(text)
    assert columns(text, table) == [["Smith, Jr.", "Jones"], ["Mary", "Paul"]]


def test_the_line_under_a_markdown_header_is_no_row() -> None:
    text = "| Name | Phone |\n|---|---|\n| Mary Smith | 555-0100 |"
    (table,) = tables(text)
    assert table.has_header
    assert ["Mary Smith"] in columns(text, table)


def test_fields_set_apart_by_blanks() -> None:
    text = "9:00  Mary Smith  Acme\n9:30  Paul Jones  Acme"
    (table,) = tables(text)
    assert columns(text, table)[1] == ["Mary Smith", "Paul Jones"]


def test_lists_in_single_blanks_are_counted_from_both_ends() -> None:
    text = "9:00 山田 太郎様 石川\n9:30 (株)林 花子 佐藤健様 森"
    (table,) = lists_in_blanks(text, lambda first, second: (first, second) == ("山田", "太郎様"))
    by_place = {column.place: [text[start:end] for start, end in column.cells] for column in table.columns}
    assert by_place[-1] == ["石川", "森"]
    assert by_place[1] == ["山田 太郎様", "(株)林"]


def test_sentences_are_no_list_in_blanks() -> None:
    assert list(lists_in_blanks("今日は 晴れ です。\n明日は 雨 です。", lambda _a, _b: False)) == []


def test_items_of_one_word_and_with_something_in_brackets() -> None:
    text = "・佐藤花子(サトウハナコ) 経理\n・鈴木一郎(スズキイチロウ) 総務"
    (table,) = items(text)
    assert columns(text, table) == [["佐藤花子", "鈴木一郎"], ["サトウハナコ", "スズキイチロウ"]]
    assert [columns(text, table) for text in ("1. Mary Smith\n2. Paul Jones",) for table in items(text)] == [[["Mary Smith", "Paul Jones"]]]


@pytest.mark.parametrize("text", ["", "a,b", "a,b\nc", "One line only, with commas, as prose has.", "a,b\nc,d,e\nf"])
def test_one_line_or_unequal_lines_are_no_table(text: str) -> None:
    assert tables(text) == ()


@settings(max_examples=80, deadline=None)
@given(strategies.text(alphabet='ab佐, \t|;"\n\r/　(', max_size=80))
def test_cells_lie_in_their_lines_in_order(text: str) -> None:
    for table in (*tables(text), *lists_in_blanks(text, lambda _a, _b: True), *items(text)):
        for column in table.columns:
            assert len(column.cells) == len(column.rows)
            for (start, end), row in zip(column.cells, column.rows, strict=True):
                low, high = table.lines[row]
                assert low <= start <= end <= high
