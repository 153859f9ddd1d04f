from __future__ import annotations

import pytest

from scanner.extract import sniff
from scanner.extract.budget import FileBudget
from scanner.model import Reason, Unreadable
from tests.unit.extract.documents import read, zipped

_NS = " ".join(
    f'xmlns:{name}="urn:oasis:{name}"'
    for name in ("office", "table", "text", "style", "dc", "meta", "draw", "presentation", "xlink", "manifest")
)


def _odf(content: str, **parts: str) -> bytes:
    named = {name.replace("_", "."): f"<office:x {_NS}>{text}</office:x>" for name, text in parts.items()}
    return zipped(
        {"content.xml": f"<office:document-content {_NS}><office:body>{content}</office:body></office:document-content>", **named}
    )


def _cell(text: str, extra: str = "", inner: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {extra}>{inner}<text:p>{text}</text:p></table:table-cell>'


def _row(*cells: str) -> str:
    return "<table:table-row>" + "".join(cells) + "</table:table-row>"


_BLANK = '<table:table-cell table:number-columns-repeated="2"/>'


def test_a_sheet_between_repeated_blanks(budget: FileBudget) -> None:
    blank_rows = (
        '<table:table-row table:number-rows-repeated="{}"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    date = '<table:table-cell office:value-type="date" office:date-value="1980-01-02T00:00:00"><text:p>80/1/2</text:p></table:table-cell>'
    number = '<table:table-cell office:value-type="float" office:value="9000000001"><text:p>9.00E+09</text:p></table:table-cell>'
    rows = [
        blank_rows.format(3),
        _row(_BLANK, _cell("氏名"), _cell("電話"), _cell("生年月日")),
        _row(_BLANK, _cell("山田太郎"), number, date),
        _row(_BLANK, _cell("佐藤花子"), _cell("090-0000-0002"), date),
        blank_rows.format(1_048_570),
    ]
    sheet = f'<table:table table:name="名簿">{"".join(rows)}</table:table>'
    found = read(_odf(f"<office:spreadsheet>{sheet}</office:spreadsheet>"), sniff.ODS, budget)
    assert found.headers["名簿"] == ("氏名", "電話", "生年月日")
    assert found.cells[("名簿", 5, 4)] == "9000000001"
    assert found.cells[("名簿", 6, 5)] == "1980-01-02"


def test_repeated_values_do_not_blow_up(budget: FileBudget) -> None:
    wide = _cell("x", 'table:number-columns-repeated="16384"')
    sheet = f'<table:table table:name="S"><table:table-row table:number-rows-repeated="1048576">{wide}</table:table-row></table:table>'
    found = read(_odf(f"<office:spreadsheet>{sheet}</office:spreadsheet>"), sniff.ODS, budget)
    assert 1_024 <= len(found.cells) <= 2_000_000


def test_comments_and_properties_of_a_sheet(budget: FileBudget) -> None:
    note = "<office:annotation><dc:creator>鈴木</dc:creator><dc:date>2026</dc:date><text:p>note@example.com</text:p></office:annotation>"
    sheet = f'<table:table table:name="S">{_row(_cell("x", "", note))}</table:table>'
    meta = '<meta:initial-creator>田中一郎</meta:initial-creator><meta:user-defined meta:name="客">佐藤</meta:user-defined>'
    found = read(_odf(f"<office:spreadsheet>{sheet}</office:spreadsheet>", meta_xml=meta), sniff.ODS, budget)
    assert found.cells == {("S", 1, 1): "x"}
    assert found.texts["S comments"] == "鈴木\nnote@example.com"
    assert found.texts["properties"] == "initial-creator: 田中一郎\n客: 佐藤"


def test_a_text_with_everything_in_it(budget: FileBudget) -> None:
    foot = "<text:note-body><text:p>foot@example.com</text:p></text:note-body>"
    note = f"<text:note><text:note-citation>1</text:note-citation>{foot}</text:note>"
    said = "<dc:creator>鈴木</dc:creator><dc:date>2026-01-01</dc:date><text:p>comment@example.com</text:p>"
    comment = f"<office:annotation>{said}</office:annotation>"
    deleted = "<text:tracked-changes><text:deletion><text:p>deleted@example.com</text:p></text:deletion></text:tracked-changes>"
    table = f"<table:table>{_row(_cell('氏名'), _cell('電話'))}{_row(_cell('山田太郎'), _cell('090-0000-0001'))}</table:table>"
    body = (
        f"{deleted}<text:p>山{note}<text:span>田</text:span>{comment}太郎<text:s text:c='2'/>様</text:p>{table}"
        '<text:p>後<text:soft-page-break/>半</text:p><text:p><text:a xlink:href="mailto:link@example.com">x</text:a></text:p>'
    )
    styles = (
        "<style:style><text:p>sample</text:p></style:style><style:master-page><style:header><text:p>header@example.com</text:p></style:header>"
        "<style:footer><text:p>footer@example.com</text:p></style:footer></style:master-page>"
    )
    found = read(_odf(f"<office:text>{body}</office:text>", styles_xml=styles), sniff.ODT, budget)
    assert found.texts == {
        "deleted": "deleted@example.com",
        "footnotes": "foot@example.com",
        "comments": "鈴木\ncomment@example.com",
        "page 1": "山田太郎  様\n後半",
        "page 2": "x",
        "links": "link@example.com",
        "header": "header@example.com",
        "footer": "footer@example.com",
    }
    assert found.cells[("page 1 table 1", 2, 2)] == "090-0000-0001"


def test_slides_and_their_notes(budget: FileBudget) -> None:
    notes = "<presentation:notes><text:p>n{0}@example.com</text:p></presentation:notes>"
    page = "<draw:page><draw:frame><text:p>{0}@example.com</text:p></draw:frame>" + notes + "</draw:page>"
    found = read(_odf(f"<office:presentation>{page.format(1)}{page.format(2)}</office:presentation>"), sniff.ODP, budget)
    assert found.texts == {
        "slide 1": "1@example.com",
        "slide 1 notes": "n1@example.com",
        "slide 2": "2@example.com",
        "slide 2 notes": "n2@example.com",
    }


def test_a_password_is_said(budget: FileBudget) -> None:
    manifest = '<m:manifest xmlns:m="urn:m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    with pytest.raises(Unreadable) as caught:
        read(zipped({"content.xml": b"\x00\x01random", "META-INF/manifest.xml": manifest}), sniff.ODS, budget)
    assert caught.value.reason is Reason.ENCRYPTED


def test_content_that_is_cut(budget: FileBudget) -> None:
    sheet = f'<office:x {_NS}><office:spreadsheet><table:table table:name="S">{_row(_cell("a@example.com"))}'
    found = read(zipped({"content.xml": sheet}), sniff.ODS, budget)
    assert found.cells == {("S", 1, 1): "a@example.com"}
    assert ("truncated", "S") in found.gaps
