"""Fixed-width columns are cut by bytes where the file was padded by bytes, by characters where by characters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scanner.extract import fixed_layout, sniff
from scanner.extract.budget import FileBudget
from scanner.model import Blob
from tests.unit.extract.reading import Reading, read

Make = Callable[..., Blob]
ROWS = [
    ["0001", "山田太郎", "東京都港区", "090-0000-0001"],
    ["0002", "佐藤花子", "大阪市北区梅田", "03-0000-0000"],
    ["0003", "長谷川由美子", "横浜", "080-0000-0000"],
    ["0004", "林愛", "福岡市", "070-0000-0000"],
]
WIDTHS = (6, 20, 24, 14)


@pytest.fixture
def table(blob: Make, budget: FileBudget) -> Callable[[bytes], Reading]:
    return lambda data: read(blob(data, "list.fwf"), sniff.FIXED_WIDTH, budget)


def padded(row: list[str], codec: str) -> bytes:
    return b"".join(cell.encode(codec).ljust(width) for cell, width in zip(row, WIDTHS, strict=True))


@pytest.mark.parametrize("codec", ["cp932", "euc_jp", "utf-8"])
def test_columns_padded_by_bytes(table: Callable[[bytes], Reading], codec: str) -> None:
    reading = table(b"".join(padded(row, codec) + b"\r\n" for row in ROWS))
    assert reading.sheet.header is None
    assert reading.sheet.cells == ROWS
    assert reading.sheet.rows == [1, 2, 3, 4]
    assert reading.undecoded == 0


def test_columns_padded_by_characters(table: Callable[[bytes], Reading]) -> None:
    lines = [f"{a:<6}{b:　<8}{c:　<10}{d:<14}" for a, b, c, d in ROWS]
    assert table("\n".join(lines).encode()).sheet.cells == ROWS


def test_a_digit_column_that_touches_the_next(table: Callable[[bytes], Reading]) -> None:
    lines = [row[0].encode() + row[1].encode("cp932").ljust(16) + row[3].encode().ljust(14) for row in ROWS]
    assert table(b"\n".join(lines)).sheet.cells == [[row[0], row[1], row[3]] for row in ROWS]


def test_a_ruler_and_a_header(table: Callable[[bytes], Reading]) -> None:
    text = (
        "Customers\n\nid   name        phone\n---- ----------- -------------\n"
        "1    John Smith  090-0000-0001\n2    Jane Doe    090-0000-0002\n"
    )
    reading = table(text.encode())
    assert reading.sheet.header == ("id", "name", "phone")
    assert reading.sheet.cells == [["1", "John Smith", "090-0000-0001"], ["2", "Jane Doe", "090-0000-0002"]]
    assert reading.sheet.rows[0] == 5
    assert "Customers" in reading.all_text


def test_a_header_of_the_same_make(table: Callable[[bytes], Reading]) -> None:
    header = padded(["番号", "氏名", "住所", "電話"], "cp932")
    reading = table(b"".join(line + b"\n" for line in (header, *(padded(row, "cp932") for row in ROWS))))
    assert reading.sheet.header == ("番号", "氏名", "住所", "電話")
    assert reading.sheet.rows == [2, 3, 4, 5]


def test_a_line_of_another_make_is_text_and_not_cut(table: Callable[[bytes], Reading]) -> None:
    odd = b"note: mail taro.yamada.of.sales@example.com at once please"
    reading = table(b"".join(padded(row, "cp932") + b"\n" for row in ROWS * 3) + odd + b"\n")
    assert len(reading.sheet.cells) == 12
    assert reading.texts == [(13, odd.decode() + "\n")]


def test_prose_and_code_are_no_fixed_width() -> None:
    for text in ("Dear Ann,\nhow are you today?\nI am fine.\nBye,\nJohn\n", "def f():\n    return 1\n\n\ndef g():\n    return 2\n"):
        assert fixed_layout.detect(text.encode(), "utf-8", True) is None


def test_what_proves_to_be_no_table_is_text(table: Callable[[bytes], Reading]) -> None:
    assert table(b"just a line\n").all_text == "just a line\n"
