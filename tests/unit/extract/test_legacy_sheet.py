from __future__ import annotations

import datetime

import olefile
import pytest
import xlwt

from scanner.extract import sniff
from scanner.extract.budget import FileBudget
from scanner.extract.legacy_sheet import _read_records, container
from scanner.model import Reason, Unreadable
from tests.unit.extract.documents import read, saved


def _workbook() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名簿")
    rows = [["氏名", "電話", "数"], ["山田太郎", "090-0000-0001", 3.0], ["佐藤花子", "090-0000-0002", 9000000002]]
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            sheet.write(3 + row, 2 + column, value)
    sheet.write(4, 5, datetime.date(1980, 1, 2), xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    sheet.header_str = b"header@example.com"
    hidden = book.add_sheet("隠し")
    hidden.visibility = 1
    hidden.write(9, 5, "hidden@example.com")
    return saved(book)


def test_cells_stand_where_they_are(budget: FileBudget) -> None:
    found = read(_workbook(), sniff.XLS, budget)
    assert found.headers["名簿"] == ("氏名", "電話", "数", "")
    assert found.cells[("名簿", 6, 4)] == "090-0000-0002"
    assert found.cells[("名簿", 6, 5)] == "9000000002"
    assert found.cells[("名簿", 5, 5)] == "3"
    assert found.cells[("名簿", 5, 6)] == "1980-01-02"
    assert found.cells[("隠し", 10, 6)] == "hidden@example.com"
    assert "header@example.com" in found.texts["header"]


def test_comments_are_read_from_the_records() -> None:
    text = "注 note@example.com"
    body = b"\x01" + text.encode("utf-16-le")
    object_body = bytes(10) + len(text).to_bytes(2, "little") + bytes(6)
    data = b"".join(
        kind.to_bytes(2, "little") + len(part).to_bytes(2, "little") + part for kind, part in [(0x1B6, object_body), (0x3C, body)]
    )
    found: dict[str, list[str]] = {"comments": [], "header": [], "links": []}
    _read_records(data, found)
    assert found["comments"] == [text]


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (_workbook()[:3_000], {Reason.TRUNCATED}),
        (_workbook()[:600] + bytes(range(256)) * 20, {Reason.DAMAGED, Reason.TRUNCATED}),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 8, {Reason.DAMAGED, Reason.TRUNCATED}),
    ],
)
def test_what_cannot_be_opened(data: bytes, reasons: set[Reason], budget: FileBudget) -> None:
    with pytest.raises(Unreadable) as caught:
        read(data, sniff.XLS, budget)
    assert caught.value.reason in reasons


def test_two_cells_at_the_corners_are_refused_before_they_take_the_memory(budget: FileBudget) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    sheet.write(0, 0, "a@example.com")
    sheet.write(65_535, 255, "b@example.com")
    with pytest.raises(Unreadable) as caught:
        read(saved(book), sniff.XLS, budget)
    assert caught.value.reason is Reason.MEMORY


def test_a_column_that_no_xls_has_is_damage(budget: FileBudget) -> None:
    data = _workbook()
    at = data.index(b"\x03\x02\x0e\x00")  # the first NUMBER record
    with pytest.raises(Unreadable) as caught:
        read(data[: at + 6] + b"\xff\xff" + data[at + 8 :], sniff.XLS, budget)
    assert caught.value.reason is Reason.DAMAGED


@pytest.mark.parametrize("size", [0, 10, 4_096, 5_000_000])
def test_our_own_container_is_a_sound_one(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with olefile.OleFileIO(container("Workbook", data), raise_defects=olefile.DEFECT_UNSURE) as ole:
        assert ole.openstream("Workbook").read()[:size] == data


def test_a_claim_of_a_vast_sheet_reserves_nothing(budget: FileBudget) -> None:
    data = _workbook()
    at = data.index(b"\x00\x02\x0e\x00")  # the first Dimensions record
    claim = b"\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00\xff\xff"
    found = read(data[: at + 4] + claim + data[at + 16 :], sniff.XLS, budget)
    assert found.cells[("名簿", 5, 3)] == "山田太郎"
