"""Rows and strings read by regular expression are those that expat would have read."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from xml.parsers import expat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract import ooxml_runs
from scanner.extract.budget import FileBudget
from scanner.extract.ooxml_package import Package
from scanner.extract.ooxml_sheet import SharedStrings, _load_strings, _Notes, _SheetParser, _Styles, _Workbook
from scanner.model import Limits, Reason, Unreadable
from tests.unit.extract.documents import blob_of, zipped

NEVER = re.compile("(?!)")
SHEET = '<worksheet xmlns="urn:m" xmlns:x14ac="urn:x"><sheetData>{}</sheetData></worksheet>'
ROW_PIECES = [
    '<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3"><v>1.5</v></c></row>',
    '<row r="4" spans="1:3" x14ac:dyDescent="0.25"><c r="C4" s="1"><v>44000</v></c></row>\n',
    '<row><c r="A1" t="inlineStr"><is><t xml:space="preserve"> a@example.com </t></is></c></row>',
    '<row r="7"/><row r="8"></row>  <row r="9"><c r="B9"/><c r="C9"></c></row>',
    '<row r="10"><c r="D10"><f>SUM(A1:A3)</f><v>7</v></c></row>',
    '<row r="11"><c r="D11" t="str"><f>"x"&amp;A1</f><v>x&amp;y</v></c></row>',
    '<row r="12"><c r="A12" t="inlineStr"><is><r><t>two </t></r><r><t>runs</t></r></is></c></row>',
    '<row r="13"><c><v>5</v></c><c r="AA13" t="b"><v>1</v></c><c><v>6</v></c></row>',
    '<row r="14"><c t="s" r="A14"><v>1</v></c></row>',
    "<row r='15'><c r='A15'><v>1</v></c></row>",
    '<row r="16"><c r="A16" t="inlineStr"><is><t>山田 太郎\r\nsecond</t></is></c></row>',
    '<row r="25" foo:bar="1" x14ac:dyDescent="0.25"><c r="A25"><v>1</v></c></row>',
    '<row r="17" foo:bar="1"><c r="A17"><v>1</v></c></row>',
    '<!-- <row r="18"><c r="A18"><v>1</v></c></row> -->',
    '<![CDATA[<row r="19"><c r="A19"><v>1</v></c></row>]]>',
    '<?pi <row r="20"><c r="A20"><v>1</v></c></row> ?>',
    '<row r="21"><c r="A21"><v>\x01</v></c></row>',
    '<row r="22"><c r="A22"><v>1</v></row>',
    '<row r="23"><c r="XFD23" t="e"><v>#N/A</v></c></row>',
    '<row r="24"><c r="A24" t="s"><v>99</v></c></row>',
    "<sheetPr><row/></sheetPr>",
]
STRING_PIECES = [
    "<si><t>plain</t></si>",
    '<si><t xml:space="preserve"> 佐藤 </t></si>\n',
    "<si><t/></si><si><t></t></si>",
    "<si><r><t>山</t></r><r><t>田</t></r></si>",
    '<si><t>高橋</t><rPh sb="0" eb="2"><t>タカハシ</t></rPh></si>',
    "<si><t>a &amp; b &#x41;</t></si>",
    "<si><t>line\r\nline</t></si>",
    "<!--<si><t>never</t></si>-->",
    "<si><t>cut",
    "<si><t>\uffff</t></si>",
]


def _sheet(data: bytes, size: int, depth: int = 64) -> tuple[list[object], object, object]:
    """Rows, notes, and the fault, of a sheet that comes in chunks of `size` bytes."""
    strings = SharedStrings(None)  # type: ignore[arg-type]  # so few stay in memory
    for text in ("zero", "one"):
        strings.append(text)
    notes = _Notes()
    driver = _SheetParser(_Workbook(None, strings, _Styles((None, None), (False, True)), False), depth, notes)  # type: ignore[arg-type]
    fault: object = None
    try:
        for start in range(0, len(data), size):
            driver.feed(data[start : start + size])
        driver.feed(b"")
    except expat.ExpatError as error:
        fault = error.code
    except Unreadable as error:
        fault = error.reason
    return list(driver.rows), notes, fault


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(ROW_PIECES), max_size=8), st.integers(1, 400), st.sampled_from([64, 6, 3]))
def test_rows_are_those_that_expat_reads(pieces: list[str], size: int, depth: int) -> None:
    data = SHEET.format("".join(pieces)).encode("utf-8", "surrogatepass")
    quick = _sheet(data, size, depth)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ooxml_runs, "ROWS", NEVER)
        assert quick == _sheet(data, size, depth)


@pytest.mark.parametrize("piece", ROW_PIECES[:5])
def test_ordinary_rows_never_come_to_expat(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_SheetParser, "_begin_cell", lambda *_: pytest.fail("expat has read a cell"))
    assert _sheet(SHEET.format(piece).encode(), 1 << 16)[2] is None


@pytest.mark.parametrize("encoding", ["utf-16", "shift_jis", "utf-8"])
def test_other_encodings_are_expats(encoding: str) -> None:
    head = "" if encoding == "utf-16" else f'<?xml version="1.0" encoding="{encoding}"?>'
    data = (head + SHEET.format('<row r="3"><c r="A3" t="inlineStr"><is><t>x@example.com</t></is></c></row>')).encode(encoding)
    if encoding == "shift_jis":  # which expat does not know, as `_rows` says
        with pytest.raises((ValueError, LookupError)):
            _sheet(data, 1 << 16)
    else:
        assert _sheet(data, 1 << 16)[0] == [(3, {1: "x@example.com"})]


def test_a_comment_that_comes_in_two_pieces() -> None:
    data = SHEET.format("<x/>" * 60 + ROW_PIECES[13] + ROW_PIECES[0]).encode()
    whole = _sheet(data, len(data))
    assert len(whole[0]) == 1
    assert all(_sheet(data, size) == whole for size in range(1, len(data)))


def test_a_row_that_is_the_whole_document() -> None:
    assert _sheet(b'<row r="3"><c r="A3"><v>1</v></c></row>', 10)[0] == [(3, {1: "1"})]


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(st.sampled_from(STRING_PIECES), max_size=8))
def test_strings_are_those_that_expat_reads(pieces: list[str]) -> None:
    data = f'<sst xmlns="urn:m">{"".join(pieces)}</sst>'
    quick = _strings(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ooxml_runs, "STRINGS", NEVER)
        assert quick == _strings(data)


def _strings(data: str) -> tuple[list[str], list[str], Reason | None]:

    with tempfile.TemporaryDirectory() as temporary:
        budget = FileBudget(Limits(), Path(temporary))
        strings = SharedStrings(budget)
        with Package(blob_of(zipped({"s.xml": data.encode("utf-8", "surrogatepass")})), budget) as package:
            _load_strings(package, "s.xml", strings)
        return [strings[at] for at in range(len(strings))], strings.phonetic, strings.fault
