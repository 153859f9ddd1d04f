from __future__ import annotations

import datetime
from collections.abc import Callable

import openpyxl
import pytest
from openpyxl.comments import Comment

from scanner.extract import ooxml_sheet, sniff
from scanner.extract.budget import FileBudget
from scanner.model import Reason, Unreadable
from tests.unit.extract.documents import Read, hand_made_xlsx, read, saved, zipped


@pytest.fixture
def workbook(budget: FileBudget) -> Read:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "名簿"
    sheet["A1"] = "社外秘 title@example.com"
    rows = [
        ["氏名", "電話", "メール", "生年月日", "数"],
        ["山田太郎", "090-0000-0001", "a@example.com", datetime.date(1980, 1, 2), 3.0],
        ["佐藤花子", 9000000002, "b@example.com", datetime.date(1990, 11, 30), 4.5],
    ]
    for row, values in enumerate(rows, 4):
        for column, value in enumerate(values, 3):
            sheet.cell(row, column, value)
    sheet["D6"].number_format = "000-0000-0000"
    sheet["C6"].comment = Comment("連絡は comment@example.com", "鈴木")
    sheet["C5"].hyperlink = "mailto:link@example.com"
    sheet.oddHeader.center.text = "header@example.com"
    sheet.row_dimensions[6].hidden = True
    hidden = book.create_sheet("隠し")
    hidden.sheet_state = "veryHidden"
    hidden["F9"] = "hidden@example.com"
    hidden["F10"] = '=HYPERLINK("mailto:formula@example.com","書く")'
    book.properties.creator = "田中一郎"
    return read(saved(book), sniff.XLSX, budget)


def test_cells_stand_where_they_are(workbook: Read) -> None:
    assert workbook.headers["名簿"] == ("氏名", "電話", "メール", "生年月日", "数")
    assert workbook.cells[("名簿", 5, 3)] == "山田太郎"
    assert workbook.cells[("名簿", 6, 4)] == "090-0000-0002"
    assert workbook.cells[("名簿", 6, 6)] == "1990-11-30"
    assert workbook.cells[("名簿", 5, 7)] == "3"
    assert workbook.cells[("名簿", 6, 7)] == "4.5"
    assert workbook.cells[("隠し", 9, 6)] == "hidden@example.com"


def test_what_lies_beside_the_cells(workbook: Read) -> None:
    assert workbook.texts["名簿"] == "社外秘 title@example.com"
    assert workbook.first_lines["名簿"] == 1
    assert workbook.texts["名簿 comments"] == "連絡は comment@example.com\n鈴木"
    assert workbook.texts["名簿 header"] == "header@example.com"
    assert workbook.texts["名簿 links"] == "link@example.com"
    assert "formula@example.com" in workbook.texts["隠し formulas"]
    assert "creator: 田中一郎" in workbook.texts["properties"]
    assert workbook.gaps == []


def test_two_cells_a_million_rows_apart(budget: FileBudget) -> None:
    data = hand_made_xlsx(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a@example.com</t></is></c></row>'
        '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>b@example.com</t></is></c></row>'
    )
    assert read(data, sniff.XLSX, budget).cells == {("S", 1, 1): "a@example.com", ("S", 1_048_576, 16_384): "b@example.com"}


def test_runs_are_joined_and_furigana_kept_apart(budget: FileBudget) -> None:
    strings = '<si><r><t>山</t></r><r><t>田太郎</t></r><rPh sb="0" eb="1"><t>ヤマダ</t></rPh></si>'
    found = read(hand_made_xlsx('<row r="2"><c r="B2" t="s"><v>0</v></c></row>', strings=strings), sniff.XLSX, budget)
    assert found.cells == {("S", 2, 2): "山田太郎"}
    assert found.texts["furigana"] == "ヤマダ"


def test_cells_without_references_booleans_and_cached_values(budget: FileBudget) -> None:
    row = '<row><c t="b"><v>1</v></c><c t="str"><f>A1&amp;"x"</f><v>cached@example.com</v></c><c><v>9.0E3</v></c></row>'
    found = read(hand_made_xlsx(row), sniff.XLSX, budget)
    assert found.cells == {("S", 1, 1): "TRUE", ("S", 1, 2): "cached@example.com", ("S", 1, 3): "9000"}


