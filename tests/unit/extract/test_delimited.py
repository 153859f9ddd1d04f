"""Delimited tables come whole: every row with its number and line, every broken line as text."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract import delimited, sniff
from scanner.extract.budget import FileBudget
from scanner.model import Blob
from tests.unit.extract.reading import Reading, read

Make = Callable[..., Blob]


@pytest.fixture
def table(blob: Make, budget: FileBudget) -> Callable[..., Reading]:
    def make(data: str | bytes, name: str = "x.csv", codec: str = "utf-8") -> Reading:
        return read(blob(data if isinstance(data, bytes) else data.encode(codec), name), sniff.CSV, budget)

    return make


Read = Callable[..., Reading]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16", "iso-2022-jp"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters_and_encodings(table: Read, codec: str, delimiter: str) -> None:
    rows = [["番号", "氏名", "電話"], ["1", "山田太郎", "090-0000-0001"], ["2", "佐藤さくら", "090-0000-0002"]]
    reading = table("\r\n".join(delimiter.join(row) for row in rows) + "\r\n", codec=codec)
    assert reading.sheet.header == tuple(rows[0])
    assert reading.sheet.cells == rows[1:]
    assert reading.sheet.rows == reading.sheet.lines == [2, 3]
    assert not reading.texts


def test_no_header(table: Read) -> None:
    reading = table("1,山田太郎,090-0000-0001\n2,佐藤花子,090-0000-0002\n")
    assert reading.sheet.header is None
    assert reading.sheet.rows == [1, 2]


def test_a_header_further_down_and_titles_as_text(table: Read) -> None:
    reading = table("顧客一覧 taro@example.com\n作成日: 2024/01/01\n\nid,氏名\n1,山田\n2,佐藤\n")
    assert reading.sheet.header == ("id", "氏名")
    assert reading.sheet.rows == [5, 6]
    assert reading.texts == [(1, "顧客一覧 taro@example.com\n作成日: 2024/01/01\n\n")]


def test_a_title_padded_with_delimiters(table: Read) -> None:
    reading = table("顧客一覧,,\n,,\nid,氏名,電話\n1,山田,090-0000-0001\n2,佐藤,090-0000-0002\n")
    assert reading.sheet.header == ("id", "氏名", "電話")
    assert reading.sheet.rows == [4, 5]


def test_rows_with_one_delimiter_more_than_their_header(table: Read) -> None:
    reading = table("id,name,tel\n1,a,090-0000-0001,\n2,b,090-0000-0002,\n")
    assert reading.sheet.header == ("id", "name", "tel", "")
    assert reading.sheet.cells[0] == ["1", "a", "090-0000-0001", ""]


def test_lines_are_physical_and_rows_are_records(table: Read) -> None:
    reading = table('id,name,note\r\n1,"山田\r\n太郎",x\r\n\r\n2,"a ""b"" c",y\r\nbroken\r\n3,c,z\r\n')
    assert reading.sheet.cells == [["1", "山田\r\n太郎", "x"], ["2", 'a "b" c', "y"], ["3", "c", "z"]]
    assert reading.sheet.rows == [2, 4, 6]
    assert reading.sheet.lines == [2, 5, 7]
    assert reading.texts == [(6, "broken\r\n")]


def test_ragged_rows_are_kept_as_text_with_their_line(table: Read) -> None:
    body = "".join(f"{number},a{number},b\n" for number in range(1, 50))
    reading = table(f"id,name,note\n{body}50,taro@example.com\n51,x,y,090-0000-0001\n52,z,z\n")
    assert len(reading.sheet.cells) == 50
    assert reading.sheet.rows[-1] == 53
    assert reading.texts == [(51, "50,taro@example.com\n51,x,y,090-0000-0001\n")]


def test_stray_quotes_lose_nothing(table: Read) -> None:
    body = "".join(f"{number},plain{number}\n" for number in range(20))
    reading = table(f'id,size name\n{body}30,5" disk\n31,"open\n32,x\n33,"a"b\n{body}')
    cells = [cell for row in reading.sheet.cells for cell in row]
    assert '5" disk' in cells
    assert "plain19" in cells and cells.count("plain3") == 2
    assert any("open" in cell for cell in [*cells, reading.all_text])
    assert ["32", "x"] in reading.sheet.cells


def test_a_quote_that_never_closes_does_not_swallow_the_rest(table: Read) -> None:
    body = "".join(f'{number},"name {number}"\n' for number in range(200_000))
    reading = table('id,name\n0,"x"\n1,"unclosed\n' + body)
    assert sum(len(sheet.cells) for sheet in reading.sheets) >= 200_000
    assert "unclosed" in reading.all_text or any("unclosed" in cell for sheet in reading.sheets for row in sheet.cells for cell in row)


def test_nul_bytes_lone_carriage_returns_and_old_mac_files(table: Read) -> None:
    assert table("id,name\n1,a\x00b\n2,c\n").sheet.cells == [["1", "a\x00b"], ["2", "c"]]
    assert table("id,name\n1,a\rb\n2,c\n").sheet.cells == [["1", "a b"], ["2", "c"]]
    mac = table("id\tname\r1\ta\r2\tb\r")
    assert mac.sheet.cells == [["1", "a"], ["2", "b"]]
    assert mac.sheet.rows == [2, 3]


def test_blank_and_equal_names_stand_as_they_are(table: Read) -> None:
    assert table("id,id,\n1,2,3\n4,5,6\n").sheet.header == ("id", "id", "")


def test_one_column_by_name_only(table: Read) -> None:
    reading = table("email\na@example.com\n\nb@example.com\n", "list.csv")
    assert reading.sheet.header == ("email",)
    assert reading.sheet.cells == [["a@example.com"], ["b@example.com"]]
    assert reading.sheet.rows == [2, 4]


def test_a_header_alone_is_text(table: Read) -> None:
    assert table("氏名,電話,山田太郎\n").all_text == "氏名,電話,山田太郎\n"


def test_blocks_do_not_show(table: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 16)
    rows = [[str(number), f'山田"{number}"', "a\nb" if number % 7 == 0 else "c"] for number in range(12_000)]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["id", "name", "note"], *rows])
    for codec in ("utf-8", "cp932", "utf-16"):
        reading = table(buffer.getvalue(), codec=codec)
        assert reading.sheet.cells == rows
        assert reading.sheet.rows == list(range(2, 12_002))
        assert reading.sheet.lines[-1] == 12_001 + sum(number % 7 == 0 for number in range(11_999))
        assert not reading.texts


def test_a_line_beyond_reason_is_text_in_bounded_memory(blob: Make, budget: FileBudget) -> None:
    data = b"id,name\n" + b"1,a\n" * 30_000 + b"x" * (48 << 20) + b"\n2,b\n" * 10
    tracemalloc.start()
    try:
        longest = rows = letters = 0
        last = None
        for item in delimited.EXTRACTORS[0].extract(blob(data), sniff.CSV, budget):
            if hasattr(item, "batches"):
                rows += sum(len(batch.rows) for batch in item.batches)
            elif hasattr(item, "text"):
                longest = max(longest, len(item.text))
                letters += item.text.count("x")
                last = item
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert letters == 48 << 20
    assert longest <= 1 << 20
    assert rows == 30_010
    assert last is not None and last.first_line == 30_002
    assert peak < 60 << 20


CELLS = st.text(alphabet='ab,"\n 山', max_size=6)


@given(rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12), newline=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_what_csv_writes_is_read_back(rows: list[list[str]], newline: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "氏名", "電話"], *rows])
    layout = delimited.Dialect(",", True, 3, 0, ("id", "氏名", "電話"))
    got = [batch for item in delimited._table_items(layout, buffer.getvalue(), iter(())) for batch in getattr(item, "batches", ())]
    assert [list(row.values()) for batch in got for row in batch.columns.to_pylist()] == rows


@given(text=st.text(alphabet='ab,"\n\r', max_size=80), cut=st.integers(1, 40))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_no_letter_is_lost_whatever_the_quotes(text: str, cut: int) -> None:
    layout = delimited.Dialect(",", True, 2, 0, None)
    chunks = [text[at : at + cut] for at in range(0, len(text), cut)]
    seen = ""
    for item in delimited._table_items(layout, "", iter(chunks)):
        if hasattr(item, "batches"):
            seen += "".join(cell for batch in item.batches for column in batch.columns.columns for cell in column.to_pylist())
        else:
            seen += item.text
    for letter in "ab":
        assert seen.count(letter) == text.count(letter)