def test_a_string_that_is_not_there_is_said(budget: FileBudget) -> None:
    found = read(hand_made_xlsx('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), sniff.XLSX, budget)
    assert found.gaps == [("damaged", "S")]


def test_pivot_caches_and_data_of_linked_workbooks_are_read(budget: FileBudget) -> None:
    cache = '<pivotCacheRecords><r><s v="山田太郎"/><s v="pivot@example.com"/></r></pivotCacheRecords>'
    found = read(hand_made_xlsx("", extra={"xl/pivotCache/pivotCacheRecords1.xml": cache}), sniff.XLSX, budget)
    assert "pivot@example.com" in found.texts["xl/pivotCache/pivotCacheRecords1.xml"]


def test_embedded_files_and_large_pictures_are_members(budget: FileBudget) -> None:
    extra: dict[str, str | bytes] = {
        "xl/embeddings/inner.docx": b"PK inner",
        "xl/media/logo.png": b"x" * 100,
        "xl/media/scan.png": b"\x89PNG" + bytes(30_000),
    }
    found = read(hand_made_xlsx("", extra=extra), sniff.XLSX, budget)
    assert set(found.members) == {"xl/embeddings/inner.docx", "xl/media/scan.png"}
    assert found.members["xl/embeddings/inner.docx"] == b"PK inner"


def test_threaded_comments_replace_their_stand_ins(budget: FileBudget) -> None:
    rel = "http://schemas.microsoft.com/office/2017/10/relationships/threadedComment"
    rels = (
        '<Relationships><Relationship Id="a" Type="x/comments" Target="../comments1.xml"/>'
        f'<Relationship Id="b" Type="{rel}" Target="../threadedComments/threadedComment1.xml"/></Relationships>'
    )
    extra: dict[str, str | bytes] = {
        "xl/worksheets/_rels/sheet1.xml.rels": rels,
        "xl/comments1.xml": '<comments><authors><author>tc={1}</author></authors><commentList><comment ref="A1" authorId="0">'
        "<text><t>[Threaded comment] once@example.com</t></text></comment></commentList></comments>",
        "xl/threadedComments/threadedComment1.xml": '<ThreadedComments><threadedComment ref="A1"><text>once@example.com</text>'
        "</threadedComment></ThreadedComments>",
    }
    assert read(hand_made_xlsx("", extra=extra), sniff.XLSX, budget).texts["S comments"] == "once@example.com"


def test_strings_beyond_memory_go_to_the_private_folder(budget: FileBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ooxml_sheet, "_STRINGS_IN_MEMORY", 100)
    strings = "".join(f"<si><t>文字{number}</t></si>" for number in range(50))
    rows = "".join(f'<row r="{number + 1}"><c r="A{number + 1}" t="s"><v>{49 - number}</v></c></row>' for number in range(50))
    found = read(hand_made_xlsx(rows, strings=strings), sniff.XLSX, budget)
    assert found.cells[("S", 1, 1)] == "文字49"
    assert found.cells[("S", 50, 1)] == "文字0"


def test_a_bomb_stops_at_the_ratio(make_budget: Callable[..., FileBudget]) -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>first@example.com</t></is></c></row>' + "<row/>" * 400_000
    found = read(hand_made_xlsx(rows), sniff.XLSX, make_budget(ratio=50, ratio_floor=1_000_000))
    assert found.cells[("S", 1, 1)] == "first@example.com"
    assert ("ratio", "S") in found.gaps


def test_a_sheet_that_breaks_off_counts_up_to_there(budget: FileBudget) -> None:
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>first@example.com</t></is></c></row><row></c>'
    found = read(hand_made_xlsx(row), sniff.XLSX, budget)
    assert found.cells == {("S", 1, 1): "first@example.com"}
    assert found.gaps == [("damaged", "S")]


def test_entities_are_refused(budget: FileBudget) -> None:
    data = hand_made_xlsx("", extra={"customXml/item1.xml": '<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;">]><a>&c;</a>'})
    assert ("ratio", "customXml/item1.xml") in read(data, sniff.XLSX, budget).gaps


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (hand_made_xlsx("<row/>")[:-60], Reason.TRUNCATED),
        (b"PK\x03\x04" + bytes(range(256)) * 8, Reason.TRUNCATED),
        (b"no zip at all", Reason.DAMAGED),
    ],
)
def test_a_broken_zip_is_unreadable(data: bytes, reason: Reason, budget: FileBudget) -> None:
    with pytest.raises(Unreadable) as caught:
        read(data, sniff.XLSX, budget)
    assert caught.value.reason is reason


def test_a_zip_without_a_workbook_is_a_gap(budget: FileBudget) -> None:
    assert read(zipped({"a.txt": "x"}), sniff.XLSX, budget).gaps != []


def test_a_password_is_said(budget: FileBudget) -> None:
    with pytest.raises(Unreadable) as caught:
        read(b"\xd0\xcf\x11\xe0", sniff.OLE_ENCRYPTED, budget)
    assert caught.value.reason is Reason.ENCRYPTED
